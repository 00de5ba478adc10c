package engine

import (
	"encoding/hex"
	"net/netip"
	"testing"
)

// Live addresses as the kernel would see them.
const (
	sockaddr4 = `{sa_family = AF_INET, sin_port = htons(5555), sin_addr = inet_addr("192.0.2.9")}`
	sockaddr6 = `{sa_family = AF_INET6, sin_port = htons(5555), sin_addr = inet_addr("2001:db8::9")}`
)

// addr writes an address to the i-th argument and its length to the next.
func addr(i int, text string) func(*Call) {
	return func(c *Call) {
		p := encodeSockaddr(netip.MustParseAddrPort(text))
		copy(c.Args[i].Buf, p)
		le.PutUint32(c.Args[i+1].Buf, uint32(len(p)))
	}
}

func TestAddressesByIPVersion(t *testing.T) {
	tests := map[IPVersion][]step{
		IPv4: {
			{line: "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", ret: 70, call: "socket(2, 1, 6)"},
			{line: "bind(3, ..., ...) = 0", call: "bind(70, *02001f90c0a800010000000000000000, 16)"},
			{line: "connect(3, ..., ...) = 0", call: "connect(70, *02001f91c00002010000000000000000, 16)"},
			{line: "connect(3, " + sockaddr4 + ", ...) = 0", call: "connect(70, *020015b3c00002090000000000000000, 16)"},
			{line: "bind(3, " + sockaddr6 + ", 20) = 0", call: "bind(70, *0a0015b30000000020010db8(11)0900000000, 20)"},
			{line: "connect(3, AF_UNSPEC, ...) = 0", call: "connect(70, *(128), 128)"},
			{line: "bind(3, NULL, 16) = -1 EFAULT (x)", call: "bind(70, 0, 16)", ret: -1, errno: 14},
		},
		IPv4MappedV6: {
			{line: "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", ret: 70, call: "socket(10, 1, 6)"},
			{line: "bind(3, ..., ...) = 0", call: "bind(70, *0a001f90(14)ffffc0a8000100000000, 28)"},
			{line: "connect(3, ..., ...) = 0", call: "connect(70, *0a001f91(14)ffffc000020100000000, 28)"},
		},
		IPv6: {
			{line: "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", ret: 70, call: "socket(10, 1, 6)"},
			{line: "bind(3, ..., ...) = 0", call: "bind(70, *0a001f9000000000fd3dfa7bd17d(9)0100000000, 28)"},
			{line: "connect(3, ..., ...) = 0", call: "connect(70, *0a001f910000000020010db8(11)0100000000, 28)"},
			{line: "socket(AF_INET, SOCK_DGRAM, IPPROTO_UDP) = 4", ret: 71, call: "socket(2, 2, 17)"},
		},
	}
	for version, steps := range tests {
		t.Run(string(version), func(t *testing.T) { run(t, testCalls(version), steps) })
	}
}

func TestStatesOfASocket(t *testing.T) {
	tests := []struct {
		steps []step
		want  socketState
	}{
		{nil, socketNew},
		{[]step{{line: "listen(3, 1) = 0"}}, socketPassiveListening},
		{[]step{{line: "listen(3, 1) = 0", ret: -1, errno: 22,
			diffs: []string{"result: want 0, got -1 EINVAL (Invalid argument)"}}}, socketNew},
		{[]step{{line: "connect(3, ..., ...) = -1 EINPROGRESS (x)", ret: -1, errno: 115}}, socketActiveConnecting},
		{[]step{{line: "connect(3, ..., ...) = 0"}, {line: "connect(3, AF_UNSPEC, ...) = 0"}}, socketNew},
		{[]step{{line: "listen(3, 1) = 0"}, {line: "connect(3, ..., ...) = 0"}}, socketPassiveListening},
		{[]step{{line: "sendto(3, ..., 0, MSG_FASTOPEN, ..., ...) = 0"}}, socketActiveConnecting},
		{[]step{{line: "sendto(3, ..., 0, MSG_FASTOPEN, AF_UNSPEC, ...) = 0"}}, socketNew},
		{[]step{{line: "sendto(3, ..., 0, 0, NULL, 0) = 0", call: "sendto(70, *, 0, 0, 0, 0)"}}, socketNew},
		{[]step{{line: "sendmsg(3, {msg_name(...)=..., msg_iov(1)=[{..., 10}], msg_flags=0}, 0) = 10", ret: 10}},
			socketActiveConnecting},
	}
	for _, test := range tests {
		s := testCalls(IPv4MappedV6)
		run(t, s, append([]step{openSocket}, test.steps...))
		so := s.underTest
		if so == nil || so != s.findFD(3).socket {
			t.Fatal("the socket isn't under test")
		}
		if so.state != test.want {
			t.Errorf("after %v: state %d, want %d", test.steps, so.state, test.want)
		}
		if so.state == socketActiveConnecting && so.liveRemote.addr.String() != "192.0.2.1:8081" {
			t.Errorf("it connects to %v", so.liveRemote.addr)
		}
	}
}

func TestProtocolOfASocket(t *testing.T) {
	tests := []struct {
		line     string
		typ      int
		protocol int
	}{
		{"socket(..., SOCK_STREAM|SOCK_NONBLOCK, 0) = 3", sockStream, ipprotoTCP},
		{"socket(..., SOCK_DGRAM, 0) = 3", sockDgram, ipprotoUDP},
		{"socket(..., SOCK_DGRAM, IPPROTO_ICMP) = 3", sockDgram, ipprotoICMP},
		{"socket(AF_PACKET, SOCK_DGRAM, 0) = 3", sockDgram, 0},
	}
	for _, test := range tests {
		s := testCalls(IPv4)
		run(t, s, []step{{line: test.line, ret: 70}})
		if so := s.underTest; so.typ != test.typ || so.protocol != test.protocol {
			t.Errorf("%s: type %d, protocol %d", test.line, so.typ, so.protocol)
		}
	}
}

// The newest socket() is under test; closing or naming another changes nothing.
func TestSocketUnderTest(t *testing.T) {
	s := testCalls(IPv4)
	run(t, s, []step{
		openSocket,
		{line: "socket(..., SOCK_STREAM, IPPROTO_TCP) = 4", ret: 71},
		{line: "connect(3, ..., ...) = 0"},
		{line: "close(4) = 0"},
		{line: "socket(..., SOCK_STREAM, IPPROTO_TCP) = -1", ret: -1, errno: 24},
	})
	if s.underTest.fd.script != 4 {
		t.Errorf("fd %d is under test, want 4", s.underTest.fd.script)
	}
	if s.findFD(4) != nil {
		t.Error("fd 4 is open after close")
	}
	run(t, s, []step{
		{line: "socket(..., SOCK_STREAM, IPPROTO_TCP) = 4", ret: 71},
		{line: "dup(4) = 9", ret: 72},
		{line: "socket(..., SOCK_STREAM, IPPROTO_TCP) = -1", ret: 73,
			diffs: []string{"result: want -1, got 73"}},
	})
	if f := s.findFD(9); f == nil || f.socket != s.findFD(4).socket {
		t.Error("dup made another socket")
	}
	if f := s.fds[len(s.fds)-1]; f.live != 73 || f.script != -1 {
		t.Error("a socket that the script knows nothing of isn't kept for closing")
	}
}

// child adds a socket that an injected SYN made, as the packets' code does.
func child(s *callState, remote string, state socketState) *socket {
	so := &socket{state: state, protocol: ipprotoTCP, liveRemote: end{addr: netip.MustParseAddrPort(remote)}}
	so.fd = &fd{kind: fdSocket, script: -1, live: -1, socket: so}
	s.fds = append(s.fds, so.fd)
	s.sockets = append(s.sockets, so)
	s.underTest = so
	return so
}

func TestAccept(t *testing.T) {
	s := testCalls(IPv4MappedV6)
	run(t, s, []step{openSocket, {line: "listen(3, 2) = 0"}})
	first := child(s, "192.0.2.1:40001", socketPassiveSYNACKAcked)
	second := child(s, "192.0.2.1:40002", socketPassiveSYNACKSent)
	early := child(s, "192.0.2.1:40003", socketPassivePacketReceived)
	run(t, s, []step{
		{line: "accept(3, ..., ...) = 4", ret: 71, call: "accept(70, *(128), *80000000)",
			effect: addr(1, "[::ffff:192.0.2.1]:40001")},
		{line: "accept4(3, ..., ..., SOCK_NONBLOCK) = 5", ret: 72, call: "accept4(70, *(128), *80000000, 2048)",
			effect: addr(1, "[::ffff:192.0.2.1]:40002")},
		{line: "accept(3, ..., ...) = 6", ret: 73, effect: addr(1, "[::ffff:192.0.2.1]:40001"),
			diffs: []string{`accepted peer: want a connection of the script, got {sa_family = AF_INET6, sin_port = htons(40001), sin_addr = inet_addr("::ffff:192.0.2.1")}`}},
		{line: "accept(3, ..., ...) = -1 EAGAIN (x)", ret: -1, errno: 11},
	})
	if first.fd.script != 4 || first.fd.live != 71 || second.fd.script != 5 || second.fd.live != 72 {
		t.Errorf("accepted %+v and %+v", first.fd, second.fd)
	}
	if early.fd.live != -1 {
		t.Error("a socket without a SYN-ACK was accepted")
	}
	if s.underTest != early {
		t.Error("accept changed the socket under test")
	}
	if s.findFD(4).socket != first {
		t.Error("fd 4 is another socket")
	}
}

func TestAcceptWithoutAddress(t *testing.T) {
	s := testCalls(IPv4)
	run(t, s, []step{openSocket, {line: "listen(3, 2) = 0"}})
	so := child(s, "192.0.2.1:40001", socketPassiveSYNACKAcked)
	run(t, s, []step{{line: "accept(3, NULL, NULL) = 4", ret: 71, call: "accept(70, 0, 0)"}})
	if so.fd.live != 71 {
		t.Error("not accepted")
	}
}

func TestReturnedAddresses(t *testing.T) {
	run(t, testCalls(IPv4), []step{
		openSocket,
		{line: "getsockname(3, ..., ...) = 0", call: "getsockname(70, *(128), *80000000)"},
		{line: "getpeername(3, " + sockaddr4 + ", [16]) = 0", effect: addr(1, "192.0.2.9:5555")},
		{line: "getpeername(3, " + sockaddr4 + ", ...) = 0", effect: addr(1, "[::ffff:192.0.2.9]:5555")},
		{line: "getpeername(3, " + sockaddr4 + ", [16]) = 0", effect: addr(1, "[2001:db8::9]:5555"),
			diffs: []string{
				"address: want " + sockaddr4 + ", got " + sockaddr6,
				"address length: want [16], got [28]",
			}},
		{line: "getpeername(3, " + sockaddr4 + ", ...) = -1 ENOTCONN (x)", ret: -1, errno: 107},
		{line: "recvfrom(3, ..., 100, 0, " + sockaddr4 + ", ...) = 100", ret: 100,
			effect: addr(4, "192.0.2.9:5556"),
			diffs: []string{"address: want " + sockaddr4 +
				`, got {sa_family = AF_INET, sin_port = htons(5556), sin_addr = inet_addr("192.0.2.9")}`}},
	})
}

// A literal address of bind() is where the socket then lives.
func TestBindToAnAddress(t *testing.T) {
	s := testCalls(IPv4)
	run(t, s, []step{openSocket, {line: "bind(3, " + sockaddr4 + ", ...) = 0"}})
	if got := s.underTest.liveLocal.addr.String(); got != "192.0.2.9:5555" {
		t.Errorf("bound to %s", got)
	}
}

func TestSockaddrRoundTrip(t *testing.T) {
	for _, text := range []string{"192.0.2.9:5555", "[2001:db8::9]:1", "[::ffff:192.0.2.1]:65535"} {
		a := netip.MustParseAddrPort(text)
		p := encodeSockaddr(a)
		if got, ok := decodeSockaddr(p); !ok || got != a {
			t.Errorf("%s: got %v from %s", text, got, hex.EncodeToString(p))
		}
	}
	for _, p := range [][]byte{nil, {2}, {2, 0, 0, 0}, make([]byte, 128)} {
		if a, ok := decodeSockaddr(p); ok {
			t.Errorf("% x: got %v, want none", p, a)
		}
	}
}
