package wire

import (
	"encoding/binary"
	"fmt"
)

// A Fragment is what an IP header says of a packet that is a piece of a larger one
// (RFC 791 section 3.2, RFC 8200 section 4.5).
type Fragment struct {
	V6       bool
	ID       uint32 // the same in all pieces; 16 bits in IPv4
	Protocol uint8  // of what was cut
	Offset   int    // where the piece begins in that, in bytes
	Len      int    // bytes
	More     bool   // MF: it isn't the last

	layer int // the header that says so
}

// Fragment returns what the outermost IP header that says so says of a piece of a larger
// packet; nil if p is whole. The first piece has the transport's header, and TCP and UDP
// return it if all of it is there.
func (p *Packet) Fragment() *Fragment {
	for i, l := range p.Layers {
		var f *Fragment
		switch l := l.(type) {
		case *IPv4:
			f = l.fragment()
		case *IPv6:
			f = l.fragment()
		}
		if f != nil {
			f.layer = i
			return f
		}
	}
	return nil
}

// Beginning returns what the first fragment of a packet has of it, as if that were all; nil
// if p isn't that, or not all of the transport's header is in it.
func (p *Packet) Beginning() *Packet {
	f := p.Fragment()
	if _, unknown := p.lastLayer().(*Unknown); f == nil || unknown {
		return nil
	}
	whole := p.Clone()
	switch ip := whole.Layers[f.layer].(type) {
	case *IPv4:
		ip.MF = false
	case *IPv6:
		ip.Extensions = nil
	}
	return whole
}

func (ip *IPv4) fragment() *Fragment {
	if !ip.MF && ip.FragOffset == 0 {
		return nil
	}
	return &Fragment{
		ID: uint32(ip.ID), Protocol: ip.Protocol,
		Offset: ip.FragOffset, Len: max(0, ip.TotalLen-ip.HeaderLen), More: ip.MF,
	}
}

func (ip *IPv6) fragment() *Fragment {
	e, err := walkExtensions(ip.NextHeader, ip.Extensions)
	if err != nil || !e.laterFragment && !e.moreFragments {
		return nil
	}
	header := ip.Extensions[e.fragmentEnd-fragmentHeader:]
	return &Fragment{
		V6: true, ID: binary.BigEndian.Uint32(header[4:]), Protocol: e.next,
		Offset: int(binary.BigEndian.Uint16(header[2:]) &^ 7), Len: max(0, ip.PayloadLen-e.fragmentEnd), More: e.moreFragments,
	}
}

// fragmentHeader is the length of IPv6's fragment header, in bytes.
const fragmentHeader = 8

// appendFragmentHeader appends one with the ID 0.
func appendFragmentHeader(b []byte, next uint8, offset uint16, more bool) []byte {
	if more {
		offset |= 1
	}
	b = append(b, next, 0)
	b = binary.BigEndian.AppendUint16(b, offset)
	return binary.BigEndian.AppendUint32(b, 0)
}

// String returns the fragment in script notation: fragment udp 0:1480(1480) mf.
func (f *Fragment) String() string {
	text := fmt.Sprintf("fragment %s %d:%d(%d)", f.Carries(), f.Offset, f.Offset+f.Len, f.Len)
	if f.More {
		text += " mf"
	}
	return text
}

// Carries returns what was cut: udp, tcp, icmp or proto 89.
func (f *Fragment) Carries() string {
	switch {
	case f.Protocol == protoTCP:
		return "tcp"
	case f.Protocol == protoUDP:
		return "udp"
	case f.Protocol == protoICMP && !f.V6, f.Protocol == protoICMPv6 && f.V6:
		return "icmp"
	}
	return fmt.Sprintf("proto %d", f.Protocol)
}
