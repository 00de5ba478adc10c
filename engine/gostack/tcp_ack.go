package gostack

import (
	"time"

	"tcpdrill/engine/abi"
	"tcpdrill/engine/wire"
)

// What an acknowledgment does: it opens the window, takes what was received off
// the retransmit queue, gives a sample of the round-trip time, and sets recovery
// and congestion control going.

// What is known of the acknowledgment at hand (FLAG_*).
const (
	flagData = 1 << iota // it carries data
	flagWinUpdate
	flagDataAcked
	flagRetransDataAcked // of what was sent again
	flagSynAcked
	flagDataSacked
	flagECE
	flagLostRetrans
	flagSlowPath
	flagOrigSackAcked // of what was sent once only
	flagSndUnaAdvanced
	flagDsackingAck
	flagSackReneging
	flagUpdateTsRecent
	flagNoChallenge
	flagAckMaybeDelayed
	flagSetXmitTimer
	flagDsackTLP

	flagAcked           = flagDataAcked | flagSynAcked
	flagNotDup          = flagData | flagWinUpdate | flagAcked
	flagCaAlert         = flagDataSacked | flagECE | flagDsackingAck
	flagForwardProgress = flagAcked | flagDataSacked
)

// sackState is what is gathered while one acknowledgment is worked through.
type sackState struct {
	reord         uint32 // the lowest sequence number found reordered
	firstSackt    time.Duration
	lastSackt     time.Duration
	rate          rateSample
	flag          int
	sackDelivered uint32
}

// ack works through an acknowledgment (tcp_ack). It returns 1 if it is new or old
// news that is fine, 0 if it is too old to matter, and -1 if it acknowledges what
// can't be.
func (tp *tcpSock) ackIn(g *segment, flag int) int {
	s := tp.s
	priorUna := tp.sndUna
	ack := g.ack
	priorPackets := tp.packetsOut
	delivered, lost := tp.delivered, tp.lostCount
	dupack := 0
	rexmit := rexmitNone
	st := &sackState{}
	reneg := tp.sackReneg

	tooOld := before(ack, priorUna-uint32(min(uint64(tp.maxWindow), tp.bytesAcked)))
	if flag&flagUpdateTsRecent != 0 && !tooOld && !after(ack, tp.sndNxt) {
		tp.replaceTsRecent(g)
	}
	if before(ack, priorUna) {
		// RFC 5961 section 5.2: one that is older than the largest window can't be
		// the peer's.
		if tooOld {
			if flag&flagNoChallenge == 0 {
				tp.sendChallengeAck()
			}
			return -1
		}
		if g.hasSack {
			flag |= tp.sacktagWriteQueue(g, priorUna, st)
			tp.fastretransAlert(priorUna, dupack, &flag, &rexmit, st)
			tp.newlyDelivered(delivered, flag)
			tp.xmitRecovery(rexmit)
		}
		return 0
	}
	if after(ack, tp.sndNxt) {
		return -1
	}
	if after(ack, priorUna) {
		flag |= flagSndUnaAdvanced
		tp.retransmits = 0
	}
	priorFack := tp.sndUna
	if tp.sackOK {
		priorFack = tp.highestSackSeq()
	}
	if flag&(flagSlowPath|flagSndUnaAdvanced) == flagSndUnaAdvanced {
		// Nothing but an acknowledgment of new data with the window as it was.
		tp.sndWl1 = g.seq
		tp.sndUnaUpdate(ack)
		flag |= flagWinUpdate
	} else {
		if g.seq != g.endSeq {
			flag |= flagData
		} else {
			s.count(mibTCPPureAcks)
		}
		flag |= tp.ackUpdateWindow(g)
		if g.hasSack {
			flag |= tp.sacktagWriteQueue(g, priorUna, st)
		}
		if tp.ecnFlags&ecnOK != 0 && g.flags&wire.ECE != 0 && g.flags&wire.SYN == 0 {
			flag |= flagECE
		}
		if st.sackDelivered > 0 {
			tp.countDelivered(st.sackDelivered, flag&flagECE != 0)
		}
	}
	tp.ecnAcceptCWR(g)
	tp.softErr = 0
	tp.probesOut = 0
	tp.rcvTstamp = s.jiffies()
	if priorPackets == 0 {
		// If a reduction turns out to be unneeded, it is taken back even now.
		if flag&flagDsackingAck != 0 {
			tp.fastretransAlert(priorUna, dupack, &flag, &rexmit, st)
			tp.newlyDelivered(delivered, flag)
		}
		tp.ackProbe()
		if tp.tlpHighSeq != 0 {
			tp.processTLPAck(ack, flag)
		}
		return 1
	}
	flag |= tp.cleanRtxQueue(g, priorFack, priorUna, st, flag&flagECE != 0)
	tp.rackUpdateReoWnd(st)
	if tp.tlpHighSeq != 0 {
		tp.processTLPAck(ack, flag)
	}
	if flag&flagNotDup == 0 || flag&flagCaAlert != 0 || tp.caState != tcpCaOpen {
		if flag&(flagSndUnaAdvanced|flagNotDup|flagDsackingAck) == 0 {
			dupack = 1
		}
		tp.fastretransAlert(priorUna, dupack, &flag, &rexmit, st)
	}
	if flag&flagSetXmitTimer != 0 {
		tp.setXmitTimer()
	}
	newly := tp.newlyDelivered(delivered, flag)
	lost = tp.lostCount - lost
	tp.rateGen(newly, lost, reneg, &st.rate)
	tp.congControl(ack, newly, flag, &st.rate)
	tp.xmitRecovery(rexmit)
	return 1
}

// countDelivered counts segments that the peer has now.
func (tp *tcpSock) countDelivered(n uint32, ece bool) {
	tp.delivered += n
	if ece {
		tp.deliveredCE += n
	}
}

// newlyDelivered is how many segments this acknowledgment says the peer has.
func (tp *tcpSock) newlyDelivered(prior uint32, flag int) uint32 {
	n := tp.delivered - prior
	tp.s.countN(mibTCPDelivered, int(n))
	if flag&flagECE != 0 {
		tp.s.countN(mibTCPDeliveredCE, int(n))
	}
	return n
}

func (tp *tcpSock) sndUnaUpdate(ack uint32) {
	tp.bytesAcked += uint64(ack - tp.sndUna)
	tp.sndUna = ack
}

// mayUpdateWindow reports whether a segment's window is newer than the one known
// (RFC 9293 section 3.10.7.4).
func (tp *tcpSock) mayUpdateWindow(ack, seq, window uint32) bool {
	return after(ack, tp.sndUna) || after(seq, tp.sndWl1) ||
		seq == tp.sndWl1 && (window > tp.sndWnd || window == 0)
}

// ackUpdateWindow takes over the segment's window (tcp_ack_update_window).
func (tp *tcpSock) ackUpdateWindow(g *segment) int {
	flag := 0
	window := uint32(g.window)
	if g.flags&wire.SYN == 0 {
		window <<= tp.sndWscale
	}
	if tp.mayUpdateWindow(g.ack, g.seq, window) {
		flag |= flagWinUpdate
		tp.sndWl1 = g.seq
		if tp.sndWnd != window {
			tp.sndWnd = window
			tp.predOn = false
			tp.fastPathCheck()
			if !tp.writeQueue.empty() {
				tp.slowStartAfterIdleCheck()
			}
			if window > tp.maxWindow {
				tp.maxWindow = window
				tp.syncMSS(tp.pmtuCookie)
			}
		}
	}
	tp.sndUnaUpdate(g.ack)
	return flag
}

// ackProbe stops or restarts the persist timer (tcp_ack_probe).
func (tp *tcpSock) ackProbe() {
	head := tp.writeQueue.first
	if head == nil {
		return
	}
	if !after(head.endSeq, tp.wndEnd()) {
		tp.backoff = 0
		tp.probesTstamp = 0
		if tp.pendingTimer == timeProbe0 {
			tp.pendingTimer = 0
		}
		return
	}
	tp.resetXmitTimer(timeProbe0, tp.clampProbe0(tp.probe0When()))
}

// cleanRtxQueue takes what is acknowledged off the retransmit queue and samples
// the round-trip time (tcp_clean_rtx_queue).
func (tp *tcpSock) cleanRtxQueue(g *segment, priorFack, priorUna uint32, st *sackState, ece bool) int {
	flag := 0
	priorSacked := tp.sackedOut
	reord := tp.sndNxt
	var firstAckt, lastAckt time.Duration
	pktsAcked := uint32(0)
	fullyAcked := true
	caRTT, sackRTT, seqRTT := int64(-1), int64(-1), int64(-1)

	for b := tp.rtxQueue.first; b != nil; b = tp.rtxQueue.first {
		sacked, start := b.sacked, b.seq
		var acked uint32
		if after(b.endSeq, tp.sndUna) {
			if b.segs == 1 || !after(tp.sndUna, b.seq) {
				break
			}
			acked = tp.tsoAcked(b)
			if acked == 0 {
				break
			}
			fullyAcked = false
		} else {
			acked = uint32(b.segs)
		}
		if sacked&everRetrans != 0 {
			if sacked&sackedRetrans != 0 {
				tp.retransOut -= acked
			}
			flag |= flagRetransDataAcked
		} else if sacked&sackedAcked == 0 {
			lastAckt = b.sentAt
			if firstAckt == 0 {
				firstAckt = lastAckt
			}
			if before(start, reord) {
				reord = start
			}
			if !after(b.endSeq, tp.highSeq) {
				flag |= flagOrigSackAcked
			}
		}
		switch {
		case sacked&sackedAcked != 0:
			tp.sackedOut -= acked
		case tp.sackOK:
			tp.countDelivered(acked, ece)
			if !tp.skbSpurious(b) {
				tp.rackAdvance(b, sacked)
			}
		}
		if sacked&lostSkb != 0 {
			tp.lostOut -= acked
		}
		tp.packetsOut -= acked
		pktsAcked += acked
		tp.rateSkbDelivered(b, &st.rate)
		// The acknowledgment of our SYN says nothing of data.
		if b.flags&wire.SYN == 0 {
			flag |= flagDataAcked
		} else {
			flag |= flagSynAcked
			tp.retransStamp = 0
		}
		if !fullyAcked {
			break
		}
		tp.ackTstamp(b, priorUna)
		if b == tp.retransHint {
			tp.retransHint = nil
		}
		if b == tp.lostSkbHint {
			tp.lostSkbHint = nil
		}
		tp.highestSackReplace(b, b.next)
		tp.sentOrder.remove(b)
		tp.freeQueued(b)
	}
	if tp.rtxQueue.empty() {
		tp.chrono.stop(tp, chronoBusy)
	}
	if between(tp.sndUp, priorUna, tp.sndUna) {
		tp.sndUp = tp.sndUna
	}
	if head := tp.rtxQueue.first; head != nil {
		tp.ackTstamp(head, priorUna)
		if head.sacked&sackedAcked != 0 {
			flag |= flagSackReneging
		}
	}
	if firstAckt != 0 && flag&flagRetransDataAcked == 0 {
		seqRTT = tp.sinceUs(firstAckt)
		caRTT = tp.sinceUs(lastAckt)
		if pktsAcked == 1 && fullyAcked && priorSacked == 0 &&
			tp.sndUna-priorUna < uint32(tp.mssCache) &&
			st.rate.priorDelivered+1 == tp.delivered &&
			flag&(flagCaAlert|flagSynAcked) == 0 {
			// A single small segment: its acknowledgment was probably put off.
			flag |= flagAckMaybeDelayed
		}
	}
	if st.firstSackt != 0 {
		sackRTT = tp.sinceUs(st.firstSackt)
		caRTT = tp.sinceUs(st.lastSackt)
	}
	rttUpdate := tp.ackUpdateRTT(flag, seqRTT, sackRTT, caRTT, &st.rate)
	if flag&flagAcked != 0 {
		flag |= flagSetXmitTimer
		if tp.mtuProbe.size > 0 && !after(tp.mtuProbe.seqEnd, tp.sndUna) {
			tp.mtupProbeSuccess()
		}
		if !tp.sackOK {
			tp.removeRenoSacks(int(pktsAcked), ece)
			// Without SACK a retransmission says nothing about what was lost.
			if flag&flagRetransDataAcked != 0 {
				flag &^= flagOrigSackAcked
			}
		} else {
			// What came late though it was sent once only was reordered.
			if before(reord, priorFack) {
				tp.checkSackReordering(reord, false)
			}
			delta := priorSacked - tp.sackedOut
			tp.lostCntHint -= min(tp.lostCntHint, int(delta))
		}
	} else if b := tp.rtxQueue.first; b != nil && rttUpdate && sackRTT >= 0 &&
		sackRTT > tp.sinceUs(b.sentAt) {
		// The timer counts from too early on.
		flag |= flagSetXmitTimer
	}
	tp.ca.pktsAcked(tp, int(pktsAcked), st.rate.rttUs)
	if tp.packetsOut == 0 && tp.sackOK {
		// The counts can be off when a segment that had been sent again was found
		// not to be lost, and then was. Linux puts them right here.
		tp.lostOut, tp.sackedOut, tp.retransOut = 0, 0, 0
	}
	return flag
}

// tsoAcked takes the acknowledged segments off a super-segment (tcp_tso_acked).
func (tp *tcpSock) tsoAcked(b *skb) uint32 {
	old := b.segs
	tp.trimHead(b, int(tp.sndUna-b.seq))
	return uint32(old - b.segs)
}

func (tp *tcpSock) sinceUs(t time.Duration) int64 {
	return max(0, int64((tp.tcpMstamp-t.Truncate(time.Microsecond))/time.Microsecond))
}

// ackTstamp gives the time stamp of an acknowledgment that was asked for.
func (tp *tcpSock) ackTstamp(b *skb, priorUna uint32) {
	if b.tx.flags&abi.SofTxAck == 0 {
		return
	}
	if !before(b.tx.key, priorUna) && before(b.tx.key, tp.sndUna) {
		tp.stampSent(b.tx, abi.ScmTstampAck, tp.s.now, b)
		b.tx.flags &^= abi.SofTxAck
	}
}

// ackUpdateRTT takes a sample of the round-trip time (tcp_ack_update_rtt), and
// reports whether there was one. Karn's algorithm: one of data that was sent again
// is of use only if a time stamp says which transmission it is for.
func (tp *tcpSock) ackUpdateRTT(flag int, seqRTT, sackRTT, caRTT int64, rs *rateSample) bool {
	if seqRTT < 0 {
		seqRTT = sackRTT
	}
	if seqRTT < 0 && tp.sawTstamp && tp.rcvTsecr != 0 && flag&flagAcked != 0 {
		caRTT = tp.rttTsopt(1)
		seqRTT = caRTT
	}
	rs.rttUs = caRTT
	if seqRTT < 0 {
		return false
	}
	tp.updateRTTMin(caRTT, flag)
	tp.rttEstimator(seqRTT)
	tp.setRTO()
	tp.backoff = 0
	return true
}

// rttTsopt is the round-trip time by the echoed time stamp, µs; -1 if that makes no
// sense. least, in ms, is what it is taken for if it is shorter than a tick of the
// time stamps.
func (tp *tcpSock) rttTsopt(least int64) int64 {
	delta := int64(tsOf(tp.tcpMstamp) - tp.rcvTsecr)
	if delta >= 1<<31/1000 {
		return -1
	}
	if delta == 0 {
		delta = least
	}
	return delta * 1000
}

// updateRTTMin keeps the shortest round-trip time of the last minutes.
func (tp *tcpSock) updateRTTMin(us int64, flag int) {
	if flag&flagAckMaybeDelayed != 0 && us > int64(tp.rttMin.get()) {
		return
	}
	if us == 0 {
		us = int64(tp.s.jiffiesToUsecs(1))
	}
	window := uint32(tp.s.sysctl.tcpMinRttWlen) * uint32(time.Second/tp.s.tick)
	tp.rttMin.runningMin(window, uint32(tp.s.jiffies()), uint32(us))
}

// rttEstimator smooths the round-trip time (RFC 6298 section 2). Linux takes the
// largest deviation of a round trip, and lets it go down slowly
// (tcp_rtt_estimator).
func (tp *tcpSock) rttEstimator(sample int64) {
	m := sample
	srtt := int64(tp.srttUs)
	if srtt != 0 {
		m -= srtt >> 3
		srtt += m
		if m < 0 {
			m = -m
			m -= int64(tp.mdevUs >> 2)
			// A decrease of the round-trip time is no reason for a larger timeout.
			if m > 0 {
				m >>= 3
			}
		} else {
			m -= int64(tp.mdevUs >> 2)
		}
		tp.mdevUs = uint32(int64(tp.mdevUs) + m)
		if tp.mdevUs > tp.mdevMaxUs {
			tp.mdevMaxUs = tp.mdevUs
			if tp.mdevMaxUs > tp.rttvarUs {
				tp.rttvarUs = tp.mdevMaxUs
			}
		}
		if after(tp.sndUna, tp.rttSeq) {
			if tp.mdevMaxUs < tp.rttvarUs {
				tp.rttvarUs -= (tp.rttvarUs - tp.mdevMaxUs) >> 2
			}
			tp.rttSeq = tp.sndNxt
			tp.mdevMaxUs = tp.rtoMinUs()
		}
	} else {
		srtt = m << 3
		tp.mdevUs = uint32(m << 1)
		tp.rttvarUs = max(tp.mdevUs, tp.rtoMinUs())
		tp.mdevMaxUs = tp.rttvarUs
		tp.rttSeq = tp.sndNxt
	}
	tp.srttUs = max(1, uint32(srtt))
}

func (tp *tcpSock) rtoMinUs() uint32 { return uint32(tp.s.jiffiesToUsecs(tp.rtoMin)) }

// baseRTO is the timeout without backoff (__tcp_set_rto): the variance is never
// below the smallest timeout.
func (tp *tcpSock) baseRTO() int64 {
	return tp.s.usecsToJiffies(int64(tp.srttUs>>3) + int64(tp.rttvarUs))
}

func (tp *tcpSock) setRTO() { tp.rto = min(tp.baseRTO(), tp.rtoMax()) }

// congControl lets the congestion control act (tcp_cong_control).
func (tp *tcpSock) congControl(ack, acked uint32, flag int, rs *rateSample) {
	if tp.inCwndReduction() {
		tp.cwndReduction(int(acked), rs.losses, flag)
	} else if tp.mayRaiseCwnd(flag) {
		tp.ca.congAvoid(tp, ack, acked)
		tp.sndCwndStamp = tp.s.jiffies()
	}
	tp.updatePacingRate()
}

// mayRaiseCwnd reports whether the window may grow: not while reordering makes it
// unclear what was delivered (tcp_may_raise_cwnd).
func (tp *tcpSock) mayRaiseCwnd(flag int) bool {
	if tp.reordering > int(tp.s.sysctl.tcpReordering) {
		return flag&flagForwardProgress != 0
	}
	return flag&flagDataAcked != 0
}

// updatePacingRate works out how fast the window would be sent if it were spread
// over a round trip; twice as fast in slow start. It also decides how long a
// super-segment may be (tcp_update_pacing_rate).
func (tp *tcpSock) updatePacingRate() {
	rate := uint64(tp.mssCache) * (1_000_000 / 100 << 3)
	if tp.sndCwnd < tp.sndSsthresh/2 {
		rate *= uint64(tp.s.sysctl.tcpPacingSsRatio)
	} else {
		rate *= uint64(tp.s.sysctl.tcpPacingCaRatio)
	}
	rate *= uint64(max(tp.sndCwnd, tp.packetsOut))
	if tp.srttUs > 0 {
		rate /= uint64(tp.srttUs)
	}
	tp.pacingRate = min(rate, tp.maxPacingRate)
}

// Delivery rate (tcp_rate.c).

type rateSample struct {
	priorMstamp    time.Duration
	priorDelivered uint32
	delivered      int32
	intervalUs     int64
	rttUs          int64
	losses         int
	lastEndSeq     uint32
	appLimited     bool
}

// rateSkbSent notes what was delivered when a segment was sent.
func (tp *tcpSock) rateSkbSent(b *skb) {
	if tp.packetsOut == 0 {
		t := b.sentAt.Truncate(time.Microsecond)
		tp.firstTxMstamp, tp.deliveredMstamp = t, t
	}
	b.rate = skbRate{
		delivered: tp.delivered, deliveredCE: tp.deliveredCE, firstTx: tp.firstTxMstamp,
		deliveredAt: tp.deliveredMstamp, appLimited: tp.appLimited != 0, valid: true,
	}
}

// rateSkbDelivered notes that a segment was delivered.
func (tp *tcpSock) rateSkbDelivered(b *skb, rs *rateSample) {
	if !b.rate.valid {
		return
	}
	sent := b.sentAt.Truncate(time.Microsecond)
	if rs.priorDelivered == 0 || tp.skbSentAfter(sent, tp.firstTxMstamp, b.endSeq, rs.lastEndSeq) {
		rs.priorDelivered = b.rate.delivered
		rs.priorMstamp = b.rate.deliveredAt
		rs.appLimited = b.rate.appLimited
		rs.lastEndSeq = b.endSeq
		tp.firstTxMstamp = sent
		rs.intervalUs = int64((sent - b.rate.firstTx) / time.Microsecond)
	}
	if b.sacked&sackedAcked != 0 {
		b.rate.valid = false // only once
	}
}

// skbSentAfter reports whether one segment was sent after another: ties are broken
// by sequence number.
func (tp *tcpSock) skbSentAfter(t1, t2 time.Duration, seq1, seq2 uint32) bool {
	return t1 > t2 || t1 == t2 && after(seq1, seq2)
}

// rateGen makes the sample (tcp_rate_gen).
func (tp *tcpSock) rateGen(delivered, lost uint32, reneg bool, rs *rateSample) {
	if tp.appLimited != 0 && after(tp.delivered, tp.appLimited) {
		tp.appLimited = 0
	}
	if delivered > 0 {
		tp.deliveredMstamp = tp.tcpMstamp
	}
	rs.losses = int(lost)
	if rs.priorMstamp == 0 || reneg {
		rs.delivered, rs.intervalUs = -1, -1
		return
	}
	rs.delivered = int32(tp.delivered - rs.priorDelivered)
	snd := rs.intervalUs
	ackUs := int64((tp.tcpMstamp - rs.priorMstamp) / time.Microsecond)
	rs.intervalUs = max(snd, ackUs)
	if uint32(rs.intervalUs) < tp.rttMin.get() {
		rs.intervalUs = -1
		return
	}
	if !rs.appLimited || uint64(rs.delivered)*uint64(tp.rateIntervalUs) >= uint64(tp.rateDelivered)*uint64(rs.intervalUs) {
		tp.rateDelivered = uint32(rs.delivered)
		tp.rateIntervalUs = rs.intervalUs
		tp.rateAppLimited = rs.appLimited
	}
}

// rateCheckAppLimited notes that the application doesn't keep the path busy
// (tcp_rate_check_app_limited).
func (tp *tcpSock) rateCheckAppLimited() {
	if tp.writeSeq-tp.sndNxt < uint32(tp.mssCache) &&
		tp.wmemAlloc < txTruesize &&
		tp.inFlight() < tp.sndCwnd && tp.lostOut <= tp.retransOut {
		tp.appLimited = max(tp.delivered+tp.inFlight(), 1)
	}
}

// A minmax keeps the smallest value of a window of time, and the next candidates
// (lib/win_minmax.c, after Kathleen Nichols).
type minmax struct{ s [3]minmaxSample }

type minmaxSample struct{ t, v uint32 }

func (m *minmax) get() uint32 { return m.s[0].v }

func (m *minmax) reset(t, v uint32) uint32 {
	m.s = [3]minmaxSample{{t, v}, {t, v}, {t, v}}
	return v
}

func (m *minmax) runningMin(window, t, v uint32) uint32 {
	val := minmaxSample{t, v}
	if v <= m.s[0].v || t-m.s[2].t > window {
		return m.reset(t, v)
	}
	if v <= m.s[1].v {
		m.s[1], m.s[2] = val, val
	} else if v <= m.s[2].v {
		m.s[2] = val
	}
	dt := t - m.s[0].t
	switch {
	case dt > window:
		m.s[0], m.s[1], m.s[2] = m.s[1], m.s[2], val
		if t-m.s[0].t > window {
			m.s[0], m.s[1], m.s[2] = m.s[1], m.s[2], val
		}
	case m.s[1].t == m.s[0].t && dt > window/4:
		m.s[1], m.s[2] = val, val
	case m.s[2].t == m.s[1].t && dt > window/2:
		m.s[2] = val
	}
	return m.s[0].v
}
