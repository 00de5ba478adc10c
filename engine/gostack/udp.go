package gostack

import (
	"encoding/binary"
	"net/netip"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/wire"
)

// UDP sockets (RFC 768), over both versions of IP.

type udpSock struct {
	sock
	received               []*datagram
	cork                   bool // UDP_CORK
	pending                *udpSend
	gsoSize                int // UDP_SEGMENT
	noCheck6Tx, noCheck6Rx bool
	connectedTo            bool
}

// A datagram is one that came in.
type datagram struct {
	data     []byte
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
	u.family, u.typ, u.protocol = family, sockDgram, ipprotoUDP
	u.initSock()
	return u
}

func addrOnly(a netip.Addr) netip.AddrPort { return netip.AddrPortFrom(a, 0) }

func (u *udpSock) bind(_ *task, addr []byte) errno { return u.bindSockaddr(addr) }

func (u *udpSock) listen(*task, int) errno            { return eopnotsupp }
func (u *udpSock) accept(*task, bool) (socket, errno) { return nil, eopnotsupp }

func (u *udpSock) release(*task) errno {
	u.released = true
	u.s.releasePort(&u.sock)
	u.received, u.pending = nil, nil
	return 0
}

// parseDestination reads where to send or to connect to. An IPv6 socket takes IPv4
// addresses, too.
func (u *udpSock) parseDestination(addr []byte) (netip.AddrPort, errno) {
	if u.family == afInet6 && sockaddrFamily(addr) == afInet {
		switch {
		case u.v6only:
			return netip.AddrPort{}, eafnosupport
		case len(addr) < sockaddrInLen:
			return netip.AddrPort{}, einval
		}
		a, _ := parseSockaddr(addr)
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

func (u *udpSock) connect(_ *task, addr []byte, _ bool) errno {
	if len(addr) < 2 {
		return einval
	}
	if sockaddrFamily(addr) == afUnspec {
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
		return eacces
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
		if u.family == afInet6 {
			ip = netip.IPv6Unspecified()
		}
		u.local = netip.AddrPortFrom(ip, u.local.Port())
	}
	if !u.portBound {
		u.s.releasePort(&u.sock)
		u.local = netip.AddrPortFrom(u.local.Addr(), 0)
	}
}

func (u *udpSock) shutdown(how int) errno {
	if !u.connectedTo {
		return enotconn
	}
	u.shut |= how + 1
	u.s.wake(&u.wait, epollIn|epollOut|epollRdhup|epollHup)
	return 0
}

func (u *udpSock) read(t *task, iov [][]byte, nonblock bool) (int, errno) {
	return u.recvmsg(t, &message{iov: iov, nonblock: nonblock})
}

func (u *udpSock) write(t *task, iov [][]byte, nonblock bool) (int, errno) {
	return u.sendmsg(t, &message{iov: iov, nonblock: nonblock})
}

// sendmsg is udp_sendmsg.
func (u *udpSock) sendmsg(t *task, m *message) (int, errno) {
	if e := u.s.autobind(&u.sock); e != 0 {
		return 0, e
	}
	n := m.len()
	switch {
	case n > 0xffff:
		return 0, emsgsize
	case m.flags&msgOob != 0:
		return 0, eopnotsupp
	}
	d := u.pending
	if d == nil {
		var e errno
		if d, e = u.newSend(t, m); e != 0 {
			return 0, e
		}
	}
	if u.shut&sendShutdown != 0 {
		return 0, epipe
	}
	if e := u.sockError(); e != 0 {
		return 0, e // of an earlier send
	}
	most := 0xffff - udpHeaderLen
	if d.to.Addr().Is4() {
		most -= d.ipHeaderLen() // IPv6's length is without the header
	}
	if len(d.data)+n > most {
		u.localError(d, emsgsize, u.mtuFor(d))
		return 0, emsgsize
	}
	if u.wmemAlloc >= u.sndbuf {
		if m.nonblock || m.flags&msgDontwait != 0 || t.expired() {
			return 0, eagain
		}
		return 0, t.wait(&u.wait, u.sndtimeo)
	}
	if e := u.checkSize(d, len(d.data)+n); e != 0 {
		return 0, e
	}
	for _, b := range m.iov {
		d.data = append(d.data, b...)
	}
	if u.cork || m.flags&msgMore != 0 {
		u.pending = d
		return n, 0
	}
	u.pending = nil
	return n, u.xmit(d)
}

// newSend finds out where a datagram goes and how.
func (u *udpSock) newSend(t *task, m *message) (*udpSend, errno) {
	s := u.s
	d := &udpSend{to: u.remote, src: u.local.Addr(), tos: u.tos, gsoSize: u.gsoSize, stamps: u.timestamping}
	if len(m.name) > 0 {
		family := sockaddrFamily(m.name)
		addr := m.name
		switch {
		case len(addr) < 2:
			return nil, einval
		case u.family == afInet && family == afUnspec && len(addr) >= sockaddrInLen:
			addr = append([]byte{afInet, 0}, addr[2:]...)
		case u.family == afInet6 && family == afUnspec:
			if !u.connectedTo {
				return nil, edestaddrreq
			}
			addr = nil
		case u.family == afInet6 && family != afInet6 && family != afInet:
			return nil, einval
		}
		if addr != nil {
			to, e := u.parseDestination(addr)
			switch {
			case e != 0:
				return nil, e
			case to.Port() == 0:
				return nil, einval
			}
			d.to = loopback(to)
		}
	} else if !u.connectedTo {
		return nil, edestaddrreq
	}
	ttl := u.ttl
	list, e := parseCmsgs(m.control)
	if e != 0 {
		return nil, e
	}
	for _, c := range list {
		switch {
		case c.level == solUDP && c.typ == udpSegment:
			if len(c.data) != 2 {
				return nil, einval
			}
			d.gsoSize = int(le.Uint16(c.data))
		case c.level == solUDP:
			return nil, einval
		case c.level == solSocket:
			if e := u.socketCmsg(t, c); e != 0 {
				return nil, e
			}
			if t.tsflags != 0 {
				const record = sofTxSched | sofTxSoftware | sofTxAck | sofTxHardware
				d.stamps = d.stamps&^record | t.tsflags
			}
		case c.level == solIP && d.to.Addr().Is4():
			if e := d.ipCmsg(t, c, &ttl); e != 0 {
				return nil, e
			}
		case c.level == solIPv6 && u.family == afInet6:
			if e := d.ipv6Cmsg(t, c, &ttl); e != 0 {
				return nil, e
			}
		}
	}
	if ttl < 0 {
		ttl = int(s.sysctl.ipDefaultTtl)
		if d.to.Addr().Is6() {
			ttl = 64
		}
		if d.to.Addr().IsMulticast() {
			ttl = u.multicastTTL
		}
	}
	d.ttl = uint8(ttl)
	if d.to.Addr() == broadcastAddr && !u.broadcast {
		return nil, eacces
	}
	r, e := s.routeFor(d.to.Addr())
	if e != 0 {
		return nil, e
	}
	if !d.src.IsValid() || d.src.IsUnspecified() || d.src.Is4() != d.to.Addr().Is4() {
		d.src = r.src
	}
	return d, 0
}

// ipCmsg is a control message of SOL_IP (ip_cmsg_send).
func (d *udpSend) ipCmsg(t *task, c cmsg, ttl *int) errno {
	v := -1
	switch len(c.data) {
	case 4:
		v = int(int32(le.Uint32(c.data)))
	case 1:
		v = int(c.data[0])
	}
	switch c.typ {
	case ipTos:
		if v < 0 || v > 255 {
			return einval
		}
		d.tos = uint8(v)
	case ipTtl:
		if len(c.data) != 4 || v < 1 || v > 255 {
			return einval
		}
		*ttl = v
	case ipPktinfo:
		if len(c.data) != 12 {
			return einval
		}
		if src := netip.AddrFrom4([4]byte(c.data[4:])); !src.IsUnspecified() {
			d.src = src
		}
	case ipRetopts, ipProtocol:
		return t.no("control message " + optionName("IP_", int64(c.typ)))
	default:
		return einval
	}
	return 0
}

// ipv6Cmsg is one of SOL_IPV6 (ip6_datagram_send_ctl).
func (d *udpSend) ipv6Cmsg(t *task, c cmsg, ttl *int) errno {
	v := -2
	if len(c.data) == 4 {
		v = int(int32(le.Uint32(c.data)))
	}
	switch c.typ {
	case ipv6Tclass:
		if v < -1 || v > 255 {
			return einval
		}
		d.tos = uint8(max(v, 0))
	case ipv6Hoplimit:
		if v < -1 || v > 255 {
			return einval
		}
		*ttl = v
	case ipv6Pktinfo:
		if len(c.data) < 20 {
			return einval
		}
		if src := netip.AddrFrom16([16]byte(c.data)); !src.IsUnspecified() {
			d.src = src
		}
	default:
		if name := optionName("IPV6_", int64(c.typ)); name != "" {
			return t.no("control message " + name)
		}
		return einval
	}
	return 0
}

func (d *udpSend) ipHeaderLen() int {
	if d.to.Addr().Is6() {
		return 40
	}
	return 20
}

// mtuFor is the path's MTU.
func (u *udpSock) mtuFor(d *udpSend) int {
	r, e := u.s.routeFor(d.to.Addr())
	if e != 0 {
		return defaultMTU
	}
	n, _ := r.mtu()
	return n
}

// fragments reports whether datagrams larger than the MTU are cut (ip_sk_ignore_df).
func (u *udpSock) fragments() bool {
	return !u.dontfrag && (u.mtuDisc < ipPmtudiscDo || u.mtuDisc == ipPmtudiscOmit)
}

// checkSize refuses datagrams that can't be sent in one piece, nor in several.
func (u *udpSock) checkSize(d *udpSend, n int) errno {
	mtu := u.mtuFor(d)
	hlen := d.ipHeaderLen() + udpHeaderLen
	if d.gsoSize > 0 {
		switch {
		case hlen+min(n, d.gsoSize) > mtu:
			return emsgsize
		case n > d.gsoSize*udpMaxSegments:
			return einval
		case n > d.gsoSize:
			return 0
		}
	}
	if n+hlen > mtu && !u.fragments() {
		u.localError(d, emsgsize, mtu)
		return emsgsize
	}
	return 0
}

// localError puts an error of our own on the error queue (ip_local_error).
func (u *udpSock) localError(d *udpSend, e errno, info int) {
	if u.family == afInet && !u.recverr || u.family == afInet6 && !u.recverr6 {
		return
	}
	u.queueError(&errEntry{errno: e, origin: soEeOriginLocal, info: uint32(info), name: d.to})
}

// xmit sends a datagram, or those that UDP_SEGMENT cuts it into.
func (u *udpSock) xmit(d *udpSend) errno {
	s := u.s
	key := uint32(0)
	stamps := d.stamps & (sofTxSched | sofTxSoftware)
	if d.stamps&(sofTxSched|sofTxSoftware|sofTxAck) != 0 && u.timestamping&sofOptId != 0 {
		key = u.tskey
		u.tskey++
	}
	data := d.data
	for first := true; first || len(data) > 0; first = false {
		n := len(data)
		if d.gsoSize > 0 {
			n = min(n, d.gsoSize)
		}
		piece := data[:n]
		data = data[n:]
		if len(data) > 0 {
			u.xmitOne(d, piece, 0, 0)
			continue
		}
		if !u.xmitOne(d, piece, stamps, key) {
			s.count(mibUdpSndbufErrors)
			if u.recverr || u.recverr6 {
				return enobufs
			}
		}
	}
	return 0
}

// xmitOne sends one datagram, in fragments if it is too large.
func (u *udpSock) xmitOne(d *udpSend, data []byte, stamps, key uint32) bool {
	s := u.s
	mtu := u.mtuFor(d)
	whole := d.ipHeaderLen()+udpHeaderLen+len(data) <= mtu
	var ip wire.Layer
	if d.to.Addr().Is4() {
		h := &wire.IPv4{TTL: d.ttl, TOS: d.tos, Src: d.src, Dst: d.to.Addr()}
		h.DF = u.mtuDisc == ipPmtudiscDo || u.mtuDisc == ipPmtudiscProbe || whole && u.mtuDisc == ipPmtudiscWant
		switch {
		case u.connectedTo:
			h.ID = u.ipid
			u.ipid++
		case !h.DF || u.fragments():
			s.ports.ids++
			h.ID = uint16(s.ports.ids)
		}
		ip = h
	} else {
		ip = &wire.IPv6{HopLimit: d.ttl, TrafficClass: d.tos, FlowLabel: u.flowLabelFor(d), Src: d.src, Dst: d.to.Addr()}
	}
	p := &wire.Packet{
		Layers:  []wire.Layer{ip, &wire.UDP{SrcPort: u.local.Port(), DstPort: d.to.Port()}},
		Payload: data,
	}
	b, err := p.Marshal(wire.MarshalOptions{})
	if err != nil {
		return false
	}
	s.count(mibUdpOutDatagrams)
	pieces := [][]byte{b}
	if !whole {
		s.ports.ids++
		pieces = fragment(b, mtu, uint32(s.ports.ids))
	}
	sent := true
	for i, piece := range pieces {
		size := rxTruesize(len(piece))
		out := &packet{captured: &engine.Captured{Data: piece, Cause: causeUDP}, flow: u}
		u.wmemAlloc += size
		last := i == len(pieces)-1
		out.left = func(at time.Duration) {
			u.freeWmem(size)
			if last && stamps&sofTxSoftware != 0 {
				u.stamp(scmTstampSnd, at, key, piece)
			}
		}
		out.dropped = func() { u.freeWmem(size) }
		if last && stamps&sofTxSched != 0 {
			u.stamp(scmTstampSched, s.now, key, piece)
		}
		if !s.devXmit(out) {
			u.wmemAlloc = max(u.wmemAlloc-size, 0)
			sent = false
		}
	}
	return sent
}

// freeWmem gives back a packet's memory (sock_wfree).
func (u *udpSock) freeWmem(n int) {
	u.wmemAlloc = max(u.wmemAlloc-n, 0)
	if u.wmemAlloc*2 <= u.sndbuf && !u.released {
		u.s.wake(&u.wait, epollOut|epollWrnorm|epollWrband)
	}
}

// stamp puts a time stamp on the error queue.
func (u *udpSock) stamp(kind int, at time.Duration, key uint32, packet []byte) {
	e := &errEntry{errno: enomsg, origin: soEeOriginTimestamping, info: uint32(kind), stamp: u.s.Wall(at)}
	if u.timestamping&sofOptId != 0 {
		e.data = key
	}
	if u.timestamping&sofOptTsonly == 0 {
		e.payload = packet
	}
	u.queueError(e)
}

// flowLabelFor makes a flow label from the addresses, as sysctl or option want one.
func (u *udpSock) flowLabelFor(d *udpSend) uint32 {
	mode := u.s.sysctl.ipv6AutoFlowlabels
	on := mode == 1 || mode == 3
	if u.autoflow >= 0 && (mode == 1 || mode == 2) {
		on = u.autoflow != 0
	}
	if u.flowLabel != 0 || !on || mode == 0 {
		return u.flowLabel
	}
	h := uint32(2166136261)
	mix := func(p []byte) {
		for _, c := range p {
			h = (h ^ uint32(c)) * 16777619
		}
	}
	mix(d.src.AsSlice())
	mix(d.to.Addr().AsSlice())
	mix(binary.BigEndian.AppendUint32(nil, uint32(u.local.Port())<<16|uint32(d.to.Port())))
	return h & 0xfffff
}

// fragment cuts an IP packet into pieces that fit the MTU (RFC 791, RFC 8200 section
// 4.5).
func fragment(b []byte, mtu int, id uint32) [][]byte {
	const moreFragments = 0x2000
	v6 := b[0]>>4 == 6
	hlen, room := 20, (mtu-20)&^7
	if v6 {
		hlen, room = 40, (mtu-48)&^7
	}
	header, data := b[:hlen], b[hlen:]
	var out [][]byte
	for at := 0; at < len(data); at += room {
		piece := data[at:min(at+room, len(data))]
		more := at+room < len(data)
		f := append([]byte(nil), header...)
		if v6 {
			offset := uint16(at)
			if more {
				offset |= 1
			}
			next := f[6]
			f[6] = 44 // a fragment header
			f = append(f, next, 0)
			f = binary.BigEndian.AppendUint16(f, offset)
			f = binary.BigEndian.AppendUint32(f, id)
			binary.BigEndian.PutUint16(f[4:], uint16(8+len(piece)))
		} else {
			offset := uint16(at / 8)
			if more {
				offset |= moreFragments
			}
			binary.BigEndian.PutUint16(f[2:], uint16(hlen+len(piece)))
			binary.BigEndian.PutUint16(f[6:], offset)
			binary.BigEndian.PutUint16(f[10:], 0)
			binary.BigEndian.PutUint16(f[10:], ipChecksumOf(f))
		}
		out = append(out, append(f, piece...))
	}
	return out
}

// ipChecksumOf is the Internet checksum (RFC 1071) of an IPv4 header.
func ipChecksumOf(b []byte) uint16 {
	sum := uint32(0)
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// recvmsg is udp_recvmsg.
func (u *udpSock) recvmsg(t *task, m *message) (int, errno) {
	if m.flags&msgErrqueue != 0 {
		return u.recvError(t, m)
	}
	if m.flags&msgOob != 0 && u.family == afInet6 {
		return 0, eopnotsupp
	}
	if e := u.sockError(); e != 0 {
		return 0, e
	}
	if len(u.received) == 0 {
		switch {
		case u.shut&rcvShutdown != 0:
			return 0, 0
		case m.nonblock || m.flags&msgDontwait != 0 || t.expired():
			return 0, eagain
		}
		return 0, t.wait(&u.wait, u.rcvtimeo)
	}
	d := u.received[0]
	if m.flags&msgPeek == 0 {
		u.received = u.received[1:]
		u.rmemAlloc -= d.truesize
	}
	n := m.scatter(d.data)
	if n < len(d.data) {
		m.outFlags |= msgTrunc
		if m.flags&msgTrunc != 0 {
			n = len(d.data)
		}
	}
	u.recvCmsgs(m, d)
	m.from = u.putSockaddr(d.from)
	return n, 0
}

// recvCmsgs adds the control messages that the socket wants, in Linux's order.
func (u *udpSock) recvCmsgs(m *message, d *datagram) {
	stamp := u.s.Wall(d.at)
	u.putStamps(m, stamp, false)
	if u.rxqOvfl && u.drops > 0 {
		u.putCmsg(m, solSocket, soRxqOvfl, intAnswer(u.drops))
	}
	if u.rcvmark {
		u.putCmsg(m, solSocket, soMark, intAnswer(0))
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
			u.putCmsg(m, solIPv6, ipv6Hoplimit, intAnswer(int(d.ttl)))
		}
		if u.recvtclass6 {
			u.putCmsg(m, solIPv6, ipv6Tclass, intAnswer(int(d.tos)))
		}
		if u.recvorigdst {
			u.putCmsg(m, solIPv6, ipv6Origdstaddr, appendSockaddr(nil, afInet6, d.to))
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
		u.putCmsg(m, solIP, ipTtl, intAnswer(int(d.ttl)))
	}
	if u.recvtos {
		u.putCmsg(m, solIP, ipTos, []byte{d.tos})
	}
	if u.recvorigdst {
		u.putCmsg(m, solIP, ipOrigdstaddr, appendSockaddr(nil, afInet, d.to))
	}
}

// poll is datagram_poll.
func (u *udpSock) poll() uint32 {
	mask := uint32(0)
	if u.err != 0 || len(u.errQueue) > 0 {
		mask |= epollErr
		if u.selectErrQueue {
			mask |= epollPri
		}
	}
	if u.shut&rcvShutdown != 0 {
		mask |= epollRdhup | epollIn | epollRdnorm
	}
	if u.shut == bothShutdown {
		mask |= epollHup
	}
	if len(u.received) > 0 {
		mask |= epollIn | epollRdnorm
	}
	if u.wmemAlloc < u.sndbuf>>1 {
		mask |= epollOut | epollWrnorm | epollWrband
	}
	return mask
}

func (u *udpSock) ioctl(_ *task, cmd int) (int, errno) {
	switch cmd {
	case siocinq:
		if len(u.received) == 0 {
			return 0, 0
		}
		return len(u.received[0].data), 0
	case siocoutq:
		return u.wmemAlloc, 0
	}
	return 0, enotty
}

func (u *udpSock) setsockopt(t *task, name int, val []byte) errno {
	if len(val) < 4 {
		return einval
	}
	v := int(int32(le.Uint32(val)))
	switch name {
	case udpCork:
		u.cork = v != 0
		if d := u.pending; d != nil && !u.cork {
			u.pending = nil
			u.xmit(d)
		}
	case udpSegment:
		if v < 0 || v > 0xffff {
			return einval
		}
		u.gsoSize = v
	case udpGro:
		if v != 0 {
			return t.no("socket option UDP_GRO")
		}
	case udpNoCheck6Tx:
		u.noCheck6Tx = v != 0
	case udpNoCheck6Rx:
		u.noCheck6Rx = v != 0
	default:
		return t.missing("UDP_", name)
	}
	return 0
}

func (u *udpSock) getsockopt(t *task, name int, val []byte) (int, errno) {
	v := 0
	switch name {
	case udpCork:
		v = b2i(u.cork)
	case udpSegment:
		v = u.gsoSize
	case udpGro:
	case udpNoCheck6Tx:
		v = b2i(u.noCheck6Tx)
	case udpNoCheck6Rx:
		v = b2i(u.noCheck6Rx)
	default:
		return 0, t.missing("UDP_", name)
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
		if u.family == afInet {
			score++
		}
		a := u.local.Addr()
		switch {
		case a.IsValid() && !a.IsUnspecified():
			if a != local.Addr() {
				continue
			}
			score += 4
		case local.Addr().Is4() && u.family == afInet6 && u.v6only, local.Addr().Is6() && u.family == afInet:
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

// udpReceive takes a datagram that came in.
func (s *Stack) udpReceive(p *wire.Packet) {
	h := p.UDP()
	src, dst := p.IP()
	d := &datagram{
		data: p.Payload, at: s.now,
		from: netip.AddrPortFrom(src, h.SrcPort), to: netip.AddrPortFrom(dst, h.DstPort),
	}
	d.setIP(p)
	d.truesize = rxTruesize((&udpSend{to: d.to}).ipHeaderLen() + udpHeaderLen + len(d.data))
	u := s.udpLookup(d.to, d.from)
	if u == nil {
		s.count(mibUdpNoPorts)
		if b, err := p.Marshal(wire.MarshalOptions{}); err == nil {
			if dst.Is4() {
				s.sendICMPError(b, 3, 3, 0)
			} else {
				s.sendICMPError(b, 1, 4, 0)
			}
		}
		return
	}
	if u.minttl > int(d.ttl) {
		return
	}
	if u.rmemAlloc > u.rcvbuf {
		u.drops++
		s.count(mibUdpInErrors)
		s.count(mibUdpRcvbufErrors)
		return
	}
	u.rmemAlloc += d.truesize
	u.received = append(u.received, d)
	s.count(mibUdpInDatagrams)
	s.wake(&u.wait, epollIn|epollRdnorm|epollRdband)
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
		if u.mtuDisc != ipPmtudiscInterface && u.mtuDisc != ipPmtudiscOmit {
			s.updatePMTU(q.Dst, int(info))
		}
		e, fatal = emsgsize, u.mtuDisc != ipPmtudiscDont
		if !fatal && !m.V6 {
			return
		}
	case !m.V6 && (m.Type == 4 || m.Type == 5), m.V6 && m.Type == 137:
		return // source quench (RFC 6633) and redirects
	}
	wanted := u.recverr
	if u.family == afInet6 {
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
		return soEeOriginIcmp6
	}
	return soEeOriginIcmp
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
