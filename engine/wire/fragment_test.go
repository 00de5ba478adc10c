package wire

import (
	"reflect"
	"testing"
)

// Each piece of a packet says which it is; the first has the header of what was cut, if it
// is long enough.
func TestFragment(t *testing.T) {
	v4 := func(id uint16, offset int, more bool) Layer {
		return &IPv4{TTL: 64, ID: id, FragOffset: offset, MF: more, Src: addr4a, Dst: addr4b}
	}
	v6 := func(next uint8, offset uint16, more bool) Layer {
		return &IPv6{HopLimit: 64, Src: addr6a, Dst: addr6b, NextHeader: protoFragment,
			Extensions: appendFragmentHeader(nil, next, offset, more)}
	}
	udp := func() Layer { return &UDP{SrcPort: 1, DstPort: 2} }
	for _, tt := range []struct {
		name      string
		layers    []Layer
		payload   int
		want      *Fragment // without where it is
		text      string
		beginning string
	}{
		{"whole", []Layer{v4(7, 0, false), udp()}, 10, nil, "udp (10)", ""},
		{"atomic (RFC 6946)", []Layer{v6(protoUDP, 0, false), udp()}, 10, nil, "udp (10)", ""},
		{"the first", []Layer{v4(7, 0, true), udp()}, 16,
			&Fragment{ID: 7, Protocol: protoUDP, Len: 24, More: true}, "fragment udp 0:24(24) mf", "udp (16)"},
		{"one between", []Layer{v4(7, 24, true), &Unknown{protoTCP}}, 24,
			&Fragment{ID: 7, Protocol: protoTCP, Offset: 24, Len: 24, More: true}, "fragment tcp 24:48(24) mf", ""},
		{"the last", []Layer{v4(7, 48, false), &Unknown{protoICMP}}, 5,
			&Fragment{ID: 7, Protocol: protoICMP, Offset: 48, Len: 5}, "fragment icmp 48:53(5)", ""},
		{"too short for its header", []Layer{v4(7, 0, true), &Unknown{protoTCP}}, 8,
			&Fragment{ID: 7, Protocol: protoTCP, Len: 8, More: true}, "fragment tcp 0:8(8) mf", ""},
		{"another protocol", []Layer{v4(7, 8, false), &Unknown{89}}, 8,
			&Fragment{ID: 7, Protocol: 89, Offset: 8, Len: 8}, "fragment proto 89 8:16(8)", ""},
		{"the first of IPv6", []Layer{v6(protoUDP, 0, true), udp()}, 16,
			&Fragment{V6: true, Protocol: protoUDP, Len: 24, More: true}, "fragment udp 0:24(24) mf", "udp (16)"},
		{"the last of IPv6", []Layer{v6(protoICMPv6, 24, false), &Unknown{protoICMPv6}}, 16,
			&Fragment{V6: true, Protocol: protoICMPv6, Offset: 24, Len: 16}, "fragment icmp 24:40(16)", ""},
		{"of a tunnel", []Layer{v4(7, 0, true), v4(8, 0, false), udp()}, 4,
			&Fragment{ID: 7, Protocol: protoIPv4, Len: 32, More: true}, "fragment proto 4 0:32(32) mf", "ipv4 192.0.2.1 > 192.168.0.1: udp (4)"},
		{"in a tunnel", []Layer{v4(7, 0, false), v4(8, 0, true), udp()}, 8,
			&Fragment{ID: 8, Protocol: protoUDP, Len: 16, More: true}, "ipv4 192.0.2.1 > 192.168.0.1: fragment udp 0:16(16) mf", "ipv4 192.0.2.1 > 192.168.0.1: udp (8)"},
	} {
		made := &Packet{Layers: tt.layers, Payload: make([]byte, tt.payload)}
		b, err := made.Marshal(MarshalOptions{})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		p, err := Parse(b)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got := p.Fragment()
		if got != nil {
			got.layer = 0
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
		if text := Format(p, FormatOptions{}); text != tt.text {
			t.Errorf("%s: formatted as %s, want %s", tt.name, text, tt.text)
		}
		beginning := ""
		if whole := p.Beginning(); whole != nil {
			beginning = Format(whole, FormatOptions{})
		}
		if beginning != tt.beginning {
			t.Errorf("%s: it begins %q, want %q", tt.name, beginning, tt.beginning)
		}
	}
}
