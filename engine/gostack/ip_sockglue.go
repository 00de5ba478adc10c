package gostack

import "tcpdrill/engine/abi"

// Socket options of IPPROTO_IP (net/ipv4/ip_sockglue.c).

// tosPriority is the priority of packets with a type of service (rt_tos2priority).
func tosPriority(tos int) int {
	return []int{0, 2, 6, 4}[tos&0x1e>>3]
}

// setTOS changes the type of service. TCP decides about ECN itself.
func (sk *sock) setTOS(v int) {
	if sk.typ == abi.SockStream {
		v = v&^abi.EcnMask | int(sk.tos)&abi.EcnMask
	}
	if int(sk.tos) != v&0xff {
		sk.tos = uint8(v)
		sk.priority = tosPriority(v)
	}
}

// setIPOption is do_ip_setsockopt.
func (sk *sock) setIPOption(t *task, name int, val []byte) errno {
	s := sk.s
	v := 0
	switch {
	case len(val) >= 4:
		v = int(int32(le.Uint32(val)))
	case len(val) >= 1:
		v = int(val[0])
	}
	on := v != 0
	none := len(val) < 1
	switch name {
	case abi.IpTos:
		sk.setTOS(v)
	case abi.IpTtl:
		if none || v != -1 && (v < 1 || v > 255) {
			return abi.EINVAL
		}
		sk.ttl = v
	case abi.IpMtuDiscover:
		if v < abi.IpPmtudiscDont || v > abi.IpPmtudiscOmit {
			return abi.EINVAL
		}
		sk.mtuDisc = v
	case abi.IpRecverr:
		sk.recverr = on
		if !on {
			sk.purgeErrors()
		}
	case abi.IpRecverrRfc4884:
		if v < 0 || v > 1 {
			return abi.EINVAL
		}
		sk.recverrRFC4884 = v
	case abi.IpPktinfo:
		sk.pktinfo = on
	case abi.IpRecvttl:
		sk.recvttl = on
	case abi.IpRecvtos:
		sk.recvtos = on
	case abi.IpRecvopts:
		sk.recvopts = on
	case abi.IpRetopts:
		sk.retopts = on
	case abi.IpPasssec:
		sk.passsec = on
	case ipRecvorigdstaddr:
		sk.recvorigdst = on
	case abi.IpChecksum:
		sk.rxchecksum = on
	case abi.IpRecvfragsize:
		if sk.typ != abi.SockDgram {
			return abi.EINVAL
		}
		sk.recvfragsize = on
	case abi.IpFreebind:
		if none {
			return abi.EINVAL
		}
		sk.freebind = on
	case abi.IpTransparent:
		return sk.setTransparent(on, none)
	case abi.IpMinttl:
		if none || v < 0 || v > 255 {
			return abi.EINVAL
		}
		sk.minttl = v
	case abi.IpBindAddressNoPort:
		sk.bindNoPort = on
	case abi.IpLocalPortRange:
		return sk.setPortRange(val, v)
	case abi.IpMulticastAll, abi.IpMulticastLoop, abi.IpMulticastTtl:
		return sk.setMulticast(name, v, none)
	case abi.IpHdrincl, abi.IpNodefrag:
		return abi.ENOPROTOOPT // raw sockets'
	case abi.IpProtocol, abi.IpMtu:
		return abi.ENOPROTOOPT
	case abi.IpOptions:
		if len(val) > 40 {
			return abi.EINVAL
		}
		if len(val) > 0 {
			return t.No("socket option IP_OPTIONS")
		}
	case abi.IpXfrmPolicy, abi.IpIpsecPolicy:
		if !s.Capable(abi.CapNetAdmin) {
			return abi.EPERM
		}
		return t.Missing("IP_", name)
	default:
		return t.Missing("IP_", name)
	}
	return 0
}

func (sk *sock) setTransparent(on, none bool) errno {
	switch {
	case on && !sk.s.Capable(abi.CapNetRaw) && !sk.s.Capable(abi.CapNetAdmin):
		return abi.EPERM
	case none:
		return abi.EINVAL
	}
	sk.transparent = on
	return 0
}

func (sk *sock) setPortRange(val []byte, v int) errno {
	low, high := uint16(v), uint16(v>>16)
	if len(val) != 4 || low != 0 && high != 0 && low > high {
		return abi.EINVAL
	}
	sk.portLow, sk.portHigh = low, high
	return 0
}

func (sk *sock) setMulticast(name, v int, none bool) errno {
	switch {
	case none:
		return abi.EINVAL
	case name == abi.IpMulticastAll:
		if v != 0 && v != 1 {
			return abi.EINVAL
		}
		sk.multicastAll = v != 0
	case name == abi.IpMulticastLoop:
		sk.multicastLoop = v != 0
	case sk.typ == abi.SockStream, v < -1 || v > 255:
		return abi.EINVAL
	case v == -1:
		sk.multicastTTL = 1
	default:
		sk.multicastTTL = v
	}
	return 0
}

// pathMTU is the MTU of the path to the peer; 0 if there is none.
func (sk *sock) pathMTU() int {
	if !sk.remote.IsValid() {
		return 0
	}
	r, e := sk.s.routeFor(sk.remote.Addr())
	if e != 0 || r == nil {
		return 0
	}
	n, _ := r.mtu()
	return n
}

// getIPOption is do_ip_getsockopt. A value that fits into a byte is one, if there is
// no room for an int.
func (sk *sock) getIPOption(t *task, name int, val []byte) (int, errno) {
	v := 0
	switch name {
	case abi.IpTos:
		v = int(sk.tos)
	case abi.IpTtl:
		if v = sk.ttl; v == -1 {
			v = int(sk.s.sysctl.ipDefaultTtl)
		}
	case abi.IpMtuDiscover:
		v = sk.mtuDisc
	case abi.IpMtu:
		if v = sk.pathMTU(); v == 0 {
			return 0, abi.ENOTCONN
		}
	case abi.IpRecverr:
		v = b2i(sk.recverr)
	case abi.IpRecverrRfc4884:
		v = sk.recverrRFC4884
	case abi.IpPktinfo:
		v = b2i(sk.pktinfo)
	case abi.IpRecvttl:
		v = b2i(sk.recvttl)
	case abi.IpRecvtos:
		v = b2i(sk.recvtos)
	case abi.IpRecvopts:
		v = b2i(sk.recvopts)
	case abi.IpRetopts:
		v = b2i(sk.retopts)
	case abi.IpPasssec:
		v = b2i(sk.passsec)
	case ipRecvorigdstaddr:
		v = b2i(sk.recvorigdst)
	case abi.IpChecksum:
		v = b2i(sk.rxchecksum)
	case abi.IpRecvfragsize:
		v = b2i(sk.recvfragsize)
	case abi.IpFreebind:
		v = b2i(sk.freebind)
	case abi.IpTransparent:
		v = b2i(sk.transparent)
	case abi.IpMinttl:
		v = sk.minttl
	case abi.IpBindAddressNoPort:
		v = b2i(sk.bindNoPort)
	case abi.IpLocalPortRange:
		v = int(sk.portHigh)<<16 | int(sk.portLow)
	case abi.IpMulticastAll:
		v = b2i(sk.multicastAll)
	case abi.IpMulticastLoop:
		v = b2i(sk.multicastLoop)
	case abi.IpMulticastTtl:
		v = sk.multicastTTL
	case abi.IpHdrincl, abi.IpNodefrag:
	case abi.IpProtocol:
		v = int(sk.local.Port())
	case abi.IpOptions:
		return 0, 0
	default:
		return 0, t.Missing("IP_", name)
	}
	if n := len(val); n > 0 && n < 4 && v >= 0 && v <= 255 {
		val[0] = byte(v)
		return 1, 0
	}
	return copy(val, intAnswer(v)), 0
}
