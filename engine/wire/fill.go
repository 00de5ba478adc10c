package wire

import (
	"bytes"
	"encoding/binary"
)

// FillChecksum returns b with the checksum of its TCP or UDP header filled in, as
// the card does for a stack that leaves it to it: b itself if there is nothing to do,
// else a copy.
func FillChecksum(b []byte) []byte {
	p, err := Parse(b)
	if err != nil || len(p.Layers) < 2 {
		return b
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
	field, header := 0, 0
	switch l := p.lastLayer().(type) {
	case *TCP:
		proto, field, header = protoTCP, 16, l.HeaderLen
	case *UDP:
		proto, field, header = protoUDP, 6, 8
	default:
		return b
	}
	pseudo, err := pseudoHeaderOf(p.Layers[len(p.Layers)-2], p.lastLayer(), nil)
	if err != nil {
		return b
	}
	filled := bytes.Clone(b)
	t := filled[at : at+header+len(p.Payload)]
	binary.BigEndian.PutUint16(t[field:], 0)
	c := fold(sum(t, pseudo.sum(proto, len(t))))
	if c == 0 && proto == protoUDP {
		c = 0xffff // 0 would mean that there is none (RFC 768)
	}
	binary.BigEndian.PutUint16(t[field:], c)
	return filled
}
