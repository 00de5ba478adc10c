package process

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
	"tcpdrill/engine/enginetest"
)

// A stillMachine is one whose time stands still and which has no sockets.
type stillMachine struct{}

func (stillMachine) Now() time.Duration                                 { return time.Second }
func (stillMachine) SocketDeadline(timeout time.Duration) time.Duration { return time.Second + timeout }
func (stillMachine) Alarm(time.Duration, bool, func()) (stop func())    { return func() {} }
func (stillMachine) NewSocket(*Task, int, int, int) (Socket, abi.Errno) { return nil, abi.EAFNOSUPPORT }

// A caller makes system calls and says what they must return.
type caller struct {
	t *testing.T
	Process
}

func newCaller(t *testing.T) *caller {
	c := &caller{t: t}
	c.Init(stillMachine{})
	return c
}

// do makes a call and returns its result, an error negative.
func (c *caller) do(name string, args ...any) int {
	c.t.Helper()
	task := c.Make(enginetest.NewCall(name, args...))
	if !task.Done() {
		c.t.Fatalf("%s: it sleeps", name)
	}
	r := task.Result()
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

// A fakeFile is ready as the test says.
type fakeFile struct {
	always
	wait  WaitQueue
	ready uint32
}

func (f *fakeFile) Poll() uint32                                 { return f.ready }
func (f *fakeFile) Queue() *WaitQueue                            { return &f.wait }
func (f *fakeFile) Read(*Task, [][]byte, bool) (int, abi.Errno)  { return 0, 0 }
func (f *fakeFile) Write(*Task, [][]byte, bool) (int, abi.Errno) { return 0, 0 }

// become makes things true and tells of them.
func (c *caller) become(f *fakeFile, mask uint32) {
	f.ready |= mask
	f.wait.Wake(mask)
	c.RunTasks()
}

func (c *caller) fake(f *fakeFile) int {
	fd, _ := c.addFD(&openFile{File: f, flags: abi.ORdwr}, 0, false)
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
	c.do("pipe", make([]byte, 8)) // 3, 4
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

	add(abi.EpollCtlAdd, fa, abi.EpollIn, 0)
	add(abi.EpollCtlAdd, fa, abi.EpollIn, -int(abi.EEXIST))
	add(abi.EpollCtlDel, fb, 0, -int(abi.ENOENT))
	add(abi.EpollCtlMod, fb, abi.EpollIn, -int(abi.ENOENT))
	add(abi.EpollCtlAdd, ep, abi.EpollIn, -int(abi.EINVAL))
	add(9, fa, abi.EpollIn, -int(abi.EINVAL))
	c.want(-int(abi.EFAULT), "epoll_ctl", ep, abi.EpollCtlAdd, fb, nil)
	c.want(-int(abi.EINVAL), "epoll_wait", ep, make([]engine.EpollEvent, 1), 0, 0)
	c.want(-int(abi.EINVAL), "epoll_wait", 3, make([]engine.EpollEvent, 1), 1, 0)
	add(abi.EpollCtlAdd, fb, abi.EpollIn, 0)
	check(4, "")

	// Level-triggered: in the order in which they became ready, again and again.
	c.become(b, abi.EpollIn)
	c.become(a, abi.EpollIn)
	check(4, both(bin, ain))
	check(4, both(bin, ain))
	check(1, bin)
	check(1, ain) // those who were told go behind
	check(1, bin)
	a.ready = 0
	check(4, bin)

	// Edge-triggered: once for each wake-up.
	add(abi.EpollCtlMod, fb, abi.EpollIn|abi.EpollEt, 0)
	check(4, bin)
	check(4, "")
	c.become(b, abi.EpollIn)
	c.become(b, abi.EpollIn)
	check(4, bin)
	check(4, "")
	c.become(b, abi.EpollOut) // isn't asked for
	check(4, "")
	c.become(b, abi.EpollErr) // always is, with what else is true
	check(4, fmt.Sprintf("%d:9", fb))
	check(4, "")
	b.ready = abi.EpollIn

	// Once only.
	add(abi.EpollCtlMod, fb, abi.EpollIn|abi.EpollOneshot, 0)
	check(4, bin)
	c.become(b, abi.EpollIn|abi.EpollErr)
	check(4, "")
	add(abi.EpollCtlMod, fb, abi.EpollIn|abi.EpollOneshot, 0)
	check(4, fmt.Sprintf("%d:9", fb))

	// A file that is gone is watched no longer, one with another descriptor is.
	b.ready = abi.EpollIn
	add(abi.EpollCtlMod, fb, abi.EpollIn, 0)
	dup := c.do("dup", fb)
	c.want(0, "close", fb)
	check(4, bin)
	c.want(0, "close", dup)
	check(4, "")
	if !b.wait.Empty() {
		t.Error("a closed file is still watched")
	}
}

func TestEpollExclusive(t *testing.T) {
	c := newCaller(t)
	c.do("pipe", make([]byte, 8))
	f := &fakeFile{}
	fd := c.fake(f)
	ep := c.do("epoll_create1", 0)
	ev := func(events uint32) []engine.EpollEvent { return []engine.EpollEvent{{Events: events}} }
	c.want(-int(abi.EINVAL), "epoll_ctl", ep, abi.EpollCtlAdd, fd, ev(abi.EpollIn|abi.EpollExclusive|abi.EpollOneshot))
	c.want(0, "epoll_ctl", ep, abi.EpollCtlAdd, fd, ev(abi.EpollIn|abi.EpollExclusive))
	c.want(-int(abi.EINVAL), "epoll_ctl", ep, abi.EpollCtlMod, fd, ev(abi.EpollIn))
	other := c.do("epoll_create1", 0)
	c.want(0, "epoll_ctl", other, abi.EpollCtlAdd, fd, ev(abi.EpollIn|abi.EpollExclusive))
	wait := func(ep int) *Task {
		return c.Make(enginetest.NewCall("epoll_wait", ep, make([]engine.EpollEvent, 1), 1, -1))
	}
	first, second := wait(ep), wait(other)
	c.become(f, abi.EpollIn)
	if !first.Done() || second.Done() {
		t.Error("not only the first one was woken")
	}
}
