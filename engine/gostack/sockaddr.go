package gostack

import (
	"encoding/binary"
	"net/netip"

	"tcpdrill/engine/abi"
)

// putSockaddr lays out an address as the socket's calls return it.
func (sk *sock) putSockaddr(a netip.AddrPort) []byte { return abi.AppendSockaddr(nil, sk.family, a) }

// parsePeer reads the address that a socket is to be connected to. AF_UNSPEC is the
// caller's affair.
func (sk *sock) parsePeer(addr []byte) (netip.AddrPort, errno) {
	size := abi.SockaddrInLen
	if sk.family == abi.AfInet6 {
		size = abi.SockaddrIn6MinLen
	}
	if len(addr) < size {
		return netip.AddrPort{}, abi.EINVAL
	}
	if abi.SockaddrFamily(addr) != sk.family {
		return netip.AddrPort{}, abi.EAFNOSUPPORT
	}
	a, _ := abi.ParseSockaddr(addr)
	if a.Addr().Is4In6() {
		if sk.v6only {
			return netip.AddrPort{}, abi.ENETUNREACH
		}
		if sk.local.Addr().IsValid() && sk.local.Addr().Is6() && !sk.local.Addr().IsUnspecified() {
			return netip.AddrPort{}, abi.EINVAL // bound to an IPv6 address
		}
		a = netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	return a, 0
}

// bindSockaddr is bind(2): it checks the address and takes the port (inet_bind,
// inet6_bind).
func (sk *sock) bindSockaddr(addr []byte) errno {
	s := sk.s
	a, e := sk.parseBind(addr)
	if e != 0 {
		return e
	}
	ip := a.Addr()
	specific := !ip.IsUnspecified()
	mapped := ip.Is4() && sk.family == abi.AfInet6
	if specific || mapped {
		switch {
		case mapped && sk.v6only:
			return abi.EINVAL
		case ip.Is6() && ip.IsMulticast() && sk.typ == abi.SockStream:
			return abi.EINVAL
		case ip.Is6() && ip.IsLinkLocalUnicast() && sk.bindDevice == "":
			return abi.EINVAL // of which link?
		case specific && !s.bindable(sk, ip):
			return abi.EADDRNOTAVAIL
		}
	}
	if p := int64(a.Port()); p > 0 && p < s.sysctl.ipUnprivilegedPortStart && !s.Capable(abi.CapNetBindService) {
		return abi.EACCES
	}
	if sk.local.Port() != 0 {
		return abi.EINVAL
	}
	old, oldV6only := sk.local, sk.v6only
	if ip.Is6() && specific {
		sk.v6only = true // IPv4 can't come in there
	}
	sk.local = netip.AddrPortFrom(ip, 0)
	if a.Port() != 0 || !sk.bindNoPort {
		if e := s.bindPort(sk, ip, a.Port()); e != 0 {
			sk.local, sk.v6only = old, oldV6only
			return e
		}
	}
	sk.addrBound = specific
	sk.portBound = a.Port() != 0
	return 0
}

// parseBind reads the address to bind to.
func (sk *sock) parseBind(addr []byte) (netip.AddrPort, errno) {
	none := netip.AddrPort{}
	family := abi.SockaddrFamily(addr)
	if sk.family == abi.AfInet6 {
		switch {
		case len(addr) < abi.SockaddrIn6MinLen:
			return none, abi.EINVAL
		case family != abi.AfInet6:
			return none, abi.EAFNOSUPPORT
		}
		a, _ := abi.ParseSockaddr(addr)
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), 0
	}
	switch {
	case len(addr) < abi.SockaddrInLen:
		return none, abi.EINVAL
	case family == abi.AfUnspec:
		// Old programs leave the family out, for any address.
		ip := netip.AddrFrom4([4]byte(addr[4:8]))
		if !ip.IsUnspecified() {
			return none, abi.EAFNOSUPPORT
		}
		return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(addr[2:])), 0
	case family != abi.AfInet:
		return none, abi.EAFNOSUPPORT
	}
	a, _ := abi.ParseSockaddr(addr)
	return a, 0
}

// bindable reports whether a socket may be bound to an address.
func (s *Stack) bindable(sk *sock, ip netip.Addr) bool {
	nonlocal := s.sysctl.ipNonlocalBind
	if ip.Is6() {
		nonlocal = s.sysctl.ipv6IpNonlocalBind
	}
	return sk.freebind || sk.transparent || nonlocal != 0 || ip.IsMulticast() || s.dev.anyIP || s.isLocal(ip) ||
		ip == netip.AddrFrom4([4]byte{255, 255, 255, 255})
}
