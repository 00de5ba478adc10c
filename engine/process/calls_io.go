package process

import (
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
)

// buffers returns the memory of a call's argument: a buffer whose length is the
// next argument, or iovecs.
func (t *Task) buffers(i int) ([][]byte, abi.Errno) {
	a := t.arg(i)
	if a.Iov != nil {
		return a.Iov, 0
	}
	n := t.arg(i + 1).Int
	switch {
	case n == 0:
		return nil, 0
	case n < 0:
		return nil, abi.EINVAL
	case a.Buf == nil:
		return nil, abi.EFAULT
	}
	return [][]byte{a.Buf[:min(int(n), len(a.Buf))]}, 0
}

func (ps *Process) sysRead(t *Task) (int64, abi.Errno) {
	of, e := t.file(0)
	if e != 0 || of.flags&abi.OAccmode == abi.OWronly {
		return -1, abi.EBADF
	}
	iov, e := t.buffers(1)
	if e != 0 {
		return -1, e
	}
	if total(iov) == 0 {
		return 0, 0
	}
	return count(of.Read(t, iov, of.nonblock()))
}

func (ps *Process) sysWrite(t *Task) (int64, abi.Errno) {
	of, e := t.file(0)
	if e != 0 || of.flags&abi.OAccmode == abi.ORdonly {
		return -1, abi.EBADF
	}
	iov, e := t.buffers(1)
	if e != 0 {
		return -1, e
	}
	if t.call.Name == "writev" && total(iov) == 0 {
		return 0, 0
	}
	return count(of.Write(t, iov, of.nonblock()))
}

// count is the result of a call that returns how many bytes it has moved.
func count(n int, e abi.Errno) (int64, abi.Errno) {
	if e != 0 {
		return -1, e
	}
	return int64(n), 0
}

func (ps *Process) sysSendto(t *Task) (int64, abi.Errno) {
	so, of, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	m := t.prog.msg
	if m == nil {
		m = &Message{Flags: t.num(3) &^ internalFlags, Nonblock: of.nonblock()}
		if t.call.Name == "sendto" && !t.null(4) {
			if m.Name, e = t.sockaddrArg(4); e != 0 {
				return -1, e
			}
		}
		if m.Iov, e = t.buffers(1); e != 0 {
			return -1, e
		}
		t.prog.msg = m
	}
	return count(so.Sendmsg(t, m))
}

// internalFlags are flags of messages that only the kernel may use.
const internalFlags = abi.MsgSplicePages | abi.MsgNotlast

func (ps *Process) sysRecvfrom(t *Task) (int64, abi.Errno) {
	so, of, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	m := t.prog.msg
	if m == nil {
		m = &Message{Flags: t.num(3), Nonblock: of.nonblock()}
		if m.Iov, e = t.buffers(1); e != 0 {
			return -1, e
		}
		t.prog.msg = m
	}
	n, e := so.Recvmsg(t, m)
	if e != 0 {
		return -1, e
	}
	if t.call.Name == "recvfrom" && !t.null(4) {
		if e := t.returnAddr(4, m.From); e != 0 {
			return -1, e
		}
	}
	return int64(n), 0
}

func (ps *Process) sysSendmsg(t *Task) (int64, abi.Errno) {
	so, of, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	if t.arg(1).Msg == nil {
		return -1, abi.EFAULT
	}
	if t.prog.msg == nil {
		m, e := newSendMessage(t.arg(1).Msg, t.num(2), of.nonblock())
		if e != 0 {
			return -1, e
		}
		t.prog.msg = m
	}
	return count(so.Sendmsg(t, t.prog.msg))
}

// newSendMessage takes a struct msghdr to send.
func newSendMessage(h *engine.Msghdr, flags int, nonblock bool) (*Message, abi.Errno) {
	m := &Message{Iov: h.Iov, Flags: flags &^ internalFlags, Nonblock: nonblock}
	if n := len(h.Name); n > 0 {
		m.Name = h.Name[:min(n, abi.SockaddrStorageLen)]
	}
	if len(h.Control) > 0 {
		m.Control = h.Control
	}
	return m, 0
}

func newRecvMessage(h *engine.Msghdr, flags int, nonblock bool) *Message {
	return &Message{Iov: h.Iov, ControlRoom: len(h.Control), Flags: flags, Nonblock: nonblock}
}

// fill writes a received message's parts to where the script has them.
func (m *Message) fill(h *engine.Msghdr) {
	h.Name = h.Name[:copy(h.Name, m.From)]
	h.Control = h.Control[:copy(h.Control, m.OutControl)]
	h.Flags = int32(m.OutFlags)
}

func (ps *Process) sysRecvmsg(t *Task) (int64, abi.Errno) {
	so, of, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	h := t.arg(1).Msg
	if h == nil {
		return -1, abi.EFAULT
	}
	if t.prog.msg == nil {
		t.prog.msg = newRecvMessage(h, t.num(2), of.nonblock())
	}
	n, e := so.Recvmsg(t, t.prog.msg)
	if e != 0 {
		return -1, e
	}
	t.prog.msg.fill(h)
	return int64(n), 0
}

// sysSendmmsg sends message after message. An error counts only if nothing was
// sent before it.
func (ps *Process) sysSendmmsg(t *Task) (int64, abi.Errno) {
	so, of, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	msgs := t.arg(1).Msgs
	n := min(len(msgs), t.num(2))
	if msgs == nil && t.num(2) > 0 {
		return -1, abi.EFAULT
	}
	for t.prog.done < n {
		x := &msgs[t.prog.done]
		if t.prog.msg == nil {
			flags := t.num(3)
			if t.prog.done < n-1 {
				flags |= abi.MsgBatch
			}
			if t.prog.msg, e = newSendMessage(&x.Msghdr, flags, of.nonblock()); e != 0 {
				break
			}
		}
		var sent int
		if sent, e = so.Sendmsg(t, t.prog.msg); e != 0 {
			break
		}
		x.Len = uint32(sent)
		partial := sent < t.prog.msg.Len() && so.Stream()
		t.prog.msg = nil
		t.prog.done++
		t.again()
		if partial {
			break // a message that was cut short is the last
		}
	}
	return t.several(e)
}

// several is the result of a call with many messages.
func (t *Task) several(e abi.Errno) (int64, abi.Errno) {
	if e == Block || e == Unsupported || e != 0 && t.prog.done == 0 {
		return -1, e
	}
	return int64(t.prog.done), 0
}

// sysRecvmmsg receives message after message. The timeout is looked at only after
// each of them, as in Linux.
func (ps *Process) sysRecvmmsg(t *Task) (int64, abi.Errno) {
	so, of, e := t.socket(0)
	if t.prog.until == 0 {
		t.prog.until = engine.Forever
		if !t.null(4) {
			d, e := timespec(t.arg(4).Buf)
			if e != 0 {
				return -1, e
			}
			t.prog.until = ps.machine.Now() + d
		}
	}
	if e != 0 {
		return -1, e
	}
	if t.prog.done == 0 && t.prog.msg == nil {
		if e := so.TakeError(); e != 0 {
			return -1, e
		}
	}
	msgs := t.arg(1).Msgs
	n := min(len(msgs), t.num(2))
	if msgs == nil && t.num(2) > 0 {
		return -1, abi.EFAULT
	}
	for t.prog.done < n {
		x := &msgs[t.prog.done]
		if t.prog.msg == nil {
			flags := t.num(3)
			if t.prog.done > 0 && flags&abi.MsgWaitforone != 0 {
				flags |= abi.MsgDontwait
			}
			t.prog.msg = newRecvMessage(&x.Msghdr, flags&^abi.MsgWaitforone, of.nonblock())
		}
		var got int
		if got, e = so.Recvmsg(t, t.prog.msg); e != 0 {
			break
		}
		x.Len = uint32(got)
		t.prog.msg.fill(&x.Msghdr)
		t.prog.done++
		urgent := t.prog.msg.OutFlags&abi.MsgOob != 0
		t.prog.msg = nil
		t.again()
		if urgent || ps.machine.Now() >= t.prog.until {
			break
		}
	}
	if t.prog.done > 0 && e != 0 && e != Block && e != abi.EAGAIN {
		// What came is returned now, the error by the next call.
		so.KeepError(e)
	}
	return t.several(e)
}

// timespec reads a struct timespec.
func timespec(b []byte) (time.Duration, abi.Errno) {
	if len(b) < abi.TimevalLen {
		return 0, abi.EFAULT
	}
	sec, ns := int64(le.Uint64(b)), int64(le.Uint64(b[8:]))
	if sec < 0 || ns < 0 || ns >= int64(time.Second) {
		return 0, abi.EINVAL
	}
	const most = int64(engine.Forever / time.Second / 2)
	return time.Duration(min(sec, most))*time.Second + time.Duration(ns), 0
}
