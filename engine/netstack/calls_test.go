package netstack_test

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
	"tcpdrill/engine/enginetest"
	"tcpdrill/engine/netstack"
	"tcpdrill/engine/process"
)

// configured returns a stack with an address and a route.
func configured(t *testing.T) *netstack.Stack {
	t.Helper()
	s := netstack.New()
	t.Cleanup(s.Close)
	err := s.Configure(engine.NetConfig{
		LocalIP: netip.MustParseAddr("192.168.0.1"), LocalPrefix: 16,
		RemoteIP: netip.MustParseAddr("192.0.2.1"), RemotePrefix: netip.MustParsePrefix("192.0.2.0/24"),
		GatewayIP: netip.MustParseAddr("192.168.0.2"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// result makes a call and returns what it returned: an error negative, or what isn't
// supported.
func result(s *netstack.Stack, name string, args ...any) (int, string) {
	r := s.Call(enginetest.NewCall(name, args...))
	if missing, ok := errors.AsType[*engine.UnsupportedError](r.Err); ok {
		return 0, missing.What
	}
	if r.Ret < 0 {
		return -r.Errno, ""
	}
	return int(r.Ret), ""
}

// What netstack hasn't got, or ignores, is never a success.
func TestUnsupportedOptions(t *testing.T) {
	s := configured(t)
	fd, _ := result(s, "socket", abi.AfInet, abi.SockStream, 0)
	one, zero := []byte{1, 0, 0, 0}, make([]byte, 4)
	for _, o := range []struct {
		level, name int
		val         []byte
		want        string // "" if it is supported
	}{
		{abi.SolTCP, abi.TcpOptSyncnt, one, "socket option TCP_SYNCNT"},
		{abi.SolTCP, abi.TcpOptFastopen, one, "socket option TCP_FASTOPEN"},
		{abi.SolTCP, abi.TcpOptInq, one, "socket option TCP_INQ"},
		{abi.SolTCP, abi.TcpOptNotsentLowat, one, "socket option TCP_NOTSENT_LOWAT"},
		{abi.SolTCP, abi.TcpOptQuickack, zero, "delaying acknowledgments (TCP_QUICKACK 0)"},
		{abi.SolTCP, abi.TcpOptQuickack, one, ""},
		{abi.SolTCP, abi.TcpOptNodelay, zero, ""},
		{abi.SolTCP, abi.TcpOptCongestion, []byte("bbr"), "the congestion control bbr"},
		{abi.SolSocket, abi.SoZerocopy, one, "socket option SO_ZEROCOPY"},
		{abi.SolSocket, abi.SoTimestamping, one, "socket option SO_TIMESTAMPING"},
		{abi.SolSocket, abi.SoPriority, one, "socket option SO_PRIORITY"},
		{abi.SolSocket, abi.SoMark, one, "socket option SO_MARK"},
		{abi.SolSocket, abi.SoOobinline, zero, "urgent data that isn't in line (SO_OOBINLINE 0)"},
		{abi.SolIP, abi.IpTos, []byte{1, 0, 0, 0}, "a type of service with bits of ECN"},
		{abi.SolIP, abi.IpTos, []byte{4, 0, 0, 0}, ""},
		{abi.SolIP, abi.IpRecverr, one, "socket option IP_RECVERR"},
	} {
		ret, missing := result(s, "setsockopt", fd, o.level, o.name, o.val, len(o.val))
		if ret != 0 || missing != o.want {
			t.Errorf("option %d of level %d: %d, %q, want %q", o.name, o.level, ret, missing, o.want)
		}
	}
	for _, call := range []struct {
		want string
		name string
		args []any
	}{
		{"the flag MSG_MORE", "send", []any{fd, one, 4, abi.MsgMore}},
		{"the flag MSG_FASTOPEN", "sendto", []any{fd, one, 4, abi.MsgFastopen, nil, 0}},
		{"the flag MSG_OOB", "recv", []any{fd, one, 4, abi.MsgOob}},
		{"the flag MSG_ERRQUEUE", "recvmsg", []any{fd, &engine.Msghdr{}, abi.MsgErrqueue}},
		{"ioctl SIOCOUTQ", "ioctl", []any{fd, abi.Siocoutq, zero}},
		{"a UDP socket", "socket", []any{abi.AfInet, abi.SockDgram, 0}},
		{"system call psp_rx_assoc", "psp_rx_assoc", []any{fd, 0}},
	} {
		if ret, missing := result(s, call.name, call.args...); missing != call.want {
			t.Errorf("%s: %d, %q, want %q", call.name, ret, missing, call.want)
		}
	}
}

func TestSysctls(t *testing.T) {
	for _, tt := range []struct{ name, value, want, err string }{
		{"net.ipv4.tcp_sack", "0", "0", ""},
		{"net.ipv4.tcp_sack", "256", "1", "invalid argument"},
		{"net.ipv4.tcp_rmem", "4096 100000 200000", "4096\t100000\t200000", ""},
		{"net.ipv4.tcp_rmem", "4096 300000 200000", "4096\t1048576\t4194304", "setting the sysctl net.ipv4.tcp_rmem to 4096\t300000\t200000 is not supported here"},
		{"net.ipv4.tcp_congestion_control", "cubic", "cubic", ""},
		{"net.ipv4.tcp_congestion_control", "bbr", "reno", "the congestion control bbr is not supported here"},
		{"net.ipv4.tcp_congestion_control", "nosuch", "reno", "no such file or directory"},
		{"net.ipv4.tcp_available_congestion_control", "x", "reno cubic", engine.ErrReadOnly.Error()},
		{"net.ipv4.tcp_timestamps", "1", "1", ""},
		{"net.ipv4.tcp_timestamps", "0", "0", ""},
		{"net.ipv4.tcp_timestamps", "2", "1", "setting the sysctl net.ipv4.tcp_timestamps to 2 is not supported here"},
		{"net.ipv4.tcp_window_scaling", "0", "1", "setting the sysctl net.ipv4.tcp_window_scaling to 0, where netstack does as with 1, is not supported here"},
		{"net.ipv4.tcp_early_retrans", "4", "4", ""},
		{"net.ipv4.tcp_adv_win_scale", "2", "2", ""},
		{"net.ipv4.tcp_rto_min_us", "50000", "50000", ""},
		{"net.ipv4.ip_local_port_range", "5000 6000", "5000\t6000", ""},
	} {
		s := configured(t)
		err := s.SetSysctl(tt.name, tt.value)
		if (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
			t.Errorf("%s = %q: error %v, want %q", tt.name, tt.value, err, tt.err)
		}
		if got, err := s.Sysctl(tt.name); got != tt.want || err != nil {
			t.Errorf("%s = %q: now %q, %v, want %q", tt.name, tt.value, got, err, tt.want)
		}
	}
	s := configured(t)
	for _, name := range []string{"net.ipv4.tcp_nosuch", "net.ipv4.tcp_min_tso_segs"} {
		err := s.SetSysctl(name, "2")
		if _, ok := errors.AsType[*engine.UnsupportedError](err); !ok || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want that it is unsupported", name, err)
		}
	}
}

// Without time stamps, or with Fast Open, only what shows it is unsupported.
func TestUnsupportedAtUse(t *testing.T) {
	for _, tt := range []struct{ sysctl, syn, want string }{
		{"tcp_timestamps=0", "S 0:0(0) win 65535 <mss 1460,sackOK,nop,nop>", "pass"},
		{"tcp_timestamps=0", "S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1 ecr 0>", "unsupported"},
		{"tcp_fastopen=0x403", "S 0:0(0) win 65535 <mss 1460,sackOK,TS val 1 ecr 0>", "pass"},
		{"tcp_fastopen=0x403", "S 0:0(0) win 65535 <mss 1460,FO,nop,nop>", "unsupported"},
		{"tcp_fastopen=0x403", "S 0:0(0) win 65535 <mss 1460,FOEXP>", "unsupported"},
		{"tcp_fastopen=0x403", "S 0:10(10) win 65535 <mss 1460>", "unsupported"},
		{"tcp_fastopen=3", "S 0:10(10) win 65535 <mss 1460>", "pass"},
	} {
		o := run("syn.pkt", []byte("`sysctl -q net.ipv4."+tt.sysctl+"`\n"+
			"0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n"+
			"+0 < "+tt.syn+"\n+0 > S. 0:0(0) ack 1 <...>\n"))
		if string(o.Verdict) != tt.want {
			t.Errorf("%s, %s: %s, want %s: %v", tt.sysctl, tt.syn, o.Verdict, tt.want, o.Failures)
		}
	}
	o := run("connect.pkt", []byte("`sysctl -q net.ipv4.tcp_timestamps=0`\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0...0.1 connect(3, ..., ...) = 0\n"))
	if o.Verdict != engine.Unsupported {
		t.Errorf("connect: %s, want unsupported: %v", o.Verdict, o.Failures)
	}
}

// What netstack looks at when a connection starts can't be changed later.
func TestChangesWhileConnected(t *testing.T) {
	for _, command := range []string{
		"ip link set dev tun0 mtu 1000", "ip link set dev tun0 gso_max_size 3000", "ethtool -K tun0 tso off",
		"tc qdisc replace dev tun0 root fq", "ip route replace 192.0.2.0/24 dev tun0 initcwnd 3",
	} {
		o := run("change.pkt", []byte("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 bind(3, ..., ...) = 0\n+0 listen(3, 1) = 0\n"+
			"+0 < S 0:0(0) win 65535 <mss 1460>\n+0 > S. 0:0(0) ack 1 <...>\n+.01 < . 1:1(0) ack 1 win 65535\n"+
			"+0 accept(3, ..., ...) = 4\n+0 `"+command+"`\n"))
		if o.Verdict != engine.Unsupported {
			t.Errorf("%s: %s, want unsupported: %v", command, o.Verdict, o.Failures)
		}
	}
}

func TestStuck(t *testing.T) {
	s := configured(t)
	fd, _ := result(s, "socket", abi.AfInet, abi.SockStream, 0)
	result(s, "listen", fd, 1)
	if r := s.Call(enginetest.NewCall("accept", fd, nil, nil)); r.Err != engine.ErrStuck {
		t.Errorf("accept: %v, want that it is stuck", r)
	}
}

// Whatever a script passes, nothing panics.
func TestAnyCall(t *testing.T) {
	names := process.Calls()
	random := rand.New(rand.NewPCG(1, 2))
	var s *netstack.Stack
	for i := range 10000 {
		if i%500 == 0 {
			s = configured(t)
			for _, family := range []int{abi.AfInet, abi.AfInet6} {
				result(s, "socket", family, abi.SockStream|abi.SockNonblock, 0)
				result(s, "socket", family, abi.SockStream|abi.SockNonblock, 0)
			}
			result(s, "pipe2", make([]byte, 8), abi.ONonblock)
			result(s, "epoll_create1", 0)
		}
		name := names[random.IntN(len(names))]
		if name == "close" && random.IntN(10) > 0 {
			continue
		}
		s.Begin(enginetest.NewCall(name, enginetest.RandomArgs(random)...))
		if random.IntN(20) == 0 {
			s.WaitUntil(s.Now() + time.Second)
		}
	}
}
