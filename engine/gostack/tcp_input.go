package gostack

import (
	"net/netip"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
	"tcpdrill/engine/wire"
)

// What a segment that comes in does: found its socket, checked, its
// acknowledgment and its data worked through, in the order of RFC 9293 section
// 3.10.7.

// A segment is one that came in, or several that were received as one.
type segment struct {
	packet        *wire.Packet
	tcp           *wire.TCP
	local, remote netip.AddrPort
	v6            bool

	seq, endSeq, ack uint32
	flags            wire.TCPFlags
	window           uint16
	data             []byte
	gsoSize          int
	memory           rxMemory
	tos              uint8

	opt     optionsReceived
	sack    []sackBlock
	hasSack bool
}

// optionsReceived are a segment's options but SACK blocks.
type optionsReceived struct {
	mss          uint16 // 0: none
	wscale       int    // -1: none
	sackOK       bool
	ts           bool
	tsval, tsecr uint32
	fastopen     []byte // the cookie; nil: no option
	fastopenExp  bool
	md5          []byte
}

// A tuple is what tells connections apart.
type tuple struct{ local, remote netip.AddrPort }

// tcpState is what the stack keeps of TCP.
type tcpState struct {
	socks     map[tuple]*tcpSock
	requests  map[tuple]*request
	timewaits map[tuple]*timewait
	listeners []*tcpSock
	all       []*tcpSock // in the order in which they were made
	metrics   metrics
	isnCount  uint32
	challenge challengeLimit
	tfo       tfoState
}

func (s *Stack) initTCP() {
	s.tcp.socks = map[tuple]*tcpSock{}
	s.tcp.requests = map[tuple]*request{}
	s.tcp.timewaits = map[tuple]*timewait{}
	s.tcp.isnCount = 0x2545f491
}

// newISN makes an initial sequence number. RFC 6528 wants them hard to guess; here
// they only need to be all over the place.
func (s *Stack) newISN() uint32 {
	s.tcp.isnCount = s.tcp.isnCount*1664525 + 1013904223
	return s.tcp.isnCount
}

// receive takes a packet from the device.
func (s *Stack) receive(b []byte, gso engine.GSO) {
	p, err := wire.Parse(b)
	if err != nil {
		return
	}
	src, dst := p.IP()
	if !s.isLocal(dst) && !s.dev.anyIP {
		return
	}
	if !gso.NeedsChecksum && !wire.ChecksumOK(b) {
		s.badChecksum(p)
		return
	}
	switch {
	case p.TCP() != nil:
		s.tcpReceive(newSegment(p, src, dst, gso, len(b)))
	case p.UDP() != nil:
		s.udpReceive(p, gso, len(b))
	case p.ICMP() != nil:
		s.icmpReceive(p)
	}
}

// badChecksum counts a packet whose checksum is wrong. It comes no further.
func (s *Stack) badChecksum(p *wire.Packet) {
	v6 := p.V6() != nil
	_, dst := p.IP()
	switch {
	case p.TCP() != nil:
		s.count(mibTcpInSegs)
		s.count(mibTcpInCsumErrors)
		s.count(mibTcpInErrs)
	case p.UDP() != nil:
		s.countUDP(mibUdpInCsumErrors, dst)
		s.countUDP(mibUdpInErrors, dst)
	case v6:
		s.count(mibIcmp6InMsgs)
		s.count(mibIcmp6InCsumErrors)
		s.count(mibIcmp6InErrors)
	default:
		s.count(mibIcmpInMsgs)
		s.count(mibIcmpInCsumErrors)
		s.count(mibIcmpInErrors)
	}
}

// tcpChecksumEnd is where the checksum ends in a TCP header, in bytes.
const tcpChecksumEnd = 18

func newSegment(p *wire.Packet, src, dst netip.Addr, gso engine.GSO, size int) *segment {
	t := p.TCP()
	g := &segment{
		packet: p, tcp: t, v6: p.V6() != nil,
		local: netip.AddrPortFrom(dst, t.DstPort), remote: netip.AddrPortFrom(src, t.SrcPort),
		seq: t.Seq, endSeq: t.Seq + t.SegLen(len(p.Payload)), ack: t.Ack, flags: t.Flags, window: t.Window,
		data: p.Payload, tos: p.TOS(),
	}
	upTo := 0
	if gso.NeedsChecksum {
		upTo = size - len(p.Payload) - t.HeaderLen + tcpChecksumEnd
	}
	g.memory = newRxMemory(size, upTo)
	if gso.Type != engine.GSONone && gso.Size > 0 && len(g.data) > gso.Size {
		g.gsoSize = gso.Size
	}
	g.parseOptions()
	return g
}

// parseOptions takes the options apart. What has a wrong length is ignored.
func (g *segment) parseOptions() {
	o := &g.opt
	o.wscale = -1
	for _, x := range g.tcp.Options {
		d := x.Data
		switch x.Kind {
		case wire.OptMSS:
			if len(d) == 2 && g.flags&wire.SYN != 0 {
				o.mss = uint16(d[0])<<8 | uint16(d[1])
			}
		case wire.OptWScale:
			if len(d) == 1 && g.flags&wire.SYN != 0 {
				o.wscale = min(int(d[0]), 14)
			}
		case wire.OptSACKOK:
			if g.flags&wire.SYN != 0 {
				o.sackOK = true
			}
		case wire.OptTimestamp:
			if len(d) == 8 {
				o.ts = true
				o.tsval, o.tsecr = be32(d), be32(d[4:])
			}
		case wire.OptSACK:
			for ; len(d) >= 8; d = d[8:] {
				g.sack = append(g.sack, sackBlock{be32(d), be32(d[4:])})
			}
		case wire.OptFastOpen:
			if g.flags&wire.SYN != 0 && cookieOK(d) {
				o.fastopen = append([]byte{}, d...)
			}
		case wire.OptExp:
			if g.flags&wire.SYN != 0 && len(d) >= 2 && cookieOK(d[2:]) && int(d[0])<<8|int(d[1]) == wire.FastOpenMagic {
				o.fastopen, o.fastopenExp = append([]byte{}, d[2:]...), true
			}
		case wire.OptMD5:
			if len(d) == 16 {
				o.md5 = d
			}
		}
	}
	g.hasSack = len(g.sack) > 0
	if len(g.sack) > 4 {
		g.sack = g.sack[:4]
	}
}

// cookieOK reports whether a Fast Open cookie has a length that it may have; none asks
// for one.
func cookieOK(cookie []byte) bool {
	n := len(cookie)
	return n%2 == 0 && (n == 0 || n >= 4 && n <= 16)
}

func be32(b []byte) uint32 {
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// tcpReceive finds who a segment is for (tcp_v4_rcv).
func (s *Stack) tcpReceive(g *segment) {
	s.count(mibTcpInSegs)
	key := tuple{g.local, g.remote}
	if tp := s.tcp.socks[key]; tp != nil {
		if tp.md5Reject(g) || tp.ttlReject(g) {
			return
		}
		tp.doReceive(g)
		return
	}
	if r := s.tcp.requests[key]; r != nil {
		if r.listener.md5Reject(g) {
			return
		}
		s.requestReceive(r, g)
		return
	}
	if tw := s.tcp.timewaits[key]; tw != nil {
		if s.timewaitReceive(tw, g) {
			return
		}
	}
	if l := s.findListener(g); l != nil {
		if l.md5Reject(g) || l.ttlReject(g) {
			return
		}
		l.listenReceive(g)
		return
	}
	s.sendReset(nil, g)
}

// ttlReject is IP_MINTTL (RFC 5082).
func (tp *tcpSock) ttlReject(g *segment) bool {
	if tp.minttl > 0 && int(g.packet.TTL()) < tp.minttl {
		tp.s.count(mibTCPMinTTLDrop)
		return true
	}
	return false
}

// findListener returns the listener that a segment without a connection is for: the
// one bound most exactly.
func (s *Stack) findListener(g *segment) *tcpSock {
	var best *tcpSock
	score := 0
	for _, l := range s.tcp.listeners {
		if l.local.Port() != g.local.Port() {
			continue
		}
		a := l.local.Addr()
		n := 1
		switch {
		case a.IsValid() && !a.IsUnspecified():
			if a != g.local.Addr() {
				continue
			}
			n = 3
		case g.v6:
			if l.family != abi.AfInet6 {
				continue
			}
		case l.family == abi.AfInet:
			n = 2
		case l.v6only:
			continue
		}
		if n > score {
			best, score = l, n
		}
	}
	return best
}

// sendReset answers a segment that belongs to nothing (RFC 9293 section 3.5.2).
func (s *Stack) sendReset(tp *tcpSock, g *segment) {
	if g.flags&wire.RST != 0 {
		return
	}
	t := &wire.TCP{SrcPort: g.local.Port(), DstPort: g.remote.Port(), Flags: wire.RST}
	if g.flags&wire.ACK != 0 {
		t.Seq = g.ack
	} else {
		t.Flags |= wire.ACK
		t.Ack = g.endSeq
	}
	signed := tp != nil && tp.md5For(g.remote.Addr()) != nil
	if signed {
		t.Options = md5Room()
	}
	s.count(mibTcpOutRsts)
	s.reply(g, t, tp, 0, causeReset)
}

// reply sends a bare segment back to where one came from, without a connection.
func (s *Stack) reply(g *segment, t *wire.TCP, tp *tcpSock, tos uint8, cause string) {
	s.count(mibTcpOutSegs)
	src, dst := g.local.Addr(), g.remote.Addr()
	var ip wire.Layer = &wire.IPv4{TTL: uint8(s.sysctl.ipDefaultTtl), DF: true, TOS: tos, Src: src, Dst: dst}
	if g.v6 {
		ip = &wire.IPv6{HopLimit: 64, TrafficClass: tos, Src: src, Dst: dst}
	}
	p := &wire.Packet{Layers: []wire.Layer{ip, t}}
	if tp != nil && t.Option(wire.OptMD5) != nil {
		signPacket(p, t, tp.md5For(dst))
	}
	b, err := p.Marshal(wire.MarshalOptions{})
	if err != nil {
		return
	}
	s.devXmit(&packet{captured: &engine.Captured{Data: b, Cause: cause}})
}

// doReceive works through a segment of a connection (tcp_v4_do_rcv).
func (tp *tcpSock) doReceive(g *segment) {
	// A joined one counts once: how many it was made of isn't known (gso_segs).
	tp.segsIn++
	if len(g.data) > 0 {
		tp.dataSegsIn++
	}
	if tp.state == tcpEstablished {
		tp.receiveEstablished(g)
		return
	}
	if tp.stateProcess(g) {
		tp.s.sendReset(tp, g)
	}
}

// fastPathOn says that the next segment is expected to be an ordinary one with the
// window as it is (tcp_fast_path_on).
func (tp *tcpSock) fastPathOn() {
	tp.predOn, tp.predWnd = true, uint16(tp.sndWnd>>tp.sndWscale)
}

// fastPathCheck does so unless something extraordinary is under way.
func (tp *tcpSock) fastPathCheck() {
	if tp.ofoQueue.empty() && tp.rcvWnd > 0 && tp.rmemAlloc < tp.rcvbuf && tp.urgData == 0 {
		tp.fastPathOn()
	}
}

// predicted reports whether a segment is an ordinary one (header prediction).
func (tp *tcpSock) predicted(g *segment) bool {
	const special = wire.FIN | wire.SYN | wire.RST | wire.URG | wire.ECE | wire.CWR | wire.AE | wire.ACK
	if !tp.predOn || g.flags&special != wire.ACK || g.window != tp.predWnd ||
		g.tcp.HeaderLen != tp.tcpHeaderLen || g.seq != tp.rcvNxt || !between(g.ack, tp.sndUna, tp.sndNxt) {
		return false
	}
	if tp.tcpHeaderLen == 32 {
		if !g.opt.ts || len(g.tcp.Options) != 3 {
			return false
		}
		if int32(g.opt.tsval-tp.tsRecent) < 0 {
			return false // PAWS must look at it
		}
	}
	return true
}

// receiveEstablished works through a segment in the established state
// (tcp_rcv_established).
func (tp *tcpSock) receiveEstablished(g *segment) {
	tp.refreshMstamp()
	tp.sawTstamp = false
	if tp.predicted(g) {
		if g.opt.ts {
			tp.sawTstamp, tp.rcvTsval, tp.rcvTsecr = true, g.opt.tsval, g.opt.tsecr
		}
		if len(g.data) == 0 {
			if tp.tcpHeaderLen == 32 && tp.rcvNxt == tp.rcvWup {
				tp.storeTsRecent()
			}
			tp.ackIn(g, 0)
			tp.dataSndCheck()
			tp.rcvRTT.tsecr = tp.rcvTsecr
			return
		}
		if g.memory.truesize() <= tp.fwdAlloc {
			if tp.tcpHeaderLen == 32 && tp.rcvNxt == tp.rcvWup {
				tp.storeTsRecent()
			}
			tp.rcvRTTMeasureTS(g)
			tp.queueRcv(g)
			tp.eventDataRecv(g)
			if g.ack != tp.sndUna {
				tp.ackIn(g, flagData)
				tp.dataSndCheck()
				if tp.ackPending&ackSched == 0 {
					tp.dataReady()
					return
				}
			} else {
				tp.sndWl1 = g.seq
			}
			tp.ackSndCheckOfo(false)
			tp.dataReady()
			return
		}
	}
	if g.flags&(wire.ACK|wire.RST|wire.SYN) == 0 {
		return
	}
	if !tp.validateIncoming(g) {
		return
	}
	if g.flags&wire.ACK == 0 {
		return
	}
	if tp.ackIn(g, flagSlowPath|flagUpdateTsRecent) < 0 {
		return
	}
	tp.rcvRTTMeasureTS(g)
	tp.urgent(g)
	tp.dataQueue(g)
	tp.dataSndCheck()
	tp.ackSndCheck()
}

// dataSndCheck sends what an acknowledgment let go (tcp_data_snd_check).
func (tp *tcpSock) dataSndCheck() {
	restore := tp.because(causeAck)
	tp.pushPendingFrames()
	restore()
	tp.checkSpace()
}

// checkSpace wakes writers that wait for room (tcp_check_space).
func (tp *tcpSock) checkSpace() {
	if !tp.needSpaceWake {
		return
	}
	tp.newSpace()
	if !tp.needSpaceWake {
		tp.chrono.stop(tp, chronoSndbufLimited)
	}
}

// newSpace is room in the send buffer, and perhaps a larger one (tcp_new_space).
func (tp *tcpSock) newSpace() {
	if tp.shouldExpandSndbuf() {
		tp.sndbufExpand()
		tp.sndCwndStamp = tp.s.jiffies()
	}
	tp.writeSpace()
}

// writeSpace tells that there is room again, once a third of the buffer is free
// (sk_stream_write_space).
func (tp *tcpSock) writeSpace() {
	if tp.streamIsWriteable() && tp.needSpaceWake {
		tp.needSpaceWake = false
		tp.wait.Wake(abi.EpollOut | abi.EpollWrnorm | abi.EpollWrband)
	}
}

func (tp *tcpSock) shouldExpandSndbuf() bool {
	return !tp.sndbufLocked && tp.inFlight() < tp.sndCwnd
}

// sndbufExpand makes the send buffer large enough for the window, twice.
func (tp *tcpSock) sndbufExpand() {
	per := max(int(tp.mssClamp), tp.mssCache) + maxTCPHeader + skbShared
	pow := 1
	for pow < per {
		pow <<= 1
	}
	per = pow + skbStruct
	segs := max(tcpInitCwnd, int(tp.sndCwnd), tp.reordering+1)
	if mem := 2 * segs * per; tp.sndbuf < mem {
		tp.sndbuf = min(mem, int(tp.s.sysctl.tcpWmem[2]))
	}
}

// storeTsRecent takes over the segment's time stamp (RFC 7323 section 4.3).
func (tp *tcpSock) storeTsRecent() {
	tp.tsRecent = tp.rcvTsval
	tp.tsRecentStamp = int64(tp.s.Wall(tp.s.now) / time.Second)
}

func (tp *tcpSock) replaceTsRecent(g *segment) {
	if tp.sawTstamp && !after(g.seq, tp.rcvWup) && tp.pawsOK(0) {
		tp.storeTsRecent()
	}
}

// pawsOK reports whether the time stamp isn't older than the last one, by more than
// a window (RFC 7323 section 5).
func (tp *tcpSock) pawsOK(window int32) bool {
	if int32(tp.tsRecent-tp.rcvTsval) <= window {
		return true
	}
	const days24 = 60 * 60 * 24 * 24
	if int64(tp.s.Wall(tp.s.now)/time.Second) >= tp.tsRecentStamp+days24 {
		return true
	}
	return tp.tsRecent == 0
}

// disorderedAck lets a duplicate acknowledgment through whose time stamp is a little
// old: networks reorder them.
func (tp *tcpSock) disorderedAck(g *segment) bool {
	replay := int32(tp.s.jiffiesToUsecs(tp.rto) * 12 / 10 / 1000)
	return g.flags&wire.ACK != 0 && g.seq == g.endSeq && g.seq == tp.rcvNxt && g.ack == tp.sndUna &&
		!tp.mayUpdateWindow(g.ack, g.seq, uint32(g.window)<<tp.sndWscale) &&
		int32(tp.tsRecent-tp.rcvTsval) <= replay
}

// takeTimestamp notes the segment's time stamps.
func (tp *tcpSock) takeTimestamp(g *segment) bool {
	tp.sawTstamp = false
	if !tp.tstampOK || !g.opt.ts {
		return false
	}
	tp.sawTstamp, tp.rcvTsval, tp.rcvTsecr = true, g.opt.tsval, g.opt.tsecr
	return true
}

// acceptable reports whether any of a segment is inside the window (RFC 9293 section
// 3.10.7.4).
func (tp *tcpSock) acceptable(g *segment) bool {
	return !before(g.endSeq, tp.rcvWup) && !after(g.seq, tp.rcvNxt+tp.receiveWindow())
}

// validateIncoming checks time stamp, sequence number, RST and SYN
// (tcp_validate_incoming), and reports whether to go on with the segment.
func (tp *tcpSock) validateIncoming(g *segment) bool {
	s := tp.s
	rst, syn := g.flags&wire.RST != 0, g.flags&wire.SYN != 0
	if tp.takeTimestamp(g) && !tp.pawsOK(1) && !tp.disorderedAck(g) {
		if !rst {
			s.count(mibPAWSEstab)
			if syn {
				tp.synChallenge()
				return false
			}
			if !tp.s.oowRateLimited(g, &tp.lastOOWAck) {
				tp.sendDupAck(g)
			}
			return false
		}
	}
	if !tp.acceptable(g) {
		switch {
		case !rst && syn:
			tp.synChallenge()
		case !rst:
			if !tp.s.oowRateLimited(g, &tp.lastOOWAck) {
				tp.sendDupAck(g)
			}
		case tp.resetCheck(g):
			tp.reset()
		}
		return false
	}
	if rst {
		// RFC 5961 section 3.2: exactly at what comes next, or behind the highest
		// that has been received.
		ok := g.seq == tp.rcvNxt || tp.resetCheck(g)
		if !ok && tp.sackOK && len(tp.selectiveAcks) > 0 {
			highest := tp.selectiveAcks[0].end
			for _, b := range tp.selectiveAcks[1:] {
				if after(b.end, highest) {
					highest = b.end
				}
			}
			ok = g.seq == highest
		}
		if ok {
			tp.reset()
			return false
		}
		tp.sendChallengeAck()
		return false
	}
	if syn {
		if tp.state == tcpSynRecv && tp.listener == nil && !tp.released && g.flags&wire.ACK != 0 && g.seq+1 == g.endSeq &&
			g.seq+1 == tp.rcvNxt && g.ack == tp.sndNxt {
			return true // both sides opened at once
		}
		tp.synChallenge()
		return false
	}
	return true
}

func (tp *tcpSock) synChallenge() {
	tp.s.count(mibTCPSYNChallenge)
	tp.sendChallengeAck()
}

// resetCheck lets a RST through that comes after a FIN, with the sequence number
// before it.
func (tp *tcpSock) resetCheck(g *segment) bool {
	return g.seq == tp.rcvNxt-1 && tp.inState(tcpCloseWait, tcpLastAck, tcpClosing)
}

// rateLimited keeps two sides from answering each other for ever.
func (s *Stack) rateLimited(last *uint64) bool {
	now := s.jiffies()
	if *last != 0 && int64(now-*last) < s.msecsToJiffies(s.sysctl.tcpInvalidRatelimit) {
		return true
	}
	*last = now
	return false
}

// oowRateLimited is that for answers to what is out of the window: data is always
// answered (tcp_oow_rate_limited).
func (s *Stack) oowRateLimited(g *segment, last *uint64) bool {
	if g.seq != g.endSeq && g.flags&wire.SYN == 0 {
		return false
	}
	return s.rateLimited(last)
}

type challengeLimit struct {
	stamp uint64
	count int64
}

// sendChallengeAck asks the peer whether it meant it (RFC 5961).
func (tp *tcpSock) sendChallengeAck() {
	if !tp.s.rateLimited(&tp.lastOOWAck) && tp.s.challengeAllowed() {
		tp.sendAck(causeChallenge)
	}
}

// challengeAllowed reports whether the host may send another challenge ACK in this
// second, and counts it.
func (s *Stack) challengeAllowed() bool {
	// No limit is 2147483647, and 0 as well: a random number below 0 is any.
	if limit := s.sysctl.tcpChallengeAckLimit; limit != 0 && limit < 1<<31-1 {
		now := s.jiffies() / uint64(time.Second/s.tick)
		c := &s.tcp.challenge
		if now != c.stamp {
			c.stamp, c.count = now, limit
		}
		if c.count <= 0 {
			return false
		}
		c.count--
	}
	s.count(mibTCPChallengeACK)
	return true
}

// sendDupAck answers a segment that isn't acceptable, with a DSACK if it carries
// old data (tcp_send_dupack).
func (tp *tcpSock) sendDupAck(g *segment) {
	if g.endSeq != g.seq && before(g.seq, tp.rcvNxt) {
		tp.s.count(mibDelayedACKLost)
		tp.enterQuickack(maxQuickacks)
		if tp.sackOK && tp.s.sysctl.tcpDsack != 0 {
			end := g.endSeq
			if after(end, tp.rcvNxt) {
				end = tp.rcvNxt
			}
			tp.dsackSet(g.seq, end)
		}
	}
	tp.sendAck(causeDupAck)
}
