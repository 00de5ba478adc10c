package causes

import (
	"tcpdrill/engine"
	"tcpdrill/engine/wire"
)

// A kind is what a segment is, seen from outside.
type kind int

const (
	kindOther    kind = iota
	kindSyn           // a SYN or SYN-ACK
	kindSynAgain      // that was sent before
	kindData          // new data, or a FIN on top of all
	kindFin           // nothing but a new FIN
	kindAgain         // data or a FIN that was sent before
	kindAck           // nothing but an acknowledgment
	kindBelow         // one that begins before what the peer has acknowledged
	kindReset
)

// A segment is one that the stack sent.
type segment struct {
	c                  *engine.Captured
	kind               kind
	within             *Event
	sending, receiving bool
	// word is the cause, as far as the counters agree.
	word string
	// maybe are causes that it could have, if it was known what sent it.
	maybe []string
	hold  hold // of the data that it begins with, when it was sent
	gaps  bool // the peer's data had gaps
}

// isDatagram reports whether a packet is UDP's, or a fragment of such a one.
func isDatagram(p *wire.Packet) bool {
	f := p.Fragment()
	return p.UDP() != nil || f != nil && f.Carries() == "udp"
}

// sent takes in what the stack sent. It returns nil for what isn't TCP.
func (b *Book) sent(r record) *segment {
	p, err := wire.Parse(r.sent.Data)
	if err == nil && isDatagram(p) && r.within != nil && r.within.Packet == nil {
		return &segment{c: r.sent, within: r.within, word: write}
	}
	if err != nil || p.TCP() == nil {
		return nil
	}
	t, size := p.TCP(), len(p.Payload)
	at := packetEnds(p)
	g := &segment{c: r.sent, within: r.within, sending: r.sending, receiving: r.receiving}
	c := b.conn(at)
	isSyn := t.Flags&wire.SYN != 0
	switch {
	case t.Flags&wire.RST != 0:
		g.kind = kindReset
	case isSyn && c != nil && c.iss == t.Seq:
		g.kind = kindSynAgain
	case isSyn:
		g.kind = kindSyn
		c = &conn{iss: t.Seq, una: t.Seq, sndMax: t.Seq + 1, stamps: t.Option(wire.OptTimestamp) != nil, closes: b.closes}
		b.conns[at] = c
	case c == nil:
	case t.SegLen(size) > 0 && before(t.Seq, c.sndMax):
		g.kind = kindAgain
	case size > 0:
		g.kind = kindData
	case t.SegLen(size) > 0:
		g.kind = kindFin
	case before(t.Seq, c.una):
		g.kind = kindBelow
	default:
		g.kind = kindAck
	}
	if c == nil || g.kind == kindReset {
		g.word = b.bare(g, nil, t)
		return g
	}
	g.hold = holdNothing
	if before(t.Seq, c.heldUntil) {
		g.hold = c.held
	}
	g.gaps = len(c.gaps) > 0
	g.word = b.bare(g, c, t)
	b.remember(c, t, size, g)
	return g
}

// remember takes in what a segment tells of its connection.
func (b *Book) remember(c *conn, t *wire.TCP, size int, g *segment) {
	if end := t.Seq + t.SegLen(size); before(c.sndMax, end) {
		c.sndMax = end
	}
	if !before(c.sndMax, c.heldUntil) {
		c.held = holdNothing
	} else if g.within == nil && g.kind == kindData {
		c.held = holdUnknown
	}
	if t.Flags&wire.FIN != 0 && !c.finSent {
		c.finSent = true
		// One that had to wait may be due to close or to shutdown.
		c.released = b.shutdowns == 0 || g.within != nil && g.within.Call == "close"
		if g.within != nil && g.within.Call == "shutdown" {
			c.closes = b.closes
		}
	}
	c.window = t.Window
	if t.Flags&wire.ACK != 0 {
		c.rcvNxt, c.acked = t.Ack, t.Ack
		c.unsure = false
	}
}

// bare is the segment's cause by itself and what was being done: of one that was sent
// while nothing was done only the counters tell.
func (b *Book) bare(g *segment, c *conn, t *wire.TCP) (word string) {
	e := g.within
	if g.kind == kindData && b.mtuProbes {
		return "" // an MTU probe looks like any other
	}
	asleep := g.receiving // who else may have sent it
	switch g.kind {
	case kindData:
		asleep = g.sending
		if asleep && (g.hold == holdNothing || g.hold == holdWindow) {
			g.suspect(write)
		}
	case kindSyn, kindReset, kindFin:
		asleep = false
	}
	switch {
	case e == nil && g.kind == kindReset:
		return abort // only timers do that
	case e == nil:
		g.maybe = append(g.maybe, byTimer[g.kind]...)
		return ""
	case e.Packet != nil:
		word = b.answer(g, c, t, e)
	default:
		word, asleep = b.called(g, c, t, e), e.Slept
	}
	g.suspect(word)
	if asleep {
		return ""
	}
	return word
}

// byTimer are causes of what timers send.
var byTimer = map[kind][]string{
	kindSynAgain: {synTimer}, kindAgain: {rto, tlp, rack}, kindAck: {delack, compressedAck}, kindBelow: {probe, keepalive},
}

// suspect notes a cause that the segment could have.
func (g *segment) suspect(word string) {
	if word != "" {
		g.maybe = append(g.maybe, word)
	}
}

// called is the cause of a segment that was sent in a call.
func (b *Book) called(g *segment, c *conn, t *wire.TCP, e *Event) string {
	switch g.kind {
	case kindSyn:
		if t.Flags&wire.ACK == 0 {
			return syn
		}
	case kindReset:
		return abort
	case kindFin:
		return fin
	case kindData:
		switch {
		case g.hold != holdNothing:
			return g.hold.word("")
		case e.sends() && e.Flags&msgOOB != 0:
			return urgent
		case e.sends():
			return write
		}
	case kindAck:
		switch {
		case !e.receives():
		case t.Ack == c.acked:
			return windowUpdate // there was nothing to acknowledge
		case t.Ack-c.acked > c.biggest || uint32(t.Window) < 2*uint32(c.window):
			return ackNow
		}
	}
	return ""
}

// answer is the cause of a segment that was sent while a packet was taken in.
func (b *Book) answer(g *segment, c *conn, t *wire.TCP, e *Event) string {
	switch g.kind {
	case kindSyn:
		if t.Flags&wire.ACK != 0 {
			return synAck
		}
	case kindReset:
		return reset
	case kindFin:
		return fin
	case kindData:
		return g.hold.word(ack)
	case kindAck:
		if e.tcp != nil && e.conn == c {
			return acknowledges(c, t, e)
		}
	}
	return ""
}

// acknowledges is the cause of an acknowledgment that answers a segment, if it isn't
// a challenge.
func acknowledges(c *conn, t *wire.TCP, e *Event) string {
	p := e.tcp
	from, to := p.Seq, p.Seq+p.SegLen(e.size)
	switch {
	case p.Flags&wire.RST != 0:
		return ""
	case p.Flags&wire.SYN != 0:
		if p.Flags&wire.ACK != 0 && !e.shaken && e.active {
			return handshake
		}
		return ""
	case !e.shaken:
		return ""
	case e.closed:
		return timeWait
	case e.finWait2, e.unsure:
		return "" // who knows whether it is closed meanwhile
	case from == to && from != e.rcvBefore:
		return dupAck // a keepalive probe, say
	case from == to:
		return ""
	case !before(e.rcvBefore, to), before(e.rcvBefore, from):
		return dupAck
	case t.Ack == e.rcvBefore:
		return "" // there was no room for it
	case len(c.gaps) > 0:
		return dupAck
	case e.rcvBefore == e.ackBefore, t.Ack-e.ackBefore > c.biggest:
		return ackNow
	}
	return "" // its delay may just have been over
}
