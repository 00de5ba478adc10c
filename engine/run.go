package engine

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tcpdrill/engine/wire"
	"tcpdrill/script"
)

// A Shell runs a script's commands.
type Shell interface {
	// Run runs one command line and returns its exit status and what it
	// printed to both streams. The error is for what could not be run:
	// *UnsupportedError for a program that the target doesn't have.
	Run(command string) (exit int, output []byte, err error)
}

// An Interpreter runs code blocks that need more of Python than the engine
// has: source is a whole program for cfg.CodeCommand.
type Interpreter interface {
	RunPython(command, source string) (exit int, stdout, stderr []byte, err error)
}

// Tools are what a run needs beside its target.
type Tools struct {
	Shell  Shell
	Python Interpreter // nil: there is none
	// Progress lets others see what a run waits for; nil: nobody looks.
	Progress *Progress
	// Improviser goes on where the script ends; nil: nobody does.
	Improviser Improviser
}

// Run runs a script that Check finds nothing wrong with. The target must be
// set up as cfg.Net says. Whatever happens, what the script left open is reset
// and its cleanup command runs.
func Run(s *script.Script, cfg *Config, target Target, tools Tools) *Outcome {
	own := *cfg
	if target.Virtual() {
		// Nothing is late there, so that no tolerance is needed but for what
		// timers are off by nature. With slow ones that isn't made more than
		// what there is anyway, so that verdicts are the same as in real time.
		own.Tolerance = max(own.Tolerance, min(target.Tick(), defaultTolerance))
	}
	r := &runner{script: s, cfg: &own, target: target, tools: tools, out: &Outcome{}}
	r.calls = newCallState(r.cfg, target)
	r.run()
	return r.out
}

// A runner is one run of one script. It is the only user of its target.
type runner struct {
	script *script.Script
	cfg    *Config
	target Target
	tools  Tools
	out    *Outcome
	calls  *callState
	code   []codeBlock
	failed bool
	over   bool // nothing more is to be done, whatever KeepGoing says

	lastInput int    // index of the last event that does something to the stack; -1 if none does
	expected  uint32 // sequence number after what the script has expected so far

	start time.Duration // target time of script time 0

	// The event at hand, its time resolved to script time, and the one before.
	event    *script.Event
	at, end  time.Duration // end: of a range
	offset   time.Duration // what a relative time was relative to
	ready    time.Duration // script time before which nothing could be done about it; 0: no limit
	acted    time.Duration // script time at which the last event began that isn't a packet to expect
	done     time.Duration // script time at which the stack was done with that
	stamp    time.Duration // script time at which the packet of the last event was sent; noStamp if it hasn't one
	last     *script.Event
	lastAt   time.Duration
	count    int           // events done
	stackEnd time.Duration // script time at which the stack was done with the last event

	blocking *blockingCall // at most one at a time
	nextPort uint16        // of the next connection that a script opens from outside
	drops    bool          // the script asked for a queue that drops
	stalls   bool          // it stalls the device's reader somewhere
	stalled  bool          // it has just done so
	atStall  uint64        // what the device had dropped then
	asked    uint64        // what it dropped in stalls before
	slip     time.Duration // the worst lateness of our own since a packet was last on time
	drift    time.Duration // by how much more than usual all was late or slow since a timer last sent a packet on time
	bent     string        // the first injection that was late by much of the time it was to come after, or command that was slow

	// waitedFor is the last event whose packet didn't come: what follows counts from
	// when it was due.
	waitedFor *script.Event

	strangers map[[2]netip.AddrPort]*socket // connections that are none of the script's

	built map[*script.Event]*wire.Packet // the script's packets, in script numbers
	sent  int                            // packets of the socket under test that were seen
	// improvised are the texts of calls that aren't in the script's source.
	improvised map[*script.Call]string
	pieces     []*segment   // wire segments of a super-segment, yet to be matched
	base       LinkCounters // the counters when the script started
}

// run is the whole life of a run.
func (r *runner) run() {
	if r.build() && r.initialise() {
		r.base, _ = r.target.Counters()
		r.start = r.target.Start(r.waits())
		r.calls.start = r.start
		for r.next() {
			r.step()
			r.count++
			if r.stopped() {
				break
			}
		}
		r.improvise()
		if r.stopped() {
			r.settle(r.target.Now()) // what ended it may be why a call still blocks
		} else if !r.settle(r.target.Now() + idlePatience) {
			r.blocksOn("exiting while a blocking system call is in progress")
		}
		r.out.Start, r.out.Duration = r.start, r.now()
		r.target.Finish()
		r.drain()
		r.reason()
		r.cleanup()
		if !r.stopped() {
			r.evaluate()
		}
		r.reset()
	}
	r.judge()
}

// stopped reports whether the run is at its end though the script isn't.
func (r *runner) stopped() bool { return r.over || r.failed && !r.cfg.KeepGoing }

// build makes all the script's packets beforehand, off the timeline.
func (r *runner) build() bool {
	r.built = map[*script.Event]*wire.Packet{}
	r.lastInput = -1
	for i, ev := range r.script.Events {
		if ev.Code == nil && (ev.Packet == nil || isInbound(ev)) && (ev.Device == nil || !ev.Device.Expects()) {
			r.lastInput = i
		}
		if ev.Device != nil && !ev.Device.Expects() {
			r.stalls = true
		}
		if ev.Packet == nil {
			continue
		}
		w, err := wire.FromScript(ev.Packet, r.cfg.IPVersion == IPv6)
		if err != nil {
			r.fail(packetError(ev.Packet, err))
			return false
		}
		r.built[ev] = w
	}
	return true
}

// packetError says what is wrong with a packet of the script.
func packetError(p *script.Packet, err error) Failure {
	pos := p.Pos
	var at *wire.ScriptError
	if errors.As(err, &at) {
		pos, _ = at.Node.Span()
	}
	f := Failure{Verdict: Error, Line: pos.Line, Column: pos.Column, Summary: err.Error(), Classic: "semantic error: " + err.Error()}
	if errors.Is(err, wire.ErrPSP) {
		f.Verdict = Unsupported
	}
	return f
}

// waits reports whether the script has anything to wait for, and so depends on
// when the stack's timers fire.
func (r *runner) waits() bool {
	return slices.ContainsFunc(r.script.Events, func(ev *script.Event) bool {
		return ev.Time.Kind == script.Any || ev.Time.Start > 0 || ev.Time.End > 0 || ev.Call != nil && ev.Call.Blocking
	})
}

// initialise runs what comes before the first event, and reports whether the
// script can start.
func (r *runner) initialise() bool {
	for _, path := range r.cfg.InitScripts {
		if !r.command(path, 0, 0, fmt.Sprintf("error executing init script '%s'", path)) {
			return false
		}
	}
	if c := r.script.Init; c != nil {
		return r.command(c.Line, c.Pos.Line, c.Pos.Column, "error executing init command")
	}
	return true
}

// cleanup runs the command after the last event, whatever happened before. In a
// script without an init command packetdrill doesn't, so there its failure must
// not matter.
func (r *runner) cleanup() {
	c := r.script.Cleanup
	if c == nil {
		return
	}
	f := r.runCommand(c.Line, c.Pos.Line, c.Pos.Column, "error executing cleanup command")
	switch {
	case f == nil:
	case r.script.Init == nil:
		r.out.Warnings = append(r.out.Warnings, *f)
	default:
		r.fail(*f)
	}
}

// next makes the next event the one at hand and resolves its time. It returns
// false at the script's end.
func (r *runner) next() bool {
	if r.event != nil {
		r.last, r.lastAt = r.event, r.at
	}
	if r.count == len(r.script.Events) {
		return false
	}
	r.event = r.script.Events[r.count]
	t := r.event.Time
	r.at, r.end, r.offset, r.ready = t.Start, t.End, 0, 0
	stamp := r.stamp
	r.stamp = noStamp
	if t.Kind == script.Absolute || t.Kind == script.AbsoluteRange {
		return true
	}
	// Relative times count from now, except that injected packets in a row
	// chain from their scheduled times, so that what each costs doesn't add up,
	// and that they count from when a packet was sent, if that was since we last did
	// something, rather than from when we had read it: on a busy machine that is some tenths
	// of a millisecond later.
	now := r.now()
	r.offset = now
	switch {
	case r.last == nil:
	case isInbound(r.last) && isInbound(r.event) || r.waitedFor == r.last:
		r.offset = r.lastAt
	default:
		r.heldUp(now - max(r.stackEnd, r.lastAt))
		if stamp >= r.acted && now-(stamp+t.Start) <= heldUpFrom {
			r.offset, r.ready = stamp, now
		} else {
			r.took(now - max(r.stackEnd, r.lastAt))
		}
	}
	r.at += r.offset
	if t.Kind == script.RelativeRange {
		r.end += r.offset
	}
	return true
}

func isInbound(e *script.Event) bool {
	return e.Packet != nil && e.Packet.Direction == script.Inbound
}

// step does what the event at hand says.
func (r *runner) step() {
	ev := r.event
	r.reach(ev)
	switch {
	case r.cfg.Timeout > 0 && r.at > r.cfg.Timeout:
		r.over = true
		r.fail(r.failure(Error, ev.Pos, fmt.Sprintf("due at %s, later than a script may take: %v (--timeout)", seconds(r.at), r.cfg.Timeout)))
	case ev.Packet != nil && ev.Packet.Direction == script.Inbound:
		r.inject(ev.Packet)
	case ev.Packet != nil:
		r.expect(ev.Packet)
	case ev.Call != nil:
		r.call(ev.Call)
	case ev.Command != nil:
		if r.wait("command") {
			r.note(EntryCommand, "`"+ev.Command.Line+"`")
			from := r.now()
			r.command(ev.Command.Line, ev.Pos.Line, ev.Command.Pos.Column, "error executing `"+ev.Command.Line+"` command")
			r.stackEnd = r.now()
			r.slowCommand(r.stackEnd - from)
		}
	case ev.Code != nil:
		if r.wait("data collection for code") {
			r.snapshot(ev.Code)
		}
	case ev.Device != nil:
		r.device(ev.Device)
	}
}

// slowCommand notes that a command took so long that the stack may have done something
// meanwhile which the script has after it. A change of a link or a queueing discipline waits
// for those that others are making to theirs (RTNL).
func (r *runner) slowCommand(took time.Duration) {
	if took > r.cfg.Tolerance && r.bent == "" {
		r.bent = fmt.Sprintf("the command of line %d took %.1f ms", r.event.Pos.Line, millis(took))
	}
}

// now returns the script time.
func (r *runner) now() time.Duration { return r.target.Now() - r.start }

// wait waits for the time of the event at hand and reports whether to go on
// with it: not if the event's time has passed, or if a call that blocked has
// failed meanwhile.
func (r *runner) wait(what string) bool {
	r.target.WaitUntil(r.start + r.at)
	r.settle(r.target.Now()) // what it brought about is there from now on
	if r.stopped() {
		return false
	}
	if r.count == 0 {
		return true
	}
	now, slip := r.now(), r.slip
	r.acted, r.done = now, now
	late := now - max(r.at, r.stackEnd, r.ready)
	r.late("wake-up", late)
	if between := r.at - max(r.lastAt, r.offset); isInbound(r.event) && r.bent == "" && late > bentFrom && late > between/10 && between > 0 {
		r.bent = fmt.Sprintf("the packet of line %d was %.2f ms late, of the %.2f ms after which it was to come",
			r.event.Pos.Line, late.Seconds()*1000, between.Seconds()*1000)
	}
	msg, ok := r.checkTime(r.event.Time.Kind, r.at, r.end, now, r.lastAt, what)
	if ok || r.failed {
		return true // after a mismatch the time is what it is
	}
	f := r.failure(Fail, r.event.Pos, fmt.Sprintf("%s due at %s came %.1f ms late", what, seconds(r.at), millis(now-r.at)))
	f.Classic = msg
	if r.stackEnd-slip <= r.at+r.tolerance(r.at, r.lastAt) {
		// The stack was done in time, or would have been if it had been asked
		// in time: it was the harness or the machine.
		f.Verdict = Inconclusive
		f.Summary += ": the harness was late, not the stack"
	} else {
		f.Notes = append(f.Notes, fmt.Sprintf("the stack was done with the line before at %s only", seconds(r.stackEnd)))
	}
	r.fail(f)
	return r.cfg.KeepGoing
}

// tolerance is how far from at something may happen: a fixed amount or a
// percentage of the time since the event before, whichever is more.
func (r *runner) tolerance(at, lastAt time.Duration) time.Duration {
	return max(r.cfg.Tolerance, time.Duration(r.cfg.TolerancePercent/100*float64(at-lastAt)))
}

// checkTime reports whether something that happened at actual did so when the
// script says, in packetdrill's words if not.
func (r *runner) checkTime(kind script.TimeKind, at, end, actual, lastAt time.Duration, what string) (string, bool) {
	tol := r.tolerance(at, lastAt)
	switch kind {
	case script.Any:
		return "", true
	case script.AbsoluteRange:
		if actual >= at-tol && actual <= end+tol {
			return "", true
		}
		return fmt.Sprintf("timing error: expected %s in time range %.6f~%.6f sec but happened at %.6f sec",
			what, at.Seconds(), end.Seconds(), actual.Seconds()), false
	case script.RelativeRange:
		if actual >= at-tol && actual <= end+tol {
			return "", true
		}
		return fmt.Sprintf("timing error: expected %s in relative time range +%.6f~+%.6f sec but happened at %+.6f sec",
			what, (at - r.offset).Seconds(), (end - r.offset).Seconds(), (actual - r.offset).Seconds()), false
	}
	if actual >= at-tol && actual <= at+tol {
		return "", true
	}
	return fmt.Sprintf("timing error: expected %s at %.6f sec but happened at %.6f sec; tolerance %.6f sec",
		what, at.Seconds(), actual.Seconds(), tol.Seconds()), false
}

// barely notes that something of the stack was in time by less than the harness had moved it:
// by its slip, being late just before, or its drift. Had that been exact, it might have been
// too early, or too late. Where a time counts from what the harness did late, that was allowed
// to be as much later, while the stack's timers may have fired when they would have anyway.
func (r *runner) barely(what string, line int, off, tolerance, moved time.Duration) {
	if off > 0 && off+moved > tolerance && r.out.Barely == "" {
		how := fmt.Sprintf("was up to %.2f ms late just before", millis(moved))
		if moved > r.slip {
			how = fmt.Sprintf("had drifted by %.2f ms", millis(moved))
		}
		r.out.Barely = fmt.Sprintf("%s of line %d was %.2f ms off, of %.1f ms allowed, and the harness itself %s",
			what, line, millis(off), millis(tolerance), how)
	}
}

// command runs a shell command and reports whether it succeeded.
func (r *runner) command(line string, scriptLine, column int, classic string) bool {
	f := r.runCommand(line, scriptLine, column, classic)
	if f != nil {
		r.fail(*f)
	}
	return f == nil
}

// runCommand runs a shell command and returns how it failed, nil if it didn't.
func (r *runner) runCommand(line string, scriptLine, column int, classic string) *Failure {
	r.drops = r.drops || asksForDrops(line)
	f := Failure{Verdict: Error, Line: scriptLine, Column: column}
	defer r.enter(f, "command `"+line+"` hasn't ended")()
	exit, out, err := r.tools.Shell.Run(line)
	r.out.Output += string(out)
	if err == nil && exit == 0 {
		return nil
	}
	reason := fmt.Sprintf("non-zero status %d", exit)
	var unsupported *UnsupportedError
	switch {
	case asUnsupported(err, &unsupported):
		f.Verdict = Unsupported
		reason = err.Error()
	case err != nil:
		reason = err.Error()
	case r.event != nil && r.event.Pos.Line == scriptLine:
		// On the timeline a command may ask the stack something, with grep.
		f.Verdict = Fail
	}
	f.Summary = fmt.Sprintf("command `%s`: %s", line, reason)
	f.Classic = classic + ": " + reason
	if text := strings.TrimSpace(string(out)); text != "" {
		f.Notes = append(f.Notes, "it printed: "+text)
	}
	return &f
}

// asksForDrops reports whether a command sets the length of the device's
// queue, so that the device's drops are the script's wish. (What a queueing
// discipline drops never reaches the device.)
func asksForDrops(line string) bool {
	return strings.Contains(line, "txqueuelen") || strings.Contains(line, "txqlen")
}

// late keeps the worst lateness of our own: how long after its time and the end
// of what the stack did before something of ours came.
func (r *runner) late(what string, d time.Duration) {
	r.out.Lateness.Waits++
	r.slip = max(r.slip, d)
	r.took(d)
	if d > r.out.Lateness.Worst.Late {
		r.out.Lateness.Worst = Lateness{What: what, Line: r.event.Pos.Line, Due: r.at, Late: d}
	}
}

// heldUpFrom is how long something may take that takes some tenths of a millisecond when
// nobody keeps us from it.
const heldUpFrom = time.Millisecond

// noStamp is no time of a packet.
const noStamp = -1 << 62

// heldUp notes that something took so long which takes some tenths of a millisecond when
// nobody keeps us from it. Times that are relative to its end are as late.
func (r *runner) heldUp(took time.Duration) {
	if took > heldUpFrom {
		r.slip = max(r.slip, took)
	}
}

// usual is how long a step may take that takes some hundredths of a millisecond when
// nobody keeps us from it.
const usual = 100 * time.Microsecond

// took notes how long a step took. The stack's timers fire at ticks, whenever that was
// done which they count from: what is late or slow moves all that follows to another place
// between ticks, though no time of the script is missed, until a timer sends something.
func (r *runner) took(d time.Duration) { r.drift += max(0, d-usual) }

// did notes that the stack is done with what was begun at a script time, and returns how
// long it took.
func (r *runner) did(from time.Duration) time.Duration {
	r.done = r.now()
	r.stackEnd = r.done
	r.took(r.done - from)
	return r.done - from
}

// bentFrom is how late an injection must be to change what a stack makes of it: stacks
// measure round trips in microseconds, and compare one with another.
const bentFrom = 100 * time.Microsecond

// doubt makes a failure of the stack inconclusive if the harness was so late,
// slip, just before that the stack wasn't asked what the script asks.
func (r *runner) doubt(f *Failure, slip time.Duration) {
	if f.Verdict == Fail && slip > r.cfg.Tolerance {
		f.Verdict = Inconclusive
		f.Notes = append(f.Notes, fmt.Sprintf("the harness itself was up to %.1f ms late just before", millis(slip)))
	} else if f.Verdict == Fail && r.bent != "" {
		f.Verdict, f.Delicate = Inconclusive, true
		f.Notes = append(f.Notes, r.bent)
	}
}

// note adds an entry to the timeline.
func (r *runner) note(kind EntryKind, text string) *Entry {
	e := Entry{At: r.now(), Kind: kind, Text: text}
	if r.event != nil {
		e.Line = r.event.Pos.Line
	}
	r.out.Timeline = append(r.out.Timeline, e)
	return &r.out.Timeline[len(r.out.Timeline)-1]
}

func (r *runner) failure(v Verdict, pos script.Position, summary string) Failure {
	return Failure{Verdict: v, Line: pos.Line, Column: pos.Column, Summary: summary}
}

// fail records a failure; the first one ends the run, unless it is to go on.
func (r *runner) fail(f Failure) {
	r.failed = true
	if f.Verdict == Fail && f.Window == nil {
		// It takes more than with a time to make the stack do something else.
		f.Window = &Window{r.lastAt, r.now(), 2 * r.tolerance(r.at, r.lastAt)}
	}
	r.out.Failures = append(r.out.Failures, f)
}

// judge settles the verdict and writes out the timeline, in the order in which
// things happened: packets are noted when a line is about them, later.
func (r *runner) judge() {
	o := r.out
	slices.SortStableFunc(o.Timeline, func(a, b Entry) int { return cmp.Compare(a.At, b.At) })
	r.write(o.Timeline)
	r.orderPackets(o.Packets)
	o.Verdict = Pass
	if len(o.Failures) > 0 {
		o.Verdict, o.Barely = o.Failures[0].Verdict, ""
	}
	counters, err := r.target.Counters()
	r.endStall(counters)
	counters.TxDropped -= r.base.TxDropped
	counters.CaptureDropped -= r.base.CaptureDropped
	counters.RxDropped -= r.base.RxDropped
	o.Counters = counters
	o.Tick, o.Tolerance = r.target.Tick(), r.cfg.Tolerance
	lost := r.lost(counters)
	if err == nil && lost != "" && (o.Verdict == Pass || o.Verdict == Fail || len(o.Failures) > 0 && o.Failures[0].Delicate) {
		o.Verdict = Inconclusive
		f := Failure{Verdict: Inconclusive, Summary: "packets of the stack were lost before they could be seen: " + lost}
		o.Failures = append([]Failure{f}, o.Failures...)
	}
}

// write makes the texts of entries.
func (r *runner) write(entries []Entry) {
	for i := range entries {
		e := &entries[i]
		if e.source != nil {
			e.Cause, e.Maybe, e.Length = e.source.Cause, e.source.Maybe, len(e.source.Data)
		}
		switch {
		case e.packet != nil:
			e.Text = formatPacket(e.packet) + e.clauses
			if f := e.packet.Fragment(); f != nil {
				e.FragmentID = f.ID
			}
		case e.call != nil && e.Kind == EntryReturn:
			e.Text = e.call.Name + " returned"
		case e.call != nil && r.improvised[e.call] != "":
			e.Text = r.improvised[e.call]
		case e.call != nil:
			e.Text = r.text(e.call)
		case e.code != nil:
			e.Text, e.Read = e.code.Source, r.readings(e.code)
		}
	}
}

// text returns a part of the script as its author wrote it, on one line.
func (r *runner) text(n script.Node) string {
	start, end := n.Span()
	if start.Offset > end.Offset || end.Offset > len(r.script.Source) {
		return ""
	}
	return strings.Join(strings.Fields(string(r.script.Source[start.Offset:end.Offset])), " ")
}

// millis is a duration in milliseconds.
func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// seconds prints a script time as scripts write it, to a tenth of a millisecond.
func seconds(d time.Duration) string { return fmt.Sprintf("%.4f", d.Seconds()) }
