package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/gostack"
	"tcpdrill/engine/kernel/kernelstack"
)

// goStackFlags are what can be chosen of the built-in stack.
type goStackFlags struct {
	HZ    int      `name:"hz" placeholder:"N" help:"Frequency of gostack's timer: 100, 250 or 1000 (the default)."`
	Fault []string `placeholder:"NAME,…" help:"Build mistakes into gostack; tcpdrill mutate --list names them."`
}

// open returns the stack of a name, with what was chosen if it is the built-in one.
func (f *goStackFlags) open(name string) (stack, error) {
	if name != "gostack" {
		if f.HZ != 0 || len(f.Fault) > 0 {
			return nil, fmt.Errorf("--hz and --fault are for --stack=gostack, not for %s", name)
		}
		return openStack(name)
	}
	// Of Linux's choices, those whose ticks are a whole number of nanoseconds.
	if f.HZ != 0 && !slices.Contains([]int{100, 250, 1000}, f.HZ) {
		return nil, fmt.Errorf("--hz: want 100, 250 or 1000, got %d", f.HZ)
	}
	faults, err := parseFaults(f.Fault)
	if err != nil {
		return nil, err
	}
	g := &goStack{opts: gostack.Options{HZ: f.HZ}}
	for _, one := range faults {
		g.opts.Faults |= one
	}
	return g, nil
}

// parseFaults returns the faults of names, one by one.
func parseFaults(names []string) ([]gostack.Faults, error) {
	var faults []gostack.Faults
	for _, name := range names {
		one, err := gostack.ParseFault(name)
		if err != nil {
			return nil, fmt.Errorf("--fault: %w; tcpdrill mutate --list lists them", err)
		}
		faults = append(faults, one)
	}
	return faults, nil
}

// A goStack is the built-in stack. Each job has a new one, in this process.
type goStack struct {
	opts gostack.Options
}

// Name returns "gostack", with the mistakes that are built in.
func (g *goStack) Name() string {
	names, _ := gostack.FaultList()
	name := "gostack"
	for _, n := range names {
		if one, err := gostack.ParseFault(n); err == nil && g.opts.Faults&one != 0 {
			name += "+" + n
		}
	}
	return name
}

// Prepare does nothing.
func (*goStack) Prepare() error { return nil }

// Ready does nothing.
func (*goStack) Ready(context.Context) error { return nil }

// Virtual returns true.
func (*goStack) Virtual() bool { return true }

// Note returns "".
func (*goStack) Note() string { return "" }

// Close does nothing.
func (*goStack) Close() error { return nil }

// gostackPID is what scripts see as $PPID: always the same, like all in virtual
// time.
const gostackPID = 1

// Run runs a job. It never waits, so that only a script's own loop without an end
// can keep it long; when ctx ends it is left alone, as this process will end. A
// stack that panics makes its script inconclusive.
func (g *goStack) Run(ctx context.Context, job *drill.Job) (*engine.Outcome, error) {
	done := make(chan *engine.Outcome, 1)
	var last atomic.Pointer[engine.Failure] // where the script was last seen
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- brokeDown(p, last.Load())
			}
		}()
		done <- drill.Run(job, drill.Place{
			PID:      gostackPID,
			Progress: &engine.Progress{Watch: func(f engine.Failure) { last.Store(&f) }},
			Open: func(cfg *engine.Config) (engine.Target, error) {
				s := gostack.New(g.opts)
				return s, s.Configure(cfg.Net)
			},
		})
	}()
	select {
	case o := <-done:
		return o, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// brokeDown is the outcome of a script at which the stack itself panicked.
func brokeDown(p any, last *engine.Failure) *engine.Outcome {
	f := engine.Failure{Verdict: engine.Inconclusive}
	if last != nil {
		f.Line, f.Column = last.Line, last.Column
	}
	f.Summary = fmt.Sprintf("gostack broke down, which is a mistake in tcpdrill: %v", p)
	f.Notes = []string{strings.TrimSpace(string(debug.Stack()))}
	return &engine.Outcome{Verdict: f.Verdict, Failures: []engine.Failure{f}}
}

// An autoStack is the kernel's stack, or the built-in one where the kernel can't be
// drilled. It is decided once, when it is first to be ready.
type autoStack struct {
	stack
	decided bool
	why     error // it isn't the kernel's
}

func openAuto() *autoStack {
	k, _ := kernelstack.Open() // Ready tells the error again
	return &autoStack{stack: k}
}

// Ready decides which stack it is.
func (a *autoStack) Ready(ctx context.Context) error {
	err := a.stack.Ready(ctx)
	if err == nil || a.decided || ctx.Err() != nil {
		a.decided = a.decided || err == nil
		return err
	}
	a.stack.Close()
	a.stack, a.why, a.decided = &goStack{}, err, true
	return nil
}

// Note says why it isn't the kernel's.
func (a *autoStack) Note() string {
	if a.why == nil {
		return a.stack.Note()
	}
	return fmt.Sprintf("the built-in stack, which is like Linux, since the kernel can't be drilled here: %v", a.why)
}

// another returns one more of the stack that was decided on.
func (a *autoStack) another() stack {
	return &autoStack{stack: &goStack{}, decided: true, why: a.why}
}
