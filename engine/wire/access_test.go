package wire

import (
	"net/netip"
	"reflect"
	"testing"
)

func TestAccessorsTakeInnermost(t *testing.T) {
	p, err := Parse(unhex(t, golden[8].hex)) // IPv6, GRE, MPLS, IPv4, TCP
	if err != nil {
		t.Fatal(err)
	}
	if p.V6() != nil || p.V4() == nil || p.UDP() != nil || p.ICMP() != nil || p.TCP() == nil {
		t.Errorf("V4 %v V6 %v TCP %v UDP %v ICMP %v", p.V4(), p.V6(), p.TCP(), p.UDP(), p.ICMP())
	}
	if src, dst := p.IP(); src != addr4a || dst != addr4b {
		t.Errorf("IP %v > %v", src, dst)
	}
	if p.TTL() != 255 || p.TOS() != 0 {
		t.Errorf("TTL %d TOS %d", p.TTL(), p.TOS())
	}
	p.SetIP(netip.MustParseAddr("::ffff:10.0.0.1"), addr4b)
	p.SetPorts(1, 2)
	if src, _ := p.IP(); src != netip.MustParseAddr("10.0.0.1") {
		t.Errorf("source is %v", src)
	}
	if src, dst := p.Ports(); src != 1 || dst != 2 {
		t.Errorf("ports %d > %d", src, dst)
	}
	if p.Layers[0].(*IPv6).Src != addr6a {
		t.Error("the outer header was changed too")
	}
}

func TestAccessorsOfNothing(t *testing.T) {
	p := &Packet{}
	if p.TCP() != nil || p.UDP() != nil || p.ICMP() != nil || p.V4() != nil || p.V6() != nil || p.Quoted() != nil {
		t.Error("an empty packet has headers")
	}
	if p.TTL() != 0 || p.TOS() != 0 {
		t.Error("an empty packet has a TTL or TOS")
	}
	if src, dst := p.IP(); src.IsValid() || dst.IsValid() {
		t.Error("an empty packet has addresses")
	}
}

func TestCloneSharesNothing(t *testing.T) {
	for _, tt := range golden {
		b := unhex(t, tt.hex)
		p, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		c := p.Clone()
		if !reflect.DeepEqual(c, p) {
			t.Errorf("%s: cloned as %+v", tt.name, c)
		}
		for i := range b { // what Parse's packet refers to
			b[i] ^= 0xff
		}
		if !reflect.DeepEqual(c, &tt.packet) {
			t.Errorf("%s: the clone changed with the bytes", tt.name)
		}
		if t := p.TCP(); t != nil {
			t.Seq++
		}
		for _, l := range p.Layers {
			if m, ok := l.(*MPLS); ok {
				m.Labels[0].Label++
			}
		}
		if !reflect.DeepEqual(c, &tt.packet) {
			t.Errorf("%s: the clone changed with the packet", tt.name)
		}
	}
}
