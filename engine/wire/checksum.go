package wire

import "encoding/binary"

// sum adds b, as 16-bit words, to a one's complement sum (RFC 1071).
func sum(b []byte, s uint64) uint64 {
	for ; len(b) >= 4; b = b[4:] {
		s += uint64(binary.BigEndian.Uint32(b))
	}
	if len(b) >= 2 {
		s += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		s += uint64(b[0]) << 8
	}
	return s
}

// fold turns a one's complement sum into the checksum that belongs into a
// header.
func fold(s uint64) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return ^uint16(s)
}

// checksum returns the Internet checksum of b (RFC 1071). It is 0 over
// something whose own checksum is right.
func checksum(b []byte) uint16 { return fold(sum(b, 0)) }
