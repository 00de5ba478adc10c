package crosscheck

import (
	"time"
)

// A sender is the other end's sending side.
type sender struct {
	next, una uint32
	window    int // the stack's
	closed    bool
	tries     int
	// held is when data beyond a hole was sent, if not long ago: the stack may
	// hold its ACK back, until a timer that isn't exact. Nothing else may
	// happen just then.
	held time.Duration
}

// ackHeld is how long an ACK may be held back: 1 ms, and the timer's slack.
const ackHeld = 13 * grain

// clustered reports whether more data may follow at once. Only if the timer is
// the full 1 ms is that for certain before it.
func (p *Peer) clustered() bool { return p.ts && p.rtt >= ms(40) && p.net.lateUntil == 0 }

func (s *sender) start() { s.next, s.una, s.window = 1, 1, 20000 }

// send has the other end send data: some of it lost, late or twice.
func (p *Peer) send(n int, gap time.Duration) string {
	if p.snd.closed || p.rcv.reset && !p.chance(20) {
		return ""
	}
	room := p.snd.window - int(p.snd.next-p.snd.una)
	if n > room && !p.chance(5) {
		n = room
	}
	when := p.now
	for sent := 0; sent < n; {
		size := min(n-sent, p.stackMSS)
		if p.ts {
			size = min(size, p.stackMSS-12)
		}
		flags := "."
		if sent+size == n && p.chance(80) {
			flags = "P."
		}
		seq := p.snd.next
		p.snd.next += uint32(size)
		sent += size
		if p.chance(p.lossBack) || p.chance(p.theme.gaps) {
			continue // lost: the stack will never know
		}
		at := when
		if p.chance(p.reorder) || p.chance(p.theme.gaps) {
			at += p.reorderBy + ms(1)
		}
		p.at(at, func() string { return p.data(flags, seq, size) })
		if p.chance(3) {
			p.at(at+p.rtt/2, func() string { return p.data(flags, seq, size) })
		}
		when += gap
	}
	p.after(max(ms(200), 2*p.rtt), p.resend)
	return ""
}

// data writes a segment of the other end with data, marked by the network at
// times.
func (p *Peer) data(flags string, seq uint32, n int) string {
	if p.sack && seq != p.snd.una && p.now > p.snd.held+ackHeld {
		p.snd.held = p.now
	}
	s := p.packet(flags, seq, n)
	if p.ecn {
		mark := "[ect0] "
		if p.chance(p.ce) {
			mark = "[ce] "
		}
		s = "< " + mark + s[2:]
	}
	return s
}

// resend has the other end send again what the stack hasn't acknowledged.
func (p *Peer) resend() string {
	if !before(p.snd.una, p.snd.next) || p.rcv.reset || p.snd.tries > 12 {
		return ""
	}
	p.snd.tries++
	n := min(int(p.snd.next-p.snd.una), p.stackMSS-12)
	p.after(max(ms(250), 2*p.rtt), p.resend)
	if p.chance(p.lossBack) {
		return ""
	}
	if p.snd.closed && n == int(p.snd.next-p.snd.una) {
		return p.data("F.", p.snd.una, n-1)
	}
	return p.data(".", p.snd.una, n)
}

// fin has the other end say that it has no more to send.
func (p *Peer) fin() string {
	if p.snd.closed || p.rcv.reset {
		return ""
	}
	p.snd.closed = true
	s := p.packet("F.", p.snd.next, 0)
	p.snd.next++
	p.after(max(ms(250), 2*p.rtt), p.resend)
	if p.chance(p.lossBack) {
		return ""
	}
	return s
}
