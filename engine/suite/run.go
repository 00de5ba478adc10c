package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/kernel/kernelstack"
	"tcpdrill/engine/report"
	"tcpdrill/engine/stacks"
)

// DefaultTimeout is how long a script may take that doesn't say so.
const DefaultTimeout = 180 * time.Second

// A Runner runs tasks.
type Runner struct {
	Preset   string           // see Presets
	Settings []engine.Setting // of the command line, which win over the preset's and the script's
	Reruns   int              // how often an inconclusive script is run again
	// Note is told once what people are to know of the stack; nil: nobody.
	Note func(stack, note string)
	// Observe is told what begins and what ends; nil: nobody. It is called from
	// several goroutines at a time.
	Observe func(Event)

	noted   sync.Once
	drilled atomic.Bool // the stack could be, so far
	virtual bool        // the time of the first is, as far as is known before
}

// unavailable says that the stack can't be drilled here.
type unavailable struct{ error }

// Run runs all tasks, one at a time on each of the stacks, which it closes. Results
// are emitted in the order of the tasks. If ctx ends before all is done, the name
// of the first script that has no result is returned.
func (r *Runner) Run(ctx context.Context, lanes []stacks.Stack, tasks []Task, emit func(report.Run)) (interrupted string) {
	r.virtual = lanes[0].Virtual()
	results := make([]chan report.Run, len(tasks))
	for i := range results {
		results[i] = make(chan report.Run, 1)
	}
	var next atomic.Int64
	var running sync.WaitGroup
	for _, st := range lanes {
		running.Go(func() {
			defer st.Close()
			for {
				i := int(next.Add(1)) - 1
				if i >= len(tasks) {
					return
				}
				if ctx.Err() == nil {
					r.observe(Event{Index: i, Task: tasks[i]})
					if one, ok := r.One(ctx, st, tasks[i]); ok {
						results[i] <- one
						r.observe(Event{Index: i, Task: tasks[i], Result: &one})
					}
				}
				close(results[i])
			}
		})
	}
	for i, c := range results {
		one, ok := <-c
		switch {
		case ok && interrupted == "":
			emit(one)
		case interrupted == "":
			interrupted = tasks[i].Name
		}
	}
	running.Wait()
	return interrupted
}

// One runs one task on a stack, and reports whether there is a result: not if ctx
// ended.
func (r *Runner) One(ctx context.Context, st stacks.Stack, t Task) (one report.Run, ok bool) {
	began := time.Now()
	settings := []engine.Setting{{Name: "ip_version", Value: string(t.Version), HasValue: true}}
	preset, err := presetSettings(r.Preset, t.Version)
	var o *engine.Outcome
	reruns := 0
	if err == nil {
		// What the command line says wins over the preset.
		job := drill.NewJob(t.Name, t.Source, slices.Concat(settings, preset, r.Settings))
		job.Defaults = []engine.Setting{{Name: "timeout", Value: DefaultTimeout.String(), HasValue: true}}
		o, err = r.outcome(ctx, st, job)
		// In virtual time nothing is late, and the same would come out again.
		for err == nil && o.Verdict == engine.Inconclusive && reruns < r.Reruns && !st.Virtual() {
			reruns++
			o, err = r.outcome(ctx, st, job)
		}
	}
	var none *unavailable
	switch {
	case ctx.Err() != nil:
		return one, false
	case errors.As(err, &none) && r.drilled.Load():
		// It could before: the machine is short of something.
		o = failed(err, engine.Inconclusive)
	case errors.As(err, &none):
		o = failed(fmt.Errorf("nothing can be drilled here: %w", err), engine.Unsupported)
	case err != nil:
		o = drill.Failed(err)
	}
	return report.Run{
		Script: t.Name, Source: t.Source, Stack: st.Name(), IPVersion: t.Version, Outcome: o,
		Seconds: time.Since(began).Seconds(),
		// Of a script that didn't come to be run the stack may not know yet.
		Virtual: r.virtual || st.Virtual(),
		Reruns:  reruns,
		Repeat:  t.Repeat,
	}, true
}

// failed is the outcome of a script that could not be run.
func failed(err error, v engine.Verdict) *engine.Outcome {
	o := drill.Failed(err)
	o.Verdict, o.Failures[0].Verdict = v, v
	return o
}

func (r *Runner) outcome(ctx context.Context, st stacks.Stack, job *drill.Job) (*engine.Outcome, error) {
	_, cfg, err := job.Load()
	if err != nil {
		return nil, err
	}
	if cfg.DryRun {
		return &engine.Outcome{Verdict: engine.Pass}, nil
	}
	if err := st.Ready(ctx); err != nil {
		return nil, &unavailable{err}
	}
	r.drilled.Store(true)
	if note := st.Note(); note != "" && r.Note != nil {
		r.noted.Do(func() { r.Note(st.Name(), note) })
	}
	if cfg.Timeout > 0 && !st.Virtual() {
		// The run ends by itself before that.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cfg.Timeout+2*kernelstack.StuckAfter)
		defer cancel()
	}
	o, err := st.Run(ctx, job)
	if errors.Is(err, context.DeadlineExceeded) {
		return engine.GivenUp(cfg.Timeout), nil
	}
	return o, err
}
