package engine

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tcpdrill/script"
)

// A callTarget has a wall clock and nothing else.
type callTarget struct{ Target }

const (
	testStart = 5 * time.Second             // the target's time at the script's start
	testEpoch = 1_700_000_000 * time.Second // the wall clock's at the target's 0
	testWall  = testEpoch + testStart       // and at the script's start
	tolerance = 4 * time.Millisecond        // packetdrill's default
)

func (callTarget) Wall(t time.Duration) time.Duration { return testEpoch + t }

func testCalls(v IPVersion) *callState {
	cfg := &Config{
		IPVersion: v, BindPort: 8080, ConnectPort: 8081, Tolerance: tolerance,
		Net: NetConfig{LocalIP: netip.MustParseAddr("192.168.0.1"), RemoteIP: netip.MustParseAddr("192.0.2.1")},
	}
	if v == IPv6 {
		cfg.Net.LocalIP = netip.MustParseAddr("fd3d:fa7b:d17d::1")
		cfg.Net.RemoteIP = netip.MustParseAddr("2001:db8::1")
	}
	s := newCallState(cfg, callTarget{})
	s.start = testStart
	return s
}

// A step is a call of a script and how the target answers.
type step struct {
	line   string // the call and what the script expects
	call   string // what the target gets, as callText has it; "": unchecked
	ret    int64  // what it returns
	errno  int
	effect func(*Call) // what it writes to memory
	// diffs are the differences: "what: want …, got …".
	diffs []string
	err   string // of prepare, with what it points at: "7: there is no open fd 7"
}

// run makes a run's calls, one after the other.
func run(t *testing.T, s *callState, steps []step) {
	t.Helper()
	for _, st := range steps {
		c := parseCall(t, st.line)
		p, err := s.prepare(c)
		if got := errText(st.line, err); got != st.err {
			t.Errorf("%s:\nprepare says %q\nwant         %q", st.line, got, st.err)
			continue
		}
		if err != nil {
			continue
		}
		if got := callText(&p.call); st.call != "" && got != st.call {
			t.Errorf("%s:\ngot  %s\nwant %s", st.line, got, st.call)
		}
		p.before()
		if st.effect != nil {
			st.effect(&p.call)
		}
		diffs := p.finish(Result{Ret: st.ret, Errno: st.errno}, 0)
		if got, want := diffText(diffs), strings.Join(st.diffs, "\n"); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", st.line, got, want)
		}
		for _, d := range diffs {
			if d.Classic == "" || d.Node == nil {
				t.Errorf("%s: %s has no classic wording or no place: %+v", st.line, d.What, d)
			}
		}
	}
}

func parseCall(t *testing.T, line string) *script.Call {
	t.Helper()
	sc, err := script.Parse("t.pkt", []byte("0 "+line+"\n"), nil)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return sc.Events[0].Call
}

// errText writes an error with the part of the call that it points at.
func errText(line string, err error) string {
	if err == nil {
		return ""
	}
	e := err.(*CallError)
	start, end := e.Node.Span()
	return ("0 " + line)[start.Offset:end.Offset] + ": " + e.Msg
}

func diffText(diffs []Mismatch) string {
	lines := make([]string, len(diffs))
	for i, d := range diffs {
		lines[i] = fmt.Sprintf("%s: want %s, got %s", d.What, d.Want, d.Got)
	}
	return strings.Join(lines, "\n")
}

// callText writes a call as the target gets it: pointers to bytes as
// *hexadecimal, with a run of zeros as 0xN, iovecs as [lengths].
func callText(c *Call) string {
	args := make([]string, len(c.Args))
	for i, a := range c.Args {
		args[i] = argText(a)
	}
	return c.Name + "(" + strings.Join(args, ", ") + ")"
}

func argText(a Arg) string {
	switch {
	case a.Buf != nil:
		return "*" + hexText(a.Buf)
	case a.Iov != nil:
		return iovText(a.Iov)
	case a.Msg != nil:
		return msgText(*a.Msg)
	case a.Msgs != nil:
		var parts []string
		for _, m := range a.Msgs {
			parts = append(parts, msgText(m.Msghdr))
		}
		return strings.Join(parts, "+")
	case a.Epoll != nil:
		var parts []string
		for _, e := range a.Epoll {
			parts = append(parts, fmt.Sprintf("%x/%x", e.Events, e.Data))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case a.Offset != nil:
		return fmt.Sprintf("&%d", *a.Offset)
	}
	return fmt.Sprint(a.Int)
}

func iovText(iov [][]byte) string {
	var parts []string
	for _, b := range iov {
		parts = append(parts, fmt.Sprint(len(b)))
	}
	return "[" + strings.Join(parts, " ") + "]"
}

func msgText(m Msghdr) string {
	return fmt.Sprintf("{name %s iov %s control %s flags %x}", hexText(m.Name), iovText(m.Iov), hexText(m.Control), m.Flags)
}

// hexText writes bytes in hexadecimal, more than 8 zeros in a row as (n).
func hexText(p []byte) string {
	var s strings.Builder
	for i := 0; i < len(p); {
		n := 0
		for i+n < len(p) && p[i+n] == 0 {
			n++
		}
		switch {
		case n > 8:
			fmt.Fprintf(&s, "(%d)", n)
			i += n
		default:
			fmt.Fprintf(&s, "%02x", p[i])
			i++
		}
	}
	return s.String()
}

// Steps that many tests start with.
var (
	openSocket = step{line: "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", ret: 70}
	openUDP    = step{line: "socket(..., SOCK_DGRAM, IPPROTO_UDP) = 3", ret: 70}
)

func TestResults(t *testing.T) {
	tests := []step{
		{line: "listen(3, 1) = 0"},
		{line: "listen(3, 1) = 0", ret: -1, errno: 98,
			diffs: []string{"result: want 0, got -1 EADDRINUSE (Address already in use)"}},
		{line: "write(3, ..., 1000) = 1000", ret: 500, diffs: []string{"result: want 1000, got 500"}},
		{line: "write(3, ..., 1000) = -1", ret: -1, errno: 32},
		{line: "write(3, ..., 1000) = -1 EAGAIN (Resource temporarily unavailable)", ret: -1, errno: 32,
			diffs: []string{"errno: want EAGAIN (Resource temporarily unavailable), got EPIPE (Broken pipe)"}},
		{line: "write(3, ..., 1000) = -1 EAGAIN (x)", ret: 1000,
			diffs: []string{"result: want -1 EAGAIN (Resource temporarily unavailable), got 1000"}},
		{line: "write(3, ..., 1000) = -1 EWOULDBLOCK (x)", ret: -1, errno: 11},
		{line: "write(3, ..., 1000) = ...", ret: 17},
		{line: "fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)", ret: 2, call: "fcntl(70, 3)"},
		{line: "fcntl(3, F_GETFL) = 0x2 (flags O_RDWR)", ret: 0x802,
			diffs: []string{"result: want 0x2 (O_RDWR), got 0x802 (O_RDWR|O_NONBLOCK)"}},
		{line: "fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0", call: "fcntl(70, 4, 2050)"},
		{line: "fcntl(3, F_DUPFD, 10) = 12", ret: 99},
		{line: "close(12) = 0", call: "close(99)"},
		{line: "cap_set(CAP_EFFECTIVE, CAP_NET_ADMIN, CAP_CLEAR) = 0", call: "cap_set(0, 12, 0)", ret: 1},
		{line: "shutdown(3, SHUT_WR) = 0", call: "shutdown(70, 1)"},
		{line: "ioctl(3, SIOCINQ, [1000]) = 0", call: "ioctl(70, 21531, *17fcffff)",
			effect: func(c *Call) { le.PutUint32(c.Args[2].Buf, 1000) }},
		{line: "ioctl(3, SIOCINQ, [1000]) = 0", diffs: []string{"value: want [1000], got [-1001]"}},
		{line: "ioctl(3, FIONBIO, [1]) = 0", call: "ioctl(70, 21537, *01000000)"},
		{line: "ioctl(3, SIOCINQ, NULL) = -1 EFAULT (x)", call: "ioctl(70, 21531, 0)", ret: -1, errno: 14},
		{line: "ioctl(3, FIONCLEX) = 0", call: "ioctl(70, 21584)"},
	}
	for _, st := range tests {
		t.Run(st.line, func(t *testing.T) {
			s := testCalls(IPv4)
			run(t, s, []step{openSocket})
			if strings.HasPrefix(st.line, "close(12)") {
				run(t, s, []step{{line: "fcntl(3, F_DUPFD, 10) = 12", ret: 99}})
			}
			run(t, s, []step{st})
		})
	}
}

// What packetdrill prints must not change, since others compare it.
func TestClassicWording(t *testing.T) {
	tests := []struct {
		line   string
		ret    int64
		errno  int
		effect func(*Call)
		want   string
	}{
		{"write(3, ..., 1000) = 1000", -1, 11, nil,
			"Expected result 1000 but got -1 with errno 11 (Resource temporarily unavailable)"},
		{"write(3, ..., 1000) = -1 EAGAIN (x)", -1, 32, nil,
			"Expected errno 11 (Resource temporarily unavailable) but got 32 (Broken pipe)"},
		{"accept(3, ..., ...) = 4", -1, 11, nil,
			"Expected non-negative result but got -1 with errno 11 (Resource temporarily unavailable)"},
		{"getsockopt(3, SOL_SOCKET, SO_ERROR, [0], [4]) = 0", 0, 0, func(c *Call) { c.Args[3].Buf[0] = 104 },
			"Bad getsockopt optval: expected: 0 actual: 104"},
		{`getsockopt(3, SOL_TCP, TCP_CONGESTION, "reno\x00", [5]) = 0`, 0, 0, func(c *Call) { copy(c.Args[3].Buf, "cubic") },
			"Bad getsockopt optval: expected: 'reno\x00' actual: 'cubic'"},
		{"poll([{fd=3, events=POLLIN, revents=POLLIN}], 1, 0) = 1", 1, 0, func(c *Call) { c.Args[0].Buf[6] = 0x10 },
			"Expected revents of POLLIN but got POLLHUP for pollfd 0"},
		{"ioctl(3, FIONBIO, [1]) = 0", 0, 0, func(c *Call) { c.Args[2].Buf[0] = 7 },
			"Bad ioctl optval: expected: 1 actual: 7"},
		{"recvmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0}, 0) = 10", 10, 0,
			func(c *Call) { c.Args[1].Msg.Flags = 0x20 },
			"Expected msg_flags 0x00000000 but got 0x00000020"},
	}
	for _, test := range tests {
		s := testCalls(IPv4)
		run(t, s, []step{openSocket})
		p, err := s.prepare(parseCall(t, test.line))
		if err != nil {
			t.Fatal(err)
		}
		if test.effect != nil {
			test.effect(&p.call)
		}
		diffs := p.finish(Result{Ret: test.ret, Errno: test.errno}, 0)
		if len(diffs) != 1 || diffs[0].Classic != test.want {
			t.Errorf("%s:\ngot  %+v\nwant %s", test.line, diffs, test.want)
		}
	}
}

func TestScriptErrors(t *testing.T) {
	tests := []step{
		{line: "sokcet(..., SOCK_STREAM, 0) = 3", err: "sokcet: unknown system call sokcet"},
		{line: "listen(3) = 0", err: "listen: got 1 arguments, want 2"},
		{line: "fcntl(3) = 0", err: "fcntl: got 1 arguments, want 2 or 3"},
		{line: "listen(7, 1) = 0", err: "7: there is no open fd 7"},
		{line: "listen(3, TCP_NODELY) = 0", err: "TCP_NODELY: unknown symbol TCP_NODELY"},
		{line: `listen(3, "1") = 0`, err: `"1": got a string, want a number`},
		{line: "listen(3, 4294967296) = 0", err: "4294967296: 4294967296 does not fit in 32 bits"},
		{line: "listen(3, 4294967295) = 0", call: "listen(70, -1)"},
		{line: "listen(3, 1) = -1 EAGIAN (x)", err: "EAGIAN: unknown error EAGIAN"},
		{line: "socket(..., SOCK_STREAM, 0) = 3", err: "3: fd 3 is open already"},
		{line: "write(3, [1], 1000) = 1000", err: "[1]: got a list, want ..., NULL or a string"},
		{line: "write(3, ..., -5) = -1", err: "-5: got -5 bytes, want no negative number"},
		{line: `write(3, "\q", 2) = 2`, err: `"\q": unsupported escape \q`},
		{line: `write(3, "\x1", 2) = 2`, err: `"\x1": invalid hex escape \x1, want \xhh`},
		{line: "writev(3, [{..., 100}], 2) = 100", err: "2: got a count of 2, want the 1 elements of the array"},
		{line: "writev(3, ..., 2) = 100", err: "...: got ..., want a list of iovecs"},
		{line: "bind(3, [1], ...) = 0", err: "[1]: got a list, want ..., an address family or a sockaddr"},
		{line: `bind(3, {sa_family = AF_INET, sin_port = htons(1), sin_addr = inet_addr("::1")}, ...) = 0`,
			err: `{sa_family = AF_INET, sin_port = htons(1), sin_addr = inet_addr("::1")}: "::1" is not an AF_INET address`},
		{line: `bind(3, {sa_family = AF_INET, sin_port = htons(65536), sin_addr = inet_addr("1.2.3.4")}, ...) = 0`,
			err: "65536: 65536 does not fit in 16 bits"},
		{line: "poll([{fd=4, events=POLLIN}], 1, 0) = 0", err: "4: there is no open fd 4"},
		{line: "poll([{fd=3, events=POLLIN}], 2, 0) = 0", err: "2: got a count of 2, want the 1 elements of the array"},
		{line: "pipe([5]) = 0", err: "[5]: got 1 pipe file descriptors, want 2"},
		{line: "pipe([5, 3]) = 0", err: "3: fd 3 is open already"},
		{line: "pipe([5, 5]) = 0", err: "[5, 5]: both ends have the descriptor 5"},
		{line: "open(5, O_RDONLY) = 5", err: "5: got a number, want a file name"},
		{line: "setsockopt(3, SOL_SOCKET, SO_MARK, 1, 4) = 0", err: `1: got a number, want a value such as [1] or "cubic"`},
		{line: `getsockopt(3, SOL_TCP, TCP_CONGESTION, "cubic", [16]) = 0`,
			err: `"cubic": got a string of 5 bytes, want the 16 that the length says`},
		{line: "getsockopt(3, SOL_SOCKET, SO_ERROR, [0, 1], [4, 4]) = 0", err: "[4, 4]: got 2 elements, want one"},
		{line: "sendmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=MSG_OOB}, 0) = 10",
			err: "MSG_OOB: the call ignores msg_flags, got MSG_OOB, want 0"},
		{line: "sendmsg(3, {msg_name(...)=..., msg_iov(2)=[{..., 10}], msg_flags=0}, 0) = 10",
			err: "2: got an msg_iov of 2, want the 1 elements of the array"},
		{line: "psp_rx_assoc(3, [1]) = 0", err: "psp_rx_assoc: system call psp_rx_assoc is not supported here"},
	}
	for _, st := range tests {
		t.Run(st.line, func(t *testing.T) {
			s := testCalls(IPv4)
			run(t, s, []step{openSocket, st})
		})
	}
}

func TestUnsupportedIsNoScriptError(t *testing.T) {
	s := testCalls(IPv4)
	_, err := s.prepare(parseCall(t, "psp_tx_assoc(3, 1) = 0"))
	if e, ok := err.(*CallError); !ok || !e.Unsupported {
		t.Errorf("psp_tx_assoc: got %v, want unsupported", err)
	}
	_, err = s.prepare(parseCall(t, "listen(3, 1) = 0"))
	if e, ok := err.(*CallError); !ok || e.Unsupported || e.Classic != "unable to find fd with script fd 3" {
		t.Errorf("listen: got %#v, want an error of the script", err)
	}
}
