package gostack

import (
	"math/bits"

	"tcpdrill/engine/abi"
	"tcpdrill/engine/wire"
)

// What happens when a timer fires. One timer of the socket serves several
// purposes, one at a time: the retransmission timeout, the loss probe, RACK's
// reordering window, the persist timer.

// Values of tcpSock.pendingTimer (ICSK_TIME_*).
const (
	timeRetrans   = 1
	timeProbe0    = 3
	timeLossProbe = 5
	timeReorder   = 6
)

// initTimers sets up the timers of a new socket.
func (tp *tcpSock) initTimers() {
	tp.retransTimer.fn = tp.writeTimer
	tp.delackTimer.fn = tp.delackExpired
	tp.keepTimer.fn = tp.keepaliveExpired
	tp.pacingTimer.fn = tp.pacingExpired
	tp.tsqTimer.fn = tp.tsqExpired
	tp.compressedTimer.fn = tp.compressedAckExpired
}

// clearTimers stops all of them.
func (tp *tcpSock) clearTimers() {
	for _, t := range []*timer{&tp.retransTimer, &tp.delackTimer, &tp.keepTimer, &tp.pacingTimer, &tp.tsqTimer, &tp.compressedTimer} {
		tp.s.delTimer(t)
	}
	tp.pendingTimer = 0
}

// resetXmitTimer arms the socket's timer for one of its purposes, so many jiffies
// after what is paced leaves (tcp_reset_xmit_timer).
func (tp *tcpSock) resetXmitTimer(what int, when int64) {
	tp.armXmitTimer(what, when+tp.pacingDelay())
}

// armXmitTimer arms it, so many jiffies from now (inet_csk_reset_xmit_timer).
func (tp *tcpSock) armXmitTimer(what int, when int64) {
	when = min(when, tp.rtoMax())
	tp.pendingTimer = what
	tp.timeout = tp.s.jiffies() + uint64(when)
	tp.s.modTimer(&tp.retransTimer, tp.timeout)
}

// pacingDelay is for how long the next segment is held back anyway, jiffies.
func (tp *tcpSock) pacingDelay() int64 {
	if d := tp.wstampNs - tp.clockCacheNs; d > 0 {
		return int64(d / tp.s.tick)
	}
	return 0
}

// rearmRTO starts the retransmission timer, or stops it when nothing is in flight
// (tcp_rearm_rto; RFC 6298 section 5).
func (tp *tcpSock) rearmRTO() {
	if tp.fastopenRequest != nil {
		return
	}
	if tp.packetsOut == 0 {
		if tp.pendingTimer == timeRetrans || tp.pendingTimer == timeLossProbe || tp.pendingTimer == timeReorder {
			tp.pendingTimer = 0
		}
		tp.pendingTimer = 0
		return
	}
	rto := tp.rto
	if tp.pendingTimer == timeReorder || tp.pendingTimer == timeLossProbe {
		// The timeout counts from when the oldest segment was sent.
		rto = tp.s.usecsToJiffies(max(tp.rtoDelta(), 1))
	}
	tp.resetXmitTimer(timeRetrans, rto)
}

// setXmitTimer arms the loss probe or else the retransmission timer, after an
// acknowledgment (tcp_set_xmit_timer).
func (tp *tcpSock) setXmitTimer() {
	if !tp.scheduleLossProbe(true) {
		tp.rearmRTO()
	}
}

// writeTimer is what the socket's timer does (tcp_write_timer_handler).
func (tp *tcpSock) writeTimer() {
	if tp.inState(tcpClose, tcpListen) || tp.pendingTimer == 0 {
		return
	}
	if tp.timeout > tp.s.jiffies() {
		tp.s.modTimer(&tp.retransTimer, tp.timeout)
		return
	}
	tp.refreshMstamp()
	switch tp.pendingTimer {
	case timeReorder:
		restore := tp.because(causeRack)
		tp.rackReoTimeout()
		restore()
	case timeLossProbe:
		tp.sendLossProbe()
	case timeRetrans:
		tp.pendingTimer = 0
		tp.retransmitTimer()
	case timeProbe0:
		tp.pendingTimer = 0
		tp.probeTimer()
	}
}

// writeError ends the connection by a timer (tcp_write_err).
func (tp *tcpSock) writeError() {
	e := tp.softErr
	if e == 0 {
		e = abi.ETIMEDOUT
	}
	tp.err = e
	tp.reportError()
	tp.writeQueuePurge()
	tp.done()
	tp.s.count(mibTCPAbortOnTimeout)
}

// orphanRetries is how often a connection without an owner is tried.
func (tp *tcpSock) orphanRetries(alive bool) int {
	n := int(tp.s.sysctl.tcpOrphanRetries)
	if tp.softErr != 0 && !alive {
		n = 0
	}
	if n == 0 && alive {
		n = 8
	}
	return n
}

// modelTimeout is how long so many retransmissions take with exponential backoff
// from the smallest RTO, jiffies (tcp_model_timeout).
func (tp *tcpSock) modelTimeout(boundary int, base int64) int64 {
	thresh := bits.Len64(uint64(tp.rtoMax()/base)) - 1
	if boundary <= thresh {
		return (2<<boundary - 1) * base
	}
	return (2<<thresh-1)*base + int64(boundary-thresh)*tp.rtoMax()
}

// retransmitsTimedOut reports whether what is in flight was sent again for as long
// as boundary retransmissions take, or as timeout says, ms.
func (tp *tcpSock) retransmitsTimedOut(boundary int, timeout int64) bool {
	if tp.retransmits == 0 {
		return false
	}
	start := tp.retransStampMs()
	elapsed := int64(int32(tsOf(tp.tcpMstamp) - start))
	if timeout == 0 {
		base := tp.rtoMin
		if tp.inState(tcpSynSent, tcpSynRecv) {
			base = tp.s.msecsToJiffies(1000)
		}
		timeout = tp.s.jiffiesToUsecs(tp.modelTimeout(boundary, base)) / 1000
	}
	return elapsed-timeout >= 0
}

func (tp *tcpSock) retransStampMs() uint32 {
	if tp.retransStamp != 0 {
		return uint32(tp.retransStamp)
	}
	if b := tp.rtxQueue.first; b != nil {
		return tsOf(b.sentAt)
	}
	return tsOf(tp.tcpMstamp)
}

// writeTimeout reports whether it is time to give the connection up
// (tcp_write_timeout), having done so.
func (tp *tcpSock) writeTimeout() bool {
	sysctl := &tp.s.sysctl
	expired := false
	var retries int
	if tp.inState(tcpSynSent, tcpSynRecv) {
		retries = tp.synRetries
		if retries == 0 {
			retries = int(sysctl.tcpSynRetries)
		}
		most := retries
		if tp.state == tcpSynSent {
			most += int(sysctl.tcpSynLinearTimeouts)
		}
		expired = tp.retransmits >= most
	} else {
		if tp.retransmitsTimedOut(int(sysctl.tcpRetries1), 0) {
			tp.mtuProbing()
		}
		retries = int(sysctl.tcpRetries2)
		if tp.released {
			alive := tp.rto < tp.rtoMax()
			retries = tp.orphanRetries(alive)
		}
	}
	if !expired {
		expired = tp.retransmitsTimedOut(retries, tp.userTimeout)
	}
	tp.fastopenActiveDetectBlackhole(expired)
	if expired {
		tp.writeError()
		return true
	}
	return false
}

// retransmitTimer is the retransmission timeout (tcp_retransmit_timer; RFC 6298
// section 5.4 to 5.7).
func (tp *tcpSock) retransmitTimer() {
	s := tp.s
	if r := tp.fastopenRequest; r != nil {
		tp.fastopenSynackTimer(r)
		return
	}
	if tp.packetsOut == 0 {
		return
	}
	head := tp.rtxQueue.first
	if head == nil {
		return
	}
	if tp.sndWnd == 0 && !tp.released && !tp.inState(tcpSynSent, tcpSynRecv) {
		// The peer has closed its window on what it was sent: it isn't given up
		// as long as it answers.
		if tp.zeroWindowTimedOut() {
			tp.writeError()
			return
		}
		tp.enterLoss()
		tp.retransmit(head, 1, causeRTO)
		tp.resetRTO()
		return
	}
	s.count(mibTCPTimeouts)
	if tp.writeTimeout() {
		return
	}
	if tp.retransmits == 0 {
		switch {
		case tp.caState == tcpCaRecovery && tp.sackOK:
			s.count(mibTCPSackRecoveryFail)
		case tp.caState == tcpCaRecovery:
			s.count(mibTCPRenoRecoveryFail)
		case tp.caState == tcpCaLoss:
			s.count(mibTCPLossFailures)
		case tp.caState == tcpCaDisorder || tp.sackedOut > 0:
			if tp.sackOK {
				s.count(mibTCPSackFailures)
			} else {
				s.count(mibTCPRenoFailures)
			}
		}
	}
	restore := tp.because(causeRTO)
	tp.enterLoss()
	tp.updateRTOStats()
	cause := causeRTO
	if head.flags&wire.SYN != 0 {
		cause = causeSynTimer
	}
	err := tp.retransmit(tp.rtxQueue.first, 1, cause)
	restore()
	if err == retransDropped {
		// The device didn't take it: soon again, without counting it.
		tp.armXmitTimer(timeRetrans, s.msecsToJiffies(500))
		return
	}
	tp.resetRTO()
}

// zeroWindowTimedOut reports whether retransmissions into a closed window have gone
// on for too long without anything coming (tcp_rtx_probe0_timed_out).
func (tp *tcpSock) zeroWindowTimedOut() bool {
	since := int64(int32(tsOf(tp.tcpMstamp) - tp.retransStampMs()))
	timeout := 2 * tp.rtoMax()
	if tp.userTimeout > 0 {
		if since > tp.userTimeout {
			return true
		}
		timeout = min(timeout, tp.s.msecsToJiffies(tp.userTimeout))
	}
	if int64(tp.timeout-tp.rcvTstamp) <= timeout {
		return false
	}
	return tp.s.msecsToJiffies(since) > timeout
}

// resetRTO doubles the timeout and arms it again.
func (tp *tcpSock) resetRTO() {
	s := tp.s
	thin := (tp.thinLinear || s.sysctl.tcpThinLinearTimeouts != 0) && tp.packetsOut < 4 && !tp.inSlowStartInitial()
	switch {
	case tp.state == tcpEstablished && thin && tp.retransmits <= 6:
		tp.backoff = 0
		tp.rto = min(max(tp.baseRTO(), tp.rtoMin), tp.rtoMax())
	case s.faults.has(NoRTOBackoff):
	case tp.state != tcpSynSent || tp.totalRTO > int(s.sysctl.tcpSynLinearTimeouts):
		tp.backoff++
		tp.rto = min(tp.rto<<1, tp.rtoMax())
	}
	tp.armXmitTimer(timeRetrans, tp.clampRTOToUserTimeout())
	if tp.retransmitsTimedOut(int(s.sysctl.tcpRetries1)+1, 0) {
		// Perhaps there is another way: the route is looked up afresh, as always here.
		return
	}
}

func (tp *tcpSock) inSlowStartInitial() bool { return tp.sndSsthresh >= tcpInfiniteSsthresh }

// updateRTOStats counts for TCP_INFO (tcp_update_rto_stats).
func (tp *tcpSock) updateRTOStats() {
	if tp.retransmits == 0 {
		tp.totalRTORecoveries++
		tp.rtoStamp = uint64(tsOf(tp.tcpMstamp))
	}
	tp.retransmits++
	tp.totalRTO++
}

// clampRTOToUserTimeout lets the timer not fire after TCP_USER_TIMEOUT is over.
func (tp *tcpSock) clampRTOToUserTimeout() int64 {
	if tp.userTimeout == 0 {
		return tp.rto
	}
	elapsed := int64(int32(tsOf(tp.tcpMstamp) - tp.retransStampMs()))
	left := tp.userTimeout - elapsed
	if left <= 0 {
		return 1
	}
	return min(tp.rto, tp.s.msecsToJiffies(left))
}

// clampProbe0 is clampRTOToUserTimeout for the persist timer.
func (tp *tcpSock) clampProbe0(when int64) int64 {
	if tp.userTimeout == 0 || tp.probesTstamp == 0 {
		return when
	}
	elapsed := int64(tp.s.jiffies() - tp.probesTstamp)
	left := max(tp.s.msecsToJiffies(tp.userTimeout)-elapsed, 1)
	return min(left, when)
}

// probeTimer is the persist timer (tcp_probe_timer).
func (tp *tcpSock) probeTimer() {
	if tp.packetsOut > 0 || tp.writeQueue.empty() {
		tp.probesOut, tp.probesTstamp = 0, 0
		return
	}
	if tp.probesTstamp == 0 {
		tp.probesTstamp = tp.s.jiffies()
	} else if tp.userTimeout > 0 &&
		int64(tp.s.jiffies()-tp.probesTstamp) >= tp.s.msecsToJiffies(tp.userTimeout) {
		tp.writeError()
		return
	}
	most := int(tp.s.sysctl.tcpRetries2)
	if tp.released {
		alive := tp.rto<<min(tp.backoff, 30) < tp.rtoMax()
		most = tp.orphanRetries(alive)
		if !alive && tp.backoff >= most {
			tp.writeError()
			return
		}
	}
	if tp.probesOut >= most {
		tp.writeError()
		return
	}
	tp.sendProbe0()
}

// Delayed acknowledgments.

// Bits of tcpSock.ackPending.
const (
	ackSched   = 1 << iota // an ACK is due
	ackTimer               // the timer runs
	ackPushed              // for data with PSH
	ackPushed2             // for a second segment with PSH
	ackNow                 // at once
	ackNomem               // data was dropped for want of memory: the window is closed
)

func (tp *tcpSock) atoMin() int64      { return max(1, tp.s.msecsToJiffies(40)) }
func (tp *tcpSock) delackMin() int64   { return max(1, tp.s.msecsToJiffies(40)) }
func (tp *tcpSock) delackMax() int64   { return tp.s.msecsToJiffies(200) }
func (tp *tcpSock) pingpongMode() bool { return tp.pingpong >= int(tp.s.sysctl.tcpPingpongThresh) }

// sendDelayedAck puts an acknowledgment off (tcp_send_delayed_ack).
func (tp *tcpSock) sendDelayedAck() {
	s := tp.s
	ato := tp.ato
	if least := tp.delackMin(); ato > least {
		most := s.msecsToJiffies(500)
		if tp.pingpongMode() || tp.ackPending&ackPushed != 0 {
			most = tp.delackMax()
		}
		if tp.srttUs > 0 {
			most = min(most, max(s.usecsToJiffies(int64(tp.srttUs>>3)), least))
		}
		ato = min(ato, most)
	}
	ato = min(ato, tp.delackMax(), max(tp.rtoMin, 2)-1)
	timeout := s.jiffies() + uint64(ato)
	if tp.ackPending&ackTimer != 0 {
		// It is nearly time anyway.
		if tp.ackTimeout <= s.jiffies()+uint64(ato>>2) {
			tp.sendAck(causeDelack)
			return
		}
		timeout = min(timeout, tp.ackTimeout)
	}
	tp.ackPending |= ackSched | ackTimer
	tp.ackTimeout = timeout
	s.modTimer(&tp.delackTimer, timeout)
}

// delackExpired is the delayed-ACK timer (tcp_delack_timer_handler).
func (tp *tcpSock) delackExpired() {
	if tp.inState(tcpClose, tcpListen) {
		return
	}
	if tp.compressedAck > 0 {
		tp.refreshMstamp()
		tp.sackCompressSendAck()
		return
	}
	if tp.ackPending&ackTimer == 0 {
		return
	}
	if tp.ackTimeout > tp.s.jiffies() {
		tp.s.modTimer(&tp.delackTimer, tp.ackTimeout)
		return
	}
	tp.ackPending &^= ackTimer
	if tp.ackPending&ackSched == 0 {
		return
	}
	if !tp.pingpongMode() {
		// The peer sends less often than we thought.
		tp.ato = min(tp.ato<<1, tp.rto, tp.delackMax())
	} else {
		// We have no answer to send: it is not a dialogue after all.
		tp.pingpong = 0
		tp.ato = tp.atoMin()
	}
	tp.refreshMstamp()
	tp.sendAck(causeDelack)
	tp.s.count(mibDelayedACKs)
}

// compressedAckExpired is the timer of SACKs that were put off.
func (tp *tcpSock) compressedAckExpired() {
	if tp.compressedAck == 0 {
		return
	}
	// The time stamp is that of the last segment that came: no refreshMstamp here.
	tp.compressedAck--
	tp.sendAck(causeCompressedAck)
}

// sackCompressSendAck sends what was put off (tcp_sack_compress_send_ack).
func (tp *tcpSock) sackCompressSendAck() {
	if tp.compressedAck == 0 {
		return
	}
	tp.s.delTimer(&tp.compressedTimer)
	tp.compressedAck = 0
	tp.sendAck(causeCompressedAck)
}

// pacingExpired is the pacing timer.
func (tp *tcpSock) pacingExpired() {
	if tp.inState(tcpClose, tcpListen) {
		return
	}
	restore := tp.because(causePacing)
	tp.tsqHandler()
	restore()
}

// xmitDone is told of each segment that has left the queueing discipline
// (tcp_wfree).
func (tp *tcpSock) xmitDone() {
	if tp.tsqThrottled {
		tp.tsqThrottled = false
		tp.s.startAt(&tp.tsqTimer, tp.s.now)
	}
}

func (tp *tcpSock) tsqExpired() {
	restore := tp.because(causeQueue)
	tp.tsqHandler()
	restore()
}

// tsqHandler goes on sending when the device or the pacing timer lets us.
func (tp *tcpSock) tsqHandler() {
	if !tp.inState(tcpEstablished, tcpFinWait1, tcpClosing, tcpCloseWait, tcpLastAck) {
		return
	}
	if tp.lostOut > tp.retransOut && tp.sndCwnd > tp.inFlight() {
		tp.refreshMstamp()
		tp.xmitRetransmitQueue()
	}
	tp.writeXmit(tp.currentMSS(), tp.nonagle, pushAll)
}

// Keepalive, and the end of FIN-WAIT-2.

func (tp *tcpSock) keepaliveTime() int64 {
	if tp.keepIdle > 0 {
		return tp.keepIdle
	}
	return tp.s.msecsToJiffies(1000 * tp.s.sysctl.tcpKeepaliveTime)
}

func (tp *tcpSock) keepaliveIntvl() int64 {
	if tp.keepIntvl > 0 {
		return tp.keepIntvl
	}
	return tp.s.msecsToJiffies(1000 * tp.s.sysctl.tcpKeepaliveIntvl)
}

// keepaliveElapsed is for how long nothing has come, jiffies.
func (tp *tcpSock) keepaliveElapsed() int64 {
	now := tp.s.jiffies()
	return min(int64(now-tp.lrcvtime), int64(now-tp.rcvTstamp))
}

// keepaliveChanged is SO_KEEPALIVE.
func (tp *tcpSock) keepaliveChanged(on bool) {
	if tp.inState(tcpClose, tcpListen) {
		return
	}
	if on && !tp.keepalive {
		tp.resetKeepalive(tp.keepaliveTime())
	} else if !on {
		tp.s.delTimer(&tp.keepTimer)
	}
}

func (tp *tcpSock) resetKeepalive(after int64) {
	tp.s.modTimer(&tp.keepTimer, tp.s.jiffies()+uint64(after))
}

// keepaliveExpired is the keepalive timer (tcp_keepalive_timer), which also ends
// FIN-WAIT-2 of a connection that nobody owns any more.
func (tp *tcpSock) keepaliveExpired() {
	s := tp.s
	if tp.state == tcpListen {
		return
	}
	tp.refreshMstamp()
	if tp.state == tcpFinWait2 && tp.released {
		if tp.linger2 >= 0 {
			if left := tp.finTime() - s.msecsToJiffies(60_000); left > 0 {
				tp.timeWait(tcpFinWait2, left)
				return
			}
		}
		tp.sendActiveReset(causeAbort)
		tp.done()
		return
	}
	if !tp.keepalive || tp.inState(tcpClose, tcpSynSent) {
		return
	}
	elapsed := tp.keepaliveTime()
	// Data on its way is a probe by itself.
	if tp.packetsOut > 0 || !tp.writeQueue.empty() {
		tp.resetKeepalive(elapsed)
		return
	}
	elapsed = tp.keepaliveElapsed()
	if elapsed < tp.keepaliveTime() {
		tp.resetKeepalive(tp.keepaliveTime() - elapsed)
		return
	}
	probes := tp.keepProbes
	if probes == 0 {
		probes = int(s.sysctl.tcpKeepaliveProbes)
	}
	over := tp.probesOut >= probes
	if tp.userTimeout != 0 {
		over = elapsed >= s.msecsToJiffies(tp.userTimeout) && tp.probesOut > 0
	}
	if over {
		tp.sendActiveReset(causeAbort)
		tp.writeError()
		return
	}
	if tp.writeWakeup(causeKeepalive) {
		s.count(mibTCPKeepAlive)
		tp.probesOut++
		tp.resetKeepalive(tp.keepaliveIntvl())
		return
	}
	tp.resetKeepalive(s.msecsToJiffies(500))
}

// finTime is how long FIN-WAIT-2 lasts at least, jiffies.
func (tp *tcpSock) finTime() int64 {
	t := tp.linger2
	if t == 0 {
		t = tp.s.msecsToJiffies(1000 * tp.s.sysctl.tcpFinTimeout)
	}
	return max(t, tp.rto<<2-tp.rto>>1)
}
