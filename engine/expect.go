package engine

import (
	"bytes"
	"fmt"
	"time"

	"tcpdrill/engine/wire"
	"tcpdrill/script"
)

// patience is how long after its time an expected packet is waited for.
const patience = 2 * time.Second

// A segment is a packet that the stack sent, in script numbers.
type segment struct {
	packet *wire.Packet
	live   *wire.Packet // as captured, for what is compared in live numbers
	at     time.Duration
	gso    GSO
	source *Captured     // which it is, or is a piece of
	held   time.Duration // see Captured.Held
	again  bool          // it begins before what the stack sent already
	kept   int           // see runner.keep
	number int           // see Entry.Sent
}

// heldTooLong is for how long a clone of the harness's may have waited when a
// segment was sent again. It is beyond what packets of one burst wait for each
// other, and well below any retransmission timer.
const heldTooLong = 500 * time.Microsecond

// size returns the gso_size of a super-segment, 0 for others.
func (g *segment) size() int {
	if g.gso.Type == GSONone {
		return 0
	}
	return g.gso.Size
}

// cause returns why it was sent, "" if that isn't known (yet).
func (g *segment) cause() string {
	if g.source == nil {
		return ""
	}
	return g.source.Cause
}

// payload returns the segment's length in bytes of payload.
func (g *segment) payload() int { return len(g.packet.Payload) }

// expect waits for the packet of the event at hand and compares. It doesn't
// wait for the event's time first: what comes too early is to be seen too.
func (r *runner) expect(p *script.Packet) {
	want := r.built[r.event]
	s, err := r.socketFor(p, want)
	if err != nil {
		r.failPacket(p, err.Error())
		return
	}
	synack := s.state == socketPassivePacketReceived && p.TCP != nil && p.TCP.HasFlag('S') && p.TCP.HasFlag('.')
	if synack {
		s.scriptLocal.isn = want.TCP().Seq
	}
	if t := want.TCP(); t != nil {
		if next := t.Seq + t.SegLen(len(want.Payload)); int32(next-r.expected) > 0 {
			r.expected = next
		}
	}
	deadline := r.expectUntil()

	// Segments are glued together until they are as long as the script's.
	var got []*segment
	total := 0
	for {
		g, err := r.sniff(s, deadline, synack && len(got) == 0)
		r.settle(r.target.Now()) // if a call has failed, that came first
		if err != nil {
			r.failLink(p, err)
			return
		}
		if g == nil {
			r.missing(p, want, got)
			return
		}
		if n := len(got); n > 0 && !sameEnds(got[n-1], g) {
			// Another socket connects to the same peer: what came before was
			// not of the connection that the line is about.
			for _, old := range got {
				r.noteSegment(EntryOther, old)
			}
			got, total = nil, 0
		}
		if inStream(p) && g.live.Fragment() == nil && onTheWay(want, g, total) {
			r.noteSegment(EntryMatch, g)
			continue
		}
		if n := len(got); n > 0 {
			if diffs := r.piecesDiffs(p, got[n-1], g, total, len(want.Payload)); len(diffs) > 0 {
				r.wrongPieces(p, want, append(got, g), diffs)
				return
			}
		}
		got = append(got, g)
		total += g.payload()
		if total >= len(want.Payload) || r.cfg.StrictSegments && !inStream(p) || p.GSO() != nil || g.live.Fragment() != nil {
			break
		}
	}
	r.stamp = got[len(got)-1].at
	r.stackEnd = r.stamp
	whole := glue(got)
	r.compare(p, s, want, whole, got)
}

// expectUntil returns the target time until which to wait for the packet of the
// event at hand: from now as long as from the line before to this one, and some
// patience, but not when it has long been too late.
//
// A script that is played to its end whatever happens doesn't keep the stack
// waiting for what comes next.
func (r *runner) expectUntil() time.Duration {
	any, limited := r.event.Time.Kind == script.Any, r.cfg.Timeout > 0
	switch {
	case r.failed && any:
		return r.target.Now() + patience
	case r.cfg.KeepGoing && r.count < r.lastInput && !any:
		return r.start + max(r.at, r.end) + 2*r.tolerance(r.at, r.lastAt)
	case any && limited:
		return r.start + r.cfg.Timeout
	case any:
		return Forever
	}
	now, due := r.now(), max(r.at, r.end)
	until := min(now+due-min(r.lastAt, now)+patience, max(now, due)+max(patience, r.tolerance(r.at, r.lastAt)))
	if limited {
		until = min(until, r.cfg.Timeout+patience)
	}
	return r.start + until
}

// untilSent waits, for a while, until the stack has sent what a packet
// acknowledges, if the script has expected that: the other end can't have
// acknowledged what it hasn't got. It matters in scripts only that are played to
// their end though the stack does something else.
func (r *runner) untilSent(s *socket, t *wire.TCP) {
	if !r.failed || t == nil || t.Flags&wire.ACK == 0 || int32(t.Ack-r.expected) > 0 {
		return
	}
	deadline := r.target.Now() + patience
	for s.lastOut == nil || int32(t.Ack-(s.sndMax+s.localOffset(false))) > 0 {
		g, err := r.sniff(s, deadline, s.state == socketPassivePacketReceived && s.lastOut == nil)
		if g == nil || err != nil {
			break
		}
		r.noteSegment(EntryExtra, g)
	}
	r.stackEnd = r.now()
}

// sameEnds reports whether two captured packets go from and to the same place.
func sameEnds(a, b *segment) bool {
	asrc, adst := ends(a.live)
	bsrc, bdst := ends(b.live)
	return asrc.addr == bsrc.addr && adst.addr == bdst.addr
}

// sniff returns the next packet that the socket sent, or nil when none came by
// the deadline. Packets of others are left out.
func (r *runner) sniff(s *socket, deadline time.Duration, synack bool) (*segment, error) {
	for {
		g, err := r.receive(deadline)
		if g == nil || err != nil {
			return nil, err
		}
		if !r.sentBy(s, g.live) {
			g.packet = r.asOther(g.live)
			r.noteSegment(EntryOther, g)
			continue
		}
		if t := g.live.TCP(); t != nil {
			if synack {
				s.state = socketPassiveSYNACKSent
				s.liveLocal.isn = t.Seq
			}
			next := t.Seq + t.SegLen(len(g.live.Payload))
			g.again = s.lastOut != nil && int32(t.Seq-s.sndMax) < 0 && next != t.Seq
			if s.lastOut == nil || int32(next-s.sndMax) > 0 {
				s.sndMax = next
			}
			s.lastOut = t
			s.negotiate(t)
		}
		r.sent++
		g.number = r.sent
		g.packet = g.live.Clone()
		toScript(s, g.packet)
		return g, nil
	}
}

// receive returns the next packet of the stack, cut into wire segments if the
// script is about those.
func (r *runner) receive(deadline time.Duration) (*segment, error) {
	if len(r.pieces) > 0 {
		g := r.pieces[0]
		r.pieces = r.pieces[1:]
		return g, nil
	}
	for {
		c, err := r.target.Receive(deadline)
		if c == nil || err != nil {
			return nil, err
		}
		r.heldUp(c.Late)
		kept := r.keep(Packet{At: c.Time - r.start, Data: c.Data, GSO: c.GSO, source: c})
		w, err := wire.Parse(c.Data)
		if err != nil {
			r.keepNote(kept, EntryOther, 0)
			// Not a packet of the kind that scripts are about.
			r.noteAt(EntryOther, c.Time-r.start, "not a packet that could be read: "+err.Error())
			continue
		}
		g := &segment{packet: w, live: w, at: c.Time - r.start, gso: c.GSO, source: c, held: c.Held, kept: kept}
		if !r.cfg.WireSegments || c.GSO.Type == GSONone || c.GSO.Size == 0 {
			return g, nil
		}
		for _, piece := range wire.Cut(w, c.GSO.Size, r.accECN()) {
			r.pieces = append(r.pieces, &segment{packet: piece, live: piece, at: g.at, source: c, held: c.Held, kept: kept})
		}
		g, r.pieces = r.pieces[0], r.pieces[1:]
		return g, nil
	}
}

// accECN reports whether CWR is part of AccECN's counter on the connection
// under test.
func (r *runner) accECN() bool { return r.calls.underTest != nil && r.calls.underTest.accECN }

// glue makes one packet of the segments that stand for one line: headers from
// the last, sequence number and CWR from the first.
func glue(got []*segment) *segment {
	if len(got) == 1 {
		return got[0]
	}
	first, last := got[0], got[len(got)-1]
	whole := &segment{
		packet: last.packet.Clone(), live: last.live, at: last.at, source: last.source,
		gso: first.gso, held: first.held, again: first.again,
	}
	t, f := whole.packet.TCP(), first.packet.TCP()
	if t != nil && f != nil {
		t.Seq = f.Seq
		t.Flags = t.Flags&^wire.CWR | f.Flags&wire.CWR
	}
	whole.packet.Payload = nil
	for _, g := range got {
		whole.packet.Payload = append(whole.packet.Payload, g.packet.Payload...)
	}
	return whole
}

// compare checks the packet against the script's, field by field and then by
// time, and records the outcome.
func (r *runner) compare(p *script.Packet, s *socket, want *wire.Packet, got *segment, pieces []*segment) {
	if t, u := want.TCP(), got.packet.TCP(); t != nil && u != nil {
		learnTimestamp(s, t, u, got.live.TCP())
	}
	diffs := r.diff(p, s, want, got)
	if n := p.GSO(); n != nil && int64(got.size()) != n.Value && got.live.Fragment() == nil {
		diffs = append(diffs, fieldDiff{field: "gso", classic: fmt.Sprintf("gso_size: expected: %d vs actual: %d", n.Value, got.size())})
	}
	if c := p.TCP; c != nil && c.Cause != nil {
		r.reason()
		if cause := got.cause(); cause != "" && cause != c.Cause.Text {
			// A stack that doesn't say why it sent this isn't asked.
			diffs = append(diffs, fieldDiff{field: "cause", classic: fmt.Sprintf("cause: expected: %s vs actual: %s", c.Cause.Text, cause)})
		}
	}
	msg, onTime := r.checkTime(r.event.Time.Kind, r.at, r.end, got.at, r.lastAt, "outbound packet")
	if !onTime {
		diffs = append(diffs, fieldDiff{field: "time", classic: msg})
	}
	kind := EntryMatch
	if len(diffs) > 0 {
		kind = EntryWrong
	}
	for _, g := range pieces {
		r.noteSegment(kind, g)
	}
	if len(diffs) > 0 {
		r.wrong(p, want, got, pieces, diffs)
	}
	if onTime {
		if r.event.Time.Kind != script.Any {
			r.inTime(got)
		}
		r.slip = 0 // whatever it was, it did no harm
		if r.byTimer(got) {
			r.drift = 0 // what follows is as far from ticks as ever
		}
	}
}

// byTimer reports whether a timer of the stack sent a packet, not what was done before.
func (r *runner) byTimer(got *segment) bool { return got.at-r.done > heldUpFrom }

// inTime notes of a packet that came in time what might have made it come too early or too
// late.
func (r *runner) inTime(got *segment) {
	tol, early, late := r.tolerance(r.at, r.lastAt), r.at-got.at, got.at-max(r.at, r.end)
	moved := r.slip
	if r.byTimer(got) {
		moved = max(moved, r.drift)
		if early > 0 {
			r.out.Early = append(r.out.Early, Early{r.event.Pos.Line, early, Window{r.lastAt, got.at, tol - early}})
		}
	}
	r.barely("the packet", r.event.Pos.Line, max(early, late), tol, moved)
}

// wrong records a packet that differs from the script's.
func (r *runner) wrong(p *script.Packet, want *wire.Packet, got *segment, pieces []*segment, diffs []fieldDiff) {
	r.reason()
	f := r.failure(Fail, p.Pos, "wrong packet: "+differ(got, diffs))
	f.Seen = r.seenPacket(p, got, pieces, fieldsOf(diffs))
	f.Want, f.Got = r.sideBySide(p, want, got, diffs)
	f.Classic = r.classicWrong(p, want, got, diffs)
	if len(diffs) == 1 && diffs[0].field == "time" {
		r.explainTime(&f, got)
	} else if len(diffs) > 1 {
		for _, d := range diffs {
			if d.field == "time" {
				f.Notes = append(f.Notes, d.classic)
			}
		}
	}
	for _, d := range diffs {
		if d.note != "" {
			f.Notes = append(f.Notes, d.note)
		}
	}
	if got.again && got.held > heldTooLong && f.Verdict == Fail {
		f.Verdict = Inconclusive
		f.Notes = append(f.Notes, fmt.Sprintf("it is a retransmission, and for %.1f ms the harness had held a packet sent before: that keeps the stack from merging segments", millis(got.held)))
	}
	if cause := got.cause(); cause != "" {
		f.Notes = append(f.Notes, "it was sent because of: "+cause)
	}
	r.doubt(&f, r.slip)
	if r.cfg.NonFatalPacket && !diffs[0].fatal {
		r.out.Warnings = append(r.out.Warnings, f)
		return
	}
	r.fail(f)
}

// explainTime says how far off a packet was that is right but for its time,
// and whether the harness itself may be the reason.
func (r *runner) explainTime(f *Failure, got *segment) {
	tol := r.tolerance(r.at, r.lastAt)
	low, high := r.at, r.at
	if r.event.Time.Kind == script.AbsoluteRange || r.event.Time.Kind == script.RelativeRange {
		high = r.end
	}
	f.Window = &Window{min(r.lastAt, got.at) - tol, max(low, got.at), tol / 2}
	off, word := got.at-high, "late"
	if got.at < low {
		off, word = low-got.at, "early"
	}
	f.Summary = fmt.Sprintf("packet %.1f ms %s: expected at %s ± %.1f ms, sent at %s",
		millis(off), word, seconds(low), millis(tol), seconds(got.at))
	if low != high {
		f.Summary = fmt.Sprintf("packet %.1f ms %s: expected from %s to %s ± %.1f ms, sent at %s",
			millis(off), word, seconds(low), seconds(high), millis(tol), seconds(got.at))
	}
	if off-tol <= r.slip {
		f.Verdict = Inconclusive
		f.Notes = append(f.Notes, fmt.Sprintf("the harness itself was up to %.1f ms late just before, as much as the packet is outside its time", millis(r.slip)))
	} else if r.byTimer(got) && off-tol <= r.drift {
		f.Verdict, f.Delicate = Inconclusive, true
		f.Notes = append(f.Notes, fmt.Sprintf("the harness itself had drifted by %.1f ms, as much as the packet is outside its time", millis(r.drift)))
	}
}

// wrongPieces records a segment that can't be glued to those before it.
func (r *runner) wrongPieces(p *script.Packet, want *wire.Packet, got []*segment, diffs []fieldDiff) {
	last := got[len(got)-1]
	for _, g := range got {
		r.noteSegment(EntryWrong, g)
	}
	f := r.failure(Fail, p.Pos, fmt.Sprintf("segment %d of those sent for this line doesn't continue the one before: %s", len(got), differ(last, diffs)))
	f.Want, f.Got = r.sideBySide(p, want, last, diffs)
	f.Seen = r.seenPart(p, want, got[:len(got)-1])
	for _, d := range diffs {
		if d.note != "" {
			f.Notes = append(f.Notes, d.note)
		}
	}
	for i, g := range got {
		f.Notes = append(f.Notes, fmt.Sprintf("segment %d at %s: %s", i+1, seconds(g.at), formatPacket(g.packet)))
	}
	f.Classic = "error handling packet: " + diffs[0].classic + r.classicScript("   ", p, want)
	for i, g := range got {
		f.Classic += classicPacket(fmt.Sprintf("actual #%d", i), g.at, formatPacket(g.packet))
	}
	r.doubt(&f, r.slip)
	r.fail(f)
}

// missing records that the stack didn't send what the script expects, or not
// all of it.
func (r *runner) missing(p *script.Packet, want *wire.Packet, got []*segment) {
	r.waitedFor, r.stackEnd = r.event, r.now()
	f := r.failure(Fail, p.Pos, fmt.Sprintf("nothing was sent: expected a packet at %s and waited until %s", seconds(max(r.at, r.end)), seconds(r.now())))
	if r.event.Time.Kind == script.Any {
		f.Summary = fmt.Sprintf("nothing was sent: expected a packet at any time and waited until %s (--timeout)", seconds(r.now()))
		r.over = true
	}
	f.Classic = "error handling packet: Timed out waiting for packet"
	f.Seen = r.seenPart(p, want, got)
	total := 0
	for _, g := range got {
		r.noteSegment(EntryWrong, g)
		total += g.payload()
		f.Notes = append(f.Notes, fmt.Sprintf("sent at %s: %s", seconds(g.at), formatPacket(g.packet)))
	}
	if total > 0 {
		f.Summary = fmt.Sprintf("only %d of %d bytes were sent by %s", total, len(want.Payload), seconds(r.now()))
	} else if e := r.lastSent(); e != nil {
		f.Notes = append(f.Notes, fmt.Sprintf("the last packet before was sent at %s, line %d: %s", seconds(e.At), e.Line, formatPacket(e.packet)))
	} else {
		f.Notes = append(f.Notes, "the stack has sent nothing at all")
	}
	f.Want = r.tokens(p, want, r.due())
	tol := r.tolerance(r.at, r.lastAt)
	f.Window = &Window{r.lastAt, max(r.at, r.end) + tol, 2 * tol} // afterwards there was time enough
	r.note(EntryMissing, r.text(p))
	r.doubt(&f, r.slip)
	r.fail(f)
}

// lastSent returns the entry of the last packet of the socket under test.
func (r *runner) lastSent() *Entry {
	for i := len(r.out.Timeline) - 1; i >= 0; i-- {
		if e := &r.out.Timeline[i]; e.packet != nil && e.Kind != EntryInject && e.Kind != EntryOther {
			return e
		}
	}
	return nil
}

// drain notes what the stack sent and no line expected.
func (r *runner) drain() {
	for {
		g, err := r.receive(r.target.Now())
		if g == nil || err != nil {
			return
		}
		kind := EntryOther
		if s := r.calls.underTest; r.sentBy(s, g.live) {
			r.sent++
			g.number = r.sent
			g.packet = g.live.Clone()
			toScript(s, g.packet)
			kind = EntryExtra
		} else {
			g.packet = r.asOther(g.live)
		}
		r.noteSegment(kind, g)
	}
}

// reason has the target find out why it sent what was received so far, if it doesn't
// know that already.
func (r *runner) reason() {
	if t, ok := r.target.(Reasoner); ok {
		t.Reason()
	}
}

func (r *runner) noteAt(kind EntryKind, at time.Duration, text string) *Entry {
	e := r.note(kind, text)
	e.At = at
	return e
}

func (r *runner) noteSegment(kind EntryKind, g *segment) {
	e := r.noteAt(kind, g.at, "")
	e.packet, e.source, e.Sent = g.packet, g.source, g.number
	e.GSO = g.size()
	if kind == EntryOther || kind == EntryExtra {
		e.Line = 0
	}
	r.keepNote(g.kept, kind, e.Line)
}

// piecesDiffs says why a segment can't stand for the same line as the one before it.
func (r *runner) piecesDiffs(p *script.Packet, prev, g *segment, total, wanted int) []fieldDiff {
	switch {
	case g.live.Fragment() != nil:
		return []fieldDiff{isFragment(g)}
	case inStream(p):
		return streamDiffs(prev, g)
	}
	return r.segmentDiffs(prev, g, total, wanted)
}

// segmentDiffs says why a segment can't stand for the same line as the one
// before it: all but the last have the same length, and their headers agree
// but for PSH, FIN and CWR. In wire segments those are checked too.
func (r *runner) segmentDiffs(prev, g *segment, total, wanted int) []fieldDiff {
	var diffs diffList
	a, b := prev.packet.TCP(), g.packet.TCP()
	if (a == nil) != (b == nil) {
		return []fieldDiff{{field: "protocol", classic: "live packet header layer mismatch between segments"}}
	}
	if a != nil {
		diffs = r.tcpSegmentDiffs(a, b, prev)
	}
	diffs.number("ttl", "ip", uint32(prev.packet.TTL()), uint32(g.packet.TTL()))
	if n := g.payload(); n < wanted-total && n != prev.payload() {
		diffs = append(diffs, fieldDiff{field: "length", classic: fmt.Sprintf(
			"fragment payload: expected %d bytes vs actual %d bytes; total payload: expected %d bytes vs actual %d bytes",
			prev.payload(), n, wanted, n+total)})
	}
	return diffs
}

func (r *runner) tcpSegmentDiffs(a, b *wire.TCP, prev *segment) diffList {
	var d diffList
	d.flag("syn", "flags", a.Flags, b.Flags, wire.SYN)
	d.flag("rst", "flags", a.Flags, b.Flags, wire.RST)
	d.flag("ack", "flags", a.Flags, b.Flags, wire.ACK)
	d.flag("urg", "flags", a.Flags, b.Flags, wire.URG)
	d.flag("ece", "flags", a.Flags, b.Flags, wire.ECE)
	d.flag("ae", "flags", a.Flags, b.Flags, wire.AE)
	d.number("tcp_data_offset", "options", uint32(a.HeaderLen/4), uint32(b.HeaderLen/4))
	d.number("tcp_seq", "seq", a.Seq+uint32(prev.payload()), b.Seq)
	d.number("tcp_ack_seq", "ack", a.Ack, b.Ack)
	d.number("tcp_window", "win", uint32(a.Window), uint32(b.Window))
	d.number("tcp_urg_ptr", "urg", uint32(a.Urgent), uint32(b.Urgent))
	d.number("tcp_reserved_bits", "flags", uint32(a.Reserved), uint32(b.Reserved))
	if r.cfg.WireSegments && a.Flags&(wire.PSH|wire.FIN) != 0 {
		d = append(d, fieldDiff{field: "flags", classic: "PSH or FIN inside a burst",
			note: "PSH or FIN is set on a segment that isn't the last of its burst"})
	}
	return d
}

// diff compares the packet with the script's, all that the script says of it.
func (r *runner) diff(p *script.Packet, s *socket, want *wire.Packet, got *segment) []fieldDiff {
	var d diffList
	g := got.packet
	if p.Fragment != nil || got.live.Fragment() != nil {
		return fragmentDiffs(p, want, got)
	}
	if len(g.Payload) != len(want.Payload) && p.ICMP == nil {
		d = append(d, fieldDiff{field: "length", fatal: true, classic: fmt.Sprintf(
			"live packet payload: expected %d bytes vs actual %d bytes", len(want.Payload), len(g.Payload))})
	}
	if v4 := got.live.V4(); v4 != nil && v4.BadChecksum {
		d = append(d, fieldDiff{field: "checksum", fatal: true, classic: "bad outbound IP checksum", note: "the IP header's checksum is wrong"})
	}
	d.layers(p, want, g)
	if w, t := want.TCP(), g.TCP(); w != nil && t != nil {
		d.tcp(p.TCP, w, asAsked(p, w, t))
		r.diffOptions(&d, p.TCP, w, t)
	}
	if v6 := got.live.V6(); v6 != nil && p.IP != nil && p.IP.FlowLabel != nil {
		d.flowLabel(s, uint32(p.IP.FlowLabel.Value), v6.FlowLabel)
	}
	if p.ICMP == nil && len(d) == 0 && !bytes.Equal(g.Payload, want.Payload) {
		d = append(d, fieldDiff{field: "payload", classic: "incorrect outbound data payload",
			note: "the payload isn't what was written"})
	}
	return d
}
