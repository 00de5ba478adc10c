package netstack

import (
	"gvisor.dev/gvisor/pkg/tcpip"

	"tcpdrill/engine/abi"
	"tcpdrill/engine/process"
)

// Options of SOL_IP and SOL_IPV6.

func (so *socket) setIPOption(t *process.Task, name int, val []byte) abi.Errno {
	v, e := ipNumber(val)
	if e != 0 {
		return e
	}
	switch name {
	case abi.IpTos:
		return so.setTrafficClass(t, tcpip.IPv4TOSOption, v)
	case abi.IpTtl:
		if v != -1 && (v < 1 || v > 255) {
			return abi.EINVAL
		}
		return errnoOf(so.ep.SetSockOptInt(tcpip.IPv4TTLOption, max(v, 0)))
	case abi.IpMtuDiscover:
		return so.setMTUDiscover(t, v)
	}
	return t.Missing("IP_", name)
}

func (so *socket) setIPv6Option(t *process.Task, name int, val []byte) abi.Errno {
	if len(val) < 4 {
		return abi.EINVAL
	}
	v := int(int32(le.Uint32(val)))
	switch name {
	case abi.Ipv6V6only:
		if local, err := so.ep.GetLocalAddress(); err == nil && local.Port != 0 {
			return abi.EINVAL
		}
		so.ep.SocketOptions().SetV6Only(v != 0)
		return 0
	case abi.Ipv6UnicastHops:
		if v < -1 || v > 255 {
			return abi.EINVAL
		}
		return errnoOf(so.ep.SetSockOptInt(tcpip.IPv6HopLimitOption, v))
	case abi.Ipv6Tclass:
		if v < -1 || v > 255 {
			return abi.EINVAL
		}
		return so.setTrafficClass(t, tcpip.IPv6TrafficClassOption, max(v, 0))
	case abi.Ipv6MtuDiscover:
		return so.setMTUDiscover(t, v)
	}
	return t.Missing("IPV6_", name)
}

// ipNumber reads an int, which may be a single byte here.
func ipNumber(val []byte) (int, abi.Errno) {
	switch {
	case len(val) >= 4:
		return int(int32(le.Uint32(val))), 0
	case len(val) >= 1:
		return int(val[0]), 0
	}
	return 0, abi.EINVAL
}

// setTrafficClass sets the traffic class, but for ECN's bits, which netstack drops.
func (so *socket) setTrafficClass(t *process.Task, opt tcpip.SockOptInt, v int) abi.Errno {
	if v&abi.EcnMask != 0 {
		return t.No("a type of service with bits of ECN")
	}
	return errnoOf(so.ep.SetSockOptInt(opt, v))
}

// Linux's values of IP_MTU_DISCOVER are netstack's by other numbers.
var pmtuStrategies = map[int]tcpip.PMTUDStrategy{
	abi.IpPmtudiscDont:  tcpip.PMTUDiscoveryDont,
	abi.IpPmtudiscWant:  tcpip.PMTUDiscoveryWant,
	abi.IpPmtudiscDo:    tcpip.PMTUDiscoveryDo,
	abi.IpPmtudiscProbe: tcpip.PMTUDiscoveryProbe,
}

func (so *socket) setMTUDiscover(t *process.Task, v int) abi.Errno {
	strategy, ok := pmtuStrategies[v]
	switch {
	case ok:
		return errnoOf(so.ep.SetSockOptInt(tcpip.MTUDiscoverOption, int(strategy)))
	case v == abi.IpPmtudiscInterface || v == abi.IpPmtudiscOmit:
		return t.No("this value of IP_MTU_DISCOVER")
	}
	return abi.EINVAL
}

func (so *socket) mtuDiscover() ([]byte, abi.Errno) {
	n, err := so.ep.GetSockOptInt(tcpip.MTUDiscoverOption)
	for v, strategy := range pmtuStrategies {
		if int(strategy) == n {
			return number(v), errnoOf(err)
		}
	}
	return number(n), errnoOf(err)
}

func (so *socket) ipOption(t *process.Task, name int) ([]byte, abi.Errno) {
	switch name {
	case abi.IpTos:
		n, err := so.ep.GetSockOptInt(tcpip.IPv4TOSOption)
		return number(n), errnoOf(err)
	case abi.IpTtl:
		n, err := so.ep.GetSockOptInt(tcpip.IPv4TTLOption)
		if n == tcpip.UseDefaultIPv4TTL {
			n = defaultTTL
		}
		return number(n), errnoOf(err)
	case abi.IpMtuDiscover:
		return so.mtuDiscover()
	}
	return nil, t.Missing("IP_", name)
}

// defaultTTL is what netstack sends with.
const defaultTTL = 64

func (so *socket) ipv6Option(t *process.Task, name int) ([]byte, abi.Errno) {
	switch name {
	case abi.Ipv6V6only:
		return flag(so.ep.SocketOptions().GetV6Only()), 0
	case abi.Ipv6UnicastHops:
		n, err := so.ep.GetSockOptInt(tcpip.IPv6HopLimitOption)
		if n == tcpip.UseDefaultIPv6HopLimit {
			n = defaultTTL
		}
		return number(n), errnoOf(err)
	case abi.Ipv6Tclass:
		n, err := so.ep.GetSockOptInt(tcpip.IPv6TrafficClassOption)
		return number(n), errnoOf(err)
	case abi.Ipv6MtuDiscover:
		return so.mtuDiscover()
	}
	return nil, t.Missing("IPV6_", name)
}
