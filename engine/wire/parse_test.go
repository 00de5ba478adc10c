package wire

import (
	"encoding/hex"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// unhex decodes hexadecimal digits, ignoring blanks.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	addr4a = netip.MustParseAddr("192.0.2.1")
	addr4b = netip.MustParseAddr("192.168.0.1")
	addr6a = netip.MustParseAddr("2001:db8::1")
	addr6b = netip.MustParseAddr("2001:db8::2")
)

// The start of a packet over IPv6 behind its lengths: its addresses.
const hex6 = " 2001 0db8 0000 0000 0000 0000 0000 0001 2001 0db8 0000 0000 0000 0000 0000 0002 "

// golden are packets whose bytes were put together and summed up by hand.
var golden = []struct {
	name   string
	hex    string
	packet Packet
	format string // with TOS, flow label, ports and ACE
}{
	{
		name: "IPv4 TCP",
		hex: `4502 002b 1234 4000 4006 a5ec c000 0201 c0a8 0001
			1f90 c350 0000 0001 0000 0002 5018 0100 84d8 0000 6162 63`,
		packet: Packet{
			Layers: []Layer{
				&IPv4{HeaderLen: 20, TOS: 2, TotalLen: 43, ID: 0x1234, DF: true, TTL: 64, Protocol: 6, Checksum: 0xa5ec, Src: addr4a, Dst: addr4b},
				&TCP{SrcPort: 8080, DstPort: 50000, Seq: 1, Ack: 2, HeaderLen: 20, Flags: PSH | ACK, Window: 256, Checksum: 0x84d8},
			},
			Payload: []byte("abc"),
		},
		format: "[tos 0x02] 8080 > 50000 P.0 1:4(3) ack 2 win 256",
	},
	{
		name: "AccECN, reserved bit, options",
		hex: `4500 0048 1234 4000 4006 a5d1 c000 0201 c0a8 0001
			1f90 c350 ffff fffe 0000 0000 d3c2 ffff fe31 0005
			0204 05b4 0402 080a 0000 0064 0000 0000 0103 0307 ac0b 0000 0100 0002 0000 0301`,
		packet: Packet{
			Layers: []Layer{
				&IPv4{HeaderLen: 20, TotalLen: 72, ID: 0x1234, DF: true, TTL: 64, Protocol: 6, Checksum: 0xa5d1, Src: addr4a, Dst: addr4b},
				&TCP{
					SrcPort: 8080, DstPort: 50000, Seq: 0xfffffffe, HeaderLen: 52, Reserved: 1,
					Flags: SYN | ECE | CWR | AE, Window: 0xffff, Checksum: 0xfe31, Urgent: 5,
					Options: []TCPOption{
						{OptMSS, []byte{5, 0xb4}}, {OptSACKOK, nil}, {OptTimestamp, []byte{0, 0, 0, 100, 0, 0, 0, 0}},
						{OptNOP, nil}, {OptWScale, []byte{7}}, {OptAccECN0, []byte{0, 0, 1, 0, 0, 2, 0, 0, 3}}, {OptNOP, nil},
					},
				},
			},
			Payload: []byte{},
		},
		format: "[tos 0x00] 8080 > 50000 S7 4294967294:4294967294(0) win 65535 urg 5 reserved 0x1" +
			" <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7,ECN e0b 1 ceb 2 e1b 3,nop>",
	},
	{
		name: "IPv6 UDP of odd length",
		hex:  `6031 2345 000b 1140` + hex6 + `0035 0400 000b dbcb 6162 63`,
		packet: Packet{
			Layers: []Layer{
				&IPv6{TrafficClass: 3, FlowLabel: 0x12345, PayloadLen: 11, NextHeader: 17, HopLimit: 64, Src: addr6a, Dst: addr6b},
				&UDP{SrcPort: 53, DstPort: 1024, Len: 11, Checksum: 0xdbcb},
			},
			Payload: []byte("abc"),
		},
		format: "[tos 0x03, flowlabel 0x12345] udp 53 > 1024 (3)",
	},
	{
		name: "UDP whose sum is 0",
		hex:  `6000 0000 000a 1140` + hex6 + `0035 0400 000a ffff a030`,
		packet: Packet{
			Layers: []Layer{
				&IPv6{PayloadLen: 10, NextHeader: 17, HopLimit: 64, Src: addr6a, Dst: addr6b},
				&UDP{SrcPort: 53, DstPort: 1024, Len: 10, Checksum: 0xffff},
			},
			Payload: []byte{0xa0, 0x30},
		},
		format: "[tos 0x00, flowlabel 0x0] udp 53 > 1024 (2)",
	},
	{
		name: "ICMP",
		hex:  `4500 001e 1234 4000 4001 a600 c000 0201 c0a8 0001 0800 8f8f 0007 0000 6869`,
		packet: Packet{
			Layers: []Layer{
				&IPv4{HeaderLen: 20, TotalLen: 30, ID: 0x1234, DF: true, TTL: 64, Protocol: 1, Checksum: 0xa600, Src: addr4a, Dst: addr4b},
				&ICMP{Type: 8, Checksum: 0x8f8f, Rest: 0x70000},
			},
			Payload: []byte("hi"),
		},
		format: "[tos 0x00] icmp echo_request id 7 [raw (10)]",
	},
	{
		name: "ICMPv6 that quotes",
		hex: `6000 0000 0038 3a40` + hex6 + `0200 f2b8 0000 0500
			6000 0000 05c8 0640 2001 0db8 0000 0000 0000 0000 0000 0002 2001 0db8 0000 0000 0000 0000 0000 0001
			1f90 c350 0000 0001`,
		packet: Packet{
			Layers: []Layer{
				&IPv6{PayloadLen: 56, NextHeader: 58, HopLimit: 64, Src: addr6a, Dst: addr6b},
				&ICMP{V6: true, Type: 2, Checksum: 0xf2b8, Rest: 1280},
			},
			Payload: []byte("\x60\x00\x00\x00\x05\xc8\x06\x40" +
				"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02" +
				"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" +
				"\x1f\x90\xc3\x50\x00\x00\x00\x01"),
		},
		format: "[tos 0x00, flowlabel 0x0] icmp packet_too_big mtu 1280 [1:1461(1460)]",
	},
	{
		name: "IP option, unknown transport",
		hex:  `4600 0020 1234 0000 0102 8ff9 c000 0201 c0a8 0001 9404 0000 1600 09f8 e000 0016`,
		packet: Packet{
			Layers: []Layer{
				&IPv4{HeaderLen: 24, TotalLen: 32, ID: 0x1234, TTL: 1, Protocol: 2, Checksum: 0x8ff9, Src: addr4a, Dst: addr4b, Options: []byte{0x94, 4, 0, 0}},
				&Unknown{Protocol: 2},
			},
			Payload: []byte("\x16\x00\x09\xf8\xe0\x00\x00\x16"),
		},
		format: "[tos 0x00] proto 2 (8)",
	},
	{
		name: "hop-by-hop header",
		hex: `6000 0000 0024 0001` + hex6 + `3a00 0502 0000 0100
			8f00 122e 0000 0001 0400 0000 ff02 0000 0000 0000 0000 0000 0000 0002`,
		packet: Packet{
			Layers: []Layer{
				&IPv6{PayloadLen: 36, NextHeader: 0, HopLimit: 1, Src: addr6a, Dst: addr6b, Extensions: []byte{0x3a, 0, 5, 2, 0, 0, 1, 0}},
				&ICMP{V6: true, Type: 143, Checksum: 0x122e, Rest: 1},
			},
			Payload: []byte("\x04\x00\x00\x00\xff\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02"),
		},
		format: "[tos 0x00, flowlabel 0x0] icmp type_143 [raw (28)]",
	},
	{
		name: "GRE with MPLS",
		hex: `6100 0000 0040 2f40` + hex6 + `b000 8847 f529 0000 0000 0007 0000 0009
			0001 0a40 0001 4b01
			4500 0028 0000 0000 ff06 3925 c000 0201 c0a8 0001
			1f90 c350 0000 0001 0000 0002 5010 0100 4946 0000`,
		packet: Packet{
			Layers: []Layer{
				&IPv6{TrafficClass: 16, PayloadLen: 64, NextHeader: 47, HopLimit: 64, Src: addr6a, Dst: addr6b},
				&GRE{Flags: GREChecksum | GREKey | GRESequence, Protocol: 0x8847, Checksum: 0xf529, Key: 7, Seq: 9},
				&MPLS{Labels: []MPLSLabel{{Label: 16, TC: 5, TTL: 64}, {Label: 20, TC: 5, Bottom: true, TTL: 1}}},
				&IPv4{HeaderLen: 20, TotalLen: 40, TTL: 255, Protocol: 6, Checksum: 0x3925, Src: addr4a, Dst: addr4b},
				&TCP{SrcPort: 8080, DstPort: 50000, Seq: 1, Ack: 2, HeaderLen: 20, Flags: ACK, Window: 256, Checksum: 0x4946},
			},
			Payload: []byte{},
		},
		format: "ipv6 [tos 0x10, flowlabel 0x0] 2001:db8::1 > 2001:db8::2: " +
			"gre flags [checksum present, key present, sequence# present], sum 0xf529, off 0x0, key = 0x7, seq 9: " +
			"mpls (label 16, tc 5, ttl 64) (label 20, tc 5, [S], ttl 1): " +
			"[tos 0x00] 8080 > 50000 .0 1:1(0) ack 2 win 256",
	},
	{
		name: "IPv4 fragment",
		hex:  `4500 0018 1234 20b9 4011 c53d c000 0201 c0a8 0001 6162 6364`,
		packet: Packet{
			Layers: []Layer{
				&IPv4{HeaderLen: 20, TotalLen: 24, ID: 0x1234, MF: true, FragOffset: 1480, TTL: 64, Protocol: 17, Checksum: 0xc53d, Src: addr4a, Dst: addr4b},
				&Unknown{Protocol: 17},
			},
			Payload: []byte("abcd"),
		},
		format: "[tos 0x00] fragment udp 1480:1484(4) mf",
	},
	{
		name: "IPv6 fragment",
		hex:  `6000 0000 000c 2c40` + hex6 + `1100 05c9 0000 0001 6162 6364`,
		packet: Packet{
			Layers: []Layer{
				&IPv6{PayloadLen: 12, NextHeader: 44, HopLimit: 64, Src: addr6a, Dst: addr6b, Extensions: []byte{0x11, 0, 5, 0xc9, 0, 0, 0, 1}},
				&Unknown{Protocol: 17},
			},
			Payload: []byte("abcd"),
		},
		format: "[tos 0x00, flowlabel 0x0] fragment udp 1480:1484(4) mf",
	},
	{
		name: "IPv6 in IPv4",
		hex:  `4500 0044 1234 4000 4029 a5b2 c000 0201 c0a8 0001 6000 0000 0008 1140` + hex6 + `0001 0002 0008 a466`,
		packet: Packet{
			Layers: []Layer{
				&IPv4{HeaderLen: 20, TotalLen: 68, ID: 0x1234, DF: true, TTL: 64, Protocol: 41, Checksum: 0xa5b2, Src: addr4a, Dst: addr4b},
				&IPv6{PayloadLen: 8, NextHeader: 17, HopLimit: 64, Src: addr6a, Dst: addr6b},
				&UDP{SrcPort: 1, DstPort: 2, Len: 8, Checksum: 0xa466},
			},
			Payload: []byte{},
		},
		format: "ipv4 [tos 0x00] 192.0.2.1 > 192.168.0.1: [tos 0x00, flowlabel 0x0] udp 1 > 2 (0)",
	},
}

func TestGolden(t *testing.T) {
	for _, tt := range golden {
		t.Run(tt.name, func(t *testing.T) {
			b := unhex(t, tt.hex)
			p, err := Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			for i, l := range p.Layers {
				if i >= len(tt.packet.Layers) || !reflect.DeepEqual(l, tt.packet.Layers[i]) {
					t.Errorf("layer %d is %T %+v", i, l, l)
				}
			}
			if !reflect.DeepEqual(p, &tt.packet) {
				t.Errorf("parsed as %+v, want %+v", p, tt.packet)
			}
			got := Format(p, FormatOptions{TOS: true, FlowLabel: true, Ports: true, ACE: true})
			if got != tt.format {
				t.Errorf("formatted as\n%s, want\n%s", got, tt.format)
			}
			// Padding behind the end, as Ethernet has it, is no part of it.
			if q, err := Parse(append(b[:len(b):len(b)], 0, 0)); err != nil || !reflect.DeepEqual(p, q) {
				t.Errorf("with padding: %+v, %v", q, err)
			}
			marshalled(t, p, b)
		})
	}
}

// marshalled checks that a packet without its lengths and checksums marshals
// to b, and gets them back.
func marshalled(t *testing.T, want *Packet, b []byte) {
	t.Helper()
	p := want.Clone()
	for i, l := range p.Layers {
		switch l := l.(type) {
		case *IPv4:
			l.HeaderLen, l.TotalLen, l.Checksum, l.BadChecksum = 0, 0, 0, true
			if _, ok := p.Layers[i+1].(*Unknown); !ok {
				l.Protocol = 0
			}
		case *IPv6:
			l.PayloadLen = 0
			if l.Extensions == nil {
				l.NextHeader = 0
			}
		case *GRE:
			l.Protocol, l.Checksum = 0, 0
		case *TCP:
			l.HeaderLen, l.Checksum = 0, 0
		case *UDP:
			l.Len, l.Checksum = 0, 0
		case *ICMP:
			l.Checksum = 0
		}
	}
	got, err := p.Marshal(MarshalOptions{GREChecksum: true})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, b) {
		t.Errorf("marshalled to\n%x, want\n%x", got, b)
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("after Marshal %+v, want %+v", p, want)
	}
}

// TestGopacketAgrees has gopacket read what Marshal writes, as a second
// opinion.
func TestGopacketAgrees(t *testing.T) {
	p := &Packet{
		Layers: []Layer{
			&IPv6{TrafficClass: 0xb9, FlowLabel: 0x54321, HopLimit: 7, Src: addr6a, Dst: addr6b},
			&TCP{
				SrcPort: 1, DstPort: 2, Seq: 3, Ack: 4, Flags: FIN | ACK | AE | URG, Window: 5, Urgent: 6,
				Options: []TCPOption{{OptNOP, nil}, {OptNOP, nil}, {OptTimestamp, timestampData(7, 8)}},
			},
		},
		Payload: []byte("hello"),
	}
	b, err := p.Marshal(MarshalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	g := gopacket.NewPacket(b, layers.LayerTypeIPv6, gopacket.Default)
	if g.ErrorLayer() != nil {
		t.Fatal(g.ErrorLayer().Error())
	}
	ip := g.NetworkLayer().(*layers.IPv6)
	if ip.TrafficClass != 0xb9 || ip.FlowLabel != 0x54321 || ip.HopLimit != 7 || ip.Length != 37 {
		t.Errorf("IPv6 %+v", ip)
	}
	tcp := g.TransportLayer().(*layers.TCP)
	if !tcp.FIN || !tcp.ACK || !tcp.NS || !tcp.URG || tcp.SYN || tcp.CWR || tcp.Seq != 3 || tcp.Ack != 4 ||
		tcp.Window != 5 || tcp.Urgent != 6 || len(tcp.Options) != 3 || string(tcp.Payload) != "hello" {
		t.Errorf("TCP %+v", tcp)
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct{ want, hex string }{
		{"no bytes where an IP header should be", ``},
		{"IP version 5 is neither 4 nor 6", `5500`},
		{"IPv4 header of 2 bytes is less than 20", `4500`},
		{"IPv4 header length 16 is less than 20", `4400 0014 0000 0000 4006 0000 c000 0201 c0a8 0001`},
		{"IPv4 total length 21 is more than the 20 bytes that are there", `4500 0015 0000 0000 4006 0000 c000 0201 c0a8 0001`},
		{"IPv4 header length 24 is more than the packet's 20 bytes", `4600 0014 0000 0000 4006 0000 c000 0201 c0a8 0001`},
		{"IP version 6 where IPv4 should be", `4500 0028 0000 0000 4004 0000 c000 0201 c0a8 0001 6500 0014 0000 0000 4006 0000 c000 0201 c0a8 0001`},
		{"IPv6 header of 4 bytes is less than 40", `6000 0000`},
		{"IPv6 payload length 1 is more than the 0 bytes that are there", `6000 0000 0001 0640` + hex6},
		{"IPv6 extension header 60 is cut short", `6000 0000 0008 3c40` + hex6 + `0601 0000 0000 0000`},
		{"TCP header of 4 bytes is less than 20", `6000 0000 0004 0640` + hex6 + `1f90 c350`},
		{"TCP header length 12 is less than 20", `6000 0000 0014 0640` + hex6 + `1f90 c350 0000 0001 0000 0002 3010 0100 0000 0000`},
		{"TCP header length 24 is more than the 20 bytes that are there", `6000 0000 0014 0640` + hex6 + `1f90 c350 0000 0001 0000 0002 6010 0100 0000 0000`},
		{"TCP option 2 has length 1, less than 2", `6000 0000 0018 0640` + hex6 + `1f90 c350 0000 0001 0000 0002 6010 0100 0000 0000 0201 0000`},
		{"TCP option 8 has length 10, more than the 4 bytes left", `6000 0000 0018 0640` + hex6 + `1f90 c350 0000 0001 0000 0002 6010 0100 0000 0000 080a 0000`},
		{"TCP option 30 has no length", `6000 0000 0018 0640` + hex6 + `1f90 c350 0000 0001 0000 0002 6010 0100 0000 0000 0101 011e`},
		{"UDP header of 4 bytes is less than 8", `6000 0000 0004 1140` + hex6 + `1f90 c350`},
		{"UDP length 7 is less than 8", `6000 0000 0008 1140` + hex6 + `1f90 c350 0007 0000`},
		{"UDP length 9 is more than the 8 bytes that are there", `6000 0000 0008 1140` + hex6 + `1f90 c350 0009 0000`},
		{"ICMP header of 4 bytes is less than 8", `6000 0000 0004 3a40` + hex6 + `8000 0000`},
		{"GRE header of 2 bytes is less than 4", `6000 0000 0002 2f40` + hex6 + `0000`},
		{"GRE header length 8 is more than the 4 bytes that are there", `6000 0000 0004 2f40` + hex6 + `2000 0800`},
		{"MPLS stack ends after 1 labels without a bottom", `6000 0000 0004 8940` + hex6 + `0000 0040`},
	}
	for _, tt := range tests {
		if _, err := Parse(unhex(t, tt.hex)); err == nil || err.Error() != tt.want {
			t.Errorf("got %v\nwant %s", err, tt.want)
		}
	}
}

func TestBadIPChecksum(t *testing.T) {
	b := unhex(t, golden[0].hex)
	b[8]--
	p, err := Parse(b)
	if err != nil || !p.V4().BadChecksum {
		t.Errorf("changed TTL: bad checksum not seen (%v)", err)
	}
}

// What follows an EOL is options, if it can be.
func TestOptionsAfterEOL(t *testing.T) {
	tests := []struct{ hex, want string }{
		{"01 01 00 00", "<nop,nop,eol,eol>"},
		{"00 0402 01", "<eol,sackOK,nop>"},
		{"01 00 04ff", "<nop,eol 04ff>"},
		{"00 00 04ff", "<eol,eol 04ff>"},
	}
	for _, tt := range tests {
		opts, err := parseTCPOptions(unhex(t, tt.hex))
		if err != nil {
			t.Errorf("%s: %v", tt.hex, err)
			continue
		}
		s := Format(&Packet{Layers: []Layer{&TCP{Options: opts}}}, FormatOptions{})
		if !strings.HasSuffix(s, tt.want) {
			t.Errorf("%s: %s, want %s", tt.hex, s, tt.want)
		}
		if b, err := marshalTCPOptions(opts); err != nil || !reflect.DeepEqual(b, unhex(t, tt.hex)) {
			t.Errorf("%s: marshalled to %x, %v", tt.hex, b, err)
		}
	}
}

// Packets bigger than their length fields, as a stack that does BIG TCP hands
// them to the device.
func TestBiggerThanLengthField(t *testing.T) {
	for _, ip := range []Layer{
		&IPv4{TTL: 64, Src: addr4a, Dst: addr4b},
		&IPv6{HopLimit: 64, Src: addr6a, Dst: addr6b},
	} {
		p := &Packet{Layers: []Layer{ip, &TCP{Flags: ACK}}, Payload: make([]byte, 100000)}
		p.Payload[99999] = 1
		b, err := p.Marshal(MarshalOptions{})
		if err != nil {
			t.Fatal(err)
		}
		q, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(p, q) {
			t.Errorf("%s: parsed as %+v", layerName(ip), q.Layers)
		}
	}
}

func TestGREKinds(t *testing.T) {
	// Version 1 (PPTP), routing, and an Ethernet type that isn't known.
	for _, h := range []string{"2001 880b 0000 0000", "4000 0800 0000 0000", "0000 6558 0000 0000"} {
		b := unhex(t, `6000 0000 0008 2f40`+hex6+h)
		p, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := p.lastLayer().(*Unknown); !ok {
			t.Errorf("%s: %+v", h, p.Layers)
		}
		if got, err := p.Marshal(MarshalOptions{}); err != nil || !reflect.DeepEqual(got, b) {
			t.Errorf("%s: marshalled to %x, %v", h, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, tt := range golden {
		f.Add(unhex(f, tt.hex))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err != nil {
			return
		}
		Format(p, FormatOptions{TOS: true, FlowLabel: true, Ports: true, ACE: true})
		Cut(p, 100, false)
		if q := p.Quoted(); q != nil {
			q.SetSeq(1)
			q.SetTuple(netip.AddrPortFrom(addr4a, 1), netip.AddrPortFrom(addr4b, 2))
		}
		m, err := p.Marshal(MarshalOptions{})
		if err != nil {
			t.Fatalf("%x: %v", b, err)
		}
		q, err := Parse(m)
		if err != nil {
			t.Fatalf("%x, marshalled to %x: %v", b, m, err)
		}
		if !reflect.DeepEqual(p, q) {
			t.Fatalf("%x, marshalled to %x, changed from %+v to %+v", b, m, p, q)
		}
	})
}
