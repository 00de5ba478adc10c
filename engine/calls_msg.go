package engine

import (
	"fmt"

	"tcpdrill/script"
	"tcpdrill/script/linux"
)

// Calls that take a struct msghdr.

// buildSendmsg: sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}],
// msg_flags=0}, 0) = 100. The name is the configured address.
func (b *callBuilder) buildSendmsg() {
	f := b.passFD(0)
	b.pass(Arg{Msg: b.sentMsg(b.c.Args[1])})
	b.passInt(2)
	b.connectsToPeer(f)
}

// buildSendmmsg: sendmmsg(4, [{msg_name(...)=..., …}, …], 2, 0) = 2. A message
// can be {{msg_name(...)=..., …}, 100}, with the length that was sent.
func (b *callBuilder) buildSendmmsg() {
	f := b.passFD(0)
	b.passMmsghdrs(func(e script.Expr, _ int, m *Mmsghdr) { m.Msghdr = *b.sentMsg(e) })
	b.passInt(3)
	b.connectsToPeer(f)
}

// connectsToPeer notes that the call is about to send to the configured
// address.
func (b *callBuilder) connectsToPeer(f *fd) {
	b.before = func() {
		b.s.connecting(f.socket, destination{family: afInet, addr: b.s.connectAddr()})
	}
}

// sentMsg evaluates a message to send.
func (b *callBuilder) sentMsg(e script.Expr) *Msghdr {
	m, cmsgs := b.msghdr(e, false)
	if m == nil {
		return &Msghdr{}
	}
	if m.Flags != 0 {
		flags := e.(script.Msghdr).Flags
		b.failClassic(flags, "sendmsg ignores msg_flags field in msghdr",
			"the call ignores msg_flags, got %s, want 0", linux.Flags(int64(m.Flags), "MSG_"))
	}
	m.Name = encodeSockaddr(b.s.connectAddr())
	m.Control = encodeCmsgs(cmsgs)
	return m
}

// msghdr evaluates a msghdr: its iov, flags and control messages. It returns
// nil if e isn't one.
func (b *callBuilder) msghdr(e script.Expr, received bool) (*Msghdr, []cmsg) {
	h, ok := e.(script.Msghdr)
	if !ok {
		b.badType(e, "a msghdr", "msghdr")
		return nil, nil
	}
	m := &Msghdr{Iov: b.iovec(*h.Iov, received)}
	if n := int(b.int32(h.IovLen)); n != len(m.Iov) {
		b.failClassic(h.IovLen, fmt.Sprintf("msg_iovlen %d does not match %d-element iovec array", n, len(m.Iov)),
			"got an msg_iov of %d, want the %d elements of the array", n, len(m.Iov))
	}
	m.Flags = b.int32(h.Flags)
	var cmsgs []cmsg
	if h.Control != nil {
		for i, elem := range h.Control.Elems {
			cmsgs = append(cmsgs, b.cmsg(i, elem, received))
		}
	}
	return m, cmsgs
}

// buildRecvmsg: recvmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}],
// msg_flags=MSG_ERRQUEUE, msg_control=[…]}, MSG_ERRQUEUE) = 0.
func (b *callBuilder) buildRecvmsg() {
	b.passFD(0)
	m := &Msghdr{}
	b.receivedMsg(b.c.Args[1], "", m, func(Result) bool { return true })
	b.pass(Arg{Msg: m})
	b.passInt(2)
}

// buildRecvmmsg: recvmmsg(4, [{msg_name(...)=..., …}, …], 2, 0, NULL) = 2, the
// timeout NULL or {seconds, nanoseconds}. A message can be
// {{msg_name(...)=..., …}, 100}, with the length that came.
func (b *callBuilder) buildRecvmmsg() {
	b.passFD(0)
	b.passMmsghdrs(func(e script.Expr, i int, m *Mmsghdr) {
		b.receivedMsg(e, fmt.Sprintf("message %d ", i), &m.Msghdr,
			func(res Result) bool { return int64(i) < res.Ret })
	})
	b.passInt(3)
	b.passTimespec(4)
}

// receivedMsg lays out a message to receive in m and has it compared, if filled
// says that the call filled it. The stack gets just the room that the script's
// control messages need: MSG_CTRUNC says that there were more.
func (b *callBuilder) receivedMsg(e script.Expr, what string, m *Msghdr, filled func(Result) bool) {
	msg, want := b.msghdr(e, true)
	if msg == nil {
		return
	}
	*m = *msg
	m.Name = make([]byte, sockaddrStorageLen)
	m.Control = make([]byte, len(encodeCmsgs(want)))
	room := len(m.Control)
	wantFlags := m.Flags
	b.check(func(res Result) []Mismatch {
		if res.Ret < 0 || !filled(res) {
			return nil
		}
		var diffs []Mismatch
		if m.Flags != wantFlags {
			diffs = append(diffs, b.flagsDiffer(e.(script.Msghdr), what, wantFlags, m.Flags, room))
		}
		return append(diffs, b.compareCmsgs(e, what, want, decodeCmsgs(m.Control))...)
	})
}

func (b *callBuilder) flagsDiffer(h script.Msghdr, what string, want, got int32, room int) Mismatch {
	text := linux.Flags(int64(got), "MSG_")
	instead := text
	if got&^want&msgCTrunc != 0 {
		instead = "" // with more room there would be no such flag
		text += fmt.Sprintf(" (control messages came that don't fit in the %d bytes of the script's)", room)
	}
	return Mismatch{
		What: what + "msg_flags", Want: linux.Flags(int64(want), "MSG_"), Got: text, Node: h.Flags, Text: instead,
		Classic: fmt.Sprintf("Expected msg_flags 0x%08X but got 0x%08X", uint32(want), uint32(got)),
	}
}

// passMmsghdrs passes an array of struct mmsghdr and its length; fill lays out
// one message. Lengths that the script gives are compared.
func (b *callBuilder) passMmsghdrs(fill func(e script.Expr, i int, m *Mmsghdr)) {
	elems, ok := elements(b.c.Args[1])
	if !ok {
		b.badType(b.c.Args[1], "a list of msghdrs", "list")
		return
	}
	msgs := make([]Mmsghdr, len(elems))
	for i, elem := range elems {
		parts, withLen := elements(elem)
		if withLen && len(parts) == 2 {
			elem = parts[0]
			b.checkMsgLen(parts[1], i, &msgs[i])
		}
		fill(elem, i, &msgs[i])
	}
	b.pass(Arg{Msgs: msgs})
	if n := b.passInt(2); int(n) != len(elems) {
		b.fail(b.c.Args[2], "got a count of %d, want the %d elements of the array", n, len(elems))
	}
}

func (b *callBuilder) checkMsgLen(e script.Expr, i int, m *Mmsghdr) {
	want := b.int32(e)
	b.check(func(res Result) []Mismatch {
		if int64(i) >= res.Ret || m.Len == uint32(want) {
			return nil
		}
		return []Mismatch{{
			What: fmt.Sprintf("message %d msg_len", i), Want: fmt.Sprint(want), Got: fmt.Sprint(m.Len), Node: e, Text: fmt.Sprint(m.Len),
			Classic: fmt.Sprintf("Expected msg_len %d but got %d for message %d", want, m.Len, i),
		}}
	})
}
