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

// arg makes an argument of a number or of memory.
func arg(v any) engine.Arg {
	switch v := v.(type) {
	case int:
		return engine.Arg{Int: int64(v)}
	case []byte:
		return engine.Arg{Buf: v}
	case string:
		return engine.Arg{Buf: append([]byte(v), 0)}
	case *engine.Msghdr:
		return engine.Arg{Msg: v}
	case []engine.EpollEvent:
		return engine.Arg{Epoll: v}
	case *int64:
		return engine.Arg{Offset: v}
	case [][]byte:
		return engine.Arg{Iov: v}
	}
	return engine.Arg{}
}

func newCall(name string, args ...any) *engine.Call {
	c := &engine.Call{Name: name}
	for _, a := range args {
		c.Args = append(c.Args, arg(a))
	}
	return c
}

// do makes a call and returns its result, an error negative.
func (c *caller) do(name string, args ...any) int {
	c.t.Helper()
	r := c.Call(newCall(name, args...))
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

func addr4(a string) []byte { return appendSockaddr(nil, afInet, netip.MustParseAddrPort(a)) }
func addr6(a string) []byte { return appendSockaddr(nil, afInet6, netip.MustParseAddrPort(a)) }

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
		{afInet, sockStream, 0, 3},
		{afInet6, sockDgram, ipprotoUDP, 4},
		{-1, sockStream, 0, -int(eafnosupport)},
		{afMax, sockStream, 0, -int(eafnosupport)},
		{5, sockStream, 0, -int(eafnosupport)},
		{afInet, 15, 0, -int(einval)},
		{afInet, sockStream | 0x100, 0, -int(einval)},
		{afInet, sockStream, ipprotoUDP, -int(eprotonosupport)},
		{afInet, sockDgram, ipprotoICMPv6, -int(eprotonosupport)},
		{afInet, sockDgram, ipprotoICMP, -int(eacces)},
		{afInet, sockSeqpacket, 0, -int(esocktnosupport)},
		{afInet, sockRaw, 0, -int(eprotonosupport)},
		{afInet, sockStream, 1000, -int(einval)},
	} {
		c.want(test.want, "socket", test.family, test.typ, test.protocol)
	}
	if r := c.Call(newCall("psp_rx_assoc", 3, 0)); r.Err == nil {
		t.Error("psp_rx_assoc: no error")
	}
	c.want(-int(ebadf), "listen", 9, 1)
	c.want(-int(einval), "shutdown", 3, 3)
	c.want(5, "dup", 3)
}

func TestDescriptors(t *testing.T) {
	c := newCaller(t)
	pipe := make([]byte, 8)
	c.want(0, "pipe", pipe)
	c.want(0x0, "fcntl", 3, fGetfl)
	c.want(0x1, "fcntl", 4, fGetfl)
	c.want(10, "fcntl", 3, fDupfd, 10)
	c.want(0, "close", 3)
	c.want(3, "fcntl", 10, fDupfdCloexec, 0)
	c.want(1, "fcntl", 3, fGetfd)
	c.want(-int(enotsock), "listen", 3, 1)
	c.want(-int(ebadf), "write", 3, []byte("x"), 1)
	c.want(5, "write", 4, []byte("hello"), 5)
	n := ints(-1)
	c.want(0, "ioctl", 3, fionread, n)
	if le.Uint32(n) != 5 {
		t.Errorf("FIONREAD says %d", le.Uint32(n))
	}
	buf := make([]byte, 10)
	c.want(5, "read", 10, buf, 10)
	c.want(0, "fcntl", 3, fSetfl, oNonblock)
	c.want(-int(eagain), "read", 10, buf, 10)
	c.want(0, "close", 4)
	c.want(0, "read", 10, buf, 10)
	c.want(0, "close", 10)
	c.want(0, "close", 3)
	c.want(-int(ebadf), "close", 3)
}

func TestFiles(t *testing.T) {
	c := newCaller(t)
	c.want(-int(enoent), "open", "/tmp/f", oRdonly)
	c.want(3, "open", "/tmp/f", oRdwr|oCreat, 0o644)
	c.want(6, "write", 3, []byte("abcdef"), 6)
	c.want(-int(eexist), "open", "/tmp/f", oRdwr|oCreat|oExcl, 0o644)
	c.want(4, "open", "/tmp/f", oRdonly)
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
	if got := string(c.process.files["/tmp/f"].data); got != "abcdefbc" {
		t.Errorf("the file has %q", got)
	}
	if r := c.Call(newCall("open", "/etc/passwd", oRdonly)); r.Err == nil {
		t.Error("/etc/passwd: no error")
	}
	c.want(-int(eperm), "epoll_ctl", c.do("epoll_create1", 0), epollCtlAdd, 4, []engine.EpollEvent{{Events: epollIn}})
}

func TestOptions(t *testing.T) {
	c := newCaller(t)
	c.socket(afInet, sockStream)  // 3
	c.socket(afInet, sockDgram)   // 4
	c.socket(afInet6, sockStream) // 5
	get := func(fd, level, name int) int {
		val, size := make([]byte, 64), ints(64)
		c.want(0, "getsockopt", fd, level, name, val, size)
		return int(int32(le.Uint32(val)))
	}
	for _, test := range []struct{ fd, level, name, set, result, got int }{
		{3, solSocket, soSndbuf, 1000, 0, minSndbuf},
		{3, solSocket, soSndbuf, 10_000, 0, 20_000},
		{3, solSocket, soSndbuf, 100_000_000, 0, 425984},
		{3, solSocket, soSndbuf, -1, 0, 425984},
		{3, solSocket, soSndbufforce, 1_000_000, 0, 2_000_000},
		{3, solSocket, soRcvbuf, 0, 0, minRcvbuf},
		{3, solSocket, soPriority, 7, 0, 7},
		{3, solSocket, soMark, 5, 0, 5},
		{3, solSocket, soType, 5, -int(enoprotoopt), sockStream},
		{3, solSocket, soDomain, 5, -int(enoprotoopt), afInet},
		{3, solSocket, soZerocopy, 2, -int(einval), 0},
		{3, solSocket, soZerocopy, 1, 0, 1},
		{3, solSocket, soTimestamping, sofOptId, -int(einval), 0}, // not connected
		{3, solSocket, soTimestamping, sofOptStats, -int(einval), 0},
		{3, solSocket, soTimestamping, 1 << 20, -int(einval), 0},
		{4, solSocket, soTimestamping, sofOptId | sofTxSoftware, 0, sofOptId | sofTxSoftware},
		{3, solIP, ipTos, 0x13, 0, 0x10}, // the ECN bits are TCP's
		{4, solIP, ipTos, 0x13, 0, 0x13},
		{3, solIP, ipTtl, 0, -int(einval), 64},
		{3, solIP, ipTtl, 7, 0, 7},
		{3, solIP, ipMtuDiscover, 6, -int(einval), ipPmtudiscWant},
		{5, solIPv6, ipv6Tclass, 0x23, 0, 0x20},
		{5, solIPv6, ipv6UnicastHops, 9, 0, 9},
		{5, solIPv6, ipv6V6only, 1, 0, 1},
	} {
		c.want(test.result, "setsockopt", test.fd, test.level, test.name, ints(test.set), 4)
		if test.name == soSndbufforce {
			test.name = soSndbuf
		}
		if got := get(test.fd, test.level, test.name); got != test.got {
			t.Errorf("option %d/%d set to %d: got %d, want %d", test.level, test.name, test.set, got, test.got)
		}
	}
	if got := get(3, solSocket, soPriority); got != 6 {
		t.Errorf("IP_TOS made the priority %d", got) // of interactive traffic
	}
	c.want(-int(enoprotoopt), "setsockopt", 3, solSocket, 999, ints(1), 4)
	c.want(-int(enoprotoopt), "setsockopt", 3, solIPv6, ipv6Tclass, ints(1), 4)
	c.want(-int(enoprotoopt), "setsockopt", 3, solUDP, udpCork, ints(1), 4)
	c.want(-int(einval), "setsockopt", 3, solSocket, soReuseaddr, ints(1), 3)
	c.want(-int(efault), "setsockopt", 3, solSocket, soReuseaddr, nil, 4)
	c.want(-int(edom), "setsockopt", 3, solSocket, soRcvtimeo, ints(0, 0, 1_000_000, 0), 16)
	c.want(-int(efault), "getsockopt", 3, solSocket, soReuseaddr, make([]byte, 4), nil)
	c.want(-int(einval), "getsockopt", 3, solSocket, soReuseaddr, make([]byte, 4), ints(-1))
	c.want(-int(enotconn), "getsockopt", 3, solIP, ipMtu, make([]byte, 4), ints(4))
	c.want(0, "cap_set", capEffective, capNetAdmin, 0)
	c.want(0, "cap_set", capEffective, capNetRaw, 0)
	c.want(-int(eperm), "setsockopt", 3, solSocket, soMark, ints(1), 4)
	c.want(-int(eperm), "setsockopt", 3, solSocket, soSndbufforce, ints(1), 4)
	c.want(0, "cap_set", capEffective, capNetAdmin, 1)
	c.want(0, "setsockopt", 3, solSocket, soMark, ints(1), 4)
	c.want(0, "cap_set", capEffective, capNetAdmin, 0)
	c.want(0, "cap_set", capPermitted, capNetAdmin, 0)
	c.want(-int(eperm), "cap_set", capPermitted, capNetAdmin, 1)
	r := c.Call(newCall("setsockopt", 3, solSocket, soAttachFilter, make([]byte, 16), 16))
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
		{afInet, addr4("192.168.0.1:80"), 16, 0},
		{afInet, addr4("192.168.0.1:80"), 15, einval},
		{afInet, addr4("10.0.0.1:80"), 16, eaddrnotavail},
		{afInet, append([]byte{0, 0}, addr4("0.0.0.0:80")[2:]...), 16, 0}, // AF_UNSPEC
		{afInet, append([]byte{0, 0}, addr4("192.168.0.1:80")[2:]...), 16, eafnosupport},
		{afInet, addr6("[::]:80"), 28, eafnosupport},
		{afInet6, addr6("[::]:80"), 28, 0},
		{afInet6, addr6("[::]:80"), 24, 0},
		{afInet6, addr6("[::]:80"), 23, einval},
		{afInet6, addr4("0.0.0.0:80"), 16, einval},
		{afInet6, addr6("[::ffff:192.168.0.1]:80"), 28, 0},
		{afInet6, addr6("[2001:db8::9]:80"), 28, eaddrnotavail},
		{afInet6, addr6("[ff02::1]:80"), 28, einval},
	} {
		fd := c.socket(test.family, sockStream)
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
			c.want(-int(einval), "bind", fd, test.addr, test.size)
		}
		c.want(0, "close", fd)
	}
	fd := c.socket(afInet, sockStream)
	c.want(-int(efault), "bind", fd, nil, 16)
	c.want(-int(einval), "bind", fd, nil, 0)
	c.want(-int(enotconn), "getpeername", fd, make([]byte, 16), ints(16))
	c.want(0, "setsockopt", fd, solIP, ipFreebind, ints(1), 4)
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
		{sockStream, end{"0.0.0.0:80", "", afInet}, end{"192.168.0.1:80", "", afInet}, true},
		{sockStream, end{"127.0.0.1:80", "", afInet}, end{"192.168.0.1:80", "", afInet}, false},
		{sockStream, end{"0.0.0.0:80", "r", afInet}, end{"192.168.0.1:80", "r", afInet}, false},
		{sockStream, end{"0.0.0.0:80", "r", afInet}, end{"192.168.0.1:80", "", afInet}, true},
		{sockStream, end{"0.0.0.0:80", "rl", afInet}, end{"192.168.0.1:80", "r", afInet}, true},
		{sockStream, end{"0.0.0.0:80", "pl", afInet}, end{"0.0.0.0:80", "p", afInet}, false},
		{sockStream, end{"[::]:80", "", afInet6}, end{"0.0.0.0:80", "", afInet}, true},
		{sockStream, end{"[::]:80", "6", afInet6}, end{"0.0.0.0:80", "", afInet}, false},
		{sockStream, end{"[::]:80", "", afInet6}, end{"[::1]:80", "", afInet6}, true},
		{sockStream, end{"[::1]:80", "", afInet6}, end{"127.0.0.1:80", "", afInet}, false},
		{sockStream, end{"[::ffff:127.0.0.1]:80", "", afInet6}, end{"127.0.0.1:80", "", afInet}, true},
		{sockDgram, end{"0.0.0.0:80", "", afInet}, end{"192.168.0.1:80", "", afInet}, true},
		{sockDgram, end{"0.0.0.0:80", "r", afInet}, end{"192.168.0.1:80", "r", afInet}, false},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test), func(t *testing.T) {
			c := newCaller(t)
			bind := func(e end) int {
				fd := c.socket(e.family, test.typ)
				for _, f := range e.flags {
					switch f {
					case 'r':
						c.want(0, "setsockopt", fd, solSocket, soReuseaddr, ints(1), 4)
					case 'p':
						c.want(0, "setsockopt", fd, solSocket, soReuseport, ints(1), 4)
					case '6':
						c.want(0, "setsockopt", fd, solIPv6, ipv6V6only, ints(1), 4)
					}
				}
				a := appendSockaddr(nil, e.family, netip.MustParseAddrPort(e.addr))
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
				want = -int(eaddrinuse)
			}
			if got := bind(test.b); got != want {
				t.Errorf("the second bind: got %d, want %d", got, want)
			}
		})
	}
}

func TestEphemeralPorts(t *testing.T) {
	c := newCaller(t)
	c.want(0, "close", c.socket(afInet, sockStream))
	seen := map[uint16]bool{}
	for range 3 {
		fd := c.socket(afInet, sockStream)
		c.want(0, "bind", fd, addr4("0.0.0.0:0"), 16)
		port := c.files[fd].file.(socket).base().local.Port()
		if port%2 == 0 || seen[port] || int64(port) < c.sysctl.ipLocalPortRange[0] {
			t.Errorf("bind took port %d", port)
		}
		seen[port] = true
	}
	if err := c.SetSysctl("net.ipv4.ip_local_port_range", "40000 40001"); err != nil {
		t.Fatal(err)
	}
	c.want(0, "bind", c.socket(afInet, sockStream), addr4("0.0.0.0:0"), 16)
	c.want(0, "bind", c.socket(afInet, sockStream), addr4("0.0.0.0:0"), 16)
	c.want(-int(eaddrinuse), "bind", c.socket(afInet, sockStream), addr4("0.0.0.0:0"), 16)
	c.want(0, "bind", c.socket(afInet, sockDgram), addr4("0.0.0.0:0"), 16)
}

func TestPortInTimeWait(t *testing.T) {
	c := newCaller(t)
	fd := c.socket(afInet, sockDgram)
	c.want(0, "bind", fd, addr4("0.0.0.0:80"), 16)
	drop := c.keepPort(c.files[fd].file.(socket).base())
	c.want(0, "close", fd)
	fd = c.socket(afInet, sockDgram)
	c.want(-int(eaddrinuse), "bind", fd, addr4("0.0.0.0:80"), 16)
	drop()
	c.want(0, "bind", fd, addr4("0.0.0.0:80"), 16)
}

// A fakeFile is ready as the test says.
type fakeFile struct {
	always
	wait  waitQueue
	ready uint32
}

func (f *fakeFile) poll() uint32                             { return f.ready }
func (f *fakeFile) queue() *waitQueue                        { return &f.wait }
func (f *fakeFile) read(*task, [][]byte, bool) (int, errno)  { return 0, 0 }
func (f *fakeFile) write(*task, [][]byte, bool) (int, errno) { return 0, 0 }

// become makes things true and tells of them.
func (c *caller) become(f *fakeFile, mask uint32) {
	f.ready |= mask
	c.wake(&f.wait, mask)
	c.runTasks()
}

func (c *caller) fake(f *fakeFile) int {
	fd, _ := c.addFD(&openFile{file: f, flags: oRdwr}, 0, false)
	return fd
}

// events are what epoll_wait returns at once: the data's numbers, in order.
func (c *caller) events(ep, most int) string {
	out := make([]engine.EpollEvent, most)
	n := c.do("epoll_wait", ep, out, most, 0)
	if n < 0 {
		return fmt.Sprint(n)
	}
	var words []string
	for _, e := range out[:n] {
		words = append(words, fmt.Sprintf("%d:%x", e.Data, e.Events))
	}
	return strings.Join(words, " ")
}

func TestEpoll(t *testing.T) {
	c := newCaller(t)
	c.do("socket", afInet, sockStream, 0) // 3: so that the process exists
	a, b := &fakeFile{}, &fakeFile{}
	fa, fb := c.fake(a), c.fake(b)
	ep := c.do("epoll_create1", 0)
	add := func(op, fd int, events uint32, want int) {
		t.Helper()
		c.want(want, "epoll_ctl", ep, op, fd, []engine.EpollEvent{{Events: events, Data: uint64(fd)}})
	}
	check := func(most int, want string) {
		t.Helper()
		if got := c.events(ep, most); got != want {
			t.Errorf("epoll_wait: got %q, want %q", got, want)
		}
	}
	both := func(x, y string) string { return x + " " + y }
	ain, bin := fmt.Sprintf("%d:1", fa), fmt.Sprintf("%d:1", fb)

	add(epollCtlAdd, fa, epollIn, 0)
	add(epollCtlAdd, fa, epollIn, -int(eexist))
	add(epollCtlDel, fb, 0, -int(enoent))
	add(epollCtlMod, fb, epollIn, -int(enoent))
	add(epollCtlAdd, ep, epollIn, -int(einval))
	add(9, fa, epollIn, -int(einval))
	c.want(-int(efault), "epoll_ctl", ep, epollCtlAdd, fb, nil)
	c.want(-int(einval), "epoll_wait", ep, make([]engine.EpollEvent, 1), 0, 0)
	c.want(-int(einval), "epoll_wait", 3, make([]engine.EpollEvent, 1), 1, 0)
	add(epollCtlAdd, fb, epollIn, 0)
	check(4, "")

	// Level-triggered: in the order in which they became ready, again and again.
	c.become(b, epollIn)
	c.become(a, epollIn)
	check(4, both(bin, ain))
	check(4, both(bin, ain))
	check(1, bin)
	check(1, ain) // those who were told go behind
	check(1, bin)
	a.ready = 0
	check(4, bin)

	// Edge-triggered: once for each wake-up.
	add(epollCtlMod, fb, epollIn|epollEt, 0)
	check(4, bin)
	check(4, "")
	c.become(b, epollIn)
	c.become(b, epollIn)
	check(4, bin)
	check(4, "")
	c.become(b, epollOut) // isn't asked for
	check(4, "")
	c.become(b, epollErr) // always is, with what else is true
	check(4, fmt.Sprintf("%d:9", fb))
	check(4, "")
	b.ready = epollIn

	// Once only.
	add(epollCtlMod, fb, epollIn|epollOneshot, 0)
	check(4, bin)
	c.become(b, epollIn|epollErr)
	check(4, "")
	add(epollCtlMod, fb, epollIn|epollOneshot, 0)
	check(4, fmt.Sprintf("%d:9", fb))

	// A file that is gone is watched no longer, one with another descriptor is.
	b.ready = epollIn
	add(epollCtlMod, fb, epollIn, 0)
	dup := c.do("dup", fb)
	c.want(0, "close", fb)
	check(4, bin)
	c.want(0, "close", dup)
	check(4, "")
	if len(b.wait.watchers) != 0 {
		t.Error("a closed file is still watched")
	}
}

func TestEpollExclusive(t *testing.T) {
	c := newCaller(t)
	c.do("socket", afInet, sockStream, 0)
	f := &fakeFile{}
	fd := c.fake(f)
	ep := c.do("epoll_create1", 0)
	ev := func(events uint32) []engine.EpollEvent { return []engine.EpollEvent{{Events: events}} }
	c.want(-int(einval), "epoll_ctl", ep, epollCtlAdd, fd, ev(epollIn|epollExclusive|epollOneshot))
	c.want(0, "epoll_ctl", ep, epollCtlAdd, fd, ev(epollIn|epollExclusive))
	c.want(-int(einval), "epoll_ctl", ep, epollCtlMod, fd, ev(epollIn))
	other := c.do("epoll_create1", 0)
	c.want(0, "epoll_ctl", other, epollCtlAdd, fd, ev(epollIn|epollExclusive))
	wait := func(ep int) engine.Pending {
		return c.Begin(newCall("epoll_wait", ep, make([]engine.EpollEvent, 1), 1, -1))
	}
	first, second := wait(ep), wait(other)
	c.become(f, epollIn)
	if !first.Wait(0) || second.Wait(0) {
		t.Error("not only the first one was woken")
	}
}

func TestPollSleeps(t *testing.T) {
	c := newCaller(t)
	c.do("socket", afInet, sockStream, 0)
	f := &fakeFile{}
	fd := c.fake(f)
	fds := append(ints(fd), 1, 0, 0xff, 0)
	p := c.Begin(newCall("poll", fds, 1, 100))
	start := c.Now()
	if p.Wait(start + 50*time.Millisecond) {
		t.Fatal("poll returned with nothing ready")
	}
	c.become(f, epollIn)
	if !p.Wait(0) {
		t.Fatal("poll wasn't woken")
	}
	if r, _ := p.Result(); r.Ret != 1 || fds[6] != 1 {
		t.Errorf("poll returned %d, revents %x", r.Ret, fds[6])
	}
	f.ready = 0
	before := c.Now()
	c.want(0, "poll", fds, 1, 100)
	if d := c.Now() - before; d < 100*time.Millisecond || d > 101*time.Millisecond {
		t.Errorf("poll slept for %v", d)
	}
	c.want(1, "poll", append(ints(99), 1, 0, 0, 0), 1, 0) // POLLNVAL
	c.want(0, "poll", append(ints(-1), 1, 0, 0, 0), 1, 0)
	c.want(-int(efault), "poll", nil, 1, 0)
	c.want(-int(einval), "ppoll", fds, 1, ints(0, 0, 1_000_000_000, 0), nil)
}

func TestZerocopyReports(t *testing.T) {
	c := newCaller(t)
	fd := c.socket(afInet, sockDgram)
	sk := c.files[fd].file.(socket).base()
	sk.zerocopyDone(0, 0, true)
	sk.zerocopyDone(1, 3, true)
	sk.zerocopyDone(5, 5, false) // 4 isn't done yet
	for _, want := range [][3]uint32{{0, 3, 1}, {5, 5, 0}} {
		m := &engine.Msghdr{Name: make([]byte, 128), Control: make([]byte, 48)}
		c.want(0, "recvmsg", fd, m, msgErrqueue)
		e := m.Control[cmsgHeaderLen:]
		if got := [3]uint32{le.Uint32(e[8:]), le.Uint32(e[12:]), uint32(e[6])}; got != want || e[4] != soEeOriginZerocopy ||
			m.Flags != msgErrqueue || len(m.Name) != 0 {
			t.Errorf("got %v of origin %d, flags %x; want %v", got, e[4], m.Flags, want)
		}
	}
	c.want(-int(eagain), "recvmsg", fd, &engine.Msghdr{}, msgErrqueue)
}

func TestErrorQueueOrder(t *testing.T) {
	c := newCaller(t)
	fd := c.socket(afInet6, sockDgram)
	c.want(0, "setsockopt", fd, solSocket, soTimestamping, ints(sofSoftware|sofTxSoftware), 4)
	sk := c.files[fd].file.(socket).base()
	sk.queueError(&errEntry{errno: enomsg, origin: soEeOriginTimestamping, stamp: 5 * time.Second, payload: []byte("abc")})
	sk.queueError(&errEntry{errno: econnrefused, origin: soEeOriginIcmp, offender: netip.MustParseAddr("10.0.0.1"),
		name: netip.MustParseAddrPort("10.0.0.2:5")})
	sk.err = econnrefused
	m := &engine.Msghdr{Name: make([]byte, 128), Control: make([]byte, 200), Iov: [][]byte{make([]byte, 2)}}
	c.want(2, "recvmsg", fd, m, msgErrqueue)
	if m.Flags != msgErrqueue|msgTrunc || le.Uint32(m.Control[12:]) != scmTimestamping {
		t.Errorf("flags %x, control %x", m.Flags, m.Control)
	}
	next := m.Control[64:] // behind three timespecs
	if le.Uint32(next[8:]) != solIPv6 || le.Uint32(next[12:]) != ipv6Recverr || le.Uint64(next) != 60 {
		t.Errorf("the second control message: %x", next)
	}
	m = &engine.Msghdr{Name: make([]byte, 128), Control: make([]byte, 40)}
	c.want(0, "recvmsg", fd, m, msgErrqueue)
	if m.Flags != msgErrqueue|msgCtrunc || !slices.Equal(m.Name, addr6("[::ffff:10.0.0.2]:5")) {
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
	fd := c.socket(afInet, sockDgram)
	peer := addr4("192.0.2.1:53")
	c.want(-int(edestaddrreq), "write", fd, []byte("x"), 1)
	c.want(0, "setsockopt", fd, solIP, ipRecverr, ints(1), 4)
	c.want(0, "connect", fd, peer, 16)
	c.want(5, "write", fd, []byte("hello"), 5)
	c.want(0, "setsockopt", fd, solUDP, udpCork, ints(1), 4)
	c.want(3, "send", fd, []byte("abc"), 3, 0)
	c.want(3, "send", fd, []byte("def"), 3, 0)
	c.want(0, "setsockopt", fd, solUDP, udpCork, ints(0), 4)
	c.want(0, "setsockopt", fd, solUDP, udpSegment, ints(2), 4)
	c.want(3, "send", fd, []byte("123"), 3, 0)
	c.want(0, "setsockopt", fd, solUDP, udpSegment, ints(0), 4)
	c.want(4000, "send", fd, make([]byte, 4000), 4000, 0) // three fragments
	var sizes []int
	sent := c.packets()
	for _, p := range sent {
		sizes = append(sizes, len(p.Payload))
	}
	if want := []int{5, 6, 2, 1, 1472, 1480, 1048}; !slices.Equal(sizes, want) {
		t.Errorf("sent %v, want %v", sizes, want)
	}
	c.want(0, "setsockopt", fd, solIP, ipMtuDiscover, ints(ipPmtudiscDo), 4)
	c.want(-int(emsgsize), "send", fd, make([]byte, 4000), 4000, 0)
	m := &engine.Msghdr{Control: make([]byte, 100)}
	c.want(0, "recvmsg", fd, m, msgErrqueue)
	if e := m.Control[16:]; le.Uint32(e) != uint32(emsgsize) || e[4] != soEeOriginLocal || le.Uint32(e[8:]) != 1500 {
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
	c.want(-int(econnrefused), "send", fd, []byte("x"), 1, 0)
	m = &engine.Msghdr{Name: make([]byte, 16), Control: make([]byte, 100), Iov: [][]byte{make([]byte, 8)}}
	c.want(1, "recvmsg", fd, m, msgErrqueue)
	if e := m.Control[16:]; e[4] != soEeOriginIcmp || e[5] != 3 || e[6] != 3 || !slices.Equal(m.Name, peer) {
		t.Errorf("of the ICMP error: %x, name %x", e, m.Name)
	}
}

// Whatever a script passes, nothing panics.
func TestAnyCall(t *testing.T) {
	const tries = 20000
	names := make([]string, 0, len(syscalls))
	for name := range syscalls {
		names = append(names, name)
	}
	slices.Sort(names)
	random := rand.New(rand.NewPCG(1, 2))
	var c *caller
	for i := range tries {
		if i%500 == 0 {
			c = newCaller(t)
			for _, family := range []int{afInet, afInet6} {
				c.want(0, "fcntl", c.socket(family, sockStream), fSetfl, oNonblock)
				c.want(0, "fcntl", c.socket(family, sockDgram), fSetfl, oNonblock)
			}
			c.do("pipe2", make([]byte, 8), oNonblock)
			c.do("epoll_create1", 0)
			c.do("open", "/tmp/x", oRdwr|oCreat)
		}
		name := names[random.IntN(len(names))]
		if name == "close" && random.IntN(10) > 0 {
			continue
		}
		var args []any
		for n := range 6 {
			switch k := random.IntN(10); {
			case n == 0 && k > 0:
				args = append(args, 3+random.IntN(9))
			case k < 5:
				args = append(args, []int{0, 1, -1, 2, 3, 6, 16, 28, 41, 17, random.IntN(90)}[random.IntN(11)])
			case k == 5:
				args = append(args, addr4("192.0.2.1:80"))
			case k == 6:
				args = append(args, addr6("[::ffff:192.0.2.1]:80"))
			case k == 7:
				args = append(args, &engine.Msghdr{Iov: [][]byte{make([]byte, 3)}, Control: make([]byte, random.IntN(40)), Name: addr4("192.0.2.1:80")})
			case k == 8:
				args = append(args, []engine.EpollEvent{{Events: random.Uint32()}})
			default:
				args = append(args, make([]byte, random.IntN(70)))
			}
		}
		call := newCall(name, args...)
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
