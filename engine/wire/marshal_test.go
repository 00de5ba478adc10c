package wire

import (
	"strings"
	"testing"
)

func TestMarshalErrors(t *testing.T) {
	v6 := func() *IPv6 { return &IPv6{Src: addr6a, Dst: addr6b} }
	tests := []struct {
		want   string
		layers []Layer
	}{
		{"a packet without headers", nil},
		{"the outermost header is TCP, which isn't IP", []Layer{&TCP{}}},
		{"IPv4: nothing inside", []Layer{v4()}},
		{"IPv4: from 2001:db8::1 to 192.168.0.1: want addresses of 4 bytes", []Layer{&IPv4{Src: addr6a, Dst: addr4b}, &Unknown{}}},
		{"TCP: from 192.0.2.1 to 2001:db8::2: want addresses of 16 bytes", []Layer{&IPv6{Src: addr4a, Dst: addr6b}, &TCP{}}},
		{"IPv4: options of 3 bytes", []Layer{&IPv4{Src: addr4a, Dst: addr4b, Options: make([]byte, 3)}, &TCP{}}},
		{"IPv4: fragment offset 4", []Layer{&IPv4{Src: addr4a, Dst: addr4b, FragOffset: 4}, &Unknown{}}},
		{"IPv6: flow label 0x100000", []Layer{&IPv6{Src: addr6a, Dst: addr6b, FlowLabel: 1 << 20}, &TCP{}}},
		{"IPv6: IPv6 extension header 60 is cut short", []Layer{&IPv6{Src: addr6a, Dst: addr6b, NextHeader: 60, Extensions: make([]byte, 7)}, &TCP{}}},
		{"IPv6: extension headers end after 0 of 8 bytes", []Layer{&IPv6{Src: addr6a, Dst: addr6b, NextHeader: 6, Extensions: make([]byte, 8)}, &TCP{}}},
		{"ICMPv6: ICMPv6 in IPv4", []Layer{v4(), &ICMP{V6: true}}},
		{"ICMP: ICMP in IPv6", []Layer{v6(), &ICMP{}}},
		{"GRE: can't carry GRE", []Layer{v4(), &GRE{}, &GRE{}, v4(), &TCP{}}},
		{"MPLS: can't carry MPLS", []Layer{v4(), &MPLS{}, &MPLS{}, v4(), &TCP{}}},
		{"TCP: not inside IP", []Layer{v4(), &TCP{}, &TCP{}}},
		{"TCP: can't carry IPv4", []Layer{v4(), &TCP{}, v4(), &TCP{}}},
		{"GRE: flags 0x1", []Layer{v4(), &GRE{Flags: 1}, v4(), &TCP{}}},
		{"MPLS: label 1048576", []Layer{v4(), &MPLS{Labels: []MPLSLabel{{Label: 1 << 20}}}, v4(), &TCP{}}},
		{"TCP: options of 44 bytes, more than 40", []Layer{v4(), &TCP{Options: []TCPOption{{Kind: 77, Data: make([]byte, 42)}}}}},
		{"TCP: options of 2 bytes, not a multiple of 4", []Layer{v4(), &TCP{Options: []TCPOption{{Kind: OptSACKOK}}}}},
		{"TCP: reserved bits 0x8", []Layer{v4(), &TCP{Reserved: 8}}},
	}
	for _, tt := range tests {
		_, err := (&Packet{Layers: tt.layers}).Marshal(MarshalOptions{})
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("got %v\nwant %s", err, tt.want)
		}
	}
}

// A GRE checksum is what the script says unless it is to be computed.
func TestMarshalGREChecksum(t *testing.T) {
	p := &Packet{Layers: []Layer{v4(), &GRE{Flags: GREChecksum, Checksum: 0x1234}, v4(), &TCP{}}}
	b, err := p.Marshal(MarshalOptions{})
	if err != nil || b[24] != 0x12 || b[25] != 0x34 {
		t.Errorf("%x, %v", b, err)
	}
	b, err = p.Marshal(MarshalOptions{GREChecksum: true})
	if err != nil || checksum(b[20:]) != 0 {
		t.Errorf("%x, %v", b, err)
	}
}
