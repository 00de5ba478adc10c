package wire

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"
)

// What a card would fill in is what Marshal does, whatever stood there, and the
// caller's bytes stay as they are.
func TestFillChecksum(t *testing.T) {
	v4, v6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	tcp := &TCP{SrcPort: 1, DstPort: 2, Flags: ACK, Options: []TCPOption{{Kind: OptNOP}, {Kind: OptNOP}, {Kind: OptSACKOK}}}
	for _, layers := range [][]Layer{
		{&IPv4{Src: v4, Dst: v4}, tcp},
		{&IPv6{Src: v6, Dst: v6}, tcp},
		{&IPv6{Src: v6, Dst: v6, NextHeader: protoDestOpts, Extensions: []byte{protoUDP, 0, 1, 4, 0, 0, 0, 0}}, &UDP{SrcPort: 1}},
		{&IPv4{Src: v4, Dst: v4}, &GRE{}, &IPv4{Src: v4, Dst: v4}, &MPLS{Labels: []MPLSLabel{{Bottom: true}}}, &IPv6{Src: v6, Dst: v6}, tcp},
	} {
		p := &Packet{Layers: layers, Payload: []byte("odd")}
		want, err := p.Marshal(MarshalOptions{})
		if err != nil {
			t.Fatal(err)
		}
		field := len(want) - 3 - 24 + 16
		if p.UDP() != nil {
			field = len(want) - 3 - 8 + 6
		}
		partial := bytes.Clone(want)
		binary.BigEndian.PutUint16(partial[field:], 0x1234)
		before := bytes.Clone(partial)
		if got := FillChecksum(partial); !bytes.Equal(got, want) {
			t.Errorf("%s\ngot  %x\nwant %x", Format(p, FormatOptions{}), got, want)
		}
		if !bytes.Equal(partial, before) {
			t.Error("the original was written to")
		}
	}
	for _, b := range [][]byte{nil, {0x45}, []byte("no packet at all")} {
		if got := FillChecksum(b); !bytes.Equal(got, b) {
			t.Errorf("%x became %x", b, got)
		}
	}
}

// A checksum is right, wrong once it is broken, whatever it was, and left to the card
// as the pseudo-header's sum, from which a card makes the right one.
func TestChecksums(t *testing.T) {
	v4, v6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	for _, layers := range [][]Layer{
		{&IPv4{Src: v4, Dst: v4}, &TCP{Flags: ACK}},
		{&IPv6{Src: v6, Dst: v6}, &TCP{Flags: ACK}},
		{&IPv4{Src: v4, Dst: v4}, &UDP{SrcPort: 1}},
		{&IPv6{Src: v6, Dst: v6}, &UDP{SrcPort: 1}},
		{&IPv4{Src: v4, Dst: v4}, &ICMP{Type: 8}},
		{&IPv6{Src: v6, Dst: v6}, &ICMP{V6: true, Type: 128}},
	} {
		p := &Packet{Layers: layers, Payload: make([]byte, 2)}
		for n := range 1 << 16 { // so that all checksums come up
			binary.BigEndian.PutUint16(p.Payload, uint16(n))
			b, err := p.Marshal(MarshalOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if !ChecksumOK(b) {
				t.Fatalf("%x: wrong as marshalled", b)
			}
			broken := bytes.Clone(b)
			BreakChecksum(broken)
			if ChecksumOK(broken) {
				t.Fatalf("%x: broken it is %x, and right", b, broken)
			}
			left := bytes.Clone(b)
			LeaveChecksum(left)
			if !ChecksumLeft(left) || ChecksumLeft(broken) && ChecksumLeft(b) {
				t.Fatalf("%x: left it is %x", b, left)
			}
			if got := FillChecksum(left); !bytes.Equal(got, b) {
				t.Fatalf("%x: left %x, filled in %x", b, left, got)
			}
		}
	}
}
