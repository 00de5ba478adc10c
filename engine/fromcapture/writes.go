package fromcapture

import (
	"time"

	"tcpdrill/engine/wire"
)

const (
	// together is how near packets are that are one burst, or an answer.
	together = time.Millisecond
	// pause is how long nothing happens if the application isn't ready yet: longer
	// than pacing, shorter than a person.
	pause = 100 * time.Millisecond
)

// A write is a guess: what the application wrote at once.
type write struct {
	bytes   uint32
	more    bool // MSG_MORE: without PSH at its end
	noDelay bool // TCP_NODELAY must be set
	closes  bool // the connection is closed right after
	cork    bool // TCP_CORK holds its end back
	last    int  // the segment with its end
}

// A sent is a segment with new data.
type sent struct {
	at       int    // its place among the segments
	from, to uint32 // in the script's numbers
	*segment
}

// newData lists the segments by which new data was sent.
func (b *builder) newData() (all []sent) {
	next := uint32(1)
	for i, s := range b.segments {
		if s.inbound || s.tcp() == nil || s.has(wire.SYN) || s.payload() == 0 {
			continue
		}
		from := b.seq(s)
		if to := from + uint32(s.payload()); int32(to-next) > 0 {
			all = append(all, sent{i, next, to, s})
			next = to
		}
	}
	return all
}

// planWrites guesses which writes there were, by the segment that each began with.
func (b *builder) planWrites() map[int]*write {
	writes := map[int]*write{}
	b.held = map[int]*write{}
	data := b.newData()
	retried := b.endsWithoutPush()
	var w, before *write
	var small, acked uint32 // the end of the last small segment; what is acknowledged
	seen := 0               // segments before this were looked at
	for k, d := range data {
		for ; seen < d.at; seen++ {
			if s := b.segments[seen]; s.inbound && !s.badSum && s.has(wire.ACK) && int32(b.ack(s)-acked) > 0 {
				acked = b.ack(s)
			}
		}
		if w == nil && before != nil && b.isProbe(data[k-1], d, acked) {
			w = before
			if data[k-1].has(wire.PSH) { // it was its end
				w = &write{}
				b.held[data[k-1].at] = w
			}
			w.cork = true
		}
		if w == nil {
			w = &write{}
			writes[d.at] = w
		}
		w.bytes += d.to - d.from
		if b.mss > 0 && (d.to-d.from)%b.mss != 0 {
			// Nagle's algorithm, as Linux has it, would have held it.
			w.noDelay = w.noDelay || int32(small-acked) > 0 && !d.has(wire.FIN)
			small = d.to
		}
		var next *sent
		if k+1 < len(data) {
			next = &data[k+1]
		}
		if b.endsWrite(d, next, retried[d.to]) {
			w.more = !d.has(wire.PSH)
			w.last = d.at
			w, before = nil, w
		}
	}
	return writes
}

// isProbe reports whether new data is what the tail loss probe sends: when it is due,
// with data in flight, and not full. The application had it held back.
func (b *builder) isProbe(before, d sent, acked uint32) bool {
	gap := d.segment.at - before.segment.at
	due := 2 * b.rtt
	return b.tlp && due > 0 && d.at == before.at+1 && int32(before.to-acked) > 0 && (d.to-d.from)%b.mss != 0 &&
		gap >= due-together && gap <= due+due/2+tick
}

// tick is how far off a timer may be.
const tick = 10 * time.Millisecond

// endsWithoutPush returns where retransmissions ended that had no PSH: there no write
// did.
func (b *builder) endsWithoutPush() map[uint32]bool {
	ends, push := map[uint32]bool{}, map[uint32]bool{}
	for _, s := range b.segments {
		if s.inbound || s.tcp() == nil || s.payload() == 0 {
			continue
		}
		end := b.seq(s) + uint32(s.payload())
		if push[end] && !s.has(wire.PSH) {
			ends[end] = true
		}
		push[end] = true
	}
	return ends
}

// endsWrite reports whether a write ended with a segment; next is the next with new
// data, if any.
func (b *builder) endsWrite(d sent, next *sent, retriedWithout bool) bool {
	if next == nil || d.has(wire.FIN) {
		return true
	}
	follows := next.at == d.at+1
	if !d.has(wire.PSH) {
		// A full window, or pacing. If nothing came meanwhile it was the application.
		return follows && next.segment.at-d.segment.at > pause
	}
	// Linux sets PSH on each super-segment, also where the write goes on.
	inBurst := follows && next.segment.at-d.segment.at <= together && uint32(d.payload()) > b.mss
	return !inBurst && !retriedWithout
}

// planClose guesses by which segment the application had closed the connection, and
// notes it in the write that must come before.
func (b *builder) planClose(writes map[int]*write) {
	b.closeAt = -1
	for i, s := range b.segments {
		if !s.inbound && s.has(wire.FIN) && !s.has(wire.SYN) {
			b.closeAt = i
			break
		}
	}
	if b.closeAt < 0 {
		return
	}
	fin := b.segments[b.closeAt]
	for _, later := range b.segments[b.closeAt+1:] {
		if later.inbound && later.payload() > 0 && later.tcp() != nil {
			b.halfClose = true
		}
	}
	if fin.payload() == 0 {
		return
	}
	// The FIN is on data. If that is new it was there to be closed when it was sent.
	begun := -1
	for _, d := range b.newData() {
		if writes[d.at] != nil {
			begun = d.at
		}
		if d.at == b.closeAt {
			w := writes[begun]
			w.closes = true
			w.more = begun == b.closeAt
			b.closeAt = -1
			return
		}
	}
}
