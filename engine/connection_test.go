package engine_test

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/enginetest"
	"tcpdrill/engine/wire"
)

// newClient is a fake stack each of whose connect()s sends a SYN from the given
// port, with a sequence number of its own, and which acknowledges SYN-ACKs.
func newClient(port uint16) *enginetest.Fake {
	f := &enginetest.Fake{}
	isn, fds := uint32(5000), int64(2)
	send := func(t *wire.TCP) {
		t.SrcPort, t.DstPort = port, 8080
		ip := &wire.IPv4{TTL: 64, Src: netip.MustParseAddr("192.168.0.1"), Dst: netip.MustParseAddr("192.0.2.1")}
		f.SendAt(f.Time, &wire.Packet{Layers: []wire.Layer{ip, t}})
	}
	f.OnCall = func(f *enginetest.Fake, c *engine.Call) engine.Result {
		switch c.Name {
		case "socket":
			fds++
			return engine.Result{Ret: fds}
		case "connect":
			if binary.LittleEndian.Uint16(c.Args[1].Buf) != 0 { // not AF_UNSPEC
				isn += 100_000
				send(&wire.TCP{Seq: isn, Flags: wire.SYN, Window: 1000})
			}
		}
		return engine.Result{}
	}
	f.OnInject = func(f *enginetest.Fake, p *wire.Packet) {
		t := p.TCP()
		switch {
		case t.Flags&wire.RST != 0:
		case t.Flags&wire.ACK == 0: // a SYN crossed ours
			send(&wire.TCP{Seq: isn, Ack: t.Seq + 1, Flags: wire.SYN | wire.ACK, Window: 1000})
		case t.Ack == isn+1 && t.Flags&wire.SYN != 0:
			send(&wire.TCP{Seq: isn + 1, Ack: t.Seq + 1, Flags: wire.ACK, Window: 1000})
		}
	}
	return f
}

func TestConnecting(t *testing.T) {
	const connect = "+0 connect(3, ..., ...) = 0\n+0 > S 0:0(0)\n+.1 < S. 0:0(0) ack 1 win 1000\n+0 > . 1:1(0) ack 1\n"
	for _, tt := range []struct{ name, script string }{
		{"from a port of the stack's choice", connect},
		{"from a given port", `+0 bind(3, {sa_family = AF_INET, sin_port = htons(4000), sin_addr = inet_addr("192.168.0.1")}, ...) = 0` + "\n" + connect},
		{"twice", connect + "+0 connect(3, AF_UNSPEC, ...) = 0\n" + connect},
		{"both at once", "+0 connect(3, ..., ...) = 0\n+0 > S 0:0(0)\n+.1 < S 0:0(0) win 1000\n+0 > S. 0:0(0) ack 1\n"},
	} {
		o := runScript(t, newClient(4000), "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"+tt.script)
		if o.Verdict != engine.Pass {
			t.Errorf("%s: %s: %v", tt.name, o.Verdict, o.Failures)
		}
	}
}

// A SYN that is sent again has the number that it had.
func TestSYNAgain(t *testing.T) {
	for _, again := range []uint32{0, 1} {
		f := newClient(4000)
		call := f.OnCall
		f.OnCall = func(f *enginetest.Fake, c *engine.Call) engine.Result {
			res := call(f, c)
			if c.Name == "connect" {
				ip := &wire.IPv4{TTL: 64, Src: netip.MustParseAddr("192.168.0.1"), Dst: netip.MustParseAddr("192.0.2.1")}
				syn := &wire.TCP{SrcPort: 4000, DstPort: 8080, Seq: 105_000 + again, Flags: wire.SYN, Window: 1000}
				f.SendAt(f.Time+time.Second, &wire.Packet{Layers: []wire.Layer{ip, syn}})
			}
			return res
		}
		o := runScript(t, f, "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 connect(3, ..., ...) = 0\n+0 > S 0:0(0)\n+1 > S 0:0(0)\n")
		switch {
		case again == 0 && o.Verdict != engine.Pass:
			t.Errorf("the same: %v", o.Failures)
		case again == 1 && (o.Verdict != engine.Fail || o.Failures[0].Summary != "wrong packet: seq differs"):
			t.Errorf("another: %s, %v", o.Verdict, o.Failures)
		}
	}
}

// A SYN goes where the listener is bound.
func TestSYNGoesToListener(t *testing.T) {
	for _, tt := range []struct{ addr, want string }{
		{"...", "192.168.0.1:8080"},
		{`{sa_family = AF_INET, sin_port = htons(9000), sin_addr = inet_addr("192.168.0.7")}`, "192.168.0.7:9000"},
		{`{sa_family = AF_INET, sin_port = htons(9000), sin_addr = inet_addr("0.0.0.0")}`, "192.168.0.1:9000"},
	} {
		s := newServer(nil)
		runScript(t, s, "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, "+tt.addr+", ...) = 0\n+0 listen(3, 1) = 0\n+0 < S 0:0(0) win 1000\n")
		_, dst := s.Injected[0].IP()
		if got := netip.AddrPortFrom(dst, s.local); got.String() != tt.want {
			t.Errorf("bound to %s: the SYN goes to %s, want %s", tt.addr, got, tt.want)
		}
	}
}

// A packet to a socket that never sent anything and doesn't listen goes where
// bind() and connect() would have put it.
func TestUnexpectedPacket(t *testing.T) {
	for _, tt := range []struct{ script, want string }{
		{"0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 < S 0:0(0) win 1000\n", "192.168.0.1:8080"},
		{"0 socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3\n+0 bind(3, ..., ...) = 0\n+0 < udp (100)\n", "192.168.0.1:8080"},
	} {
		f := &enginetest.Fake{}
		if o := runScript(t, f, tt.script); o.Verdict != engine.Pass {
			t.Fatalf("%s: %v", o.Verdict, o.Failures)
		}
		_, ip := f.Injected[0].IP()
		_, port := f.Injected[0].Ports()
		if got := netip.AddrPortFrom(ip, port).String(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

// What packetdrill says of the same.
func TestClassicMessages(t *testing.T) {
	for _, tt := range []struct {
		name    string
		writes  func(*server, int)
		script  string
		classic string
	}{
		{"flags", func(s *server, n int) { s.send(0, wire.ACK, 0, n) }, "+0 > P. 1:101(100) ack 1\n",
			"error handling packet: live packet field tcp_psh: expected: 1 (0x1) vs actual: 0 (0x0)\n" +
				"script packet:  0.100000 P. 1:101(100) ack 1\n" +
				"actual packet:  0.100000 . 1:101(100) ack 1 win 1000"},
		{"options", func(s *server, n int) {
			s.send(0, wire.ACK, 0, n, wire.TCPOption{Kind: wire.OptNOP}, wire.TCPOption{Kind: wire.OptNOP}, wire.TCPOption{Kind: wire.OptSACKOK})
		}, "+0 > P. 1:101(100) ack 1 win 5\n",
			"error handling packet: live packet field ipv4_total_length: expected: 140 (0x8c) vs actual: 144 (0x90)\n" +
				"script packet:  0.100000 P. 1:101(100) ack 1 win 5\n" +
				"actual packet:  0.100000 . 1:101(100) ack 1 win 1000 <nop,nop,sackOK>"},
		{"length", func(s *server, n int) { s.send(0, wire.ACK, 0, n) }, "+0 > . 1:51(50) ack 1\n",
			"error handling packet: live packet payload: expected 50 bytes vs actual 100 bytes"},
		{"fragments", func(s *server, n int) { s.send(0, wire.ACK, 0, 40); s.send(0, wire.ACK, 41, 59) }, "+0 > . 1:101(100) ack 1\n",
			"error handling packet: live packet field tcp_seq: expected: 41 (0x29) vs actual: 42 (0x2a)\n" +
				"   script packet:  0.100000 . 1:101(100) ack 1\n" +
				"actual #0 packet:  0.100000 . 1:41(40) ack 1 win 1000\n" +
				"actual #1 packet:  0.100000 . 42:101(59) ack 1 win 1000"},
		{"nothing", func(*server, int) {}, "+0 > . 1:101(100) ack 1\n",
			"error handling packet: Timed out waiting for packet"},
		{"time", func(s *server, n int) { s.send(time.Second, wire.ACK, 0, n) }, "+0 > . 1:101(100) ack 1\n",
			"error handling packet: timing error: expected outbound packet at 0.100000 sec but happened at 1.100000 sec; tolerance 0.004000 sec\n" +
				"script packet:  0.100000 . 1:101(100) ack 1\n" +
				"actual packet:  1.100000 . 1:101(100) ack 1 win 1000"},
	} {
		o := runScript(t, newServer(tt.writes), handshake+"+0 write(4, ..., 100) = 100\n"+tt.script)
		if got := o.Failures[0].Classic; got != tt.classic {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.name, got, tt.classic)
		}
	}
}
