//go:build !linux

package uml

import (
	"context"
	"errors"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/kernel/kernelstack"
)

var errNotLinux = errors.New("kernels run as processes on Linux only")

// Main runs a worker if this process is one.
func Main() { kernelstack.Main() }

// A Stack is a kernel that runs as a process, which there is on Linux only.
type Stack struct{}

// Open fails.
func Open(string) (*Stack, error) { return nil, errNotLinux }

// Name returns "".
func (*Stack) Name() string { return "" }

// Version returns "".
func (*Stack) Version() string { return "" }

// Prepare fails.
func (*Stack) Prepare() error { return errNotLinux }

// Ready fails.
func (*Stack) Ready(context.Context) error { return errNotLinux }

// Virtual returns false.
func (*Stack) Virtual() bool { return false }

// Note returns "".
func (*Stack) Note() string { return "" }

// Run fails.
func (*Stack) Run(context.Context, *drill.Job) (*engine.Outcome, error) { return nil, errNotLinux }

// Close does nothing.
func (*Stack) Close() error { return nil }
