package proxy

import (
	"context"
	"encoding/json"
	"fmt"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/kernel"
	"tcpdrill/engine/kernel/kernelstack"
)

// A Stack is a proxy. Each job has a new one, in a worker process of its own, in whose
// namespaces the proxy lives and with which it ends.
type Stack struct {
	name    string
	kind    Kind
	given   string // the program, if the name says so
	program string // where it is, once it was found
	version string
	next    *kernel.Worker // of the next Run, if it was prepared
}

// Open returns the proxy of a name: "passt", "slirp", "passt:/path/to/binary".
func Open(name string) (*Stack, error) {
	kind, path, ok := parse(name)
	if !ok {
		return nil, fmt.Errorf("no proxy is called %s", name)
	}
	return &Stack{name: name, kind: kind, given: path}, nil
}

// Name returns the name for people: "passt".
func (s *Stack) Name() string { return s.name }

// Virtual returns false.
func (s *Stack) Virtual() bool { return false }

// Note returns "".
func (s *Stack) Note() string { return "" }

// Version says which release it is: "slirp4netns 1.2.0, libslirp 4.7.0".
func (s *Stack) Version() string {
	if s.version == "" && s.find() == nil {
		s.version = version(s.kind, s.program)
	}
	return s.version
}

// A task is what a worker is told.
type task struct {
	Kind Kind
	Path string // of the program
	Job  *drill.Job
}

// find looks for the program.
func (s *Stack) find() (err error) {
	if s.program == "" {
		s.program, err = find(s.kind, s.given)
	}
	return err
}

// Prepare starts the worker of the next Run, which sets itself up meanwhile.
func (s *Stack) Prepare() error {
	if s.next != nil {
		return nil
	}
	if err := s.find(); err != nil {
		return err
	}
	w, err := kernel.StartBare(context.Background())
	if err == nil {
		kernelstack.Watch()
	}
	s.next = w
	return err
}

// Ready waits for the worker of the next Run. The error says why the proxy can't be drilled
// here and what to do about it.
func (s *Stack) Ready(ctx context.Context) error {
	if err := s.Prepare(); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, s.next.Kill)()
	err := s.next.Ready()
	if err != nil {
		s.next.Kill() // it says why only once
		s.next = nil
	}
	return err
}

// Run runs a job and returns its outcome, as that of the kernel's stack does.
func (s *Stack) Run(ctx context.Context, job *drill.Job) (*engine.Outcome, error) {
	if err := s.Prepare(); err != nil {
		return nil, err
	}
	w := s.next
	s.next = nil
	payload, err := json.Marshal(task{s.kind, s.program, job})
	if err != nil {
		w.Kill()
		return nil, err
	}
	return kernelstack.RunOn(ctx, w, kernel.Job{Paths: append(job.Paths(), s.program), Payload: payload})
}

// Close ends the worker that waits for a job.
func (s *Stack) Close() error {
	if s.next != nil {
		s.next.Kill()
	}
	return nil
}
