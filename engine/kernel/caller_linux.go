package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
	"tcpdrill/engine/causes"
)

// maxCallers is how many calls may block at a time: each keeps a processor of
// Go's.
const maxCallers = 8

// How far a caller's call has come.
const (
	callQueued = iota
	callEntered
	callReturned
)

// A caller is a thread that makes calls which may block.
type caller struct {
	t       *Target
	request event // set when there is a call to make
	done    event // set when it has returned
	stat    int   // descriptor of the thread's /proc/…/stat
	busy    bool

	state atomic.Int32
	r     *request
	ret   int64
	errno unix.Errno
	end   time.Duration
}

// newCaller starts a caller's thread and waits until it is ready.
func newCaller(t *Target) (*caller, error) {
	c := &caller{t: t}
	var err error
	if c.request, err = newEvent(); err != nil {
		return nil, err
	}
	if c.done, err = newEvent(); err != nil {
		return nil, err
	}
	ready := make(chan error)
	go c.run(ready)
	return c, <-ready
}

func (c *caller) run(ready chan<- error) {
	// Its /proc/…/stat and capabilities are the thread's.
	runtime.LockOSThread()
	var err error
	c.stat, err = unix.Open("/proc/thread-self/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		ready <- &os.PathError{Op: "open", Path: "/proc/thread-self/stat", Err: err}
		return
	}
	ready <- nil
	for {
		c.request.wait()
		c.t.caps.apply()
		c.state.Store(callEntered)
		c.ret, c.errno, c.end = c.r.doTimed()
		c.end -= c.t.monotonic
		c.state.Store(callReturned)
		c.done.set()
	}
}

// sleeping reports whether the thread sleeps. Once it has entered its call, it
// then sleeps in that.
func (c *caller) sleeping() (bool, error) { return asleep(uintptr(c.stat)) }

// asleep reports whether the thread sleeps on whose /proc/…/stat a descriptor is open.
func asleep(stat uintptr) (bool, error) {
	var buf [512]byte
	n, _, errno := unix.RawSyscall6(unix.SYS_PREAD64, stat,
		uintptr(unsafe.Pointer(&buf)), uintptr(len(buf)), 0, 0, 0)
	if errno != 0 {
		return false, os.NewSyscallError("read of a thread's stat", errno)
	}
	// The state follows the name, which is in parentheses and may have some.
	b := buf[:n]
	i := bytes.LastIndexByte(b, ')')
	if i < 0 || i+2 >= len(b) {
		return false, errors.New("a thread's stat has no state")
	}
	return b[i+2] == 'S', nil
}

// begin makes the call and returns when it has returned or sleeps.
func (c *caller) begin(r *request) error {
	c.busy = true
	c.r = r
	c.state.Store(callQueued)
	c.request.set()
	for {
		switch c.state.Load() {
		case callReturned:
			return nil
		case callEntered:
			if asleep, err := c.sleeping(); asleep || err != nil {
				return err
			}
		}
		// The thread may be waiting for our CPU.
		unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
	}
}

// Begin implements engine.Sockets.
func (t *Target) Begin(call *engine.Call) engine.Pending {
	r, err := prepare(call)
	if err != nil {
		return &failed{engine.Result{Ret: -1, Err: err}, t.Now()}
	}
	if r.capSet { // never blocks
		return &failed{t.Call(call), t.Now()}
	}
	c, err := t.idleCaller()
	what := eventOf(call)
	if err == nil {
		t.step(callStep)
		t.do(what)
		err = c.begin(r)
	}
	end := t.Now()
	t.drain()
	if err != nil {
		return &failed{engine.Result{Ret: -1, Err: err}, t.Now()}
	}
	t.did(end)
	t.blocked++
	if t.book != nil {
		t.book.Sleep(what)
	}
	return &pending{c: c, t: t, what: what}
}

func (t *Target) idleCaller() (*caller, error) {
	for _, c := range t.callers {
		if !c.busy {
			return c, nil
		}
	}
	if len(t.callers) == maxCallers {
		return nil, fmt.Errorf("more than %d blocking system calls are under way", maxCallers)
	}
	c, err := newCaller(t)
	if err != nil {
		return nil, err
	}
	t.callers = append(t.callers, c)
	return c, nil
}

// A pending is a call that a caller makes.
type pending struct {
	t      *Target
	c      *caller // nil once it has ended
	what   *causes.Event
	call   *engine.Call
	result engine.Result
	end    time.Duration
}

// Wait implements engine.Pending.
func (p *pending) Wait(until time.Duration) bool {
	if p.c == nil {
		return true
	}
	p.t.readBefore(until)
	fds := []unix.PollFd{{Fd: int32(p.c.done), Events: unix.POLLIN}}
	if ready, _ := p.t.poll(fds, until); !ready {
		return false
	}
	p.c.done.wait()
	p.call = p.c.r.call
	p.result, p.end = p.t.finish(p.c.r, p.c.ret, p.c.errno), p.c.end
	p.t.blocked--
	p.c.r, p.c.busy = nil, false
	p.c = nil
	p.t.advance(p.end)
	p.t.drain()
	if p.t.book != nil {
		p.t.collect(false)
		p.t.book.Wake(p.what)
		p.t.called(p.call, p.result.Ret)
	}
	return true
}

// Result implements engine.Pending.
func (p *pending) Result() (engine.Result, time.Duration) { return p.result, p.end }

// failed is a call that ended before a thread could have it.
type failed struct {
	result engine.Result
	end    time.Duration
}

func (f *failed) Wait(time.Duration) bool { return true }

func (f *failed) Result() (engine.Result, time.Duration) { return f.result, f.end }

// Call implements engine.Sockets. The call is made on the engine's own thread,
// and may sleep there: the other threads don't need it.
func (t *Target) Call(call *engine.Call) engine.Result {
	r, err := prepare(call)
	if err != nil {
		return engine.Result{Ret: -1, Err: err}
	}
	if r.capSet {
		return t.caps.set(call)
	}
	t.step(callStep)
	what := eventOf(call)
	t.do(what)
	begin := t.Now()
	ret, errno, end := r.doTimed()
	end -= t.monotonic
	t.catchUp(end)
	what.Slept = t.Now()-begin > sleptFrom
	t.letOthers()
	t.drain()
	t.did(end)
	result := t.finish(r, ret, errno)
	t.called(call, result.Ret)
	return result
}

// sleptFrom is how long a call takes that has slept. Others take a tenth of that.
const sleptFrom = 500 * time.Microsecond

// finish gives a call's result, after what the target does on top of it.
func (t *Target) finish(r *request, ret int64, errno unix.Errno) engine.Result {
	if r.call.Name == "socket" && errno == 0 && t.congestion != "" {
		if err := t.setCongestion(r, int(ret)); err != nil {
			unix.Close(int(ret))
			return engine.Result{Ret: -1, Err: err}
		}
	}
	result := r.result(ret, errno)
	runtime.KeepAlive(r)
	return result
}

// setCongestion gives a new TCP socket the congestion control that the script
// asked for by sysctl. Sockets which a listener accepts take over the
// listener's (inet_csk_clone_lock copies icsk_ca_setsockopt).
func (t *Target) setCongestion(r *request, fd int) error {
	family, typ, protocol := int(r.args[0]), int(r.args[1]), int(r.args[2])
	if family != unix.AF_INET && family != unix.AF_INET6 ||
		typ&^(unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC) != unix.SOCK_STREAM ||
		protocol != 0 && protocol != unix.IPPROTO_TCP {
		return nil
	}
	err := unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, t.congestion)
	if err == unix.ENOENT {
		return &engine.UnsupportedError{What: "congestion control " + t.congestion}
	}
	return os.NewSyscallError("setsockopt TCP_CONGESTION "+t.congestion, err)
}
