package gostack

import (
	"math"
	"time"

	"tcpdrill/engine/wire"
)

// What is sent and when. In the order in which data goes through here: how long a
// segment may be, what holds one back, the loop that sends what is new
// (writeXmit), FIN, ACKs and probes. What is sent again is in tcp_retransmit.go.

// Values of tcpSock.nonagle.
const (
	nagleOff  = 1 // TCP_NODELAY
	nagleCork = 2 // TCP_CORK
	naglePush = 4 // once, whatever the others say
)

const (
	tcpMSSDefault   = 536 // RFC 9293 section 3.7.1
	tcpMinMSS       = 88  // TCP_MIN_MSS
	tcpMinSndMSS    = 48  // TCP_MIN_SND_MSS
	maxTCPWindow    = 32767
	maxTCPOptions   = 40
	maxTCPHeader    = 320 // MAX_TCP_HEADER: headroom that isn't for payload
	tcpInitCwnd     = 10  // RFC 6928
	tcpTimeoutMinUs = 2000
)

// refreshMstamp takes the time (tcp_mstamp_refresh).
func (tp *tcpSock) refreshMstamp() {
	tp.clockCacheNs = tp.s.now
	tp.tcpMstamp = tp.s.now.Truncate(time.Microsecond)
}

// tsOf is a time as the timestamp option has it: milliseconds (RFC 7323).
func tsOf(t time.Duration) uint32 { return uint32(t / time.Millisecond) }

// wndEnd is the first sequence number that the peer's window doesn't cover.
func (tp *tcpSock) wndEnd() uint32 { return tp.sndUna + tp.sndWnd }

func (tp *tcpSock) leftOut() uint32 { return tp.sackedOut + tp.lostOut }

// inFlight is the pipe of RFC 6675: what is thought to be on the way.
func (tp *tcpSock) inFlight() uint32 { return tp.packetsOut - tp.leftOut() + tp.retransOut }

// fragment cuts a buffer in two at so many bytes (tcp_fragment). The second part
// is put behind the first in the same queue.
func (tp *tcpSock) fragment(b *skb, at, mss int) *skb {
	b.unclone()
	rest := &skb{
		head: &skbHead{dataref: 1}, data: b.data[at:], truesize: txTruesize + b.len() - at,
		seq: b.seq + uint32(at), endSeq: b.endSeq,
		flags: b.flags, sacked: b.sacked, eor: b.eor, sentAt: b.sentAt, cause: b.cause,
		rate: b.rate, zerocopy: b.zerocopy.hold(),
	}
	b.truesize -= b.len() - at
	tp.addQueued(txTruesize)
	b.data = b.data[:at:at]
	b.endSeq = rest.seq
	b.flags &^= wire.FIN | wire.PSH
	b.eor = false
	// A time stamp is wanted of the byte that it was asked for.
	if b.tx.flags != 0 && !before(b.tx.key, rest.seq) {
		rest.tx, b.tx = b.tx, txStamp{}
	}
	old := b.segs
	b.setSegs(mss)
	rest.setSegs(mss)
	if b.list == &tp.rtxQueue {
		// What was never sent has no part in the counts.
		if !before(tp.sndNxt, rest.endSeq) {
			if diff := old - b.segs - rest.segs; diff != 0 {
				tp.adjustPcount(b, diff)
			}
		}
	}
	if b.inSent {
		tp.sentOrder.insertAfter(rest, b)
	}
	b.list.insertAfter(rest, b)
	return rest
}

// adjustPcount takes segments of a sent buffer off the counts
// (tcp_adjust_pcount).
func (tp *tcpSock) adjustPcount(b *skb, decr int) {
	d := uint32(decr)
	tp.packetsOut -= d
	if b.sacked&sackedAcked != 0 {
		tp.sackedOut -= d
	}
	if b.sacked&sackedRetrans != 0 {
		tp.retransOut -= d
	}
	if b.sacked&lostSkb != 0 {
		tp.lostOut -= d
	}
	// Without SACK the count of duplicates is a guess anyway.
	if !tp.sackOK && tp.sackedOut > 0 {
		if decr > 0 {
			tp.sackedOut -= min(tp.sackedOut, d)
		}
	}
	if tp.lostSkbHint != nil && before(b.seq, tp.lostSkbHint.seq) && b.sacked&sackedAcked != 0 {
		tp.lostCntHint -= decr
	}
}

// trimHead takes acknowledged bytes off a buffer's start (tcp_trim_head).
func (tp *tcpSock) trimHead(b *skb, n int) {
	b.unclone()
	b.data = b.data[n:]
	b.seq += uint32(n)
	b.truesize -= n
	tp.addQueued(-n)
	if b.segs > 1 {
		b.setSegs(b.gsoSize)
	}
}

// addQueued counts memory of the write queues.
func (tp *tcpSock) addQueued(n int) {
	tp.wmemQueued += n
	if n > 0 {
		tp.memSchedule(n)
		tp.fwdAlloc -= n
	} else {
		tp.memUncharge(-n)
	}
}

// memPage is in what pieces memory is taken for a socket.
const memPage = 4096

// memSchedule sees to it that so much memory is set aside (sk_forward_alloc). That
// can be seen from outside: a segment takes the fast path only if there is enough
// for it already.
func (tp *tcpSock) memSchedule(n int) {
	if short := n - tp.fwdAlloc; short > 0 {
		tp.fwdAlloc += (short + memPage - 1) / memPage * memPage
	}
}

// memUncharge gives memory back; whole pages don't stay set aside.
func (tp *tcpSock) memUncharge(n int) {
	tp.fwdAlloc += n
	if tp.fwdAlloc >= memPage {
		tp.fwdAlloc %= memPage
	}
}

// cwndTest is how many segments the congestion window lets go now. Not more than
// half of it at a time: acknowledgments of small super-segments come more
// smoothly.
func (tp *tcpSock) cwndTest() int {
	flight := tp.inFlight()
	if flight >= tp.sndCwnd {
		return 0
	}
	return int(min(max(tp.sndCwnd>>1, 1), tp.sndCwnd-flight))
}

// windowTest reports whether the peer's window covers the buffer's first segment
// (tcp_snd_wnd_test).
func (tp *tcpSock) windowTest(b *skb, mss int) bool {
	end := b.endSeq
	if b.len() > mss {
		end = b.seq + uint32(mss)
	}
	return !after(end, tp.wndEnd())
}

// minshallCheck reports whether a small segment is in flight. Nagle's algorithm as
// Minshall changed it waits for such only, not for any data.
func (tp *tcpSock) minshallCheck() bool {
	if tp.s.faults.has(NoMinshall) {
		return true
	}
	return after(tp.sndSml, tp.sndUna) && !after(tp.sndSml, tp.sndNxt)
}

// nagleCheck reports whether a segment must wait: a partial one does when the
// socket is corked, or while a small one before it is unacknowledged (RFC 1122
// section 4.2.3.4).
func (tp *tcpSock) nagleCheck(partial bool, nonagle int) bool {
	if nonagle&nagleCork != 0 && tp.s.faults.has(NoCork) {
		nonagle &^= nagleCork
	}
	if !partial {
		return false
	}
	if nonagle&nagleCork != 0 {
		return true
	}
	return nonagle == 0 && tp.packetsOut > 0 && tp.minshallCheck() && !tp.s.faults.has(NoNagle)
}

// nagleTest reports whether a segment may go (tcp_nagle_test).
func (tp *tcpSock) nagleTest(b *skb, mss, nonagle int) bool {
	if nonagle&naglePush != 0 || tp.urgMode() || b.flags&wire.FIN != 0 {
		return true
	}
	if !tp.nagleCheck(b.len() < mss, nonagle) {
		return true
	}
	b.cause = causeNagle
	if nonagle&nagleCork != 0 {
		b.cause = causeCork
	}
	return false
}

// splitPoint is how much of a super-segment can go now: what the windows allow,
// without a partial segment at the end that Nagle's algorithm keeps
// (tcp_mss_split_point).
func (tp *tcpSock) splitPoint(b *skb, mss, segs, nonagle int) int {
	window := int(tp.wndEnd() - b.seq)
	most := mss * segs
	if most <= window && b != tp.writeQueue.last {
		return most
	}
	needed := min(b.len(), window)
	if most <= needed {
		return most
	}
	partial := needed % mss
	if tp.nagleCheck(partial != 0, nonagle) {
		return needed - partial
	}
	return needed
}

// shouldDefer reports whether a super-segment is better sent later, when it can be
// longer: an acknowledgment is expected soon that opens a window
// (tcp_tso_should_defer).
func (tp *tcpSock) shouldDefer(b *skb, segs int, cwndLimited, rwndLimited *bool) bool {
	if tp.caState >= tcpCaRecovery {
		return false
	}
	// Only right behind another write: else the acknowledgment is far away.
	if tp.clockCacheNs-tp.wstampNs > time.Millisecond {
		return false
	}
	sendWin := tp.wndEnd() - b.seq
	congWin := (tp.sndCwnd - tp.inFlight()) * uint32(tp.mssCache)
	limit := min(sendWin, congWin)
	if limit >= uint32(segs*tp.mssCache) {
		return false
	}
	if b != tp.writeQueue.last && limit >= uint32(b.len()) {
		return false
	}
	if divisor := tp.s.sysctl.tcpTsoWinDivisor; divisor > 0 {
		chunk := min(tp.sndWnd, tp.sndCwnd*uint32(tp.mssCache)) / uint32(divisor)
		if limit >= chunk {
			return false
		}
	} else if limit > 3*uint32(tp.mssCache) {
		return false
	}
	head := tp.rtxQueue.first
	if head == nil {
		return false
	}
	// When the acknowledgment of the oldest segment is more than a millisecond or
	// half a round trip away, it isn't worth waiting for.
	srtt := time.Duration(tp.srttUs) * (time.Microsecond / 8)
	if head.sentAt+srtt-tp.clockCacheNs > min(srtt/2, time.Millisecond) {
		return false
	}
	if congWin < sendWin {
		if congWin <= uint32(b.len()) {
			*cwndLimited = true
			return true
		}
	} else if sendWin <= uint32(b.len()) {
		*rwndLimited = true
		return true
	}
	return b.flags&wire.FIN == 0 && !b.eor
}

// canCollapse reports whether what follows a buffer may be added to it.
func canCollapse(b, next *skb) bool {
	return !b.eor && b.zerocopy == next.zerocopy
}

// urgMode reports whether urgent data is not yet acknowledged (tcp_urg_mode).
func (tp *tcpSock) urgMode() bool { return tp.sndUna != tp.sndUp }

// grow fills a buffer in the write queue up with data of the one behind it
// (tcp_grow_skb).
func (tp *tcpSock) grow(b *skb, n int) {
	next := b.next
	if next == nil || !canCollapse(b, next) || b.zerocopy != nil {
		return
	}
	n = min(n, next.len())
	if n == 0 {
		return
	}
	b.data = append(b.data[:len(b.data):len(b.data)], next.data[:n]...)
	b.truesize += n
	next.truesize -= n
	next.data = next.data[n:]
	b.endSeq += uint32(n)
	next.seq += uint32(n)
	if next.len() == 0 {
		b.endSeq = next.endSeq
		b.eor = next.eor
		b.flags |= next.flags
		tp.collapseStamp(b, next)
		tp.freeQueued(next)
	}
}

// freeQueued takes a buffer out of its queue and gives its memory back.
func (tp *tcpSock) freeQueued(b *skb) {
	b.list.remove(b)
	tp.addQueued(-b.truesize)
	tp.s.releaseZerocopy(tp, b)
}

// Ways to call writeXmit.
const (
	pushAll   = 0
	pushOne   = 1 // at most one segment
	pushProbe = 2 // one segment, for a loss probe, whatever the congestion window
)

// writeXmit sends what is in the write queue as far as the windows, Nagle's
// algorithm, corking and pacing let it (tcp_write_xmit). It reports whether data
// waits though nothing is in flight, so that somebody must see to a timer.
func (tp *tcpSock) writeXmit(mss, nonagle, push int) bool {
	sent := 0
	cwndLimited, rwndLimited := false, false
	tp.refreshMstamp()
	if push == pushAll {
		switch tp.sendMTUProbe() {
		case 0:
			return false
		case 1:
			sent = 1
		}
	}
	maxSegs := tp.tsoSegs(mss)
	for b := tp.writeQueue.first; b != nil; b = tp.writeQueue.first {
		if tp.pacingCheck() {
			break
		}
		quota := tp.cwndTest()
		if quota == 0 {
			if push != pushProbe {
				break
			}
			quota = 1
		}
		quota = min(quota, maxSegs)
		if missing := quota*mss - b.len(); missing > 0 {
			tp.grow(b, missing)
		}
		b.setSegs(mss)
		if !tp.windowTest(b, mss) {
			rwndLimited = true
			break
		}
		if b.segs == 1 {
			test := nonagle
			if b.next != nil {
				test = naglePush
			}
			if !tp.nagleTest(b, mss, test) {
				break
			}
		} else if push == pushAll && tp.shouldDefer(b, maxSegs, &cwndLimited, &rwndLimited) {
			break
		}
		limit := mss
		if b.segs > 1 && !tp.urgMode() {
			limit = tp.splitPoint(b, mss, quota, nonagle)
		}
		if b.len() > limit {
			if nonagle&nagleCork != 0 && limit < b.len() && b.len()-limit < mss {
				tp.fragment(b, limit, mss).cause = causeCork
			} else {
				tp.fragment(b, limit, mss)
			}
		}
		if tp.smallQueueCheck(b, 0) || b.endSeq == b.seq {
			break
		}
		cause := tp.sendCause(b)
		if !tp.transmit(b, cause) {
			break
		}
		tp.newDataSent(b)
		if b.len() < b.segs*mss {
			tp.sndSml = b.endSeq
		}
		sent += b.segs
		if push != pushAll {
			break
		}
	}
	if rwndLimited {
		tp.chrono.start(tp, chronoRwndLimited)
	} else {
		tp.chrono.stop(tp, chronoRwndLimited)
	}
	cwndLimited = cwndLimited || tp.inFlight() >= tp.sndCwnd
	if sent > 0 || cwndLimited {
		tp.cwndValidate(cwndLimited)
	}
	if sent > 0 {
		if tp.inCwndReduction() {
			tp.prrOut += uint32(sent)
		}
		if push != pushProbe {
			tp.scheduleLossProbe(false)
		}
		return false
	}
	return tp.packetsOut == 0 && !tp.writeQueue.empty()
}

// sendCause says why new data goes now: what held it back until now, or else what
// is being done.
func (tp *tcpSock) sendCause(b *skb) string {
	held := b.cause
	b.cause = ""
	switch {
	case tp.userCause == "":
		tp.userCause = causeAck
	case tp.userCause == causeTLP, tp.userCause == causeProbe, tp.userCause == causeCorkTimer:
		return tp.userCause
	}
	if b.flags&wire.FIN != 0 && b.len() == 0 {
		return causeFin
	}
	if held != "" {
		return held
	}
	return tp.userCause
}

// because notes what is being done, for the causes of what is sent until the
// returned function is called.
func (tp *tcpSock) because(cause string) func() {
	old := tp.userCause
	tp.userCause = cause
	return func() { tp.userCause = old }
}

// newDataSent moves a buffer to the retransmit queue (tcp_event_new_data_sent).
func (tp *tcpSock) newDataSent(b *skb) {
	prior := tp.packetsOut
	tp.sndNxt = b.endSeq
	tp.writeQueue.remove(b)
	tp.rtxQueue.pushBack(b)
	if tp.highestSack == nil {
		tp.highestSack = b
	}
	tp.packetsOut += uint32(b.segs)
	if prior == 0 || tp.pendingTimer == timeLossProbe {
		tp.rearmRTO()
	}
	tp.s.countN(mibTCPOrigDataSent, b.segs)
	tp.checkSpace()
}

// cwndValidate notes how much of the congestion window is used (RFC 7661).
func (tp *tcpSock) cwndValidate(limited bool) {
	// The most that was in flight counts for a whole round trip.
	if !before(tp.sndUna, tp.cwndUsageSeq) || limited || (!tp.cwndLimited && tp.packetsOut > tp.maxPacketsOut) {
		tp.cwndLimited = limited
		tp.maxPacketsOut = tp.packetsOut
		tp.cwndUsageSeq = tp.sndNxt
	}
	if tp.isCwndLimited() {
		tp.sndCwndUsed = 0
		tp.sndCwndStamp = tp.s.jiffies()
		return
	}
	tp.sndCwndUsed = max(tp.sndCwndUsed, tp.packetsOut)
	if tp.s.sysctl.tcpSlowStartAfterIdle != 0 &&
		int64(tp.s.jiffies()-tp.sndCwndStamp) >= tp.rto {
		tp.applicationLimited()
	}
	// The application can't fill the window, or we can't write fast enough.
	if tp.writeQueue.empty() && tp.needSpaceWake && tp.inState(tcpEstablished, tcpCloseWait) {
		tp.chrono.start(tp, chronoSndbufLimited)
	}
}

// applicationLimited lets the window go down to what is used (RFC 2861).
func (tp *tcpSock) applicationLimited() {
	if tp.caState == tcpCaOpen && !tp.needSpaceWake {
		used := max(tp.sndCwndUsed, tp.initCwnd())
		if used < tp.sndCwnd {
			tp.sndSsthresh = tp.currentSsthresh()
			tp.sndCwnd = (tp.sndCwnd + used) >> 1
		}
		tp.sndCwndUsed = 0
	}
	tp.sndCwndStamp = tp.s.jiffies()
}

// initCwnd is the initial window (RFC 6928), or the route's.
func (tp *tcpSock) initCwnd() uint32 {
	n := uint32(0)
	if r := tp.route(); r != nil {
		n, _ = r.metric("initcwnd")
	}
	if n == 0 {
		n = tcpInitCwnd
	}
	return min(n, tp.sndCwndClamp)
}

// slowStartAfterIdleCheck makes the window smaller when nothing was sent for an
// RTO (RFC 5681 section 4.1).
func (tp *tcpSock) slowStartAfterIdleCheck() {
	if tp.s.sysctl.tcpSlowStartAfterIdle == 0 || tp.packetsOut > 0 {
		return
	}
	delta := int64(tp.s.jiffies() - tp.lsndtime)
	if delta <= tp.rto {
		return
	}
	restart := tp.initCwnd()
	cwnd := tp.sndCwnd
	tp.ca.cwndEvent(tp, caEventCwndRestart)
	tp.sndSsthresh = tp.currentSsthresh()
	restart = min(restart, cwnd)
	for delta -= tp.rto; delta > 0 && cwnd > restart; delta -= tp.rto {
		cwnd >>= 1
	}
	tp.sndCwnd = max(cwnd, restart)
	tp.sndCwndStamp = tp.s.jiffies()
	tp.sndCwndUsed = 0
}

// pushPending sends what can be sent (__tcp_push_pending_frames).
func (tp *tcpSock) pushPending(mss, nonagle int) {
	if tp.state == tcpClose || tp.writeQueue.empty() {
		return
	}
	if tp.writeXmit(mss, nonagle, pushAll) {
		tp.checkProbeTimer()
	}
}

// pushPendingFrames is pushPending as the socket's options have it.
func (tp *tcpSock) pushPendingFrames() {
	if !tp.writeQueue.empty() {
		tp.pushPending(tp.currentMSS(), tp.nonagle)
	}
}

// inQueues is how much memory is on its way to the device, and one byte more
// (sk_wmem_alloc).
func (tp *tcpSock) inQueues() int { return tp.wmemAlloc + 1 }

// smallQueueCheck reports whether enough is in the queueing discipline and the
// device: two buffers, or about a millisecond of it (tcp_small_queue_check). What
// leaves there calls xmitDone.
func (tp *tcpSock) smallQueueCheck(b *skb, factor int) bool {
	limit := max(uint64(2*b.truesize), tp.pacingRate>>pacingShift)
	if tp.pacingStatus == pacingNone {
		limit = min(limit, uint64(tp.s.sysctl.tcpLimitOutputBytes))
	}
	limit <<= factor
	if uint64(tp.inQueues()) <= limit {
		return false
	}
	if tp.rtxQueue.first == nil || tp.rtxQueue.first.next == nil {
		return false
	}
	tp.tsqThrottled = true
	return true
}

// pacingCheck reports whether the next segment must wait for its time.
func (tp *tcpSock) pacingCheck() bool {
	if tp.pacingStatus != pacingNeeded || tp.wstampNs <= tp.clockCacheNs {
		return false
	}
	if !tp.pacingTimer.pending() {
		tp.s.startAt(&tp.pacingTimer, tp.wstampNs)
	}
	return true
}

// updateAfterSend works out when the next segment may leave, if the socket is
// paced (tcp_update_skb_after_send).
func (tp *tcpSock) updateAfterSend(b *skb, prior time.Duration) {
	if tp.pacingStatus == pacingNone {
		return
	}
	rate := tp.pacingRate
	if rate == 0 || rate == math.MaxUint64 || tp.dataSegsOut < tcpInitCwnd {
		return
	}
	length := time.Duration(uint64(b.len()) * uint64(time.Second) / rate)
	credit := tp.wstampNs - prior
	// A little of the time since the last segment is made good.
	tp.wstampNs += length - min(length/2, credit)
}

// Values of tcpSock.pacingStatus.
const (
	pacingNone   = 0
	pacingNeeded = 1 // by TCP's own timer
	pacingFQ     = 2 // by the queueing discipline
)

// sendFin sends FIN, on the last segment that hasn't been sent if there is one
// (tcp_send_fin).
func (tp *tcpSock) sendFin() {
	if tail := tp.writeQueue.last; tail != nil {
		tail.flags |= wire.FIN
		tail.endSeq++
		tp.writeSeq++
	} else {
		b := &skb{head: &skbHead{dataref: 1}, flags: wire.ACK | wire.FIN, seq: tp.writeSeq, endSeq: tp.writeSeq + 1,
			truesize: txTruesize, segs: 1}
		tp.addQueued(b.truesize)
		tp.writeSeq++
		tp.writeQueue.pushBack(b)
	}
	restore := tp.because(causeFin)
	tp.pushPending(tp.currentMSS(), nagleOff)
	restore()
}

// acceptableSeq is the sequence number of a segment without data
// (tcp_acceptable_seq): what is sent next, unless the peer has shrunk its window
// so that it would be outside.
func (tp *tcpSock) acceptableSeq() uint32 {
	if !before(tp.wndEnd(), tp.sndNxt) || tp.wscaleOK && tp.sndNxt-tp.wndEnd() < 1<<tp.rcvWscale {
		return tp.sndNxt
	}
	return tp.wndEnd()
}

// sendActiveReset gives the connection up (tcp_send_active_reset).
func (tp *tcpSock) sendActiveReset(cause string) {
	tp.s.count(mibTcpOutRsts)
	b := &skb{head: &skbHead{dataref: 1}, flags: wire.ACK | wire.RST, segs: 1}
	b.seq = tp.acceptableSeq()
	b.endSeq = b.seq
	tp.refreshMstamp()
	tp.transmit(b, cause)
}

// sendAck sends an acknowledgment (tcp_send_ack).
func (tp *tcpSock) sendAck(cause string) {
	if tp.state == tcpClose {
		return
	}
	b := &skb{head: &skbHead{dataref: 1}, flags: wire.ACK, segs: 1}
	b.seq = tp.acceptableSeq()
	b.endSeq = b.seq
	tp.transmit(b, cause)
}

// xmitProbe sends a segment that the peer must answer: it is before its window, or
// says where the urgent data is (tcp_xmit_probe_skb).
func (tp *tcpSock) xmitProbe(urgent bool, cause string) bool {
	b := &skb{head: &skbHead{dataref: 1}, flags: wire.ACK, segs: 1}
	b.seq = tp.sndUna - 1
	if urgent {
		b.seq = tp.sndUna
	}
	b.endSeq = b.seq
	return tp.transmit(b, cause)
}

// writeWakeup probes the peer's window: with data, if it has room for any
// (tcp_write_wakeup).
func (tp *tcpSock) writeWakeup(cause string) bool {
	if tp.state == tcpClose {
		return false
	}
	b := tp.writeQueue.first
	if b == nil || !before(b.seq, tp.wndEnd()) {
		if up := tp.sndUp; tp.urgMode() && between(up, tp.sndUna+1, tp.sndUna+0xffff) {
			tp.xmitProbe(true, cause)
		}
		return tp.xmitProbe(false, cause)
	}
	size := int(tp.wndEnd() - b.seq)
	mss := tp.currentMSS()
	if before(tp.pushedSeq, b.endSeq) {
		tp.pushedSeq = b.endSeq
	}
	fits := size >= int(b.endSeq-b.seq)
	if !fits || b.len() > mss {
		size = min(size, mss)
		b.flags |= wire.PSH // on what is left, too
		tp.fragment(b, size, mss)
	} else {
		b.setSegs(mss)
	}
	b.flags |= wire.PSH
	if b.cause == causeCork || cause == causeProbe && fits {
		cause = causeCorkTimer
	}
	b.cause = ""
	if !tp.transmit(b, cause) {
		return false
	}
	tp.newDataSent(b)
	return true
}

// sendProbe0 is what the persist timer does (RFC 9293 section 3.8.6.1).
func (tp *tcpSock) sendProbe0() {
	ok := tp.writeWakeup(causeProbe)
	if tp.packetsOut > 0 || tp.writeQueue.empty() {
		tp.probesOut, tp.backoff, tp.probesTstamp = 0, 0, 0
		return
	}
	tp.s.count(mibTCPWinProbe)
	tp.probesOut++
	when := tp.s.msecsToJiffies(500) // the device can't take it
	if ok {
		if tp.backoff < int(tp.s.sysctl.tcpRetries2) {
			tp.backoff++
		}
		when = tp.probe0When()
	}
	when = tp.clampProbe0(when)
	tp.resetXmitTimer(timeProbe0, when)
}

// probe0Base is the persist timer's first interval.
func (tp *tcpSock) probe0Base() int64 { return max(tp.rto, tp.s.msecsToJiffies(200)) }

func (tp *tcpSock) probe0When() int64 {
	backoff := min(tp.backoff, 10) // log2(120 s / 200 ms) and one
	return min(tp.probe0Base()<<backoff, tp.rtoMax())
}

func (tp *tcpSock) rtoMax() int64 { return tp.s.msecsToJiffies(120_000) }

// checkProbeTimer sees to it that data which waits while nothing is in flight
// isn't forgotten: the peer's window is closed, or it is corked.
func (tp *tcpSock) checkProbeTimer() {
	if tp.packetsOut == 0 && tp.pendingTimer == 0 {
		tp.resetXmitTimer(timeProbe0, tp.probe0Base())
	}
}
