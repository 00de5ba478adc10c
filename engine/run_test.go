package engine_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/enginetest"
	"tcpdrill/engine/wire"
	"tcpdrill/script"
)

// A shell that knows two commands.
type fakeShell struct{ ran []string }

func (s *fakeShell) Run(line string) (int, []byte, error) {
	s.ran = append(s.ran, line)
	switch {
	case strings.HasPrefix(line, "false"):
		return 1, []byte("no luck\n"), nil
	case strings.HasPrefix(line, "ethtool"):
		return 127, nil, &engine.UnsupportedError{What: "program ethtool"}
	}
	return 0, nil, nil
}

// server is a fake stack which accepts a connection and acknowledges nothing
// by itself. Each write makes it do what writes says, with live numbers.
type server struct {
	*enginetest.Fake
	local, remote uint16
	isn, peer     uint32
	writes        func(s *server, n int)
}

const serverISN = 77000

func newServer(writes func(s *server, n int)) *server {
	s := &server{Fake: &enginetest.Fake{Time: 5 * time.Second}, isn: serverISN, writes: writes}
	fds := int64(2)
	s.OnCall = func(f *enginetest.Fake, c *engine.Call) engine.Result {
		if fd := c.Args[0]; c.Name != "socket" && fd.Int < 0 {
			return engine.Result{Ret: -1, Errno: 9} // EBADF
		}
		switch c.Name {
		case "socket", "accept":
			fds++
			if c.Name == "accept" {
				// struct sockaddr_in of the peer.
				copy(c.Args[1].Buf, []byte{2, 0, byte(s.remote >> 8), byte(s.remote), 192, 0, 2, 1})
			}
			return engine.Result{Ret: fds}
		case "write":
			n := len(c.Args[1].Buf)
			s.writes(s, n)
			return engine.Result{Ret: int64(n)}
		}
		return engine.Result{}
	}
	s.OnInject = func(f *enginetest.Fake, p *wire.Packet) {
		t := p.TCP()
		if t.Flags&wire.SYN == 0 {
			return
		}
		s.local, s.remote, s.peer = t.DstPort, t.SrcPort, t.Seq+1
		s.send(0, wire.SYN|wire.ACK, 0, 0, wire.TCPOption{Kind: wire.OptMSS, Data: []byte{5, 180}})
		s.isn++
	}
	return s
}

// send makes the stack send a segment after a delay: seq counts from the first
// byte of data.
func (s *server) send(after time.Duration, flags wire.TCPFlags, seq uint32, payload int, opts ...wire.TCPOption) {
	src, dst := netip.MustParseAddr("192.168.0.1"), netip.MustParseAddr("192.0.2.1")
	t := &wire.TCP{SrcPort: s.local, DstPort: s.remote, Seq: s.isn + seq, Ack: s.peer, Flags: flags, Window: 1000, Options: opts}
	p := &wire.Packet{Layers: []wire.Layer{&wire.IPv4{TTL: 64, DF: true, Src: src, Dst: dst}, t}, Payload: make([]byte, payload)}
	s.SendAt(s.Time+after, p)
}

// A handshake every script below begins with: 7 lines.
const handshake = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 1000 <mss 1460>
+0 > S. 0:0(0) ack 1 <mss 1460>
+.1 < . 1:1(0) ack 1 win 1000
+0 accept(3, ..., ...) = 4
`

func runScript(t *testing.T, target engine.Target, text string, settings ...engine.Setting) *engine.Outcome {
	t.Helper()
	return runWith(t, target, text, engine.Tools{Shell: &fakeShell{}}, settings...)
}

func runWith(t *testing.T, target engine.Target, text string, tools engine.Tools, settings ...engine.Setting) *engine.Outcome {
	t.Helper()
	s, err := script.Parse("test.pkt", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := engine.NewConfig(append(engine.ScriptSettings(s), settings...)...)
	if err != nil {
		t.Fatal(err)
	}
	return engine.Run(s, &cfg, target, tools)
}

func set(name string, value ...string) engine.Setting {
	s := engine.Setting{Name: name, HasValue: len(value) > 0}
	if s.HasValue {
		s.Value = value[0]
	}
	return s
}

func TestVerdicts(t *testing.T) {
	write := func(pieces ...int) func(*server, int) {
		// Sends what was written in pieces, PSH on the last, 10 ms later.
		return func(s *server, n int) {
			seq := uint32(0)
			for i, p := range pieces {
				flags := wire.ACK
				if i == len(pieces)-1 {
					flags |= wire.PSH
				}
				s.send(10*time.Millisecond, flags, seq, p)
				seq += uint32(p)
			}
		}
	}
	tests := []struct {
		name     string
		writes   func(*server, int)
		script   string
		settings []engine.Setting
		late     time.Duration
		lost     engine.LinkCounters
		verdict  engine.Verdict
		summary  string // of the first failure
		line     int
	}{
		{
			name: "a write as expected", writes: write(1000),
			script:  "+0 write(4, ..., 1000) = 1000\n+.01 > P. 1:1001(1000) ack 1 win 1000\n",
			verdict: engine.Pass,
		},
		{
			name: "equal segments are glued up to the line's length", writes: write(1000, 1000, 500),
			script:  "+0 write(4, ..., 2500) = 2500\n+.01 > P. 1:2501(2500) ack 1\n",
			verdict: engine.Pass,
		},
		{
			name: "not with strict segments", writes: write(1000, 1000, 500),
			script:   "+0 write(4, ..., 2500) = 2500\n+.01 > P. 1:2501(2500) ack 1\n",
			settings: []engine.Setting{set("strict_segments")},
			verdict:  engine.Fail, summary: "wrong packet: length and flags differ", line: 9,
		},
		{
			name: "only the last segment may be shorter", writes: write(500, 1000, 1000),
			script:  "+0 write(4, ..., 2500) = 2500\n+.01 > P. 1:2501(2500) ack 1\n",
			verdict: engine.Fail, summary: "segment 2 of those sent for this line doesn't continue the one before", line: 9,
		},
		{
			name: "in the stream any segment may be shorter", writes: write(500, 1000, 1000),
			script:  "+0 write(4, ..., 2500) = 2500\n+.01 > P. 1:2501(2500) ack 1 stream\n",
			verdict: engine.Pass,
		},
		{
			name: "also with strict segments, and PSH is asked for only where it is written", writes: write(500, 1000, 1000),
			script:   "+0 write(4, ..., 2500) = 2500\n+.01 > . 1:2501(2500) ack 1 stream\n",
			settings: []engine.Setting{set("strict_segments")},
			verdict:  engine.Pass,
		},
		{
			name: "which is on the last segment",
			writes: func(s *server, n int) {
				s.send(10*time.Millisecond, wire.ACK|wire.PSH, 0, 500)
				s.send(10*time.Millisecond, wire.ACK, 500, 2000)
			},
			script:  "+0 write(4, ..., 2500) = 2500\n+.01 > P. 1:2501(2500) ack 1 stream\n",
			verdict: engine.Fail, summary: "wrong packet: flags differ", line: 9,
		},
		{
			name: "the stream has no holes",
			writes: func(s *server, n int) {
				s.send(10*time.Millisecond, wire.ACK, 0, 500)
				s.send(10*time.Millisecond, wire.ACK, 600, 1900)
			},
			script:  "+0 write(4, ..., 2500) = 2500\n+.01 > . 1:2501(2500) ack 1 stream\n",
			verdict: engine.Fail, summary: "segment 2 of those sent for this line doesn't continue the one before", line: 9,
		},
		{
			name: "ACKs of less, or beside data of no more, are a part of the stream",
			writes: func(s *server, n int) {
				s.peer += 100
				s.send(10*time.Millisecond, wire.ACK, 0, 0)
				s.peer += 100
				s.send(10*time.Millisecond, wire.ACK, 0, 0)
				s.send(10*time.Millisecond, wire.ACK, 0, 300)
				s.send(10*time.Millisecond, wire.ACK, 300, 0)
				s.send(10*time.Millisecond, wire.ACK|wire.PSH, 300, 700)
			},
			script: "+0 < . 1:201(200) ack 1 win 1000\n+0 write(4, ..., 1000) = 1000\n" +
				"+.01 > . 1:1(0) ack 201 stream\n+0 > P. 1:1001(1000) ack 201 stream\n",
			verdict: engine.Pass,
		},
		{
			name:   "an ACK of more isn't what the stream waits for",
			writes: func(s *server, n int) { s.peer += 200; s.send(10*time.Millisecond, wire.ACK, 0, 0) },
			script: "+0 < . 1:201(200) ack 1 win 1000\n+0 write(4, ..., 1000) = 1000\n" +
				"+.01 > . 1:1(0) ack 101 stream\n",
			verdict: engine.Fail, summary: "wrong packet: ack differs", line: 10,
		},
		{
			name: "all that differs is named", writes: write(1000),
			script:  "+0 write(4, ..., 1000) = 1000\n+.01 > . 1:1001(1000) ack 1 win 999 <nop,nop,nop,nop>\n",
			verdict: engine.Fail, summary: "wrong packet: flags, win and options differ", line: 9,
		},
		{
			name: "too late", writes: write(1000),
			script:  "+0 write(4, ..., 1000) = 1000\n+0 > P. 1:1001(1000) ack 1\n",
			verdict: engine.Fail, summary: "packet 10.0 ms late: expected at 0.1000 ± 4.0 ms, sent at 0.1100", line: 9,
		},
		{
			name: "too early", writes: write(1000),
			script:  "+0 write(4, ..., 1000) = 1000\n+.02 > P. 1:1001(1000) ack 1\n",
			verdict: engine.Fail, summary: "packet 10.0 ms early", line: 9,
		},
		{
			name: "a tolerance of 12.5 percent", writes: func(s *server, n int) { s.send(900*time.Millisecond, wire.ACK|wire.PSH, 0, n) },
			script:  "+0 write(4, ..., 1000) = 1000\n+1 > P. 1:1001(1000) ack 1\n",
			verdict: engine.Pass,
		},
		{
			name: "any time", writes: func(s *server, n int) { s.send(time.Minute, wire.ACK|wire.PSH, 0, n) },
			script:  "+0 write(4, ..., 1000) = 1000\n* > P. 1:1001(1000) ack 1\n",
			verdict: engine.Pass,
		},
		{
			name: "a range", writes: write(1000),
			script:  "+0 write(4, ..., 1000) = 1000\n+.005~+.03 > P. 1:1001(1000) ack 1\n",
			verdict: engine.Pass,
		},
		{
			name: "nothing sent", writes: func(*server, int) {},
			script:  "+0 write(4, ..., 1000) = 1000\n+0 > P. 1:1001(1000) ack 1\n",
			verdict: engine.Fail, summary: "nothing was sent: expected a packet at 0.1000 and waited until 2.1000", line: 9,
		},
		{
			name: "a part sent", writes: write(400),
			script:  "+0 write(4, ..., 1000) = 1000\n+.01 > P. 1:1001(1000) ack 1\n",
			verdict: engine.Fail, summary: "only 400 of 1000 bytes were sent", line: 9,
		},
		{
			name: "what is left at the end doesn't fail", writes: write(1000),
			script:  "+0 write(4, ..., 1000) = 1000\n+1 close(4) = 0\n",
			verdict: engine.Pass,
		},
		{
			name: "a result that differs", writes: write(1000),
			script:  "+0 write(4, ..., 1000) = 999\n",
			verdict: engine.Fail, summary: "write: result differs", line: 8,
		},
		{
			name: "a mismatch that may pass", writes: write(1000),
			script:   "+0 write(4, ..., 1000) = 1000\n+.01 > . 1:1001(1000) ack 1\n",
			settings: []engine.Setting{set("non_fatal", "packet")},
			verdict:  engine.Pass,
		},
		{
			name: "a length may not pass", writes: write(900, 200),
			script:   "+0 write(4, ..., 1100) = 1100\n+.01 > P. 1:1001(1000) ack 1\n",
			settings: []engine.Setting{set("non_fatal", "packet")},
			verdict:  engine.Fail, summary: "wrong packet: length differs", line: 9,
		},
		{
			name: "a packet long after the line before, which was long too",
			writes: func(s *server, n int) {
				s.send(50*time.Second, wire.ACK, 0, n)
				s.send(56*time.Second, wire.ACK, 0, n)
			},
			script:  "+0 write(4, ..., 1000) = 1000\n* > . 1:1001(1000) ack 1\n+1 > . 1:1001(1000) ack 1\n",
			verdict: engine.Pass,
		},
		{
			name: "a packet that is never sent", writes: write(),
			script:   "+0 write(4, ..., 1000) = 1000\n* > P. 1:1001(1000) ack 1\n+0 close(4) = 0\n",
			settings: []engine.Setting{set("timeout", "30s"), set("keep_going")},
			verdict:  engine.Fail, summary: "expected a packet at any time and waited until 30.0000 (--timeout)", line: 9,
		},
		{
			name: "a line that is due after the timeout", writes: write(1000),
			script:   "40 write(4, ..., 1000) = 1000\n",
			settings: []engine.Setting{set("timeout", "30s")},
			verdict:  engine.Error, summary: "due at 40.0000, later than a script may take: 30s (--timeout)", line: 8,
		},
		{
			name: "code about a socket that isn't there yet", writes: write(),
			script:  "+.1 socket(..., SOCK_STREAM, IPPROTO_TCP) = 5\n+0 listen(5, 1) = 0\n+0 < S 0:0(0) win 1000 <mss 1460>\n+0 %{ assert tcpi_state }%\n",
			verdict: engine.Error, summary: "can't find getsockopt to get TCP info", line: 11,
		},
		{
			name: "a message about no connection", writes: write(),
			script:  "+0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 5\n+0 < icmp unreachable host_unreachable [1:1(0)]\n",
			verdict: engine.Error, summary: "no connection yet", line: 9,
		},
		{
			name: "a harness that is late says nothing of the stack", writes: write(1000), late: 20 * time.Millisecond,
			script:  "+0 write(4, ..., 1000) = 1000\n",
			verdict: engine.Inconclusive, summary: "inbound packet due at 0.1000", line: 6,
		},
		{
			// Within the tolerance of its own time, but not of what follows.
			name: "late in time, and then something else is sent", late: 20 * time.Millisecond,
			writes:   write(1000),
			script:   "1.1 write(4, ..., 1000) = 1000\n+.01 > . 1:1001(1000) ack 1\n",
			settings: []engine.Setting{set("tolerance_percent", "50")},
			verdict:  engine.Inconclusive, summary: "wrong packet: flags differ", line: 9,
		},
		{
			name: "late in time, and then there is no time left", late: 20 * time.Millisecond,
			writes:   write(1000),
			script:   "1.1 write(4, ..., 1000) = 1000\n1.1 close(4) = 0\n",
			settings: []engine.Setting{set("tolerance_percent", "50")},
			verdict:  engine.Inconclusive, summary: "system call start due at 1.1000 came 20.0 ms late", line: 9,
		},
		{
			name: "nor does one that loses packets", writes: write(1000), lost: engine.LinkCounters{CaptureDropped: 1},
			script:  "+0 write(4, ..., 1000) = 1000\n+.01 > P. 1:1001(1000) ack 1\n",
			verdict: engine.Inconclusive, summary: "packets of the stack were lost",
		},
		{
			name: "a command that fails", writes: write(1000),
			script:  "+0 `false`\n",
			verdict: engine.Fail, summary: "command `false`: non-zero status 1", line: 8,
		},
		{
			name: "a command at the end that fails", writes: write(1000),
			script:  "`false`\n",
			verdict: engine.Pass, // packetdrill wouldn't run it: there is none at the beginning
		},
		{
			name: "a command the target lacks", writes: write(1000),
			script:  "+0 `ethtool -K tun0 tso off`\n",
			verdict: engine.Unsupported, summary: "program ethtool", line: 8,
		},
		{
			name: "a call that takes the stack too long", writes: func(s *server, n int) { s.Time += 50 * time.Millisecond },
			script:  "+0 write(4, ..., 1000) = 1000\n.11 close(4) = 0\n",
			verdict: engine.Fail, summary: "system call start due at 0.1100", line: 9,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(tt.writes)
			s.Late, s.Lost = tt.late, tt.lost
			o := runScript(t, s, handshake+tt.script, tt.settings...)
			if o.Verdict != tt.verdict {
				t.Fatalf("verdict %s, want %s: %+v", o.Verdict, tt.verdict, o.Failures)
			}
			if tt.summary == "" {
				return
			}
			if f := o.Failures[0]; !strings.Contains(f.Summary, tt.summary) || f.Line != tt.line {
				t.Errorf("got  %d: %s\nwant %d: %s", f.Line, f.Summary, tt.line, tt.summary)
			}
		})
	}
}

// A stack that is a process of its own isn't to blame for what the machine kept it from.
func TestStackKept(t *testing.T) {
	const text = handshake + "+0 write(4, ..., 1000) = 1000\n+0 > P. 1:1001(1000) ack 1\n"
	for kept, want := range map[time.Duration]engine.Verdict{0: engine.Fail, 9 * time.Millisecond: engine.Inconclusive} {
		s := newServer(func(s *server, n int) {
			s.Kept = kept
			s.send(10*time.Millisecond, wire.ACK|wire.PSH, 0, n)
		})
		if o := runScript(t, s, text); o.Verdict != want {
			t.Errorf("kept for %v: %s, want %s: %+v", kept, o.Verdict, want, o.Failures)
		}
	}
}

// What was open is reset with a segment that the stack accepts: its sequence
// number is the one after what was injected last.
func TestResetAtTheEnd(t *testing.T) {
	s := newServer(nil)
	o := runScript(t, s, handshake+"+0 < P. 1:101(100) ack 1 win 1000\n")
	if o.Verdict != engine.Pass {
		t.Fatal(o.Failures)
	}
	last := s.Injected[len(s.Injected)-1].TCP()
	if last.Flags&wire.RST == 0 || last.Seq != 101 || last.Ack != serverISN+1 {
		t.Errorf("got %s seq %d ack %d, want R. with seq 101 and ack %d", last.Flags, last.Seq, last.Ack, serverISN+1)
	}
}

// Consecutive injected packets chain from their scheduled times; anything else
// counts from now.
func TestRelativeTimesChain(t *testing.T) {
	s := newServer(nil)
	s.Late = time.Millisecond
	o := runScript(t, s, handshake+"+.1 < . 1:2(1) ack 1 win 1000\n+.1 < . 2:3(1) ack 1 win 1000\n+.1 close(4) = 0\n")
	if o.Verdict != engine.Pass {
		t.Fatal(o.Failures)
	}
	var at []string
	for _, e := range o.Timeline {
		at = append(at, fmt.Sprintf("%v", e.At))
	}
	// The first segment is due .1 after the accept() at .101, and comes 1 ms
	// late; the second .1 after the time that the first was due.
	got := strings.Join(at[len(at)-3:], " ")
	if want := "202ms 302ms 403ms"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// After a packet of the stack, times count from when it was sent, however late it was read,
// but not from before the script came to its line.
func TestRelativeToSent(t *testing.T) {
	written := 0
	s := newServer(func(s *server, n int) {
		s.send(10*time.Millisecond, wire.ACK|wire.PSH, uint32(written), n)
		written += n
	})
	s.Lag = 300 * time.Microsecond
	o := runScript(t, s, handshake+"+0 write(4, ..., 10) = 10\n+.01 > P. 1:11(10) ack 1\n+.1 < . 1:1(0) ack 11 win 1000\n"+
		"+0 write(4, ..., 10) = 10\n+.02 close(4) = 0\n* > P. 11:21(10) ack 1\n+.1 < . 1:1(0) ack 21 win 1000\n")
	if o.Verdict != engine.Pass {
		t.Fatal(o.Failures)
	}
	var at []time.Duration
	for _, e := range o.Timeline {
		at = append(at, e.At)
	}
	n := len(at)
	sent, read := at[n-3], at[n-2] // in the order of the times: the packet, close()
	if d := at[n-5] - at[n-6]; d != 100*time.Millisecond {
		t.Errorf("a packet that was to come 100 ms after one of the stack came after %v", d)
	}
	if read-sent < 9*time.Millisecond || at[n-1]-read != 100*time.Millisecond {
		t.Errorf("sent at %v, looked for at %v, and the next came at %v", sent, read, at[n-1])
	}
}

// In a script that is played to its end, what doesn't match keeps its time, and what follows
// counts from it.
func TestTimesAfterMismatches(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       time.Duration // of the last injection
	}{
		{"a call that can't be made", "+1 write(9, ..., 10) = 10\n+.1 < . 1:1(0) ack 1 win 1000\n", 1200 * time.Millisecond},
		{"pieces that don't fit", "+0 write(4, ..., 2000) = 2000\n+.5 > . 1:2001(2000) ack 1\n+.1 < . 1:1(0) ack 1 win 1000\n", 700 * time.Millisecond},
	} {
		s := newServer(func(s *server, n int) {
			s.send(500*time.Millisecond, wire.ACK, 0, 1000)
			s.send(500*time.Millisecond, wire.ACK, 5000, 1000)
		})
		o := runScript(t, s, handshake+tt.text, set("keep_going"))
		last := o.Timeline[len(o.Timeline)-1]
		if o.Verdict == engine.Pass || last.Kind != engine.EntryInject || last.At != tt.want {
			t.Errorf("%s: %s; %s at %v, want %v", tt.name, o.Verdict, last.Text, last.At, tt.want)
		}
	}
}

// A packet that is read late by more than the tolerance harms nothing that is to come at once.
func TestReadLate(t *testing.T) {
	s := newServer(func(s *server, n int) { s.send(0, wire.ACK|wire.PSH, 0, n) })
	s.Lag = 5 * time.Millisecond
	o := runScript(t, s, handshake+"+0 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n+0 < . 1:1(0) ack 11 win 1000\n+0 close(4) = 0\n")
	if o.Verdict != engine.Pass {
		t.Errorf("%s: %+v", o.Verdict, o.Failures)
	}
}

// What would be too late, or too early, if the harness hadn't been late passes by luck.
func TestBarely(t *testing.T) {
	for _, tt := range []struct {
		late   time.Duration
		due    string // the tick comes at .1
		barely bool
	}{{100 * time.Microsecond, "+.0965", false}, {time.Millisecond, "+.0975", false}, {time.Millisecond, "+.0955", true}} {
		s := newServer(func(s *server, n int) { s.send(0, wire.ACK, 0, n) })
		inject := s.OnInject
		s.OnInject = func(f *enginetest.Fake, p *wire.Packet) {
			inject(f, p)
			if p.TCP().Ack == s.isn+1000 {
				s.send(100*time.Millisecond-s.Late, wire.ACK, 1000, 1000) // at a tick
			}
		}
		s.Late = tt.late
		o := runScript(t, s, handshake+"+0 write(4, ..., 1000) = 1000\n+0 > . 1:1001(1000) ack 1\n"+
			"+.1 < . 1:1(0) ack 1001 win 1000\n"+tt.due+" > . 1001:2001(1000) ack 1\n", set("tolerance_percent", "0"))
		if o.Verdict != engine.Pass || (o.Barely != "") != tt.barely {
			t.Errorf("%v late: %s, %q; %+v", tt.late, o.Verdict, o.Barely, o.Failures)
		}
	}
}

// A call that is slow moves all that follows between the ticks of the stack's timers, though
// what counts from it is on time.
func TestDrift(t *testing.T) {
	for _, tt := range []struct {
		slow    time.Duration
		due     string // the tick comes at .1
		verdict engine.Verdict
		barely  bool
	}{
		{0, "+.0965", engine.Pass, false},
		{time.Millisecond, "+.0965", engine.Pass, false},
		{time.Millisecond, "+.0955", engine.Pass, true},
		{0, "+.0955", engine.Fail, false},
		{time.Millisecond, "+.0947", engine.Inconclusive, false},
		{time.Millisecond, "+.0935", engine.Fail, false},
	} {
		s := newServer(nil)
		call, inject := s.OnCall, s.OnInject
		s.OnCall = func(f *enginetest.Fake, c *engine.Call) engine.Result {
			if c.Name == "write" {
				f.Time += tt.slow
				s.send(0, wire.ACK, 0, 1000)
				return engine.Result{Ret: 1000}
			}
			return call(f, c)
		}
		s.OnInject = func(f *enginetest.Fake, p *wire.Packet) {
			inject(f, p)
			if p.TCP().Ack == s.isn+1000 {
				s.send(100*time.Millisecond-tt.slow, wire.ACK, 1000, 1000) // at a tick
			}
		}
		o := runScript(t, s, handshake+"+0 write(4, ..., 1000) = 1000\n+0 > . 1:1001(1000) ack 1\n"+
			"+.1 < . 1:1(0) ack 1001 win 1000\n"+tt.due+" > . 1001:2001(1000) ack 1\n", set("tolerance_percent", "0"))
		if o.Verdict != tt.verdict || (o.Barely != "") != tt.barely {
			t.Errorf("%v, %s: %s, %q; %+v", tt.slow, tt.due, o.Verdict, o.Barely, o.Failures)
		}
		if o.Verdict == engine.Inconclusive && !o.Failures[0].Delicate {
			t.Errorf("%v, %s: it is so however often it is the same", tt.slow, tt.due)
		}
	}
}

// An answer has nothing to do with ticks, however slow what was done before.
func TestDriftAnswer(t *testing.T) {
	s := newServer(nil)
	call := s.OnCall
	s.OnCall = func(f *enginetest.Fake, c *engine.Call) engine.Result {
		if c.Name == "write" {
			f.Time += 10 * time.Millisecond
			s.send(100*time.Microsecond, wire.ACK, 0, 1000)
			return engine.Result{Ret: 1000}
		}
		return call(f, c)
	}
	o := runScript(t, s, handshake+"+0 write(4, ..., 1000) = 1000\n+0 > . 1:1001(1000) ack 1\n")
	if o.Verdict != engine.Pass || o.Barely != "" {
		t.Errorf("%s, %q; %+v", o.Verdict, o.Barely, o.Failures)
	}
}

// What a timer sent early is told with its time, for those who know how late the machine was; an
// answer isn't.
func TestEarly(t *testing.T) {
	s := newServer(func(s *server, n int) { s.send(0, wire.ACK, 0, n) })
	o := runScript(t, s, handshake+"+0 write(4, ..., 1000) = 1000\n+.003 > . 1:1001(1000) ack 1\n", set("tolerance_percent", "0"))
	if o.Verdict != engine.Pass || len(o.Early) > 0 {
		t.Errorf("an answer: %s, %+v", o.Verdict, o.Early)
	}
	s = newServer(func(s *server, n int) { s.send(97*time.Millisecond, wire.ACK, 0, n) })
	o = runScript(t, s, handshake+"+0 write(4, ..., 1000) = 1000\n+.1 > . 1:1001(1000) ack 1\n", set("tolerance_percent", "0"))
	if len(o.Early) != 1 || o.Early[0].Line != 9 {
		t.Fatalf("%s: %+v", o.Verdict, o.Early)
	}
	e := o.Early[0]
	if off := e.Off.Round(100 * time.Microsecond); off != 3*time.Millisecond || e.Off+e.Window.Allowed != 4*time.Millisecond {
		t.Errorf("early by %v, late by %v would matter", e.Off, e.Window.Allowed)
	}
}

// A call that would have returned too early passed barely, too.
func TestReturnsBarely(t *testing.T) {
	for _, late := range []time.Duration{0, time.Millisecond} {
		s := newServer(nil)
		s.Late = late
		s.OnBegin = func(f *enginetest.Fake, c *engine.Call) (engine.Result, time.Duration) {
			return engine.Result{Ret: 10}, f.Time + 6*time.Millisecond - s.Late*4/5
		}
		o := runScript(t, s, handshake+"+.1...0.1095 read(4, ..., 10) = 10\n+.2 close(4) = 0\n", set("tolerance_percent", "0"))
		if o.Verdict != engine.Pass || (o.Barely != "") != (late > 0) {
			t.Errorf("%v late: %s, %q; %+v", late, o.Verdict, o.Barely, o.Failures)
		}
	}
}

// A Python that raises an exception.
type fakePython struct{}

func (fakePython) RunPython(command, source string) (int, []byte, []byte, error) {
	line := strings.Count(source[:strings.Index(source, "os.nope")], "\n") + 1
	return 1, []byte("out\n"), fmt.Appendf(nil, "Traceback (most recent call last):\n  File \"x\", line %d, in <module>\nAttributeError: no nope\n", line), nil
}

// What Python's own exception says is a failure at the line of the script.
func TestRealPython(t *testing.T) {
	s := newServer(nil)
	o := runWith(t, s, handshake+"+0 %{\nimport os\nos.nope()\n}%\n", engine.Tools{Shell: &fakeShell{}, Python: fakePython{}})
	f := o.Failures[0]
	if f.Verdict != engine.Fail || f.Line != 10 || f.Summary != "AttributeError: no nope" || o.Output != "out\n" {
		t.Errorf("%s, line %d: %q, printed %q", f.Verdict, f.Line, f.Summary, o.Output)
	}
	if !strings.HasPrefix(f.Classic, "error in Python code\nTraceback") {
		t.Errorf("classic: %q", f.Classic)
	}
}

// The timeline has what a code block names of the socket's state, though the script
// fails before it is evaluated.
func TestReadings(t *testing.T) {
	s := newServer(nil)
	call := s.OnCall
	s.OnCall = func(f *enginetest.Fake, c *engine.Call) engine.Result {
		if c.Name == "getsockopt" && len(c.Args[3].Buf) == 512 {
			c.Args[3].Buf[0] = 1 // tcpi_state
		}
		return call(f, c)
	}
	o := runScript(t, s, handshake+"+0 %{ assert tcpi_state == 2 and tcpi_backoff < x }%\n+0 close(4) = -1 EBADF (Bad file descriptor)\n")
	var got []engine.Reading
	for _, e := range o.Timeline {
		got = append(got, e.Read...)
	}
	if want := []engine.Reading{{Name: "tcpi_state", Value: "1"}, {Name: "tcpi_backoff", Value: "0"}}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// --keep-going records what follows a mismatch.
func TestKeepGoing(t *testing.T) {
	s := newServer(func(s *server, n int) { s.send(0, wire.ACK, 0, n) })
	text := handshake + "+0 write(4, ..., 1000) = 1000\n+0 > P. 1:1001(1000) ack 1\n+0 close(4) = -1 EBADF (Bad file descriptor)\n"
	if o := runScript(t, s, text); len(o.Failures) != 1 {
		t.Errorf("%d failures, want 1", len(o.Failures))
	}
	s = newServer(s.writes)
	if o := runScript(t, s, text, set("keep_going")); len(o.Failures) < 2 {
		t.Errorf("with keep_going %d failures, want 2 or more: %v", len(o.Failures), o.Failures)
	}
}

// Nothing live is in a timeline: neither sequence numbers nor timestamps of
// packets that no line is about.
func TestTimelineInScriptTerms(t *testing.T) {
	timestamp := func(val uint32) wire.TCPOption {
		return wire.TCPOption{Kind: wire.OptTimestamp, Data: []byte{byte(val >> 24), byte(val >> 16), byte(val >> 8), byte(val), 0, 0, 0, 7}}
	}
	nop := wire.TCPOption{Kind: wire.OptNOP}
	s := newServer(func(s *server, n int) {
		s.send(0, wire.ACK, 0, n, nop, nop, timestamp(5_000_000))
		s.send(time.Millisecond, wire.ACK, 100, n, nop, nop, timestamp(5_000_002))
		// Two segments of a connection that the script knows nothing of.
		isn, local := s.isn, s.local
		s.isn, s.local = 123_000_000, 40_000
		s.send(0, wire.ACK, 0, 10, nop, nop, timestamp(9_000_000))
		s.send(0, wire.ACK, 10, 10, nop, nop, timestamp(9_000_001))
		s.isn, s.local = isn, local
	})
	o := runScript(t, s, handshake+"+0 write(4, ..., 100) = 100\n+0 > . 1:101(100) ack 1 <...>\n+.1 `true`\n")
	if o.Verdict != engine.Pass {
		t.Fatal(o.Failures)
	}
	var got []string
	for _, e := range o.Timeline[8:] {
		if e.Kind != engine.EntryCommand {
			got = append(got, string(e.Kind)+" "+e.Text)
		}
	}
	want := []string{
		"match . 1:101(100) ack 1 win 1000 <nop,nop,TS val 0 ecr 7>",
		"other . 1:11(10) ack 1 win 1000 <nop,nop,TS val 0 ecr 7>",
		"other . 11:21(10) ack 1 win 1000 <nop,nop,TS val 1 ecr 7>",
		"extra . 101:201(100) ack 1 win 1000 <nop,nop,TS val 2 ecr 7>",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Who watches a run's progress is told of each event, and of what may keep it.
func TestWatch(t *testing.T) {
	var got []string
	tools := engine.Tools{Shell: &fakeShell{}, Progress: &engine.Progress{
		Watch: func(f engine.Failure) { got = append(got, fmt.Sprintf("%d %s", f.Line, f.Summary)) },
	}}
	o := runWith(t, newServer(nil), handshake+"+0 `true`\n", tools)
	if o.Verdict != engine.Pass {
		t.Fatal(o.Failures)
	}
	want := []string{"7 came to this line", "7 accept hasn't returned", "8 came to this line", "8 command `true` hasn't ended"}
	if len(got) < len(want) || !slices.Equal(got[len(got)-len(want):], want) {
		t.Errorf("got %q, want it to end with %q", got, want)
	}
}

// An injection that was late by much of the time after which it was to come may have
// changed what the stack makes of it, though it was within the tolerance.
func TestBent(t *testing.T) {
	for _, tt := range []struct {
		late    time.Duration
		verdict engine.Verdict
	}{{50 * time.Microsecond, engine.Fail}, {400 * time.Microsecond, engine.Inconclusive}} {
		s := newServer(func(s *server, n int) { s.send(0, wire.ACK, 0, n) })
		s.Late = tt.late
		text := handshake + "+0 write(4, ..., 1000) = 1000\n+0 > . 1:1001(1000) ack 1\n+.001 < . 1:1(0) ack 1001 win 1000\n+0 > . 1001:2001(1000) ack 1\n"
		o := runScript(t, s, text)
		if o.Verdict != tt.verdict || o.Failures[0].Delicate != (tt.verdict == engine.Inconclusive) {
			t.Errorf("%v late: %s, %+v", tt.late, o.Verdict, o.Failures)
		}
	}
}

// A slowShell's commands take a while, as those do that wait for RTNL.
type slowShell struct {
	f    *enginetest.Fake
	took time.Duration
}

func (s slowShell) Run(string) (int, []byte, error) {
	s.f.Time += s.took
	return 0, nil, nil
}

// What the stack did while a command took longer than it should, the script has after it.
func TestSlowCommand(t *testing.T) {
	for _, tt := range []struct {
		took    time.Duration
		verdict engine.Verdict
	}{{time.Millisecond, engine.Fail}, {30 * time.Millisecond, engine.Inconclusive}} {
		s := newServer(func(s *server, n int) { s.send(0, wire.ACK, 0, n) })
		text := handshake + "+0 write(4, ..., 1000) = 1000\n+0 > . 1:1001(1000) ack 1\n+0 `tc`\n+.02 < . 1:1(0) ack 1001 win 1000\n+0 > . 1001:2001(1000) ack 1\n"
		o := runWith(t, s, text, engine.Tools{Shell: slowShell{s.Fake, tt.took}})
		if o.Verdict != tt.verdict || o.Failures[0].Delicate != (tt.verdict == engine.Inconclusive) {
			t.Errorf("%v: %s, %+v", tt.took, o.Verdict, o.Failures)
		}
	}
}
