package drilltest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"tcpdrill/engine/report"
	"tcpdrill/engine/stacks"
	"tcpdrill/engine/suite"
)

// requireKernel is the environment variable with which it is a failure that the kernel
// can't be drilled.
const requireKernel = "TCPDRILL_REQUIRE_KERNEL"

// A batch is what runs together: the scripts of all subtests of one Run that were entered.
// testing says of no subtest whether it will be. But one that calls t.Parallel goes on only
// when the test's function has returned, and all others have come so far.
type batch struct {
	*config
	t       *testing.T // whose subtests they are
	entered []*subtest
	once    sync.Once
	done    chan struct{}
}

// A subtest waits for its result. None comes if the tests are at their end before.
type subtest struct {
	stack  string
	task   suite.Task
	result chan result
}

// A result is a run, or why there is none.
type result struct {
	run  *report.Run
	skip string
	err  error
}

func newBatch(t *testing.T, c *config) *batch {
	b := &batch{config: c, t: t, done: make(chan struct{})}
	t.Cleanup(func() {
		b.once.Do(func() { close(b.done) }) // nobody entered
		<-b.done
	})
	return b
}

// enter adds a subtest. One at a time does.
func (b *batch) enter(stack string, task suite.Task) *subtest {
	one := &subtest{stack: stack, task: task, result: make(chan result, 1)}
	b.entered = append(b.entered, one)
	return one
}

// start runs all that entered, if that wasn't begun.
func (b *batch) start() { b.once.Do(func() { go b.run() }) }

// observe is for tests: it is told what begins and what ends.
var observe = func(suite.Event) {}

// machine is held by the batch that runs: two would make each other late.
var machine sync.Mutex

func (b *batch) run() {
	defer close(b.done)
	machine.Lock()
	defer machine.Unlock()
	ctx, cancel := b.context()
	defer cancel()
	for _, name := range b.stacks {
		var here []*subtest
		for _, one := range b.entered {
			if one.stack == name {
				here = append(here, one)
			}
		}
		if len(here) > 0 {
			b.runOn(ctx, name, here)
		}
	}
}

// context ends with the test, or shortly before -timeout ends the process, so that it is
// still said what was run: on a busy machine a worker's end takes a second.
func (b *batch) context() (context.Context, context.CancelFunc) {
	at, ok := b.t.Deadline()
	if !ok {
		return context.WithCancel(b.t.Context())
	}
	return context.WithDeadline(b.t.Context(), at.Add(-max(time.Until(at)/20, 2*time.Second)))
}

// runOn runs subtests on a stack.
func (b *batch) runOn(ctx context.Context, name string, all []*subtest) {
	defer func() {
		for _, one := range all {
			close(one.result)
		}
	}()
	first, err := stacks.Open(name)
	if first != nil {
		if err = first.Ready(ctx); ctx.Err() != nil {
			first.Close()
			return
		}
		err = required(first, name, err)
	}
	var lanes []stacks.Stack
	entered := b.long(first, all)
	if err == nil {
		lanes, err = suite.Lanes(ctx, first, name, b.jobs, len(entered))
	}
	if err != nil {
		for _, one := range entered {
			one.result <- result{err: err}
		}
		return
	}
	tasks := make([]suite.Task, len(entered))
	for i, one := range entered {
		tasks[i] = one.task
	}
	r := &suite.Runner{
		Preset: b.preset, Settings: b.settings, Reruns: b.reruns,
		Note: func(stack, note string) { fmt.Fprintf(b.t.Output(), "%s: %s\n", stack, note) },
		Observe: func(e suite.Event) {
			observe(e)
			if e.Result != nil {
				entered[e.Index].result <- result{run: e.Result}
			}
		},
	}
	r.Run(ctx, lanes, tasks, func(report.Run) {})
}

// required returns what of a stack that isn't ready, or isn't the kernel's, is a failure.
// Else it is for the scripts to say, as far as they need it.
func required(st stacks.Stack, name string, ready error) error {
	if os.Getenv(requireKernel) == "" || name != "kernel" && name != "auto" {
		return nil
	}
	switch {
	case ready != nil:
	case st.Name() != "kernel":
		ready = errors.New(st.Note())
	default:
		return nil
	}
	st.Close()
	return fmt.Errorf("%s is set: %w", requireKernel, ready)
}

// long skips subtests that take too long for -short and returns the others.
func (b *batch) long(st stacks.Stack, all []*subtest) (others []*subtest) {
	if !testing.Short() || b.short == 0 || st == nil || st.Virtual() {
		return all
	}
	for _, one := range all {
		if takes := suite.Estimate(one.task); takes > b.short {
			one.result <- result{skip: fmt.Sprintf("takes %v, too long for -short", takes)}
		} else {
			others = append(others, one)
		}
	}
	return others
}
