package main

import (
	"context"
	"fmt"
	"strings"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/kernel/kernelstack"
	"tcpdrill/engine/uml"
)

// A stack runs jobs, one at a time.
type stack interface {
	Name() string
	// Prepare does beforehand what Run can have done beforehand.
	Prepare() error
	// Ready waits for what Prepare began. Its error says why the stack can't
	// be drilled here and what to do about it.
	Ready(ctx context.Context) error
	// Virtual reports whether the stack's time is virtual, once it is ready.
	Virtual() bool
	// Note is what people are to know of the stack, once it is ready; "" if
	// there is nothing.
	Note() string
	// Run runs a job. When ctx ends before the job does, the run is ended
	// and the error is ctx's.
	Run(ctx context.Context, job *drill.Job) (*engine.Outcome, error)
	Close() error
}

// openStack returns the stack of a name.
func openStack(name string) (stack, error) {
	switch name {
	case "auto":
		return openAuto(), nil
	case "kernel":
		return kernelstack.Open()
	case "gostack":
		return &goStack{}, nil
	}
	if kernel, ok := strings.CutPrefix(name, "uml:"); ok && kernel != "" {
		s, err := uml.Open(kernel)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	return nil, fmt.Errorf("no stack is called %s; tcpdrill stacks lists them", name)
}
