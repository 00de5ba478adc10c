package uml

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/frame"
	"tcpdrill/engine/kernel"
)

// hangAfter is for how long (real time) a guest may give no sign of life in the
// middle of a script. A sign is each event that the script comes to, and time
// in which nothing happens takes none.
var hangAfter = 30 * time.Second

// A Stack is a kernel that runs as a process: one guest, which runs one job
// after the other. If it dies, the next job has a new one.
type Stack struct {
	name    string
	program string
	guest   *guest
	said    hello // by the last guest that was ready
}

// Open returns the stack of a kernel, by the name it was built under or its
// path, with its guest on the way.
func Open(kernelName string) (*Stack, error) {
	program, err := programName(kernelName)
	if err != nil {
		return nil, err
	}
	s := &Stack{name: "uml:" + kernelName, program: program}
	return s, s.Prepare()
}

// Name returns the name for people: "uml:6.12".
func (s *Stack) Name() string { return s.name }

// Version says which kernel it is, once it is ready: "Linux 6.12.9".
func (s *Stack) Version() string { return "Linux " + s.said.Release }

// Prepare boots the guest, if there is none.
func (s *Stack) Prepare() error {
	if s.guest != nil {
		return nil
	}
	g, err := boot(s.program)
	s.guest = g
	return err
}

// Ready waits until the guest can have a job. One that has died is replaced.
func (s *Stack) Ready(ctx context.Context) error {
	if s.guest != nil && s.guest.ended() {
		s.drop()
	}
	if err := s.Prepare(); err != nil {
		return err
	}
	if s.guest.said.Release != "" {
		return nil
	}
	if err := s.guest.greet(ctx); err != nil {
		s.drop()
		return fmt.Errorf("%s: %w", s.program, err)
	}
	s.said = s.guest.said
	return nil
}

// Virtual reports whether the guest's time is virtual, once it is ready.
func (s *Stack) Virtual() bool { return s.said.Virtual }

// Note says that the guest's time is real, if it is.
func (s *Stack) Note() string {
	if s.said.Virtual {
		return ""
	}
	return fmt.Sprintf("Linux %s was built without time travel: its time is real", s.said.Release)
}

// drop ends the guest.
func (s *Stack) drop() {
	g := s.guest
	s.guest = nil
	g.kill()
	<-g.gone
	g.close()
}

// Close ends the guest.
func (s *Stack) Close() error {
	if s.guest != nil {
		s.drop()
	}
	return nil
}

// Run runs a job and returns its outcome. A guest that dies of it, hangs, or
// runs out of memory is no error: the outcome is inconclusive, and says so.
func (s *Stack) Run(ctx context.Context, job *drill.Job) (*engine.Outcome, error) {
	if err := s.Ready(ctx); err != nil {
		return nil, err
	}
	g := s.guest
	payload, err := json.Marshal(job)
	if err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, g.kill)()
	g.progress.set(nil)
	console := g.consoleSize()
	watch := g.watch()
	outcome, err := g.run(kernel.Job{Paths: job.Paths(), Payload: payload})
	hung := watch.stop()
	if ctx.Err() != nil {
		s.drop()
		return nil, ctx.Err()
	}
	if errors.Is(err, errGuestDied) || hung {
		s.drop()
	}
	switch {
	case outcome != nil: // whatever came after it
	case hung:
		return g.inconclusive("the guest hangs: nothing has happened for "+hangAfter.String(), ""), nil
	case errors.Is(err, errGuestDied):
		summary := fmt.Sprintf("the guest's kernel died: %v", g.state)
		if panicked := linesWith(g.consoleFrom(console), []string{"Kernel panic"}); panicked != "" {
			_, why, _ := strings.Cut(panicked, "Kernel panic")
			summary = "the guest's kernel died: Kernel panic" + why
		}
		return g.inconclusive(summary, g.lastWords(console)), nil
	}
	text := g.consoleFrom(console)
	if lines := linesWith(text, outOfMemory); lines != "" {
		if s.guest != nil {
			s.drop() // whatever else it may have killed
		}
		o := g.inconclusive("the guest ran out of memory", lines)
		if outcome != nil {
			o.Timeline, o.Output = outcome.Timeline, outcome.Output
		}
		return o, nil
	}
	if lines := linesWith(text, complaints); lines != "" && outcome != nil {
		outcome.Warnings = append(outcome.Warnings, engine.Failure{
			Verdict: engine.Pass, Summary: "the kernel complained on its console", Notes: []string{lines},
		})
	}
	return outcome, err
}

// What a kernel says on its console when it has no memory left. In User Mode
// Linux a process may also have more pieces of memory than the host lets a
// process map (vm.max_map_count): that of some hundred megabytes.
var outOfMemory = []string{"Out of memory: ", "oom-kill:", "ran out of memory"}

// What it says of a bug of its own that it survives.
var complaints = []string{"WARNING: ", "BUG: ", "INFO: ", "Call Trace:"}

// linesWith returns the lines that have one of the words.
func linesWith(text []byte, words []string) string {
	var out []string
	for line := range strings.Lines(string(text)) {
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(line, w) }) {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return strings.Join(out, "\n")
}

var errGuestDied = errors.New("the guest died")

// run has the guest run a job and returns its outcome.
func (g *guest) run(job kernel.Job) (*engine.Outcome, error) {
	if err := g.give(job); err != nil {
		if errors.Is(err, os.ErrClosed) {
			return nil, errGuestDied
		}
		return nil, fmt.Errorf("giving the guest its task: %w", err)
	}
	var o *engine.Outcome
	for {
		kind, payload, err := frame.Read(g.frames)
		if err != nil {
			g.kill()
			return nil, errGuestDied
		}
		switch kind {
		case frameMessage:
			o = new(engine.Outcome)
			if err := json.Unmarshal(payload, o); err != nil {
				return nil, fmt.Errorf("the guest's outcome: %w", err)
			}
		case frameDone:
			switch {
			case o != nil:
				return o, nil // whether or not the worker ended in good order
			case len(payload) > 0:
				return nil, errors.New(string(payload))
			}
			return nil, errors.New("the worker said nothing")
		default:
			return nil, fmt.Errorf("unexpected frame %q from the guest", kind)
		}
	}
}

// inconclusive is the outcome of a script that the guest couldn't run to its
// end: at the line it was last at.
func (g *guest) inconclusive(summary, words string) *engine.Outcome {
	f := engine.Failure{Verdict: engine.Inconclusive, Summary: summary}
	if g.ended() {
		<-g.progress.end
	}
	var at engine.Failure
	if last, _ := g.progress.get(); last != nil && json.Unmarshal(last, &at) == nil {
		f.Line, f.Column = at.Line, at.Column
		f.Notes = append(f.Notes, "the last that was heard of the script: "+at.Summary)
	}
	if words != "" {
		f.Notes = append(f.Notes, "the last of its console:\n"+words)
	}
	return &engine.Outcome{Verdict: f.Verdict, Failures: []engine.Failure{f}}
}

// A watchdog ends a guest that gives no sign of life.
type watchdog struct {
	done chan struct{}
	hung chan bool
}

// watch watches a guest. Where its time is real it may well do nothing for long.
func (g *guest) watch() *watchdog {
	w := &watchdog{done: make(chan struct{}), hung: make(chan bool, 1)}
	if !g.said.Virtual {
		w.hung <- false
		return w
	}
	began := time.Now()
	go func() {
		for {
			_, sign := g.progress.get()
			if sign.Before(began) {
				sign = began
			}
			left := hangAfter - time.Since(sign)
			if left <= 0 {
				g.kill()
				w.hung <- true
				return
			}
			select {
			case <-w.done:
				w.hung <- false
				return
			case <-time.After(left):
			}
		}
	}()
	return w
}

// stop ends the watch and reports whether the guest hung.
func (w *watchdog) stop() bool {
	close(w.done)
	return <-w.hung
}
