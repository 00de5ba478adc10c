package engine

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"tcpdrill/script"
	"tcpdrill/script/linux"
)

// idlePatience is how long a call waits for a blocking one before it to end.
const idlePatience = time.Second

// A blockingCall is a call that the script says blocks, on its way.
type blockingCall struct {
	event    *script.Event
	prepared *preparedCall
	pending  Pending
	at, end  time.Duration // script time: when it began, when it must end
}

// call makes the system call of the event at hand. One that blocks is begun;
// it ends while later events go on. A call waits a little for one before it that
// blocks; only another that blocks must not begin before that has ended.
func (r *runner) call(c *script.Call) {
	if !r.settle(r.target.Now() + idlePatience) {
		b := r.blocking
		if c.Blocking || r.now() > b.end+r.tolerance(b.end, b.at) {
			r.blocksOn("blocking system call while another blocking system call is already in progress")
		}
		r.stackEnd = r.now() // it kept us
	}
	if r.stopped() {
		return
	}
	// Made before its time, as packets are; again if it may depend on what a call gives
	// that still blocks.
	blocked := r.blocking != nil
	p, err := r.calls.prepare(c)
	if !r.wait("system call start") {
		return
	}
	if blocked {
		p, err = r.calls.prepare(c)
	}
	if err != nil {
		r.failCall(c, err)
		return
	}
	r.note(EntryCall, "").call = c
	noted := len(r.out.Timeline) - 1
	p.before()
	if c.Blocking {
		end := c.End
		if k := r.event.Time.Kind; k == script.Relative {
			end += r.offset
		}
		r.blocking = &blockingCall{event: r.event, prepared: p, at: r.at, end: end}
		r.blocking.pending = r.target.Begin(&p.call)
		r.stackEnd = r.now()
		return
	}
	leave := r.enter(r.failure(Fail, c.NamePos, ""), c.Name+" hasn't returned")
	before := r.now()
	res := r.target.Call(&p.call)
	leave()
	r.did(before)
	if res.Err == nil {
		r.out.Timeline[noted].Result = resultOf(res)
		if r.tools.Improviser != nil {
			r.tools.Improviser.Returned(res.Ret)
		}
	}
	r.finish(r.event, p, res, r.stackEnd)
}

// resultOf writes a call's result for the timeline.
func resultOf(res Result) string {
	if res.Ret < 0 && res.Errno != 0 {
		return fmt.Sprintf("%d %s", res.Ret, linux.ErrnoName(res.Errno))
	}
	return strconv.FormatInt(res.Ret, 10)
}

// finish compares a call's result with the script.
func (r *runner) finish(ev *script.Event, p *preparedCall, res Result, ended time.Duration) {
	if res.Err != nil {
		r.failCall(ev.Call, res.Err)
		return
	}
	all := p.finish(res, ended)
	for _, m := range all {
		f := r.failure(Fail, ev.Call.NamePos, fmt.Sprintf("%s: %s differs", ev.Call.Name, m.What))
		if m.Node != nil {
			if pos, _ := m.Node.Span(); pos.Line > 0 {
				f.Line, f.Column = pos.Line, pos.Column
			}
		}
		f.Want = []Token{{Field: m.What, Text: m.Want, Differ: true}}
		f.Got = []Token{{Field: m.What, Text: m.Got, Differ: true}}
		f.Seen = r.seenValue(ev, m)
		if m.Classic != "" {
			f.Classic = "runtime error in " + ev.Call.Name + " call: " + m.Classic
		}
		r.doubt(&f, r.slip)
		if r.cfg.NonFatalSyscall {
			r.out.Warnings = append(r.out.Warnings, f)
			continue
		}
		r.fail(f)
	}
}

// failCall records a call that could not be made, or that doesn't return.
func (r *runner) failCall(c *script.Call, err error) {
	f := r.failure(Error, c.NamePos, c.Name+": "+err.Error())
	if errors.Is(err, ErrStuck) {
		f.Verdict = Fail
		f.Summary = c.Name + " doesn't return: " + err.Error()
	}
	var ce *CallError
	if errors.As(err, &ce) {
		if ce.Node != nil {
			if pos, _ := ce.Node.Span(); pos.Line > 0 {
				f.Line, f.Column = pos.Line, pos.Column
			}
		}
		f.Summary, f.Classic = c.Name+": "+ce.Msg, ce.Classic
		if ce.Unsupported {
			f.Verdict = Unsupported
		}
	}
	var unsupported *UnsupportedError
	if asUnsupported(err, &unsupported) {
		f.Verdict = Unsupported
	}
	if f.Classic == "" {
		f.Classic = err.Error()
	}
	f.Classic = "runtime error in " + c.Name + " call: " + f.Classic
	r.fail(f)
}

func asUnsupported(err error, target **UnsupportedError) bool { return errors.As(err, target) }

// blocksOn records that a blocking call hasn't ended where it must have: the
// stack's fault, or the script's if its time to end hasn't come. classic is what
// packetdrill says.
func (r *runner) blocksOn(classic string) {
	b := r.blocking
	r.blocking = nil
	name := b.event.Call.Name
	f := r.failure(Fail, b.event.Call.NamePos, fmt.Sprintf("%s was to return at %s and hasn't at %s", name, seconds(b.end), seconds(r.now())))
	if b.end > r.now() {
		f.Verdict = Error
		f.Summary = fmt.Sprintf("%s is to block until %s, but at %s the script ends or has another call that blocks", name, seconds(b.end), seconds(r.now()))
	}
	f.Classic = "runtime error: " + classic
	r.doubt(&f, r.slip)
	r.fail(f)
}

// settle compares a blocking call that has ended by the deadline with the
// script, and reports whether none is under way any more.
func (r *runner) settle(deadline time.Duration) bool {
	b := r.blocking
	if b == nil {
		return true
	}
	if !b.pending.Wait(deadline) {
		return false
	}
	r.blocking = nil
	res, when := b.pending.Result()
	ended := when - r.start
	e := r.noteAt(EntryReturn, ended, "")
	e.call, e.Line = b.event.Call, b.event.Pos.Line
	if res.Err == nil {
		e.Result = resultOf(res)
	}
	r.finish(b.event, b.prepared, res, ended)
	kind := b.event.Time.Kind
	if msg, ok := r.checkTime(kind, b.end, 0, ended, b.at, "system call return"); !ok {
		tol := r.tolerance(b.end, b.at)
		f := r.failure(Fail, b.event.Call.NamePos, fmt.Sprintf("%s returned at %s, expected at %s ± %.1f ms",
			b.event.Call.Name, seconds(ended), seconds(b.end), millis(tol)))
		f.Classic = msg
		f.Window = &Window{b.at - tol, max(b.end, ended), tol / 2}
		f.Seen = &Seen{
			Event: r.indexOf(b.event), Fields: []string{"time"},
			At: ended, Since: b.end - b.event.Call.End, Tolerance: r.tolerance(ended, b.at),
		}
		if off := max(ended-b.end, b.end-ended) - tol; off <= r.slip {
			f.Verdict = Inconclusive
			f.Notes = append(f.Notes, "the harness itself was as late as that just before")
		}
		r.fail(f)
	} else if kind != script.Any {
		r.barely("the return of the call", b.event.Pos.Line, max(ended-b.end, b.end-ended), r.tolerance(b.end, b.at), r.slip)
	}
	return true
}
