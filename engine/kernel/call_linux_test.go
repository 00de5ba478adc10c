package kernel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
)

func init() {
	jobs["begin"] = beginJob
	jobs["capset"] = capSetJob
}

// callTarget is a Target for calls alone, in this process.
func callTarget(t *testing.T) *Target {
	c, err := newClock()
	if err != nil {
		t.Fatal(err)
	}
	tt := &Target{}
	tt.clock = c
	tt.pinned = true // there is no device to drain
	return tt
}

// call makes a call that must succeed.
func call(t *testing.T, tt *Target, name string, args ...engine.Arg) int64 {
	t.Helper()
	ret, err := must(tt, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return ret
}

func i32(b []byte) int64 { return int64(int32(binary.NativeEndian.Uint32(b))) }

func pipe(t *testing.T, tt *Target) (r, w int64) {
	b := make([]byte, 8)
	call(t, tt, "pipe", buf(b))
	t.Cleanup(func() {
		unix.Close(int(i32(b)))
		unix.Close(int(i32(b[4:])))
	})
	return i32(b), i32(b[4:])
}

// udp returns a socket bound to a port of the loopback device, and its address.
func udp(t *testing.T, tt *Target) (fd int64, addr []byte) {
	fd = call(t, tt, "socket", num(unix.AF_INET), num(unix.SOCK_DGRAM), num(0))
	t.Cleanup(func() { unix.Close(int(fd)) })
	addr = sockaddr4(0, [4]byte{127, 0, 0, 1})
	call(t, tt, "bind", num(fd), buf(addr), num(16))
	size := []byte{16, 0, 0, 0}
	call(t, tt, "getsockname", num(fd), buf(addr), buf(size))
	return fd, addr
}

func TestReadWrite(t *testing.T) {
	tt := callTarget(t)
	r, w := pipe(t, tt)
	if n := call(t, tt, "write", num(w), buf([]byte("hello ")), num(6)); n != 6 {
		t.Errorf("write = %d", n)
	}
	call(t, tt, "writev", num(w), engine.Arg{Iov: [][]byte{[]byte("wor"), []byte("ld")}}, num(2))
	one, two := make([]byte, 4), make([]byte, 10)
	if n := call(t, tt, "readv", num(r), engine.Arg{Iov: [][]byte{one, two}}, num(2)); n != 11 {
		t.Errorf("readv = %d", n)
	}
	if got := string(one) + string(two[:7]); got != "hello world" {
		t.Errorf("read %q", got)
	}
	flags := call(t, tt, "fcntl", num(r), num(unix.F_GETFL), num(0))
	call(t, tt, "fcntl", num(r), num(unix.F_SETFL), num(flags|unix.O_NONBLOCK))
	res := tt.Call(&engine.Call{Name: "read", Args: []engine.Arg{num(r), buf(one), num(4)}})
	if res.Ret != -1 || res.Errno != int(unix.EAGAIN) {
		t.Errorf("read of an empty pipe: %+v", res)
	}
}

func TestMessages(t *testing.T) {
	tt := callTarget(t)
	from, fromAddr := udp(t, tt)
	to, toAddr := udp(t, tt)
	on := []byte{1, 0, 0, 0}
	call(t, tt, "setsockopt", num(to), num(unix.IPPROTO_IP), num(unix.IP_RECVTTL), buf(on), num(4))

	call(t, tt, "sendmsg", num(from), engine.Arg{Msg: &engine.Msghdr{
		Name: toAddr, Iov: [][]byte{[]byte("ab"), []byte("cd")},
	}}, num(0))
	in := engine.Msghdr{
		Name: make([]byte, 100), Iov: [][]byte{make([]byte, 3)}, Control: make([]byte, 100),
	}
	n := call(t, tt, "recvmsg", num(to), engine.Arg{Msg: &in}, num(0))
	switch {
	case n != 3 || string(in.Iov[0]) != "abc":
		t.Errorf("recvmsg = %d, %q", n, in.Iov[0])
	case !bytes.Equal(in.Name, fromAddr):
		t.Errorf("from %x, want %x", in.Name, fromAddr)
	case in.Flags != unix.MSG_TRUNC:
		t.Errorf("flags %#x", in.Flags)
	case len(in.Control) != unix.CmsgSpace(4) || in.Control[unix.SizeofCmsghdr] != 64:
		t.Errorf("control %x", in.Control)
	}

	out := []engine.Mmsghdr{
		{Msghdr: engine.Msghdr{Name: toAddr, Iov: [][]byte{[]byte("one")}}},
		{Msghdr: engine.Msghdr{Name: toAddr, Iov: [][]byte{[]byte("three")}}},
	}
	if n := call(t, tt, "sendmmsg", num(from), engine.Arg{Msgs: out}, num(2), num(0)); n != 2 || out[1].Len != 5 {
		t.Errorf("sendmmsg = %d, %+v", n, out)
	}
	ins := make([]engine.Mmsghdr, 3)
	for i := range ins {
		ins[i].Name, ins[i].Iov = make([]byte, 16), [][]byte{make([]byte, 10)}
	}
	n = call(t, tt, "recvmmsg", num(to), engine.Arg{Msgs: ins}, num(3), num(unix.MSG_DONTWAIT), num(0))
	if n != 2 || ins[0].Len != 3 || ins[1].Len != 5 || string(ins[1].Iov[0][:5]) != "three" {
		t.Errorf("recvmmsg = %d, %+v", n, ins)
	}

	call(t, tt, "sendto", num(from), buf([]byte("x")), num(1), num(0), buf(toAddr), num(16))
	addr, size := make([]byte, 16), []byte{16, 0, 0, 0}
	if n := call(t, tt, "recvfrom", num(to), buf(make([]byte, 5)), num(5), num(0), buf(addr), buf(size)); n != 1 || !bytes.Equal(addr, fromAddr) {
		t.Errorf("recvfrom = %d from %x", n, addr)
	}
	call(t, tt, "connect", num(from), buf(toAddr), num(16))
	call(t, tt, "send", num(from), buf([]byte("yz")), num(2), num(0))
	pending := make([]byte, 4)
	call(t, tt, "ioctl", num(to), num(unix.SIOCINQ), buf(pending))
	if n := call(t, tt, "recv", num(to), buf(make([]byte, 5)), num(5), num(0)); n != 2 || i32(pending) != 2 {
		t.Errorf("recv = %d, SIOCINQ %d", n, i32(pending))
	}
}

func TestPoll(t *testing.T) {
	tt := callTarget(t)
	r, w := pipe(t, tt)
	fds := make([]byte, 8)
	binary.NativeEndian.PutUint32(fds, uint32(r))
	binary.NativeEndian.PutUint16(fds[4:], unix.POLLIN)
	// Here, unlike in a worker, Go's runtime wakes sleepers by signals now and
	// then.
	begun := time.Now()
	res := tt.Call(&engine.Call{Name: "poll", Args: []engine.Arg{buf(fds), num(1), num(20)}})
	if res.Errno != int(unix.EINTR) && (res.Ret != 0 || time.Since(begun) < 20*time.Millisecond) {
		t.Errorf("poll: %+v after %v", res, time.Since(begun))
	}

	for _, create := range []string{"epoll_create", "epoll_create1"} {
		arg := int64(1) // a size
		if create == "epoll_create1" {
			arg = unix.EPOLL_CLOEXEC
		}
		ep := call(t, tt, create, num(arg))
		defer unix.Close(int(ep))
		events := []engine.EpollEvent{{Events: unix.EPOLLIN, Data: 0x1234567890abcdef}}
		call(t, tt, "epoll_ctl", num(ep), num(unix.EPOLL_CTL_ADD), num(r), engine.Arg{Epoll: events})
		got := make([]engine.EpollEvent, 2)
		if n := call(t, tt, "epoll_wait", num(ep), engine.Arg{Epoll: got}, num(2), num(0)); n != 0 {
			t.Errorf("epoll_wait = %d", n)
		}
		call(t, tt, "write", num(w), buf([]byte("x")), num(1))
		n := call(t, tt, "epoll_wait", num(ep), engine.Arg{Epoll: got}, num(2), num(-1))
		if n != 1 || got[0] != events[0] {
			t.Errorf("epoll_wait = %d, %+v", n, got)
		}
		if n := call(t, tt, "poll", buf(fds), num(1), num(-1)); n != 1 || fds[6] != unix.POLLIN {
			t.Errorf("poll = %d, %x", n, fds)
		}
		call(t, tt, "read", num(r), buf(make([]byte, 1)), num(1))
	}
	if r := tt.Call(&engine.Call{Name: "epoll_create", Args: []engine.Arg{num(0)}}); r.Errno != int(unix.EINVAL) {
		t.Errorf("epoll_create(0): %+v", r)
	}
}

func TestFiles(t *testing.T) {
	tt := callTarget(t)
	name := t.TempDir() + "/file"
	if err := os.WriteFile(name, []byte("0123456789"), 0o644); err != nil {
		t.Fatal(err)
	}
	fd := call(t, tt, "open", buf(append([]byte(name), 0)), num(unix.O_RDONLY))
	twin := call(t, tt, "dup", num(fd))
	defer call(t, tt, "close", num(twin))
	defer call(t, tt, "close", num(fd))
	r, w := pipe(t, tt)
	offset := int64(2)
	if n := call(t, tt, "splice", num(twin), engine.Arg{Offset: &offset}, num(w), num(0), num(3), num(0)); n != 3 || offset != 5 {
		t.Errorf("splice = %d, offset %d", n, offset)
	}
	to, toAddr := udp(t, tt)
	from, _ := udp(t, tt)
	call(t, tt, "connect", num(from), buf(toAddr), num(16))
	if n := call(t, tt, "sendfile", num(from), num(fd), engine.Arg{Offset: &offset}, num(4)); n != 4 || offset != 9 {
		t.Errorf("sendfile = %d, offset %d", n, offset)
	}
	b := make([]byte, 10)
	call(t, tt, "read", num(r), buf(b), num(10))
	call(t, tt, "recv", num(to), buf(b[3:]), num(7), num(0))
	if string(b[:7]) != "2345678" {
		t.Errorf("got %q", b)
	}
}

func TestUnsupportedCalls(t *testing.T) {
	tt := callTarget(t)
	for _, name := range []string{"psp_rx_assoc", "fork"} {
		r := tt.Call(&engine.Call{Name: name})
		var unsupported *engine.UnsupportedError
		if !errors.As(r.Err, &unsupported) || !strings.Contains(unsupported.What, name) {
			t.Errorf("%s: %+v", name, r)
		}
		p := tt.Begin(&engine.Call{Name: name})
		if r, _ := p.Result(); !p.Wait(0) || r.Err == nil {
			t.Errorf("%s, begun: %+v", name, r)
		}
	}
}

func beginJob(t *Target, arg string, emit func([]byte)) error {
	fds := make([]byte, 8)
	if _, err := must(t, "pipe", buf(fds)); err != nil {
		return err
	}
	r, w := i32(fds), i32(fds[4:])
	in := make([]byte, 10)
	p := t.Begin(&engine.Call{Name: "read", Args: []engine.Arg{num(r), buf(in), num(10)}})
	if p.Wait(t.Now() + 10*time.Millisecond) {
		return errors.New("read an empty pipe")
	}
	before := t.Now()
	wrote := t.Begin(&engine.Call{Name: "write", Args: []engine.Arg{num(w), buf([]byte("abc")), num(3)}})
	if !wrote.Wait(0) {
		return errors.New("write is under way")
	}
	if !p.Wait(engine.Forever) {
		return errors.New("read is under way")
	}
	res, end := p.Result()
	if end < before || end > t.Now() {
		return fmt.Errorf("read ended at %v, after %v", end, before)
	}
	emit(fmt.Appendf(nil, "read = %d %q, %d threads", res.Ret, in[:3], len(t.callers)))

	var last engine.Pending
	for range maxCallers + 1 {
		last = t.Begin(&engine.Call{Name: "read", Args: []engine.Arg{num(r), buf(in), num(10)}})
	}
	res, _ = last.Result()
	emit(fmt.Appendf(nil, "too many: %v, %v", last.Wait(0), res.Err))
	return nil
}

// A call that returns at once has been made when Begin returns.
func TestBegin(t *testing.T) {
	needKernel(t)
	want := "read = 3 \"abc\", 2 threads\n" +
		"too many: true, more than 8 blocking system calls are under way\n"
	if out, err := run(t, "begin"); out != want || err != nil {
		t.Errorf("%s%v", out, err)
	}
}

// cap_set takes a capability from all threads that make a script's calls.
func capSetJob(t *Target, arg string, emit func([]byte)) error {
	fd, err := must(t, "socket", num(unix.AF_INET), num(unix.SOCK_STREAM), num(0))
	if err != nil {
		return err
	}
	// SO_MARK is for CAP_NET_ADMIN (and CAP_NET_RAW, which goes too).
	mark := &engine.Call{Name: "setsockopt", Args: []engine.Arg{
		num(fd), num(unix.SOL_SOCKET), num(unix.SO_MARK), buf([]byte{1, 0, 0, 0}), num(4)}}
	try := func(when string) {
		p := t.Begin(mark)
		p.Wait(engine.Forever)
		r, _ := p.Result()
		emit(fmt.Appendf(nil, "%s: errno %d, elsewhere %d", when, t.Call(mark).Errno, r.Errno))
	}
	try("before")
	for _, c := range []int64{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW} {
		if _, err := must(t, "cap_set", num(capEffective), num(c), num(0)); err != nil {
			return err
		}
	}
	try("without")
	for _, c := range []int64{unix.CAP_NET_ADMIN, unix.CAP_NET_RAW} {
		if _, err := must(t, "cap_set", num(capEffective), num(c), num(1)); err != nil {
			return err
		}
	}
	try("again")
	return nil
}

func TestCapSet(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		want := "before: errno 0, elsewhere 0\nwithout: errno 1, elsewhere 1\nagain: errno 0, elsewhere 0\n"
		if out, err := run(t, "capset"); out != want || err != nil {
			t.Errorf("%s%v", out, err)
		}
	})
}

func TestChecksumPlace(t *testing.T) {
	tcp := segment(ack, 1, 1, nil, nil)
	if start, offset, err := checksumPlace(tcp); start != 20 || offset != 16 || err != nil {
		t.Errorf("TCP: %d, %d, %v", start, offset, err)
	}
	udp6 := make([]byte, 48)
	udp6[0], udp6[6] = 0x60, unix.IPPROTO_UDP
	if start, offset, err := checksumPlace(udp6); start != 40 || offset != 6 || err != nil {
		t.Errorf("UDP over IPv6: %d, %d, %v", start, offset, err)
	}
	icmp := make([]byte, 28)
	icmp[0], icmp[9] = 0x45, unix.IPPROTO_ICMP
	if _, _, err := checksumPlace(icmp); err == nil {
		t.Error("ICMP: no error")
	}
}

// A packet was held at t if it was sent before and left the queue after.
func TestHeld(t *testing.T) {
	const ms = time.Millisecond
	l := &link{}
	send := func(at time.Duration) (held time.Duration) {
		held = l.heldAt(at)
		l.sent[l.received%keptReleases] = at
		l.received++
		return held
	}
	release := func(at time.Duration) {
		l.releasedAt[l.released.Add(1)-1].Store(int64(at))
	}
	check := func(what string, got, want time.Duration) {
		t.Helper()
		if got != want {
			t.Errorf("%s: held for %v, want %v", what, got, want)
		}
	}
	check("the first", send(1*ms), 0)
	check("in a burst", send(1*ms+5000), 5000)
	release(2 * ms)
	release(2 * ms)
	check("after they were released", send(3*ms), 0)
	check("before the release", send(5*ms), 2*ms)
	release(4 * ms) // of the third, before the fourth was sent
	check("the third went, the fourth not", send(6*ms), 1*ms)
	release(9 * ms)
	release(9 * ms)
	check("as it was at the time", send(8*ms), 3*ms)
	check("and later", send(10*ms), 2*ms)
}
