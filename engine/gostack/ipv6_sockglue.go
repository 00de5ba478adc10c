package gostack

// Socket options of IPPROTO_IPV6 (net/ipv6/ipv6_sockglue.c).

// setIPv6Option is do_ipv6_setsockopt.
func (sk *sock) setIPv6Option(t *task, name int, val []byte) errno {
	v := 0
	short := len(val) < 4
	if !short {
		v = int(int32(le.Uint32(val)))
	}
	on := v != 0
	flag := func(b *bool) errno {
		if short {
			return einval
		}
		*b = on
		return 0
	}
	switch name {
	case ipv6V6only:
		if short || sk.local.Port() != 0 {
			return einval
		}
		sk.v6only = on
	case ipv6Tclass:
		if short || v < -1 || v > 255 {
			return einval
		}
		v = max(v, 0) // RFC 3542: -1 is the default
		if sk.typ == sockStream {
			v = v&^ecnMask | int(sk.tos)&ecnMask
		}
		sk.tos = uint8(v)
	case ipv6UnicastHops:
		if short || v > 255 || v < -1 {
			return einval
		}
		sk.ttl = v
	case ipv6MtuDiscover:
		if short || v < ipPmtudiscDont || v > ipPmtudiscOmit {
			return einval
		}
		sk.mtuDisc = v
	case ipv6Mtu:
		if short || v != 0 && v < minMTU6 {
			return einval
		}
		if v != 0 {
			return t.no("IPV6_MTU: datagrams are cut at the path's MTU")
		}
	case ipv6Recverr:
		if e := flag(&sk.recverr6); e != 0 {
			return e
		}
		if !on {
			sk.purgeErrors()
		}
	case ipv6RecverrRfc4884:
		if short || v < 0 || v > 1 {
			return einval
		}
		sk.recverrRFC4884 = v
	case ipv6FlowinfoSend:
		return flag(&sk.sndflow)
	case ipv6Autoflowlabel:
		sk.autoflow = b2i(on)
	case ipv6Dontfrag:
		sk.dontfrag = on
	case ipv6Recvpktinfo:
		return flag(&sk.pktinfo6)
	case ipv6Recvhoplimit:
		return flag(&sk.recvhoplimit6)
	case ipv6Recvtclass:
		return flag(&sk.recvtclass6)
	case ipv6Recvorigdstaddr:
		return flag(&sk.recvorigdst)
	case ipv6Recvfragsize:
		sk.recvfragsize = on
	case ipv6Transparent:
		return sk.setTransparent(on, short)
	case ipv6Freebind:
		return flag(&sk.freebind)
	case ipv6Minhopcount:
		if short || v < 0 || v > 255 {
			return einval
		}
		sk.minttl = v
	default:
		return t.missing("IPV6_", name)
	}
	return 0
}

// The option of the same number, by its other name.
const (
	ipRecvorigdstaddr   = ipOrigdstaddr
	ipv6Recvorigdstaddr = ipv6Origdstaddr
)

func (sk *sock) getIPv6Option(t *task, name int, val []byte) (int, errno) {
	v := 0
	switch name {
	case ipv6V6only:
		v = b2i(sk.v6only)
	case ipv6Tclass:
		v = int(sk.tos)
	case ipv6UnicastHops:
		if v = sk.ttl; v < 0 {
			v = 64
		}
	case ipv6MtuDiscover:
		v = sk.mtuDisc
	case ipv6Mtu:
		if v = sk.pathMTU(); v == 0 {
			return 0, enotconn
		}
	case ipv6Recverr:
		v = b2i(sk.recverr6)
	case ipv6RecverrRfc4884:
		v = sk.recverrRFC4884
	case ipv6FlowinfoSend:
		v = b2i(sk.sndflow)
	case ipv6Autoflowlabel:
		if v = sk.autoflow; v < 0 {
			mode := sk.s.sysctl.ipv6AutoFlowlabels
			v = b2i(mode == 1 || mode == 3)
		}
	case ipv6Dontfrag:
		v = b2i(sk.dontfrag)
	case ipv6Recvpktinfo:
		v = b2i(sk.pktinfo6)
	case ipv6Recvhoplimit:
		v = b2i(sk.recvhoplimit6)
	case ipv6Recvtclass:
		v = b2i(sk.recvtclass6)
	case ipv6Recvorigdstaddr:
		v = b2i(sk.recvorigdst)
	case ipv6Recvfragsize:
		v = b2i(sk.recvfragsize)
	case ipv6Transparent:
		v = b2i(sk.transparent)
	case ipv6Freebind:
		v = b2i(sk.freebind)
	case ipv6Minhopcount:
		v = sk.minttl
	default:
		return 0, t.missing("IPV6_", name)
	}
	return copy(val, intAnswer(v)), 0
}
