package gostack

import (
	"time"
)

// Recovery from loss: when a segment is taken for lost, by RACK (RFC 8985) or by
// counting duplicates (RFC 6675, RFC 6582), how the window is reduced meanwhile
// (RFC 6937), and how that is taken back when nothing was lost after all.

// What fastretransAlert wants sent.
const (
	rexmitNone = iota
	rexmitLost // what is taken for lost
	rexmitNew  // new data first (F-RTO)
)

type rackState struct {
	mstamp        time.Duration // when the segment was sent that was delivered last, of all delivered
	endSeq        uint32
	rttUs         int64
	advanced      bool
	dsackSeen     bool
	reoWndSteps   int
	reoWndPersist int
	lastDelivered uint32
}

func (tp *tcpSock) isRack() bool { return tp.s.sysctl.tcpRecovery&1 != 0 }

func (tp *tcpSock) inCwndReduction() bool {
	return tp.caState == tcpCaCWR || tp.caState == tcpCaRecovery
}

// anyRetransDone reports whether the oldest data was sent again.
func (tp *tcpSock) anyRetransDone() bool {
	if tp.retransOut > 0 {
		return true
	}
	head := tp.rtxQueue.first
	return head != nil && head.sacked&everRetrans != 0
}

// fastretransAlert is what happens at an acknowledgment that isn't simply new, or
// outside the open state (tcp_fastretrans_alert).
func (tp *tcpSock) fastretransAlert(priorUna uint32, dupack int, flag, rexmit *int, st *sackState) {
	f := *flag
	ece := f&flagECE != 0
	doLost := dupack > 0 || f&flagDataSacked != 0 && tp.forceFastRetransmit()
	fast := false
	if tp.packetsOut == 0 && tp.sackedOut > 0 {
		tp.sackedOut = 0
	}
	if tp.s.faults.has(NoFastRetransmit) && tp.caState != tcpCaLoss {
		return
	}
	if tp.checkSackReneging(flag) {
		return
	}
	if ece {
		tp.priorSsthresh = 0
	}
	if tp.caState == tcpCaOpen {
		tp.retransStamp = 0
	} else if !before(tp.sndUna, tp.highSeq) {
		switch tp.caState {
		case tcpCaCWR:
			// Something above must be acknowledged, so that CWR has arrived.
			if tp.sndUna != tp.highSeq {
				tp.endCwndReduction()
				tp.setCaState(tcpCaOpen)
			}
		case tcpCaRecovery:
			if !tp.sackOK {
				tp.resetRenoSack()
			}
			if tp.tryUndoRecovery() {
				return
			}
			tp.endCwndReduction()
		}
	}
	switch tp.caState {
	case tcpCaRecovery:
		if f&flagSndUnaAdvanced == 0 {
			if !tp.sackOK {
				tp.addRenoSack(dupack, ece)
			}
		} else if tp.tryUndoPartial(priorUna) {
			return
		}
		if tp.tryUndoDSACK() {
			tp.tryToOpen(f)
		}
		tp.identifyPacketLoss(flag)
		if tp.caState != tcpCaRecovery {
			if !tp.timeToRecover() {
				return
			}
			tp.enterRecovery(ece)
		}
	case tcpCaLoss:
		tp.processLoss(f, dupack, rexmit)
		if tp.caState != tcpCaLoss {
			tp.updateRTOTime()
		}
		tp.identifyPacketLoss(flag)
		if tp.caState != tcpCaOpen && *flag&flagLostRetrans == 0 {
			return
		}
		fallthrough
	default:
		if !tp.sackOK {
			if f&flagSndUnaAdvanced != 0 {
				tp.resetRenoSack()
			}
			tp.addRenoSack(dupack, ece)
		}
		if tp.caState <= tcpCaDisorder {
			tp.tryUndoDSACK()
		}
		tp.identifyPacketLoss(flag)
		if !tp.timeToRecover() {
			tp.tryToOpen(f)
			return
		}
		if tp.caState < tcpCaCWR && tp.mtuProbe.size > 0 && tp.sndUna == tp.mtuProbe.seqStart {
			tp.mtupProbeFailed()
			tp.sndCwnd++ // what the probe took
			tp.simpleRetransmit()
			return
		}
		tp.enterRecovery(ece)
		fast = true
	}
	if !tp.isRack() && doLost {
		tp.updateScoreboard(fast)
	}
	*rexmit = rexmitLost
}

func (tp *tcpSock) updateRTOTime() {
	if tp.rtoStamp != 0 {
		tp.totalRTOTime += int64(tsOf(tp.tcpMstamp)) - int64(tp.rtoStamp)
		tp.rtoStamp = 0
	}
}

// forceFastRetransmit reports whether the peer has something far beyond the hole.
func (tp *tcpSock) forceFastRetransmit() bool {
	return after(tp.highestSackSeq(), tp.sndUna+uint32(tp.reordering*tp.mssCache))
}

// timeToRecover reports whether loss is certain enough.
func (tp *tcpSock) timeToRecover() bool {
	return tp.lostOut > 0 || !tp.isRack() && int(tp.sackedOut)+1 > tp.reordering
}

// checkSackReneging notices a peer that dropped what it had said it has: the oldest
// segment is marked as received. It is given a little time to say otherwise.
func (tp *tcpSock) checkSackReneging(flag *int) bool {
	if *flag&flagSackReneging == 0 || *flag&flagSndUnaAdvanced == 0 {
		return false
	}
	delay := max(tp.s.usecsToJiffies(int64(tp.srttUs>>4)), tp.s.msecsToJiffies(10))
	tp.resetXmitTimerMax(timeRetrans, delay, tp.rtoMax())
	*flag &^= flagSetXmitTimer
	return true
}

// identifyPacketLoss marks what is lost by now.
func (tp *tcpSock) identifyPacketLoss(flag *int) {
	if tp.rtxQueue.empty() {
		return
	}
	switch {
	case !tp.sackOK:
		tp.newrenoMarkLost(*flag&flagSndUnaAdvanced != 0)
	case tp.isRack():
		prior := tp.retransOut
		if tp.rackMarkLost() {
			*flag &^= flagSetXmitTimer
		}
		if prior > tp.retransOut {
			*flag |= flagLostRetrans
		}
	}
}

// newrenoMarkLost marks the oldest segment: after three duplicates, and at each
// partial acknowledgment (RFC 6582).
func (tp *tcpSock) newrenoMarkLost(advanced bool) {
	if !(tp.caState < tcpCaRecovery && int(tp.sackedOut) >= tp.reordering || tp.caState == tcpCaRecovery && advanced) {
		return
	}
	b := tp.rtxQueue.first
	if b.sacked&lostSkb != 0 {
		return
	}
	if mss := b.gsoSize; b.segs > 1 && b.len() > mss {
		tp.fragment(b, mss, mss)
	}
	tp.markLost(b)
}

// markLost marks a segment as lost (tcp_mark_skb_lost).
func (tp *tcpSock) markLost(b *skb) {
	if b.sacked&sackedAcked != 0 {
		return
	}
	if tp.retransHint == nil && tp.retransOut >= tp.lostOut || tp.retransHint != nil && before(b.seq, tp.retransHint.seq) {
		tp.retransHint = b
	}
	n := uint32(b.segs)
	if b.sacked&lostSkb != 0 {
		if b.sacked&sackedRetrans == 0 {
			return
		}
		// The retransmission was lost, too.
		b.sacked &^= sackedRetrans
		tp.retransOut -= n
		tp.s.countN(mibTCPLostRetransmit, b.segs)
	} else {
		tp.lostOut += n
		b.sacked |= lostSkb
	}
	tp.lostCount += n
}

// updateScoreboard marks as lost what so many segments behind it make so, without
// RACK (RFC 6675).
func (tp *tcpSock) updateScoreboard(fast bool) {
	if !tp.sackOK {
		return
	}
	if upto := int(tp.sackedOut) - tp.reordering; upto >= 0 {
		tp.markHeadLost(upto, false)
	} else if fast {
		tp.markHeadLost(1, true)
	}
}

func (tp *tcpSock) markHeadLost(packets int, head bool) {
	high := tp.sndNxt
	b, count := tp.lostSkbHint, tp.lostCntHint
	if b != nil {
		if head && after(b.seq, tp.sndUna) {
			return
		}
	} else {
		b, count = tp.rtxQueue.first, 0
	}
	for ; b != nil; b = b.next {
		tp.lostSkbHint, tp.lostCntHint = b, count
		if after(b.endSeq, high) {
			break
		}
		if b.sacked&sackedAcked != 0 {
			count += b.segs
		}
		if count > packets {
			break
		}
		if b.sacked&lostSkb == 0 {
			tp.markLost(b)
		}
		if head {
			break
		}
	}
}

// Without SACK, duplicates are counted as if each said that one more segment has
// been received.

func (tp *tcpSock) resetRenoSack() { tp.sackedOut = 0 }

func (tp *tcpSock) addRenoSack(dupack int, ece bool) {
	if dupack == 0 {
		return
	}
	prior := tp.sackedOut
	tp.sackedOut += uint32(dupack)
	tp.checkRenoReordering(0)
	if n := int32(tp.sackedOut - prior); n > 0 {
		tp.countDelivered(uint32(n), ece)
	}
}

func (tp *tcpSock) removeRenoSacks(acked int, ece bool) {
	if acked > 0 {
		// One acknowledges the hole, the others what duplicates stood for.
		tp.countDelivered(uint32(max(acked-int(tp.sackedOut), 1)), ece)
		tp.sackedOut -= min(uint32(acked-1), tp.sackedOut)
	}
	tp.checkRenoReordering(acked)
}

// limitRenoSacked keeps the count from being more than can be.
func (tp *tcpSock) limitRenoSacked() bool {
	holes := min(max(tp.lostOut, 1), tp.packetsOut)
	if tp.sackedOut+holes > tp.packetsOut {
		tp.sackedOut = tp.packetsOut - holes
		return true
	}
	return false
}

func (tp *tcpSock) checkRenoReordering(addend int) {
	if !tp.limitRenoSacked() {
		return
	}
	tp.reordering = min(int(tp.packetsOut)+addend, int(tp.s.sysctl.tcpMaxReordering))
	tp.reordSeen++
	tp.s.count(mibTCPRenoReorder)
}

// RACK.

// rackReoWnd is for how long a segment may be overtaken before it is lost
// (RFC 8985 section 6.2).
func (tp *tcpSock) rackReoWnd() int64 {
	if tp.reordSeen == 0 {
		if tp.caState >= tcpCaRecovery {
			return 0
		}
		if int(tp.sackedOut) >= tp.reordering && tp.s.sysctl.tcpRecovery&4 == 0 {
			return 0
		}
	}
	return min(int64(tp.rttMin.get()>>2)*int64(tp.rack.reoWndSteps), int64(tp.srttUs>>3))
}

// rackTimeout is how many µs are left until a segment is lost.
func (tp *tcpSock) rackTimeout(b *skb, reoWnd int64) int64 {
	return tp.rack.rttUs + reoWnd - tp.sinceUs(b.sentAt)
}

// rackDetectLoss marks what was sent before what has been delivered, by more than
// the reordering window. It returns in how many µs the next may be lost; 0: none.
func (tp *tcpSock) rackDetectLoss() int64 {
	window := tp.rackReoWnd()
	timeout := int64(0)
	for b := tp.sentOrder.first; b != nil; {
		next := b.sentNext
		if b.sacked&lostSkb != 0 && b.sacked&sackedRetrans == 0 {
			b = next
			continue
		}
		if !tp.skbSentAfter(tp.rack.mstamp, b.sentAt.Truncate(time.Microsecond), tp.rack.endSeq, b.endSeq) {
			break
		}
		if left := tp.rackTimeout(b, window); left <= 0 {
			tp.markLost(b)
			tp.sentOrder.remove(b)
		} else {
			timeout = max(timeout, left)
		}
		b = next
	}
	return timeout
}

// rackMarkLost does so after an acknowledgment, and reports whether it armed the
// timer for the rest.
func (tp *tcpSock) rackMarkLost() bool {
	if !tp.rack.advanced {
		return false
	}
	tp.rack.advanced = false
	timeout := tp.rackDetectLoss()
	if timeout == 0 {
		return false
	}
	tp.resetXmitTimerMax(timeReorder, tp.s.usecsToJiffies(timeout+tcpTimeoutMinUs), tp.rto)
	return true
}

// resetXmitTimerMax is resetXmitTimer without the pacing delay, and with a limit.
func (tp *tcpSock) resetXmitTimerMax(what int, when, most int64) {
	when = min(when, most)
	tp.pendingTimer = what
	tp.timeout = tp.s.jiffies() + uint64(when)
	tp.s.modTimer(&tp.retransTimer, tp.timeout)
}

// skbSpurious reports whether a segment was sent again needlessly: by its time
// stamp, the acknowledgment is for an earlier transmission.
func (tp *tcpSock) skbSpurious(b *skb) bool {
	return b.sacked&(sackedRetrans|everRetrans) != 0 &&
		tp.sawTstamp && tp.rcvTsecr != 0 && before(tp.rcvTsecr, tsOf(b.sentAt))
}

// rackAdvance notes that a segment was delivered. One that was sent again and seems
// to have been faster than any was the first transmission.
func (tp *tcpSock) rackAdvance(b *skb, sacked uint8) {
	rtt := tp.sinceUs(b.sentAt)
	if rtt < int64(tp.rttMin.get()) && sacked&(sackedRetrans|everRetrans) != 0 {
		return
	}
	tp.rack.advanced = true
	tp.rack.rttUs = rtt
	at := b.sentAt.Truncate(time.Microsecond)
	if tp.skbSentAfter(at, tp.rack.mstamp, b.endSeq, tp.rack.endSeq) {
		tp.rack.mstamp, tp.rack.endSeq = at, b.endSeq
	}
}

// rackReoTimeout is the timer of the reordering window.
func (tp *tcpSock) rackReoTimeout() {
	prior, lost := tp.inFlight(), tp.lostCount
	tp.rackDetectLoss()
	if prior != tp.inFlight() {
		if tp.caState != tcpCaRecovery {
			tp.enterRecovery(false)
			tp.cwndReduction(1, int(tp.lostCount-lost), 0)
		}
		tp.xmitRetransmitQueue()
	}
	if tp.pendingTimer != timeRetrans {
		tp.rearmRTO()
	}
}

// rackUpdateReoWnd widens the reordering window when DSACKs say that segments were
// only late, once a round trip, and lets it go back (RFC 8985 section 6.2).
func (tp *tcpSock) rackUpdateReoWnd(st *sackState) {
	if tp.s.sysctl.tcpRecovery&2 != 0 || st.rate.priorDelivered == 0 {
		return
	}
	r := &tp.rack
	if before(st.rate.priorDelivered, r.lastDelivered) {
		r.dsackSeen = false
	}
	if r.dsackSeen {
		r.reoWndSteps = min(255, r.reoWndSteps+1)
		r.dsackSeen = false
		r.lastDelivered = tp.delivered
		r.reoWndPersist = 16
	} else if r.reoWndPersist == 0 {
		r.reoWndSteps = 1
	}
}

// The window during recovery.

// enterRecovery enters fast recovery (tcp_enter_recovery).
func (tp *tcpSock) enterRecovery(ece bool) {
	if !tp.anyRetransDone() {
		tp.retransStamp = 0
	}
	if tp.sackOK {
		tp.s.count(mibTCPSackRecovery)
	} else {
		tp.s.count(mibTCPRenoRecovery)
	}
	tp.priorSsthresh = 0
	tp.initUndo()
	if !tp.inCwndReduction() {
		if !ece {
			tp.priorSsthresh = tp.currentSsthresh()
		}
		tp.initCwndReduction()
	}
	tp.setCaState(tcpCaRecovery)
}

// initUndo notes from where on retransmissions count that may turn out to be
// unneeded.
func (tp *tcpSock) initUndo() {
	tp.undoMarker = tp.sndUna
	tp.undoRetrans = int(tp.retransOut)
	if tp.tlpHighSeq != 0 && tp.tlpRetrans {
		tp.undoRetrans++
	}
	if tp.undoRetrans == 0 {
		tp.undoRetrans = -1
	}
}

func (tp *tcpSock) initCwndReduction() {
	tp.highSeq = tp.sndNxt
	tp.tlpHighSeq = 0
	tp.sndCwndCnt = 0
	tp.priorCwnd = tp.sndCwnd
	tp.prrDelivered, tp.prrOut = 0, 0
	tp.sndSsthresh = tp.ca.ssthresh(tp)
	tp.ecnQueueCWR()
}

func (tp *tcpSock) ecnQueueCWR() {
	if tp.ecnFlags&ecnOK != 0 {
		tp.ecnFlags |= ecnQueueCWR
	}
}

// cwndReduction is proportional rate reduction (RFC 6937).
func (tp *tcpSock) cwndReduction(acked, lost, flag int) {
	if acked <= 0 || tp.priorCwnd == 0 {
		return
	}
	flight := int(tp.inFlight())
	delta := int(tp.sndSsthresh) - flight
	tp.prrDelivered += uint32(acked)
	var n int
	if delta < 0 {
		dividend := uint64(tp.sndSsthresh)*uint64(tp.prrDelivered) + uint64(tp.priorCwnd) - 1
		n = int(dividend/uint64(tp.priorCwnd)) - int(tp.prrOut)
	} else {
		n = max(int(tp.prrDelivered)-int(tp.prrOut), acked)
		if flag&flagSndUnaAdvanced != 0 && lost == 0 {
			n++
		}
		n = min(delta, n)
	}
	if tp.prrOut == 0 {
		n = max(n, 1) // the first retransmission goes in any case
	}
	n = max(n, 0)
	tp.sndCwnd = uint32(flight + n)
}

func (tp *tcpSock) endCwndReduction() {
	if tp.sndSsthresh < tcpInfiniteSsthresh && (tp.caState == tcpCaCWR || tp.undoMarker != 0) {
		tp.sndCwnd = tp.sndSsthresh
		tp.sndCwndStamp = tp.s.jiffies()
	}
	tp.ca.cwndEvent(tp, caEventCompleteCwr)
}

// enterCWR reduces the window without any loss: for ECN, or a full device.
func (tp *tcpSock) enterCWR() {
	tp.priorSsthresh = 0
	if tp.caState < tcpCaCWR {
		tp.undoMarker = 0
		tp.initCwndReduction()
		tp.setCaState(tcpCaCWR)
	}
}

// tryToOpen goes back to the open state, or to disorder.
func (tp *tcpSock) tryToOpen(flag int) {
	if !tp.anyRetransDone() {
		tp.retransStamp = 0
	}
	if flag&flagECE != 0 {
		tp.enterCWR()
	}
	if tp.caState != tcpCaCWR {
		tp.tryKeepOpen()
	}
}

func (tp *tcpSock) tryKeepOpen() {
	state := tcpCaOpen
	if tp.leftOut() > 0 || tp.anyRetransDone() {
		state = tcpCaDisorder
	}
	if tp.caState != state {
		tp.setCaState(state)
		tp.highSeq = tp.sndNxt
	}
}

// enterLoss is what a timeout does (tcp_enter_loss; RFC 5681 section 3.1).
func (tp *tcpSock) enterLoss() {
	newRecovery := tp.caState < tcpCaRecovery
	tp.timeoutMarkLost()
	if tp.caState <= tcpCaDisorder || !after(tp.highSeq, tp.sndUna) ||
		tp.caState == tcpCaLoss && tp.retransmits == 0 {
		tp.priorSsthresh = tp.currentSsthresh()
		tp.priorCwnd = tp.sndCwnd
		tp.sndSsthresh = tp.ca.ssthresh(tp)
		tp.ca.cwndEvent(tp, caEventLoss)
		tp.initUndo()
	}
	tp.sndCwnd = tp.inFlight() + 1
	tp.sndCwndCnt = 0
	tp.sndCwndStamp = tp.s.jiffies()
	reordering := int(tp.s.sysctl.tcpReordering)
	if tp.caState <= tcpCaDisorder && int(tp.sackedOut) >= reordering {
		tp.reordering = min(tp.reordering, reordering)
	}
	tp.setCaState(tcpCaLoss)
	tp.highSeq = tp.sndNxt
	tp.tlpHighSeq = 0
	tp.ecnQueueCWR()
	tp.frto = tp.s.sysctl.tcpFrto != 0 && (newRecovery || tp.retransmits > 0) && tp.mtuProbe.size == 0
}

// timeoutMarkLost marks what a timeout makes lost: all but what RACK says was sent
// only just now.
func (tp *tcpSock) timeoutMarkLost() {
	head := tp.rtxQueue.first
	reneg := head != nil && head.sacked&sackedAcked != 0
	if reneg {
		tp.s.count(mibTCPSACKReneging)
		tp.sackedOut = 0
		tp.sackReneg = true
	} else if !tp.sackOK {
		tp.resetRenoSack()
	}
	for b := head; b != nil; b = b.next {
		if reneg {
			b.sacked &^= sackedAcked
		} else if tp.isRack() && b != head && tp.rackTimeout(b, 0) > 0 {
			continue
		}
		tp.markLost(b)
	}
	tp.clearRetransHints()
}

// processLoss is an acknowledgment after a timeout (tcp_process_loss), with F-RTO
// (RFC 5682): if what was never sent again is acknowledged, the timeout came too
// early.
func (tp *tcpSock) processLoss(flag, dupack int, rexmit *int) {
	recovered := !before(tp.sndUna, tp.highSeq)
	if (flag&flagSndUnaAdvanced != 0 || tp.fastopenRequest != nil) && tp.tryUndoLoss(false) {
		return
	}
	if tp.frto {
		if flag&flagOrigSackAcked != 0 && tp.tryUndoLoss(true) {
			return
		}
		if after(tp.sndNxt, tp.highSeq) {
			if flag&flagDataSacked != 0 || dupack > 0 {
				tp.frto = false // it was real
			}
		} else if flag&flagSndUnaAdvanced != 0 && !recovered {
			tp.highSeq = tp.sndNxt
			if !tp.writeQueue.empty() && after(tp.wndEnd(), tp.sndNxt) {
				*rexmit = rexmitNew
				return
			}
			tp.frto = false
		}
	}
	if recovered {
		tp.tryUndoRecovery()
		return
	}
	if !tp.sackOK {
		if after(tp.sndNxt, tp.highSeq) && dupack > 0 {
			tp.addRenoSack(dupack, flag&flagECE != 0)
		} else if flag&flagSndUnaAdvanced != 0 {
			tp.resetRenoSack()
		}
	}
	*rexmit = rexmitLost
}

// xmitRecovery sends what recovery wants sent (tcp_xmit_recovery).
func (tp *tcpSock) xmitRecovery(rexmit int) {
	if rexmit == rexmitNone || tp.state == tcpSynSent {
		return
	}
	if rexmit == rexmitNew {
		tp.pushPending(tp.currentMSS(), nagleOff)
		if after(tp.sndNxt, tp.highSeq) {
			return
		}
		tp.frto = false
	}
	tp.xmitRetransmitQueue()
}

// Taking a reduction back.

// packetDelayed reports whether the acknowledgment is for the first transmission,
// by its time stamp (RFC 3522), or since nothing was sent again.
func (tp *tcpSock) packetDelayed() bool {
	if tp.retransStamp != 0 {
		return tp.sawTstamp && tp.rcvTsecr != 0 && before(tp.rcvTsecr, uint32(tp.retransStamp))
	}
	// Without SACK the stamp is cleared while recovery is held, too.
	if !tp.sackOK && !before(tp.sndUna, tp.highSeq) {
		return false
	}
	return tp.state != tcpSynSent
}

func (tp *tcpSock) mayUndo() bool {
	return tp.undoMarker != 0 && (tp.undoRetrans == 0 || tp.packetDelayed())
}

// undoCwndReduction takes the reduction back.
func (tp *tcpSock) undoCwndReduction(unmark bool) {
	if unmark {
		for b := tp.rtxQueue.first; b != nil; b = b.next {
			b.sacked &^= lostSkb
		}
		tp.lostOut = 0
		tp.clearRetransHints()
	}
	if tp.priorSsthresh != 0 {
		tp.sndCwnd = tp.ca.undoCwnd(tp)
		if tp.priorSsthresh > tp.sndSsthresh {
			tp.sndSsthresh = tp.priorSsthresh
			tp.ecnFlags &^= ecnQueueCWR
		}
	}
	tp.sndCwndStamp = tp.s.jiffies()
	tp.undoMarker = 0
	tp.rack.advanced = true
}

func (tp *tcpSock) nonSackPreventingReopen() bool {
	if tp.sndUna == tp.highSeq && !tp.sackOK {
		// Duplicates that are still on their way must not start it again.
		if !tp.anyRetransDone() {
			tp.retransStamp = 0
		}
		return true
	}
	return false
}

func (tp *tcpSock) tryUndoRecovery() bool {
	if tp.mayUndo() {
		tp.undoCwndReduction(false)
		if tp.caState == tcpCaLoss {
			tp.s.count(mibTCPLossUndo)
		} else {
			tp.s.count(mibTCPFullUndo)
		}
	} else if tp.rack.reoWndPersist > 0 {
		tp.rack.reoWndPersist--
	}
	if tp.nonSackPreventingReopen() {
		return true
	}
	tp.setCaState(tcpCaOpen)
	tp.sackReneg = false
	return false
}

func (tp *tcpSock) tryUndoDSACK() bool {
	if tp.undoMarker == 0 || tp.undoRetrans != 0 {
		return false
	}
	tp.rack.reoWndPersist = min(16, tp.rack.reoWndPersist+1)
	tp.undoCwndReduction(false)
	tp.s.count(mibTCPDSACKUndo)
	return true
}

func (tp *tcpSock) tryUndoLoss(frto bool) bool {
	if !frto && !tp.mayUndo() {
		return false
	}
	tp.undoCwndReduction(true)
	tp.s.count(mibTCPLossUndo)
	if frto {
		tp.s.count(mibTCPSpuriousRTOs)
	}
	tp.retransmits = 0
	if tp.nonSackPreventingReopen() {
		return true
	}
	if frto || tp.sackOK {
		tp.setCaState(tcpCaOpen)
		tp.sackReneg = false
	}
	return true
}

// tryUndoPartial notices at a partial acknowledgment that the hole was filled by a
// late segment, not by the retransmission.
func (tp *tcpSock) tryUndoPartial(priorUna uint32) bool {
	if tp.undoMarker == 0 || !tp.packetDelayed() {
		return false
	}
	tp.checkSackReordering(priorUna, true)
	if tp.retransOut > 0 {
		return true
	}
	if !tp.anyRetransDone() {
		tp.retransStamp = 0
	}
	tp.undoCwndReduction(true)
	tp.s.count(mibTCPPartialUndo)
	tp.tryKeepOpen()
	return false
}

// processTLPAck ends the episode of a loss probe: by what is acknowledged it tells
// whether the probe repaired a loss (RFC 8985 section 7.4).
func (tp *tcpSock) processTLPAck(ack uint32, flag int) {
	if before(ack, tp.tlpHighSeq) {
		return
	}
	switch {
	case !tp.tlpRetrans:
		tp.tlpHighSeq = 0
	case flag&flagDsackTLP != 0:
		tp.tlpHighSeq = 0
	case after(ack, tp.tlpHighSeq):
		tp.initCwndReduction()
		tp.setCaState(tcpCaCWR)
		tp.endCwndReduction()
		tp.tryKeepOpen()
		tp.s.count(mibTCPLossProbeRecovery)
	case flag&(flagSndUnaAdvanced|flagNotDup|flagDataSacked) == 0:
		tp.tlpHighSeq = 0
	}
}

// simpleRetransmit sends again what is too long for the path now
// (tcp_simple_retransmit). That is no sign of congestion.
func (tp *tcpSock) simpleRetransmit() {
	mss := tp.currentMSS()
	if tp.synData && tp.state == tcpSynSent {
		mss = -1
	}
	for b := tp.rtxQueue.first; b != nil; b = b.next {
		size := b.len()
		if b.segs > 1 {
			size = b.gsoSize
		}
		if size > mss {
			tp.markLost(b)
		}
	}
	tp.clearRetransHintsPartial()
	if tp.lostOut == 0 {
		return
	}
	if !tp.sackOK {
		tp.limitRenoSacked()
	}
	if tp.caState != tcpCaLoss {
		tp.highSeq = tp.sndNxt
		tp.sndSsthresh = tp.currentSsthresh()
		tp.priorSsthresh = 0
		tp.undoMarker = 0
		tp.setCaState(tcpCaLoss)
	}
	tp.xmitRetransmitQueue()
}
