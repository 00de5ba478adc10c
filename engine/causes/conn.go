package causes

import (
	"net/netip"

	"tcpdrill/engine/wire"
)

// A conn is what is known of a connection from outside: what it sent, what it was
// given, and what of it waits to be sent. Numbers are those on the wire.
type conn struct {
	iss       uint32
	sndMax    uint32 // after all that was sent
	una       uint32 // before it the peer has all
	rcvNxt    uint32
	acked     uint32 // what was last acknowledged
	gaps      []span // received beyond rcvNxt
	biggest   uint32 // payload that came in a segment
	window    uint16 // last offered, as in the header
	shaken    bool   // it sent something that isn't a SYN
	finSent   bool
	finAcked  bool
	finCame   bool
	weFirst   bool // our FIN was sent before the peer's came
	heldUntil uint32
	held      hold
}

type span struct{ from, to uint32 }

// hold is what keeps written data from being sent.
type hold int

const (
	holdNothing hold = iota
	holdWindow       // the peer's or the congestion window
	holdNagle
	holdCork
	holdUnknown
)

// word is why data leaves that was held: holds that look at each small segment leave
// their mark on it.
func (h hold) word(otherwise string) string {
	switch h {
	case holdNothing, holdWindow:
		return otherwise
	case holdNagle:
		return nagle
	case holdCork:
		return cork
	}
	return ""
}

// before reports whether a comes before b, modulo 2^32 (RFC 9293, section 3.4).
func before(a, b uint32) bool { return int32(a-b) < 0 }

// packetEnds returns between what a packet goes, as the one sees it that sent it.
func packetEnds(p *wire.Packet) ends {
	src, dst := p.IP()
	from, to := p.Ports()
	return ends{netip.AddrPortFrom(src, from), netip.AddrPortFrom(dst, to)}
}

// conn returns a connection, nil if it isn't known.
func (b *Book) conn(e ends) *conn { return b.conns[e] }

// given takes in a packet that the stack is given, or what a call is about to change.
func (b *Book) given(e *Event) {
	if e.Packet == nil {
		return
	}
	p, err := wire.Parse(e.Packet)
	if err != nil || p.TCP() == nil {
		return
	}
	t := p.TCP()
	at := packetEnds(p)
	e.tcp, e.size = t, len(p.Payload)
	c := b.conn(ends{at.remote, at.local})
	if e.conn = c; c == nil {
		return
	}
	e.begun = true
	e.rcvBefore, e.ackBefore, e.shaken = c.rcvNxt, c.acked, c.shaken
	e.closed = c.weFirst && c.finAcked && c.finCame
	if t.Flags&(wire.RST|wire.SYN) != 0 {
		return
	}
	if t.Flags&wire.ACK != 0 && before(c.una, t.Ack) && !before(c.sndMax, t.Ack) {
		c.una = t.Ack
		c.finAcked = c.finSent && t.Ack == c.sndMax
	}
	c.biggest = max(c.biggest, uint32(e.size))
	c.take(span{t.Seq, t.Seq + t.SegLen(e.size)})
	if t.Flags&wire.FIN != 0 && !before(c.rcvNxt, t.Seq+t.SegLen(e.size)) && !c.finCame {
		c.finCame, c.weFirst = true, c.finSent
	}
}

// take takes in what the peer sent.
func (c *conn) take(s span) {
	if s.from == s.to {
		return
	}
	c.gaps = append(c.gaps, s)
	for again := true; again; {
		again = false
		rest := c.gaps[:0]
		for _, g := range c.gaps {
			switch {
			case !before(c.rcvNxt, g.to): // it has all that
			case !before(c.rcvNxt, g.from):
				c.rcvNxt, again = g.to, true
			default:
				rest = append(rest, g)
			}
		}
		c.gaps = rest
	}
}

// hold takes in what a connection hasn't sent yet.
func (b *Book) hold(u *Unsent, d delta, known bool) {
	c := b.conn(ends{u.Local, u.Remote})
	if c == nil {
		return
	}
	c.heldUntil = c.sndMax + u.Bytes
	flight := c.sndMax - c.una
	switch {
	case u.Bytes == 0:
		c.held = holdNothing
	case !known || b.paced || d["TCPAutoCorking"] != 0 || !u.WindowKnown:
		c.held = holdUnknown
	case u.InFlight >= u.Cwnd || u.Window <= flight:
		c.held = holdWindow
	case u.Window-flight < min(u.Bytes, u.MSS):
		c.held = holdWindow
	case u.Bytes >= u.MSS:
		c.held = holdUnknown // it is put off for a larger super-segment, perhaps
	case u.Corked, u.More && b.last.sends():
		c.held = holdCork
	case u.More:
		c.held = holdUnknown // an acknowledgment doesn't look at that, but did it look at all?
	case !u.NoDelay:
		c.held = holdNagle
	default:
		c.held = holdUnknown
	}
}
