package stacks

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"sync/atomic"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
)

// herePID is what scripts see as $PPID on stacks in this process: always the same, like
// all in virtual time.
const herePID = 1

// A hereTarget is a stack that is Go code.
type hereTarget interface {
	engine.Target
	Configure(engine.NetConfig) error
}

// runHere runs a job on a stack in this process, which open makes. It never waits, so
// that only a script's own loop without an end can keep it long; when ctx ends it is left
// alone, as this process will end. A stack that panics makes its script inconclusive.
func runHere(ctx context.Context, job *drill.Job, name string, open func() hereTarget) (*engine.Outcome, error) {
	done := make(chan *engine.Outcome, 1)
	var last atomic.Pointer[engine.Failure] // where the script was last seen
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- brokeDown(name, p, last.Load())
			}
		}()
		var target hereTarget
		o := drill.Run(job, drill.Place{
			PID:      herePID,
			Progress: &engine.Progress{Watch: func(f engine.Failure) { last.Store(&f) }},
			Open: func(cfg *engine.Config) (engine.Target, error) {
				target = open()
				return target, target.Configure(cfg.Net)
			},
		})
		if c, ok := target.(interface{ Close() }); ok {
			c.Close()
		}
		done <- o
	}()
	select {
	case o := <-done:
		return o, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// brokeDown is the outcome of a script at which the stack itself panicked.
func brokeDown(name string, p any, last *engine.Failure) *engine.Outcome {
	f := engine.Failure{Verdict: engine.Inconclusive}
	if last != nil {
		f.Line, f.Column = last.Line, last.Column
	}
	f.Summary = fmt.Sprintf("%s broke down, which isn't the script's fault: %v", name, p)
	f.Notes = []string{strings.TrimSpace(string(debug.Stack()))}
	return &engine.Outcome{Verdict: f.Verdict, Failures: []engine.Failure{f}}
}
