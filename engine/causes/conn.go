package causes

import (
	"encoding/binary"
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
	unsure    bool   // it may have refused what came last: rcvNxt is out of date
	blurred   bool   // it may have gaps that aren't known, or not have them
	stamps    bool   // it uses timestamps
	stamp     uint32 // the peer's last
	biggest   uint32 // payload that came in a segment
	window    uint16 // last offered, as in the header
	finSent   bool
	finAcked  bool
	finCame   bool
	weFirst   bool // our FIN was sent before the peer's came
	released  bool // its FIN was close's: nobody has it any more
	closes    int  // calls of close that weren't its own
	held      hold
	heldUntil uint32 // before it is what was written then
	heldFrom  uint32 // where what was held began
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
	e.rcvBefore, e.ackBefore, e.shaken = c.rcvNxt, c.acked, c.una != c.iss
	e.active = c.acked == 0
	e.unsure = c.unsure || c.blurred
	e.finWait2 = c.finAcked && !c.finCame && c.closes != b.closes
	e.closed = c.weFirst && c.finAcked && c.finCame ||
		c.finAcked && !c.finCame && c.released && !b.lingers
	if t.Flags&wire.RST != 0 {
		return
	}
	if t.Flags&wire.ACK != 0 && before(c.una, t.Ack) && !before(c.sndMax, t.Ack) {
		c.una = t.Ack
		c.finAcked = c.finSent && t.Ack == c.sndMax
	}
	if t.Flags&wire.SYN != 0 {
		c.stamps = c.stamps && t.Option(wire.OptTimestamp) != nil
		return
	}
	end := t.Seq + t.SegLen(e.size)
	if !c.acceptable(t) {
		c.unsure = c.unsure || before(c.rcvNxt, end)
		c.blurred = c.blurred || before(c.rcvNxt, t.Seq)
		return
	}
	c.biggest = max(c.biggest, uint32(e.size))
	c.take(span{t.Seq, end})
	if t.Flags&wire.FIN != 0 && !before(c.rcvNxt, t.Seq+t.SegLen(e.size)) && !c.finCame {
		c.finCame, c.weFirst = true, c.finSent
	}
}

// acceptable reports whether nothing speaks against a segment's being taken in.
func (c *conn) acceptable(t *wire.TCP) bool {
	if t.Flags&wire.ACK == 0 || before(t.Ack, c.una) || before(c.sndMax, t.Ack) {
		return false // RFC 5961
	}
	o := t.Option(wire.OptTimestamp)
	if !c.stamps {
		return true
	}
	if o == nil || len(o.Data) != 8 {
		return false
	}
	val := binary.BigEndian.Uint32(o.Data)
	if before(val, c.stamp) {
		return false // PAWS
	}
	c.stamp = val
	return true
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
func (b *Book) hold(u *Unsent, d reading, known bool) {
	c := b.conn(ends{u.Local, u.Remote})
	if c == nil {
		return
	}
	now := holdUnknown
	if known && !b.paced && d["TCPAutoCorking"] == 0 && u.WindowKnown {
		now = u.hold(c.sndMax-c.una, b.last)
	}
	marked := (c.held == holdNagle || c.held == holdCork) && c.heldFrom == c.sndMax
	switch {
	case u.Bytes == 0:
		now = holdNothing
	case now == holdWindow && marked:
		now = c.held // which held it before
	}
	c.held, c.heldFrom, c.heldUntil = now, c.sndMax, c.sndMax+u.Bytes
}

// hold is what keeps data from being sent with so many bytes in flight, after last was
// done.
func (u *Unsent) hold(flight uint32, last *Event) hold {
	switch {
	case u.InFlight >= u.Cwnd, u.Window <= flight, u.Window-flight < min(u.Bytes, u.MSS):
		return holdWindow
	case u.Bytes >= u.MSS && (u.Corked || u.More):
		return holdUnknown
	case u.Bytes >= u.MSS:
		return holdWindow // it is put off for a larger super-segment
	case u.Corked, u.More && last.sends():
		return holdCork
	case u.More, u.NoDelay:
		return holdUnknown // an acknowledgment doesn't ask for MSG_MORE, if it asks at all
	}
	return holdNagle
}
