package wire

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"testing"

	"tcpdrill/script"
)

func TestQuoted(t *testing.T) {
	src, dst := netip.AddrPortFrom(addr4a, 1000), netip.AddrPortFrom(addr4b, 80)
	src6, dst6 := netip.AddrPortFrom(addr6a, 1000), netip.AddrPortFrom(addr6b, 80)
	seq := script.SeqRange{First: num(1), Last: num(1461), Length: num(1460)}
	tests := []struct {
		name     string
		icmp     script.ICMP
		v6       bool
		src, dst netip.AddrPort
		want     string // the quoted packet, rewritten
	}{
		{"TCP", script.ICMP{Type: "source_quench", QuotedTCP: &seq}, false, src, dst,
			"450005dc00000000ff063371" + "c0000201c0a80001" + "03e80050" + "01020304"},
		{"mapped", script.ICMP{Type: "source_quench", QuotedTCP: &seq}, false,
			netip.AddrPortFrom(netip.MustParseAddr("::ffff:192.0.2.1"), 1000), dst,
			"450005dc00000000ff063371" + "c0000201c0a80001" + "03e80050" + "01020304"},
		{"UDP", script.ICMP{Type: "unreachable", QuotedUDP: ptr(num(1460))}, false, src, dst,
			"450005d000000000ff113372" + "c0000201c0a80001" + "03e80050" + "05bc0000"},
		{"IPv6", script.ICMP{Type: "packet_too_big", MTU: ptr(num(1280)), QuotedTCP: &seq}, true, src6, dst6,
			"6000000005c806ff" + "20010db8000000000000000000000001" + "20010db8000000000000000000000002" + "03e80050" + "01020304"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := FromScript(&script.Packet{ICMP: &tt.icmp}, tt.v6)
			if err != nil {
				t.Fatal(err)
			}
			before, old := slices.Clone(p.Payload), p.Payload
			q := p.Quoted()
			if q == nil || q.PayloadLen != 1460 {
				t.Fatalf("quotes %+v", q)
			}
			q.SetTuple(tt.src, tt.dst)
			q.SetSeq(0x01020304)
			if got := hex.EncodeToString(p.Payload); got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
			if !slices.Equal(old, before) {
				t.Error("wrote into the captured bytes")
			}
			again := p.Quoted()
			if again.Src != q.Src || again.DstPort != q.DstPort || again.Seq != q.Seq {
				t.Errorf("read again: %+v, want %+v", again, q)
			}
		})
	}
}

// A kernel quotes more than 8 bytes: then the header's length is known.
func TestQuotedWithWholeHeader(t *testing.T) {
	p := &Packet{
		Layers: []Layer{&ICMP{Type: 3, Code: 1}},
		Payload: unhex(t, `4500 0064 0000 4000 4006 0000 c000 0201 c0a8 0001
			03e8 0050 0000 0007 0000 0000 8010 0100 0000 0000 0101 080a`),
	}
	if got := Format(p, FormatOptions{}); got != "icmp unreachable host_unreachable [7:55(48)]" {
		t.Error(got)
	}
}

func TestQuotesNothing(t *testing.T) {
	ip := `4500 0064 0000 4000 4006 0000 c000 0201 c0a8 0001 03e8 0050 0000 0007`
	tests := []struct {
		name    string
		icmp    ICMP
		payload string
	}{
		{"a request", ICMP{Type: 8}, ip},
		{"an ICMPv6 reply", ICMP{V6: true, Type: 129}, ip},
		{"too short", ICMP{Type: 3}, ip[:60]},
		{"empty", ICMP{Type: 3}, ``},
		{"the other version", ICMP{V6: true, Type: 1}, ip},
		{"a header length too small", ICMP{Type: 3}, `44` + ip[2:]},
		{"a header length too big", ICMP{Type: 3}, `4f` + ip[2:]},
		{"another transport", ICMP{Type: 3}, `4500 0064 0000 4000 402f 0000 c000 0201 c0a8 0001 03e8 0050 0000 0007`},
	}
	for _, tt := range tests {
		p := &Packet{Layers: []Layer{&tt.icmp}, Payload: unhex(t, tt.payload)}
		if q := p.Quoted(); q != nil {
			t.Errorf("%s: quotes %+v", tt.name, q)
		}
	}
}

func TestICMPNames(t *testing.T) {
	for _, v6 := range []bool{false, true} {
		for _, n := range ICMPNames(v6) {
			if typ, ok := ICMPType(n.Name, v6); !ok || typ != n.Type {
				t.Errorf("%s is %d, %v", n.Name, typ, ok)
			}
			for _, c := range n.Codes {
				if code, ok := ICMPCode(n.Type, c.Name, v6); !ok || code != c.Code {
					t.Errorf("%s %s is %d, %v", n.Name, c.Name, code, ok)
				}
			}
		}
	}
	for _, name := range []string{"", "type_", "type_256", "type_-1", "type_1x", "Unreachable"} {
		if typ, ok := ICMPType(name, false); ok {
			t.Errorf("%q is type %d", name, typ)
		}
	}
	if code, ok := ICMPCode(3, "", false); !ok || code != 0 {
		t.Errorf("no code is %d, %v", code, ok)
	}
	if typ, ok := ICMPType("type_255", true); !ok || typ != 255 {
		t.Errorf("type_255 is %d, %v", typ, ok)
	}
	if code, ok := ICMPCode(200, "code_9", true); !ok || code != 9 {
		t.Errorf("code_9 is %d, %v", code, ok)
	}
}
