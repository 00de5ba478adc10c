package wire

import (
	"bytes"
	"encoding/binary"
)

// A transport is the header and payload of a packet's TCP, UDP or ICMP, and where its
// checksum is.
type transport struct {
	bytes  []byte
	field  int    // offset of the checksum
	pseudo uint64 // the sum of the pseudo-header
	udp    bool
}

// transportOf finds the transport of a packet. ok is false if there is none that
// has a checksum.
func transportOf(b []byte) (t transport, ok bool) {
	p, err := Parse(b)
	if err != nil || len(p.Layers) < 2 {
		return t, false
	}
	at := 0 // of the transport's header
	for _, l := range p.Layers[:len(p.Layers)-1] {
		switch l := l.(type) {
		case *IPv4:
			at += l.HeaderLen
		case *IPv6:
			at += 40 + len(l.Extensions)
		case *GRE:
			at += l.len()
		case *MPLS:
			at += 4 * len(l.Labels)
		}
	}
	var proto uint8
	header, covers := 8, true
	switch l := p.lastLayer().(type) {
	case *TCP:
		proto, t.field, header = protoTCP, 16, l.HeaderLen
	case *UDP:
		proto, t.field, t.udp = protoUDP, 6, true
	case *ICMP:
		proto, t.field, covers = protoICMPv6, 2, l.V6 // ICMP of IPv4 covers no addresses (RFC 792)
	default:
		return t, false
	}
	pseudo, err := pseudoHeaderOf(p.Layers[len(p.Layers)-2], p.lastLayer(), nil)
	if err != nil {
		return t, false
	}
	t.bytes = b[at : at+header+len(p.Payload)]
	if covers {
		t.pseudo = pseudo.sum(proto, len(t.bytes))
	}
	return t, true
}

// put writes the checksum.
func (t *transport) put(c uint16) { binary.BigEndian.PutUint16(t.bytes[t.field:], c) }

// FillChecksum returns b with the checksum of its transport filled in, as
// the card does for a stack that leaves it to it: b itself if there is nothing to do,
// else a copy.
func FillChecksum(b []byte) []byte {
	filled := bytes.Clone(b)
	t, ok := transportOf(filled)
	if !ok {
		return b
	}
	t.put(0)
	c := fold(sum(t.bytes, t.pseudo))
	if c == 0 && t.udp {
		c = 0xffff // 0 would mean that there is none (RFC 768)
	}
	t.put(c)
	return filled
}

// LeaveChecksum leaves the checksum of b's transport to the card: the field has the
// pseudo-header's sum, as the kernel has it then (CHECKSUM_PARTIAL).
func LeaveChecksum(b []byte) {
	if t, ok := transportOf(b); ok {
		t.put(^fold(t.pseudo))
	}
}

// ChecksumLeft reports whether the checksum of b's transport is left to the card.
func ChecksumLeft(b []byte) bool {
	t, ok := transportOf(b)
	return ok && binary.BigEndian.Uint16(t.bytes[t.field:]) == ^fold(t.pseudo)
}

// BreakChecksum makes the checksum of b's transport wrong, if it was right.
func BreakChecksum(b []byte) {
	t, ok := transportOf(b)
	if !ok {
		return
	}
	c := binary.BigEndian.Uint16(t.bytes[t.field:]) + 1
	if c == 0 { // the same as 0xffff, or in UDP none
		c = 2
	}
	t.put(c)
}

// ChecksumOK reports whether the checksum of b's transport is right, or b has none.
func ChecksumOK(b []byte) bool {
	t, ok := transportOf(b)
	if !ok || t.udp && binary.BigEndian.Uint16(t.bytes[t.field:]) == 0 {
		return true
	}
	return fold(sum(t.bytes, t.pseudo)) == 0
}
