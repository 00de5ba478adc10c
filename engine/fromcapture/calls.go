package fromcapture

import (
	"time"

	"tcpdrill/engine/wire"
)

// incoming is what the other end has sent.
type incoming struct {
	next     uint32      // in order up to here, in the script's numbers
	read     uint32      // up to here by the application
	later    [][2]uint32 // out of order
	fin      uint32      // where it is, if hasFIN
	hasFIN   bool
	ended    bool // the application knows
	segments int  // with data in order, since the last ACK
	all      int  // with data
}

// add takes a segment in.
func (in *incoming) add(seq uint32, s *segment) {
	if in.next == 0 {
		in.next, in.read = 1, 1
	}
	if s.has(wire.SYN) {
		seq++
	}
	end := seq + uint32(s.payload())
	if s.has(wire.FIN) && !in.hasFIN {
		in.fin, in.hasFIN = end, true
	}
	if s.payload() == 0 || s.has(wire.RST) {
		return
	}
	in.all++
	before := in.next
	in.keep(seq, end)
	for moved := true; moved; {
		moved = false
		rest := in.later[:0]
		for _, r := range in.later {
			switch {
			case int32(r[1]-in.next) <= 0:
			case int32(r[0]-in.next) <= 0:
				in.next, moved = r[1], true
			default:
				rest = append(rest, r)
			}
		}
		in.later = rest
	}
	if in.next != before {
		in.segments++
	}
}

// keep notes that data is there.
func (in *incoming) keep(from, to uint32) {
	for i, r := range in.later {
		if int32(from-r[1]) <= 0 && int32(r[0]-to) <= 0 { // they touch
			if int32(from-r[0]) > 0 {
				from = r[0]
			}
			if int32(r[1]-to) > 0 {
				to = r[1]
			}
			in.later[i] = [2]uint32{from, to}
			return
		}
	}
	in.later = append(in.later, [2]uint32{from, to})
}

// planReads finds out where the application can't have read: where the window it
// left was closed, until it opens.
func (b *builder) planReads() {
	b.unread = make([]bool, len(b.segments))
	full, from := false, 0
	for i, s := range b.segments {
		if s.inbound || s.tcp() == nil || s.tcp().Flags&(wire.SYN|wire.RST) != 0 {
			continue
		}
		switch {
		case s.tcp().Window == 0:
			full = true
		case full:
			for j := from; j < i; j++ {
				b.unread[j] = true
			}
			full, from = false, i
		}
	}
	for j := from; full && j < len(b.segments); j++ {
		b.unread[j] = true
	}
}

// read adds a read of all that is there, at segment i.
func (b *builder) read(i int, remark string) {
	at := b.segments[i].at
	in := &b.in
	if !b.accepted || b.closed || b.unread[i] || in.ended {
		return
	}
	if n := in.next - in.read; n > 0 {
		b.call(at, remark, "read(%d, ..., %d) = %d", b.fd(), n, n)
		in.read = in.next
	}
	if in.hasFIN && in.fin == in.read {
		in.ended = true
		b.call(at, "the end", "read(%d, ..., 1000) = 0", b.fd())
	}
}

// write adds a write, and the setting that it needs.
func (b *builder) write(at time.Duration, w *write) {
	if w.noDelay && !b.noDelay {
		b.noDelay = true
		b.call(at, "a small segment leaves while another is in flight", "setsockopt(%d, SOL_TCP, TCP_NODELAY, [1], 4) = 0", b.fd())
	}
	if w.cork {
		b.uncork[w.last] = true
		b.call(at, "the end leaves when the loss probe is due", "setsockopt(%d, SOL_TCP, TCP_CORK, [1], 4) = 0", b.fd())
	}
	if w.more {
		b.call(at, "no PSH at its end", "send(%d, ..., %d, MSG_MORE) = %d", b.fd(), w.bytes, w.bytes)
	} else {
		b.call(at, "up to PSH", "write(%d, ..., %d) = %d", b.fd(), w.bytes, w.bytes)
	}
	if w.closes {
		b.closeCall(at)
	}
}

// maxSeg adds the setting by which the stack announces so small an MSS.
func (b *builder) maxSeg(at time.Duration) {
	if b.smallMTU() {
		b.call(at, "the MSS", "setsockopt(3, SOL_TCP, TCP_MAXSEG, [%d], 4) = 0", mssOf(b.ownSYN))
	}
}

// pinned reports whether retransmissions of the stack show that something held its
// packets: a FIN wasn't merged into the data before it (tcp_retrans_try_collapse).
func (b *builder) pinned() bool {
	fin, sent := uint32(0), false
	for _, s := range b.segments {
		if s.inbound || s.tcp() == nil {
			continue
		}
		end := b.seq(s) + uint32(s.payload())
		if s.has(wire.FIN) {
			fin, sent = end, true
		} else if sent && end == fin && s.payload() > 0 && uint32(s.payload()) <= b.mss {
			return true
		}
	}
	return false
}

// close adds the close that brings about the FIN of segment i.
func (b *builder) close(i int) {
	if b.shut || !b.accepted {
		return
	}
	b.read(i, "before the end")
	b.closeCall(b.segments[i].at)
}

func (b *builder) closeCall(at time.Duration) {
	b.shut = true
	if b.halfClose {
		b.call(at, "FIN, and data still comes", "shutdown(%d, SHUT_WR) = 0", b.fd())
		return
	}
	b.closed = true
	b.call(at, "FIN", "close(%d) = 0", b.fd())
}

// abort adds the close by which the application resets the connection, if it was
// that: not what the stack does by itself when it is closed.
func (b *builder) abort(i int) {
	s := b.segments[i]
	if !s.has(wire.RST) || b.closed || b.shut || !b.accepted || b.ownSYN == nil && !b.partial {
		return
	}
	b.closed, b.shut = true, true
	b.call(s.at, "RST", "setsockopt(%d, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0", b.fd())
	b.call(s.at, "RST", "close(%d) = 0", b.fd())
}

const (
	// ackDelay is how soon an ACK comes that isn't delayed.
	ackDelay = 5 * time.Millisecond
	// quickACKs is how many segments Linux acknowledges at once at first.
	quickACKs = 16
)

// delayACKs adds the setting by which even the first segments aren't acknowledged at
// once, where segment i shows it.
func (b *builder) delayACKs(i int) {
	s := b.segments[i]
	if !b.accepted || b.closed || b.quickACKsOff || len(b.in.later) > 0 || s.payload() == 0 || b.in.all >= quickACKs ||
		i+1 == len(b.segments) || b.seq(s) != max(1, b.in.next) {
		return
	}
	for _, sent := range b.segments[:i] {
		if !sent.inbound && sent.payload() > 0 {
			return // it may be a conversation
		}
	}
	for _, next := range b.segments[i+1:] {
		if !next.inbound {
			if next.at-s.at <= ackDelay {
				return
			}
			break
		}
		if next.payload() > 0 && next.at-s.at <= together {
			return // a burst: its ACK is for all
		}
	}
	b.quickACKsOff = true
	b.call(s.at, "the ACK is delayed", "setsockopt(%d, SOL_TCP, TCP_QUICKACK, [0], 4) = 0", b.fd())
}
