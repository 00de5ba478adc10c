package stacks

import (
	"context"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/netstack"
)

// A NetStack is gVisor's stack. Each job has a new one, in this process.
type NetStack struct{}

// Name returns "netstack".
func (NetStack) Name() string { return "netstack" }

// Prepare does nothing.
func (NetStack) Prepare() error { return nil }

// Ready does nothing.
func (NetStack) Ready(context.Context) error { return nil }

// Virtual returns true.
func (NetStack) Virtual() bool { return true }

// Note returns "".
func (NetStack) Note() string { return "" }

// Close does nothing.
func (NetStack) Close() error { return nil }

// Run runs a job.
func (NetStack) Run(ctx context.Context, job *drill.Job) (*engine.Outcome, error) {
	return runHere(ctx, job, "netstack", func() hereTarget { return netstack.New() })
}
