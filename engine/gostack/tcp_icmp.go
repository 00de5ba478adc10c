package gostack

import (
	"net/netip"

	"tcpdrill/engine/abi"
	"tcpdrill/engine/wire"
)

// ICMP messages about packets of ours (RFC 5927, RFC 5461).

// icmpReceive takes an ICMP message.
func (s *Stack) icmpReceive(p *wire.Packet) {
	m := p.ICMP()
	s.countICMP(m)
	q := p.Quoted()
	if q == nil {
		if !m.V6 && m.Type == 8 || m.V6 && m.Type == 128 {
			s.echoReply(p)
		}
		return
	}
	switch q.Protocol {
	case abi.IpprotoTCP:
		s.tcpError(p, q)
	case abi.IpprotoUDP:
		s.udpError(p, q)
	}
}

func (s *Stack) countICMP(m *wire.ICMP) {
	if !m.V6 {
		s.count(mibIcmpInMsgs)
	}
}

// icmpErrno is what an ICMP error means to a socket, and whether it is final.
func icmpErrno(m *wire.ICMP) (e errno, fatal bool) {
	if m.V6 {
		switch m.Type {
		case 1:
			switch m.Code {
			case 0:
				return abi.ENETUNREACH, false
			case 1:
				return abi.EACCES, true
			case 4:
				return abi.ECONNREFUSED, true
			case 5, 6:
				return abi.EACCES, true
			}
			return abi.EHOSTUNREACH, false
		case 2:
			return abi.EMSGSIZE, false
		case 3:
			return abi.EHOSTUNREACH, false
		case 4:
			return abi.EPROTO, true
		}
		return abi.EPROTO, false
	}
	switch m.Type {
	case 3:
		type conv struct {
			e     errno
			fatal bool
		}
		table := [...]conv{
			{abi.ENETUNREACH, false}, {abi.EHOSTUNREACH, false}, {abi.ENOPROTOOPT, true}, {abi.ECONNREFUSED, true},
			{abi.EMSGSIZE, false}, {abi.EOPNOTSUPP, false}, {abi.ENETUNREACH, true}, {abi.EHOSTDOWN, true},
			{64, true}, {abi.ENETUNREACH, true}, {abi.EHOSTUNREACH, true}, {abi.ENETUNREACH, false},
			{abi.EHOSTUNREACH, false}, {abi.EHOSTUNREACH, true}, {abi.EHOSTUNREACH, true}, {abi.EHOSTUNREACH, true},
		}
		if int(m.Code) < len(table) {
			return table[m.Code].e, table[m.Code].fatal
		}
		return abi.EHOSTUNREACH, false
	case 11:
		return abi.EHOSTUNREACH, false
	case 12:
		return abi.EPROTO, true
	}
	return 0, false
}

// tcpError is an ICMP error about a segment of ours (tcp_v4_err).
func (s *Stack) tcpError(p *wire.Packet, q *wire.Quoted) {
	m := p.ICMP()
	key := tuple{netip.AddrPortFrom(q.Src, q.SrcPort), netip.AddrPortFrom(q.Dst, q.DstPort)}
	tooBig := m.V6 && m.Type == 2 || !m.V6 && m.Type == 3 && m.Code == 4
	e, fatal := icmpErrno(m)
	if r := s.tcp.requests[key]; r != nil {
		if q.Seq != r.sndISN {
			s.count(mibOutOfWindowIcmps)
			return
		}
		// A listener isn't told; the half-open connection is given up.
		if fatal || m.Type == 3 && !m.V6 && (m.Code == 0 || m.Code == 1 || m.Code == 2 || m.Code == 3) || m.V6 && m.Type == 1 {
			r.remove()
			s.count(mibListenDrops)
		}
		return
	}
	tp := s.tcp.socks[key]
	if tp == nil {
		if m.V6 {
			return
		}
		s.count(mibIcmpInErrors)
		return
	}
	una := tp.sndUna
	if tp.fastopenRequest != nil {
		una = tp.fastopenRequest.sndISN
	}
	if tp.state != tcpListen && !between(q.Seq, una, tp.sndNxt) {
		s.count(mibOutOfWindowIcmps)
		return
	}
	if tooBig {
		if tp.state == tcpListen {
			return
		}
		mtu := int(m.Rest & 0xffff)
		if m.V6 {
			mtu = int(m.Rest)
		}
		tp.mtuReduced(mtu)
		return
	}
	if e == 0 {
		return
	}
	// A route that came back ends the backing off (RFC 6069).
	if !m.V6 && m.Type == 3 && m.Code <= 1 || m.V6 && m.Type == 1 && m.Code == 0 {
		if tp.fastopenRequest == nil {
			tp.revertRTO(q.Seq)
		}
	}
	if tp.inState(tcpSynSent, tcpSynRecv) {
		if tp.fastopenRequest != nil && tp.state == tcpSynRecv && len(tp.acceptQueueOf()) == 0 && false {
			return
		}
		tp.icmpErrorQueue(p, q, e)
		tp.err = e
		tp.reportError()
		tp.done()
		return
	}
	if !tp.released && (tp.recverr && !tp.v6 || tp.recverr6 && tp.v6) {
		tp.icmpErrorQueue(p, q, e)
		tp.err = e
		tp.reportError()
		return
	}
	tp.softErr = e
}

func (tp *tcpSock) acceptQueueOf() []*tcpSock { return nil }

// icmpErrorQueue puts the message on the error queue, if the socket wants that.
func (tp *tcpSock) icmpErrorQueue(p *wire.Packet, q *wire.Quoted, e errno) {
	if !tp.recverr && !tp.recverr6 {
		return
	}
	m := p.ICMP()
	src, _ := p.IP()
	x := &errEntry{errno: e, origin: abi.SoEeOriginIcmp, typ: m.Type, code: m.Code, offender: src,
		name: netip.AddrPortFrom(q.Dst, q.DstPort)}
	if m.V6 {
		x.origin = abi.SoEeOriginIcmp6
	}
	tp.queueError(x)
}

// revertRTO takes a doubling of the timeout back (tcp_ld_RTO_revert).
func (tp *tcpSock) revertRTO(seq uint32) {
	if seq != tp.sndUna || tp.retransmits == 0 || tp.backoff == 0 {
		return
	}
	b := tp.rtxQueue.first
	if b == nil {
		return
	}
	tp.backoff--
	rto := tp.s.msecsToJiffies(1000)
	if tp.srttUs > 0 {
		rto = tp.baseRTO()
	}
	tp.rto = min(rto<<tp.backoff, tp.rtoMax())
	tp.refreshMstamp()
	gone := tp.sinceUs(b.sentAt)
	left := tp.rto - tp.s.usecsToJiffies(gone)
	if left > 0 {
		tp.armXmitTimer(timeRetrans, left)
	} else {
		tp.retransmitTimer()
	}
}

// echoReply answers a ping.
func (s *Stack) echoReply(p *wire.Packet) {
	src, dst := p.IP()
	m := *p.ICMP()
	m.Type = 0
	var ip wire.Layer = &wire.IPv4{TTL: 64, Src: dst, Dst: src}
	if m.V6 {
		m.Type = 129
		ip = &wire.IPv6{HopLimit: 64, Src: dst, Dst: src}
	}
	out := &wire.Packet{Layers: []wire.Layer{ip, &m}, Payload: p.Payload}
	if b, err := out.Marshal(wire.MarshalOptions{}); err == nil {
		s.sendRaw(b, "echo")
	}
}
