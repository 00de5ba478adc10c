package gostack

import (
	"math"
	"net/netip"

	"tcpdrill/engine/abi"
	"tcpdrill/engine/process"
	"tcpdrill/engine/wire"
)

// The life of a socket as the application sees it: made, bound, connected or
// listening, accepted, shut down and closed.

// newTCP makes a TCP socket.
func (s *Stack) newTCP(family int) socket { return s.allocTCP(family) }

// allocTCP makes a socket with Linux's defaults (tcp_init_sock).
func (s *Stack) allocTCP(family int) *tcpSock {
	tp := &tcpSock{}
	tp.s, tp.self = s, tp
	tp.family, tp.typ, tp.protocol = family, abi.SockStream, abi.IpprotoTCP
	tp.v6 = family == abi.AfInet6
	tp.initSock()
	tp.sndbuf, tp.rcvbuf = int(s.sysctl.tcpWmem[1]), int(s.sysctl.tcpRmem[1])
	tp.mtuDisc = abi.IpPmtudiscWant
	if s.sysctl.ipNoPmtuDisc != 0 {
		tp.mtuDisc = abi.IpPmtudiscDont
	}
	tp.notsentLowat = 0
	tp.saveSyn = 0
	tp.reordering = int(s.sysctl.tcpReordering)
	tp.ca = s.defaultCongestion()
	tp.state = tcpClose
	tp.initTimers()
	tp.resetState()
	s.tcp.all = append(s.tcp.all, tp)
	return tp
}

// resetState makes the connection's own state that of a new socket.
func (tp *tcpSock) resetState() {
	s := tp.s
	tp.rto = s.msecsToJiffies(1000)
	tp.mdevUs = 1_000_000
	tp.srttUs, tp.rttvarUs, tp.mdevMaxUs = 0, 0, 0
	tp.rttMin.reset(uint32(s.jiffies()), math.MaxUint32)
	tp.sndCwnd = tcpInitCwnd
	tp.sndCwndCnt = 0
	tp.appLimited = math.MaxUint32
	tp.sndSsthresh = tcpInfiniteSsthresh
	tp.sndCwndClamp = math.MaxUint32
	tp.mssCache = tcpMSSDefault
	tp.mssClamp = tcpMSSDefault
	tp.scalingRatio = 128 // half of the memory, until something is known of the peer
	tp.tcpHeaderLen = 20
	tp.caState = tcpCaOpen
	tp.rack = rackState{reoWndSteps: 1}
	tp.rcvMss = tcpMinMSS
	tp.pacingRate, tp.maxPacingRate = math.MaxUint64, max(tp.maxPacingRate, 0)
	if tp.maxPacingRate == 0 {
		tp.maxPacingRate = math.MaxUint64
	}
	tp.quick, tp.pingpong, tp.ato, tp.ackPending = 0, 0, 0, 0
	tp.initRTOMin()
}

// initRTOMin is the smallest timeout: the route's or the sysctl's.
func (tp *tcpSock) initRTOMin() {
	tp.rtoMin = tp.s.usecsToJiffies(tp.s.sysctl.tcpRtoMinUs)
	if !tp.remote.IsValid() {
		return
	}
	if r := tp.route(); r != nil {
		if ms, _ := r.metric("rto_min"); ms > 0 {
			tp.rtoMin = tp.s.msecsToJiffies(int64(ms))
		}
	}
}

// inherit takes over what an accepted socket has from its listener.
func (tp *tcpSock) inherit(l *tcpSock) {
	self, s := tp.self, tp.s
	wait := tp.wait
	tp.sock = l.sock
	tp.self, tp.s, tp.wait = self, s, wait
	tp.errQueue, tp.err, tp.softErr, tp.shut, tp.released = nil, 0, 0, 0, false
	tp.rmemAlloc, tp.wmemAlloc, tp.wmemQueued, tp.fwdAlloc = 0, 0, 0, 0
	tp.cookie = 0
	tp.nonagle = l.nonagle
	tp.userMSS = l.userMSS
	tp.keepIdle, tp.keepIntvl, tp.keepProbes = l.keepIdle, l.keepIntvl, l.keepProbes
	tp.userTimeout, tp.synRetries, tp.linger2 = l.userTimeout, l.synRetries, l.linger2
	tp.notsentLowat = l.notsentLowat
	tp.md5 = append([]md5Key(nil), l.md5...)
	if l.caSet { // otherwise it is the default of now, not of when the listener was made
		tp.ca, tp.caSet = newCongestion(l.ca.name()), true
	}
	tp.inq = l.inq
	tp.pingpong = 0
	tp.reordering = int(s.sysctl.tcpReordering)
	tp.pacingStatus = l.pacingStatus
	tp.quick = 0
	tp.fastopenNoCookie = l.fastopenNoCookie
}

// Stages of a socket (enum socket_state).
const (
	ssUnconnected = iota
	ssConnecting
	ssConnected
	ssDisconnecting
)

func (tp *tcpSock) Bind(t *task, addr []byte) errno {
	if tp.state != tcpClose || tp.local.Port() != 0 {
		return abi.EINVAL
	}
	return tp.bindSockaddr(addr)
}

func (tp *tcpSock) Listen(t *task, backlog int) errno {
	if tp.stage != ssUnconnected || !tp.inState(tcpClose, tcpListen) {
		return abi.EINVAL
	}
	s := tp.s
	if uint(backlog) > uint(s.sysctl.coreSomaxconn) {
		backlog = int(s.sysctl.coreSomaxconn)
	}
	tp.backlog = backlog
	if tp.state == tcpListen {
		return 0
	}
	if on := s.sysctl.tcpFastopen; on&tfoServerWithoutSockopt != 0 && on&tfoServerEnable != 0 &&
		(tp.fastopenQ == nil || tp.fastopenQ.max == 0) {
		tp.setFastopenQueue(backlog)
	}
	if tp.local.Port() == 0 {
		if e := s.autobind(&tp.sock); e != 0 {
			return e
		}
	} else if s.listenConflict(&tp.sock) {
		return abi.EADDRINUSE
	}
	tp.state = tcpListen
	tp.ackPending = 0
	s.tcp.listeners = append(s.tcp.listeners, tp)
	return 0
}

func (tp *tcpSock) setFastopenQueue(n int) {
	if tp.fastopenQ == nil {
		tp.fastopenQ = &fastopenQueue{}
	}
	tp.fastopenQ.max = min(n, int(tp.s.sysctl.coreSomaxconn))
}

func (tp *tcpSock) Connect(t *task, addr []byte, nonblock bool) errno {
	return tp.streamConnect(t, addr, nonblock, false)
}

// streamConnect is connect, or the part of a Fast Open send that is one
// (__inet_stream_connect).
func (tp *tcpSock) streamConnect(t *task, addr []byte, nonblock, sending bool) errno {
	if !t.Started {
		if len(addr) >= 2 && addr[0] == 0 && addr[1] == 0 {
			tp.disconnect()
			tp.stage = ssUnconnected
			return 0
		}
		e := abi.EINPROGRESS
		switch tp.stage {
		case ssConnected:
			return abi.EISCONN
		case ssConnecting:
			e = abi.EALREADY
			if tp.deferConnect {
				e = abi.EISCONN
				if sending {
					e = abi.EINPROGRESS
				}
			}
		case ssUnconnected:
			if tp.state != tcpClose {
				return abi.EISCONN
			}
			if e := tp.doConnect(addr); e != 0 {
				return e
			}
			tp.stage = ssConnecting
			if tp.deferConnect {
				return 0
			}
		default:
			return abi.EINVAL
		}
		if tp.inState(tcpSynSent, tcpSynRecv) {
			if nonblock {
				return e
			}
			t.Started = true
			if tp.fastopenReq != nil && tp.fastopenReq.copied < tp.fastopenReq.size {
				kept(t).bias = 1
				tp.writePending++
			}
			return t.Wait(&tp.wait, tp.sndtimeo)
		}
	} else if tp.inState(tcpSynSent, tcpSynRecv) {
		if !t.Expired() {
			return t.Wait(&tp.wait, tp.sndtimeo)
		}
		tp.writePending -= kept(t).bias
		return abi.EINPROGRESS
	}
	tp.writePending -= kept(t).bias
	kept(t).bias = 0
	if tp.state == tcpClose {
		e := tp.sockError()
		if e == 0 {
			e = abi.ECONNABORTED
		}
		tp.stage = ssUnconnected
		tp.disconnect()
		return e
	}
	tp.stage = ssConnected
	return 0
}

// doConnect is tcp_v4_connect.
func (tp *tcpSock) doConnect(addr []byte) errno {
	s := tp.s
	dst, e := tp.parsePeer(addr)
	if e != 0 {
		return e
	}
	if dst.Addr().IsUnspecified() {
		if dst.Addr().Is4() {
			dst = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), dst.Port())
		} else {
			dst = netip.AddrPortFrom(netip.IPv6Loopback(), dst.Port())
		}
	}
	if dst.Addr().IsMulticast() {
		return abi.ENETUNREACH
	}
	route, e := s.routeFor(dst.Addr())
	if e != 0 {
		return e
	}
	tp.v6 = dst.Addr().Is6()
	if !tp.local.Addr().IsValid() || tp.local.Addr().IsUnspecified() {
		tp.local = netip.AddrPortFrom(route.src, tp.local.Port())
	}
	tp.remote = dst
	if tp.local.Port() == 0 {
		if e := s.autobind(&tp.sock); e != 0 {
			return e
		}
	}
	key := tuple{tp.local, tp.remote}
	if tw := s.tcp.timewaits[key]; tw != nil {
		tw.remove()
	} else if s.tcp.socks[key] != nil {
		return abi.EADDRNOTAVAIL
	}
	tp.mssClamp = tcpMSSDefault
	tp.state = tcpSynSent
	tp.hash()
	if tp.writeSeq == 0 {
		tp.writeSeq = s.newISN()
	}
	if tp.fastopenConnect && tp.fastopenReq == nil {
		f := &fastopenReq{}
		save := tp.mssClamp
		if tp.fastopenCookieCheck(f) {
			tp.mssClamp = save
			tp.deferConnect = true
			return 0
		}
		tp.mssClamp = save
		tp.fastopenReq = f // so that the SYN asks for a cookie
	}
	tp.sendSyn()
	return 0
}

// sendSyn sends the SYN (tcp_connect).
func (tp *tcpSock) sendSyn() {
	s := tp.s
	tp.connectInit()
	b := &skb{head: &skbHead{dataref: 1}, flags: wire.SYN, seq: tp.writeSeq, endSeq: tp.writeSeq + 1, segs: 1,
		truesize: txTruesize}
	tp.refreshMstamp()
	tp.retransStamp = uint64(tsOf(tp.tcpMstamp))
	tp.writeSeq = b.endSeq
	tp.addQueued(b.truesize)
	tp.packetsOut += uint32(b.segs)
	tp.ecnFlags = 0
	if s.sysctl.tcpEcn == 1 || s.routeWantsECN(tp.remote.Addr()) {
		b.flags |= wire.ECE | wire.CWR
		tp.ecnFlags = ecnOK
	}
	tp.rtxQueue.pushBack(b)
	if tp.fastopenReq != nil {
		tp.sendSynData(b)
	} else {
		tp.transmit(b, causeSyn)
	}
	tp.sndNxt, tp.pushedSeq = tp.writeSeq, tp.writeSeq
	if head := tp.writeQueue.first; head != nil {
		tp.sndNxt, tp.pushedSeq = head.seq, head.seq
	}
	s.count(mibTcpActiveOpens)
	tp.armXmitTimer(timeRetrans, tp.rto)
	// The SYN data's copy in the queue belongs to a connect of TCP_FASTOPEN_CONNECT.
	if f := tp.fastopenReq; f != nil && f.msg == nil {
		tp.fastopenReq = nil
	}
}

// connectInit makes ready for a SYN (tcp_connect_init).
func (tp *tcpSock) connectInit() {
	s := tp.s
	tp.tcpHeaderLen = 20
	if s.sysctl.tcpTimestamps != 0 && tp.md5For(tp.remote.Addr()) == nil {
		tp.tcpHeaderLen = 32
	}
	if tp.userMSS > 0 {
		tp.mssClamp = uint16(tp.userMSS)
	}
	tp.maxWindow = 0
	tp.initRTOMin()
	tp.routeCongestion()
	tp.mtupInit()
	tp.syncMSS(tp.dstMTU())
	route := tp.route()
	tp.advmss = 1460
	initrwnd := 0
	if route != nil {
		if tp.windowClamp == 0 {
			w, _ := route.metric("window")
			tp.windowClamp = w
		}
		tp.advmss = tp.clampUserMSS(route.advmss())
		n, _ := route.metric("initrwnd")
		initrwnd = int(n)
	}
	tp.initializeRcvMSS()
	if full := tp.fullSpace(); tp.rcvbufLocked && (int(tp.windowClamp) > full || tp.windowClamp == 0) {
		tp.windowClamp = uint32(full)
	}
	mss := tp.advmss
	if tp.tsRecentStamp != 0 {
		mss -= tp.tcpHeaderLen - 20
	}
	tp.rcvWnd, tp.windowClamp, tp.rcvWscale = s.initialWindow(tp.fullSpace(), mss, tp.windowClamp, s.sysctl.tcpWindowScaling != 0, initrwnd)
	tp.rcvSsthresh = tp.rcvWnd
	tp.err = 0
	tp.sockDone = false
	tp.sndWnd = 0
	tp.sndWl1 = 0
	tp.writeQueuePurge()
	tp.sndUna, tp.sndSml, tp.sndUp, tp.sndNxt = tp.writeSeq, tp.writeSeq, tp.writeSeq, tp.writeSeq
	tp.rcvNxt, tp.copiedSeq, tp.rcvWup = 0, 0, 0
	tp.rto = s.msecsToJiffies(1000)
	tp.retransmits = 0
	tp.retransOut, tp.lostOut, tp.sackedOut = 0, 0, 0
	tp.undoMarker, tp.undoRetrans = 0, -1
}

func (tp *tcpSock) Accept(t *task, nonblock bool) (process.Socket, errno) {
	if tp.state != tcpListen {
		return nil, abi.EINVAL
	}
	if len(tp.acceptQueue) == 0 {
		if nonblock || t.Expired() {
			return nil, abi.EAGAIN
		}
		return nil, t.Wait(&tp.wait, tp.rcvtimeo)
	}
	child := tp.acceptQueue[0]
	tp.acceptQueue = tp.acceptQueue[1:]
	child.listener = nil
	child.stage = ssConnected
	return child, 0
}

// closeState enters the state that a close leads to, and reports whether a FIN is
// due (tcp_close_state).
func (tp *tcpSock) closeState() bool {
	switch tp.state {
	case tcpEstablished, tcpSynRecv:
		tp.state = tcpFinWait1
		return true
	case tcpCloseWait:
		tp.state = tcpLastAck
		return true
	case tcpSynSent, tcpListen:
		tp.setClosed()
	}
	return false
}

func (tp *tcpSock) Shutdown(how int) errno {
	how++ // so that its bits are those of shut
	if tp.stage == ssConnecting {
		tp.stage = ssConnected
		if tp.inState(tcpSynSent, tcpSynRecv, tcpClose) {
			tp.stage = ssDisconnecting
		}
	}
	e := abi.EOK
	switch tp.state {
	case tcpListen:
		if how&rcvShutdown == 0 {
			break
		}
		tp.disconnect()
		tp.stage = ssUnconnected
	case tcpSynSent:
		tp.disconnect()
		tp.stage = ssUnconnected
	default:
		if tp.state == tcpClose {
			e = abi.ENOTCONN
		}
		tp.shut |= how
		if how&sendShutdown != 0 {
			tp.shutdownSend()
		}
	}
	tp.stateChange()
	return e
}

// shutdownSend sends the FIN (tcp_shutdown).
func (tp *tcpSock) shutdownSend() {
	if tp.inState(tcpEstablished, tcpSynSent, tcpCloseWait) && tp.closeState() {
		tp.sendFin()
	}
}

func needReset(state int) bool {
	switch state {
	case tcpEstablished, tcpCloseWait, tcpFinWait1, tcpFinWait2, tcpSynRecv:
		return true
	}
	return false
}

// disconnect dissolves the connection (tcp_disconnect).
func (tp *tcpSock) disconnect() {
	old := tp.state
	if old != tcpClose {
		tp.setClosed()
	}
	switch {
	case old == tcpListen:
		tp.listenStop()
	case needReset(old), tp.sndNxt != tp.writeSeq && (old == tcpClosing || old == tcpLastAck):
		// What Linux calls LAST-ACK isn't as long as FIN waits for a window.
		tp.sendActiveReset(causeAbort)
		tp.err = abi.ECONNRESET
	case old == tcpSynSent:
		tp.err = abi.ECONNRESET
	}
	tp.clearTimers()
	tp.purgeReceived()
	tp.writeQueuePurge()
	tp.fastopenReq, tp.deferConnect = nil, false
	tp.remote = netip.AddrPort{}
	if !tp.addrBound {
		tp.local = netip.AddrPortFrom(netip.Addr{}, tp.local.Port())
	}
	tp.shut = 0
	tp.sockDone = false
	if tp.writeSeq += tp.maxWindow + 2; tp.writeSeq == 0 {
		tp.writeSeq = 1
	}
	tp.windowClamp = 0
	tp.probesOut, tp.backoff = 0, 0
	tp.delivered, tp.deliveredCE = 0, 0
	tp.totalRetrans = 0
	tp.rcvNxt, tp.copiedSeq = 0, 0
	tp.urgData = 0
	tp.tstampOK, tp.sackOK, tp.wscaleOK = false, false, false
	tp.tsRecent, tp.tsRecentStamp = 0, 0
	tp.sndWscale, tp.rcvWscale = 0, 0
	tp.synData, tp.synFastopen, tp.synDataAcked = false, false, false
	tp.bytesAcked, tp.bytesReceived, tp.bytesSent, tp.bytesRetrans = 0, 0, 0, 0
	tp.segsIn, tp.segsOut, tp.dataSegsIn, tp.dataSegsOut = 0, 0, 0, 0
	tp.undoMarker, tp.retransStamp, tp.retransmits = 0, 0, 0
	tp.dsackDups, tp.reordSeen = 0, 0
	tp.rcvRTT = rcvRTT{}
	tp.ca = newCongestion(tp.ca.name())
	tp.resetState()
	tp.reportError()
}

func (tp *tcpSock) purgeReceived() {
	for b := tp.receiveQueue.first; b != nil; b = tp.receiveQueue.first {
		tp.eat(b)
	}
	tp.purgeOfo()
	tp.selectiveAcks, tp.duplicateSack = nil, nil
}

// listenStop gives up what a listener has that nobody accepted
// (inet_csk_listen_stop).
func (tp *tcpSock) listenStop() {
	for _, r := range append([]*request(nil), tp.requests...) {
		r.remove()
	}
	for _, child := range tp.acceptQueue {
		child.disconnect()
		child.released = true
		child.destroy()
	}
	tp.acceptQueue = nil
}

// release is close(2) of the last descriptor (tcp_close).
func (tp *tcpSock) Release(t *task) errno {
	s := tp.s
	linger := tp.lingerOn && tp.linger > 0
	if !t.Started {
		t.Started = true
		tp.shut = bothShutdown
		if tp.state == tcpListen {
			tp.setClosed()
			tp.listenStop()
			tp.orphan()
			return 0
		}
		unread := false
		for b := tp.receiveQueue.first; b != nil; b = tp.receiveQueue.first {
			end := b.endSeq
			if b.flags&wire.FIN != 0 {
				end--
			}
			unread = unread || after(end, tp.copiedSeq)
			tp.receiveQueue.remove(b)
			tp.chargeReceived(-b.truesize)
		}
		switch {
		case tp.state == tcpClose:
		case unread:
			// RFC 2525 section 2.17: what wasn't read is lost, and the peer is to know.
			s.count(mibTCPAbortOnClose)
			tp.setClosed()
			tp.sendActiveReset(causeAbort)
		case tp.lingerOn && tp.linger == 0:
			tp.disconnect()
			s.count(mibTCPAbortOnData)
		case tp.closeState():
			tp.sendFin()
		}
	}
	if linger && tp.inState(tcpFinWait1, tcpClosing, tcpLastAck) && !t.Expired() {
		return t.Wait(&tp.wait, tp.linger)
	}
	tp.orphan()
	return 0
}

// orphan is what becomes of a socket that no descriptor refers to.
func (tp *tcpSock) orphan() {
	s := tp.s
	if tp.released {
		return
	}
	tp.released = true
	if tp.state == tcpFinWait2 {
		if tp.linger2 < 0 {
			tp.setClosed()
			tp.sendActiveReset(causeAbort)
			s.count(mibTCPAbortOnLinger)
		} else if wait, length := tp.finTime(), s.msecsToJiffies(60_000); wait > length {
			tp.resetKeepalive(wait - length)
		} else {
			tp.timeWait(tcpFinWait2, wait)
			return
		}
	}
	if tp.state == tcpClose {
		if tp.fastopenRequest != nil {
			tp.fastopenRemove(false)
		}
		tp.destroy()
	}
}

// destroy gives back what the socket holds.
func (tp *tcpSock) destroy() {
	if tp.destroyed {
		return
	}
	tp.destroyed = true
	tp.clearTimers()
	tp.writeQueuePurge()
	tp.purgeReceived()
	tp.unhash()
	tp.s.releasePort(&tp.sock)
	for i, x := range tp.s.tcp.all {
		if x == tp {
			tp.s.tcp.all = append(tp.s.tcp.all[:i:i], tp.s.tcp.all[i+1:]...)
			break
		}
	}
}

// Readiness.

func (tp *tcpSock) notsentLimit() int64 {
	if tp.notsentLowat != 0 {
		return tp.notsentLowat
	}
	return tp.s.sysctl.tcpNotsentLowat
}

// streamMemoryFree reports whether more may be written.
func (tp *tcpSock) streamMemoryFree(wake int) bool {
	if tp.wmemQueued >= tp.sndbuf {
		return false
	}
	return int64(tp.writeSeq-tp.sndNxt)<<wake < tp.notsentLimit()
}

// streamIsWriteable reports whether so much may be that it is worth waking somebody.
func (tp *tcpSock) streamIsWriteable() bool {
	return tp.sndbuf-tp.wmemQueued >= tp.wmemQueued>>1 && tp.streamMemoryFree(1)
}

func (tp *tcpSock) streamReadable() bool {
	target := max(1, tp.rcvlowat)
	if tp.urgData != 0 && tp.urgSeq == tp.copiedSeq && !tp.oobinline {
		target++
	}
	avail := int(tp.rcvNxt - tp.copiedSeq)
	if avail <= 0 {
		return false
	}
	return avail >= target || int(tp.receiveWindow()) <= tp.rcvMss || tp.rmemAlloc > tp.rcvbuf-tp.rcvbuf>>3
}

// poll is tcp_poll.
func (tp *tcpSock) Poll() uint32 {
	if tp.state == tcpListen {
		if len(tp.acceptQueue) > 0 {
			return abi.EpollIn | abi.EpollRdnorm
		}
		return 0
	}
	mask := uint32(0)
	if tp.shut == bothShutdown || tp.state == tcpClose {
		mask |= abi.EpollHup
	}
	if tp.shut&rcvShutdown != 0 {
		mask |= abi.EpollIn | abi.EpollRdnorm | abi.EpollRdhup
	}
	switch {
	case tp.state != tcpSynSent && (tp.state != tcpSynRecv || tp.fastopenRequest != nil):
		if tp.streamReadable() {
			mask |= abi.EpollIn | abi.EpollRdnorm
		}
		switch {
		case tp.shut&sendShutdown != 0 || tp.streamIsWriteable():
			mask |= abi.EpollOut | abi.EpollWrnorm
		default:
			tp.needSpaceWake = true
		}
		if tp.urgData&urgValid != 0 {
			mask |= abi.EpollPri
		}
	case tp.state == tcpSynSent && tp.deferConnect:
		mask |= abi.EpollOut | abi.EpollWrnorm
	}
	if tp.err != 0 || len(tp.errQueue) > 0 {
		mask |= abi.EpollErr
	}
	return mask
}

func (tp *tcpSock) Ioctl(t *task, cmd int) (int, errno) {
	switch cmd {
	case abi.Siocinq:
		if tp.state == tcpListen {
			return 0, abi.EINVAL
		}
		return tp.inqBytes(), 0
	case abi.Siocatmark:
		if tp.urgData != 0 && tp.urgSeq == tp.copiedSeq {
			return 1, 0
		}
		return 0, 0
	case abi.Siocoutq:
		if tp.state == tcpListen {
			return 0, abi.EINVAL
		}
		if tp.inState(tcpSynSent, tcpSynRecv) {
			return 0, 0
		}
		return int(tp.writeSeq - tp.sndUna), 0
	case abi.Siocoutqnsd:
		if tp.state == tcpListen {
			return 0, abi.EINVAL
		}
		if tp.inState(tcpSynSent, tcpSynRecv) {
			return 0, 0
		}
		return int(tp.writeSeq - tp.sndNxt), 0
	}
	return 0, abi.ENOTTY
}

// inqBytes is how much there is to read (tcp_inq).
func (tp *tcpSock) inqBytes() int {
	if tp.inState(tcpSynSent, tcpSynRecv) {
		return 0
	}
	if tp.oobinline || tp.urgData == 0 || before(tp.urgSeq, tp.copiedSeq) || !before(tp.urgSeq, tp.rcvNxt) {
		n := int(tp.rcvNxt - tp.copiedSeq)
		if n > 0 && tp.sockDone {
			n-- // the FIN
		}
		return n
	}
	return int(tp.urgSeq - tp.copiedSeq)
}

func (tp *tcpSock) Read(t *task, iov [][]byte, nonblock bool) (int, errno) {
	return tp.Recvmsg(t, &message{Iov: iov, Nonblock: nonblock})
}

func (tp *tcpSock) Write(t *task, iov [][]byte, nonblock bool) (int, errno) {
	return tp.Sendmsg(t, &message{Iov: iov, Nonblock: nonblock})
}

// setRcvlowat is SO_RCVLOWAT: at most half the buffer, which grows with it if it
// may.
func (tp *tcpSock) setRcvlowat(n int) errno {
	most := int(tp.s.sysctl.tcpRmem[2]) >> 1
	if tp.rcvbufLocked {
		most = tp.rcvbuf >> 1
	}
	tp.rcvlowat = max(min(n, most), 1)
	tp.dataReady()
	if tp.rcvbufLocked {
		return 0
	}
	if space := tp.spaceFromWin(tp.rcvlowat); space > tp.rcvbuf {
		tp.rcvbuf = space
		tp.setWindowClamp(tp.rcvlowat)
	}
	return 0
}

// tskeyBase is where the byte offsets of time stamps count from.
func (tp *tcpSock) tskeyBase() (uint32, errno) {
	if tp.inState(tcpClose, tcpListen) {
		return 0, abi.EINVAL
	}
	if tp.timestamping&abi.SofOptIdTcp != 0 {
		return tp.writeSeq, 0
	}
	return tp.sndUna, 0
}

var _ socket = (*tcpSock)(nil)
