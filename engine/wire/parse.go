package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

// Numbers of protocols in IP headers, and Ethernet types in GRE headers.
const (
	protoHopByHop = uint8(0)
	protoICMP     = uint8(1)
	protoIPv4     = uint8(4)
	protoTCP      = uint8(6)
	protoUDP      = uint8(17)
	protoIPv6     = uint8(41)
	protoRouting  = uint8(43)
	protoFragment = uint8(44)
	protoGRE      = uint8(47)
	protoAH       = uint8(51)
	protoICMPv6   = uint8(58)
	protoDestOpts = uint8(60)
	protoMPLS     = uint8(137)

	etherIPv4 = uint16(0x0800)
	etherIPv6 = uint16(0x86dd)
	etherMPLS = uint16(0x8847)
)

// Parse takes a packet apart, from its outermost IP header on. Bytes after the
// end that the IP header gives are ignored. A super-segment (a packet not cut
// yet) is a packet like any other; where it is too big for its header's length
// field, and that field is 0, it ends where b does. A fragment which isn't the
// first or not all of whose transport's header is there, a transport other than TCP,
// UDP and ICMP, and GRE of another version or with routing end in an Unknown layer.
//
// The packet's payload and options refer to b; nothing in this package writes
// there.
//
// The headers are read here rather than by gopacket, whose decoders refuse or
// lose what a stack under test may send: IP lengths of 0, reserved bits of TCP,
// options after EOL, IPv4 options without data; and whose GRE decoder reads
// past the end of a short packet.
func Parse(b []byte) (*Packet, error) {
	p := &Packet{Layers: make([]Layer, 0, 2)}
	if err := p.parseIP(b); err != nil {
		return nil, err
	}
	return p, nil
}

// parseIP parses an IP header of either version and what is in it.
func (p *Packet) parseIP(b []byte) error {
	if len(b) == 0 {
		return errors.New("no bytes where an IP header should be")
	}
	switch v := b[0] >> 4; v {
	case 4:
		return p.parseIPv4(b)
	case 6:
		return p.parseIPv6(b)
	default:
		return fmt.Errorf("IP version %d is neither 4 nor 6", v)
	}
}

func (p *Packet) parseIPv4(b []byte) error {
	if len(b) < 20 {
		return fmt.Errorf("IPv4 header of %d bytes is less than 20", len(b))
	}
	frag := binary.BigEndian.Uint16(b[6:])
	ip := &IPv4{
		HeaderLen:  int(b[0]&0xf) * 4,
		TOS:        b[1],
		TotalLen:   int(binary.BigEndian.Uint16(b[2:])),
		ID:         binary.BigEndian.Uint16(b[4:]),
		DF:         frag&0x4000 != 0,
		MF:         frag&0x2000 != 0,
		FragOffset: int(frag&0x1fff) * 8,
		TTL:        b[8],
		Protocol:   b[9],
		Checksum:   binary.BigEndian.Uint16(b[10:]),
		Src:        netip.AddrFrom4([4]byte(b[12:])),
		Dst:        netip.AddrFrom4([4]byte(b[16:])),
	}
	if b[0]>>4 != 4 {
		return fmt.Errorf("IP version %d where IPv4 should be", b[0]>>4)
	}
	if ip.HeaderLen < 20 {
		return fmt.Errorf("IPv4 header length %d is less than 20", ip.HeaderLen)
	}
	total := ip.TotalLen
	if total == 0 {
		total = len(b)
	}
	if total > len(b) {
		return fmt.Errorf("IPv4 total length %d is more than the %d bytes that are there", total, len(b))
	}
	if ip.HeaderLen > total {
		return fmt.Errorf("IPv4 header length %d is more than the packet's %d bytes", ip.HeaderLen, total)
	}
	if ip.HeaderLen > 20 {
		ip.Options = b[20:ip.HeaderLen:ip.HeaderLen]
	}
	ip.BadChecksum = checksum(b[:ip.HeaderLen]) != 0
	p.Layers = append(p.Layers, ip)
	body := b[ip.HeaderLen:total:total]
	if ip.FragOffset > 0 {
		return p.unknown(ip.Protocol, body)
	}
	return p.parseBody(ip.Protocol, body, ip.MF)
}

func (p *Packet) parseIPv6(b []byte) error {
	if len(b) < 40 {
		return fmt.Errorf("IPv6 header of %d bytes is less than 40", len(b))
	}
	word := binary.BigEndian.Uint32(b)
	ip := &IPv6{
		TrafficClass: uint8(word >> 20),
		FlowLabel:    word & 0xfffff,
		PayloadLen:   int(binary.BigEndian.Uint16(b[4:])),
		NextHeader:   b[6],
		HopLimit:     b[7],
		Src:          netip.AddrFrom16([16]byte(b[8:])),
		Dst:          netip.AddrFrom16([16]byte(b[24:])),
	}
	if b[0]>>4 != 6 {
		return fmt.Errorf("IP version %d where IPv6 should be", b[0]>>4)
	}
	body := b[40:]
	if ip.PayloadLen > len(body) {
		return fmt.Errorf("IPv6 payload length %d is more than the %d bytes that are there", ip.PayloadLen, len(body))
	}
	if ip.PayloadLen > 0 {
		body = body[:ip.PayloadLen:ip.PayloadLen]
	}
	ext, err := walkExtensions(ip.NextHeader, body)
	if err != nil {
		return err
	}
	if ext.len > 0 {
		ip.Extensions = body[:ext.len:ext.len]
	}
	p.Layers = append(p.Layers, ip)
	body = body[ext.len:]
	if ext.laterFragment {
		return p.unknown(ext.next, body)
	}
	return p.parseBody(ext.next, body, ext.moreFragments)
}

// extensions is what a chain of IPv6 extension headers says.
type extensions struct {
	len           int   // bytes
	next          uint8 // the protocol after them
	nextAt        int   // where the last of them says so
	fragmentEnd   int   // where the fragment header ends; 0: there is none
	laterFragment bool  // not the first
	moreFragments bool
}

// walkExtensions goes over the extension headers (RFC 8200 section 4) at the
// start of b, which holds the header of type next. An unknown header is where
// they end.
func walkExtensions(next uint8, b []byte) (extensions, error) {
	e := extensions{next: next}
	for !e.laterFragment {
		size := 0
		rest := b[e.len:]
		switch e.next {
		default:
			return e, nil
		case protoHopByHop, protoRouting, protoDestOpts:
			if len(rest) >= 8 {
				size = 8 + int(rest[1])*8
			}
		case protoAH:
			if len(rest) >= 8 {
				size = 8 + int(rest[1])*4
			}
		case protoFragment:
			if len(rest) >= fragmentHeader {
				size = fragmentHeader
				e.fragmentEnd = e.len + size
				field := binary.BigEndian.Uint16(rest[2:])
				e.laterFragment = field&0xfff8 != 0
				e.moreFragments = field&1 != 0
			}
		}
		if size == 0 || size > len(rest) {
			return e, fmt.Errorf("IPv6 extension header %d is cut short", e.next)
		}
		e.next, e.nextAt = rest[0], e.len
		e.len += size
	}
	return e, nil
}

// parseBody parses what an IP header carries. Of a packet that is cut it may have less
// than the header.
func (p *Packet) parseBody(proto uint8, b []byte, moreFragments bool) error {
	n := len(p.Layers)
	err := p.parseProtocol(proto, b, moreFragments)
	if err != nil && moreFragments {
		p.Layers = p.Layers[:n]
		return p.unknown(proto, b)
	}
	return err
}

// parseProtocol parses a transport, or a packet in the packet.
func (p *Packet) parseProtocol(proto uint8, b []byte, moreFragments bool) error {
	_, v6 := p.Layers[len(p.Layers)-1].(*IPv6)
	switch {
	case proto == protoTCP:
		return p.parseTCP(b)
	case proto == protoUDP:
		return p.parseUDP(b, moreFragments)
	case proto == protoICMP && !v6, proto == protoICMPv6 && v6:
		return p.parseICMP(b, v6)
	case proto == protoIPv4:
		return p.parseIPv4(b)
	case proto == protoIPv6:
		return p.parseIPv6(b)
	case proto == protoGRE:
		return p.parseGRE(b)
	case proto == protoMPLS:
		return p.parseMPLS(b)
	}
	return p.unknown(proto, b)
}

func (p *Packet) unknown(proto uint8, b []byte) error {
	p.Layers = append(p.Layers, &Unknown{Protocol: proto})
	p.Payload = b
	return nil
}

func (p *Packet) parseGRE(b []byte) error {
	if len(b) < 4 {
		return fmt.Errorf("GRE header of %d bytes is less than 4", len(b))
	}
	g := &GRE{Flags: binary.BigEndian.Uint16(b), Protocol: binary.BigEndian.Uint16(b[2:])}
	if g.Flags&7 != 0 || g.Flags&GRERouting != 0 {
		return p.unknown(protoGRE, b)
	}
	if n := g.len(); n > len(b) {
		return fmt.Errorf("GRE header length %d is more than the %d bytes that are there", n, len(b))
	}
	rest := b[4:]
	if g.Flags&GREChecksum != 0 {
		g.Checksum = binary.BigEndian.Uint16(rest)
		g.Offset = binary.BigEndian.Uint16(rest[2:])
		rest = rest[4:]
	}
	if g.Flags&GREKey != 0 {
		g.Key = binary.BigEndian.Uint32(rest)
		rest = rest[4:]
	}
	if g.Flags&GRESequence != 0 {
		g.Seq = binary.BigEndian.Uint32(rest)
		rest = rest[4:]
	}
	p.Layers = append(p.Layers, g)
	switch g.Protocol {
	case etherIPv4:
		return p.parseIPv4(rest)
	case etherIPv6:
		return p.parseIPv6(rest)
	case etherMPLS:
		return p.parseMPLS(rest)
	}
	return p.unknown(0, rest)
}

// len returns the length of the header, in bytes.
func (g *GRE) len() int {
	n := 4
	for _, f := range [...]uint16{GREChecksum, GREKey, GRESequence} {
		if g.Flags&f != 0 {
			n += 4
		}
	}
	return n
}

// parseMPLS parses a label stack. What it carries isn't said anywhere; as
// elsewhere, it is IP if its first four bits are a version of IP.
func (p *Packet) parseMPLS(b []byte) error {
	m := &MPLS{}
	for {
		if len(b) < 4 {
			return fmt.Errorf("MPLS stack ends after %d labels without a bottom", len(m.Labels))
		}
		w := binary.BigEndian.Uint32(b)
		l := MPLSLabel{Label: w >> 12, TC: uint8(w>>9) & 7, Bottom: w&0x100 != 0, TTL: uint8(w)}
		m.Labels = append(m.Labels, l)
		b = b[4:]
		if l.Bottom {
			break
		}
	}
	p.Layers = append(p.Layers, m)
	if len(b) > 0 && (b[0]>>4 == 4 || b[0]>>4 == 6) {
		return p.parseIP(b)
	}
	return p.unknown(0, b)
}

func (p *Packet) parseTCP(b []byte) error {
	if len(b) < 20 {
		return fmt.Errorf("TCP header of %d bytes is less than 20", len(b))
	}
	word := binary.BigEndian.Uint16(b[12:])
	t := &TCP{
		SrcPort:   binary.BigEndian.Uint16(b),
		DstPort:   binary.BigEndian.Uint16(b[2:]),
		Seq:       binary.BigEndian.Uint32(b[4:]),
		Ack:       binary.BigEndian.Uint32(b[8:]),
		HeaderLen: int(word>>12) * 4,
		Reserved:  uint8(word>>9) & 7,
		Flags:     TCPFlags(word & 0x1ff),
		Window:    binary.BigEndian.Uint16(b[14:]),
		Checksum:  binary.BigEndian.Uint16(b[16:]),
		Urgent:    binary.BigEndian.Uint16(b[18:]),
	}
	if t.HeaderLen < 20 {
		return fmt.Errorf("TCP header length %d is less than 20", t.HeaderLen)
	}
	if t.HeaderLen > len(b) {
		return fmt.Errorf("TCP header length %d is more than the %d bytes that are there", t.HeaderLen, len(b))
	}
	var err error
	if t.Options, err = parseTCPOptions(b[20:t.HeaderLen:t.HeaderLen]); err != nil {
		return err
	}
	p.Layers = append(p.Layers, t)
	p.Payload = b[t.HeaderLen:]
	return nil
}

// parseTCPOptions parses a header's options. What follows an EOL is options
// too if it parses as such, since scripts may inject that; else it is the
// EOL's data.
func parseTCPOptions(b []byte) ([]TCPOption, error) {
	if len(b) == 0 {
		return nil, nil
	}
	opts := make([]TCPOption, 0, 4)
	for len(b) > 0 {
		kind := b[0]
		switch {
		case kind == OptNOP:
			opts = append(opts, TCPOption{Kind: kind})
			b = b[1:]
		case kind == OptEOL:
			opts = append(opts, TCPOption{Kind: kind})
			rest, err := parseTCPOptions(b[1:])
			if err != nil {
				opts[len(opts)-1].Data = b[1:]
			}
			return append(opts, rest...), nil
		case len(b) < 2:
			return nil, fmt.Errorf("TCP option %d has no length", kind)
		case b[1] < 2:
			return nil, fmt.Errorf("TCP option %d has length %d, less than 2", kind, b[1])
		case int(b[1]) > len(b):
			return nil, fmt.Errorf("TCP option %d has length %d, more than the %d bytes left", kind, b[1], len(b))
		default:
			o := TCPOption{Kind: kind}
			if n := b[1]; n > 2 {
				o.Data = b[2:n:n]
			}
			opts = append(opts, o)
			b = b[b[1]:]
		}
	}
	return opts, nil
}

func (p *Packet) parseUDP(b []byte, moreFragments bool) error {
	if len(b) < 8 {
		return fmt.Errorf("UDP header of %d bytes is less than 8", len(b))
	}
	u := &UDP{
		SrcPort:  binary.BigEndian.Uint16(b),
		DstPort:  binary.BigEndian.Uint16(b[2:]),
		Len:      int(binary.BigEndian.Uint16(b[4:])),
		Checksum: binary.BigEndian.Uint16(b[6:]),
	}
	n := u.Len
	if n == 0 || n > len(b) && moreFragments {
		n = len(b)
	}
	if n < 8 {
		return fmt.Errorf("UDP length %d is less than 8", u.Len)
	}
	if n > len(b) {
		return fmt.Errorf("UDP length %d is more than the %d bytes that are there", u.Len, len(b))
	}
	p.Layers = append(p.Layers, u)
	p.Payload = b[8:n:n]
	return nil
}

func (p *Packet) parseICMP(b []byte, v6 bool) error {
	if len(b) < 8 {
		return fmt.Errorf("ICMP header of %d bytes is less than 8", len(b))
	}
	p.Layers = append(p.Layers, &ICMP{
		V6:       v6,
		Type:     b[0],
		Code:     b[1],
		Checksum: binary.BigEndian.Uint16(b[2:]),
		Rest:     binary.BigEndian.Uint32(b[4:]),
	})
	p.Payload = b[8:]
	return nil
}
