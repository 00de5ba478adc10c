package fromcapture

import "tcpdrill/engine/wire"

// What offloads leave in a capture of what the other end sent: packets that were joined,
// and checksums.

// badChecksum reports whether the checksum of a captured packet is wrong. One that was
// left to a card isn't: between virtual machines none is ever filled in.
func badChecksum(b []byte) bool { return !wire.ChecksumOK(b) && !wire.ChecksumLeft(b) }

// judgeChecksums forgets that checksums are wrong if that says nothing: all are, since the
// capture was changed or a card makes them up for what it joins, or the stack took such a
// packet.
func (b *builder) judgeChecksums() {
	some, meaningless := false, true
	for i, s := range b.segments {
		if !s.inbound {
			continue
		}
		some = some || s.badSum
		if s.badSum && b.taken(i) {
			meaningless = true
			break
		}
		meaningless = meaningless && s.badSum
	}
	if !some || !meaningless {
		return
	}
	b.note("Checksums are wrong that can't have been: they are taken for right.")
	for _, s := range b.segments {
		s.badSum = false
	}
}

// taken reports whether the stack acknowledges what segment i of the other end has, before
// that comes with a right checksum.
func (b *builder) taken(i int) bool {
	s := b.segments[i]
	if s.tcp() == nil || s.tcp().SegLen(s.payload()) == 0 {
		return false
	}
	end := s.tcp().Seq + s.tcp().SegLen(s.payload())
	for _, later := range b.segments[i+1:] {
		t := later.tcp()
		switch {
		case t == nil:
		case later.inbound && !later.badSum && int32(t.Seq+t.SegLen(later.payload())-end) >= 0:
			return false
		case !later.inbound && later.has(wire.ACK) && int32(t.Ack-end) >= 0:
			return true
		}
	}
	return false
}

// joined returns the gso_size of a segment that is longer than any that the stack's MSS
// allows, 0 if it isn't: what is left of the MSS beside the options.
func (b *builder) joined(s *segment) int {
	mss := b.mss
	if b.ownSYN != nil {
		mss = mssOf(b.ownSYN)
	}
	size := max(int(mss)-(s.tcp().HeaderLen-20), 1)
	if s.payload() <= size {
		return 0
	}
	return size
}
