package gostack

import (
	"slices"
)

// What the SACK option of an acknowledgment says (RFC 2018, RFC 2883): which
// segments the peer has beyond a hole, and which it got twice.

// sacktagWriteQueue marks what the option covers (tcp_sacktag_write_queue).
func (tp *tcpSock) sacktagWriteQueue(g *segment, priorUna uint32, st *sackState) int {
	st.flag = 0
	st.reord = tp.sndNxt
	if tp.sackedOut == 0 {
		tp.highestSack = tp.rtxQueue.first
	}
	dup := tp.checkDSACK(g, priorUna, st)
	// One that is too old says nothing.
	if before(g.ack, priorUna-tp.maxWindow) {
		return 0
	}
	if tp.packetsOut == 0 {
		return st.flag
	}
	var blocks []taggedBlock
	for i, b := range g.sack {
		isDup := i == 0 && dup
		if !tp.sackBlockValid(isDup, b.start, b.end) {
			switch {
			case isDup && tp.undoMarker == 0:
				tp.s.count(mibTCPDSACKIgnoredNoUndo)
			case isDup:
				tp.s.count(mibTCPDSACKIgnoredOld)
			case g.ack != tp.sndUna && !after(b.end, tp.sndUna):
				continue
			default:
				tp.s.count(mibTCPSACKDiscard)
			}
			continue
		}
		if !after(b.end, priorUna) {
			continue
		}
		blocks = append(blocks, taggedBlock{b, isDup})
	}
	slices.SortStableFunc(blocks, func(a, b taggedBlock) int {
		if a.start == b.start {
			return 0
		}
		if before(a.start, b.start) {
			return -1
		}
		return 1
	})
	tp.sacktagBlocks(blocks, st)
	if tp.caState != tcpCaLoss || tp.undoMarker != 0 {
		tp.checkSackReordering(st.reord, false)
	}
	return st.flag
}

// checkDSACK tells whether the first block is a DSACK: of what is acknowledged
// already, or inside the second block (RFC 2883 section 4).
func (tp *tcpSock) checkDSACK(g *segment, priorUna uint32, st *sackState) bool {
	first := g.sack[0]
	switch {
	case before(first.start, g.ack):
		tp.s.count(mibTCPDSACKRecv)
	case len(g.sack) > 1 && !after(first.end, g.sack[1].end) && !before(first.start, g.sack[1].start):
		tp.s.count(mibTCPDSACKOfoRecv)
	default:
		return false
	}
	segs := tp.dsackSeen(first, st)
	if segs == 0 {
		tp.s.count(mibTCPDSACKIgnoredDubious)
		return false
	}
	tp.s.countN(mibTCPDSACKRecvSegs, segs)
	if tp.undoMarker != 0 && tp.undoRetrans > 0 &&
		!after(first.end, priorUna) && after(first.end, tp.undoMarker) {
		tp.undoRetrans = max(0, tp.undoRetrans-segs)
	}
	return true
}

// dsackSeen counts how many segments came twice by a DSACK; 0 if it makes no
// sense.
func (tp *tcpSock) dsackSeen(b sackBlock, st *sackState) int {
	if !before(b.start, b.end) {
		return 0
	}
	length := b.end - b.start
	if length > tp.maxWindow {
		return 0
	}
	segs := 1
	if length > uint32(tp.mssCache) {
		segs = (int(length) + tp.mssCache - 1) / tp.mssCache
	} else if tp.tlpHighSeq != 0 && tp.tlpHighSeq == b.end {
		st.flag |= flagDsackTLP
	}
	tp.dsackDups += uint32(segs)
	// More duplicates than were sent again: the network makes them, or the peer
	// lies.
	if tp.dsackDups > tp.totalRetrans {
		return 0
	}
	if tp.reordSeen > 0 && st.flag&flagDsackTLP == 0 {
		tp.rack.dsackSeen = true
	}
	st.flag |= flagDsackingAck
	st.sackDelivered += uint32(segs)
	return segs
}

// sackBlockValid reports whether a block can be meant (tcp_is_sackblock_valid).
func (tp *tcpSock) sackBlockValid(dsack bool, start, end uint32) bool {
	if after(end, tp.sndNxt) || !before(start, end) || !before(start, tp.sndNxt) {
		return false
	}
	if after(start, tp.sndUna) {
		return true
	}
	if !dsack || tp.undoMarker == 0 {
		return false
	}
	if after(end, tp.sndUna) {
		return false
	}
	if !before(start, tp.undoMarker) {
		return true
	}
	if !after(end, tp.undoMarker) {
		return false
	}
	return !before(start, end-tp.maxWindow)
}

// A taggedBlock is a block of the option, in order.
type taggedBlock struct {
	sackBlock
	dup bool // a DSACK
}

// sacktagBlocks marks what the blocks cover. What the option before covered isn't
// looked at again, which shows when a block ends inside a segment: that the rest of
// the segment comes later isn't noticed then.
func (tp *tcpSock) sacktagBlocks(blocks []taggedBlock, st *sackState) {
	cache := tp.sackCache
	if tp.sackedOut == 0 {
		cache = nil
	}
	var b *skb
	for i := 0; i < len(blocks); {
		k := blocks[i]
		var nextDup *taggedBlock
		if i+1 < len(blocks) && blocks[i+1].dup {
			nextDup = &blocks[i+1]
		}
		for len(cache) > 0 && !before(k.start, cache[0].end) {
			cache = cache[1:]
		}
		if len(cache) > 0 && !k.dup && after(k.end, cache[0].start) {
			c := cache[0]
			if before(k.start, c.start) {
				b = tp.sacktagSkip(b, k.start)
				b = tp.sacktagWalk(b, nextDup, k.start, c.start, k.dup, st)
			}
			if !after(k.end, c.end) {
				i++
				continue
			}
			if nextDup != nil && before(nextDup.start, c.end) {
				b = tp.sacktagSkip(b, nextDup.start)
				b = tp.sacktagWalk(b, nil, nextDup.start, nextDup.end, true, st)
			}
			cache = cache[1:]
			if tp.highestSackSeq() != c.end {
				b = tp.sacktagSkip(b, c.end)
				continue
			}
			if b = tp.highestSackSkb(); b == nil {
				break
			}
		} else {
			if !before(k.start, tp.highestSackSeq()) {
				if b = tp.highestSackSkb(); b == nil {
					break
				}
			}
			b = tp.sacktagSkip(b, k.start)
		}
		b = tp.sacktagWalk(b, nextDup, k.start, k.end, k.dup, st)
		i++
	}
	tp.sackCache = tp.sackCache[:0]
	for _, k := range blocks {
		tp.sackCache = append(tp.sackCache, k.sackBlock)
	}
}

func (tp *tcpSock) highestSackSkb() *skb {
	if tp.sackedOut == 0 {
		return tp.rtxQueue.first
	}
	return tp.highestSack
}

// sacktagSkip returns the buffer with a sequence number, or b if it is beyond it.
func (tp *tcpSock) sacktagSkip(b *skb, seq uint32) *skb {
	if b != nil && !after(seq, b.seq) {
		return b
	}
	for b := tp.rtxQueue.first; b != nil && !before(seq, b.seq); b = b.next {
		if before(seq, b.endSeq) {
			return b
		}
	}
	return nil
}

// sacktagWalk marks what a block covers, from a buffer on, and returns the buffer
// where it stopped. A DSACK that comes next is marked on the way.
func (tp *tcpSock) sacktagWalk(b *skb, nextDup *taggedBlock, start, end uint32, dup bool, st *sackState) *skb {
	for ; b != nil && before(b.seq, end); b = b.next {
		isDup := dup
		in := false
		if nextDup != nil && before(b.seq, nextDup.end) {
			if in = tp.matchSack(b, nextDup.start, nextDup.end); in {
				isDup = true
			}
		}
		if !in {
			merged, done := tp.shiftSacked(b, start, end, isDup, st)
			if merged != nil {
				b = merged
				continue
			}
			if done {
				continue
			}
			in = tp.matchSack(b, start, end)
		}
		if in {
			tp.sacktagOne(b, isDup, st)
		}
	}
	return b
}

// shiftSacked merges what a block covers of a buffer into the one before, if the
// peer has that already (tcp_shift_skb_data): the queue stays short, and what must
// be sent again after all goes in larger pieces. It returns the buffer that was
// merged into, or whether there is nothing more to do with this one.
func (tp *tcpSock) shiftSacked(b *skb, start, end uint32, dup bool, st *sackState) (merged *skb, done bool) {
	if !dup && b.sacked&(lostSkb|sackedRetrans) == sackedRetrans || !after(b.endSeq, tp.sndUna) {
		return nil, false
	}
	prev := b.prev
	if prev == nil || prev.sacked&taggedBits != sackedAcked || !canCollapse(prev, b) || prev.zerocopy != nil {
		return nil, false
	}
	var length, segs, mss int
	if !after(start, b.seq) && !before(end, b.endSeq) {
		length, segs, mss = b.len(), b.segs, b.seglen()
		if mss != prev.seglen() {
			return nil, false
		}
	} else {
		if !after(b.endSeq, start) || b.segs <= 1 {
			return nil, true
		}
		if after(start, b.seq) {
			return nil, false
		}
		length, mss = int(end-b.seq), b.gsoSize
		if mss != prev.seglen() {
			return nil, false
		}
		if length < mss {
			return nil, true
		}
		segs = length / mss
		length = segs * mss
	}
	if !after(b.seq+uint32(length), tp.sndUna) || length == 0 {
		return nil, false
	}
	if !tp.shifted(prev, b, segs, length, mss, dup, st) {
		return prev, true
	}
	// The hole is filled: what follows can be merged, too.
	if next := prev.next; next != nil && next.sacked&taggedBits == sackedAcked && next.seglen() == mss &&
		canCollapse(prev, next) && next.zerocopy == nil && next.len() > 0 {
		tp.shifted(prev, next, next.segs, next.len(), mss, false, st)
	}
	return prev, true
}

// shifted moves the first bytes of a buffer into the one before, and marks them. It
// reports whether nothing is left of the buffer (tcp_shifted_skb).
func (tp *tcpSock) shifted(prev, b *skb, segs, length, mss int, dup bool, st *sackState) bool {
	piece := *b
	piece.segs, piece.endSeq = segs, b.seq+uint32(length)
	tp.sacktagCount(&piece, dup, st)
	tp.rateSkbDelivered(b, &st.rate)
	if b == tp.lostSkbHint {
		tp.lostCntHint += segs
	}
	prev.data = append(prev.data[:len(prev.data):len(prev.data)], b.data[:length]...)
	prev.truesize += length
	b.truesize -= length
	b.data = b.data[length:]
	prev.endSeq += uint32(length)
	b.seq += uint32(length)
	prev.segs += segs
	b.segs -= segs
	if prev.gsoSize == 0 {
		prev.gsoSize = mss
	}
	if b.segs <= 1 {
		b.gsoSize = 0
	}
	prev.sacked |= b.sacked & everRetrans
	if b.len() > 0 {
		return false
	}
	if b == tp.retransHint {
		tp.retransHint = prev
	}
	if b == tp.lostSkbHint {
		tp.lostSkbHint = prev
		tp.lostCntHint -= prev.segs
	}
	prev.flags |= b.flags
	prev.eor = b.eor
	prev.endSeq = b.endSeq // with FIN
	if b == tp.highestSack {
		tp.highestSack = b.next
	}
	tp.collapseStamp(prev, b)
	tp.sentOrder.remove(b)
	tp.freeQueued(b)
	return true
}

// matchSack reports whether a buffer is covered, having cut a super-segment where
// the block ends or begins, at whole segments.
func (tp *tcpSock) matchSack(b *skb, start, end uint32) bool {
	in := !after(start, b.seq) && !before(end, b.endSeq)
	if in || b.segs <= 1 || !after(b.endSeq, start) {
		return in
	}
	mss := b.gsoSize
	in = !after(start, b.seq)
	var length int
	if !in {
		length = max(int(start-b.seq), mss)
	} else {
		length = int(end - b.seq)
		if length < mss {
			return false
		}
	}
	if length > mss {
		whole := length / mss * mss
		if !in && whole < length {
			whole += mss
		}
		length = whole
	}
	if length >= b.len() && !in {
		return false
	}
	if length < b.len() {
		tp.fragment(b, length, mss)
	}
	return in
}

// sacktagOne marks a buffer that the peer has.
func (tp *tcpSock) sacktagOne(b *skb, dup bool, st *sackState) {
	if !tp.sacktagCount(b, dup, st) {
		return
	}
	tp.rateSkbDelivered(b, &st.rate)
	if b.sacked&sackedAcked != 0 {
		tp.sentOrder.remove(b)
	}
	if !before(b.seq, tp.highestSackSeq()) {
		tp.highestSack = b.next
	}
}

// sacktagCount marks a buffer and counts it (tcp_sacktag_one). It reports whether
// it is still of interest.
func (tp *tcpSock) sacktagCount(b *skb, dup bool, st *sackState) bool {
	n := uint32(b.segs)
	if dup && b.sacked&(sackedRetrans|everRetrans) != 0 {
		if tp.undoMarker != 0 && tp.undoRetrans > 0 && after(b.endSeq, tp.undoMarker) {
			tp.undoRetrans = max(0, tp.undoRetrans-b.segs)
		}
		if b.sacked&sackedAcked != 0 && before(b.seq, st.reord) {
			st.reord = b.seq
		}
	}
	if !after(b.endSeq, tp.sndUna) {
		return false
	}
	if b.sacked&sackedAcked == 0 {
		tp.rackAdvance(b, b.sacked)
		if b.sacked&sackedRetrans != 0 {
			// Unless it counts as lost, the retransmission is still on its way.
			if b.sacked&lostSkb != 0 {
				b.sacked &^= lostSkb | sackedRetrans
				tp.lostOut -= n
				tp.retransOut -= n
			}
		} else {
			if b.sacked&everRetrans == 0 {
				// It came late, after what was sent behind it.
				if before(b.seq, tp.highestSackSeq()) && before(b.seq, st.reord) {
					st.reord = b.seq
				}
				if !after(b.endSeq, tp.highSeq) {
					st.flag |= flagOrigSackAcked
				}
				if st.firstSackt == 0 {
					st.firstSackt = b.sentAt
				}
				st.lastSackt = b.sentAt
			}
			if b.sacked&lostSkb != 0 {
				b.sacked &^= lostSkb
				tp.lostOut -= n
			}
		}
		b.sacked |= sackedAcked
		st.flag |= flagDataSacked
		tp.sackedOut += n
		st.sackDelivered += n
		if tp.lostSkbHint != nil && before(b.seq, tp.lostSkbHint.seq) {
			tp.lostCntHint += b.segs
		}
	}
	if dup && b.sacked&sackedRetrans != 0 {
		b.sacked &^= sackedRetrans
		tp.retransOut -= n
	}
	return true
}

// highestSackSeq is where the highest segment begins that the peer has not, or
// what was sent last (tcp_highest_sack_seq).
func (tp *tcpSock) highestSackSeq() uint32 {
	if tp.sackedOut == 0 {
		return tp.sndUna
	}
	if tp.highestSack == nil {
		return tp.sndNxt
	}
	return tp.highestSack.seq
}

func (tp *tcpSock) highestSackReplace(old, by *skb) {
	if tp.highestSack != nil && tp.highestSack == old {
		tp.highestSack = by
	}
}

// checkSackReordering notes how far the network reorders (tcp_check_sack_reordering).
func (tp *tcpSock) checkSackReordering(low uint32, byTimestamp bool) {
	fack := tp.highestSackSeq()
	if !before(low, fack) {
		return
	}
	metric := fack - low
	mss := uint32(tp.mssCache)
	if metric > uint32(tp.reordering)*mss && mss > 0 {
		tp.reordering = int(min((metric+mss-1)/mss, uint32(tp.s.sysctl.tcpMaxReordering)))
	}
	tp.reordSeen++
	if byTimestamp {
		tp.s.count(mibTCPTSReorder)
	} else {
		tp.s.count(mibTCPSACKReorder)
	}
}
