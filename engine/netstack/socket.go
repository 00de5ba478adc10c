package netstack

import (
	"bytes"
	"net/netip"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
	"tcpdrill/engine/process"
)

// A socket is one of the script's process. What netstack's endpoints don't know of is
// ours: waiting and its timeouts.
type socket struct {
	s      *Stack
	ep     tcpip.Endpoint
	wq     *waiter.Queue
	family int
	wait   process.WaitQueue

	rcvtimeo, sndtimeo time.Duration // engine.Forever: none
	kept               abi.Errno     // for the next call
}

var (
	_ process.Socket  = (*socket)(nil)
	_ process.Splicer = (*socket)(nil)
)

func (s *Stack) newSocket(ep tcpip.Endpoint, wq *waiter.Queue, family int) *socket {
	so := &socket{s: s, ep: ep, wq: wq, family: family, rcvtimeo: engine.Forever, sndtimeo: engine.Forever}
	entry := waiter.NewFunctionEntry(waiter.AllEvents, func(mask waiter.EventMask) { s.notify(so, mask) })
	wq.EventRegister(&entry)
	s.sockets[so] = struct{}{}
	return so
}

// state is the connection's.
func (so *socket) state() tcp.EndpointState { return tcp.EndpointState(so.ep.State()) }

// Addresses.

func addressOf(a netip.Addr) tcpip.Address { return tcpip.AddrFromSlice(a.AsSlice()) }

func (so *socket) putSockaddr(a tcpip.FullAddress) []byte {
	ip, _ := netip.AddrFromSlice(a.Addr.AsSlice())
	return abi.AppendSockaddr(nil, so.family, netip.AddrPortFrom(ip, a.Port))
}

// sockaddr reads an address of the socket's own family.
func (so *socket) sockaddr(b []byte) (tcpip.FullAddress, abi.Errno) {
	size := abi.SockaddrInLen
	if so.family == abi.AfInet6 {
		size = abi.SockaddrIn6MinLen
	}
	if len(b) < size {
		return tcpip.FullAddress{}, abi.EINVAL
	}
	if abi.SockaddrFamily(b) != so.family {
		return tcpip.FullAddress{}, abi.EAFNOSUPPORT
	}
	a, _ := abi.ParseSockaddr(b)
	full := tcpip.FullAddress{Addr: addressOf(a.Addr()), Port: a.Port()}
	if a.Addr().IsUnspecified() {
		full.Addr = tcpip.Address{}
	}
	return full, 0
}

// LocalName implements process.Socket.
func (so *socket) LocalName() []byte {
	a, err := so.ep.GetLocalAddress()
	if err != nil {
		a = tcpip.FullAddress{}
	}
	return so.putSockaddr(a)
}

// PeerName implements process.Socket.
func (so *socket) PeerName() ([]byte, abi.Errno) {
	a, err := so.ep.GetRemoteAddress()
	if err != nil {
		return nil, errnoOf(err)
	}
	return so.putSockaddr(a), 0
}

// AcceptedName implements process.Socket.
func (so *socket) AcceptedName() []byte {
	name, _ := so.PeerName()
	return name
}

// Bind implements process.Socket.
func (so *socket) Bind(_ *process.Task, addr []byte) abi.Errno {
	a, e := so.sockaddr(addr)
	if e != 0 {
		return e
	}
	return errnoOf(so.ep.Bind(a))
}

// maxBacklog is net.core.somaxconn.
const maxBacklog = 4096

// Listen implements process.Socket. Linux has room for one connection more than the
// backlog, and so has gVisor's kernel, which adds it as here. To have no more than one
// would make netstack answer each SYN with a cookie.
func (so *socket) Listen(_ *process.Task, backlog int) abi.Errno {
	if backlog < 0 || backlog > maxBacklog {
		backlog = maxBacklog
	}
	return errnoOf(so.ep.Listen(backlog + 1))
}

// Connect implements process.Socket.
func (so *socket) Connect(t *process.Task, addr []byte, nonblock bool) abi.Errno {
	if !t.Started {
		if abi.SockaddrFamily(addr) == abi.AfUnspec {
			return t.No("connect with AF_UNSPEC")
		}
		a, e := so.sockaddr(addr)
		if e != 0 {
			return e
		}
		if so.s.noTimestamps {
			return t.No("connecting without time stamps (" + timestampsSysctl + " is 0)")
		}
		err := so.ep.Connect(a)
		switch err.(type) {
		case *tcpip.ErrConnectStarted:
			if nonblock {
				return abi.EINPROGRESS
			}
			t.Started = true
		case *tcpip.ErrAlreadyConnecting:
			if nonblock {
				return abi.EALREADY
			}
			t.Started = true
		default:
			return errnoOf(err)
		}
		return t.Wait(&so.wait, so.sndtimeo)
	}
	if so.ep.Readiness(waiter.EventOut|waiter.EventErr|waiter.EventHUp) == 0 {
		if t.Expired() {
			return abi.EINPROGRESS
		}
		return t.Wait(&so.wait, so.sndtimeo)
	}
	return errnoOf(so.ep.LastError())
}

// Accept implements process.Socket.
func (so *socket) Accept(t *process.Task, nonblock bool) (process.Socket, abi.Errno) {
	ep, wq, err := so.ep.Accept(nil)
	if _, empty := err.(*tcpip.ErrWouldBlock); empty {
		if nonblock || t.Expired() {
			return nil, abi.EAGAIN
		}
		return nil, t.Wait(&so.wait, so.rcvtimeo)
	}
	if err != nil {
		return nil, errnoOf(err)
	}
	return so.s.newSocket(ep, wq, so.family), 0
}

// Shutdown implements process.Socket.
func (so *socket) Shutdown(how int) abi.Errno {
	var flags tcpip.ShutdownFlags
	if how != abi.ShutWr {
		flags |= tcpip.ShutdownRead
	}
	if how != abi.ShutRd {
		flags |= tcpip.ShutdownWrite
	}
	return errnoOf(so.ep.Shutdown(flags))
}

// Release implements process.Socket. netstack closes at once; to linger is ours.
func (so *socket) Release(t *process.Task) abi.Errno {
	linger := so.ep.SocketOptions().GetLinger()
	if !t.Started {
		t.Started = true
		delete(so.s.sockets, so)
		so.ep.Close()
	}
	if linger.Enabled && linger.Timeout > 0 && so.unfinished() && !t.Expired() {
		so.s.lingering = append(so.s.lingering, so)
		return t.Wait(&so.wait, linger.Timeout)
	}
	return 0
}

// unfinished reports whether the other end hasn't acknowledged all, up to FIN.
func (so *socket) unfinished() bool {
	switch so.state() {
	case tcp.StateFinWait1, tcp.StateClosing, tcp.StateLastAck:
		return true
	}
	return false
}

// Poll implements process.File.
func (so *socket) Poll() uint32 {
	if so.kept != 0 {
		return so.ep.Readiness(waiter.AllEvents).ToLinux() | abi.EpollErr
	}
	return so.ep.Readiness(waiter.AllEvents).ToLinux()
}

// Queue implements process.File.
func (so *socket) Queue() *process.WaitQueue { return &so.wait }

// TakeError implements process.Socket.
func (so *socket) TakeError() abi.Errno {
	if e := so.kept; e != 0 {
		so.kept = 0
		return e
	}
	return errnoOf(so.ep.LastError())
}

// KeepError implements process.Socket.
func (so *socket) KeepError(e abi.Errno) { so.kept = e }

// Stream implements process.Socket.
func (so *socket) Stream() bool { return true }

// Read implements process.File.
func (so *socket) Read(t *process.Task, iov [][]byte, nonblock bool) (int, abi.Errno) {
	return so.Recvmsg(t, &process.Message{Iov: iov, Nonblock: nonblock})
}

// Write implements process.File.
func (so *socket) Write(t *process.Task, iov [][]byte, nonblock bool) (int, abi.Errno) {
	return so.Sendmsg(t, &process.Message{Iov: iov, Nonblock: nonblock})
}

// Flags of sends and receives that netstack needs nothing for. Names and control
// messages that a stream has no use for are ignored, as Linux does.
const (
	sendFlags = abi.MsgDontwait | abi.MsgNosignal | abi.MsgDontroute | abi.MsgConfirm | abi.MsgBatch | abi.MsgSplicePages
	recvFlags = abi.MsgDontwait | abi.MsgPeek | abi.MsgTrunc | abi.MsgWaitall | abi.MsgNosignal | abi.MsgCmsgCloexec
)

// noFlag says which of a message's flags isn't to be had.
func noFlag(t *process.Task, flags int) abi.Errno {
	for bit := 1; bit != 0; bit <<= 1 {
		if flags&bit != 0 {
			if name := process.OptionName("MSG_", int64(bit)); name != "" {
				return t.No("the flag " + name)
			}
		}
	}
	return t.No("a flag of messages that Linux hasn't got")
}

// Sendmsg implements process.Socket.
func (so *socket) Sendmsg(t *process.Task, m *process.Message) (int, abi.Errno) {
	allowed := sendFlags
	if m.Flags&abi.MsgSplicePages != 0 {
		// sendfile's and splice's own hint that more comes; nothing waits for it.
		allowed |= abi.MsgMore
	}
	if bad := m.Flags &^ allowed; bad != 0 {
		return 0, noFlag(t, bad)
	}
	if len(m.Control) > 0 {
		return 0, t.No("a control message of a send")
	}
	if e := so.kept; e != 0 {
		so.kept = 0
		return 0, e
	}
	nonblock := m.Nonblock || m.Flags&abi.MsgDontwait != 0
	for {
		rest := m.After(t.Copied)
		data := bytes.NewReader(rest.Take(rest.Len()))
		n, err := so.ep.Write(data, tcpip.WriteOptions{})
		t.Copied += int(n)
		_, full := err.(*tcpip.ErrWouldBlock)
		switch {
		case t.Copied == m.Len() && err == nil:
			return t.Copied, 0
		case err != nil && !full:
			return sent(t.Copied, errnoOf(err))
		case !full && n > 0:
			continue // as much as there was room for
		case nonblock || t.Expired():
			return sent(t.Copied, abi.EAGAIN)
		}
		return 0, t.Wait(&so.wait, so.sndtimeo)
	}
}

// sent is the result of a send that ended early: an error counts only if nothing was
// sent before it.
func sent(n int, e abi.Errno) (int, abi.Errno) {
	if n > 0 {
		return n, 0
	}
	return 0, e
}

// Recvmsg implements process.Socket.
func (so *socket) Recvmsg(t *process.Task, m *process.Message) (int, abi.Errno) {
	if bad := m.Flags &^ recvFlags; bad != 0 {
		return 0, noFlag(t, bad)
	}
	if e := so.kept; e != 0 {
		so.kept = 0
		return 0, e
	}
	want := m.Len()
	if want == 0 {
		return 0, 0
	}
	target := min(want, max(1, int(so.ep.SocketOptions().GetRcvlowat())))
	if m.Flags&abi.MsgWaitall != 0 {
		target = want
	}
	peek := m.Flags&abi.MsgPeek != 0
	if peek {
		t.Copied = 0 // it begins from the front again
	}
	for {
		n, err := so.read(m.After(t.Copied), want-t.Copied, peek, m.Flags&abi.MsgTrunc != 0)
		t.Copied += n
		_, empty := err.(*tcpip.ErrWouldBlock)
		_, end := err.(*tcpip.ErrClosedForReceive)
		switch {
		case t.Copied >= target && (err == nil || t.Copied > 0), end:
			return t.Copied, 0
		case err != nil && !empty:
			return sent(t.Copied, errnoOf(err))
		case err == nil && n > 0 && !peek:
			continue
		case m.Nonblock || m.Flags&abi.MsgDontwait != 0 || t.Expired():
			return sent(t.Copied, abi.EAGAIN)
		}
		return 0, t.Wait(&so.wait, so.rcvtimeo)
	}
}

// read reads at most so many bytes to where a message has room, or nowhere.
func (so *socket) read(m *process.Message, most int, peek, discard bool) (int, tcpip.Error) {
	buf := make([]byte, most)
	w := tcpip.SliceWriter(buf)
	r, err := so.ep.Read(&w, tcpip.ReadOptions{Peek: peek})
	if err != nil {
		return 0, err
	}
	if !discard {
		m.Put(buf[:r.Count])
	}
	if !peek {
		so.ep.ModerateRecvBuf(r.Count)
	}
	return r.Count, nil
}

// SpliceMost implements process.Splicer: urgent data is like any other.
func (so *socket) SpliceMost(n int) int { return n }

// Ioctl implements process.Socket.
func (so *socket) Ioctl(t *process.Task, cmd int) (int, abi.Errno) {
	if cmd != abi.Siocinq {
		return 0, t.No("ioctl " + process.OptionName("SIOC", int64(cmd)))
	}
	n, err := so.ep.GetSockOptInt(tcpip.ReceiveQueueSizeOption)
	return n, errnoOf(err)
}
