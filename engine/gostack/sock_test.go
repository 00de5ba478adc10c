package gostack

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
	"tcpdrill/engine/enginetest"
	"tcpdrill/engine/process"
	"tcpdrill/engine/wire"
)

// A caller makes system calls and says what they must return.
type caller struct {
	t *testing.T
	*Stack
}

func newCaller(t *testing.T) *caller {
	t.Helper()
	return &caller{t, configured(t)}
}

// do makes a call and returns its result, an error negative.
func (c *caller) do(name string, args ...any) int {
	c.t.Helper()
	r := c.Call(enginetest.NewCall(name, args...))
	if r.Err != nil {
		c.t.Fatalf("%s: %v", name, r.Err)
	}
	if r.Ret < 0 {
		return -r.Errno
	}
	return int(r.Ret)
}

// want makes a call that must return something.
func (c *caller) want(ret int, name string, args ...any) {
	c.t.Helper()
	if got := c.do(name, args...); got != ret {
		c.t.Errorf("%s(%v): got %d, want %d", name, args, got, ret)
	}
}

func addr4(a string) []byte { return abi.AppendSockaddr(nil, abi.AfInet, netip.MustParseAddrPort(a)) }
func addr6(a string) []byte { return abi.AppendSockaddr(nil, abi.AfInet6, netip.MustParseAddrPort(a)) }

func ints(list ...int) []byte {
	var b []byte
	for _, n := range list {
		b = le.AppendUint32(b, uint32(n))
	}
	return b
}

func (c *caller) socket(family, typ int) int {
	c.t.Helper()
	return c.do("socket", family, typ, 0)
}

func TestSocketErrors(t *testing.T) {
	c := newCaller(t)
	for _, test := range []struct{ family, typ, protocol, want int }{
		{abi.AfInet, abi.SockStream, 0, 3},
		{abi.AfInet6, abi.SockDgram, abi.IpprotoUDP, 4},
		{-1, abi.SockStream, 0, -int(abi.EAFNOSUPPORT)},
		{abi.AfMax, abi.SockStream, 0, -int(abi.EAFNOSUPPORT)},
		{5, abi.SockStream, 0, -int(abi.EAFNOSUPPORT)},
		{abi.AfInet, 15, 0, -int(abi.EINVAL)},
		{abi.AfInet, abi.SockStream | 0x100, 0, -int(abi.EINVAL)},
		{abi.AfInet, abi.SockStream, abi.IpprotoUDP, -int(abi.EPROTONOSUPPORT)},
		{abi.AfInet, abi.SockDgram, abi.IpprotoICMPv6, -int(abi.EPROTONOSUPPORT)},
		{abi.AfInet, abi.SockDgram, abi.IpprotoICMP, -int(abi.EACCES)},
		{abi.AfInet, abi.SockSeqpacket, 0, -int(abi.ESOCKTNOSUPPORT)},
		{abi.AfInet, abi.SockRaw, 0, -int(abi.EPROTONOSUPPORT)},
		{abi.AfInet, abi.SockStream, 1000, -int(abi.EINVAL)},
	} {
		c.want(test.want, "socket", test.family, test.typ, test.protocol)
	}
	if r := c.Call(enginetest.NewCall("psp_rx_assoc", 3, 0)); r.Err == nil {
		t.Error("psp_rx_assoc: no error")
	}
	c.want(-int(abi.EBADF), "listen", 9, 1)
	c.want(-int(abi.EINVAL), "shutdown", 3, 3)
	c.want(5, "dup", 3)
}

func TestDescriptors(t *testing.T) {
	c := newCaller(t)
	pipe := make([]byte, 8)
	c.want(0, "pipe", pipe)
	c.want(0x0, "fcntl", 3, abi.FGetfl)
	c.want(0x1, "fcntl", 4, abi.FGetfl)
	c.want(10, "fcntl", 3, abi.FDupfd, 10)
	c.want(0, "close", 3)
	c.want(3, "fcntl", 10, abi.FDupfdCloexec, 0)
	c.want(1, "fcntl", 3, abi.FGetfd)
	c.want(-int(abi.ENOTSOCK), "listen", 3, 1)
	c.want(-int(abi.EBADF), "write", 3, []byte("x"), 1)
	c.want(5, "write", 4, []byte("hello"), 5)
	n := ints(-1)
	c.want(0, "ioctl", 3, abi.Fionread, n)
	if le.Uint32(n) != 5 {
		t.Errorf("FIONREAD says %d", le.Uint32(n))
	}
	buf := make([]byte, 10)
	c.want(5, "read", 10, buf, 10)
	c.want(0, "fcntl", 3, abi.FSetfl, abi.ONonblock)
	c.want(-int(abi.EAGAIN), "read", 10, buf, 10)
	c.want(0, "close", 4)
	c.want(0, "read", 10, buf, 10)
	c.want(0, "close", 10)
	c.want(0, "close", 3)
	c.want(-int(abi.EBADF), "close", 3)
}

func TestFiles(t *testing.T) {
	c := newCaller(t)
	c.want(-int(abi.ENOENT), "open", "/tmp/f", abi.ORdonly)
	c.want(3, "open", "/tmp/f", abi.ORdwr|abi.OCreat, 0o644)
	c.want(6, "write", 3, []byte("abcdef"), 6)
	c.want(-int(abi.EEXIST), "open", "/tmp/f", abi.ORdwr|abi.OCreat|abi.OExcl, 0o644)
	c.want(4, "open", "/tmp/f", abi.ORdonly)
	buf := make([]byte, 4)
	c.want(4, "read", 4, buf, 4)
	if string(buf) != "abcd" {
		t.Errorf("read %q", buf)
	}
	pipe := make([]byte, 8)
	c.want(0, "pipe", pipe) // 5, 6
	at := int64(1)
	c.want(5, "sendfile", 6, 4, &at, 100)
	if at != 6 {
		t.Errorf("the offset is %d", at)
	}
	c.want(2, "splice", 5, nil, 3, nil, 2, 0) // "bc", behind "abcdef"
	c.want(3, "read", 5, buf, 4)
	if string(buf[:3]) != "def" {
		t.Errorf("read %q", buf[:3])
	}
	got := make([]byte, 10)
	again := c.do("open", "/tmp/f", abi.ORdonly)
	if got := string(got[:c.do("read", again, got, 10)]); got != "abcdefbc" {
		t.Errorf("the file has %q", got)
	}
	if r := c.Call(enginetest.NewCall("open", "/etc/passwd", abi.ORdonly)); r.Err == nil {
		t.Error("/etc/passwd: no error")
	}
	c.want(-int(abi.EPERM), "epoll_ctl", c.do("epoll_create1", 0), abi.EpollCtlAdd, 4, []engine.EpollEvent{{Events: abi.EpollIn}})
}

func TestOptions(t *testing.T) {
	c := newCaller(t)
	c.socket(abi.AfInet, abi.SockStream)  // 3
	c.socket(abi.AfInet, abi.SockDgram)   // 4
	c.socket(abi.AfInet6, abi.SockStream) // 5
	get := func(fd, level, name int) int {
		val, size := make([]byte, 64), ints(64)
		c.want(0, "getsockopt", fd, level, name, val, size)
		return int(int32(le.Uint32(val)))
	}
	for _, test := range []struct{ fd, level, name, set, result, got int }{
		{3, abi.SolSocket, abi.SoSndbuf, 1000, 0, minSndbuf},
		{3, abi.SolSocket, abi.SoSndbuf, 10_000, 0, 20_000},
		{3, abi.SolSocket, abi.SoSndbuf, 100_000_000, 0, 425984},
		{3, abi.SolSocket, abi.SoSndbuf, -1, 0, 425984},
		{3, abi.SolSocket, abi.SoSndbufforce, 1_000_000, 0, 2_000_000},
		{3, abi.SolSocket, abi.SoRcvbuf, 0, 0, minRcvbuf},
		{3, abi.SolSocket, abi.SoPriority, 7, 0, 7},
		{3, abi.SolSocket, abi.SoMark, 5, 0, 5},
		{3, abi.SolSocket, abi.SoType, 5, -int(abi.ENOPROTOOPT), abi.SockStream},
		{3, abi.SolSocket, abi.SoDomain, 5, -int(abi.ENOPROTOOPT), abi.AfInet},
		{3, abi.SolSocket, abi.SoZerocopy, 2, -int(abi.EINVAL), 0},
		{3, abi.SolSocket, abi.SoZerocopy, 1, 0, 1},
		{3, abi.SolSocket, abi.SoTimestamping, abi.SofOptId, -int(abi.EINVAL), 0}, // not connected
		{3, abi.SolSocket, abi.SoTimestamping, abi.SofOptStats, -int(abi.EINVAL), 0},
		{3, abi.SolSocket, abi.SoTimestamping, 1 << 20, -int(abi.EINVAL), 0},
		{4, abi.SolSocket, abi.SoTimestamping, abi.SofOptId | abi.SofTxSoftware, 0, abi.SofOptId | abi.SofTxSoftware},
		{3, abi.SolIP, abi.IpTos, 0x13, 0, 0x10}, // the ECN bits are TCP's
		{4, abi.SolIP, abi.IpTos, 0x13, 0, 0x13},
		{3, abi.SolIP, abi.IpTtl, 0, -int(abi.EINVAL), 64},
		{3, abi.SolIP, abi.IpTtl, 7, 0, 7},
		{3, abi.SolIP, abi.IpMtuDiscover, 6, -int(abi.EINVAL), abi.IpPmtudiscWant},
		{5, abi.SolIPv6, abi.Ipv6Tclass, 0x23, 0, 0x20},
		{5, abi.SolIPv6, abi.Ipv6UnicastHops, 9, 0, 9},
		{5, abi.SolIPv6, abi.Ipv6V6only, 1, 0, 1},
	} {
		c.want(test.result, "setsockopt", test.fd, test.level, test.name, ints(test.set), 4)
		if test.name == abi.SoSndbufforce {
			test.name = abi.SoSndbuf
		}
		if got := get(test.fd, test.level, test.name); got != test.got {
			t.Errorf("option %d/%d set to %d: got %d, want %d", test.level, test.name, test.set, got, test.got)
		}
	}
	if got := get(3, abi.SolSocket, abi.SoPriority); got != 6 {
		t.Errorf("IP_TOS made the priority %d", got) // of interactive traffic
	}
	c.want(-int(abi.ENOPROTOOPT), "setsockopt", 3, abi.SolSocket, 999, ints(1), 4)
	c.want(-int(abi.ENOPROTOOPT), "setsockopt", 3, abi.SolIPv6, abi.Ipv6Tclass, ints(1), 4)
	c.want(-int(abi.ENOPROTOOPT), "setsockopt", 3, abi.SolUDP, abi.UdpCork, ints(1), 4)
	c.want(-int(abi.EINVAL), "setsockopt", 3, abi.SolSocket, abi.SoReuseaddr, ints(1), 3)
	c.want(-int(abi.EFAULT), "setsockopt", 3, abi.SolSocket, abi.SoReuseaddr, nil, 4)
	c.want(-int(abi.EDOM), "setsockopt", 3, abi.SolSocket, abi.SoRcvtimeo, ints(0, 0, 1_000_000, 0), 16)
	c.want(-int(abi.EFAULT), "getsockopt", 3, abi.SolSocket, abi.SoReuseaddr, make([]byte, 4), nil)
	c.want(-int(abi.EINVAL), "getsockopt", 3, abi.SolSocket, abi.SoReuseaddr, make([]byte, 4), ints(-1))
	c.want(-int(abi.ENOTCONN), "getsockopt", 3, abi.SolIP, abi.IpMtu, make([]byte, 4), ints(4))
	c.want(0, "cap_set", abi.CapEffective, abi.CapNetAdmin, 0)
	c.want(0, "cap_set", abi.CapEffective, abi.CapNetRaw, 0)
	c.want(-int(abi.EPERM), "setsockopt", 3, abi.SolSocket, abi.SoMark, ints(1), 4)
	c.want(-int(abi.EPERM), "setsockopt", 3, abi.SolSocket, abi.SoSndbufforce, ints(1), 4)
	c.want(0, "cap_set", abi.CapEffective, abi.CapNetAdmin, 1)
	c.want(0, "setsockopt", 3, abi.SolSocket, abi.SoMark, ints(1), 4)
	c.want(0, "cap_set", abi.CapEffective, abi.CapNetAdmin, 0)
	c.want(0, "cap_set", abi.CapPermitted, abi.CapNetAdmin, 0)
	c.want(-int(abi.EPERM), "cap_set", abi.CapPermitted, abi.CapNetAdmin, 1)
	r := c.Call(enginetest.NewCall("setsockopt", 3, abi.SolSocket, abi.SoAttachFilter, make([]byte, 16), 16))
	if r.Err == nil || !strings.Contains(r.Err.Error(), "SO_ATTACH_FILTER") {
		t.Errorf("SO_ATTACH_FILTER: %v", r.Err)
	}
}

func TestBind(t *testing.T) {
	c := newCaller(t)
	for _, test := range []struct {
		family int
		addr   []byte
		size   int
		want   errno
	}{
		{abi.AfInet, addr4("192.168.0.1:80"), 16, 0},
		{abi.AfInet, addr4("192.168.0.1:80"), 15, abi.EINVAL},
		{abi.AfInet, addr4("10.0.0.1:80"), 16, abi.EADDRNOTAVAIL},
		{abi.AfInet, append([]byte{0, 0}, addr4("0.0.0.0:80")[2:]...), 16, 0}, // AF_UNSPEC
		{abi.AfInet, append([]byte{0, 0}, addr4("192.168.0.1:80")[2:]...), 16, abi.EAFNOSUPPORT},
		{abi.AfInet, addr6("[::]:80"), 28, abi.EAFNOSUPPORT},
		{abi.AfInet6, addr6("[::]:80"), 28, 0},
		{abi.AfInet6, addr6("[::]:80"), 24, 0},
		{abi.AfInet6, addr6("[::]:80"), 23, abi.EINVAL},
		{abi.AfInet6, addr4("0.0.0.0:80"), 16, abi.EINVAL},
		{abi.AfInet6, addr6("[::ffff:192.168.0.1]:80"), 28, 0},
		{abi.AfInet6, addr6("[2001:db8::9]:80"), 28, abi.EADDRNOTAVAIL},
		{abi.AfInet6, addr6("[ff02::1]:80"), 28, abi.EINVAL},
	} {
		fd := c.socket(test.family, abi.SockStream)
		want := 0
		if test.want != 0 {
			want = -int(test.want)
		}
		c.want(want, "bind", fd, test.addr, test.size)
		if want == 0 {
			name, size := make([]byte, 28), ints(28)
			c.want(0, "getsockname", fd, name, size)
			n := min(test.size, 16)
			if test.addr[0] != 0 && !slices.Equal(name[:n], test.addr[:n]) {
				t.Errorf("bound to %x, named %x", test.addr, name)
			}
			c.want(-int(abi.EINVAL), "bind", fd, test.addr, test.size)
		}
		c.want(0, "close", fd)
	}
	fd := c.socket(abi.AfInet, abi.SockStream)
	c.want(-int(abi.EFAULT), "bind", fd, nil, 16)
	c.want(-int(abi.EINVAL), "bind", fd, nil, 0)
	c.want(-int(abi.ENOTCONN), "getpeername", fd, make([]byte, 16), ints(16))
	c.want(0, "setsockopt", fd, abi.SolIP, abi.IpFreebind, ints(1), 4)
	c.want(0, "bind", fd, addr4("10.0.0.1:80"), 16)
}

func TestPortConflicts(t *testing.T) {
	type end struct {
		addr   string
		flags  string // r: SO_REUSEADDR, p: SO_REUSEPORT, l: listens, 6: IPV6_V6ONLY
		family int
	}
	tests := []struct {
		typ      int
		a, b     end
		conflict bool
	}{
		{abi.SockStream, end{"0.0.0.0:80", "", abi.AfInet}, end{"192.168.0.1:80", "", abi.AfInet}, true},
		{abi.SockStream, end{"127.0.0.1:80", "", abi.AfInet}, end{"192.168.0.1:80", "", abi.AfInet}, false},
		{abi.SockStream, end{"0.0.0.0:80", "r", abi.AfInet}, end{"192.168.0.1:80", "r", abi.AfInet}, false},
		{abi.SockStream, end{"0.0.0.0:80", "r", abi.AfInet}, end{"192.168.0.1:80", "", abi.AfInet}, true},
		{abi.SockStream, end{"0.0.0.0:80", "rl", abi.AfInet}, end{"192.168.0.1:80", "r", abi.AfInet}, true},
		{abi.SockStream, end{"0.0.0.0:80", "pl", abi.AfInet}, end{"0.0.0.0:80", "p", abi.AfInet}, false},
		{abi.SockStream, end{"[::]:80", "", abi.AfInet6}, end{"0.0.0.0:80", "", abi.AfInet}, true},
		{abi.SockStream, end{"[::]:80", "6", abi.AfInet6}, end{"0.0.0.0:80", "", abi.AfInet}, false},
		{abi.SockStream, end{"[::]:80", "", abi.AfInet6}, end{"[::1]:80", "", abi.AfInet6}, true},
		{abi.SockStream, end{"[::1]:80", "", abi.AfInet6}, end{"127.0.0.1:80", "", abi.AfInet}, false},
		{abi.SockStream, end{"[::ffff:127.0.0.1]:80", "", abi.AfInet6}, end{"127.0.0.1:80", "", abi.AfInet}, true},
		{abi.SockDgram, end{"0.0.0.0:80", "", abi.AfInet}, end{"192.168.0.1:80", "", abi.AfInet}, true},
		{abi.SockDgram, end{"0.0.0.0:80", "r", abi.AfInet}, end{"192.168.0.1:80", "r", abi.AfInet}, false},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			c := newCaller(t)
			bind := func(e end) int {
				fd := c.socket(e.family, test.typ)
				for _, f := range e.flags {
					switch f {
					case 'r':
						c.want(0, "setsockopt", fd, abi.SolSocket, abi.SoReuseaddr, ints(1), 4)
					case 'p':
						c.want(0, "setsockopt", fd, abi.SolSocket, abi.SoReuseport, ints(1), 4)
					case '6':
						c.want(0, "setsockopt", fd, abi.SolIPv6, abi.Ipv6V6only, ints(1), 4)
					}
				}
				a := abi.AppendSockaddr(nil, e.family, netip.MustParseAddrPort(e.addr))
				got := c.do("bind", fd, a, len(a))
				if strings.Contains(e.flags, "l") && got == 0 {
					c.want(0, "listen", fd, 1)
				}
				return got
			}
			if got := bind(test.a); got != 0 {
				t.Fatalf("the first bind: %d", got)
			}
			want := 0
			if test.conflict {
				want = -int(abi.EADDRINUSE)
			}
			if got := bind(test.b); got != want {
				t.Errorf("the second bind: got %d, want %d", got, want)
			}
		})
	}
}

func TestEphemeralPorts(t *testing.T) {
	c := newCaller(t)
	c.want(0, "close", c.socket(abi.AfInet, abi.SockStream))
	seen := map[uint16]bool{}
	for range 3 {
		fd := c.socket(abi.AfInet, abi.SockStream)
		c.want(0, "bind", fd, addr4("0.0.0.0:0"), 16)
		port := c.process.File(fd).(socket).base().local.Port()
		if port%2 == 0 || seen[port] || int64(port) < c.sysctl.ipLocalPortRange[0] {
			t.Errorf("bind took port %d", port)
		}
		seen[port] = true
	}
	if err := c.SetSysctl("net.ipv4.ip_local_port_range", "40000 40001"); err != nil {
		t.Fatal(err)
	}
	c.want(0, "bind", c.socket(abi.AfInet, abi.SockStream), addr4("0.0.0.0:0"), 16)
	c.want(0, "bind", c.socket(abi.AfInet, abi.SockStream), addr4("0.0.0.0:0"), 16)
	c.want(-int(abi.EADDRINUSE), "bind", c.socket(abi.AfInet, abi.SockStream), addr4("0.0.0.0:0"), 16)
	c.want(0, "bind", c.socket(abi.AfInet, abi.SockDgram), addr4("0.0.0.0:0"), 16)
}

func TestPortInTimeWait(t *testing.T) {
	c := newCaller(t)
	fd := c.socket(abi.AfInet, abi.SockDgram)
	c.want(0, "bind", fd, addr4("0.0.0.0:80"), 16)
	drop := c.keepPort(c.process.File(fd).(socket).base())
	c.want(0, "close", fd)
	fd = c.socket(abi.AfInet, abi.SockDgram)
	c.want(-int(abi.EADDRINUSE), "bind", fd, addr4("0.0.0.0:80"), 16)
	drop()
	c.want(0, "bind", fd, addr4("0.0.0.0:80"), 16)
}

func TestPollSleeps(t *testing.T) {
	c := newCaller(t)
	ends := make([]byte, 8)
	c.want(0, "pipe", ends)
	fd, other := int(le.Uint32(ends)), int(le.Uint32(ends[4:]))
	fds := append(ints(fd), 1, 0, 0xff, 0)
	p := c.Begin(enginetest.NewCall("poll", fds, 1, 100))
	start := c.Now()
	if p.Wait(start + 50*time.Millisecond) {
		t.Fatal("poll returned with nothing ready")
	}
	c.want(1, "write", other, []byte{1}, 1)
	if !p.Wait(0) {
		t.Fatal("poll wasn't woken")
	}
	if r, _ := p.Result(); r.Ret != 1 || fds[6] != 1 {
		t.Errorf("poll returned %d, revents %x", r.Ret, fds[6])
	}
	c.want(1, "read", fd, make([]byte, 1), 1)
	before := c.Now()
	c.want(0, "poll", fds, 1, 100)
	if d := c.Now() - before; d < 100*time.Millisecond || d > 101*time.Millisecond {
		t.Errorf("poll slept for %v", d)
	}
	c.want(1, "poll", append(ints(99), 1, 0, 0, 0), 1, 0) // POLLNVAL
	c.want(0, "poll", append(ints(-1), 1, 0, 0, 0), 1, 0)
	c.want(-int(abi.EFAULT), "poll", nil, 1, 0)
	c.want(-int(abi.EINVAL), "ppoll", fds, 1, ints(0, 0, 1_000_000_000, 0), nil)
}

func TestZerocopyReports(t *testing.T) {
	c := newCaller(t)
	fd := c.socket(abi.AfInet, abi.SockDgram)
	sk := c.process.File(fd).(socket).base()
	sk.zerocopyDone(0, 0, true)
	sk.zerocopyDone(1, 3, true)
	sk.zerocopyDone(5, 5, false) // 4 isn't done yet
	for _, want := range [][3]uint32{{0, 3, 1}, {5, 5, 0}} {
		m := &engine.Msghdr{Name: make([]byte, 128), Control: make([]byte, 48)}
		c.want(0, "recvmsg", fd, m, abi.MsgErrqueue)
		e := m.Control[abi.CmsgHeaderLen:]
		if got := [3]uint32{le.Uint32(e[8:]), le.Uint32(e[12:]), uint32(e[6])}; got != want || e[4] != abi.SoEeOriginZerocopy ||
			m.Flags != abi.MsgErrqueue || len(m.Name) != 0 {
			t.Errorf("got %v of origin %d, flags %x; want %v", got, e[4], m.Flags, want)
		}
	}
	c.want(-int(abi.EAGAIN), "recvmsg", fd, &engine.Msghdr{}, abi.MsgErrqueue)
}

func TestErrorQueueOrder(t *testing.T) {
	c := newCaller(t)
	fd := c.socket(abi.AfInet6, abi.SockDgram)
	c.want(0, "setsockopt", fd, abi.SolSocket, abi.SoTimestamping, ints(abi.SofSoftware|abi.SofTxSoftware), 4)
	sk := c.process.File(fd).(socket).base()
	sk.queueError(&errEntry{errno: enomsg, origin: abi.SoEeOriginTimestamping, stamp: 5 * time.Second, payload: []byte("abc")})
	sk.queueError(&errEntry{errno: abi.ECONNREFUSED, origin: abi.SoEeOriginIcmp, offender: netip.MustParseAddr("10.0.0.1"),
		name: netip.MustParseAddrPort("10.0.0.2:5")})
	sk.err = abi.ECONNREFUSED
	m := &engine.Msghdr{Name: make([]byte, 128), Control: make([]byte, 200), Iov: [][]byte{make([]byte, 2)}}
	c.want(2, "recvmsg", fd, m, abi.MsgErrqueue)
	if m.Flags != abi.MsgErrqueue|abi.MsgTrunc || le.Uint32(m.Control[12:]) != abi.ScmTimestamping {
		t.Errorf("flags %x, control %x", m.Flags, m.Control)
	}
	next := m.Control[64:] // behind three timespecs
	if le.Uint32(next[8:]) != abi.SolIPv6 || le.Uint32(next[12:]) != abi.Ipv6Recverr || le.Uint64(next) != 60 {
		t.Errorf("the second control message: %x", next)
	}
	m = &engine.Msghdr{Name: make([]byte, 128), Control: make([]byte, 40)}
	c.want(0, "recvmsg", fd, m, abi.MsgErrqueue)
	if m.Flags != abi.MsgErrqueue|abi.MsgCtrunc || !slices.Equal(m.Name, addr6("[::ffff:10.0.0.2]:5")) {
		t.Errorf("flags %x, name %x", m.Flags, m.Name)
	}
	if sk.err != 0 {
		t.Errorf("the socket still fails with %d", sk.err)
	}
}

// packets are what the stack has sent, as a script would have it.
func (c *caller) packets() []*wire.Packet {
	var list []*wire.Packet
	for {
		x, err := c.Receive(c.Now())
		if err != nil || x == nil {
			return list
		}
		p, err := wire.Parse(x.Data)
		if err != nil {
			c.t.Fatal(err)
		}
		list = append(list, p)
	}
}

func TestUDP(t *testing.T) {
	c := newCaller(t)
	fd := c.socket(abi.AfInet, abi.SockDgram)
	peer := addr4("192.0.2.1:53")
	c.want(-int(abi.EDESTADDRREQ), "write", fd, []byte("x"), 1)
	c.want(0, "setsockopt", fd, abi.SolIP, abi.IpRecverr, ints(1), 4)
	c.want(0, "connect", fd, peer, 16)
	c.want(5, "write", fd, []byte("hello"), 5)
	c.want(0, "setsockopt", fd, abi.SolUDP, abi.UdpCork, ints(1), 4)
	c.want(3, "send", fd, []byte("abc"), 3, 0)
	c.want(3, "send", fd, []byte("def"), 3, 0)
	c.want(0, "setsockopt", fd, abi.SolUDP, abi.UdpCork, ints(0), 4)
	c.want(0, "setsockopt", fd, abi.SolUDP, abi.UdpSegment, ints(2), 4)
	c.want(3, "send", fd, []byte("123"), 3, 0)
	c.want(0, "setsockopt", fd, abi.SolUDP, abi.UdpSegment, ints(0), 4)
	c.want(4000, "send", fd, make([]byte, 4000), 4000, 0) // three fragments
	var sizes []int
	sent := c.packets()
	for _, p := range sent {
		sizes = append(sizes, len(p.Payload))
	}
	if want := []int{5, 6, 2, 1, 1472, 1480, 1048}; !slices.Equal(sizes, want) {
		t.Errorf("sent %v, want %v", sizes, want)
	}
	c.want(0, "setsockopt", fd, abi.SolIP, abi.IpMtuDiscover, ints(abi.IpPmtudiscDo), 4)
	c.want(-int(abi.EMSGSIZE), "send", fd, make([]byte, 4000), 4000, 0)
	m := &engine.Msghdr{Control: make([]byte, 100)}
	c.want(0, "recvmsg", fd, m, abi.MsgErrqueue)
	if e := m.Control[16:]; le.Uint32(e) != uint32(abi.EMSGSIZE) || e[4] != abi.SoEeOriginLocal || le.Uint32(e[8:]) != 1500 {
		t.Errorf("of a datagram that is too long: %x", e)
	}
	// A reply, and one to a port where nobody is.
	ip, udp := sent[0].V4(), sent[0].UDP()
	inject := func(port uint16, payload string) {
		p := &wire.Packet{Layers: []wire.Layer{&wire.IPv4{TTL: 64, Src: ip.Dst, Dst: ip.Src},
			&wire.UDP{SrcPort: 53, DstPort: port}}, Payload: []byte(payload)}
		b, err := p.Marshal(wire.MarshalOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Inject(b, engine.GSO{}); err != nil {
			t.Fatal(err)
		}
	}
	inject(udp.SrcPort, "answer")
	buf, from, size := make([]byte, 10), make([]byte, 16), ints(16)
	c.want(6, "recvfrom", fd, buf, 10, 0, from, size)
	if string(buf[:6]) != "answer" || !slices.Equal(from, peer) {
		t.Errorf("received %q from %x", buf, from)
	}
	inject(9, "nobody")
	sent = c.packets()
	if len(sent) != 1 || sent[0].ICMP() == nil || sent[0].ICMP().Type != 3 || sent[0].ICMP().Code != 3 {
		t.Fatalf("the answer to a datagram for nobody: %v", sent)
	}
	// Our own datagram meets the same.
	c.want(1, "send", fd, []byte("x"), 1, 0)
	x, _ := c.Receive(c.Now())
	icmp := &wire.Packet{Layers: []wire.Layer{&wire.IPv4{TTL: 64, Src: ip.Dst, Dst: ip.Src}, &wire.ICMP{Type: 3, Code: 3}}, Payload: x.Data}
	b, err := icmp.Marshal(wire.MarshalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Inject(b, engine.GSO{}); err != nil {
		t.Fatal(err)
	}
	c.want(-int(abi.ECONNREFUSED), "send", fd, []byte("x"), 1, 0)
	m = &engine.Msghdr{Name: make([]byte, 16), Control: make([]byte, 100), Iov: [][]byte{make([]byte, 8)}}
	c.want(1, "recvmsg", fd, m, abi.MsgErrqueue)
	if e := m.Control[16:]; e[4] != abi.SoEeOriginIcmp || e[5] != 3 || e[6] != 3 || !slices.Equal(m.Name, peer) {
		t.Errorf("of the ICMP error: %x, name %x", e, m.Name)
	}
}

// Whatever a script passes, nothing panics.
func TestAnyCall(t *testing.T) {
	const tries = 20000
	names := process.Calls()
	random := rand.New(rand.NewPCG(1, 2))
	var c *caller
	for i := range tries {
		if i%500 == 0 {
			c = newCaller(t)
			for _, family := range []int{abi.AfInet, abi.AfInet6} {
				c.want(0, "fcntl", c.socket(family, abi.SockStream), abi.FSetfl, abi.ONonblock)
				c.want(0, "fcntl", c.socket(family, abi.SockDgram), abi.FSetfl, abi.ONonblock)
			}
			c.do("pipe2", make([]byte, 8), abi.ONonblock)
			c.do("epoll_create1", 0)
			c.do("open", "/tmp/x", abi.ORdwr|abi.OCreat)
		}
		name := names[random.IntN(len(names))]
		if name == "close" && random.IntN(10) > 0 {
			continue
		}
		args := enginetest.RandomArgs(random)
		call := enginetest.NewCall(name, args...)
		func() {
			defer func() {
				if e := recover(); e != nil {
					t.Fatalf("%s(%v): %v\n%s", name, args, e, debug.Stack())
				}
			}()
			c.Begin(call)
		}()
	}
}
