package gostack

import (
	"encoding/binary"
	"math/bits"
	"strings"

	"tcpdrill/engine/wire"
)

// Fast Open (RFC 7413), on both sides.

// Bits of the sysctl tcp_fastopen.
const (
	tfoClientEnable         = 1
	tfoServerEnable         = 2
	tfoClientNoCookie       = 4
	tfoServerCookieNotReqd  = 0x200
	tfoServerWithoutSockopt = 0x400
)

// A fastopenQueue is what a listener keeps of connections that have their socket
// before the handshake is over.
type fastopenQueue struct {
	max, n int
	key    string // TCP_FASTOPEN_KEY of the socket; "": the sysctl's
}

type tfoState struct {
	disabled uint64 // jiffies until which the client side is off; 0: it isn't
}

// A fastopenReq is a send that opens the connection.
type fastopenReq struct {
	cookie []byte // for the option; nil: none is sent
	option bool   // there is an option
	exp    bool
	msg    *message
	size   int
	copied int
}

// tryFastopen makes the socket of a connection at once if its SYN has a right cookie
// (tcp_try_fastopen). Otherwise it may put a cookie into the SYN-ACK.
func (l *tcpSock) tryFastopen(g *segment, r *request) *tcpSock {
	s := l.s
	data := g.endSeq != g.seq+1
	cookie, has := g.opt.fastopen, g.opt.fastopen != nil
	if has && len(cookie) == 0 {
		s.count(mibTCPFastOpenCookieReqd)
	}
	on := s.sysctl.tcpFastopen
	if on&tfoServerEnable == 0 || !data && !has || !l.fastopenQueueCheck() {
		return nil
	}
	free := on&tfoServerCookieNotReqd != 0 || l.fastopenNoCookie
	if route, _ := s.routeFor(r.key.remote.Addr()); route != nil && !free {
		n, _ := route.metric("fastopen_no_cookie")
		free = n > 0
	}
	valid := 0
	if !free {
		switch {
		case has && len(cookie) == 0:
			r.hasCookie, r.cookieExp = true, g.opt.fastopenExp
			r.cookie = l.fastopenCookie(g, 0)
			return nil
		case has:
			for i := range l.fastopenKeys() {
				if string(l.fastopenCookie(g, i)) == string(cookie) {
					valid = i + 1
					break
				}
			}
			if valid == 0 {
				s.count(mibTCPFastOpenPassiveFail)
				r.hasCookie, r.cookieExp = true, g.opt.fastopenExp
				r.cookie = l.fastopenCookie(g, 0)
				return nil
			}
		default:
			return nil
		}
	}
	if len(l.acceptQueue) > l.backlog {
		return nil
	}
	if valid == 2 {
		// The client is given one made with the first key.
		r.hasCookie, r.cookieExp, r.cookie = true, g.opt.fastopenExp, l.fastopenCookie(g, 0)
		s.count(mibTCPFastOpenPassiveAltKey)
	}
	s.count(mibTCPFastOpenPassive)
	return l.fastopenChild(g, r)
}

// fastopenChild makes the socket (tcp_fastopen_create_child).
func (l *tcpSock) fastopenChild(g *segment, r *request) *tcpSock {
	s := l.s
	tp := l.newChild(r, g)
	l.fastopenQ.n++
	tp.fastopenRequest = r
	tp.isTFOChild = true
	tp.sndWnd = uint32(g.window) // that of a SYN isn't scaled
	tp.maxWindow = tp.sndWnd
	tp.syncMSS(tp.pmtuCookie)
	r.timeout = s.msecsToJiffies(1000)
	tp.armXmitTimer(timeRetrans, r.timeout)
	tp.initTransfer()
	tp.rcvNxt = g.seq + 1
	tp.fastopenAddSkb(g)
	r.rcvNxt = tp.rcvNxt
	tp.rcvWup = tp.rcvNxt
	return tp
}

// fastopenAddSkb queues the data of a SYN or SYN-ACK (tcp_fastopen_add_skb).
func (tp *tcpSock) fastopenAddSkb(g *segment) {
	if g.endSeq == tp.rcvNxt {
		return
	}
	b := tp.newRcvSkb(g)
	b.seq = g.seq + 1
	b.flags &^= wire.SYN
	tp.rcvNxt = b.endSeq
	tp.receiveQueue.pushBack(b)
	tp.chargeReceived(b.truesize)
	tp.synDataAcked = true
	tp.bytesReceived = uint64(len(g.data))
	if g.flags&wire.FIN != 0 {
		tp.fin()
	}
}

func (l *tcpSock) fastopenQueueCheck() bool {
	q := l.fastopenQ
	if q == nil || q.max == 0 {
		return false
	}
	if q.n >= q.max {
		l.s.count(mibTCPFastOpenListenOverflow)
		return false
	}
	return true
}

// fastopenRemove ends the request of a Fast Open socket: its handshake is over, or
// it was reset.
func (tp *tcpSock) fastopenRemove(reset bool) {
	r := tp.fastopenRequest
	if r == nil {
		return
	}
	tp.fastopenRequest = nil
	if q := r.listener.fastopenQ; q != nil {
		q.n--
	}
}

// synrecvFastopen is the end of the handshake (tcp_rcv_synrecv_state_fastopen).
func (tp *tcpSock) synrecvFastopen() {
	if tp.caState == tcpCaLoss && tp.packetsOut == 0 {
		tp.tryUndoRecovery()
	}
	tp.updateRTOTime()
	tp.retransmits = 0
	if !tp.anyRetransDone() {
		tp.retransStamp = 0
	}
	tp.fastopenRemove(false)
	tp.rearmRTO()
}

// fastopenSynackTimer sends the SYN-ACK of a Fast Open socket again
// (tcp_fastopen_synack_timer).
func (tp *tcpSock) fastopenSynackTimer(r *request) {
	retries := tp.synRetries
	if retries == 0 {
		retries = int(tp.s.sysctl.tcpSynackRetries) + 1
	}
	if r.numTimeout >= retries {
		tp.writeError()
		return
	}
	if tp.retransmits == 1 {
		tp.enterLoss()
	}
	r.retransmitSynack()
	r.numTimeout++
	tp.updateRTOStats()
	if tp.retransStamp == 0 {
		tp.retransStamp = uint64(tsOf(tp.tcpMstamp))
	}
	tp.armXmitTimer(timeRetrans, r.timeout<<r.numTimeout)
}

// fastopenKeys are the keys that cookies are made with, the one in use first.
func (l *tcpSock) fastopenKeys() []string {
	keys := l.s.sysctl.tcpFastopenKey
	if l.fastopenQ != nil && l.fastopenQ.key != "" {
		keys = l.fastopenQ.key
	}
	return strings.Split(keys, ",")
}

// fastopenCookie is the cookie of a client: SipHash of both addresses.
func (l *tcpSock) fastopenCookie(g *segment, key int) []byte {
	var words [4]uint32
	for i, f := range strings.Split(l.fastopenKeys()[key], "-") {
		if i < 4 {
			words[i] = parseHex32(f)
		}
	}
	k0 := uint64(words[0]) | uint64(words[1])<<32
	k1 := uint64(words[2]) | uint64(words[3])<<32
	data := append(g.remote.Addr().AsSlice(), g.local.Addr().AsSlice()...)
	return binary.LittleEndian.AppendUint64(nil, siphash(k0, k1, data))
}

func parseHex32(s string) (n uint32) {
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			n = n<<4 | uint32(c-'0')
		case c >= 'a' && c <= 'f':
			n = n<<4 | uint32(c-'a'+10)
		case c >= 'A' && c <= 'F':
			n = n<<4 | uint32(c-'A'+10)
		}
	}
	return n
}

// siphash is SipHash-2-4 (Aumasson and Bernstein, 2012).
func siphash(k0, k1 uint64, data []byte) uint64 {
	v0, v1 := k0^0x736f6d6570736575, k1^0x646f72616e646f6d
	v2, v3 := k0^0x6c7967656e657261, k1^0x7465646279746573
	round := func() {
		v0 += v1
		v1 = bits.RotateLeft64(v1, 13) ^ v0
		v0 = bits.RotateLeft64(v0, 32)
		v2 += v3
		v3 = bits.RotateLeft64(v3, 16) ^ v2
		v0 += v3
		v3 = bits.RotateLeft64(v3, 21) ^ v0
		v2 += v1
		v1 = bits.RotateLeft64(v1, 17) ^ v2
		v2 = bits.RotateLeft64(v2, 32)
	}
	last := uint64(len(data)) << 56
	for ; len(data) >= 8; data = data[8:] {
		m := binary.LittleEndian.Uint64(data)
		v3 ^= m
		round()
		round()
		v0 ^= m
	}
	for i, c := range data {
		last |= uint64(c) << (8 * i)
	}
	v3 ^= last
	round()
	round()
	v0 ^= last
	v2 ^= 0xff
	for range 4 {
		round()
	}
	return v0 ^ v1 ^ v2 ^ v3
}

// The client.

// fastopenCookieCheck looks up the peer's cookie (tcp_fastopen_cookie_check). ok
// says that data may go with the SYN; if there is no cookie yet, the option asks for
// one.
func (tp *tcpSock) fastopenCookieCheck(f *fastopenReq) (ok bool) {
	s := tp.s
	if s.tcp.tfo.disabled != 0 && s.jiffies() < s.tcp.tfo.disabled {
		f.option = false
		return false
	}
	m := s.tcp.metrics.get(tp.remote.Addr())
	f.option = true
	if m != nil {
		if m.tfoMSS != 0 {
			tp.mssClamp = m.tfoMSS
		}
		f.cookie, f.exp = m.cookie, m.cookieExp
		if len(f.cookie) == 0 && m.tryExp == 1 {
			f.exp = true
		}
	}
	free := s.sysctl.tcpFastopen&tfoClientNoCookie != 0 || tp.fastopenNoCookie
	if route := tp.route(); route != nil && !free {
		n, _ := route.metric("fastopen_no_cookie")
		free = n > 0
	}
	if free {
		f.option = false
		return true
	}
	if len(f.cookie) > 0 {
		return true
	}
	tp.fastopenClientFail = 1 // TFO_COOKIE_UNAVAILABLE
	return false
}

// sendSynData sends the SYN of a Fast Open, with data if there is a cookie
// (tcp_send_syn_data).
func (tp *tcpSock) sendSynData(syn *skb) {
	f := tp.fastopenReq
	tp.mssClamp = uint16(tp.advmss)
	if !tp.fastopenCookieCheck(f) {
		if len(f.cookie) > 0 {
			f.cookie = nil
		}
		if !tp.transmit(syn, causeSyn) {
			tp.synFastopen = false
		}
		f.option = false
		return
	}
	if tp.userMSS > 0 && tp.userMSS < int(tp.mssClamp) {
		tp.mssClamp = uint16(tp.userMSS)
	}
	space := tp.mtuToMSS(tp.pmtuCookie) + (tp.tcpHeaderLen - 20) - maxTCPOptions
	space = min(space, f.size)
	b := &skb{head: &skbHead{dataref: 1}, seq: syn.seq, endSeq: syn.endSeq + uint32(space), flags: syn.flags,
		truesize: txTruesize + space, segs: 1}
	if space > 0 {
		b.data = f.msg.Take(space)
		tp.chrono.start(tp, chronoBusy)
	}
	f.copied = space
	tp.addQueued(b.truesize)
	tp.writeSeq = b.endSeq
	tp.packetsOut += uint32(b.segs)
	ok := tp.transmit(b, causeSyn)
	syn.sentAt = b.sentAt
	b.seq++
	b.flags = wire.ACK | wire.PSH
	if ok {
		tp.synData = space > 0
		tp.rtxQueue.pushBack(b)
		tp.s.count(mibTCPOrigDataSent)
	} else {
		tp.writeQueue.pushBack(b)
		tp.packetsOut -= uint32(b.segs)
	}
	f.option = false
}

// rcvFastopenSynack is the SYN-ACK (tcp_rcv_fastopen_synack). It reports whether the
// data of the SYN wasn't acknowledged, and was sent again.
func (tp *tcpSock) rcvFastopenSynack(g *segment) bool {
	s := tp.s
	var data *skb
	if tp.synData {
		data = tp.rtxQueue.first
	}
	mss := g.opt.mss
	if mss == 0 {
		mss = tcpMSSDefault
	}
	cookie, has := g.opt.fastopen, g.opt.fastopen != nil
	tryExp := 0
	switch {
	case !tp.synFastopen:
		has = false
	case tp.totalRetrans > 0: // the peer may never have seen the option
	case !has && !tp.synData:
		tryExp = 1
		if tp.synFastopenExp {
			tryExp = 2
		}
	}
	if !has {
		cookie = nil
	}
	s.tcp.metrics.setFastopen(tp.remote.Addr(), mss, cookie, g.opt.fastopenExp, tryExp)
	if data != nil {
		tp.fastopenClientFail = 2 // TFO_DATA_NOT_ACKED
		if tp.totalRetrans > 0 {
			tp.fastopenClientFail = 3 // TFO_SYN_RETRANSMITTED
		}
		for b := data; b != nil; b = b.next {
			tp.markLost(b)
		}
		if tp.caState != tcpCaLoss {
			tp.highSeq = tp.sndNxt
			tp.sndSsthresh = tp.currentSsthresh()
			tp.priorSsthresh = 0
			tp.undoMarker = 0
			tp.setCaState(tcpCaLoss)
		}
		tp.xmitRetransmitQueue()
		s.count(mibTCPFastOpenActiveFail)
		return true
	}
	tp.synDataAcked = tp.synData
	if tp.synDataAcked {
		s.count(mibTCPFastOpenActive)
		if tp.delivered > 1 {
			tp.delivered-- // SYN and data were counted as two
		}
	}
	tp.fastopenAddSkb(g)
	return false
}

// fastopenActiveDetectBlackhole turns Fast Open off for a while when connections
// with it die (RFC 7413 section 4.1.3.1).
func (tp *tcpSock) fastopenActiveDetectBlackhole(expired bool) {
	if (tp.synFastopen || tp.synData || tp.synDataAcked) && (tp.retransmits == 2 || tp.retransmits < 2 && expired) {
		if w := tp.s.sysctl.tcpFastopenBlackholeTimeoutSec; w > 0 {
			tp.s.tcp.tfo.disabled = tp.s.jiffies() + uint64(tp.s.msecsToJiffies(1000*w))
		}
	}
}
