package gostack

import (
	"time"

	"tcpdrill/engine/abi"
	"tcpdrill/engine/wire"
)

// Connections that need less than a socket: half open ones at a listener, and those
// in TIME-WAIT.

// A request is a connection for which a SYN has come (struct tcp_request_sock).
type request struct {
	s        *Stack
	listener *tcpSock
	key      tuple
	v6       bool

	rcvISN, sndISN uint32
	rcvNxt         uint32
	mss            uint16
	tsRecent       uint32
	tstampOK       bool
	sackOK         bool
	wscaleOK       bool
	sndWscale      uint8
	rcvWscale      uint8
	rcvWnd         uint32
	windowClamp    uint32
	ecnOK          bool
	acked          bool // an ACK came, but data is waited for
	tos            uint8
	synTOS         uint8
	snt            time.Duration // when the SYN-ACK was first sent
	cookie         []byte        // Fast Open, for the SYN-ACK
	hasCookie      bool
	cookieExp      bool

	timer      timer
	timeout    int64 // jiffies
	numTimeout int
	numRetrans int
	lastOOWAck uint64
	savedSyn   []byte
	synCookie  bool // answered with a SYN cookie, and not kept
	fromCookie bool // made from a SYN cookie that came back
}

// listenReceive is a segment for a listener.
func (l *tcpSock) listenReceive(g *segment) {
	s := l.s
	if g.flags&wire.SYN == 0 {
		if child, ok := l.cookieCheck(g); ok {
			if child != nil {
				l.childProcess(child, g)
			}
			return
		}
	}
	if g.flags&wire.ACK != 0 {
		s.sendReset(l, g)
		return
	}
	if g.flags&wire.RST != 0 || g.flags&wire.SYN == 0 || g.flags&wire.FIN != 0 {
		return
	}
	l.connRequest(g, 0, false)
}

// connRequest is a SYN for a listener (tcp_conn_request). isn is not 0 for a SYN
// that follows a connection in TIME-WAIT.
func (l *tcpSock) connRequest(g *segment, isn uint32, reuse bool) {
	s := l.s
	sysctl := &s.sysctl
	wantCookie := false
	if (sysctl.tcpSyncookies == 2 || len(l.requests) >= max(l.backlog, 1)) && !reuse {
		if sysctl.tcpSyncookies == 0 {
			s.count(mibTCPReqQFullDrop)
			return
		}
		s.count(mibTCPReqQFullDoCookies)
		wantCookie = true
	}
	if len(l.acceptQueue) > l.backlog {
		s.count(mibListenOverflows)
		s.count(mibListenDrops)
		return
	}
	r := &request{
		s: s, listener: l, key: tuple{g.local, g.remote}, v6: g.v6,
		rcvISN: g.seq, rcvNxt: g.seq + 1, synTOS: g.tos,
	}
	r.timer.fn = r.expired
	opt := g.opt
	if wantCookie && !opt.ts {
		// A cookie has no room for options without time stamps.
		opt = optionsReceived{mss: opt.mss, wscale: -1}
	}
	r.mss = opt.mss
	if r.mss == 0 {
		r.mss = tcpMSSDefault
	}
	if l.userMSS > 0 && l.userMSS < int(r.mss) {
		r.mss = uint16(l.userMSS)
	}
	r.tstampOK = opt.ts && sysctl.tcpTimestamps != 0
	if r.tstampOK {
		r.tsRecent = opt.tsval
	}
	r.sackOK = opt.sackOK && sysctl.tcpSack != 0
	r.wscaleOK = opt.wscale >= 0 && sysctl.tcpWindowScaling != 0
	if r.wscaleOK {
		r.sndWscale = uint8(opt.wscale)
	}
	if l.md5For(g.remote.Addr()) != nil && r.sackOK {
		r.tstampOK = false // there isn't room for all
	}
	if g.flags&(wire.ECE|wire.CWR) == wire.ECE|wire.CWR {
		// RFC 3168 section 6.1.1 has no ECT on a SYN; a SYN with a bit that was
		// reserved then is of a later version, which may have it.
		later := g.flags&wire.AE != 0
		r.ecnOK = (g.tos&3 == 0 || later) && (sysctl.tcpEcn != 0 || s.routeWantsECN(g.remote.Addr()))
	}
	if wantCookie {
		isn = s.cookieISN(g, r.mss)
		r.synCookie = true
		l.cookieSent, l.lastCookie = true, s.now
		s.count(mibSyncookiesSent)
		if !r.tstampOK {
			r.ecnOK = false
		}
	} else if isn == 0 {
		isn = s.newISN()
	}
	r.sndISN = isn
	l.requestWindow(r)
	r.tos = l.tos
	if sysctl.tcpReflectTos != 0 {
		r.tos = r.synTOS &^ 3
	}
	if wantCookie {
		s.sendSynack(l, r, true)
		return
	}
	if l.saveSyn > 0 {
		r.savedSyn = headersOf(g)
	}
	if child := l.tryFastopen(g, r); child != nil {
		s.sendSynack(child, r, false)
		l.acceptQueue = append(l.acceptQueue, child)
		child.listener = l
		l.wait.Wake(abi.EpollIn | abi.EpollRdnorm | abi.EpollRdband)
		return
	}
	l.requests = append(l.requests, r)
	l.young++
	s.tcp.requests[r.key] = r
	r.timeout = s.msecsToJiffies(1000)
	s.modTimer(&r.timer, s.jiffies()+uint64(r.timeout))
	s.sendSynack(l, r, true)
}

// requestWindow works out the window that the SYN-ACK offers
// (tcp_openreq_init_rwin).
func (l *tcpSock) requestWindow(r *request) {
	s := l.s
	route, _ := s.routeFor(r.key.remote.Addr())
	advmss, initrwnd := 1460, 0
	clamp := l.windowClamp
	if route != nil {
		advmss = route.advmss()
		n, _ := route.metric("initrwnd")
		initrwnd = int(n)
		if clamp == 0 {
			clamp, _ = route.metric("window")
		}
	}
	mss := l.clampUserMSS(advmss)
	if r.tstampOK {
		mss -= 12
	}
	if r.fromCookie {
		mss = int(r.mss) // as cookie_v4_check has it: the peer's, not ours
	}
	full := l.fullSpace()
	if l.rcvbufLocked && (int(clamp) > full || clamp == 0) {
		clamp = uint32(full)
	}
	r.rcvWnd, r.windowClamp, r.rcvWscale = s.initialWindow(full, mss, clamp, r.wscaleOK, initrwnd)
}

// sendSynack sends a SYN-ACK for a request. first says that its round trip is
// measured from now.
func (s *Stack) sendSynack(tp *tcpSock, r *request, first bool) {
	s.transmitSynack(tp, r, causeSynAck)
	if r.snt == 0 {
		r.snt = s.now.Truncate(time.Microsecond)
	}
}

func (s *Stack) transmitSynack(tp *tcpSock, r *request, cause string) {
	t := &wire.TCP{
		SrcPort: r.key.local.Port(), DstPort: r.key.remote.Port(), Seq: r.sndISN, Ack: r.rcvNxt,
		Flags: wire.SYN | wire.ACK, Window: uint16(min(r.rcvWnd, 65535)),
	}
	route, _ := s.routeFor(r.key.remote.Addr())
	mss := 1460
	if route != nil {
		mss = route.advmss()
	}
	mss = r.listener.clampUserMSS(mss)
	room := maxTCPOptions
	signed := r.listener.md5For(r.key.remote.Addr()) != nil
	if signed {
		t.Options = append(t.Options, md5Room()...)
		room -= 20
	}
	t.Options = append(t.Options, wire.TCPOption{Kind: wire.OptMSS, Data: []byte{byte(mss >> 8), byte(mss)}})
	room -= 4
	if r.wscaleOK {
		room -= 4
	}
	if r.tstampOK {
		tsval := tsOf(s.now)
		if r.synCookie {
			tsval = cookieTimestamp(r, tsval)
		}
		stamp := wire.TCPOption{Kind: wire.OptTimestamp, Data: u32s(tsval, r.tsRecent)}
		if r.sackOK {
			t.Options = append(t.Options, wire.TCPOption{Kind: wire.OptSACKOK}, stamp)
		} else {
			t.Options = append(t.Options, nop, nop, stamp)
		}
		room -= 12
	} else if r.sackOK {
		t.Options = append(t.Options, nop, nop, wire.TCPOption{Kind: wire.OptSACKOK})
		room -= 4
	}
	if r.wscaleOK {
		t.Options = append(t.Options, nop, wire.TCPOption{Kind: wire.OptWScale, Data: []byte{r.rcvWscale}})
	}
	if r.hasCookie {
		need := 2 + len(r.cookie)
		if r.cookieExp {
			need += 2
		}
		if (need+3)&^3 <= room {
			t.Options = append(t.Options, fastopenOption(r.cookie, r.cookieExp)...)
		}
	}
	if r.ecnOK {
		t.Flags |= wire.ECE
	}
	g := &segment{local: r.key.local, remote: r.key.remote, v6: r.v6}
	s.reply(g, t, r.listener, r.tos, cause)
}

// sendSynackCrossed answers a SYN that crossed ours (tcp_send_synack).
func (tp *tcpSock) sendSynackCrossed() {
	b := tp.rtxQueue.first
	if b == nil || b.flags&wire.SYN == 0 {
		return
	}
	if b.flags&wire.ACK == 0 {
		b.unclone()
		b.flags |= wire.ACK
		if tp.ecnFlags&ecnOK != 0 {
			b.flags |= wire.ECE
		}
		b.flags &^= wire.CWR
	}
	tp.transmit(b, causeSynAck)
}

// retransmitSynack sends a SYN-ACK again.
func (r *request) retransmitSynack() {
	r.s.transmitSynack(r.listener, r, causeSynTimer)
	r.s.count(mibTcpRetransSegs)
	r.s.count(mibTCPSynRetrans)
	r.numRetrans++
}

// remove forgets a request.
func (r *request) remove() {
	r.s.delTimer(&r.timer)
	if r.s.tcp.requests[r.key] == r {
		delete(r.s.tcp.requests, r.key)
	}
	l := r.listener
	for i, x := range l.requests {
		if x == r {
			l.requests = append(l.requests[:i:i], l.requests[i+1:]...)
			if r.numTimeout == 0 {
				l.young--
			}
			break
		}
	}
}

// expired is the SYN-ACK's timer (reqsk_timer_handler).
func (r *request) expired() {
	l := r.listener
	retries := l.synRetries
	if retries == 0 {
		retries = int(r.s.sysctl.tcpSynackRetries)
	}
	// When many wait, the old ones get fewer tries.
	if n := len(l.requests); n<<1 > max(8, l.backlog) {
		for young := l.young << 1; retries > 2 && n >= young; young <<= 1 {
			retries--
		}
	}
	expire := r.numTimeout >= retries
	resend := true
	if l.deferAccept > 0 {
		expire = r.numTimeout >= retries && (!r.acked || r.numTimeout >= l.deferAccept)
		resend = !r.acked || r.numTimeout >= l.deferAccept-1
	}
	if expire {
		r.remove()
		return
	}
	if resend {
		r.retransmitSynack()
	}
	if r.numTimeout == 0 {
		l.young--
	}
	r.numTimeout++
	r.rearm()
}

func (r *request) rearm() {
	wait := min(r.timeout<<r.numTimeout, r.s.msecsToJiffies(120_000))
	r.s.modTimer(&r.timer, r.s.jiffies()+uint64(wait))
}

// pawsReject reports whether a time stamp is too old.
func pawsReject(recent, val uint32, rst bool) bool {
	return int32(recent-val) > 0 && recent != 0 && !rst
}

// requestReceive is a segment for a connection half open.
func (s *Stack) requestReceive(r *request, g *segment) {
	l := r.listener
	s.checkRequest(l, r, g, false)
}

// checkFastopenRequest is the same for a connection that has its socket already. It
// reports whether the segment is fine.
func (s *Stack) checkFastopenRequest(tp *tcpSock, r *request, g *segment) bool {
	return s.checkRequest(tp, r, g, true)
}

// checkRequest is RFC 9293's processing for SYN-RECEIVED (tcp_check_req).
func (s *Stack) checkRequest(tp *tcpSock, r *request, g *segment, fastopen bool) bool {
	l := r.listener
	flags := g.flags & (wire.RST | wire.SYN | wire.ACK)
	paws := r.tstampOK && g.opt.ts && pawsReject(r.tsRecent, g.opt.tsval, flags&wire.RST != 0)
	// The SYN again: so is the answer.
	if g.seq == r.rcvISN && flags == wire.SYN && !paws {
		if !(g.seq == g.endSeq) && !s.oowRateLimited(g, &r.lastOOWAck) {
			r.retransmitSynack()
			if !fastopen {
				if r.timer.pending() {
					r.rearm()
				}
			}
		}
		return false
	}
	if flags&(wire.ACK|wire.RST) == wire.ACK && !fastopen && g.ack != r.sndISN+1 {
		s.sendReset(l, g)
		return false
	}
	end := r.rcvNxt + r.rcvWnd
	inWindow := g.seq == r.rcvNxt || after(g.endSeq, r.rcvNxt) && before(g.seq, end) || g.seq == end && g.seq == g.endSeq
	if paws || !inWindow {
		if flags&wire.RST == 0 && !s.oowRateLimited(g, &r.lastOOWAck) {
			s.requestAck(r, g, causeDupAck)
		}
		if paws {
			s.count(mibPAWSEstab)
		}
		return false
	}
	if g.seq == r.rcvISN {
		flags &^= wire.SYN
	}
	// RFC 9293 section 3.10.7.4: "If the RST bit is set and the sequence number does
	// not exactly match the next expected sequence value, yet is within the current
	// receive window, TCP endpoints MUST send an acknowledgment".
	if flags&wire.RST != 0 && g.seq != r.rcvNxt {
		if !s.rateLimited(&r.lastOOWAck) && s.challengeAllowed() {
			s.requestAck(r, g, causeChallenge)
		}
		return false
	}
	if flags&(wire.RST|wire.SYN) != 0 {
		s.count(mibTcpAttemptFails)
		if flags&wire.RST == 0 {
			s.sendReset(l, g)
		} else if fastopen {
			tp.fastopenRemove(true)
			tp.reset()
		}
		if !fastopen {
			r.remove()
			s.count(mibEmbryonicRsts)
		}
		return false
	}
	if flags&wire.ACK == 0 {
		return false
	}
	if fastopen {
		return true
	}
	if r.numTimeout < l.deferAccept && g.endSeq == r.rcvISN+1 {
		r.acked = true
		s.count(mibTCPDeferAcceptDrop)
		return false
	}
	if len(l.acceptQueue) > l.backlog {
		s.count(mibListenOverflows)
		if s.sysctl.tcpAbortOnOverflow != 0 {
			s.sendReset(l, g)
			r.remove()
			return false
		}
		r.acked = true
		return false
	}
	child := l.newChild(r, g)
	if r.tstampOK && g.opt.ts && !after(g.seq, r.rcvNxt) {
		child.tsRecent = g.opt.tsval
	}
	r.remove()
	l.acceptQueue = append(l.acceptQueue, child)
	l.childProcess(child, g)
	return true
}

// requestAck acknowledges the state of a half-open connection.
func (s *Stack) requestAck(r *request, g *segment, cause string) {
	t := &wire.TCP{
		SrcPort: r.key.local.Port(), DstPort: r.key.remote.Port(), Seq: r.sndISN + 1, Ack: r.rcvNxt,
		Flags: wire.ACK, Window: uint16(r.rcvWnd >> r.rcvWscale),
	}
	if r.tstampOK {
		t.Options = []wire.TCPOption{nop, nop, {Kind: wire.OptTimestamp, Data: u32s(tsOf(s.now), r.tsRecent)}}
	}
	s.reply(g, t, r.listener, r.tos, cause)
}

// childProcess hands the segment that completes the handshake to the new socket.
func (l *tcpSock) childProcess(child *tcpSock, g *segment) {
	s := l.s
	child.segsIn++
	if len(g.data) > 0 {
		child.dataSegsIn++
	}
	if child.stateProcess(g) {
		s.sendReset(child, g)
	}
	if child.state != tcpSynRecv {
		l.wait.Wake(abi.EpollIn | abi.EpollRdnorm | abi.EpollRdband)
	}
}

// newChild makes the socket of a connection whose handshake is complete, or whose
// SYN had a Fast Open cookie (tcp_create_openreq_child).
func (l *tcpSock) newChild(r *request, g *segment) *tcpSock {
	s := l.s
	tp := s.allocTCP(l.family)
	tp.inherit(l)
	tp.listener = l
	tp.v6 = r.v6
	tp.local, tp.remote = r.key.local, r.key.remote
	tp.state = tcpSynRecv
	tp.rcvNxt = r.rcvISN + 1
	tp.rcvWup, tp.copiedSeq = tp.rcvNxt, tp.rcvNxt
	tp.sndUna = r.sndISN + 1
	tp.sndNxt, tp.sndSml, tp.sndUp, tp.writeSeq, tp.pushedSeq = tp.sndUna, tp.sndUna, tp.sndUna, tp.sndUna, tp.sndUna
	tp.sndWl1 = r.rcvISN
	tp.segsIn = 1
	tp.lrcvtime, tp.lsndtime = s.jiffies(), s.jiffies()
	tp.totalRetrans = uint32(r.numRetrans)
	tp.tstampOK, tp.sackOK, tp.wscaleOK = r.tstampOK, r.sackOK, r.wscaleOK
	tp.windowClamp = r.windowClamp
	tp.rcvWnd, tp.rcvSsthresh = r.rcvWnd, r.rcvWnd
	if r.wscaleOK {
		tp.sndWscale, tp.rcvWscale = r.sndWscale, r.rcvWscale
	} else {
		tp.windowClamp = min(tp.windowClamp, 65535)
	}
	tp.sndWnd = uint32(g.window) << tp.sndWscale
	tp.maxWindow = tp.sndWnd
	tp.tcpHeaderLen = 20
	if r.tstampOK {
		tp.tsRecent = r.tsRecent
		tp.tsRecentStamp = int64(s.Wall(s.now) / time.Second)
		tp.tcpHeaderLen = 32
	}
	if r.numTimeout > 0 {
		tp.undoMarker = r.sndISN
		tp.retransStamp = uint64(tsOf(r.snt))
	}
	tp.synackSent, tp.synackRetrans = r.snt, r.numRetrans
	if n := len(g.data); n >= tcpMSSDefault+tp.tcpHeaderLen {
		tp.lastSegSize = n - tp.tcpHeaderLen
	}
	tp.mssClamp = r.mss
	if r.ecnOK {
		tp.ecnFlags = ecnOK
	}
	tp.tos = r.tos
	tp.savedSyn = r.savedSyn
	tp.rebuildHeader()
	tp.syncMSS(tp.dstMTU())
	tp.advmss = 1460
	if route := tp.route(); route != nil {
		tp.advmss = tp.clampUserMSS(route.advmss())
	}
	tp.initRTOMin()
	tp.routeCongestion()
	tp.initializeRcvMSS()
	tp.hash()
	s.inheritPort(&tp.sock)
	if tp.keepalive {
		tp.resetKeepalive(tp.keepaliveTime())
	}
	s.count(mibTcpPassiveOpens)
	return tp
}

// synackRTT takes the handshake's round trip (tcp_synack_rtt_meas).
func (tp *tcpSock) synackRTT(req *request) {
	sent, retrans := tp.synackSent, tp.synackRetrans
	if req != nil {
		sent, retrans = req.snt, req.numRetrans
	}
	rtt := int64(-1)
	if retrans == 0 && sent != 0 {
		rtt = tp.sinceUs(sent)
	}
	rs := &rateSample{}
	tp.ackUpdateRTT(flagSynAcked, rtt, -1, rtt, rs)
}

// headersOf is what TCP_SAVED_SYN returns: network and transport header, with
// TCP_SAVE_SYN set to 2 also, since the device has no header of its own.
func headersOf(g *segment) []byte {
	p := &wire.Packet{Layers: g.packet.Layers}
	b, err := p.Marshal(wire.MarshalOptions{})
	if err != nil {
		return nil
	}
	return b
}

// TIME-WAIT.

// A timewait is what is left of a connection (struct tcp_timewait_sock).
type timewait struct {
	s              *Stack
	key            tuple
	v6             bool
	state          int // tcpTimeWait or tcpFinWait2
	rcvNxt, sndNxt uint32
	rcvWnd         uint32
	rcvWscale      uint8
	tsRecent       uint32
	tsRecentStamp  int64
	tstampOK       bool
	tos            uint8
	timer          timer
	lastOOWAck     uint64
	dropPort       func() // gives the port up
}

// timeWait turns a connection into a timewait (tcp_time_wait).
func (tp *tcpSock) timeWait(state int, wait int64) {
	s := tp.s
	tw := &timewait{
		s: s, key: tuple{tp.local, tp.remote}, v6: tp.v6, state: state,
		rcvNxt: tp.rcvNxt, sndNxt: tp.sndNxt, rcvWnd: tp.receiveWindow(), rcvWscale: tp.rcvWscale,
		tsRecent: tp.tsRecent, tsRecentStamp: tp.tsRecentStamp, tstampOK: tp.tstampOK, tos: tp.tos,
	}
	tw.timer.fn = tw.remove
	rto := tp.rto<<2 - tp.rto>>1
	wait = max(wait, rto)
	if state == tcpTimeWait {
		wait = s.msecsToJiffies(60_000)
	}
	tp.updateMetrics()
	tw.dropPort = s.keepPort(&tp.sock)
	tp.done()
	s.tcp.timewaits[tw.key] = tw
	s.modTimer(&tw.timer, s.jiffies()+uint64(wait))
}

func (tw *timewait) remove() {
	tw.s.delTimer(&tw.timer)
	tw.dropPort()
	if tw.s.tcp.timewaits[tw.key] == tw {
		delete(tw.s.tcp.timewaits, tw.key)
	}
}

// timewaitReceive is a segment for it (tcp_timewait_state_process). It reports
// whether the segment is dealt with: one that opens a new connection isn't.
func (s *Stack) timewaitReceive(tw *timewait, g *segment) bool {
	paws := false
	seen := g.opt.ts && tw.tstampOK && tw.tsRecentStamp != 0
	if seen {
		paws = pawsReject(tw.tsRecent, g.opt.tsval, g.flags&wire.RST != 0)
	}
	inWindow := func() bool {
		end := tw.rcvNxt + tw.rcvWnd
		return g.seq == tw.rcvNxt || after(g.endSeq, tw.rcvNxt) && before(g.seq, end) || g.seq == end && g.seq == g.endSeq
	}
	length := s.msecsToJiffies(60_000)
	if tw.state == tcpFinWait2 {
		if paws || !inWindow() {
			if !s.oowRateLimited(g, &tw.lastOOWAck) {
				tw.sendAck(g)
			}
			return true
		}
		if g.flags&wire.RST != 0 {
			tw.remove()
			return true
		}
		if g.flags&wire.SYN != 0 && !before(g.seq, tw.rcvNxt) {
			s.sendReset(nil, g)
			tw.remove()
			return true
		}
		if g.flags&wire.ACK == 0 || !after(g.endSeq, tw.rcvNxt) || g.endSeq == g.seq {
			return true
		}
		if g.flags&wire.FIN == 0 || g.endSeq != tw.rcvNxt+1 {
			// Data for nobody.
			s.sendReset(nil, g)
			tw.remove()
			return true
		}
		tw.state = tcpTimeWait
		tw.rcvNxt = g.endSeq
		if g.opt.ts {
			tw.tsRecent = g.opt.tsval
			tw.tsRecentStamp = int64(s.Wall(s.now) / time.Second)
		}
		s.modTimer(&tw.timer, s.jiffies()+uint64(length))
		tw.sendAck(g)
		return true
	}
	if !paws && g.seq == tw.rcvNxt && (g.seq == g.endSeq || g.flags&wire.RST != 0) {
		if g.flags&wire.RST != 0 {
			// RFC 1337 wants it ignored; Linux doesn't by default.
			if s.sysctl.tcpRfc1337 == 0 {
				tw.remove()
				return true
			}
		} else {
			s.modTimer(&tw.timer, s.jiffies()+uint64(length))
		}
		if g.opt.ts && tw.tstampOK {
			tw.tsRecent = g.opt.tsval
			tw.tsRecentStamp = int64(s.Wall(s.now) / time.Second)
		}
		return true
	}
	if g.flags&(wire.SYN|wire.RST|wire.ACK) == wire.SYN && !paws &&
		(after(g.seq, tw.rcvNxt) || seen && int32(tw.tsRecent-g.opt.tsval) < 0) {
		if l := s.findListener(g); l != nil {
			isn := tw.sndNxt + 65535 + 2
			if isn == 0 {
				isn++
			}
			tw.remove()
			l.connRequest(g, isn, true)
			return true
		}
	}
	if paws {
		s.count(mibPAWSEstab)
	}
	if g.flags&wire.RST == 0 {
		if paws || g.flags&wire.ACK != 0 {
			s.modTimer(&tw.timer, s.jiffies()+uint64(length))
		}
		if !s.oowRateLimited(g, &tw.lastOOWAck) {
			tw.sendAck(g)
		}
	}
	return true
}

func (tw *timewait) sendAck(g *segment) {
	t := &wire.TCP{
		SrcPort: tw.key.local.Port(), DstPort: tw.key.remote.Port(), Seq: tw.sndNxt, Ack: tw.rcvNxt,
		Flags: wire.ACK, Window: uint16(tw.rcvWnd >> tw.rcvWscale),
	}
	if tw.tstampOK {
		t.Options = []wire.TCPOption{nop, nop, {Kind: wire.OptTimestamp, Data: u32s(tsOf(tw.s.now), tw.tsRecent)}}
	}
	tw.s.reply(g, t, nil, tw.tos, causeTimewait)
}
