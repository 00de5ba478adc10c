package gostack

import (
	"encoding/binary"
	"net/netip"
)

// Addresses of sockets (struct sockaddr_in and sockaddr_in6). Inside the stack an
// IPv4 address is never IPv4-mapped; a script's are, on an IPv6 socket.

// parseSockaddr takes an address apart, without mapping. ok is false if it is of
// another family or too short.
func parseSockaddr(b []byte) (a netip.AddrPort, ok bool) {
	if len(b) < 2 {
		return a, false
	}
	switch family := le.Uint16(b); {
	case family == afInet && len(b) >= sockaddrInLen:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), binary.BigEndian.Uint16(b[2:])), true
	case family == afInet6 && len(b) >= sockaddrIn6MinLen:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])), binary.BigEndian.Uint16(b[2:])), true
	}
	return a, false
}

func sockaddrFamily(b []byte) int {
	if len(b) < 2 {
		return -1
	}
	return int(le.Uint16(b))
}

// appendSockaddr lays out an address of a family. An IPv4 address becomes a mapped
// one where the family is IPv6.
func appendSockaddr(b []byte, family int, a netip.AddrPort) []byte {
	b = le.AppendUint16(b, uint16(family))
	b = binary.BigEndian.AppendUint16(b, a.Port())
	if family == afInet {
		ip := netip.IPv4Unspecified()
		if a.Addr().Unmap().Is4() {
			ip = a.Addr().Unmap()
		}
		b = append(b, ip.AsSlice()...)
		return append(b, make([]byte, 8)...)
	}
	ip := netip.IPv6Unspecified().As16()
	if a.Addr().IsValid() {
		ip = a.Addr().As16()
	}
	b = append(b, 0, 0, 0, 0) // flow label
	b = append(b, ip[:]...)
	return append(b, 0, 0, 0, 0) // scope
}

// putSockaddr lays out an address as the socket's calls return it.
func (sk *sock) putSockaddr(a netip.AddrPort) []byte { return appendSockaddr(nil, sk.family, a) }

// parsePeer reads the address that a socket is to be connected to. AF_UNSPEC is the
// caller's affair.
func (sk *sock) parsePeer(addr []byte) (netip.AddrPort, errno) {
	size := sockaddrInLen
	if sk.family == afInet6 {
		size = sockaddrIn6MinLen
	}
	if len(addr) < size {
		return netip.AddrPort{}, einval
	}
	if sockaddrFamily(addr) != sk.family {
		return netip.AddrPort{}, eafnosupport
	}
	a, _ := parseSockaddr(addr)
	if a.Addr().Is4In6() {
		if sk.v6only {
			return netip.AddrPort{}, enetunreach
		}
		if sk.local.Addr().IsValid() && sk.local.Addr().Is6() && !sk.local.Addr().IsUnspecified() {
			return netip.AddrPort{}, einval // bound to an IPv6 address
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
	mapped := ip.Is4() && sk.family == afInet6
	if specific || mapped {
		switch {
		case mapped && sk.v6only:
			return einval
		case ip.Is6() && ip.IsMulticast() && sk.typ == sockStream:
			return einval
		case ip.Is6() && ip.IsLinkLocalUnicast() && sk.bindDevice == "":
			return einval // of which link?
		case specific && !s.bindable(sk, ip):
			return eaddrnotavail
		}
	}
	if p := int64(a.Port()); p > 0 && p < s.sysctl.ipUnprivilegedPortStart && !s.capable(capNetBindService) {
		return eacces
	}
	if sk.local.Port() != 0 {
		return einval
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
	family := sockaddrFamily(addr)
	if sk.family == afInet6 {
		switch {
		case len(addr) < sockaddrIn6MinLen:
			return none, einval
		case family != afInet6:
			return none, eafnosupport
		}
		a, _ := parseSockaddr(addr)
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()), 0
	}
	switch {
	case len(addr) < sockaddrInLen:
		return none, einval
	case family == afUnspec:
		// Old programs leave the family out, for any address.
		ip := netip.AddrFrom4([4]byte(addr[4:8]))
		if !ip.IsUnspecified() {
			return none, eafnosupport
		}
		return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(addr[2:])), 0
	case family != afInet:
		return none, eafnosupport
	}
	a, _ := parseSockaddr(addr)
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
