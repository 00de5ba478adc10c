package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"tcpdrill/script"
)

// num is a number of a script.
func num(v int64) script.Int { return script.Int{Value: v, Text: "n"} }

func ptr[T any](v T) *T { return &v }

// segment is a script's packet with a TCP segment of n bytes from seq on.
func segment(flags string, seq, n int64) *script.Packet {
	return &script.Packet{TCP: &script.TCP{
		Flags:  flags,
		ACE:    -1,
		Seq:    script.SeqRange{First: num(seq), Last: num(seq + n), Length: num(n)},
		Window: ptr(num(256)),
	}}
}

func TestFromScriptTCP(t *testing.T) {
	s := segment("FP.", 1, 4)
	s.IP = &script.IPInfo{ECN: script.CE}
	s.TCP.Ack = ptr(num(7))
	s.TCP.Urgent = ptr(num(3))
	s.TCP.Options = []*script.TCPOption{
		{Kind: script.OptMSS, Value: num(1460)},
		{Kind: script.OptSACKOK},
		{Kind: script.OptTimestamp, Value: num(100), Echo: num(200)},
		{Kind: script.OptNOP},
		{Kind: script.OptWScale, Value: num(7)},
		{Kind: script.OptFastOpen, Blob: script.Hex{Text: "0a0b"}},
		{Kind: script.OptFastOpenExp, Blob: script.Hex{Text: "0c0d"}},
		{Kind: script.OptAccECN, Counters: []script.AccECNCounter{{Name: "e1b", Value: num(1)}, {Name: "ceb", Value: num(0x20304)}}},
		{Kind: script.OptEOL},
		{Kind: script.OptEOL},
	}
	p, err := FromScript(s, false)
	if err != nil {
		t.Fatal(err)
	}
	ip, tcp := p.V4(), p.TCP()
	if ip == nil || ip.TTL != 255 || ip.TOS != 3 || ip.DF || ip.ID != 0 || !ip.Src.IsUnspecified() {
		t.Errorf("IPv4 header %+v", ip)
	}
	if tcp.Seq != 1 || tcp.Ack != 7 || tcp.Window != 256 || tcp.Urgent != 3 || tcp.Flags != FIN|PSH|ACK {
		t.Errorf("TCP header %+v", tcp)
	}
	if !bytes.Equal(p.Payload, make([]byte, 4)) {
		t.Errorf("payload %x", p.Payload)
	}
	b, err := marshalTCPOptions(tcp.Options)
	if err != nil {
		t.Fatal(err)
	}
	want := "020405b4" + "0402" + "080a00000064000000c8" + "01" + "030307" + "22040a0b" + "fe06f9890c0d" + "ae08000001020304" + "0000"
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("options\n got %s\nwant %s", got, want)
	}
}

func TestFromScriptIPv6(t *testing.T) {
	s := segment("S", 0, 0)
	s.IP = &script.IPInfo{ECN: script.ECNAsTOS, TOS: num(0x12), FlowLabel: ptr(num(0xabcde))}
	s.TCP.Ports = &script.Ports{Src: num(80), Dst: num(90)}
	p, err := FromScript(s, true)
	if err != nil {
		t.Fatal(err)
	}
	if ip := p.V6(); ip == nil || ip.TrafficClass != 0x12 || ip.FlowLabel != 0xabcde || ip.HopLimit != 255 || ip.NextHeader != 6 {
		t.Errorf("IPv6 header %+v", ip)
	}
	if src, dst := p.Ports(); src != 80 || dst != 90 {
		t.Errorf("ports %d > %d", src, dst)
	}
	if p.TTL() != 255 || p.TOS() != 0x12 {
		t.Errorf("TTL %d TOS %d", p.TTL(), p.TOS())
	}
}

func TestFromScriptACE(t *testing.T) {
	s := segment("P.", 1, 4)
	s.TCP.ACE = 5
	p, err := FromScript(s, false)
	if err != nil {
		t.Fatal(err)
	}
	if f := p.TCP().Flags; f != PSH|ACK|AE|ECE || f.ACE() != 5 {
		t.Errorf("flags %#x", f)
	}
}

func TestFromScriptEncap(t *testing.T) {
	s := &script.Packet{
		Encap: []script.Encap{
			{IP: &script.EncapIP{Version: 6, Src: "2001:db8::1", Dst: "2001:db8::2", Info: &script.IPInfo{TTL: ptr(num(9))}}},
			{GRE: &script.GRE{Flags: num(GREChecksum | GREKey), Sum: num(0x1234), Off: num(5), Key: num(6)}},
			{MPLS: &script.MPLS{Labels: []script.MPLSLabel{
				{Label: num(1048575), TC: num(7), TTL: num(255)},
				{Label: num(0), Bottom: true, TTL: num(1)},
			}}},
		},
		UDP: &script.UDP{Length: num(2)},
	}
	p, err := FromScript(s, false)
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.Marshal(MarshalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := "60000000" + "0032" + "2f" + "09" +
		"20010db8000000000000000000000001" + "20010db8000000000000000000000002" +
		"a0008847" + "12340005" + "00000006" + "fffffeff" + "00000101" +
		"4500001e00000000ff11" + "bbcf" + "0000000000000000" +
		"00000000000a" + "ffda" + "0000"
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestFromScriptICMP(t *testing.T) {
	seq := script.SeqRange{First: num(1), Last: num(1461), Length: num(1460)}
	tests := []struct {
		name string
		icmp script.ICMP
		v6   bool
		want string // the message, without its checksum
	}{
		{"TCP", script.ICMP{Type: "unreachable", Code: "frag_needed", MTU: ptr(num(1200)), QuotedTCP: &seq}, false,
			"0304" + "000004b0" + "450005dc00000000ff06b61c0000000000000000" + "0000000000000001"},
		{"UDP", script.ICMP{Type: "unreachable", Code: "port_unreachable", QuotedUDP: ptr(num(100))}, false,
			"0303" + "00000000" + "4500008000000000ff11bb6d0000000000000000" + "00000000006c0000"},
		{"nothing", script.ICMP{Type: "source_quench"}, false,
			"0400" + "00000000" + "4500002800000000ff06bbd00000000000000000" + "0000000000000000"},
		{"raw", script.ICMP{Type: "echo_request", ID: ptr(num(7)), Raw: ptr(num(10))}, false,
			"0800" + "00070000" + "0000"},
		{"v6", script.ICMP{Type: "packet_too_big", MTU: ptr(num(1280)), QuotedTCP: &seq}, true,
			"0200" + "00000500" + "6000000005c806ff" + strings.Repeat("00", 32) + "0000000000000001"},
		{"numbers", script.ICMP{Type: "type_42", Code: "code_7", Raw: ptr(num(8))}, true,
			"2a07" + "00000000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := FromScript(&script.Packet{ICMP: &tt.icmp}, tt.v6)
			if err != nil {
				t.Fatal(err)
			}
			b, err := p.Marshal(MarshalOptions{})
			if err != nil {
				t.Fatal(err)
			}
			head := 20
			if tt.v6 {
				head = 40
			}
			if got := hex.EncodeToString(b[head:head+2]) + hex.EncodeToString(b[head+4:]); got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestFromScriptErrors(t *testing.T) {
	change := func(f func(*script.Packet)) *script.Packet {
		s := segment(".", 1, 0)
		f(s)
		return s
	}
	tests := []struct {
		want string
		p    *script.Packet
	}{
		{"needs a window", change(func(s *script.Packet) { s.TCP.Window = nil })},
		{"window n is out of range: at most 65535", change(func(s *script.Packet) { s.TCP.Window = ptr(num(65536)) })},
		{"unknown TCP flag x", change(func(s *script.Packet) { s.TCP.Flags = "Sx" })},
		{"E, W and A are what the digit says", change(func(s *script.Packet) { s.TCP.Flags, s.TCP.ACE = "E.", 1 })},
		{"1:5 has 4 bytes, not 3", change(func(s *script.Packet) { s.TCP.Seq = script.SeqRange{First: num(1), Last: num(5), Length: num(3)} })},
		{"outbound packets only", change(func(s *script.Packet) { s.TCP.AnyOptions = true })},
		{"ect01 is for outbound", change(func(s *script.Packet) { s.IP = &script.IPInfo{ECN: script.ECT01} })},
		{"options of 3 bytes, not a multiple of 4", change(func(s *script.Packet) { s.TCP.Options = []*script.TCPOption{{Kind: script.OptWScale}} })},
		{"two to a byte", change(func(s *script.Packet) {
			s.TCP.Options = []*script.TCPOption{{Kind: script.OptFastOpen, Blob: script.Hex{Text: "abc"}}}
		})},
		{"ceb out of order", change(func(s *script.Packet) {
			s.TCP.Options = []*script.TCPOption{{Kind: script.OptAccECN, Counters: []script.AccECNCounter{{Name: "ceb"}}}}
		})},
		{"encap psp is not supported", change(func(s *script.Packet) { s.TCP.PSP = ptr(num(1)) })},
		{"is more than 65535", segment(".", 1, 65530)},
		{"outermost header is GRE", change(func(s *script.Packet) { s.Encap = []script.Encap{{GRE: &script.GRE{Bare: true}}} })},
		{"not addresses of IPv4", change(func(s *script.Packet) {
			s.Encap = []script.Encap{{IP: &script.EncapIP{Version: 4, Src: "::1", Dst: "::1"}}}
		})},
		{"unknown ICMP type nonsense", &script.Packet{ICMP: &script.ICMP{Type: "nonsense"}}},
		{"unknown code no_route of ICMP type unreachable", &script.Packet{ICMP: &script.ICMP{Type: "unreachable", Code: "no_route"}}},
		{"mtu is for unreachable frag_needed only", &script.Packet{ICMP: &script.ICMP{Type: "redirect", MTU: ptr(num(1))}}},
		{"less than an ICMP header's 8", &script.Packet{ICMP: &script.ICMP{Type: "redirect", Raw: ptr(num(7))}}},
	}
	for _, tt := range tests {
		_, err := FromScript(tt.p, false)
		var se *ScriptError
		if !errors.As(err, &se) || !strings.Contains(err.Error(), tt.want) || se.Node == nil {
			t.Errorf("got %v, want a ScriptError with %q", err, tt.want)
		}
	}
}
