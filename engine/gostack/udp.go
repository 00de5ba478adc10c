package gostack

import (
	"net/netip"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
	"tcpdrill/engine/process"
	"tcpdrill/engine/wire"
)

// UDP sockets (RFC 768), over both versions of IP.

type udpSock struct {
	sock
	received               []*datagram
	cork                   bool // UDP_CORK
	pending                *udpSend
	gsoSize                int // UDP_SEGMENT
	gro                    bool
	noCheck6Tx, noCheck6Rx bool
	connectedTo            bool
}

// A datagram is one that came in, or several that were joined.
type datagram struct {
	data     []byte
	gsoSize  int // how long each was but the last; 0: it is one
	from, to netip.AddrPort
	tos, ttl uint8
	at       time.Duration
	truesize int
}

// A udpSend is a datagram on its way out: with MSG_MORE it takes several calls.
type udpSend struct {
	to      netip.AddrPort
	src     netip.Addr
	data    []byte
	tos     uint8
	ttl     uint8
	gsoSize int
	stamps  uint32 // sofTx*
}

const (
	udpHeaderLen   = 8
	udpMaxSegments = 128 // of a send with UDP_SEGMENT
	causeUDP       = causeWrite
	causeICMP      = "icmp"
)

func (s *Stack) newUDP(family int) socket {
	u := &udpSock{}
	u.s, u.self = s, u
	u.family, u.typ, u.protocol = family, abi.SockDgram, abi.IpprotoUDP
	u.initSock()
	return u
}

func addrOnly(a netip.Addr) netip.AddrPort { return netip.AddrPortFrom(a, 0) }

func (u *udpSock) Bind(_ *task, addr []byte) errno { return u.bindSockaddr(addr) }

func (u *udpSock) Listen(*task, int) errno                    { return abi.EOPNOTSUPP }
func (u *udpSock) Accept(*task, bool) (process.Socket, errno) { return nil, abi.EOPNOTSUPP }

func (u *udpSock) Release(*task) errno {
	u.released = true
	u.s.releasePort(&u.sock)
	u.received, u.pending = nil, nil
	return 0
}

// parseDestination reads where to send or to connect to. An IPv6 socket takes IPv4
// addresses, too.
func (u *udpSock) parseDestination(addr []byte) (netip.AddrPort, errno) {
	if u.family == abi.AfInet6 && abi.SockaddrFamily(addr) == abi.AfInet {
		switch {
		case u.v6only:
			return netip.AddrPort{}, abi.EAFNOSUPPORT
		case len(addr) < abi.SockaddrInLen:
			return netip.AddrPort{}, abi.EINVAL
		}
		a, _ := abi.ParseSockaddr(addr)
		return a, 0
	}
	return u.parsePeer(addr)
}

// loopback stands for the unspecified address as a destination.
func loopback(a netip.AddrPort) netip.AddrPort {
	switch {
	case !a.Addr().IsUnspecified():
		return a
	case a.Addr().Is4():
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
	}
	return netip.AddrPortFrom(netip.IPv6Loopback(), a.Port())
}

var broadcastAddr = netip.AddrFrom4([4]byte{255, 255, 255, 255})

func (u *udpSock) Connect(_ *task, addr []byte, _ bool) errno {
	if len(addr) < 2 {
		return abi.EINVAL
	}
	if abi.SockaddrFamily(addr) == abi.AfUnspec {
		u.disconnect()
		return 0
	}
	if e := u.s.autobind(&u.sock); e != 0 {
		return e
	}
	to, e := u.parseDestination(addr)
	if e != 0 {
		return e
	}
	to = loopback(to)
	if to.Addr() == broadcastAddr && !u.broadcast {
		return abi.EACCES
	}
	r, e := u.s.routeFor(to.Addr())
	if e != 0 {
		return e
	}
	if !u.local.Addr().IsValid() || u.local.Addr().IsUnspecified() {
		u.local = netip.AddrPortFrom(r.src, u.local.Port())
	}
	u.remote = to
	u.connectedTo = true
	u.s.ports.ids++
	u.ipid = uint16(u.s.ports.ids) << 8
	return 0
}

// disconnect is connect with AF_UNSPEC.
func (u *udpSock) disconnect() {
	u.remote, u.connectedTo = netip.AddrPort{}, false
	if !u.addrBound {
		ip := netip.IPv4Unspecified()
		if u.family == abi.AfInet6 {
			ip = netip.IPv6Unspecified()
		}
		u.local = netip.AddrPortFrom(ip, u.local.Port())
	}
	if !u.portBound {
		u.s.releasePort(&u.sock)
		u.local = netip.AddrPortFrom(u.local.Addr(), 0)
	}
}

func (u *udpSock) Shutdown(how int) errno {
	if !u.connectedTo {
		return abi.ENOTCONN
	}
	u.shut |= how + 1
	u.wait.Wake(abi.EpollIn | abi.EpollOut | abi.EpollRdhup | abi.EpollHup)
	return 0
}

func (u *udpSock) Read(t *task, iov [][]byte, nonblock bool) (int, errno) {
	return u.Recvmsg(t, &message{Iov: iov, Nonblock: nonblock})
}

func (u *udpSock) Write(t *task, iov [][]byte, nonblock bool) (int, errno) {
	return u.Sendmsg(t, &message{Iov: iov, Nonblock: nonblock})
}

// recvmsg is udp_recvmsg.
func (u *udpSock) Recvmsg(t *task, m *message) (int, errno) {
	if m.Flags&abi.MsgErrqueue != 0 {
		return u.recvError(t, m)
	}
	if m.Flags&abi.MsgOob != 0 && u.family == abi.AfInet6 {
		return 0, abi.EOPNOTSUPP
	}
	if e := u.sockError(); e != 0 {
		return 0, e
	}
	if len(u.received) == 0 {
		switch {
		case m.Nonblock || m.Flags&abi.MsgDontwait != 0 || t.Expired():
			return 0, abi.EAGAIN // whether it is shut down or not (__skb_recv_udp)
		case u.shut&rcvShutdown != 0:
			return 0, 0
		}
		return 0, t.Wait(&u.wait, u.rcvtimeo)
	}
	d := u.received[0]
	if m.Flags&abi.MsgPeek == 0 {
		u.received = u.received[1:]
		u.rmemAlloc -= d.truesize
		u.s.countUDP(mibUdpInDatagrams, d.to.Addr())
	}
	n := m.Scatter(d.data)
	if n < len(d.data) {
		m.OutFlags |= abi.MsgTrunc
		if m.Flags&abi.MsgTrunc != 0 {
			n = len(d.data)
		}
	}
	u.recvCmsgs(m, d)
	m.From = u.putSockaddr(d.from)
	return n, 0
}

// recvCmsgs adds the control messages that the socket wants, in Linux's order.
func (u *udpSock) recvCmsgs(m *message, d *datagram) {
	stamp := u.s.Wall(d.at)
	u.putStamps(m, stamp, false)
	if u.rxqOvfl && u.drops > 0 {
		u.putCmsg(m, abi.SolSocket, abi.SoRxqOvfl, intAnswer(u.drops))
	}
	if u.rcvmark {
		u.putCmsg(m, abi.SolSocket, abi.SoMark, intAnswer(0))
	}
	if u.gro && d.gsoSize > 0 {
		u.putCmsg(m, abi.SolUDP, abi.UdpGro, intAnswer(d.gsoSize))
	}
	u.putIPCmsgs(m, d)
}

// putIPCmsgs adds those of the IP header (ip_cmsg_recv, ip6_datagram_recv_ctl).
func (u *sock) putIPCmsgs(m *message, d *datagram) {
	if d.to.Addr().Is6() {
		if u.pktinfo6 {
			u.putPktinfo(m, d.to.Addr())
		}
		if u.recvhoplimit6 {
			u.putCmsg(m, abi.SolIPv6, abi.Ipv6Hoplimit, intAnswer(int(d.ttl)))
		}
		if u.recvtclass6 {
			u.putCmsg(m, abi.SolIPv6, abi.Ipv6Tclass, intAnswer(int(d.tos)))
		}
		if u.recvorigdst {
			u.putCmsg(m, abi.SolIPv6, abi.Ipv6Origdstaddr, abi.AppendSockaddr(nil, abi.AfInet6, d.to))
		}
		return
	}
	if u.pktinfo6 {
		mapped := netip.AddrFrom16(d.to.Addr().As16())
		u.putPktinfo(m, mapped)
	}
	if u.pktinfo {
		u.putPktinfo(m, d.to.Addr())
	}
	if u.recvttl {
		u.putCmsg(m, abi.SolIP, abi.IpTtl, intAnswer(int(d.ttl)))
	}
	if u.recvtos {
		u.putCmsg(m, abi.SolIP, abi.IpTos, []byte{d.tos})
	}
	if u.recvorigdst {
		u.putCmsg(m, abi.SolIP, abi.IpOrigdstaddr, abi.AppendSockaddr(nil, abi.AfInet, d.to))
	}
}

// poll is datagram_poll.
func (u *udpSock) Poll() uint32 {
	mask := uint32(0)
	if u.err != 0 || len(u.errQueue) > 0 {
		mask |= abi.EpollErr
		if u.selectErrQueue {
			mask |= abi.EpollPri
		}
	}
	if u.shut&rcvShutdown != 0 {
		mask |= abi.EpollRdhup | abi.EpollIn | abi.EpollRdnorm
	}
	if u.shut == bothShutdown {
		mask |= abi.EpollHup
	}
	if len(u.received) > 0 {
		mask |= abi.EpollIn | abi.EpollRdnorm
	}
	if u.wmemAlloc < u.sndbuf>>1 {
		mask |= abi.EpollOut | abi.EpollWrnorm | abi.EpollWrband
	}
	return mask
}

func (u *udpSock) Ioctl(_ *task, cmd int) (int, errno) {
	switch cmd {
	case abi.Siocinq:
		if len(u.received) == 0 {
			return 0, 0
		}
		return len(u.received[0].data), 0
	case abi.Siocoutq:
		return u.wmemAlloc, 0
	}
	return 0, abi.ENOTTY
}

func (u *udpSock) setsockopt(t *task, name int, val []byte) errno {
	if len(val) < 4 {
		return abi.EINVAL
	}
	v := int(int32(le.Uint32(val)))
	switch name {
	case abi.UdpCork:
		u.cork = v != 0
		if d := u.pending; d != nil && !u.cork {
			u.pending = nil
			u.xmit(d)
		}
	case abi.UdpSegment:
		if v < 0 || v > 0xffff {
			return abi.EINVAL
		}
		u.gsoSize = v
	case abi.UdpGro:
		u.gro = v != 0
	case abi.UdpNoCheck6Tx:
		u.noCheck6Tx = v != 0
	case abi.UdpNoCheck6Rx:
		u.noCheck6Rx = v != 0
	default:
		return t.Missing("UDP_", name)
	}
	return 0
}

func (u *udpSock) getsockopt(t *task, name int, val []byte) (int, errno) {
	v := 0
	switch name {
	case abi.UdpCork:
		v = b2i(u.cork)
	case abi.UdpSegment:
		v = u.gsoSize
	case abi.UdpGro:
		v = b2i(u.gro)
	case abi.UdpNoCheck6Tx:
		v = b2i(u.noCheck6Tx)
	case abi.UdpNoCheck6Rx:
		v = b2i(u.noCheck6Rx)
	default:
		return 0, t.Missing("UDP_", name)
	}
	return copy(val, intAnswer(v)), 0
}

// udpLookup returns the socket that is bound to a local address most exactly, and
// connected to the peer if it is connected.
func (s *Stack) udpLookup(local, remote netip.AddrPort) *udpSock {
	var best *udpSock
	most := 0
	for i := len(s.ports.udp) - 1; i >= 0; i-- {
		u, ok := s.ports.udp[i].sk.self.(*udpSock)
		if !ok || u.local.Port() != local.Port() {
			continue
		}
		score := 1
		if u.family == abi.AfInet {
			score++
		}
		a := u.local.Addr()
		switch {
		case a.IsValid() && !a.IsUnspecified():
			if a != local.Addr() {
				continue
			}
			score += 4
		case local.Addr().Is4() && u.family == abi.AfInet6 && u.v6only, local.Addr().Is6() && u.family == abi.AfInet:
			continue
		}
		if u.connectedTo {
			if u.remote != remote {
				continue
			}
			score += 8
		}
		if score > most {
			best, most = u, score
		}
	}
	return best
}

// setIP notes what is needed of the IP header.
func (d *datagram) setIP(p *wire.Packet) {
	if ip := p.V4(); ip != nil {
		d.tos, d.ttl = ip.TOS, ip.TTL
	} else if ip := p.V6(); ip != nil {
		d.tos, d.ttl = ip.TrafficClass, ip.HopLimit
	}
}

// udpReceive takes a datagram that came in, or several that were joined, in a packet of
// size bytes. Those are cut again for a socket that doesn't ask for them
// (udp_unexpected_gso, udp_rcv_segment).
func (s *Stack) udpReceive(p *wire.Packet, gso engine.GSO, size int) {
	h := p.UDP()
	src, dst := p.IP()
	from, to := netip.AddrPortFrom(src, h.SrcPort), netip.AddrPortFrom(dst, h.DstPort)
	u := s.udpLookup(to, from)
	if u == nil {
		s.udpNoPort(p)
		return
	}
	headers := size - len(p.Payload)
	upTo := 0
	if gso.NeedsChecksum {
		upTo = headers // it is the last of them
	}
	memory := newRxMemory(size, upTo)
	if gso.Type != engine.GSOUDP || u.gro {
		u.receive(&datagram{data: p.Payload, from: from, to: to, gsoSize: gso.Size, truesize: memory.truesize()}, p)
		return
	}
	for _, piece := range wire.Cut(p, gso.Size, false) {
		n := len(piece.Payload)
		d := &datagram{data: piece.Payload, from: from, to: to, truesize: rxTruesize(headers + n)}
		if memory.bare { // what is in pages isn't copied
			d.truesize = rxTruesize(headers) + n
		}
		u.receive(d, piece)
	}
}

// udpNoPort answers a datagram that is nobody's.
func (s *Stack) udpNoPort(p *wire.Packet) {
	_, dst := p.IP()
	s.countUDP(mibUdpNoPorts, dst)
	b, err := p.Marshal(wire.MarshalOptions{})
	switch {
	case err != nil:
	case dst.Is4():
		s.sendICMPError(b, 3, 3, 0)
	default:
		s.sendICMPError(b, 1, 4, 0)
	}
}

// receive queues a datagram, which came in a packet, for the socket
// (udp_queue_rcv_one_skb).
func (u *udpSock) receive(d *datagram, p *wire.Packet) {
	s := u.s
	d.at = s.now
	d.setIP(p)
	if u.minttl > int(d.ttl) {
		return
	}
	if u.rmemAlloc > u.rcvbuf {
		u.drops++
		s.countUDP(mibUdpInErrors, d.to.Addr())
		s.countUDP(mibUdpRcvbufErrors, d.to.Addr())
		return
	}
	u.rmemAlloc += d.truesize
	u.received = append(u.received, d)
	u.wait.Wake(abi.EpollIn | abi.EpollRdnorm | abi.EpollRdband)
}

// udpError takes an ICMP error about a datagram of ours (__udp4_lib_err).
func (s *Stack) udpError(p *wire.Packet, q *wire.Quoted) {
	m := p.ICMP()
	u := s.udpLookup(netip.AddrPortFrom(q.Src, q.SrcPort), netip.AddrPortFrom(q.Dst, q.DstPort))
	if u == nil {
		return
	}
	e, fatal := icmpErrno(m)
	info := m.Rest
	tooBig := m.V6 && m.Type == 2 || !m.V6 && m.Type == 3 && m.Code == 4
	switch {
	case tooBig:
		if !m.V6 {
			info &= 0xffff
		}
		if u.mtuDisc != abi.IpPmtudiscInterface && u.mtuDisc != abi.IpPmtudiscOmit {
			s.updatePMTU(q.Dst, int(info))
		}
		e, fatal = abi.EMSGSIZE, u.mtuDisc != abi.IpPmtudiscDont
		if !fatal && !m.V6 {
			return
		}
	case !m.V6 && (m.Type == 4 || m.Type == 5), m.V6 && m.Type == 137:
		return // source quench (RFC 6633) and redirects
	}
	wanted := u.recverr
	if u.family == abi.AfInet6 {
		wanted = u.recverr6
	}
	if !wanted {
		if !fatal || !u.connectedTo {
			return
		}
	} else {
		x := &errEntry{
			errno: e, origin: originOf(m), typ: m.Type, code: m.Code, info: info, offender: sourceOf(p),
			payload: quotedPayload(p.Payload), name: netip.AddrPortFrom(q.Dst, q.DstPort),
		}
		if u.errPackets == nil {
			u.errPackets = map[*errEntry]*datagram{}
		}
		d := &datagram{to: netip.AddrPortFrom(q.Src, q.SrcPort)}
		d.setIP(p)
		u.errPackets[x] = d
		u.queueError(x)
	}
	u.err = e
	u.reportQueued()
}

func originOf(m *wire.ICMP) uint8 {
	if m.V6 {
		return abi.SoEeOriginIcmp6
	}
	return abi.SoEeOriginIcmp
}

func sourceOf(p *wire.Packet) netip.Addr {
	src, _ := p.IP()
	return src
}

// quotedPayload is what an ICMP error quotes behind the UDP header.
func quotedPayload(b []byte) []byte {
	n := 40
	if len(b) > 0 && b[0]>>4 == 4 {
		n = int(b[0]&0xf) * 4
	}
	return b[min(n+udpHeaderLen, len(b)):]
}

// sendICMPError answers a packet with an error that quotes it (RFC 1122 section
// 3.2.2, RFC 4443 section 2.4). info is what stands behind the checksum.
func (s *Stack) sendICMPError(orig []byte, typ, code uint8, info uint32) {
	p, err := wire.Parse(orig)
	if err != nil {
		return
	}
	src, dst := p.IP()
	if src.IsUnspecified() || src.IsMulticast() || dst.IsMulticast() || src == broadcastAddr || dst == broadcastAddr {
		return
	}
	if p.ICMP() != nil && p.Quoted() != nil {
		return // no error about an error
	}
	r, e := s.routeFor(src)
	if e != 0 {
		return
	}
	from := dst
	if !s.isLocal(dst) && !s.dev.anyIP {
		from = r.src
	}
	m := &wire.ICMP{Type: typ, Code: code, Rest: info}
	var ip wire.Layer
	most := 576
	if v4 := p.V4(); v4 != nil {
		if v4.FragOffset != 0 {
			return
		}
		s.count(mibIcmpOutMsgs)
		if typ == 3 {
			s.count(mibIcmpOutDestUnreachs)
		}
		s.ports.ids++
		const tosMask, internetControl = 0x1e, 0xc0
		ip = &wire.IPv4{TTL: uint8(s.sysctl.ipDefaultTtl), TOS: v4.TOS&tosMask | internetControl,
			ID: uint16(s.ports.ids), Src: from, Dst: src}
		most -= 28
	} else {
		s.count(mibIcmp6OutMsgs)
		m.V6 = true
		ip = &wire.IPv6{HopLimit: 64, Src: from, Dst: src}
		most = minMTU6 - 48
	}
	out := &wire.Packet{Layers: []wire.Layer{ip, m}, Payload: orig[:min(len(orig), most)]}
	if b, err := out.Marshal(wire.MarshalOptions{}); err == nil {
		s.devXmit(&packet{captured: &engine.Captured{Data: b, Cause: causeICMP}})
	}
}
