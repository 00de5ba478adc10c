package wire

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"tcpdrill/script"
)

// scripted are packets as Format prints them with everything but the TTL, and
// whether they go over IPv6.
var scripted = []struct {
	text string
	v6   bool
}{
	{"[tos 0x00] 0 > 0 S 0:0(0) win 65535 <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>", false},
	{"[tos 0x02] 1 > 2 FP. 1:1001(1000) ack 1 win 256 <nop,nop,sack 1001:2001 4294967295:5>", false},
	{"[tos 0x00, flowlabel 0x12345] 8080 > 50000 R. 1:1(0) ack 1 win 0", true},
	{"[tos 0x03] 0 > 0 PUEWA. 1:5(4) ack 7 win 5 urg 3", false},
	{"[tos 0x00] 0 > 0 - 1:1(0) win 5", false},
	{"[tos 0x00] 0 > 0 . 1:1(0) ack 1 win 5 <md5 00112233445566778899aabbccddeeff,eol,eol>", false},
	{"[tos 0x00] 0 > 0 S 1:1(0) win 5 <FO,FOEXP,nop,nop>", false},
	{"[tos 0x00] 0 > 0 S 1:1(0) win 5 <FO 0a0b0c0d,FOEXP 0102030405060708,nop,nop>", false},
	{"[tos 0x00] 0 > 0 . 1:1(0) ack 1 win 5 <ECN e0b 1 ceb 2 e1b 16777215,nop>", false},
	{"[tos 0x00] 0 > 0 . 1:1(0) ack 1 win 5 <ECN e1b 1 ceb 2,nop,nop,nop,nop>", false},
	{"[tos 0x00] 0 > 0 . 1:1(0) ack 1 win 5 <ECN e0b 1,nop,nop,nop>", false},
	{"[tos 0x00] udp 53 > 1024 (100)", false},
	{"[tos 0x00, flowlabel 0x0] udp 53 > 1024 (0)", true},
	{"[tos 0x00] icmp unreachable frag_needed mtu 1200 [1:1461(1460)]", false},
	{"[tos 0x00] icmp unreachable net_unreachable [1:1(0)]", false},
	{"[tos 0x00] icmp unreachable code_200 [udp (100)]", false},
	{"[tos 0x00] icmp type_77 code_1 [1:1(0)]", false},
	{"[tos 0x00] icmp echo_reply id 7 [raw (108)]", false},
	{"[tos 0x00, flowlabel 0x0] icmp packet_too_big mtu 1280 [1:1461(1460)]", true},
	{"[tos 0x00, flowlabel 0x0] icmp unreachable no_route [udp (5)]", true},
	{"[tos 0x00, flowlabel 0x0] icmp echo_request [raw (8)]", true},
	{"ipv4 [tos 0x10] 192.0.2.1 > 192.0.2.2: [tos 0x00] 0 > 0 . 1:1(0) ack 1 win 5", false},
	{"ipv6 [tos 0x00, flowlabel 0x1] 2001:db8::1 > 2001:db8::2: gre: [tos 0x00] udp 1 > 2 (3)", false},
	{"ipv4 [tos 0x00] 192.0.2.1 > 192.0.2.2: " +
		"gre flags [checksum present, key present, sequence# present], sum 0x1234, off 0x5, key = 0x6, seq 7: " +
		"mpls (label 1048575, tc 7, ttl 255) (label 0, tc 0, [S], ttl 0): [tos 0x00] udp 1 > 2 (3)", false},
	{"ipv4 [tos 0x00] 192.0.2.1 > 192.0.2.2: gre flags 0x800, sum 0x0, off 0x0, key = 0x0, seq 0: [tos 0x00] udp 1 > 2 (3)", false},
}

// TestScriptRoundTrip takes script text through the wire and back.
func TestScriptRoundTrip(t *testing.T) {
	show := FormatOptions{TOS: true, FlowLabel: true, Ports: true}
	for _, tt := range scripted {
		p := wireOf(t, tt.text, tt.v6)
		if p == nil {
			continue
		}
		if got := Format(p, show); got != tt.text {
			t.Errorf("formatted as\n%s\nwas\n%s", got, tt.text)
		}
	}
}

// wireOf parses a packet of a script, and what it marshals to.
func wireOf(t *testing.T, text string, v6 bool) *Packet {
	t.Helper()
	s, err := script.Parse("test.pkt", []byte("0 > "+text+"\n"), nil)
	if err != nil {
		t.Errorf("%s\n%v", text, err)
		return nil
	}
	want, err := FromScript(s.Events[0].Packet, v6)
	if err != nil {
		t.Errorf("%s\n%v", text, err)
		return nil
	}
	b, err := want.Marshal(MarshalOptions{})
	if err != nil {
		t.Errorf("%s\n%v", text, err)
		return nil
	}
	got, err := Parse(b)
	if err != nil {
		t.Errorf("%s\n%v", text, err)
		return nil
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\nmade %+v, parsed as %+v", text, want.Layers, got.Layers)
	}
	return got
}

func TestFormatOptions(t *testing.T) {
	const plain = "P. 1:11(10) ack 1 win 256"
	tests := []struct {
		script, want string
		f            FormatOptions
		v6           bool
	}{
		{plain, plain, FormatOptions{}, false},
		{plain, "P. 1:11(10) ack 1", FormatOptions{NoWindow: true}, false},
		{plain, "[noecn] " + plain, FormatOptions{ECN: true}, false},
		{"[ect1] " + plain, "[ect1] " + plain, FormatOptions{ECN: true}, false},
		{"[ect0] " + plain, "[ect0] " + plain, FormatOptions{ECN: true}, true},
		{"[ce] " + plain, "[ce] " + plain, FormatOptions{ECN: true}, false},
		{"[tos 0x13] " + plain, "[tos 0x13] " + plain, FormatOptions{ECN: true, TOS: true}, false},
		{"[ttl 9] " + plain, "[ttl 9] " + plain, FormatOptions{TTL: true, ECN: true, FlowLabel: true}, true},
		{plain, "[ttl 255] " + plain, FormatOptions{TTL: true}, false},
		{plain, "[noecn, flowlabel 0x0] " + plain, FormatOptions{ECN: true, FlowLabel: true}, true},
		{plain, plain, FormatOptions{FlowLabel: true}, false},
		{"80 > 90 " + plain, "80 > 90 " + plain, FormatOptions{Ports: true}, false},
		{"P.0 1:11(10) ack 1 win 256", "P.0 1:11(10) ack 1 win 256", FormatOptions{ACE: true}, false},
		{"P.5 1:11(10) ack 1 win 256", "P.5 1:11(10) ack 1 win 256", FormatOptions{ACE: true}, false},
		{"P.5 1:11(10) ack 1 win 256", "PEA. 1:11(10) ack 1 win 256", FormatOptions{}, false},
		{".7 1:11(10) ack 1 win 256", ".7 1:11(10) ack 1 win 256", FormatOptions{ACE: true}, false},
		{"SEWA 0:0(0) win 256", "S7 0:0(0) win 256", FormatOptions{ACE: true}, false},
		{"E 0:0(0) win 256", "E 0:0(0) win 256", FormatOptions{ACE: true}, false}, // a lone digit isn't flags
		{"udp (10)", "udp (10)", FormatOptions{}, false},
	}
	for _, tt := range tests {
		p := wireOf(t, tt.script, tt.v6)
		if p == nil {
			continue
		}
		got := Format(p, tt.f)
		if got != tt.want {
			t.Errorf("%s: formatted as %s, want %s", tt.script, got, tt.want)
		}
		// It must parse, as what it came from.
		if again := wireOf(t, got, tt.v6); again != nil && Format(again, tt.f) != got {
			t.Errorf("%s became %s", got, Format(again, tt.f))
		}
	}
}

func TestFormatUnknownOptions(t *testing.T) {
	tests := []struct {
		o    TCPOption
		want string
	}{
		{TCPOption{253, []byte{0xa, 0xb}}, "opt 253 0a0b"},
		{TCPOption{30, nil}, "opt 30"},
		{TCPOption{OptMSS, []byte{1}}, "opt 2 01"},
		{TCPOption{OptWScale, nil}, "opt 3"},
		{TCPOption{OptSACKOK, []byte{1}}, "opt 4 01"},
		{TCPOption{OptSACK, nil}, "opt 5"},
		{TCPOption{OptSACK, make([]byte, 7)}, "opt 5 00000000000000"},
		{TCPOption{OptTimestamp, make([]byte, 4)}, "opt 8 00000000"},
		{TCPOption{OptExp, []byte{0xf9}}, "opt 254 f9"},
		{TCPOption{OptExp, []byte{0xe2, 0xd4, 1}}, "opt 254 e2d401"},
		{TCPOption{OptAccECN0, nil}, "opt 172"},
		{TCPOption{OptAccECN1, []byte{1, 2}}, "opt 174 0102"},
		{TCPOption{OptAccECN1, []byte{0, 0, 1, 0, 0, 2, 0, 0, 3}}, "ECN e1b 1 ceb 2 e0b 3"},
	}
	for _, tt := range tests {
		if got := tt.o.String(); got != tt.want {
			t.Errorf("%+v is %q, want %q", tt.o, got, tt.want)
		}
	}
}

// corpusDefines are the symbols of packets that the corpora's runners define.
var corpusDefines = script.Defines{
	"TFO_COOKIE":      "3021b9d889017eeb",
	"TFO_COOKIE_ZERO": "b7c12350a90dc8f5",
	"CODE":            "host_unreachable",
}

// TestCorpus takes all packets of the scripts in TCPDRILL_CORPUS, folders
// separated by colons, through the wire and back. Scripts that don't parse are
// left out; packets that can't be made are only logged, since some scripts are
// in another dialect.
func TestCorpus(t *testing.T) {
	folders := filepath.SplitList(os.Getenv("TCPDRILL_CORPUS"))
	if len(folders) == 0 {
		t.Skip("TCPDRILL_CORPUS names no folders with scripts")
	}
	scripts, packets := 0, 0
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".pkt") {
				return err
			}
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			s, err := script.Parse(path, src, corpusDefines)
			if err != nil {
				return nil
			}
			scripts++
			for _, e := range s.Events {
				if e.Packet != nil && corpusPacket(t, path, e, src) {
					packets++
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	t.Logf("%d packets of %d scripts", packets, scripts)
	if packets == 0 {
		t.Error("no packets")
	}
}

// corpusPacket takes a packet through the wire, to notation, and through the
// wire again, with the IP version that the script is for.
func corpusPacket(t *testing.T, path string, e *script.Event, src []byte) bool {
	if e.Packet.TCP != nil && e.Packet.TCP.PSP != nil {
		return false
	}
	v6 := strings.HasSuffix(path, "v6.pkt") || strings.Contains(string(src), "--ip_version=ipv6")
	p, err := FromScript(e.Packet, v6)
	if err != nil {
		t.Logf("%s:%d: %v", path, e.Pos.Line, err)
		return false
	}
	f := FormatOptions{TOS: true, FlowLabel: true, Ports: true}
	text := Format(p, f)
	again := wireOf(t, text, v6)
	if again == nil {
		return false
	}
	if !reflect.DeepEqual(headersOnly(p), headersOnly(again)) {
		t.Errorf("%s:%d: %s changed to %s", path, e.Pos.Line, text, Format(again, f))
	}
	return true
}

// headersOnly clears what the notation of f doesn't show.
func headersOnly(p *Packet) *Packet {
	c := p.Clone()
	for _, l := range c.Layers {
		switch l := l.(type) {
		case *IPv4:
			l.TTL, l.Checksum = 0, 0
		case *IPv6:
			l.HopLimit = 0
		}
	}
	return c
}
