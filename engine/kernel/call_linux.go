package kernel

import (
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
)

// numbers are the language's calls under their own numbers, with the
// arguments as the language has them. Where an architecture lacks a call
// (arm64 has no poll), its modern form stands in prepare.
var numbers = map[string]uintptr{
	"socket":        unix.SYS_SOCKET,
	"bind":          unix.SYS_BIND,
	"listen":        unix.SYS_LISTEN,
	"accept":        unix.SYS_ACCEPT,
	"accept4":       unix.SYS_ACCEPT4,
	"connect":       unix.SYS_CONNECT,
	"getsockname":   unix.SYS_GETSOCKNAME,
	"getpeername":   unix.SYS_GETPEERNAME,
	"read":          unix.SYS_READ,
	"readv":         unix.SYS_READV,
	"recvfrom":      unix.SYS_RECVFROM,
	"recvmsg":       unix.SYS_RECVMSG,
	"recvmmsg":      unix.SYS_RECVMMSG,
	"write":         unix.SYS_WRITE,
	"writev":        unix.SYS_WRITEV,
	"sendto":        unix.SYS_SENDTO,
	"sendmsg":       unix.SYS_SENDMSG,
	"sendmmsg":      unix.SYS_SENDMMSG,
	"fcntl":         unix.SYS_FCNTL,
	"ioctl":         unix.SYS_IOCTL,
	"close":         unix.SYS_CLOSE,
	"shutdown":      unix.SYS_SHUTDOWN,
	"getsockopt":    unix.SYS_GETSOCKOPT,
	"setsockopt":    unix.SYS_SETSOCKOPT,
	"sendfile":      unix.SYS_SENDFILE,
	"splice":        unix.SYS_SPLICE,
	"epoll_create1": unix.SYS_EPOLL_CREATE1,
	"epoll_ctl":     unix.SYS_EPOLL_CTL,
	"pipe2":         unix.SYS_PIPE2,
	"dup":           unix.SYS_DUP,
	"recv":          unix.SYS_RECVFROM, // and no address
	"send":          unix.SYS_SENDTO,
	"open":          unix.SYS_OPENAT,        // from the working directory
	"poll":          unix.SYS_PPOLL,         // timeout in ms
	"ppoll":         unix.SYS_PPOLL,         // no signal mask's size
	"epoll_create":  unix.SYS_EPOLL_CREATE1, // a size, which must be positive
	"epoll_wait":    unix.SYS_EPOLL_PWAIT,   // no signal mask
	"pipe":          unix.SYS_PIPE2,         // no flags
}

// sigsetSize is what the kernel wants as sizeof(sigset_t).
const sigsetSize = 8

// A request is a call ready to be made.
type request struct {
	call   *engine.Call
	number uintptr
	args   [6]uintptr
	// What args point to: a uintptr keeps nothing alive.
	alive []unsafe.Pointer
	// after copies results that the kernel left in structures of ours.
	after  []func(ret int64)
	errno  unix.Errno // of a call that isn't made since it must fail
	capSet bool
}

// prepare translates a call.
func prepare(c *engine.Call) (*request, error) {
	r := &request{call: c}
	if c.Name == "cap_set" {
		r.capSet = true
		return r, nil
	}
	number, ok := numbers[c.Name]
	if !ok {
		what := "system call " + c.Name
		if strings.HasPrefix(c.Name, "psp_") {
			what += " (PSP needs a network card)"
		}
		return nil, &engine.UnsupportedError{What: what}
	}
	r.number = number
	args := c.Args
	if c.Name == "open" {
		args = append([]engine.Arg{{Int: unix.AT_FDCWD}}, args...)
	}
	if len(args) > len(r.args) {
		return nil, &engine.UnsupportedError{What: "system call " + c.Name + " with so many arguments"}
	}
	for i := range args {
		r.args[i] = r.encode(&args[i])
	}
	switch c.Name {
	case "poll":
		if ms := int32(r.args[2]); ms < 0 {
			r.args[2] = 0
		} else {
			ts := unix.NsecToTimespec(int64(ms) * 1e6)
			r.args[2] = r.pointer(unsafe.Pointer(&ts))
		}
		r.args[4] = sigsetSize
	case "ppoll":
		r.args[4] = sigsetSize
	case "epoll_wait":
		r.args[5] = sigsetSize
	case "epoll_create":
		if int32(r.args[0]) <= 0 {
			r.errno = unix.EINVAL
		}
		r.args[0] = 0
	}
	return r, nil
}

// pointer keeps what p points to and returns its address. The memory is the
// heap's, which doesn't move: p is stored there.
func (r *request) pointer(p unsafe.Pointer) uintptr {
	if p == nil {
		return 0
	}
	r.alive = append(r.alive, p)
	return uintptr(p)
}

// encode translates an argument.
func (r *request) encode(a *engine.Arg) uintptr {
	switch {
	case a.Buf != nil:
		return r.bytes(a.Buf)
	case a.Iov != nil:
		iov := r.iovecs(a.Iov)
		return r.pointer(unsafe.Pointer(unsafe.SliceData(iov)))
	case a.Msg != nil:
		h := r.msghdr(a.Msg)
		r.after = append(r.after, func(ret int64) {
			if ret >= 0 {
				returned(a.Msg, h)
			}
		})
		return r.pointer(unsafe.Pointer(h))
	case a.Msgs != nil:
		return r.mmsghdrs(a.Msgs)
	case a.Epoll != nil:
		return r.epoll(a.Epoll)
	case a.Offset != nil:
		return r.pointer(unsafe.Pointer(a.Offset))
	}
	return uintptr(a.Int)
}

func (r *request) bytes(b []byte) uintptr {
	return r.pointer(unsafe.Pointer(unsafe.SliceData(b)))
}

func (r *request) iovecs(bufs [][]byte) []unix.Iovec {
	iov := make([]unix.Iovec, len(bufs))
	for i, b := range bufs {
		iov[i].Base = unsafe.SliceData(b)
		iov[i].SetLen(len(b))
	}
	r.alive = append(r.alive, unsafe.Pointer(unsafe.SliceData(iov)))
	return iov
}

func (r *request) msghdr(m *engine.Msghdr) *unix.Msghdr {
	h := &unix.Msghdr{Flags: m.Flags}
	if m.Name != nil {
		h.Name = unsafe.SliceData(m.Name)
		h.Namelen = uint32(len(m.Name))
	}
	if m.Iov != nil {
		h.Iov = unsafe.SliceData(r.iovecs(m.Iov))
		h.SetIovlen(len(m.Iov))
	}
	if m.Control != nil {
		h.Control = unsafe.SliceData(m.Control)
		h.SetControllen(len(m.Control))
	}
	return h
}

// returned shows in m what a receive left in h. A send leaves it as it was.
func returned(m *engine.Msghdr, h *unix.Msghdr) {
	m.Name = m.Name[:min(len(m.Name), int(h.Namelen))]
	m.Control = m.Control[:min(len(m.Control), int(h.Controllen))]
	m.Flags = h.Flags
}

// mmsghdr is struct mmsghdr; its size is a multiple of its alignment, as in C.
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
}

func (r *request) mmsghdrs(msgs []engine.Mmsghdr) uintptr {
	hs := make([]mmsghdr, len(msgs))
	for i := range msgs {
		hs[i].hdr = *r.msghdr(&msgs[i].Msghdr)
	}
	r.after = append(r.after, func(ret int64) {
		for i := range min(int(max(ret, 0)), len(msgs)) {
			msgs[i].Len = hs[i].len
			returned(&msgs[i].Msghdr, &hs[i].hdr)
		}
	})
	return r.pointer(unsafe.Pointer(unsafe.SliceData(hs)))
}

// epoll translates events, which epoll_ctl reads and epoll_wait writes.
func (r *request) epoll(events []engine.EpollEvent) uintptr {
	es := make([]unix.EpollEvent, len(events))
	for i, e := range events {
		es[i].Events, es[i].Fd, es[i].Pad = e.Events, int32(e.Data), int32(e.Data>>32)
	}
	if r.call.Name != "epoll_ctl" {
		r.after = append(r.after, func(ret int64) {
			for i := range min(int(max(ret, 0)), len(events)) {
				events[i] = engine.EpollEvent{
					Events: es[i].Events,
					Data:   uint64(uint32(es[i].Fd)) | uint64(uint32(es[i].Pad))<<32,
				}
			}
		})
	}
	return r.pointer(unsafe.Pointer(unsafe.SliceData(es)))
}

// doTimed makes the call on this thread and returns CLOCK_MONOTONIC at its
// end. Nothing between call and clock can make Go's scheduler take the thread
// away: raw system calls have no stack to check.
func (r *request) doTimed() (ret int64, errno unix.Errno, end time.Duration) {
	var ts unix.Timespec
	r1, errno := ^uintptr(0), r.errno
	if errno == 0 {
		r1, _, errno = unix.RawSyscall6(r.number, r.args[0], r.args[1], r.args[2], r.args[3], r.args[4], r.args[5])
	}
	unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_MONOTONIC, uintptr(unsafe.Pointer(&ts)), 0)
	return int64(int(r1)), errno, time.Duration(ts.Nano())
}

// result finishes a call that was made.
func (r *request) result(ret int64, errno unix.Errno) engine.Result {
	if errno != 0 {
		ret = -1
	}
	for _, f := range r.after {
		f(ret)
	}
	return engine.Result{Ret: ret, Errno: int(errno)}
}
