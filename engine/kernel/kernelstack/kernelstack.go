// Package kernelstack runs jobs on the kernel's stack, each in a worker
// process of its own.
package kernelstack

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/kernel"
)

// StuckAfter is how long after its timeout a run is given up that the engine
// can't end, since a call or command doesn't return.
const StuckAfter = 5 * time.Second

// A Stack is the host's Linux stack. Prepare has the worker of the next Run
// ready beforehand. The zero Stack is usable.
type Stack struct {
	next *kernel.Worker
}

// Open returns the stack with its first worker on the way. Its error, like
// that of Ready, says why the kernel can't be drilled here and what to do about
// it.
func Open() (*Stack, error) {
	s := &Stack{}
	return s, s.Prepare()
}

// Name returns "kernel".
func (s *Stack) Name() string { return "kernel" }

// Virtual returns false.
func (s *Stack) Virtual() bool { return false }

// Note returns "".
func (s *Stack) Note() string { return "" }

// Prepare starts the worker of the next Run, which sets itself up meanwhile.
func (s *Stack) Prepare() error {
	if s.next != nil {
		return nil
	}
	w, err := kernel.Start(context.Background())
	if err == nil {
		canary() // it needs a while
	}
	s.next = w
	return err
}

// Ready waits for the worker of the next Run. The error says why the kernel
// can't be drilled here and what to do about it.
func (s *Stack) Ready(ctx context.Context) error {
	if err := s.Prepare(); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, s.next.Kill)()
	err := s.next.Ready()
	if err != nil {
		// It says why only once.
		s.next.Kill()
		s.next = nil
	}
	return err
}

// Run runs a job and returns its outcome. The worker goes away by itself
// afterwards; what it takes to remove its device is not waited for. If ctx
// ends first the worker is killed, which leaves nothing behind. A run that
// exceeds the script's --timeout ends by itself, StuckAfter later at most.
func (s *Stack) Run(ctx context.Context, job *drill.Job) (*engine.Outcome, error) {
	if err := s.Prepare(); err != nil {
		return nil, err
	}
	w := s.next
	s.next = nil
	payload, err := json.Marshal(job)
	if err != nil {
		w.Kill()
		return nil, err
	}
	return RunOn(ctx, w, kernel.Job{Paths: job.Paths(), Payload: payload})
}

// RunOn has a worker run a job, on the processor for scripts, and returns the outcome, as
// Run does.
func RunOn(ctx context.Context, w *kernel.Worker, job kernel.Job) (*engine.Outcome, error) {
	defer context.AfterFunc(ctx, w.Kill)()
	var o *engine.Outcome
	job.Processor = home.Load()
	err := w.Run(job, func(msg []byte) {
		o = new(engine.Outcome)
		if e := json.Unmarshal(msg, o); e != nil {
			o.Verdict = engine.Error
			o.Failures = []engine.Failure{{Verdict: engine.Error, Summary: e.Error()}}
		}
	})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	switch {
	case o != nil:
		if c := canary(); c != nil {
			doubt(o, c.Late)
		}
		explain(o)
		return o, nil // whether or not the worker was able to end in good order
	case err == nil:
		err = fmt.Errorf("the worker said nothing")
	}
	return nil, err
}

// Close ends the worker that waits for a job.
func (s *Stack) Close() error {
	if s.next != nil {
		s.next.Kill()
	}
	return nil
}
