package gostack

import "tcpdrill/engine/abi"

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
			return abi.EINVAL
		}
		*b = on
		return 0
	}
	switch name {
	case abi.Ipv6V6only:
		if short || sk.local.Port() != 0 {
			return abi.EINVAL
		}
		sk.v6only = on
	case abi.Ipv6Tclass:
		if short || v < -1 || v > 255 {
			return abi.EINVAL
		}
		v = max(v, 0) // RFC 3542: -1 is the default
		if sk.typ == abi.SockStream {
			v = v&^abi.EcnMask | int(sk.tos)&abi.EcnMask
		}
		sk.tos = uint8(v)
	case abi.Ipv6UnicastHops:
		if short || v > 255 || v < -1 {
			return abi.EINVAL
		}
		sk.ttl = v
	case abi.Ipv6MtuDiscover:
		if short || v < abi.IpPmtudiscDont || v > abi.IpPmtudiscOmit {
			return abi.EINVAL
		}
		sk.mtuDisc = v
	case abi.Ipv6Mtu:
		if short || v != 0 && v < minMTU6 {
			return abi.EINVAL
		}
		if v != 0 {
			return t.No("IPV6_MTU: datagrams are cut at the path's MTU")
		}
	case abi.Ipv6Recverr:
		if e := flag(&sk.recverr6); e != 0 {
			return e
		}
		if !on {
			sk.purgeErrors()
		}
	case abi.Ipv6RecverrRfc4884:
		if short || v < 0 || v > 1 {
			return abi.EINVAL
		}
		sk.recverrRFC4884 = v
	case abi.Ipv6FlowinfoSend:
		return flag(&sk.sndflow)
	case abi.Ipv6Autoflowlabel:
		sk.autoflow = b2i(on)
	case abi.Ipv6Dontfrag:
		sk.dontfrag = on
	case abi.Ipv6Recvpktinfo:
		return flag(&sk.pktinfo6)
	case abi.Ipv6Recvhoplimit:
		return flag(&sk.recvhoplimit6)
	case abi.Ipv6Recvtclass:
		return flag(&sk.recvtclass6)
	case ipv6Recvorigdstaddr:
		return flag(&sk.recvorigdst)
	case abi.Ipv6Recvfragsize:
		sk.recvfragsize = on
	case abi.Ipv6Transparent:
		return sk.setTransparent(on, short)
	case abi.Ipv6Freebind:
		return flag(&sk.freebind)
	case abi.Ipv6Minhopcount:
		if short || v < 0 || v > 255 {
			return abi.EINVAL
		}
		sk.minttl = v
	default:
		return t.Missing("IPV6_", name)
	}
	return 0
}

// The option of the same number, by its other name.
const (
	ipRecvorigdstaddr   = abi.IpOrigdstaddr
	ipv6Recvorigdstaddr = abi.Ipv6Origdstaddr
)

func (sk *sock) getIPv6Option(t *task, name int, val []byte) (int, errno) {
	v := 0
	switch name {
	case abi.Ipv6V6only:
		v = b2i(sk.v6only)
	case abi.Ipv6Tclass:
		v = int(sk.tos)
	case abi.Ipv6UnicastHops:
		if v = sk.ttl; v < 0 {
			v = 64
		}
	case abi.Ipv6MtuDiscover:
		v = sk.mtuDisc
	case abi.Ipv6Mtu:
		if v = sk.pathMTU(); v == 0 {
			return 0, abi.ENOTCONN
		}
	case abi.Ipv6Recverr:
		v = b2i(sk.recverr6)
	case abi.Ipv6RecverrRfc4884:
		v = sk.recverrRFC4884
	case abi.Ipv6FlowinfoSend:
		v = b2i(sk.sndflow)
	case abi.Ipv6Autoflowlabel:
		if v = sk.autoflow; v < 0 {
			mode := sk.s.sysctl.ipv6AutoFlowlabels
			v = b2i(mode == 1 || mode == 3)
		}
	case abi.Ipv6Dontfrag:
		v = b2i(sk.dontfrag)
	case abi.Ipv6Recvpktinfo:
		v = b2i(sk.pktinfo6)
	case abi.Ipv6Recvhoplimit:
		v = b2i(sk.recvhoplimit6)
	case abi.Ipv6Recvtclass:
		v = b2i(sk.recvtclass6)
	case ipv6Recvorigdstaddr:
		v = b2i(sk.recvorigdst)
	case abi.Ipv6Recvfragsize:
		v = b2i(sk.recvfragsize)
	case abi.Ipv6Transparent:
		v = b2i(sk.transparent)
	case abi.Ipv6Freebind:
		v = b2i(sk.freebind)
	case abi.Ipv6Minhopcount:
		v = sk.minttl
	default:
		return 0, t.Missing("IPV6_", name)
	}
	return copy(val, intAnswer(v)), 0
}
