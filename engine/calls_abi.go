package engine

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// Linux's numbers and layouts that the engine itself must know; what scripts
// write by name is looked up in script/linux.

const (
	afUnspec = 0
	afInet   = 2
	afInet6  = 10

	sockStream   = 1
	sockDgram    = 2
	sockTypeMask = 0xf // above it are SOCK_NONBLOCK and SOCK_CLOEXEC

	ipprotoICMP   = 1
	ipprotoTCP    = 6
	ipprotoUDP    = 17
	ipprotoICMPv6 = 58

	solIP     = 0
	solSocket = 1
	solUDP    = 17
	solIPv6   = 41

	soError    = 4
	soRcvtimeo = 20
	soSndtimeo = 21

	// Types of control messages: SOL_SOCKET's, then others'.
	scmTimestamp         = 29
	scmTimestampns       = 35
	scmTimestamping      = 37
	scmTimestampingStats = 54
	scmTXTime            = 61
	ipTOS                = 1
	ipRecverr            = 11
	ipv6Recverr          = 25
	udpSegment           = 103

	// ioctls that only return an int.
	siocinq     = 0x541b
	siocoutq    = 0x5411
	siocoutqnsd = 0x894b
	siocatmark  = 0x8905

	fDupfd        = 0
	fGetfl        = 3
	fDupfdCloexec = 0x406

	msgCTrunc = 0x8

	sockaddrStorageLen = 128 // sizeof(struct sockaddr_storage)
)

// le is the byte order of the targets' memory.
var le = binary.LittleEndian

// encodeSockaddr lays out a struct sockaddr_in or sockaddr_in6.
func encodeSockaddr(a netip.AddrPort) []byte {
	if a.Addr().Is4() {
		p := make([]byte, 16)
		le.PutUint16(p, afInet)
		binary.BigEndian.PutUint16(p[2:], a.Port())
		ip := a.Addr().As4()
		copy(p[4:], ip[:])
		return p
	}
	p := make([]byte, 28)
	le.PutUint16(p, afInet6)
	binary.BigEndian.PutUint16(p[2:], a.Port())
	ip := a.Addr().As16()
	copy(p[8:], ip[:])
	return p
}

// decodeSockaddr is the reverse of encodeSockaddr. ok is false if p is another
// kind of address, or none.
func decodeSockaddr(p []byte) (a netip.AddrPort, ok bool) {
	if len(p) < 2 {
		return a, false
	}
	switch family := le.Uint16(p); {
	case family == afInet && len(p) >= 16:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(p[4:8])), binary.BigEndian.Uint16(p[2:])), true
	case family == afInet6 && len(p) >= 28:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(p[8:24])), binary.BigEndian.Uint16(p[2:])), true
	}
	return a, false
}

// unmap turns an IPv4-mapped IPv6 address into the IPv4 address it stands for.
func unmap(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// sockaddrText writes a struct sockaddr as a script has it.
func sockaddrText(p []byte) string {
	if a, ok := decodeSockaddr(p); ok {
		return addrPortText(a)
	}
	switch {
	case len(p) == 0:
		return "no address"
	case len(p) >= 2:
		return fmt.Sprintf("an address of family %d, %d bytes", le.Uint16(p), len(p))
	}
	return fmt.Sprintf("%d bytes", len(p))
}

// addrPortText is sockaddrText; the language says inet_addr for IPv6 too.
func addrPortText(a netip.AddrPort) string {
	family := "AF_INET"
	if !a.Addr().Is4() {
		family = "AF_INET6"
	}
	return fmt.Sprintf(`{sa_family = %s, sin_port = htons(%d), sin_addr = inet_addr("%s")}`,
		family, a.Port(), a.Addr())
}
