package crosscheck

import "time"

// A network loses, delays and reorders what the stack sends.
type network struct {
	expired int    // packets that no event brought about, or that came again
	highest uint32 // after the highest sequence number sent

	dropNext  int           // so many segments with data
	dropUntil time.Duration // everything
	late      time.Duration // arrives so much later, until lateUntil
	lateUntil time.Duration
	arrival   time.Duration // the latest so far
}

// A segment is on its way to the other end.
type segment struct {
	seq, length uint32
	fin         bool
	cwr         bool // the stack says that it has slowed down
	ect, ce     bool
	hasTS       bool
	tsVal       uint32
}

func (s segment) end() uint32 {
	if s.fin {
		return s.seq + s.length + 1
	}
	return s.seq + s.length
}

// before compares sequence numbers.
func before(a, b uint32) bool { return int32(a-b) < 0 }

// carry takes a segment to the other end, or loses it.
func (p *Peer) carry(at time.Duration, s segment) {
	again := before(s.seq, p.net.highest) && s.end() != s.seq
	if before(p.net.highest, s.end()) {
		p.net.highest = s.end()
	}
	if again {
		p.net.expired++
	}
	if p.drops(at, s, again) {
		return
	}
	if s.ect && p.chance(p.ce) {
		s.ce = true
	}
	// What arrives a little late has a round trip that is a little more than
	// whole milliseconds, never less.
	when := p.grid(at) + p.rtt
	if at < p.net.lateUntil {
		when += p.net.late
	}
	if p.chance(p.reorder) {
		when += p.reorderBy
	} else if s.length > 0 && !again {
		when = max(when, p.net.arrival) // in order
		p.net.arrival = when
	}
	p.at(when, func() string { return p.arrive(s) })
}

// grid rounds a time up as slot does.
func (p *Peer) grid(t time.Duration) time.Duration {
	t = (t + grain - 1) / grain * grain
	if over := t % time.Millisecond; over > 3*grain {
		t += time.Millisecond - over
	}
	return t
}

func (p *Peer) drops(at time.Duration, s segment, again bool) bool {
	if at < p.net.dropUntil {
		return true
	}
	if s.length > 0 && p.net.dropNext > 0 {
		p.net.dropNext--
		return true
	}
	if again {
		return p.chance(p.lossAgain)
	}
	return p.chance(p.loss)
}
