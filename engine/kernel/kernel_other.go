//go:build !linux

package kernel

import (
	"context"

	"tcpdrill/tun"
)

// A Target is the host's Linux stack, which other systems haven't got.
type Target struct{}

// A Worker runs one job.
type Worker struct{}

// Main does nothing.
func Main() {}

// Available says that there is no Linux stack here.
func Available() error { return tun.ErrNotLinux }

// Start fails.
func Start(context.Context) (*Worker, error) { return nil, tun.ErrNotLinux }

// Ready fails.
func (*Worker) Ready() error { return tun.ErrNotLinux }

// Run fails.
func (*Worker) Run(Job, func([]byte)) error { return tun.ErrNotLinux }

// Pid returns 0.
func (*Worker) Pid() int { return 0 }

// Kill does nothing.
func (*Worker) Kill() {}

// Wait does nothing.
func (*Worker) Wait() {}

// WaitAll does nothing.
func WaitAll() {}

// Version returns "".
func Version() string { return "" }
