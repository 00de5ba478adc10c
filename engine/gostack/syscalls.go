package gostack

import (
	"encoding/binary"
	"time"

	"tcpdrill/engine"
)

// le is the byte order of a script's memory.
var le = binary.LittleEndian

// A progress is what a system call has found out before it sleeps, so that it goes
// on from there: descriptors may be closed meanwhile.
type progress struct {
	held    []heldFile
	closing *openFile // close(2): the descriptor is gone already
	msg     *message  // of a call that sends or receives one
	done    int       // messages of an array; bytes moved by sendfile and splice
	until   time.Duration
}

// A heldFile is what a call's argument was found to stand for.
type heldFile struct {
	arg int
	of  *openFile
}

// caps are the capabilities of the script's process.
type capSets struct{ effective, permitted, inheritable uint64 }

const allCaps = 1<<(capLastCap+1) - 1

// capable reports whether the script may do what needs a capability.
func (s *Stack) capable(number int) bool {
	return s.process.caps.effective&(1<<number) != 0
}

// A process is what the script's process has beside sockets.
type process struct {
	caps    capSets
	started bool
	cloexec map[int]bool // by descriptor
	files   fileTree
}

// syscalls are the calls by name. A call returns eblock to be made again.
var syscalls map[string]func(*Stack, *task) (int64, errno)

func init() {
	syscalls = map[string]func(*Stack, *task) (int64, errno){
		"socket": (*Stack).sysSocket, "bind": (*Stack).sysBind, "listen": (*Stack).sysListen,
		"accept": (*Stack).sysAccept, "accept4": (*Stack).sysAccept, "connect": (*Stack).sysConnect,
		"shutdown": (*Stack).sysShutdown, "getsockname": (*Stack).sysGetsockname,
		"getpeername": (*Stack).sysGetpeername,
		"read":        (*Stack).sysRead, "readv": (*Stack).sysRead, "write": (*Stack).sysWrite, "writev": (*Stack).sysWrite,
		"recv": (*Stack).sysRecvfrom, "recvfrom": (*Stack).sysRecvfrom, "send": (*Stack).sysSendto, "sendto": (*Stack).sysSendto,
		"recvmsg": (*Stack).sysRecvmsg, "sendmsg": (*Stack).sysSendmsg,
		"recvmmsg": (*Stack).sysRecvmmsg, "sendmmsg": (*Stack).sysSendmmsg,
		"close": (*Stack).sysClose, "dup": (*Stack).sysDup, "fcntl": (*Stack).sysFcntl, "ioctl": (*Stack).sysIoctl,
		"getsockopt": (*Stack).sysGetsockopt, "setsockopt": (*Stack).sysSetsockopt, "cap_set": (*Stack).sysCapSet,
		"poll": (*Stack).sysPoll, "ppoll": (*Stack).sysPoll,
		"epoll_create": (*Stack).sysEpollCreate, "epoll_create1": (*Stack).sysEpollCreate,
		"epoll_ctl": (*Stack).sysEpollCtl, "epoll_wait": (*Stack).sysEpollWait,
		"open": (*Stack).sysOpen, "pipe": (*Stack).sysPipe, "pipe2": (*Stack).sysPipe,
		"splice": (*Stack).sysSplice, "sendfile": (*Stack).sysSendfile,
	}
}

// syscall makes a call, or makes it again after it slept.
func (s *Stack) syscall(t *task) (int64, errno) {
	if !s.process.started {
		s.process.started = true
		s.process.caps = capSets{effective: allCaps, permitted: allCaps}
		s.process.cloexec = map[int]bool{}
	}
	f, ok := syscalls[t.call.Name]
	if !ok {
		return -1, t.no("system call " + t.call.Name)
	}
	ret, e := f(s, t)
	if e == eblock {
		return -1, e
	}
	for _, h := range t.prog.held {
		s.putFile(h.of)
	}
	t.prog.held = nil
	return ret, e
}

// again makes a task ready for the next part of a call that is several of the
// protocol's: what the last one kept is gone.
func (t *task) again() {
	t.s.delTimer(&t.timer)
	*t = task{s: t.s, call: t.call, prog: t.prog}
}

// Arguments. One that isn't there is 0.

func (t *task) arg(i int) *engine.Arg {
	if i >= len(t.call.Args) {
		return &engine.Arg{}
	}
	return &t.call.Args[i]
}

// num is an argument that is an int in C.
func (t *task) num(i int) int { return int(int32(t.arg(i).Int)) }

// null reports whether an argument is a null pointer.
func (t *task) null(i int) bool {
	a := t.arg(i)
	return a.Buf == nil && a.Iov == nil && a.Msg == nil && a.Msgs == nil && a.Epoll == nil && a.Offset == nil
}

// file returns what the descriptor in an argument stands for. The call holds it
// until its end.
func (t *task) file(i int) (*openFile, errno) {
	for _, h := range t.prog.held {
		if h.arg == i {
			return h.of, 0
		}
	}
	of := t.s.fileAt(t.num(i))
	if of == nil {
		return nil, ebadf
	}
	of.refs++
	t.prog.held = append(t.prog.held, heldFile{i, of})
	return of, 0
}

// socket returns the socket in an argument.
func (t *task) socket(i int) (socket, *openFile, errno) {
	of, e := t.file(i)
	if e != 0 {
		return nil, nil, e
	}
	so, ok := of.file.(socket)
	if !ok {
		return nil, nil, enotsock
	}
	return so, of, 0
}

// Sockets.

func (s *Stack) sysSocket(t *task) (int64, errno) {
	family, typ, protocol := t.num(0), t.num(1), t.num(2)
	flags := typ &^ sockTypeMask
	if flags&^(sockCloexec|sockNonblock) != 0 {
		return -1, einval
	}
	so, e := s.newSocket(t, family, typ&sockTypeMask, protocol)
	if e != 0 {
		return -1, e
	}
	fd, e := s.addFD(&openFile{file: so, flags: oRdwr | flags&sockNonblock}, 0, flags&sockCloexec != 0)
	return int64(fd), e
}

// newSocket finds out which kind of socket is asked for (inet_create).
func (s *Stack) newSocket(t *task, family, typ, protocol int) (socket, errno) {
	switch {
	case family < 0 || family >= afMax:
		return nil, eafnosupport
	case typ >= sockMax:
		return nil, einval
	case family == afUnix, family == afNetlink, family == afPacket:
		return nil, t.no("a socket of family " + optionName("AF_", int64(family)))
	case family != afInet && family != afInet6:
		return nil, eafnosupport
	case protocol < 0 || protocol >= ipprotoMax:
		return nil, einval
	}
	ping := ipprotoICMP
	if family == afInet6 {
		ping = ipprotoICMPv6
	}
	switch typ {
	case sockStream:
		switch protocol {
		case 0, ipprotoTCP:
			return s.newTCP(family), 0
		case ipprotoMPTCP, ipprotoSMC:
			return nil, t.no("protocol " + optionName("IPPROTO_", int64(protocol)))
		}
		return nil, eprotonosupport
	case sockDgram:
		switch protocol {
		case 0, ipprotoUDP:
			return s.newUDP(family), 0
		case ipprotoUDPLite:
			return nil, t.no("protocol IPPROTO_UDPLITE")
		case ping:
			if s.sysctl.pingGroupRange == "1 0" || s.sysctl.pingGroupRange == "1\t0" {
				return nil, eacces // nobody may
			}
			return nil, t.no("an ICMP datagram socket")
		}
		return nil, eprotonosupport
	case sockRaw:
		switch {
		case protocol == 0:
			return nil, eprotonosupport
		case !s.capable(capNetRaw):
			return nil, eperm
		}
		return nil, t.no("a raw socket")
	}
	return nil, esocktnosupport
}

// sockaddrArg reads an address that a call passes with its length
// (move_addr_to_kernel).
func (t *task) sockaddrArg(i int) ([]byte, errno) {
	n := t.num(i + 1)
	switch {
	case n < 0 || n > sockaddrStorageLen:
		return nil, einval
	case n == 0:
		return []byte{}, 0
	case t.null(i):
		return nil, efault
	}
	addr := make([]byte, n)
	copy(addr, t.arg(i).Buf)
	return addr, 0
}

// returnAddr writes an address where a call's arguments want it
// (move_addr_to_user).
func (t *task) returnAddr(i int, addr []byte) errno {
	size := t.arg(i + 1).Buf
	if len(size) < 4 {
		return efault
	}
	room := int(int32(le.Uint32(size)))
	if room < 0 {
		return einval
	}
	if n := min(room, len(addr)); n > 0 {
		if t.null(i) {
			return efault
		}
		copy(t.arg(i).Buf, addr[:n])
	}
	le.PutUint32(size, uint32(len(addr)))
	return 0
}

func (s *Stack) sysBind(t *task) (int64, errno) {
	so, _, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	addr, e := t.sockaddrArg(1)
	if e != 0 {
		return -1, e
	}
	return fails(so.bind(t, addr))
}

// fails is the result of a call that returns 0 or an error.
func fails(e errno) (int64, errno) {
	if e != 0 {
		return -1, e
	}
	return 0, 0
}

func (s *Stack) sysListen(t *task) (int64, errno) {
	so, _, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	return fails(so.listen(t, t.num(1)))
}

func (s *Stack) sysConnect(t *task) (int64, errno) {
	so, of, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	addr, e := t.sockaddrArg(1)
	if e != 0 {
		return -1, e
	}
	return fails(so.connect(t, addr, of.nonblock()))
}

func (s *Stack) sysAccept(t *task) (int64, errno) {
	flags := 0
	if t.call.Name == "accept4" {
		flags = t.num(3)
	}
	if flags&^(sockCloexec|sockNonblock) != 0 {
		return -1, einval
	}
	so, of, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	if s.freeFD(0) >= maxFiles {
		return -1, emfile
	}
	child, e := so.accept(t, of.nonblock())
	if e != 0 {
		return -1, e
	}
	if !t.null(1) {
		// A connection may be gone before it is accepted.
		c := child.base()
		e := econnaborted
		if c.remote.IsValid() {
			e = t.returnAddr(1, c.putSockaddr(c.remote))
		}
		if e != 0 {
			child.release(&task{s: s, call: t.call})
			return -1, e
		}
	}
	fd, e := s.addFD(&openFile{file: child, flags: oRdwr | flags&sockNonblock}, 0, flags&sockCloexec != 0)
	return int64(fd), e
}

func (s *Stack) sysShutdown(t *task) (int64, errno) {
	so, _, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	how := t.num(1)
	if how < shutRd || how > shutRdwr {
		return -1, einval
	}
	return fails(so.shutdown(how))
}

func (s *Stack) sysGetsockname(t *task) (int64, errno) {
	so, _, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	sk := so.base()
	return fails(t.returnAddr(1, sk.putSockaddr(sk.local)))
}

func (s *Stack) sysGetpeername(t *task) (int64, errno) {
	so, _, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	sk := so.base()
	if !sk.hasPeer() {
		return -1, enotconn
	}
	return fails(t.returnAddr(1, sk.putSockaddr(sk.remote)))
}

// hasPeer reports whether the socket is connected to somebody.
func (sk *sock) hasPeer() bool {
	if tp, ok := sk.self.(*tcpSock); ok && tp.inState(tcpClose, tcpSynSent) {
		return false
	}
	return sk.remote.IsValid() && sk.remote.Port() != 0
}

// Reading and writing.

// buffers returns the memory of a call's argument: a buffer whose length is the
// next argument, or iovecs.
func (t *task) buffers(i int) ([][]byte, errno) {
	a := t.arg(i)
	if a.Iov != nil {
		return a.Iov, 0
	}
	n := t.arg(i + 1).Int
	switch {
	case n == 0:
		return nil, 0
	case n < 0:
		return nil, einval
	case a.Buf == nil:
		return nil, efault
	}
	return [][]byte{a.Buf[:min(int(n), len(a.Buf))]}, 0
}

func total(iov [][]byte) int { return (&message{iov: iov}).len() }

func (s *Stack) sysRead(t *task) (int64, errno) {
	of, e := t.file(0)
	if e != 0 || of.flags&oAccmode == oWronly {
		return -1, ebadf
	}
	iov, e := t.buffers(1)
	if e != 0 {
		return -1, e
	}
	if total(iov) == 0 {
		return 0, 0
	}
	return count(of.read(t, iov, of.nonblock()))
}

func (s *Stack) sysWrite(t *task) (int64, errno) {
	of, e := t.file(0)
	if e != 0 || of.flags&oAccmode == oRdonly {
		return -1, ebadf
	}
	iov, e := t.buffers(1)
	if e != 0 {
		return -1, e
	}
	if t.call.Name == "writev" && total(iov) == 0 {
		return 0, 0
	}
	return count(of.write(t, iov, of.nonblock()))
}

// count is the result of a call that returns how many bytes it has moved.
func count(n int, e errno) (int64, errno) {
	if e != 0 {
		return -1, e
	}
	return int64(n), 0
}

func (s *Stack) sysSendto(t *task) (int64, errno) {
	so, of, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	m := t.prog.msg
	if m == nil {
		m = &message{flags: t.num(3) &^ internalFlags, nonblock: of.nonblock()}
		if t.call.Name == "sendto" && !t.null(4) {
			if m.name, e = t.sockaddrArg(4); e != 0 {
				return -1, e
			}
		}
		if m.iov, e = t.buffers(1); e != 0 {
			return -1, e
		}
		t.prog.msg = m
	}
	return count(so.sendmsg(t, m))
}

// internalFlags are flags of messages that only the kernel may use.
const internalFlags = msgSplicePages | msgNotlast

func (s *Stack) sysRecvfrom(t *task) (int64, errno) {
	so, of, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	m := t.prog.msg
	if m == nil {
		m = &message{flags: t.num(3), nonblock: of.nonblock()}
		if m.iov, e = t.buffers(1); e != 0 {
			return -1, e
		}
		t.prog.msg = m
	}
	n, e := so.recvmsg(t, m)
	if e != 0 {
		return -1, e
	}
	if t.call.Name == "recvfrom" && !t.null(4) {
		if e := t.returnAddr(4, m.from); e != 0 {
			return -1, e
		}
	}
	return int64(n), 0
}

func (s *Stack) sysSendmsg(t *task) (int64, errno) {
	so, of, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	if t.arg(1).Msg == nil {
		return -1, efault
	}
	if t.prog.msg == nil {
		m, e := newSendMessage(t.arg(1).Msg, t.num(2), of.nonblock())
		if e != 0 {
			return -1, e
		}
		t.prog.msg = m
	}
	return count(so.sendmsg(t, t.prog.msg))
}

// newSendMessage takes a struct msghdr to send.
func newSendMessage(h *engine.Msghdr, flags int, nonblock bool) (*message, errno) {
	m := &message{iov: h.Iov, flags: flags &^ internalFlags, nonblock: nonblock}
	if n := len(h.Name); n > 0 {
		m.name = h.Name[:min(n, sockaddrStorageLen)]
	}
	if len(h.Control) > 0 {
		m.control = h.Control
	}
	return m, 0
}

func newRecvMessage(h *engine.Msghdr, flags int, nonblock bool) *message {
	return &message{iov: h.Iov, controlRoom: len(h.Control), flags: flags, nonblock: nonblock}
}

// fill writes a received message's parts to where the script has them.
func (m *message) fill(h *engine.Msghdr) {
	h.Name = h.Name[:copy(h.Name, m.from)]
	h.Control = h.Control[:copy(h.Control, m.outControl)]
	h.Flags = int32(m.outFlags)
}

func (s *Stack) sysRecvmsg(t *task) (int64, errno) {
	so, of, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	h := t.arg(1).Msg
	if h == nil {
		return -1, efault
	}
	if t.prog.msg == nil {
		t.prog.msg = newRecvMessage(h, t.num(2), of.nonblock())
	}
	n, e := so.recvmsg(t, t.prog.msg)
	if e != 0 {
		return -1, e
	}
	t.prog.msg.fill(h)
	return int64(n), 0
}

// sysSendmmsg sends message after message. An error counts only if nothing was
// sent before it.
func (s *Stack) sysSendmmsg(t *task) (int64, errno) {
	so, of, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	msgs := t.arg(1).Msgs
	n := min(len(msgs), t.num(2))
	if msgs == nil && t.num(2) > 0 {
		return -1, efault
	}
	for t.prog.done < n {
		x := &msgs[t.prog.done]
		if t.prog.msg == nil {
			flags := t.num(3)
			if t.prog.done < n-1 {
				flags |= msgBatch
			}
			if t.prog.msg, e = newSendMessage(&x.Msghdr, flags, of.nonblock()); e != 0 {
				break
			}
		}
		var sent int
		if sent, e = so.sendmsg(t, t.prog.msg); e != 0 {
			break
		}
		x.Len = uint32(sent)
		partial := sent < t.prog.msg.len() && so.base().typ != sockDgram
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
func (t *task) several(e errno) (int64, errno) {
	if e == eblock || e == eunsupported || e != 0 && t.prog.done == 0 {
		return -1, e
	}
	return int64(t.prog.done), 0
}

// sysRecvmmsg receives message after message. The timeout is looked at only after
// each of them, as in Linux.
func (s *Stack) sysRecvmmsg(t *task) (int64, errno) {
	so, of, e := t.socket(0)
	if t.prog.until == 0 {
		t.prog.until = engine.Forever
		if !t.null(4) {
			d, e := timespec(t.arg(4).Buf)
			if e != 0 {
				return -1, e
			}
			t.prog.until = s.now + d
		}
	}
	if e != 0 {
		return -1, e
	}
	if t.prog.done == 0 && t.prog.msg == nil {
		if e := so.base().sockError(); e != 0 {
			return -1, e
		}
	}
	msgs := t.arg(1).Msgs
	n := min(len(msgs), t.num(2))
	if msgs == nil && t.num(2) > 0 {
		return -1, efault
	}
	for t.prog.done < n {
		x := &msgs[t.prog.done]
		if t.prog.msg == nil {
			flags := t.num(3)
			if t.prog.done > 0 && flags&msgWaitforone != 0 {
				flags |= msgDontwait
			}
			t.prog.msg = newRecvMessage(&x.Msghdr, flags&^msgWaitforone, of.nonblock())
		}
		var got int
		if got, e = so.recvmsg(t, t.prog.msg); e != 0 {
			break
		}
		x.Len = uint32(got)
		t.prog.msg.fill(&x.Msghdr)
		t.prog.done++
		urgent := t.prog.msg.outFlags&msgOob != 0
		t.prog.msg = nil
		t.again()
		if urgent || s.now >= t.prog.until {
			break
		}
	}
	if t.prog.done > 0 && e != 0 && e != eblock && e != eagain {
		// What came is returned now, the error by the next call.
		so.base().err = e
	}
	return t.several(e)
}

// timespec reads a struct timespec.
func timespec(b []byte) (time.Duration, errno) {
	if len(b) < timevalLen {
		return 0, efault
	}
	sec, ns := int64(le.Uint64(b)), int64(le.Uint64(b[8:]))
	if sec < 0 || ns < 0 || ns >= int64(time.Second) {
		return 0, einval
	}
	const most = int64(engine.Forever / time.Second / 2)
	return time.Duration(min(sec, most))*time.Second + time.Duration(ns), 0
}

// Options, as far as the call itself goes.

func (s *Stack) sysSetsockopt(t *task) (int64, errno) {
	so, _, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	level, name, n := t.num(1), t.num(2), t.num(4)
	if n < 0 {
		return -1, einval
	}
	if t.null(3) {
		return fails(so.base().setNull(t, so, level, name, n))
	}
	val := t.arg(3).Buf
	return fails(so.base().setOption(t, so, level, name, val[:min(n, len(val))]))
}

func (s *Stack) sysGetsockopt(t *task) (int64, errno) {
	so, _, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	level, name := t.num(1), t.num(2)
	size := t.arg(4).Buf
	if len(size) < 4 {
		return -1, efault
	}
	room := int(int32(le.Uint32(size)))
	if room < 0 {
		return -1, einval
	}
	const most = 1 << 16 // no option is as long
	val := make([]byte, min(room, most))
	n, e := so.base().getOption(t, so, level, name, val)
	if e != 0 {
		return -1, e
	}
	if n > 0 {
		if t.null(3) {
			return -1, efault
		}
		copy(t.arg(3).Buf, val[:n])
	}
	le.PutUint32(size, uint32(n))
	return 0, 0
}

// sysCapSet is what libcap's cap_set_flag and cap_set_proc do together: one
// capability put into a set or taken out (capset(2)).
func (s *Stack) sysCapSet(t *task) (int64, errno) {
	set, number, value := t.arg(0).Int, t.arg(1).Int, t.arg(2).Int
	if number < 0 || number > capLastCap || value&^1 != 0 {
		return -1, einval
	}
	old := s.process.caps
	c := old
	var which *uint64
	switch set {
	case capEffective:
		which = &c.effective
	case capPermitted:
		which = &c.permitted
	case capInheritable:
		which = &c.inheritable
	default:
		return -1, einval
	}
	*which &^= 1 << number
	*which |= uint64(value) << number
	const setpcap = 8
	switch {
	case !s.capable(setpcap) && c.inheritable&^(old.inheritable|old.permitted) != 0,
		c.permitted&^old.permitted != 0,
		c.effective&^c.permitted != 0:
		return -1, eperm
	}
	s.process.caps = c
	return 0, 0
}

func (s *Stack) sysIoctl(t *task) (int64, errno) {
	of, e := t.file(0)
	if e != 0 {
		return -1, e
	}
	cmd := int(uint32(t.arg(1).Int))
	arg := t.arg(2).Buf
	switch cmd {
	case fionclex, fioclex:
		s.process.cloexec[t.num(0)] = cmd == fioclex
		return 0, 0
	case fionbio:
		if len(arg) < 4 {
			return -1, efault
		}
		of.flags &^= oNonblock
		if le.Uint32(arg) != 0 {
			of.flags |= oNonblock
		}
		return 0, 0
	case fioasync:
		return -1, t.no("ioctl FIOASYNC")
	}
	var n int
	switch f := of.file.(type) {
	case socket:
		switch cmd {
		case siocinq, siocoutq, siocoutqnsd, siocatmark:
			n, e = f.ioctl(t, cmd)
		default:
			if name := optionName("SIOC", int64(cmd)); name != "" {
				return -1, t.no("ioctl " + name)
			}
			return -1, enotty
		}
	case interface{ readable() int }:
		if cmd != fionread {
			return -1, enotty
		}
		n = f.readable()
	default:
		return -1, enotty
	}
	if e != 0 {
		return -1, e
	}
	if len(arg) < 4 {
		return -1, efault
	}
	le.PutUint32(arg, uint32(n))
	return 0, 0
}
