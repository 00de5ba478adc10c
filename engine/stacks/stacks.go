// Package stacks opens the stacks that can be drilled, by their names.
package stacks

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/kernel"
	"tcpdrill/engine/kernel/kernelstack"
	"tcpdrill/engine/netstack"
	"tcpdrill/engine/proxy"
	"tcpdrill/engine/uml"
)

// A Stack runs jobs, one at a time.
type Stack interface {
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

// Main is to be called first thing in main, and in TestMain, of programs that open
// stacks: a process may be a worker of one, and then Main doesn't return.
func Main() {
	proxy.Register()
	uml.Main()
}

// Open opens the stack of a name: auto, kernel, gostack, gostack+FAULT with mistakes
// built in, netstack, uml:KERNEL, passt and slirp, or passt:PROGRAM.
func Open(name string) (Stack, error) {
	switch name {
	case "auto":
		return openAuto(), nil
	case "kernel":
		return kernelstack.Open()
	case "gostack":
		return &GoStack{}, nil
	case "netstack":
		return NetStack{}, nil
	}
	if faults, ok := strings.CutPrefix(name, "gostack+"); ok {
		return faulty(strings.Split(faults, "+"))
	}
	if kernel, ok := strings.CutPrefix(name, "uml:"); ok && kernel != "" {
		s, err := uml.Open(kernel)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	if proxy.Is(name) {
		return proxy.Open(name)
	}
	return nil, fmt.Errorf("no stack is called %s; tcpdrill stacks lists them", name)
}

// Lateness returns what says how late the machine was, at worst, in the last while;
// nil for a stack to which that doesn't matter or of which it isn't known.
func Lateness(s Stack) func(d time.Duration) time.Duration {
	switch s := s.(type) {
	case *Auto:
		return Lateness(s.Stack)
	case *kernelstack.Stack, *proxy.Stack:
		return kernelstack.Late
	}
	return nil
}

// Version says which release of what a stack is, and how fast its timer ticks, once it
// is ready: "Linux 6.12.9, HZ=250".
func Version(s Stack) string {
	switch s := s.(type) {
	case *Auto:
		return Version(s.Stack)
	case *kernelstack.Stack:
		return kernel.Version()
	case *GoStack:
		return fmt.Sprintf("Linux-like, HZ=%d", cmp.Or(s.Options.HZ, 1000))
	case NetStack:
		return netstack.Version()
	case *uml.Stack:
		return s.Version()
	case *proxy.Stack:
		return s.Version()
	}
	return ""
}

// Gather has the machine made ready for scripts, where that matters, until part is called.
func Gather(ctx context.Context, s Stack) (part func()) {
	if Lateness(s) != nil {
		return kernelstack.Gather(ctx)
	}
	return func() {}
}

// Another opens one more of a stack that is ready, to run jobs beside it.
func Another(s Stack, name string) (Stack, error) {
	if a, ok := s.(*Auto); ok {
		return a.another()
	}
	switch s := s.(type) {
	case *GoStack:
		return &GoStack{Options: s.Options}, nil
	case *kernelstack.Stack:
		return &kernelstack.Stack{}, nil // its worker starts when there is a job
	}
	return Open(name)
}
