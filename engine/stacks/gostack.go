package stacks

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"sync/atomic"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/gostack"
)

// A GoStack is the built-in stack. Each job has a new one, in this process.
type GoStack struct {
	Options gostack.Options
}

// Name returns "gostack", with the mistakes that are built in.
func (g *GoStack) Name() string {
	names, _ := gostack.FaultList()
	name := "gostack"
	for _, n := range names {
		if one, err := gostack.ParseFault(n); err == nil && g.Options.Faults&one != 0 {
			name += "+" + n
		}
	}
	return name
}

// faulty returns the built-in stack with mistakes of these names.
func faulty(names []string) (Stack, error) {
	g := &GoStack{}
	for _, name := range names {
		f, err := gostack.ParseFault(name)
		if err != nil {
			return nil, fmt.Errorf("gostack+%s: %w", name, err)
		}
		g.Options.Faults |= f
	}
	return g, nil
}

// Prepare does nothing.
func (*GoStack) Prepare() error { return nil }

// Ready does nothing.
func (*GoStack) Ready(context.Context) error { return nil }

// Virtual returns true.
func (*GoStack) Virtual() bool { return true }

// Note returns "".
func (*GoStack) Note() string { return "" }

// Close does nothing.
func (*GoStack) Close() error { return nil }

// gostackPID is what scripts see as $PPID: always the same, like all in virtual
// time.
const gostackPID = 1

// Run runs a job. It never waits, so that only a script's own loop without an end
// can keep it long; when ctx ends it is left alone, as this process will end. A
// stack that panics makes its script inconclusive.
func (g *GoStack) Run(ctx context.Context, job *drill.Job) (*engine.Outcome, error) {
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
				s := gostack.New(g.Options)
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
