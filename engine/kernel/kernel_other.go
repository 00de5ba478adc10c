//go:build !linux

package kernel

import (
	"context"
	"time"

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

// StartBare fails.
func StartBare(context.Context) (*Worker, error) { return nil, tun.ErrNotLinux }

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

// A Canary knows how late the machine is.
type Canary struct{}

// StartCanary fails.
func StartCanary() (*Canary, error) { return nil, tun.ErrNotLinux }

// Late returns 0.
func (*Canary) Late(from, to time.Duration) time.Duration { return 0 }

// Home returns false.
func (*Canary) Home(context.Context) (int, bool) { return 0, false }

// StayAwake does nothing.
func (*Canary) StayAwake() (sleep func()) { return func() {} }

// Now returns 0.
func (*Canary) Now() time.Duration { return 0 }

// Close does nothing.
func (*Canary) Close() error { return nil }

// Version returns "".
func Version() string { return "" }
