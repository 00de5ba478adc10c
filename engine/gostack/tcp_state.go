package gostack

import (
	"tcpdrill/engine/abi"
	"tcpdrill/engine/wire"
)

// States, and what takes a connection from one to the next: RST, what each state but
// ESTABLISHED does with a segment (RFC 9293 section 3.10.7), and the ends of it.
// Linux has it in tcp_input.c.

// reset is a RST that counts (tcp_reset).
func (tp *tcpSock) reset() {
	switch tp.state {
	case tcpSynSent:
		tp.err = abi.ECONNREFUSED
	case tcpCloseWait:
		tp.err = abi.EPIPE
	case tcpClose:
		return
	default:
		tp.err = abi.ECONNRESET
	}
	tp.writeQueuePurge()
	tp.done()
	tp.reportError()
}

// reportError tells who waits that there is an error.
func (tp *tcpSock) reportError() { tp.wait.Wake(abi.EpollErr) }

// stateChange tells who waits that the connection has changed.
func (tp *tcpSock) stateChange() {
	tp.wait.Wake(abi.EpollIn | abi.EpollOut | abi.EpollErr | abi.EpollHup | abi.EpollRdhup | abi.EpollRdnorm | abi.EpollWrnorm)
}

// dataReady tells who waits that there is something to read, if it is as much as
// they want (tcp_data_ready).
func (tp *tcpSock) dataReady() {
	if tp.streamReadable() {
		tp.wait.Wake(abi.EpollIn | abi.EpollRdnorm | abi.EpollRdband)
	}
}

// stateProcess works through a segment in any state but established and listening
// (tcp_rcv_state_process). It reports whether to answer with a RST.
func (tp *tcpSock) stateProcess(g *segment) bool {
	s := tp.s
	switch tp.state {
	case tcpClose:
		return false
	case tcpSynSent:
		return tp.synsentProcess(g)
	}
	tp.refreshMstamp()
	tp.sawTstamp = false
	req := tp.fastopenRequest
	if req != nil && !s.checkFastopenRequest(tp, req, g) {
		return false
	}
	if g.flags&(wire.ACK|wire.RST|wire.SYN) == 0 {
		return false
	}
	if !tp.validateIncoming(g) {
		return false
	}
	if g.flags&wire.ACK == 0 {
		return false
	}
	ret := tp.ackIn(g, flagSlowPath|flagUpdateTsRecent|flagNoChallenge)
	if ret <= 0 {
		if tp.state == tcpSynRecv {
			return true
		}
		if ret < 0 {
			tp.sendChallengeAck()
			return false
		}
	}
	switch tp.state {
	case tcpSynRecv:
		tp.delivered++ // the SYN-ACK isn't in the queue
		if tp.srttUs == 0 {
			tp.synackRTT(req)
		}
		if tp.tstampOK {
			tp.advmss -= 12
		}
		if req != nil {
			tp.synrecvFastopen()
		} else {
			tp.tryUndoSpuriousSyn()
			tp.retransStamp = 0
			tp.initTransfer()
			tp.copiedSeq = tp.rcvNxt
		}
		tp.state = tcpEstablished
		tp.stateChange()
		tp.sndUna = g.ack
		tp.sndWnd = uint32(g.window) << tp.sndWscale
		tp.sndWl1 = g.seq
		tp.updatePacingRate()
		tp.lsndtime = s.jiffies()
		tp.initializeRcvMSS()
		tp.fastPathOn()
		if tp.shut&sendShutdown != 0 {
			tp.shutdownSend()
		}
	case tcpFinWait1:
		if req != nil {
			tp.synrecvFastopen()
		}
		if tp.sndUna != tp.writeSeq {
			break
		}
		tp.state = tcpFinWait2
		tp.shut |= sendShutdown
		if !tp.released {
			tp.stateChange()
			break
		}
		if tp.linger2 < 0 {
			tp.done()
			s.count(mibTCPAbortOnData)
			return true
		}
		if g.endSeq != g.seq && after(g.endSeq-finLen(g), tp.rcvNxt) {
			tp.done()
			s.count(mibTCPAbortOnData)
			return true
		}
		wait := tp.finTime()
		length := s.msecsToJiffies(60_000)
		switch {
		case wait > length:
			tp.resetKeepalive(wait - length)
		case g.flags&wire.FIN != 0:
			// The FIN that comes with it will change the state again.
			tp.resetKeepalive(wait)
		default:
			tp.timeWait(tcpFinWait2, wait)
			return false
		}
	case tcpClosing:
		if tp.sndUna == tp.writeSeq {
			tp.timeWait(tcpTimeWait, 0)
			return false
		}
	case tcpLastAck:
		if tp.sndUna == tp.writeSeq {
			tp.updateMetrics()
			tp.done()
			return false
		}
	}
	tp.urgent(g)
	switch tp.state {
	case tcpCloseWait, tcpClosing, tcpLastAck:
		if !before(g.seq, tp.rcvNxt) {
			break
		}
		fallthrough
	case tcpFinWait1, tcpFinWait2:
		// Data for nobody: the connection is over (RFC 9293 section 3.6.1).
		if tp.shut&rcvShutdown != 0 && g.endSeq != g.seq && after(g.endSeq-finLen(g), tp.rcvNxt) {
			s.count(mibTCPAbortOnData)
			tp.reset()
			return true
		}
		fallthrough
	case tcpEstablished:
		tp.dataQueue(g)
	}
	if tp.state != tcpClose {
		tp.dataSndCheck()
		tp.ackSndCheck()
	}
	return false
}

func finLen(g *segment) uint32 {
	if g.flags&wire.FIN != 0 {
		return 1
	}
	return 0
}

// tryUndoSpuriousSyn notices that a SYN or SYN-ACK was sent again needlessly.
func (tp *tcpSock) tryUndoSpuriousSyn() {
	if tp.undoMarker != 0 && tp.retransStamp != 0 && tp.sawTstamp && uint32(tp.retransStamp) == tp.rcvTsecr {
		tp.undoMarker = 0
	}
}

// synsentProcess works through the answer to a SYN (RFC 9293 section 3.10.7.3).
func (tp *tcpSock) synsentProcess(g *segment) bool {
	s := tp.s
	savedClamp := tp.mssClamp
	undo := func() { tp.mssClamp = savedClamp }
	tp.refreshMstamp()
	tp.sawTstamp = false
	if g.opt.ts && s.sysctl.tcpTimestamps != 0 {
		tp.sawTstamp, tp.rcvTsval, tp.rcvTsecr = true, g.opt.tsval, g.opt.tsecr
	}
	if g.flags&wire.ACK != 0 {
		if !after(g.ack, tp.sndUna) || after(g.ack, tp.sndNxt) {
			if tp.retransmits == 0 {
				tp.armXmitTimer(timeRetrans, max(2, s.usecsToJiffies(0)))
			}
			return g.flags&wire.RST == 0
		}
		if tp.sawTstamp && tp.rcvTsecr != 0 && !between(tp.rcvTsecr, uint32(tp.retransStamp), tsOf(tp.tcpMstamp)) {
			s.count(mibPAWSActive)
			return g.flags&wire.RST == 0
		}
		if g.flags&wire.RST != 0 {
			tp.reset()
			return false
		}
		if g.flags&wire.SYN == 0 {
			return false
		}
		tp.takeSynOptions(g)
		if tp.ecnFlags&ecnOK != 0 && g.flags&(wire.ECE|wire.CWR) != wire.ECE {
			tp.ecnFlags &^= ecnOK
		}
		tp.sndWl1 = g.seq
		tp.tryUndoSpuriousSyn()
		tp.ackIn(g, flagSlowPath)
		tp.rcvNxt, tp.rcvWup = g.seq+1, g.seq+1
		tp.sndWnd = uint32(g.window)
		if !tp.wscaleOK {
			tp.sndWscale, tp.rcvWscale = 0, 0
			tp.windowClamp = min(tp.windowClamp, 65535)
		}
		if tp.sawTstamp {
			tp.tstampOK = true
			tp.tcpHeaderLen = 32
			tp.advmss -= 12
			tp.storeTsRecent()
		} else {
			tp.tcpHeaderLen = 20
		}
		tp.syncMSS(tp.pmtuCookie)
		tp.initializeRcvMSS()
		tp.copiedSeq = tp.rcvNxt
		tp.finishConnect()
		failed := (tp.synFastopen || tp.synData) && tp.rcvFastopenSynack(g)
		if !tp.released {
			tp.stateChange()
		}
		if failed {
			return false
		}
		if tp.writePending > 0 || tp.deferAccept > 0 || tp.pingpongMode() {
			// Data is about to be sent, and the acknowledgment can ride on it.
			tp.ackPending |= ackSched
			tp.enterQuickack(maxQuickacks)
			tp.ackPending |= ackTimer
			tp.ackTimeout = s.jiffies() + uint64(s.msecsToJiffies(200))
			s.modTimer(&tp.delackTimer, tp.ackTimeout)
			return false
		}
		tp.sendAck(causeHandshake)
		return false
	}
	if g.flags&wire.RST != 0 {
		undo()
		return false
	}
	if tp.tsRecentStamp != 0 && tp.sawTstamp && !tp.pawsOK(0) {
		return false
	}
	if g.flags&wire.SYN == 0 {
		return false
	}
	// Both sides open at once (RFC 9293 section 3.5).
	tp.takeSynOptions(g)
	tp.state = tcpSynRecv
	if tp.sawTstamp {
		tp.tstampOK = true
		tp.storeTsRecent()
		tp.tcpHeaderLen = 32
	} else {
		tp.tcpHeaderLen = 20
	}
	tp.rcvNxt = g.seq + 1
	tp.copiedSeq = tp.rcvNxt
	tp.rcvWup = tp.rcvNxt
	tp.sndWnd = uint32(g.window)
	tp.sndWl1 = g.seq
	tp.maxWindow = tp.sndWnd
	if g.flags&(wire.ECE|wire.CWR) != wire.ECE|wire.CWR {
		tp.ecnFlags &^= ecnOK
	}
	tp.mtupInit()
	tp.syncMSS(tp.pmtuCookie)
	tp.initializeRcvMSS()
	tp.sendSynackCrossed()
	return false
}

// takeSynOptions takes over what the peer's SYN or SYN-ACK says of itself.
func (tp *tcpSock) takeSynOptions(g *segment) {
	sysctl := &tp.s.sysctl
	mss := g.opt.mss
	if mss == 0 {
		mss = tcpMSSDefault
	}
	if tp.userMSS > 0 && int(mss) > tp.userMSS {
		mss = uint16(tp.userMSS)
	}
	tp.mssClamp = mss
	tp.wscaleOK = g.opt.wscale >= 0 && sysctl.tcpWindowScaling != 0
	tp.sndWscale = 0
	if tp.wscaleOK {
		tp.sndWscale = uint8(g.opt.wscale)
	}
	tp.sackOK = g.opt.sackOK && sysctl.tcpSack != 0
}

// finishConnect makes the connection established (tcp_finish_connect).
func (tp *tcpSock) finishConnect() {
	tp.state = tcpEstablished
	tp.lrcvtime = tp.s.jiffies()
	tp.initTransfer()
	tp.lsndtime = tp.s.jiffies()
	if tp.keepalive {
		tp.resetKeepalive(tp.keepaliveTime())
	}
	tp.predOn = false
	if tp.sndWscale == 0 {
		tp.fastPathOn()
	}
}

// initTransfer makes ready for data (tcp_init_transfer).
func (tp *tcpSock) initTransfer() {
	tp.mtupInit()
	tp.initMetrics()
	// RFC 5681 section 3.1: one segment only, when the SYN was lost more than once.
	if tp.totalRetrans > 1 && tp.undoMarker != 0 {
		tp.sndCwnd = 1
	} else {
		tp.sndCwnd = tp.initCwnd()
	}
	tp.sndCwndStamp = tp.s.jiffies()
	tp.ca.init(tp)
	tp.initBufferSpace()
}

// initBufferSpace sizes the buffers (tcp_init_buffer_space).
func (tp *tcpSock) initBufferSpace() {
	if !tp.sndbufLocked {
		tp.sndbufExpand()
	}
	tp.refreshMstamp()
	tp.rcvqSpace.time = tp.tcpMstamp
	tp.rcvqSpace.seq = tp.copiedSeq
	most := tp.fullSpace()
	adv := tp.advmss
	if int(tp.windowClamp) >= most {
		tp.windowClamp = uint32(most)
		if app := tp.s.sysctl.tcpAppWin; app > 0 && most > 4*adv {
			tp.windowClamp = uint32(max(most-most>>app, 4*adv))
		}
	}
	if tp.s.sysctl.tcpAppWin > 0 && int(tp.windowClamp) > 2*adv && int(tp.windowClamp)+adv > most {
		tp.windowClamp = uint32(max(2*adv, most-adv))
	}
	tp.rcvSsthresh = min(tp.rcvSsthresh, tp.windowClamp)
	tp.sndCwndStamp = tp.s.jiffies()
	tp.rcvqSpace.space = min(int(tp.rcvSsthresh), int(tp.rcvWnd), tcpInitCwnd*adv)
}

// initializeRcvMSS guesses what the peer's segments will be like
// (tcp_initialize_rcv_mss).
func (tp *tcpSock) initializeRcvMSS() {
	hint := min(tp.advmss, tp.mssCache)
	hint = min(hint, int(tp.rcvWnd/2))
	hint = min(hint, tcpMSSDefault)
	tp.rcvMss = max(hint, tcpMinMSS)
}

// done ends the connection (tcp_done).
func (tp *tcpSock) done() {
	if tp.inState(tcpSynSent, tcpSynRecv) {
		tp.s.count(mibTcpAttemptFails)
	}
	if tp.fastopenRequest != nil {
		tp.fastopenRemove(false)
	}
	tp.setClosed()
	tp.clearTimers()
	tp.shut = bothShutdown
	if !tp.released {
		tp.stateChange()
	} else {
		tp.destroy()
	}
}

// setClosed enters the closed state: nothing finds the socket any more.
func (tp *tcpSock) setClosed() {
	tp.state = tcpClose
	tp.unhash()
}

// hash makes the connection one that segments find.
func (tp *tcpSock) hash() {
	tp.hashed = tuple{tp.local, tp.remote}
	tp.s.tcp.socks[tp.hashed] = tp
}

func (tp *tcpSock) unhash() {
	s := tp.s
	if s.tcp.socks[tp.hashed] == tp {
		delete(s.tcp.socks, tp.hashed)
	}
	for i, l := range s.tcp.listeners {
		if l == tp {
			s.tcp.listeners = append(s.tcp.listeners[:i:i], s.tcp.listeners[i+1:]...)
			break
		}
	}
}

// writeQueuePurge forgets all data (tcp_write_queue_purge).
func (tp *tcpSock) writeQueuePurge() {
	for tp.rtxQueue.first != nil {
		b := tp.rtxQueue.first
		tp.sentOrder.remove(b)
		tp.freeQueued(b)
	}
	for tp.writeQueue.first != nil {
		tp.freeQueued(tp.writeQueue.first)
	}
	tp.chrono.stop(tp, chronoBusy)
	tp.clearRetransHints()
	tp.packetsOut = 0
	tp.highestSack = nil
	tp.backoff = 0
	tp.tlpHighSeq = 0
}
