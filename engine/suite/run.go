package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/kernel/kernelstack"
	"tcpdrill/engine/report"
	"tcpdrill/engine/stacks"
	"tcpdrill/script"
)

// DefaultTimeout is how long a script may take that doesn't say so.
const DefaultTimeout = 180 * time.Second

// A Runner runs tasks.
type Runner struct {
	Preset   string           // "kselftest", or "" for none
	Settings []engine.Setting // of the command line, which win over the preset's and the script's
	Reruns   int              // how often a script is run again that is inconclusive, or passed barely
	Plain    bool             // the stack's own verdict, also where the script says that it differs there
	// Note is told once what people are to know of the stack; nil: nobody.
	Note func(stack, note string)
	// Observe is told what begins and what ends; nil: nobody. It is called from
	// several goroutines at a time.
	Observe func(Event)
	// Revise is told each result and may have the task run again, with another source;
	// nil: it never is. It is called from several goroutines at a time.
	Revise func(index int, one report.Run) (source []byte, again bool)

	noted   sync.Once
	drilled atomic.Bool // the stack could be, so far
	virtual bool        // the time of the first is, as far as is known before
}

// unavailable says that the stack can't be drilled here.
type unavailable struct{ error }

// Run runs all tasks, one at a time on each of the stacks, which it closes. Results
// are emitted in the order of the tasks. If ctx ends before all is done, the name
// of the first script that has no result is returned.
//
// In real time the longest scripts begin first, and no more run at a time than are needed for
// the suite to take as long as the longest, nor than the machine lets be on time. Those whose
// runs were inconclusive, or passed barely, run again as soon as few run beside them, fewer
// each time.
func (r *Runner) Run(ctx context.Context, lanes []stacks.Stack, tasks []Task, emit func(report.Run)) (interrupted string) {
	r.virtual = lanes[0].Virtual()
	free := make(chan stacks.Stack, len(lanes))
	for _, st := range lanes {
		free <- st
		defer st.Close()
	}
	tasks = slices.Clone(tasks)
	ordered := newOrdered(tasks, emit)
	pending := make([]int, len(tasks))
	for i := range pending {
		pending[i] = i
	}
	var takes []time.Duration
	if !r.virtual {
		pending, takes = longestFirst(tasks)
		// Scripts that wait for nothing depend on no timer, and may run anywhere.
		if len(pending) > 0 && takes[pending[0]] > 0 {
			defer stacks.Gather(ctx, lanes[0])()
		}
	}
	g := newGate(stacks.Lateness(lanes[0]))
	pace := newPace(takes, time.Now())
	var mu sync.Mutex
	var running sync.WaitGroup
	finish := func(i int, one report.Run) {
		mu.Lock()
		defer mu.Unlock()
		ordered.put(i, one)
		r.observe(Event{Index: i, Task: tasks[i], Result: &one})
	}
	var run func(t try, st stacks.Stack)
	// again runs a task once more, as soon as it may begin.
	again := func(t try) {
		if r.virtual || g.enter(ctx, func() int { return max(1, len(lanes)>>(2*t.round)) }) {
			run(t, <-free)
		} else if t.passed != nil {
			finish(t.index, *t.passed)
		}
	}
	run = func(t try, st stacks.Stack) {
		if ctx.Err() == nil {
			r.observe(Event{Index: t.index, Task: tasks[t.index]})
		}
		one, ran, ok := r.one(ctx, st, tasks[t.index])
		one.Reruns = t.round
		if ok && t.before != nil {
			confirm(t.before, one.Outcome)
		}
		barely := ok && one.Outcome.Verdict == engine.Pass && one.Outcome.Barely != ""
		// In virtual time nothing is late, and the same would come out again.
		unsure := ok && (barely || one.Outcome.Verdict == engine.Inconclusive) && t.round < r.Reruns && !one.Virtual
		if ran && ok && !r.Plain {
			expectDifference(&one, named(st))
		}
		free <- st
		if !r.virtual {
			g.leave()
		}
		switch {
		case t.passed != nil && (!ok || !unsure && one.Outcome.Verdict == engine.Inconclusive):
			// What passed barely did pass.
			t.passed.Reruns = t.round
			finish(t.index, *t.passed)
		case !ok:
		case unsure:
			next := try{t.index, t.round + 1, one.Outcome, t.passed}
			if barely {
				next.passed = &one
			}
			running.Go(func() { again(next) })
		case r.revised(&tasks[t.index], t.index, one):
			running.Go(func() { again(try{index: t.index}) })
		default:
			finish(t.index, one)
		}
	}
	// begin waits until a task may begin for the first time.
	begin := func(i int) bool {
		if r.virtual {
			return ctx.Err() == nil
		}
		entered := g.enter(ctx, func() int { return pace.atATime(time.Now(), len(lanes)) })
		if entered {
			pace.begin(i, takes[i], time.Now())
		}
		return entered
	}
	for _, i := range pending {
		if !begin(i) {
			break
		}
		st := <-free
		running.Go(func() {
			run(try{index: i}, st)
			pace.done(i)
		})
	}
	running.Wait()
	return ordered.missing()
}

// A try is one time that a task is run.
type try struct {
	index  int
	round  int             // how often it has run before
	before *engine.Outcome // of the last time; nil if this is the first
	passed *report.Run     // the last that passed, barely; nil if there is none
}

// confirm makes a run that is inconclusive since the harness could have been more exact
// a failure, if the run before said the same.
func confirm(before, now *engine.Outcome) {
	if len(before.Failures) == 0 || len(now.Failures) == 0 || now.Verdict != engine.Inconclusive {
		return
	}
	a, b := &before.Failures[0], &now.Failures[0]
	same := a.Line == b.Line && differing(a.Want) == differing(b.Want) && (len(a.Want) > 0 || a.Summary == b.Summary)
	if !a.Delicate || !b.Delicate || !same {
		return
	}
	b.Notes = append(b.Notes, "but it was the same when the script ran before")
	now.Verdict = engine.Fail
	for i := range now.Failures {
		if f := &now.Failures[i]; f.Delicate {
			f.Verdict = engine.Fail
		}
	}
}

// differing names the fields that differ.
func differing(tokens []engine.Token) string {
	var names []string
	for _, t := range tokens {
		if t.Differ {
			names = append(names, t.Field)
		}
	}
	return strings.Join(names, " ")
}

// revised reports whether a task is to be run again, with another source.
func (r *Runner) revised(t *Task, index int, one report.Run) (again bool) {
	if r.Revise == nil {
		return false
	}
	source, again := r.Revise(index, one)
	if again {
		t.Source = source
	}
	return again
}

// One runs one task on a stack, and reports whether there is a result: not if ctx
// ended. Unlike Run it gives the stack's own verdict also where the script says that
// it differs there.
func (r *Runner) One(ctx context.Context, st stacks.Stack, t Task) (one report.Run, ok bool) {
	one, _, ok = r.one(ctx, st, t)
	return one, ok
}

// one is One, and reports whether the script was run, not only read.
func (r *Runner) one(ctx context.Context, st stacks.Stack, t Task) (one report.Run, ran, ok bool) {
	began := time.Now()
	var o *engine.Outcome
	job, err := r.job(t)
	if err == nil {
		o, ran, err = r.outcome(ctx, st, job)
	}
	var none *unavailable
	switch {
	case ctx.Err() != nil:
		return one, false, false
	case errors.As(err, &none) && r.drilled.Load():
		// It could before: the machine is short of something.
		o = failed(err, engine.Inconclusive)
	case errors.As(err, &none):
		o = failed(fmt.Errorf("nothing can be drilled here: %w", err), engine.Unsupported)
	case err != nil:
		o = drill.Failed(err)
	}
	return report.Run{
		Script: t.Name, Source: t.Source, Stack: st.Name(), IPVersion: t.Version, Outcome: o,
		Seconds: time.Since(began).Seconds(),
		// Of a script that didn't come to be run the stack may not know yet.
		Virtual: r.virtual || st.Virtual(),
		Repeat:  t.Repeat,
	}, ran, true
}

// job returns what a stack needs to run a task.
func (r *Runner) job(t Task) (*drill.Job, error) {
	version := engine.Setting{Name: "ip_version", Value: string(t.Version), HasValue: true}
	preset, err := presetSettings(r.Preset, t.Version)
	if err != nil {
		return nil, err
	}
	// What the command line says wins over the preset.
	job := drill.NewJob(t.Name, t.Source, slices.Concat([]engine.Setting{version}, preset, r.Settings))
	job.Defaults = []engine.Setting{{Name: "timeout", Value: DefaultTimeout.String(), HasValue: true}}
	return job, nil
}

// Symbols returns the symbols that the command line and the preset define for a task.
func (r *Runner) Symbols(t Task) script.Defines {
	job, err := r.job(t)
	if err != nil {
		return nil
	}
	return job.Symbols()
}

// failed is the outcome of a script that could not be run.
func failed(err error, v engine.Verdict) *engine.Outcome {
	o := drill.Failed(err)
	o.Verdict, o.Failures[0].Verdict = v, v
	return o
}

// outcome runs a job, and reports whether it did.
func (r *Runner) outcome(ctx context.Context, st stacks.Stack, job *drill.Job) (o *engine.Outcome, ran bool, err error) {
	s, cfg, err := job.Load()
	if err != nil {
		return nil, false, err
	}
	differences, errs := script.Differences(s)
	if len(errs) > 0 {
		return nil, false, errs
	}
	if cfg.DryRun {
		return &engine.Outcome{Verdict: engine.Pass}, false, nil
	}
	if err := st.Ready(ctx); err != nil {
		return nil, false, &unavailable{err}
	}
	if o := keptOff(differences, named(st)); o != nil {
		return o, false, nil
	}
	r.drilled.Store(true)
	if note := st.Note(); note != "" && r.Note != nil {
		r.noted.Do(func() { r.Note(st.Name(), note) })
	}
	if cfg.Timeout > 0 && !st.Virtual() {
		// The run ends by itself before that.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cfg.Timeout+2*kernelstack.StuckAfter)
		defer cancel()
	}
	o, err = st.Run(ctx, job)
	if errors.Is(err, context.DeadlineExceeded) {
		return engine.GivenUp(cfg.Timeout), true, nil
	}
	return o, err == nil, err
}
