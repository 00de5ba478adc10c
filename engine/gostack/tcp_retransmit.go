package gostack

import (
	"time"

	"tcpdrill/engine/wire"
)

// What is sent again: the tail loss probe, merging before a retransmission, one
// segment, and all that recovery allows. Linux has it in tcp_output.c.

// scheduleLossProbe arms the timer of the tail loss probe (RFC 8985 section 7.2),
// and reports whether it did. advancing says that the RTO counts from now.
func (tp *tcpSock) scheduleLossProbe(advancing bool) bool {
	if tp.fastopenRequest != nil || tp.s.faults.has(NoTLP) {
		return false
	}
	if r := tp.s.sysctl.tcpEarlyRetrans; r != 3 && r != 4 {
		return false
	}
	if tp.packetsOut == 0 || !tp.sackOK || tp.caState != tcpCaOpen && tp.caState != tcpCaCWR {
		return false
	}
	when := tp.s.msecsToJiffies(1000)
	if tp.srttUs > 0 {
		us := int64(tp.srttUs >> 2) // two round trips
		if tp.packetsOut == 1 {
			// The acknowledgment may be delayed.
			us += tp.s.jiffiesToUsecs(tp.rtoMin)
		} else {
			us += tcpTimeoutMinUs
		}
		when = tp.s.usecsToJiffies(us)
	}
	left := tp.rtoDelta()
	if advancing {
		left = tp.s.jiffiesToUsecs(tp.rto)
	}
	if left > 0 {
		when = min(when, tp.s.usecsToJiffies(left))
	}
	tp.resetXmitTimer(timeLossProbe, when)
	return true
}

// rtoDelta is how many µs are left until the oldest segment has been out for an
// RTO.
func (tp *tcpSock) rtoDelta() int64 {
	head := tp.rtxQueue.first
	if head == nil {
		return tp.s.jiffiesToUsecs(tp.rto)
	}
	return int64((head.sentAt.Truncate(time.Microsecond)-tp.tcpMstamp)/time.Microsecond) + tp.s.jiffiesToUsecs(tp.rto)
}

// sendLossProbe sends new data or else the last segment again (RFC 8985 section
// 7.3), so that the peer says what it has.
func (tp *tcpSock) sendLossProbe() {
	mss := tp.currentMSS()
	defer tp.rearmRTO()
	if tp.tlpHighSeq != 0 {
		return // one at a time
	}
	tp.tlpRetrans = false
	if b := tp.writeQueue.first; b != nil && tp.windowTest(b, mss) {
		before := tp.packetsOut
		restore := tp.because(causeTLP)
		tp.writeXmit(mss, nagleOff, pushProbe)
		restore()
		if tp.packetsOut > before {
			tp.probeSent()
		}
		return
	}
	b := tp.rtxQueue.last
	if b == nil {
		tp.pendingTimer = 0
		return
	}
	if b.segs > 1 && b.len() > (b.segs-1)*mss {
		b = tp.fragment(b, (b.segs-1)*mss, mss)
	}
	if !tp.retransmitOne(b, 1, causeTLP) {
		return
	}
	tp.tlpRetrans = true
	tp.probeSent()
}

func (tp *tcpSock) probeSent() {
	tp.tlpHighSeq = tp.sndNxt
	tp.s.count(mibTCPLossProbes)
	tp.pendingTimer = 0 // so that the RTO counts from now
}

// retransmitCollapse merges what follows a small segment into it before it is sent
// again, as long as it fits (tcp_retrans_try_collapse).
func (tp *tcpSock) retransmitCollapse(to *skb, space int) {
	if tp.s.sysctl.tcpRetransCollapse == 0 || to.flags&wire.SYN != 0 || tp.s.faults.has(NoCollapse) {
		return
	}
	mayCollapse := func(b *skb) bool {
		return b.segs <= 1 && !b.cloned() && b.sacked&sackedAcked == 0 && !tp.s.faults.has(PinnedDataref)
	}
	if !mayCollapse(to) {
		return
	}
	space -= to.len()
	for next := to.next; next != nil; next = to.next {
		// What somebody else still refers to, a capture that hasn't been read, can't
		// be moved.
		if !mayCollapse(next) || !canCollapse(to, next) || to.zerocopy != nil {
			return
		}
		space -= next.len()
		if space < 0 || after(next.endSeq, tp.wndEnd()) {
			return
		}
		tp.collapseRetrans(to, next)
	}
}

// collapseRetrans merges next into to (tcp_collapse_retrans).
func (tp *tcpSock) collapseRetrans(to, next *skb) {
	tp.highestSackReplace(next, to)
	to.data = append(to.data[:len(to.data):len(to.data)], next.data...)
	to.truesize += next.len()
	next.truesize -= next.len()
	to.endSeq = next.endSeq
	to.flags |= next.flags
	to.sacked |= next.sacked & everRetrans
	to.eor = next.eor
	tp.clearRetransHintsPartial()
	if next == tp.retransHint {
		tp.retransHint = to
	}
	tp.adjustPcount(next, next.segs)
	tp.collapseStamp(to, next)
	tp.sentOrder.remove(next)
	tp.freeQueued(next)
}

// clearRetransHintsPartial forgets where the walks over the queue were.
func (tp *tcpSock) clearRetransHintsPartial() { tp.lostSkbHint = nil }

func (tp *tcpSock) clearRetransHints() {
	tp.clearRetransHintsPartial()
	tp.retransHint = nil
}

// retransmitOne sends a segment, or so many of a super-segment, again
// (__tcp_retransmit_skb).
func (tp *tcpSock) retransmitOne(b *skb, segs int, cause string) bool {
	tp.mtuProbe.size = 0
	if before(b.seq, tp.sndUna) {
		if b.flags&wire.SYN != 0 {
			b.flags &^= wire.SYN
			b.seq++
		}
		if before(b.seq, tp.sndUna) {
			if !after(b.endSeq, tp.sndUna) {
				return false
			}
			tp.trimHead(b, int(tp.sndUna-b.seq))
		}
	}
	tp.rebuildHeader()
	mss := tp.currentMSS()
	window := int(int32(tp.wndEnd() - b.seq))
	// A peer that has shrunk its window gets nothing outside it but a probe.
	if window <= 0 {
		if b.seq != tp.sndUna {
			return false
		}
		window = mss
	}
	if tp.urgMode() {
		segs = 1
	}
	length := mss * segs
	if length > window {
		length = window / mss * mss
		if length == 0 {
			length = window
		}
	}
	if b.len() > length {
		tp.fragment(b, length, mss)
	} else {
		b.unclone()
		old := b.segs
		b.setSegs(mss)
		if old != b.segs {
			tp.adjustPcount(b, old-b.segs)
		}
		if room := min(window, mss); b.len() < room {
			tp.retransmitCollapse(b, room)
		}
	}
	if b.flags&(wire.SYN|wire.ECE|wire.CWR) == wire.SYN|wire.ECE|wire.CWR {
		tp.ecnClearSyn(b)
	}
	tp.s.countN(mibTcpRetransSegs, b.segs)
	if b.flags&wire.SYN != 0 {
		tp.s.count(mibTCPSynRetrans)
	}
	tp.totalRetrans += uint32(b.segs)
	tp.bytesRetrans += uint64(b.len())
	ok := tp.transmit(b, cause)
	if !ok {
		tp.s.countN(mibTCPRetransFail, b.segs)
	}
	b.sacked |= everRetrans
	return ok
}

// retransmit sends a segment again and counts it (tcp_retransmit_skb).
func (tp *tcpSock) retransmit(b *skb, segs int, cause string) bool {
	ok := tp.retransmitOne(b, segs, cause)
	if ok {
		b.sacked |= sackedRetrans
		tp.retransOut += uint32(b.segs)
	}
	if tp.retransStamp == 0 {
		tp.retransStamp = uint64(tsOf(b.sentAt))
	}
	if tp.undoRetrans < 0 {
		tp.undoRetrans = 0
	}
	tp.undoRetrans += b.segs
	return ok
}

// xmitRetransmitQueue sends again what is taken for lost, as far as the congestion
// window lets it (tcp_xmit_retransmit_queue).
func (tp *tcpSock) xmitRetransmitQueue() {
	if tp.packetsOut == 0 {
		return
	}
	cause := causeFastRetransmit
	switch {
	case tp.userCause == causeRack || tp.userCause == causeRTO:
		cause = tp.userCause
	case tp.caState == tcpCaLoss:
		cause = causeLossRecovery
	}
	head := tp.rtxQueue.first
	b := tp.retransHint
	if b == nil {
		b = head
	}
	maxSegs := tp.tsoSegs(tp.currentMSS())
	hole := false
	rearm := false
	for ; b != nil; b = b.next {
		if tp.pacingCheck() {
			break
		}
		if !hole {
			tp.retransHint = b
		}
		segs := int(tp.sndCwnd) - int(tp.inFlight())
		if segs <= 0 {
			break
		}
		segs = min(segs, maxSegs)
		if tp.retransOut >= tp.lostOut {
			break
		}
		if b.sacked&lostSkb == 0 {
			if !hole && b.sacked&(sackedRetrans|sackedAcked) == 0 {
				hole = true
			}
			continue
		}
		if b.sacked&(sackedAcked|sackedRetrans) != 0 {
			continue
		}
		if !tp.retransmit(b, segs, cause) {
			break
		}
		if tp.caState == tcpCaLoss {
			tp.s.countN(mibTCPSlowStartRetrans, b.segs)
		} else {
			tp.s.countN(mibTCPFastRetrans, b.segs)
		}
		if tp.inCwndReduction() {
			tp.prrOut += uint32(b.segs)
		}
		if b == head && tp.pendingTimer != timeReorder {
			rearm = true
		}
	}
	if rearm {
		tp.resetXmitTimer(timeRetrans, tp.rto)
	}
}
