package stacks

import (
	"context"
	"fmt"

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

// Run runs a job.
func (g *GoStack) Run(ctx context.Context, job *drill.Job) (*engine.Outcome, error) {
	return runHere(ctx, job, "gostack", func() hereTarget { return gostack.New(g.Options) })
}
