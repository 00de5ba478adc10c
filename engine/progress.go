package engine

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"tcpdrill/script"
)

// A Progress is where a run says what it waits for without a limit of its own:
// a system call, a command. Another goroutine can see there why the run doesn't
// end.
type Progress struct {
	// Watch, if not nil, is told of each event that the run comes to, and of
	// what may keep it there: what has failed if nothing more is heard.
	Watch func(Failure)

	at atomic.Pointer[progress]
}

type progress struct {
	runner   *runner
	failure  Failure
	timeline []Entry
	packets  []Packet
}

// stuckTail is how much of the timeline Stuck returns.
const stuckTail = 200

// Stuck returns the outcome of a run that has to be given up while it waits,
// after the timeout and then some: which line it is at, and the end of the
// timeline so far.
func (p *Progress) Stuck(timeout time.Duration) *Outcome {
	at := p.at.Load()
	if at == nil {
		return GivenUp(timeout)
	}
	f := at.failure
	f.Summary += fmt.Sprintf(" after %v (--timeout)", timeout)
	o := &Outcome{Verdict: f.Verdict, Failures: []Failure{f}}
	o.Timeline = slices.Clone(at.timeline[max(0, len(at.timeline)-stuckTail):])
	at.runner.write(o.Timeline)
	o.Packets = slices.Clone(at.packets)
	at.runner.orderPackets(o.Packets)
	if n := len(o.Timeline); n > 0 {
		o.Duration = o.Timeline[n-1].At
	}
	return o
}

// GivenUp is the outcome of a run of which nothing is known but that it didn't
// end in time.
func GivenUp(timeout time.Duration) *Outcome {
	return &Outcome{Verdict: Inconclusive, Failures: []Failure{{
		Verdict: Inconclusive,
		Summary: fmt.Sprintf("the run hasn't ended after %v (--timeout), and no call or command is why", timeout),
	}}}
}

// reach says that the run has come to an event.
func (r *runner) reach(ev *script.Event) {
	if p := r.tools.Progress; p != nil && p.Watch != nil {
		p.Watch(r.failure(Inconclusive, ev.Pos, "came to this line"))
	}
}

// enter says what the run waits for from now on, until the function that it
// returns is called: f is what has failed if that never comes.
func (r *runner) enter(f Failure, summary string) (leave func()) {
	p := r.tools.Progress
	if p == nil {
		return func() {}
	}
	f.Summary = summary
	if p.Watch != nil {
		p.Watch(f)
	}
	p.at.Store(&progress{r, f, r.out.Timeline, r.out.Packets})
	return func() { p.at.Store(nil) }
}
