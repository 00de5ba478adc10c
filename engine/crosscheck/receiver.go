package crosscheck

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tcpdrill/engine/wire"
)

// A span is a range of sequence numbers.
type span struct{ left, right uint32 }

// A receiver is the other end's receiving side.
type receiver struct {
	next      uint32 // expected
	islands   []span // received beyond that, the latest first
	dup       *span  // to report as a duplicate
	unread    int    // bytes that its application hasn't read
	edge      uint32 // of the window, as last said
	closedFor bool   // its window is held shut
	pending   int    // segments not acknowledged yet
	mute      time.Duration
	tsRecent  uint32
	saidAck   uint32
	finned    bool // the stack's FIN has come
	ece       bool // until the stack says CWR
	reset     bool // the stack has sent a RST
	armed     bool // the delayed ACK's timer
}

func (r *receiver) start(p *Peer) {
	r.next, r.saidAck, r.tsRecent = 1, 1, firstTS
	r.edge = 1 + uint32(p.window)
}

// arrive takes in a segment of the stack and returns what the other end sends
// because of it.
func (p *Peer) arrive(s segment) string {
	if p.rcv.reset && p.chance(70) {
		return ""
	}
	if s.ce {
		p.rcv.ece = true
	}
	if s.cwr && !s.ce {
		p.rcv.ece = false
	}
	if s.hasTS && !before(p.rcv.saidAck, s.seq) && before(p.rcv.tsRecent, s.tsVal) {
		p.rcv.tsRecent = s.tsVal
	}
	end := s.end()
	switch {
	case end == s.seq && s.seq == p.rcv.next-1: // a probe, or keepalive
		if p.chance(85) {
			return p.ackNow()
		}
		return ""
	case end == s.seq:
		return ""
	case !before(p.rcv.next, end):
		p.rcv.dup = &span{s.seq, end}
		return p.ackNow()
	case before(p.rcv.edge, end) && before(p.rcv.next+uint32(p.space()), end):
		return p.ackNow() // beyond the window
	case before(p.rcv.next, s.seq):
		if !p.island(span{s.seq, end}) {
			p.rcv.dup = &span{s.seq, end}
		}
		return p.ackNow()
	}
	filled := len(p.rcv.islands) > 0
	p.rcv.unread += int(s.end() - p.rcv.next)
	p.rcv.next = end
	p.fill()
	if s.fin {
		p.rcv.finned = true
		return p.ackNow()
	}
	if p.slowReader && !p.app.peerReads {
		p.app.peerReads = true
		p.after(pick(p.dice, ms(5), ms(50), ms(300), ms(900), ms(2500)), p.peerRead)
	} else if !p.slowReader {
		p.rcv.unread = 0
	}
	p.rcv.pending++
	if filled || p.rcv.pending >= p.ackEvery {
		return p.ackNow()
	}
	if !p.rcv.armed {
		p.rcv.armed = true
		p.after(p.delack, func() string {
			p.rcv.armed = false
			if p.rcv.pending == 0 {
				return ""
			}
			return p.ackNow()
		})
	}
	return ""
}

// island notes data beyond a hole, and reports whether it is new.
func (p *Peer) island(n span) bool {
	isNew := true
	rest := p.rcv.islands[:0:0]
	for _, o := range p.rcv.islands {
		if before(n.right, o.left) || before(o.right, n.left) {
			rest = append(rest, o)
			continue
		}
		if !before(n.left, o.left) && !before(o.right, n.right) {
			isNew = false
		}
		if before(o.left, n.left) {
			n.left = o.left
		}
		if before(n.right, o.right) {
			n.right = o.right
		}
	}
	p.rcv.islands = append([]span{n}, rest...)
	return isNew
}

// fill moves what is expected over the islands that are reached.
func (p *Peer) fill() {
	for again := true; again; {
		again = false
		p.rcv.islands = slices.DeleteFunc(p.rcv.islands, func(o span) bool {
			if before(p.rcv.next, o.left) {
				return false
			}
			if before(p.rcv.next, o.right) {
				p.rcv.unread += int(o.right - p.rcv.next)
				p.rcv.next, again = o.right, true
			}
			return true
		})
	}
}

// space is the window that there is room for.
func (p *Peer) space() int {
	if p.rcv.closedFor {
		return 0
	}
	return max(p.window-p.rcv.unread, 0)
}

// said returns the window to say, scaled.
func (p *Peer) said() int {
	shift := max(p.wscale, 0)
	space := p.space()
	if space < min(p.mss, p.window/2) && !p.rcv.closedFor {
		space = 0 // no silly window
	}
	if left := int(int32(p.rcv.edge - p.rcv.next)); left > space && !p.shrinks && !p.rcv.closedFor {
		space = left
	}
	w := min((space+1<<shift-1)>>shift, 65535)
	p.rcv.edge = p.rcv.next + uint32(w<<shift)
	return w
}

// ackNow acknowledges, if the network doesn't lose it.
func (p *Peer) ackNow() string {
	p.rcv.pending = 0
	if p.now < p.rcv.mute || p.chance(p.lossBack) {
		p.rcv.dup = nil
		return ""
	}
	return p.packet(".", p.snd.next, 0)
}

// packet writes a segment of the other end.
func (p *Peer) packet(flags string, seq uint32, n int) string {
	if p.rcv.ece && !strings.ContainsAny(flags, "R") {
		flags = "E" + flags
	}
	p.rcv.saidAck, p.rcv.pending = p.rcv.next, 0
	return fmt.Sprintf("< %s %d:%d(%d) ack %d win %d%s", flags, seq, seq+uint32(n), n, p.rcv.next, p.said(), p.optionText())
}

// optionText writes the options of a segment: a timestamp and SACK blocks.
func (p *Peer) optionText() string {
	var opts []string
	room := 4
	if p.ts {
		opts = append(opts, p.tsText(p.now, p.rcv.tsRecent))
		room = 3
	}
	var blocks []span
	if p.sack {
		if p.rcv.dup != nil && p.dsack {
			blocks = append(blocks, *p.rcv.dup)
		}
		for _, o := range p.rcv.islands {
			if len(blocks) < room {
				blocks = append(blocks, o)
			}
		}
	}
	p.rcv.dup = nil
	if len(blocks) > 0 {
		s := "nop,nop,sack"
		for _, b := range blocks {
			s += fmt.Sprintf(" %d:%d", b.left, b.right)
		}
		opts = append(opts, s)
	}
	if len(opts) == 0 {
		return ""
	}
	return " <" + strings.Join(opts, ",") + ">"
}

func (p *Peer) tsText(at time.Duration, ecr uint32) string {
	return fmt.Sprintf("nop,nop,TS val %d ecr %d", peerTime(at), ecr)
}

// peerRead has the other end's application read, which may open the window.
func (p *Peer) peerRead() string {
	p.app.peerReads = false
	was := int(int32(p.rcv.edge - p.rcv.next))
	p.rcv.unread -= min(p.rcv.unread, pick(p.dice, p.rcv.unread, p.rcv.unread, p.rcv.unread/2, 1000))
	if p.rcv.unread > 0 {
		p.app.peerReads = true
		p.after(pick(p.dice, ms(1), ms(20), ms(250), ms(1100)), p.peerRead)
	}
	if was < 2*p.mss && p.space() >= 2*p.mss || was == 0 && p.space() > 0 {
		return p.ackNow()
	}
	return ""
}

// acked notes what the stack says in a segment of its own.
func (p *Peer) acked(t *wire.TCP) {
	if t.Flags&wire.ACK == 0 {
		return
	}
	if before(p.snd.una, t.Ack) {
		p.snd.una = t.Ack
	}
	p.snd.window = int(t.Window) << p.stackWScale
}
