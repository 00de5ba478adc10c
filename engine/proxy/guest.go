package proxy

import (
	"encoding/binary"
	"net/netip"
)

// A guest is what the harness owes its link: it has an Ethernet address, finds out the
// router's and answers who asks for its own, by ARP (RFC 826) or Neighbor Discovery (RFC
// 4861). Scripts see none of that.
type guest struct {
	mac    hwAddr
	addr   netip.Addr
	router netip.Addr
	via    hwAddr // the router's; zero until it has answered
}

type hwAddr [6]byte

// guestMAC is the guest's: one that is administered locally.
var guestMAC = hwAddr{0x02, 0, 0, 0xd2, 0x11, 0x01}

const (
	ethernetHeader = 14

	etherIPv4 = 0x0800
	etherARP  = 0x0806
	etherIPv6 = 0x86dd
)

func ethernet(dst, src hwAddr, etherType uint16, payload []byte) []byte {
	f := make([]byte, 0, ethernetHeader+len(payload))
	f = append(f, dst[:]...)
	f = append(f, src[:]...)
	f = binary.BigEndian.AppendUint16(f, etherType)
	return append(f, payload...)
}

// frame puts an IP packet into a frame to the router.
func (g *guest) frame(packet []byte) []byte {
	etherType := uint16(etherIPv4)
	if packet[0]>>4 == 6 {
		etherType = etherIPv6
	}
	return ethernet(g.via, g.mac, etherType, packet)
}

// ask returns the frame that asks for the router's address.
func (g *guest) ask() []byte {
	if g.addr.Is4() {
		return ethernet(hwAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, g.mac, etherARP,
			arp(arpRequest, g.mac, g.addr, hwAddr{}, g.router))
	}
	// To the multicast group of those whose address ends so (RFC 4291, 2.7.1).
	to := netip.MustParseAddr("ff02::1:ff00:0").As16()
	r := g.router.As16()
	copy(to[13:], r[13:])
	dst := hwAddr{0x33, 0x33, to[12], to[13], to[14], to[15]}
	return ethernet(dst, g.mac, etherIPv6,
		neighbor(icmpNeighborSolicit, 0, g.addr, netip.AddrFrom16(to), g.router, optSourceLink, g.mac))
}

// receive takes a frame apart: packet is for the script, if it is one; answer is the frame
// to send back, if the other end wants one. Either may be nil.
func (g *guest) receive(frame []byte) (packet, answer []byte) {
	if len(frame) < ethernetHeader {
		return nil, nil
	}
	payload := frame[ethernetHeader:]
	switch binary.BigEndian.Uint16(frame[12:]) {
	case etherARP:
		return nil, g.receiveARP(payload)
	case etherIPv4:
		return payload, nil
	case etherIPv6:
		if len(payload) >= 48 && payload[6] == protoICMPv6 && linkLocalICMP(payload[40]) {
			return nil, g.receiveND(payload)
		}
		return payload, nil
	}
	return nil, nil
}

const (
	arpRequest = 1
	arpReply   = 2
	arpLen     = 28
)

// arp makes an ARP packet for IPv4 over Ethernet.
func arp(op uint16, mac hwAddr, addr netip.Addr, targetMAC hwAddr, target netip.Addr) []byte {
	p := []byte{0, 1, 8, 0, 6, 4}
	p = binary.BigEndian.AppendUint16(p, op)
	p = append(append(p, mac[:]...), addr.AsSlice()...)
	return append(append(p, targetMAC[:]...), target.AsSlice()...)
}

func (g *guest) receiveARP(p []byte) (answer []byte) {
	if len(p) < arpLen || !g.addr.Is4() {
		return nil
	}
	mac, addr := hwAddr(p[8:14]), netip.AddrFrom4([4]byte(p[14:18]))
	target := netip.AddrFrom4([4]byte(p[24:28]))
	switch op := binary.BigEndian.Uint16(p[6:]); {
	case op == arpReply && addr == g.router:
		g.via = mac
	case op == arpRequest && target == g.addr:
		return ethernet(mac, g.mac, etherARP, arp(arpReply, g.mac, g.addr, mac, addr))
	}
	return nil
}

const (
	protoICMPv6 = 58

	icmpListenerQuery     = 130 // multicast listeners, up to 132
	icmpListenerDone      = 132
	icmpRouterSolicit     = 133 // Neighbor Discovery, up to redirects
	icmpNeighborSolicit   = 135
	icmpNeighborAdvertise = 136
	icmpRedirect          = 137
	icmpListenerReport2   = 143

	optSourceLink = 1
	optTargetLink = 2

	solicited = 0x60 // the flags of an answer: solicited, override
)

// linkLocalICMP reports whether messages of a type are the link's own.
func linkLocalICMP(typ byte) bool {
	return typ >= icmpListenerQuery && typ <= icmpListenerDone ||
		typ >= icmpRouterSolicit && typ <= icmpRedirect || typ == icmpListenerReport2
}

// neighbor makes a Neighbor Solicitation or Advertisement with one link-layer option.
func neighbor(typ, flags byte, src, dst, target netip.Addr, option byte, mac hwAddr) []byte {
	icmp := []byte{typ, 0, 0, 0, flags, 0, 0, 0}
	icmp = append(icmp, target.AsSlice()...)
	icmp = append(append(icmp, option, 1), mac[:]...)
	binary.BigEndian.PutUint16(icmp[2:], icmpChecksum(icmp, src, dst))
	p := []byte{6 << 4, 0, 0, 0}
	p = binary.BigEndian.AppendUint16(p, uint16(len(icmp)))
	p = append(p, protoICMPv6, 255) // hop limit: from this link only
	p = append(append(p, src.AsSlice()...), dst.AsSlice()...)
	return append(p, icmp...)
}

// icmpChecksum is the checksum over a message of even length and its pseudo-header (RFC
// 8200, 8.1).
func icmpChecksum(icmp []byte, src, dst netip.Addr) uint16 {
	s := uint32(len(icmp)) + protoICMPv6
	for _, b := range [][]byte{src.AsSlice(), dst.AsSlice(), icmp} {
		for i := 0; i < len(b); i += 2 {
			s += uint32(binary.BigEndian.Uint16(b[i:]))
		}
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return ^uint16(s)
}

func (g *guest) receiveND(p []byte) (answer []byte) {
	const target, option = 48, 64
	if len(p) < option || !g.addr.Is6() {
		return nil
	}
	from := netip.AddrFrom16([16]byte(p[8:24]))
	about := netip.AddrFrom16([16]byte(p[target:option]))
	var mac hwAddr
	has := len(p) >= option+8 && (p[option] == optSourceLink || p[option] == optTargetLink)
	if has {
		mac = hwAddr(p[option+2:])
	}
	switch typ := p[40]; {
	case typ == icmpNeighborAdvertise && about == g.router && has:
		g.via = mac
	case typ == icmpNeighborSolicit && about == g.addr && has:
		return ethernet(mac, g.mac, etherIPv6,
			neighbor(icmpNeighborAdvertise, solicited, g.addr, from, g.addr, optTargetLink, g.mac))
	}
	return nil
}
