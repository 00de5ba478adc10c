package update

import (
	"math"
	"slices"
	"time"

	"tcpdrill/engine"
	"tcpdrill/script"
)

// When a packet isn't what a line expects, then either it has changed, or the line's
// packet wasn't sent, or this one is new before it. The packets and lines up to where
// the script does something next tell: they are aligned so that the least of them is
// changed, dropped and added, each at its price.
const (
	addCost  = 1
	dropCost = 1.2
	// restCost is that of a packet behind the last line, unless it came only because the
	// run waited for another in vain.
	restCost = 1
)

// furthest is how many lines and packets are looked at.
const furthest = 40

// A piece is a packet that was sent.
type piece struct {
	packet *script.Packet // nil: the language has no words for it
	number int            // see engine.Entry
	text   string
	at     time.Duration
	cause  string
}

// align returns which packets are new before a line, and whether that is to be dropped.
// Neither: its packet has changed.
func (r *round) align(ev *script.Event, seen *engine.Seen, got *script.Packet) (before []piece, drop bool) {
	lines, next := r.linesFrom(seen.Event)
	a := &alignment{lines: lines, pieces: r.pieces(seen.First, next), seen: seen, got: got, until: r.inVain(seen.Event, len(lines)), known: map[state]step{}}
	if len(a.pieces) == 0 {
		return nil, false
	}
	if early(ev, seen) && difference(ev.Packet, got) > unlike {
		// The script did something between this packet and the line, which then had
		// the wrong one, and what followed came too early.
		return a.pieces[:1], false
	}
	s := state{}
	for s.line == 0 {
		best := a.best(s)
		switch {
		case best.next.line == 0:
			before = append(before, a.pieces[s.piece])
		case best.drops:
			return before, true
		default:
			return before, false
		}
		s = best.next
	}
	return before, false
}

// unlike is how much a packet may differ from one that is sent at another time.
const unlike = 0.3

// early reports whether a packet was sent before the time at which a line expects it.
func early(ev *script.Event, seen *engine.Seen) bool {
	return slices.Contains(seen.Fields, "time") && seen.At < seen.Since+ev.Time.Start
}

// linesFrom returns the expected packets from an event on, up to the first event that
// is something else, which is returned too; nil if there is none.
func (r *round) linesFrom(first int) (lines []*script.Event, next *script.Event) {
	for _, ev := range r.src.Events[first:] {
		if !expected(ev) {
			return lines, ev
		}
		if len(lines) < furthest {
			lines = append(lines, ev)
		}
	}
	return lines, nil
}

// pieces returns the packets that were sent, from a number on and before an event.
func (r *round) pieces(first int, next *script.Event) (pieces []piece) {
	begun, end := false, time.Duration(math.MaxInt64)
	for _, e := range r.outcome.Timeline {
		begun = begun || e.Sent == first
		switch {
		case e.At > end:
			return pieces
		case !begun:
		case e.Sent > 0:
			if len(pieces) < furthest {
				pieces = append(pieces, piece{r.parsed(e.Text), e.Sent, e.Text, e.At, e.Cause})
			}
		case next != nil && e.Line == next.Pos.Line && e.Kind != engine.EntryReturn && e.Kind != engine.EntryMissing:
			end = e.At
		}
	}
	return pieces
}

// inVain returns the time from which on the run waited for a packet of some lines that
// never came, or another did in its place.
func (r *round) inVain(first, lines int) time.Duration {
	for _, f := range r.outcome.Failures {
		s := f.Seen
		if s == nil || s.Event < first || s.Event >= first+lines {
			continue
		}
		t := r.src.Events[s.Event].Time
		due := s.Since + max(t.Start, t.End) + s.Tolerance
		switch {
		case s.Packet == "":
			return s.At
		case slices.Contains(s.Fields, "time") && s.At > due:
			return due
		}
	}
	return math.MaxInt64
}

// An alignment is of lines and packets. Its states are how many of each are done.
type alignment struct {
	lines  []*script.Event
	pieces []piece
	seen   *engine.Seen   // of the first line
	got    *script.Packet // what can stand for it
	until  time.Duration  // see inVain
	known  map[state]step
}

type state struct{ line, piece int }

// A step is what is best done in a state.
type step struct {
	cost  float64
	next  state
	drops bool
}

// best returns the best step from a state, its cost being that of all that follow.
func (a *alignment) best(s state) step {
	if s.line == len(a.lines) {
		var rest step
		for _, p := range a.pieces[s.piece:] {
			if p.at <= a.until {
				rest.cost += restCost
			}
		}
		return rest
	}
	if known, ok := a.known[s]; ok {
		return known
	}
	dropped := state{s.line + 1, s.piece}
	best := step{dropCost + a.best(dropped).cost, dropped, true}
	if s.piece < len(a.pieces) {
		if added := (state{s.line, s.piece + 1}); addCost+a.best(added).cost <= best.cost {
			best = step{addCost + a.best(added).cost, added, false}
		}
		cost, n := a.change(s)
		if taken := (state{s.line + 1, s.piece + n}); cost+a.best(taken).cost <= best.cost {
			best = step{cost + a.best(taken).cost, taken, false}
		}
	}
	a.known[s] = best
	return best
}

// change is the price of changing a line to the packet at hand, and of how many pieces
// that consists.
func (a *alignment) change(s state) (cost float64, pieces int) {
	want := a.lines[s.line]
	if s.line > 0 || s.piece > 0 {
		got, n := a.glued(want.Packet, s.piece)
		cost = difference(want.Packet, got)
		if s.line > 0 && !a.onTime(want, s.piece) {
			cost += 0.6
		}
		return cost, n
	}
	cost = difference(want.Packet, a.got)
	if slices.Contains(a.seen.Fields, "time") {
		cost += 0.2
	}
	return cost, min(a.seen.Pieces, len(a.pieces))
}

// onTime reports whether a packet came about when a line says, as far as that can be told
// from the packet before: else it may be a later one of the same bytes.
func (a *alignment) onTime(want *script.Event, piece int) bool {
	t := want.Time
	if t.Kind != script.Relative && t.Kind != script.RelativeRange {
		return true
	}
	since := a.seen.Since
	if piece > 0 {
		since = a.pieces[piece-1].at
	}
	after := a.pieces[piece].at - since
	slack := max(a.seen.Tolerance, after/8)
	return after >= t.Start-slack && after <= max(t.Start, t.End)+slack
}

// glued puts segments together as the engine does, up to the length of a line.
func (a *alignment) glued(want *script.Packet, first int) (whole *script.Packet, n int) {
	last := a.pieces[first].packet
	if want.TCP == nil || last == nil || last.TCP == nil {
		return last, 1
	}
	t := *last.TCP
	n = 1
	for t.Seq.Length.Value < want.TCP.Seq.Length.Value && first+n < len(a.pieces) {
		p := a.pieces[first+n].packet
		if p == nil || p.TCP == nil {
			break
		}
		size, missing := p.TCP.Seq.Length.Value, want.TCP.Seq.Length.Value-t.Seq.Length.Value
		if p.TCP.Seq.First.Value != t.Seq.Last.Value || number(p.TCP.Ack) != number(t.Ack) ||
			size < missing && size != last.TCP.Seq.Length.Value {
			break
		}
		t.Flags, t.Seq.Last.Value = p.TCP.Flags, p.TCP.Seq.Last.Value
		t.Seq.Length.Value += size
		last = p
		n++
	}
	return &script.Packet{TCP: &t}, n
}

// never is more than dropping a line and adding another.
const never = 3

// difference is how much a packet isn't what a line expects: 0 if it is.
func difference(want, got *script.Packet) (d float64) {
	switch {
	case got == nil:
		return never
	case want.TCP != nil && got.TCP != nil:
		return segments(want.TCP, got.TCP)
	case want.UDP != nil && got.UDP != nil:
		if want.UDP.Length.Value != got.UDP.Length.Value {
			d = 0.5
		}
		return d
	case want.ICMP != nil && got.ICMP != nil:
		if want.ICMP.Type != got.ICMP.Type || want.ICMP.Code != got.ICMP.Code {
			d = 1
		}
		return d
	}
	return never
}

// segments is difference of segments: which bytes it has says most of what it is.
func segments(want, got *script.TCP) (d float64) {
	add := func(cost float64, differ bool) {
		if differ {
			d += cost
		}
	}
	for flag, cost := range map[byte]float64{'S': 2, 'R': 2, 'F': 0.5, 'P': 0.1, 'U': 0.1, '.': 0.3} {
		add(cost, want.HasFlag(flag) != got.HasFlag(flag))
	}
	data, gotData := want.Seq.Length.Value, got.Seq.Length.Value
	bare := data == 0 && gotData == 0
	add(2, (data > 0) != (gotData > 0) && want.HasFlag('F') == got.HasFlag('F'))
	add(0.8, want.Seq.First.Value != got.Seq.First.Value)
	add(0.5, data != gotData)
	add(0.4, number(want.Ack) != number(got.Ack))
	add(0.4, bare && number(want.Ack) != number(got.Ack)) // it is all that a bare ACK says
	add(0.1, want.Window != nil && number(want.Window) != number(got.Window))
	add(0.1, urgent(want) != urgent(got))
	options := !want.AnyOptions && !sameOptions(want.Options, got.Options)
	add(0.2, options)
	add(0.3, bare && options) // as of its SACK blocks
	return d
}

// urgent is the urgent pointer of a segment.
func urgent(t *script.TCP) int64 { return number(t.Urgent) }

// number is the value of a number that may be missing, which means 0.
func number(n *script.Int) int64 {
	if n == nil {
		return 0
	}
	return n.Value
}
