package gostack

import (
	"time"

	"tcpdrill/engine/abi"
	"tcpdrill/engine/wire"
)

// Data that comes in: queued, acknowledged now or later, and what that says about
// how large a window to offer.

const maxQuickacks = 16 // TCP_MAX_QUICKACKS

// incrQuickack has the next ACKs sent at once: as many as half a window has
// segments, but not more than most.
func (tp *tcpSock) incrQuickack(most int) {
	n := int(tp.rcvWnd) / (2 * tp.rcvMss)
	if n == 0 {
		n = 2
	}
	tp.quick = max(tp.quick, min(n, most))
}

func (tp *tcpSock) enterQuickack(most int) {
	tp.incrQuickack(most)
	tp.pingpong = 0
	tp.ato = tp.atoMin()
}

// inQuickack reports whether ACKs are sent at once: not while data goes both ways.
func (tp *tcpSock) inQuickack() bool {
	if tp.s.faults.has(NoDelAck) {
		return true
	}
	if r := tp.route(); r != nil {
		if on, _ := r.metric("quickack"); on > 0 {
			return true
		}
	}
	return tp.quick > 0 && !tp.pingpongMode()
}

// newRcvSkb makes a buffer of a segment's data.
func (tp *tcpSock) newRcvSkb(g *segment) *skb {
	b := &skb{
		head: &skbHead{dataref: 1}, data: g.data, seq: g.seq, endSeq: g.endSeq, flags: g.flags,
		truesize: g.memory.truesize(), tailroom: g.memory.tailroom(), rxFrags: g.memory.frags(),
	}
	if g.memory.bare {
		b.spare = g.memory.head()
	}
	if b.flags&wire.SYN != 0 {
		b.seq++
		b.flags &^= wire.SYN
	}
	if tp.rcvtstamp || tp.rcvtstampns || tp.timestamping&abi.SofRxSoftware != 0 {
		b.stamp = tp.s.Wall(tp.s.now)
	}
	return b
}

// dataQueue takes a segment's data (tcp_data_queue).
func (tp *tcpSock) dataQueue(g *segment) {
	s := tp.s
	if g.seq == g.endSeq {
		return
	}
	tp.duplicateSack = nil
	window := tp.receiveWindow()
	switch {
	case g.seq == tp.rcvNxt:
		if window == 0 && !(len(g.data) == 0 && g.flags&wire.FIN != 0) {
			s.count(mibTCPZeroWindowDrop)
			tp.outOfWindow()
			return
		}
		tp.queueInOrder(g)
	case !after(g.endSeq, tp.rcvNxt):
		// All of it is there already.
		s.count(mibDelayedACKLost)
		tp.dsackSet(g.seq, g.endSeq)
		tp.outOfWindow()
	case !before(g.seq, tp.rcvNxt+window):
		tp.outOfWindow()
	case before(g.seq, tp.rcvNxt):
		tp.dsackSet(g.seq, tp.rcvNxt)
		if window == 0 {
			s.count(mibTCPZeroWindowDrop)
			tp.outOfWindow()
			return
		}
		tp.queueInOrder(g)
	default:
		tp.queueOfo(g)
	}
}

// outOfWindow answers at once what brought nothing.
func (tp *tcpSock) outOfWindow() {
	tp.enterQuickack(maxQuickacks)
	tp.ackPending |= ackSched
	tp.ackCause = causeDupAck
}

// queueInOrder takes what comes next, and what waited for it.
func (tp *tcpSock) queueInOrder(g *segment) {
	if !tp.rmemSchedule(g.seq, g.memory.truesize()) {
		tp.ackPending |= ackSched | ackNow | ackNomem
		if !tp.released {
			tp.wait.Wake(abi.EpollIn | abi.EpollRdnorm)
		}
		if !tp.receiveQueue.empty() && len(g.data) > 0 {
			tp.s.count(mibTCPRcvQDrop)
			return
		}
		tp.memSchedule(g.memory.truesize())
	}
	tp.queueRcv(g)
	if len(g.data) > 0 {
		tp.eventDataRecv(g)
	}
	if g.flags&wire.FIN != 0 {
		tp.fin()
	}
	if !tp.ofoQueue.empty() {
		tp.ofoToReceive()
		// RFC 5681 section 4.2: at once, when a gap is filled.
		if tp.ofoQueue.empty() {
			tp.ackPending |= ackNow
		}
	}
	if len(tp.selectiveAcks) > 0 {
		tp.sackRemove()
	}
	tp.fastPathCheck()
	if !tp.released {
		tp.dataReady()
	}
}

// queueRcv puts data at the end of the receive queue, into the last buffer's memory
// if there is room (tcp_queue_rcv).
func (tp *tcpSock) queueRcv(g *segment) {
	b := tp.newRcvSkb(g)
	if !tp.addReceived(b) {
		tp.chargeReceived(b.truesize)
	}
}

// addReceived puts a buffer at the end of the receive queue and reports whether the
// last one there has taken its data.
func (tp *tcpSock) addReceived(b *skb) bool {
	tp.bytesReceived += uint64(b.endSeq - tp.rcvNxt)
	tp.rcvNxt = b.endSeq
	if tp.coalesce(tp.receiveQueue.last, b) {
		return true
	}
	tp.receiveQueue.pushBack(b)
	return false
}

// chargeReceived counts memory of the receive queues.
func (tp *tcpSock) chargeReceived(n int) {
	tp.rmemAlloc += n
	if n > 0 {
		tp.fwdAlloc -= n
	} else {
		tp.memUncharge(-n)
	}
}

// coalesce adds a buffer's data to the one before, if it fits into its memory, or if that
// can take over the pages with it (skb_try_coalesce).
func (tp *tcpSock) coalesce(to, b *skb) bool {
	switch {
	case to == nil || to.endSeq != b.seq || to.flags&wire.FIN != 0:
		return false
	case b.len() <= to.tailroom:
		to.tailroom -= b.len()
	case b.spare > 0 && to.rxFrags+b.rxFrags <= maxSkbFrags:
		pages := b.truesize - b.spare
		to.truesize += pages
		tp.chargeReceived(pages)
		to.rxFrags += b.rxFrags
		to.tailroom = 0 // the pages are behind it
	default:
		return false
	}
	to.data = append(to.data[:len(to.data):len(to.data)], b.data...)
	to.endSeq = b.endSeq
	to.flags |= b.flags & (wire.FIN | wire.PSH)
	tp.s.count(mibTCPRcvCoalesce)
	return true
}

// rmemSchedule reports whether there is memory for a buffer that begins at seq,
// having made room if need be (tcp_try_rmem_schedule).
func (tp *tcpSock) rmemSchedule(seq uint32, truesize int) bool {
	if tp.rmemAlloc > tp.rcvbuf && !tp.pruneQueue(seq) {
		return false
	}
	tp.memSchedule(truesize)
	return true
}

// pruneQueue makes the receive queues smaller, and reports whether they are within
// the buffer then (tcp_prune_queue).
func (tp *tcpSock) pruneQueue(seq uint32) bool {
	s := tp.s
	s.count(mibPruneCalled)
	if tp.rmemAlloc == 0 {
		return false
	}
	if tp.rmemAlloc >= tp.rcvbuf {
		tp.clampWindow()
	}
	if tp.rmemAlloc <= tp.rcvbuf {
		return true
	}
	tp.collapseOfo()
	if head := tp.receiveQueue.first; head != nil {
		tp.collapse(false, head, nil, tp.copiedSeq, tp.rcvNxt)
	}
	if tp.rmemAlloc <= tp.rcvbuf {
		return true
	}
	tp.pruneOfo(seq)
	if tp.rmemAlloc <= tp.rcvbuf {
		return true
	}
	s.count(mibRcvPruned)
	tp.predOn = false
	return false
}

// pruneOfo drops what came out of order, from the end, an eighth of the buffer at a
// time, but not what lies before the segment that has just come.
func (tp *tcpSock) pruneOfo(seq uint32) {
	pruned := false
	goal := tp.rcvbuf >> 3
	for b := tp.ofoQueue.last; b != nil && !after(seq, b.seq); b = tp.ofoQueue.last {
		pruned = true
		goal -= b.truesize
		tp.ofoQueue.remove(b)
		tp.chargeReceived(-b.truesize)
		if tp.ofoQueue.empty() || goal <= 0 {
			if tp.rmemAlloc <= tp.rcvbuf {
				break
			}
			goal = tp.rcvbuf >> 3
		}
	}
	if pruned {
		tp.s.count(mibOfoPruned)
		tp.selectiveAcks, tp.duplicateSack = nil, nil
	}
}

// clampWindow lets the buffer or the window follow what buffers take
// (tcp_clamp_window).
func (tp *tcpSock) clampWindow() {
	tp.quick = 0
	most := int(tp.s.sysctl.tcpRmem[2])
	if tp.rcvbuf < most && !tp.rcvbufLocked {
		tp.rcvbuf = min(tp.rmemAlloc, most)
	}
	if tp.rmemAlloc > tp.rcvbuf {
		tp.rcvSsthresh = min(tp.windowClamp, uint32(2*tp.advmss))
	}
}

// collapseMax is how much data is put into one buffer: what a page has room for.
const collapseMax = memPage - skbShared

// collapseOfo puts together what came out of order, range by range
// (tcp_collapse_ofo_queue).
func (tp *tcpSock) collapseOfo() {
	tiny := 0
	for b := tp.ofoQueue.first; b != nil; {
		head, start, end, size := b, b.seq, b.endSeq, b.truesize
		for b = b.next; b != nil && !after(b.seq, end) && !before(b.endSeq, start); b = b.next {
			size += b.truesize
			if before(b.seq, start) {
				start = b.seq
			}
			if after(b.endSeq, end) {
				end = b.endSeq
			}
		}
		if size != head.truesize || int(end-start) >= collapseMax {
			tp.collapse(true, head, b, start, end)
		} else if tiny += size; tiny > tp.rcvbuf>>3 {
			return
		}
	}
}

// collapse copies data into buffers that take no more memory than they need, from
// the first on that takes much more than its data (tcp_collapse).
func (tp *tcpSock) collapse(ofo bool, b, tail *skb, start, end uint32) {
	const special = wire.SYN | wire.FIN
	q := &tp.receiveQueue
	if ofo {
		q = &tp.ofoQueue.skbList
	}
	drop := func(b *skb) *skb {
		next := b.next
		if ofo {
			tp.ofoQueue.remove(b)
		} else {
			q.remove(b)
		}
		tp.chargeReceived(-b.truesize)
		tp.s.count(mibTCPRcvCollapsed)
		return next
	}
	for ; b != nil && b != tail; b = b.next {
		for b != nil && b != tail && !before(start, b.endSeq) {
			b = drop(b)
		}
		if b == nil || b == tail {
			return
		}
		if b.flags&special == 0 && (tp.winFromSpace(b.truesize) > b.len() || before(b.seq, start)) {
			break
		}
		if n := b.next; n != nil && n != tail && b.endSeq != n.seq {
			break
		}
		start = b.endSeq
	}
	if b == nil || b == tail || b.flags&special != 0 {
		return
	}
	var fresh []*skb
	defer func() {
		for _, n := range fresh {
			tp.ofoQueue.insert(n)
		}
	}()
	for before(start, end) {
		room := min(collapseMax, int(end-start))
		size := skbStruct + headSize(room+skbShared)
		n := &skb{head: &skbHead{dataref: 1}, seq: start, endSeq: start, truesize: size,
			tailroom: size - skbStruct - skbShared - room}
		q.insertAfter(n, b.prev)
		if ofo {
			fresh = append(fresh, n)
		}
		tp.chargeReceived(n.truesize)
		for room > 0 {
			if k := min(room, int(b.endSeq-start)); k > 0 {
				from := int(start - b.seq)
				n.data = append(n.data, b.data[from:from+k]...)
				n.endSeq += uint32(k)
				room -= k
				start += uint32(k)
			}
			if !before(start, b.endSeq) {
				b = drop(b)
				if b == nil || b == tail || b.flags&special != 0 {
					n.tailroom += room
					return
				}
			}
		}
	}
}

// eventDataRecv notes that data came: what the delayed-ACK timer and the window go
// by (tcp_event_data_recv).
func (tp *tcpSock) eventDataRecv(g *segment) {
	s := tp.s
	tp.ackPending |= ackSched
	tp.measureRcvMSS(g)
	tp.rcvRTTMeasure()
	now := s.jiffies()
	least := tp.atoMin()
	if tp.ato == 0 {
		tp.incrQuickack(maxQuickacks)
		tp.ato = least
	} else {
		m := int64(now - tp.lrcvtime)
		switch {
		case m <= least/2:
			tp.ato = tp.ato>>1 + least/2
		case m < tp.ato:
			tp.ato = min(tp.ato>>1+m, tp.rto, tp.delackMax())
		case m > tp.rto:
			// The peer starts afresh and needs ACKs to get going.
			tp.incrQuickack(maxQuickacks)
		}
	}
	tp.lrcvtime = now
	tp.ecnCheckCE(g.tos & 3)
	if len(g.data) >= 128 {
		tp.growWindow(len(g.data), g.dataTruesize())
	}
}

// ecnAcceptCWR ends saying ECE. The peer's window may be very small then: its data
// is acknowledged at once (tcp_ecn_accept_cwr).
func (tp *tcpSock) ecnAcceptCWR(g *segment) {
	if g.flags&wire.CWR == 0 {
		return
	}
	tp.ecnFlags &^= ecnDemandCWR
	if g.seq != g.endSeq {
		tp.ackPending |= ackNow
	}
}

// ecnCheckCE notes congestion that the network marked (RFC 3168 section 6.1.3).
func (tp *tcpSock) ecnCheckCE(ecn uint8) {
	if tp.ecnFlags&ecnOK == 0 {
		return
	}
	switch ecn {
	case 0:
		// Marks of before have been lost with what was retransmitted.
		if tp.ecnFlags&ecnSeen != 0 {
			tp.enterQuickack(2)
		}
	case 3:
		if tp.ecnFlags&ecnDemandCWR == 0 {
			tp.enterQuickack(2)
			tp.ecnFlags |= ecnDemandCWR
		}
		tp.ecnFlags |= ecnSeen
	default:
		tp.ecnFlags |= ecnSeen
	}
}

// measureRcvMSS learns how long the peer's segments are (tcp_measure_rcv_mss).
func (tp *tcpSock) measureRcvMSS(g *segment) {
	last := tp.lastSegSize
	tp.lastSegSize = 0
	length := len(g.data)
	if g.gsoSize > 0 {
		length = g.gsoSize
	}
	if length >= tp.rcvMss {
		if length != tp.rcvMss {
			old := tp.scalingRatio
			ratio := min(255, len(g.data)<<8/g.memory.truesize())
			tp.scalingRatio = max(1, ratio)
			if tp.scalingRatio != old {
				tp.windowClamp = uint32(tp.winFromSpace(tp.rcvbuf))
				if int(tp.windowClamp) < tp.rcvqSpace.space {
					tp.rcvqSpace.space = int(tp.windowClamp)
				}
			}
		}
		tp.rcvMss = min(length, tp.advmss)
		if g.flags&wire.PSH != 0 {
			// Probably the end of what the peer wrote.
			tp.ackPending |= ackPushed
		}
		return
	}
	const remnant = wire.FIN | wire.URG | wire.SYN | wire.PSH
	header := g.tcp.HeaderLen
	if n := length + header; n >= tcpMSSDefault+20 || n >= tcpMinMSS+20 && g.flags&remnant == 0 {
		n -= tp.tcpHeaderLen
		tp.lastSegSize = n
		if n == last {
			tp.rcvMss = n
			return
		}
	}
	if tp.ackPending&ackPushed != 0 {
		tp.ackPending |= ackPushed2
	}
	tp.ackPending |= ackPushed
}

// setWindowClamp changes the largest window (tcp_set_window_clamp).
func (tp *tcpSock) setWindowClamp(n int) {
	clamp := uint32(max(1152, n)) // SOCK_MIN_RCVBUF / 2
	if clamp == tp.windowClamp {
		return
	}
	old := tp.windowClamp
	tp.windowClamp = clamp
	if clamp < old {
		tp.rcvSsthresh = min(tp.rcvSsthresh, clamp)
	} else {
		tp.rcvSsthresh = max(tp.rcvSsthresh, min(tp.rcvWnd, clamp))
	}
}

// dataTruesize is what a segment counts as without the head, if that has headers alone
// (truesize_adjust).
func (g *segment) dataTruesize() int {
	if g.memory.bare || len(g.data) == 0 {
		return g.memory.pages()
	}
	return g.memory.truesize()
}

// growWindow lets the offered window grow as data comes, if buffers like this one
// still fit (tcp_grow_window).
func (tp *tcpSock) growWindow(length, truesize int) {
	room := min(int(tp.windowClamp), tp.space()) - int(tp.rcvSsthresh)
	if room <= 0 {
		return
	}
	incr := 0
	if tp.winFromSpace(truesize) <= length {
		incr = 2 * tp.advmss
	} else {
		incr = tp.growIncrement(length, truesize)
	}
	if incr > 0 {
		incr = max(incr, 2*length)
		tp.rcvSsthresh += uint32(min(room, incr))
		tp.quick |= 1
	}
}

// growIncrement is for buffers that take much more than their data: the smaller the
// window is yet, the more of that is bearable.
func (tp *tcpSock) growIncrement(length, truesize int) int {
	size := tp.winFromSpace(truesize) >> 1
	window := tp.winFromSpace(int(tp.s.sysctl.tcpRmem[2])) >> 1
	for int(tp.rcvSsthresh) <= window {
		if size <= length {
			return 2 * tp.rcvMss
		}
		size >>= 1
		window >>= 1
	}
	return 0
}

// The receiver's own idea of the round-trip time, for sizing the buffer.

type rcvRTT struct {
	us    int64 // scaled by 8
	seq   uint32
	time  time.Duration
	tsecr uint32
}

type rcvqSpace struct {
	space int
	seq   uint32
	time  time.Duration
}

func (tp *tcpSock) rcvRTTUpdate(sample int64, windowed bool) {
	switch n := tp.rcvRTT.us; {
	case n == 0 || sample<<3 < n:
		tp.rcvRTT.us = sample << 3
	case !windowed:
		tp.rcvRTT.us = n - n>>3 + sample
	}
}

// rcvRTTMeasure takes a window's worth of data to need a round trip.
func (tp *tcpSock) rcvRTTMeasure() {
	r := &tp.rcvRTT
	if r.time != 0 {
		if before(tp.rcvNxt, r.seq) {
			return
		}
		tp.rcvRTTUpdate(max(int64((tp.tcpMstamp-r.time)/time.Microsecond), 1), true)
	}
	r.seq = tp.rcvNxt + tp.rcvWnd
	r.time = tp.tcpMstamp
}

// rcvRTTMeasureTS goes by the echoed time stamp.
func (tp *tcpSock) rcvRTTMeasureTS(g *segment) {
	// A segment without a time stamp uses up the echo before, too.
	if tp.rcvTsecr == tp.rcvRTT.tsecr {
		return
	}
	tp.rcvRTT.tsecr = tp.rcvTsecr
	if int(g.endSeq-g.seq) >= tp.rcvMss {
		if d := tp.rttTsopt(0); d > 0 {
			tp.rcvRTTUpdate(d, false)
		}
	}
}

// rcvSpaceAdjust makes the buffer larger when the application reads fast
// (tcp_rcv_space_adjust).
func (tp *tcpSock) rcvSpaceAdjust() {
	tp.refreshMstamp()
	q := &tp.rcvqSpace
	elapsed := int64((tp.tcpMstamp - q.time) / time.Microsecond)
	if elapsed < tp.rcvRTT.us>>3 || tp.rcvRTT.us == 0 {
		return
	}
	// What still waits in the queue shows that the application isn't so fast.
	copied := int(tp.copiedSeq-q.seq) - int(tp.rcvNxt-tp.copiedSeq)
	if copied > q.space {
		if tp.s.sysctl.tcpModerateRcvbuf != 0 && !tp.rcvbufLocked {
			win := uint64(copied)<<1 + 16*uint64(tp.advmss)
			grow := win * uint64(copied-q.space) / uint64(max(q.space, 1))
			win += grow << 1
			buf := min(tp.spaceFromWin(int(win)), int(tp.s.sysctl.tcpRmem[2]))
			if buf > tp.rcvbuf {
				tp.rcvbuf = buf
				tp.windowClamp = uint32(tp.winFromSpace(buf))
			}
		}
		q.space = copied
	}
	q.seq = tp.copiedSeq
	q.time = tp.tcpMstamp
}

// fin is a FIN that comes in order (tcp_fin).
func (tp *tcpSock) fin() {
	tp.ackPending |= ackSched
	tp.shut |= rcvShutdown
	tp.sockDone = true
	switch tp.state {
	case tcpSynRecv, tcpEstablished:
		tp.state = tcpCloseWait
		tp.pingpong = int(tp.s.sysctl.tcpPingpongThresh)
	case tcpFinWait1:
		// Both sides close at once.
		tp.sendAck(causeAckNow)
		tp.state = tcpClosing
	case tcpFinWait2:
		tp.sendAck(causeAckNow)
		tp.timeWait(tcpTimeWait, 0)
	}
	tp.purgeOfo()
	tp.selectiveAcks, tp.duplicateSack = nil, nil
	if !tp.released {
		tp.stateChange()
	}
}

// Acknowledging.

// ackSndCheck acknowledges what came, now or later (tcp_ack_snd_check).
func (tp *tcpSock) ackSndCheck() {
	if tp.ackPending&ackSched == 0 {
		return
	}
	tp.ackSndCheckOfo(true)
}

// ackSndCheckOfo decides between an ACK at once, a delayed one, and one of SACKs
// that are put off a little (__tcp_ack_snd_check; RFC 1122 section 4.2.3.2: at the
// latest for every second full segment).
func (tp *tcpSock) ackSndCheckOfo(ofoPossible bool) {
	s := tp.s
	cause := tp.ackCause
	if cause == "" {
		cause = causeAckNow
	}
	moved := int(tp.rcvNxt-tp.rcvWup) > tp.rcvMss &&
		(int(tp.rcvNxt-tp.copiedSeq) < tp.rcvlowat || tp.newWindow() >= tp.rcvWnd)
	if moved || tp.inQuickack() || tp.ackPending&ackNow != 0 {
		if !tp.ofoQueue.empty() {
			cause = causeDupAck
		}
		tp.sendAck(cause)
		return
	}
	if !ofoPossible || tp.ofoQueue.empty() {
		tp.sendDelayedAck()
		return
	}
	if !tp.sackOK || tp.compressedAck >= int(s.sysctl.tcpCompSackNr) {
		tp.sendAck(causeDupAck)
		return
	}
	if tp.compressedAckRcvNxt != tp.rcvNxt {
		tp.compressedAckRcvNxt = tp.rcvNxt
		tp.dupAckCounter = 0
	}
	if tp.dupAckCounter < 3 {
		tp.dupAckCounter++
		tp.sendAck(causeDupAck)
		return
	}
	tp.compressedAck++
	if tp.compressedTimer.pending() {
		return
	}
	rtt := tp.rcvRTT.us
	if tp.srttUs > 0 && int64(tp.srttUs) < rtt {
		rtt = int64(tp.srttUs)
	}
	delay := min(time.Duration(s.sysctl.tcpCompSackDelayNs), time.Duration(rtt)*(time.Microsecond>>3)/20)
	s.startAt(&tp.compressedTimer, s.now+delay+time.Duration(s.sysctl.tcpCompSackSlackNs))
}

// Urgent data (RFC 6093; one byte, as Linux has it).

const (
	urgValid  = 0x0100
	urgNotYet = 0x0200
	urgRead   = 0x0400
)

// urgent notes the urgent pointer of a segment, and takes the byte (tcp_urg).
func (tp *tcpSock) urgent(g *segment) {
	if g.flags&wire.URG != 0 {
		tp.checkUrg(g)
	}
	if tp.urgData == urgNotYet {
		at := tp.urgSeq - g.seq + uint32(g.tcp.HeaderLen)
		if g.flags&wire.SYN != 0 {
			at--
		}
		i := int(at) - g.tcp.HeaderLen
		if i >= 0 && i < len(g.data) {
			tp.urgData = urgValid | uint16(g.data[i])
			if !tp.released {
				tp.wait.Wake(abi.EpollIn | abi.EpollPri | abi.EpollRdnorm)
			}
		}
	}
}

func (tp *tcpSock) checkUrg(g *segment) {
	ptr := uint32(g.tcp.Urgent)
	if ptr > 0 && tp.s.sysctl.tcpStdurg == 0 {
		ptr--
	}
	ptr += g.seq
	if after(tp.copiedSeq, ptr) || before(ptr, tp.rcvNxt) {
		return
	}
	if tp.urgData != 0 && !after(ptr, tp.urgSeq) {
		return
	}
	if !tp.released {
		tp.wait.Wake(abi.EpollPri)
	}
	if tp.urgSeq == tp.copiedSeq && tp.urgData != 0 && !tp.oobinline && tp.copiedSeq != tp.rcvNxt {
		tp.copiedSeq++ // the byte before is passed over
		if b := tp.receiveQueue.first; b != nil && !before(tp.copiedSeq, b.endSeq) {
			tp.eat(b)
		}
	}
	tp.urgData = urgNotYet
	tp.urgSeq = ptr
	tp.predOn = false
}
