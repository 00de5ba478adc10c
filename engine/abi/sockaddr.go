package abi

import (
	"encoding/binary"
	"net/netip"
)

// Addresses of sockets: struct sockaddr_in and sockaddr_in6.

var le = binary.LittleEndian

// ParseSockaddr takes an address apart, without mapping. ok is false if it is of
// another family or too short.
func ParseSockaddr(b []byte) (a netip.AddrPort, ok bool) {
	if len(b) < 2 {
		return a, false
	}
	switch family := le.Uint16(b); {
	case family == AfInet && len(b) >= SockaddrInLen:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), binary.BigEndian.Uint16(b[2:])), true
	case family == AfInet6 && len(b) >= SockaddrIn6MinLen:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[8:24])), binary.BigEndian.Uint16(b[2:])), true
	}
	return a, false
}

// SockaddrFamily returns an address's family (AF_*), -1 if it is too short for one.
func SockaddrFamily(b []byte) int {
	if len(b) < 2 {
		return -1
	}
	return int(le.Uint16(b))
}

// AppendSockaddr lays out an address of a family. An IPv4 address becomes a mapped
// one where the family is IPv6.
func AppendSockaddr(b []byte, family int, a netip.AddrPort) []byte {
	b = le.AppendUint16(b, uint16(family))
	b = binary.BigEndian.AppendUint16(b, a.Port())
	if family == AfInet {
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
