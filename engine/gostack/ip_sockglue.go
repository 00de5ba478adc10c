package gostack

// Socket options of IPPROTO_IP (net/ipv4/ip_sockglue.c).

// tosPriority is the priority of packets with a type of service (rt_tos2priority).
func tosPriority(tos int) int {
	return []int{0, 2, 6, 4}[tos&0x1e>>3]
}

// setTOS changes the type of service. TCP decides about ECN itself.
func (sk *sock) setTOS(v int) {
	if sk.typ == sockStream {
		v = v&^ecnMask | int(sk.tos)&ecnMask
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
	case ipTos:
		sk.setTOS(v)
	case ipTtl:
		if none || v != -1 && (v < 1 || v > 255) {
			return einval
		}
		sk.ttl = v
	case ipMtuDiscover:
		if v < ipPmtudiscDont || v > ipPmtudiscOmit {
			return einval
		}
		sk.mtuDisc = v
	case ipRecverr:
		sk.recverr = on
		if !on {
			sk.purgeErrors()
		}
	case ipRecverrRfc4884:
		if v < 0 || v > 1 {
			return einval
		}
		sk.recverrRFC4884 = v
	case ipPktinfo:
		sk.pktinfo = on
	case ipRecvttl:
		sk.recvttl = on
	case ipRecvtos:
		sk.recvtos = on
	case ipRecvopts:
		sk.recvopts = on
	case ipRetopts:
		sk.retopts = on
	case ipPasssec:
		sk.passsec = on
	case ipRecvorigdstaddr:
		sk.recvorigdst = on
	case ipChecksum:
		sk.rxchecksum = on
	case ipRecvfragsize:
		if sk.typ != sockDgram {
			return einval
		}
		sk.recvfragsize = on
	case ipFreebind:
		if none {
			return einval
		}
		sk.freebind = on
	case ipTransparent:
		return sk.setTransparent(on, none)
	case ipMinttl:
		if none || v < 0 || v > 255 {
			return einval
		}
		sk.minttl = v
	case ipBindAddressNoPort:
		sk.bindNoPort = on
	case ipLocalPortRange:
		return sk.setPortRange(val, v)
	case ipMulticastAll, ipMulticastLoop, ipMulticastTtl:
		return sk.setMulticast(name, v, none)
	case ipHdrincl, ipNodefrag:
		return enoprotoopt // raw sockets'
	case ipProtocol, ipMtu:
		return enoprotoopt
	case ipOptions:
		if len(val) > 40 {
			return einval
		}
		if len(val) > 0 {
			return t.no("socket option IP_OPTIONS")
		}
	case ipXfrmPolicy, ipIpsecPolicy:
		if !s.capable(capNetAdmin) {
			return eperm
		}
		return t.missing("IP_", name)
	default:
		return t.missing("IP_", name)
	}
	return 0
}

func (sk *sock) setTransparent(on, none bool) errno {
	switch {
	case on && !sk.s.capable(capNetRaw) && !sk.s.capable(capNetAdmin):
		return eperm
	case none:
		return einval
	}
	sk.transparent = on
	return 0
}

func (sk *sock) setPortRange(val []byte, v int) errno {
	low, high := uint16(v), uint16(v>>16)
	if len(val) != 4 || low != 0 && high != 0 && low > high {
		return einval
	}
	sk.portLow, sk.portHigh = low, high
	return 0
}

func (sk *sock) setMulticast(name, v int, none bool) errno {
	switch {
	case none:
		return einval
	case name == ipMulticastAll:
		if v != 0 && v != 1 {
			return einval
		}
		sk.multicastAll = v != 0
	case name == ipMulticastLoop:
		sk.multicastLoop = v != 0
	case sk.typ == sockStream, v < -1 || v > 255:
		return einval
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
	case ipTos:
		v = int(sk.tos)
	case ipTtl:
		if v = sk.ttl; v == -1 {
			v = int(sk.s.sysctl.ipDefaultTtl)
		}
	case ipMtuDiscover:
		v = sk.mtuDisc
	case ipMtu:
		if v = sk.pathMTU(); v == 0 {
			return 0, enotconn
		}
	case ipRecverr:
		v = b2i(sk.recverr)
	case ipRecverrRfc4884:
		v = sk.recverrRFC4884
	case ipPktinfo:
		v = b2i(sk.pktinfo)
	case ipRecvttl:
		v = b2i(sk.recvttl)
	case ipRecvtos:
		v = b2i(sk.recvtos)
	case ipRecvopts:
		v = b2i(sk.recvopts)
	case ipRetopts:
		v = b2i(sk.retopts)
	case ipPasssec:
		v = b2i(sk.passsec)
	case ipRecvorigdstaddr:
		v = b2i(sk.recvorigdst)
	case ipChecksum:
		v = b2i(sk.rxchecksum)
	case ipRecvfragsize:
		v = b2i(sk.recvfragsize)
	case ipFreebind:
		v = b2i(sk.freebind)
	case ipTransparent:
		v = b2i(sk.transparent)
	case ipMinttl:
		v = sk.minttl
	case ipBindAddressNoPort:
		v = b2i(sk.bindNoPort)
	case ipLocalPortRange:
		v = int(sk.portHigh)<<16 | int(sk.portLow)
	case ipMulticastAll:
		v = b2i(sk.multicastAll)
	case ipMulticastLoop:
		v = b2i(sk.multicastLoop)
	case ipMulticastTtl:
		v = sk.multicastTTL
	case ipHdrincl, ipNodefrag:
	case ipProtocol:
		v = int(sk.local.Port())
	case ipOptions:
		return 0, 0
	default:
		return 0, t.missing("IP_", name)
	}
	if n := len(val); n > 0 && n < 4 && v >= 0 && v <= 255 {
		val[0] = byte(v)
		return 1, 0
	}
	return copy(val, intAnswer(v)), 0
}
