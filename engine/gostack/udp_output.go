package gostack

import (
	"encoding/binary"
	"net/netip"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
	"tcpdrill/engine/process"
	"tcpdrill/engine/wire"
)

// Datagrams on their way out: control messages, sizes, UDP_SEGMENT, fragments.

// sendmsg is udp_sendmsg.
func (u *udpSock) Sendmsg(t *task, m *message) (int, errno) {
	if e := u.s.autobind(&u.sock); e != 0 {
		return 0, e
	}
	n := m.Len()
	switch {
	case n > 0xffff:
		return 0, abi.EMSGSIZE
	case m.Flags&abi.MsgOob != 0:
		return 0, abi.EOPNOTSUPP
	}
	d := u.pending
	if d == nil {
		var e errno
		if d, e = u.newSend(t, m); e != 0 {
			return 0, e
		}
	}
	if u.shut&sendShutdown != 0 {
		return 0, abi.EPIPE
	}
	if e := u.sockError(); e != 0 {
		return 0, e // of an earlier send
	}
	most := 0xffff - udpHeaderLen
	if d.to.Addr().Is4() {
		most -= d.ipHeaderLen() // IPv6's length is without the header
	}
	if len(d.data)+n > most {
		u.localError(d, abi.EMSGSIZE, u.mtuFor(d))
		return 0, abi.EMSGSIZE
	}
	if u.wmemAlloc >= u.sndbuf {
		if m.Nonblock || m.Flags&abi.MsgDontwait != 0 || t.Expired() {
			return 0, abi.EAGAIN
		}
		return 0, t.Wait(&u.wait, u.sndtimeo)
	}
	if e := u.checkSize(d, len(d.data)+n); e != 0 {
		return 0, e
	}
	for _, b := range m.Iov {
		d.data = append(d.data, b...)
	}
	if u.cork || m.Flags&abi.MsgMore != 0 {
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
	if len(m.Name) > 0 {
		family := abi.SockaddrFamily(m.Name)
		addr := m.Name
		switch {
		case len(addr) < 2:
			return nil, abi.EINVAL
		case u.family == abi.AfInet && family == abi.AfUnspec && len(addr) >= abi.SockaddrInLen:
			addr = append([]byte{abi.AfInet, 0}, addr[2:]...)
		case u.family == abi.AfInet6 && family == abi.AfUnspec:
			if !u.connectedTo {
				return nil, abi.EDESTADDRREQ
			}
			addr = nil
		case u.family == abi.AfInet6 && family != abi.AfInet6 && family != abi.AfInet:
			return nil, abi.EINVAL
		}
		if addr != nil {
			to, e := u.parseDestination(addr)
			switch {
			case e != 0:
				return nil, e
			case to.Port() == 0:
				return nil, abi.EINVAL
			}
			d.to = loopback(to)
		}
	} else if !u.connectedTo {
		return nil, abi.EDESTADDRREQ
	}
	ttl := u.ttl
	list, e := parseCmsgs(m.Control)
	if e != 0 {
		return nil, e
	}
	for _, c := range list {
		switch {
		case c.level == abi.SolUDP && c.typ == abi.UdpSegment:
			if len(c.data) != 2 {
				return nil, abi.EINVAL
			}
			d.gsoSize = int(le.Uint16(c.data))
		case c.level == abi.SolUDP:
			return nil, abi.EINVAL
		case c.level == abi.SolSocket:
			if e := u.socketCmsg(t, c); e != 0 {
				return nil, e
			}
			if kept(t).tsflags != 0 {
				const record = abi.SofTxSched | abi.SofTxSoftware | abi.SofTxAck | abi.SofTxHardware
				d.stamps = d.stamps&^record | kept(t).tsflags
			}
		case c.level == abi.SolIP && d.to.Addr().Is4():
			if e := d.ipCmsg(t, c, &ttl); e != 0 {
				return nil, e
			}
		case c.level == abi.SolIPv6 && u.family == abi.AfInet6:
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
		return nil, abi.EACCES
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
	case abi.IpTos:
		if v < 0 || v > 255 {
			return abi.EINVAL
		}
		d.tos = uint8(v)
	case abi.IpTtl:
		if len(c.data) != 4 || v < 1 || v > 255 {
			return abi.EINVAL
		}
		*ttl = v
	case abi.IpPktinfo:
		if len(c.data) != 12 {
			return abi.EINVAL
		}
		if src := netip.AddrFrom4([4]byte(c.data[4:])); !src.IsUnspecified() {
			d.src = src
		}
	case abi.IpRetopts, abi.IpProtocol:
		return t.No("control message " + process.OptionName("IP_", int64(c.typ)))
	default:
		return abi.EINVAL
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
	case abi.Ipv6Tclass:
		if v < -1 || v > 255 {
			return abi.EINVAL
		}
		d.tos = uint8(max(v, 0))
	case abi.Ipv6Hoplimit:
		if v < -1 || v > 255 {
			return abi.EINVAL
		}
		*ttl = v
	case abi.Ipv6Pktinfo:
		if len(c.data) < 20 {
			return abi.EINVAL
		}
		if src := netip.AddrFrom16([16]byte(c.data)); !src.IsUnspecified() {
			d.src = src
		}
	default:
		if name := process.OptionName("IPV6_", int64(c.typ)); name != "" {
			return t.No("control message " + name)
		}
		return abi.EINVAL
	}
	return 0
}

func (d *udpSend) ipHeaderLen() int {
	if d.to.Addr().Is6() {
		return 40
	}
	return 20
}

// mtuFor is the path's MTU, or the device's for a socket that finds out by itself or
// doesn't care (ip_skb_dst_mtu).
func (u *udpSock) mtuFor(d *udpSend) int {
	r, e := u.s.routeFor(d.to.Addr())
	switch {
	case e != 0:
		return defaultMTU
	case u.mtuDisc >= abi.IpPmtudiscProbe:
		return r.linkMTU()
	}
	n, _ := r.mtu()
	return n
}

// fragments reports whether datagrams larger than the MTU are cut (ip_sk_ignore_df).
func (u *udpSock) fragments() bool {
	return !u.dontfrag && (u.mtuDisc < abi.IpPmtudiscDo || u.mtuDisc == abi.IpPmtudiscOmit)
}

// checkSize refuses datagrams that can't be sent in one piece, nor in several.
func (u *udpSock) checkSize(d *udpSend, n int) errno {
	mtu := u.mtuFor(d)
	hlen := d.ipHeaderLen() + udpHeaderLen
	if d.gsoSize > 0 {
		switch {
		case hlen+min(n, d.gsoSize) > mtu:
			return abi.EMSGSIZE
		case n > d.gsoSize*udpMaxSegments:
			return abi.EINVAL
		case n > d.gsoSize:
			return 0
		}
	}
	if n+hlen > mtu && !u.fragments() {
		u.localError(d, abi.EMSGSIZE, mtu)
		return abi.EMSGSIZE
	}
	return 0
}

// localError puts an error of our own on the error queue (ip_local_error).
func (u *udpSock) localError(d *udpSend, e errno, info int) {
	if u.family == abi.AfInet && !u.recverr || u.family == abi.AfInet6 && !u.recverr6 {
		return
	}
	u.queueError(&errEntry{errno: e, origin: abi.SoEeOriginLocal, info: uint32(info), name: d.to})
}

// xmit sends a datagram, or those that UDP_SEGMENT cuts it into.
func (u *udpSock) xmit(d *udpSend) errno {
	s := u.s
	key := uint32(0)
	stamps := d.stamps & (abi.SofTxSched | abi.SofTxSoftware)
	if d.stamps&(abi.SofTxSched|abi.SofTxSoftware|abi.SofTxAck) != 0 && u.timestamping&abi.SofOptId != 0 {
		key = u.tskey
		u.tskey++
	}
	data := d.data
	cut := d.gsoSize
	if s.dev.has("tx-udp-segmentation") {
		cut = 0 // the device does it
	}
	for first := true; first || len(data) > 0; first = false {
		n := len(data)
		if cut > 0 {
			n = min(n, cut)
		}
		piece := data[:n]
		data = data[n:]
		if len(data) > 0 {
			u.xmitOne(d, piece, 0, 0)
			continue
		}
		if !u.xmitOne(d, piece, stamps, key) {
			s.countUDP(mibUdpSndbufErrors, d.to.Addr())
			if u.recverr || u.recverr6 {
				return abi.ENOBUFS
			}
		}
	}
	return 0
}

// xmitOne sends one datagram, in fragments if it is too large.
func (u *udpSock) xmitOne(d *udpSend, data []byte, stamps, key uint32) bool {
	s := u.s
	mtu := u.mtuFor(d)
	var gso engine.GSO
	if d.gsoSize > 0 && len(data) > d.gsoSize {
		gso = engine.GSO{Type: engine.GSOUDP, Size: d.gsoSize}
	}
	whole := d.ipHeaderLen()+udpHeaderLen+len(data) <= mtu || gso.Size > 0
	var ip wire.Layer
	if d.to.Addr().Is4() {
		h := &wire.IPv4{TTL: d.ttl, TOS: d.tos, Src: d.src, Dst: d.to.Addr()}
		h.DF = u.mtuDisc == abi.IpPmtudiscDo || u.mtuDisc == abi.IpPmtudiscProbe || whole && u.mtuDisc == abi.IpPmtudiscWant
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
	s.countUDP(mibUdpOutDatagrams, d.to.Addr())
	pieces := [][]byte{b}
	if !whole {
		s.ports.ids++
		pieces = fragment(b, mtu, uint32(s.ports.ids))
		s.countFragments(len(pieces), d.to.Addr())
	}
	sent := true
	for i, piece := range pieces {
		size := rxTruesize(len(piece))
		out := &packet{captured: &engine.Captured{Data: piece, GSO: gso, Cause: causeUDP}, flow: u}
		u.wmemAlloc += size
		last := i == len(pieces)-1
		out.left = func(at time.Duration) {
			u.freeWmem(size)
			if last && stamps&abi.SofTxSoftware != 0 {
				u.stamp(abi.ScmTstampSnd, at, key, piece)
			}
		}
		out.dropped = func() { u.freeWmem(size) }
		if last && stamps&abi.SofTxSched != 0 {
			u.stamp(abi.ScmTstampSched, s.now, key, piece)
		}
		if !s.devXmit(out) {
			u.wmemAlloc = max(u.wmemAlloc-size, 0)
			sent = false
		}
	}
	return sent
}

// countFragments counts a packet that was cut into so many.
func (s *Stack) countFragments(n int, to netip.Addr) {
	oks, creates := mibIpFragOKs, mibIpFragCreates
	if to.Is6() {
		oks, creates = mibIp6FragOKs, mibIp6FragCreates
	}
	s.count(oks)
	s.countN(creates, n)
}

// freeWmem gives back a packet's memory (sock_wfree).
func (u *udpSock) freeWmem(n int) {
	u.wmemAlloc = max(u.wmemAlloc-n, 0)
	if u.wmemAlloc*2 <= u.sndbuf && !u.released {
		u.wait.Wake(abi.EpollOut | abi.EpollWrnorm | abi.EpollWrband)
	}
}

// stamp puts a time stamp on the error queue.
func (u *udpSock) stamp(kind int, at time.Duration, key uint32, packet []byte) {
	e := &errEntry{errno: enomsg, origin: abi.SoEeOriginTimestamping, info: uint32(kind), stamp: u.s.Wall(at)}
	if u.timestamping&abi.SofOptId != 0 {
		e.data = key
	}
	if u.timestamping&abi.SofOptTsonly == 0 {
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
