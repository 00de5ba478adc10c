package fromcapture

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine/pcapng"
	"tcpdrill/engine/wire"
	"tcpdrill/script"
)

const (
	server = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3 // guess: a server
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
`
	handshake = server + `+0 < S 0:0(0) win 1000 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.02 < . 1:1(0) ack 1 win 1000
+0 accept(3, ..., ...) = 4 // guess: as soon as it can
`
	shakeHands = `0 < S 0:0(0) win 1000 <mss 1000>
.0001 > S. 0:0(0) ack 1 <mss 1460>
.02 < . 1:1(0) ack 1 win 1000
`
)

func TestScripts(t *testing.T) {
	for _, tt := range []struct{ name, capture, want string }{
		{"a request and its answer", shakeHands + `
.03 < P. 1:101(100) ack 1 win 1000
.0301 > . 1:1(0) ack 101
.0345 > . 1:1001(1000) ack 101
.0345 > P. 1001:1501(500) ack 101
.06 < . 101:101(0) ack 1501 win 900
.061 < F. 101:101(0) ack 1501 win 900
.06104 > F. 1501:1501(0) ack 102
.081 < . 102:102(0) ack 1502 win 900
`, "// guess: what the packets show of the settings\n`ethtool -K tun0 tso off gso off`\n" + handshake + `+.01 < P. 1:101(100) ack 1 win 1000
+0 > . 1:1(0) ack 101
+0 read(4, ..., 100) = 100 // guess: what is acknowledged
+.0045 write(4, ..., 1500) = 1500 // guess: up to PSH
+0 > P. 1:1501(1500) ack 101
+.026 < . 101:101(0) ack 1501 win 900
+.0005 < F. 101:101(0) ack 1501 win 900
+0 read(4, ..., 1000) = 0 // guess: the end
+0 close(4) = 0 // guess: FIN
+0 > F. 1501:1501(0) ack 102
+.02 < . 102:102(0) ack 1502 win 900`},

		{"a client, with timestamps and ECN, resets", `0 > SEW 0:0(0) <mss 1400,sackOK,TS val 7 ecr 0,nop,wscale 10>
.02 < SE. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 50 ecr 7,nop,wscale 7>
.02005 > . 1:1(0) ack 1 <nop,nop,TS val 27 ecr 50>
.02005 > [ect0] P. 1:11(10) ack 1 <nop,nop,TS val 27 ecr 50>
.07 < [ce] P. 1:101(100) ack 11 win 500 <nop,nop,TS val 77 ecr 27>
.0701 > E. 11:11(0) ack 101 <nop,nop,TS val 77 ecr 77>
1.5 > R. 11:11(0) ack 101
`, "--mtu=1440\n// guess: what the packets show of the settings\n" +
			"`sysctl -q net.ipv4.tcp_rmem=\"4096 131072 50331648\" net.ipv4.tcp_ecn=1`\n" +
			`0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3 // guess: a client
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0 > [noecn] SEW 0:0(0) <mss 1400,sackOK,TS val 100 ecr 0,nop,wscale 10>
+.02 < SE. 0:0(0) ack 1 win 65535 <mss 1460,sackOK,TS val 1000 ecr 100,nop,wscale 7>
+0 > [noecn] . 1:1(0) ack 1 <nop,nop,TS val 120 ecr 1000>
+0 write(3, ..., 10) = 10 // guess: up to PSH
+0 > [ect0] P. 1:11(10) ack 1 <nop,nop,TS val 120 ecr 1000>
+.05 < [ce] P. 1:101(100) ack 11 win 500 <nop,nop,TS val 1027 ecr 120>
+0 > [noecn] E. 11:11(0) ack 101 <nop,nop,TS val 170 ecr 1027>
+0 read(3, ..., 100) = 100 // guess: what is acknowledged
+1.43 setsockopt(3, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0 // guess: RST
+0 close(3) = 0 // guess: RST
+0 > [noecn] R. 11:11(0) ack 101`},

		{"nobody listens", `0 < S 0:0(0) win 1000 <mss 1000>
.0001 > R. 0:0(0) ack 1
`, `0 < S 0:0(0) win 1000 <mss 1000>
+0 > R. 0:0(0) ack 1`},

		{"loss, SACK and a message", `0 < S 0:0(0) win 1000 <mss 1000,nop,nop,sackOK>
.0001 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK>
.02 < . 1:1(0) ack 1 win 1000
.02 < . 1001:2001(1000) ack 1 win 1000
.02 > . 1:1(0) ack 1 <nop,nop,sack 1001:2001>
.04 < . 1:1001(1000) ack 1 win 1000
.04 > . 1:1(0) ack 2001
.05 > P. 1:2001(2000) ack 2001
.06 < icmp unreachable frag_needed mtu 600 [1:1001(1000)]
.06 > . 1:561(560) ack 2001
.26 > . 1:561(560) ack 2001
`, handshakeSACK + `+0 < . 1001:2001(1000) ack 1 win 1000
+0 > . 1:1(0) ack 1 <nop,nop,sack 1001:2001>
+.02 < . 1:1001(1000) ack 1 win 1000
+0 > . 1:1(0) ack 2001
+0 read(4, ..., 2000) = 2000 // guess: what is acknowledged
+.01 write(4, ..., 2000) = 2000 // guess: up to PSH
+0 > P. 1:2001(2000) ack 2001
+.01 < icmp unreachable frag_needed mtu 600 [1:1001(1000)]
+0 > . 1:561(560) ack 2001
+.2 > . 1:561(560) ack 2001`},

		{"small segments, and one without PSH", shakeHands + `
.02 > P. 1:101(100) ack 1
.03 > P. 101:201(100) ack 1
.03 > . 201:1201(1000) ack 1
.5 > . 1201:2201(1000) ack 1
`, handshake + `+0 write(4, ..., 100) = 100 // guess: up to PSH
+0 > P. 1:101(100) ack 1
+.01 setsockopt(4, SOL_TCP, TCP_NODELAY, [1], 4) = 0 // guess: a small segment leaves while another is in flight
+0 write(4, ..., 100) = 100 // guess: up to PSH
+0 > P. 101:201(100) ack 1
+0 send(4, ..., 1000, MSG_MORE) = 1000 // guess: no PSH at its end
+0 > . 201:1201(1000) ack 1
+.47 send(4, ..., 1000, MSG_MORE) = 1000 // guess: no PSH at its end
+0 > . 1201:2201(1000) ack 1`},

		{"a write that the window cuts, and a FIN on its end", shakeHands + `
.02 > P. 1:2001(2000) ack 1
.02 > . 2001:4001(2000) ack 1
.04 < . 1:1(0) ack 4001 win 1000
.04 > FP. 4001:4501(500) ack 1
.06 < P. 1:11(10) ack 4502 win 1000
.06 > . 4502:4502(0) ack 11
`, handshake + `+0 write(4, ..., 4500) = 4500 // guess: up to PSH
+0 shutdown(4, SHUT_WR) = 0 // guess: FIN, and data still comes
+0 > . 1:4001(4000) ack 1
+.02 < . 1:1(0) ack 4001 win 1000
+0 > FP. 4001:4501(500) ack 1
+.02 < P. 1:11(10) ack 4502 win 1000
+0 > . 4502:4502(0) ack 11
+0 read(4, ..., 10) = 10 // guess: what is acknowledged`},

		{"the window closes", shakeHands + `
.03 < . 1:1001(1000) ack 1 win 1000
.03 > . 1:1(0) ack 1001 win 0
.5 > . 1:1(0) ack 1001 win 5000
`, handshake + `+.01 < . 1:1001(1000) ack 1 win 1000
+0 > . 1:1(0) ack 1001
+.47 read(4, ..., 1000) = 1000 // guess: which lets the ACK go
+0 > . 1:1(0) ack 1001`},

		{"wrong checksums, and joined segments", `0 < S 0:0(0) win 1000 <mss 1000> badsum
1 < S 0:0(0) win 1000 <mss 1000>
1.0001 > S. 0:0(0) ack 1 <mss 1460>
1.02 < . 1:1(0) ack 1 win 1000
1.03 < P. 1:3001(3000) ack 1 win 1000 badsum
1.23 < . 1:1461(1460) ack 1 win 1000
1.2301 > . 1:1(0) ack 1461
1.26 < P. 1461:3001(1540) ack 1 win 1000
1.2601 > . 1:1(0) ack 3001
1.3 < . 3001:3001(0) ack 9 win 1000 badsum
1.4 < icmp unreachable host_unreachable [1:1(0)] badsum
`, server + `+0 < S 0:0(0) win 1000 <mss 1000> badsum
+1 < S 0:0(0) win 1000 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.02 < . 1:1(0) ack 1 win 1000
+0 accept(3, ..., ...) = 4 // guess: as soon as it can
+.01 < P. 1:3001(3000) ack 1 win 1000 gso 1460 badsum
+.2 < . 1:1461(1460) ack 1 win 1000
+0 > . 1:1(0) ack 1461
+0 read(4, ..., 1460) = 1460 // guess: what is acknowledged
+.03 < P. 1461:3001(1540) ack 1 win 1000 gso 1460
+0 > . 1:1(0) ack 3001
+0 read(4, ..., 1540) = 1540 // guess: what is acknowledged
+.04 < . 3001:3001(0) ack 9 win 1000 badsum
+.1 < icmp unreachable host_unreachable [1:1(0)] badsum`},

		{"a wrong checksum that is right", shakeHands + `
.03 < P. 1:101(100) ack 1 win 1000 badsum
.0301 > . 1:1(0) ack 101
.04 < P. 101:201(100) ack 1 win 1000 badsum
`, handshake + `+.01 < P. 1:101(100) ack 1 win 1000
+0 > . 1:1(0) ack 101
+0 read(4, ..., 100) = 100 // guess: what is acknowledged
+.01 < P. 101:201(100) ack 1 win 1000
+0 read(4, ..., 100) = 100 // guess: at once`},

		{"numbers before the SYN's", shakeHands + `
.02 < . 4294967000:4294968000(1000) ack 1 win 1000
`, handshake},

		{"after the handshake", `0 < P. 501:601(100) ack 701 win 100 <nop,nop,TS val 1 ecr 2>
.0001 > P. 701:901(200) ack 601 <nop,nop,TS val 3 ecr 1>
.01 < . 601:601(0) ack 901 win 100 <nop,nop,TS val 5 ecr 3>
`, server + `+0 < S 0:0(0) win 65535 <mss 1460,nop,wscale 7> // made up
+0 > S. 0:0(0) ack 1 <...>
+0 < . 1:1(0) ack 1 win 512
+0 accept(3, ..., ...) = 4 // guess: as soon as it can
+0 < P. 1:101(100) ack 1 win 100
+0 read(4, ..., 100) = 100 // guess: before the answer
+0 write(4, ..., 200) = 200 // guess: up to PSH
+0 > P. 1:201(200) ack 101
+.01 < . 101:101(0) ack 201 win 100`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got, want := stripped(imported(t, capture(t, tt.capture), Options{})), stripped(tt.want); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

var handshakeSACK = strings.NewReplacer("<mss 1000>", "<mss 1000,nop,nop,sackOK>", "<mss 1460>", "<mss 1460,nop,nop,sackOK>").Replace(handshake)

// Options without words are NOPs if they are injected, and else don't matter.
func TestUnknownOptions(t *testing.T) {
	packets := capture(t, shakeHands)
	for i := range packets[:2] {
		w, err := wire.Parse(packets[i].Data)
		if err != nil {
			t.Fatal(err)
		}
		w.TCP().Options = append(w.TCP().Options, wire.TCPOption{Kind: 30, Data: []byte{0, 1}})
		if packets[i].Data, err = w.Marshal(wire.MarshalOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	got := imported(t, packets, Options{})
	for _, want := range []string{"< S 0:0(0) win 1000 <mss 1000,nop,nop,nop,nop>", "> S. 0:0(0) ack 1 <...>"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// Each kind of link gives the same script, cut packets too; the time stamps need not
// be in order.
func TestLinks(t *testing.T) {
	packets := capture(t, shakeHands+".02 > P. 1:1001(1000) ack 1\n")
	want := imported(t, packets, Options{})
	for link, header := range map[pcapng.LinkType]func(outbound bool) []byte{
		pcapng.Null:      func(bool) []byte { return []byte{2, 0, 0, 0} },
		pcapng.Ethernet:  func(bool) []byte { return append(make([]byte, 12), 0x81, 0, 0, 7, 8, 0) },
		pcapng.IPv4:      func(bool) []byte { return nil },
		pcapng.LinuxSLL:  func(out bool) []byte { return append([]byte{0, sllType(out)}, append(make([]byte, 12), 8, 0)...) },
		pcapng.LinuxSLL2: func(out bool) []byte { return []byte{0: 8, 10: sllType(out), 19: 0} },
	} {
		var all []pcapng.Packet
		for _, p := range packets {
			out := p.Direction == pcapng.Outbound
			p.Link, p.Data = link, append(header(out), p.Data...)
			if link == pcapng.LinuxSLL || link == pcapng.LinuxSLL2 {
				p.Direction = pcapng.Unknown
			}
			p.Len = len(p.Data)
			p.Data = p.Data[:min(len(p.Data), 80)]
			all = append(all, p)
		}
		all = append(all, pcapng.Packet{Link: link, Data: []byte("no IP")})
		if got := imported(t, all, Options{}); got != want {
			t.Errorf("link type %d: got\n%swant\n%s", link, got, want)
		}
	}
}

func sllType(out bool) byte {
	if out {
		return sllOutgoing
	}
	return 0
}

// Which connection and which end, and what is said if it isn't clear.
func TestChoice(t *testing.T) {
	one := capture(t, shakeHands)
	undirected := func(ttl byte) []pcapng.Packet {
		var all []pcapng.Packet
		for _, p := range one {
			p.Direction = pcapng.Unknown
			p.Data = bytes.Clone(p.Data)
			if p.Data[12] == 10 && p.Data[13] == 9 {
				p.Data[8] = ttl
			}
			all = append(all, p)
		}
		return all
	}
	again := capture(t, shakeHands)
	for i := range again {
		again[i].Time += time.Second
		at := 20 + 4
		if again[i].Direction == pcapng.Outbound {
			at += 4
		}
		b := again[i].Data[at:]
		binary.BigEndian.PutUint32(b, binary.BigEndian.Uint32(b)+1000)
	}
	two := append(append([]pcapng.Packet{}, one...), again...)
	end := func(s string) End {
		e, err := ParseEnd(s)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for name, tt := range map[string]struct {
		packets []pcapng.Packet
		opt     Options
		want    string // of what is said
	}{
		"direction":        {one, Options{}, "10.0.0.1:80: the capture says which way"},
		"TTL":              {undirected(57), Options{}, "10.0.0.1:80: its packets come with the TTL"},
		"neither":          {undirected(64), Options{}, "which end is the stack under test? --local=10.9.9.9:40000 or --local=10.0.0.1:80"},
		"--local":          {undirected(64), Options{Local: end("10.9.9.9")}, "10.9.9.9:40000: --local says so"},
		"--remote":         {undirected(64), Options{Remote: end("10.9.9.9:40000")}, "10.0.0.1:80: --remote says so"},
		"against":          {one, Options{Local: end("10.9.9.9")}, "10.9.9.9:40000: --local says so"},
		"nowhere":          {one, Options{Local: end("10.9.9.8")}, "no connection between these ends:\n    1  10.9.9.9:40000 > 10.0.0.1:80, 3 packets"},
		"two":              {two, Options{}, "2 connections; choose one by --connection=N, or by --local and --remote:\n    1  10.9.9.9:40000 > 10.0.0.1:80, 3 packets\n    2  10.9.9.9:40000 > 10.0.0.1:80, 3 packets"},
		"the second":       {two, Options{Connection: 2}, "connection 2 of 2"},
		"no third":         {two, Options{Connection: 3}, "there is no connection 3:\n    1 "},
		"none":             {nil, Options{}, "no TCP in it"},
		"none between":     {two, Options{Connection: 1, Remote: end("1.1.1.1")}, "connection 1 isn't between these ends"},
		"both ends, wrong": {one, Options{Local: end("10.0.0.1"), Remote: end("10.0.0.1")}, "no connection between"},
	} {
		res, err := Import(bytes.NewReader(file(t, tt.packets)), tt.opt)
		said := ""
		if err != nil {
			said = err.Error()
		} else {
			said = strings.Join(res.Notes, "\n")
		}
		if !strings.Contains(said, tt.want) {
			t.Errorf("%s: %s\nwant %s", name, said, tt.want)
		}
	}
	for _, bad := range []string{"", "host", "1.2.3.4:", "1.2.3.4:0", "::1:80:x"} {
		if e, err := ParseEnd(bad); err == nil {
			t.Errorf("%s is %+v", bad, e)
		}
	}
}

// Whatever a capture has, there is a script that fmt and vet find nothing wrong with,
// or an error.
func FuzzImport(f *testing.F) {
	for _, text := range []string{
		shakeHands + ".02 > P. 1:1001(1000) ack 1\n.3 > F. 1001:1001(0) ack 1\n",
		"0 > S 0:0(0) <mss 1000,sackOK,TS val 1 ecr 0,nop,wscale 14>\n.1 < S. 0:0(0) ack 1 win 1 <sackOK,TS val 1 ecr 1>\n.1 > . 1:1(0) ack 1 <nop,nop,TS val 2 ecr 1>\n",
		"0 < S 0:0(0) win 1 badsum\n1 < S 0:0(0) win 1\n1 > S. 0:0(0) ack 1\n1 < . 1:5001(5000) ack 1 win 1 <nop,nop,TS val 1 ecr 1> badsum\n",
		"0 < . 1001:2001(1000) ack 1 win 1000\n0 > . 1:1(0) ack 1 <nop,nop,sack 1001:2001>\n",
	} {
		f.Add(file(f, capture(f, text)), 0)
	}
	f.Fuzz(func(t *testing.T, b []byte, connection int) {
		for _, end := range []End{{}, {Addr: stack.Addr()}, {Addr: other.Addr()}} {
			res, err := Import(bytes.NewReader(b), Options{Name: "x\n`%{", Connection: connection, Local: end})
			if err != nil {
				continue
			}
			if again, err := script.Format("x", res.Script); err != nil || !bytes.Equal(again, res.Script) {
				t.Errorf("%v: its layout isn't fmt's:\n%s", err, res.Script)
			}
		}
	})
}
