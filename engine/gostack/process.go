package gostack

import (
	"encoding/binary"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
	"tcpdrill/engine/process"
)

// The process that makes a script's calls is one of package process, which runs on
// this stack.

// What of the process the stack deals with all the time.
type (
	errno     = abi.Errno
	task      = process.Task
	message   = process.Message
	waitQueue = process.WaitQueue
)

// le is the byte order of a script's memory.
var le = binary.LittleEndian

// A socket is a process's socket that is one of this stack.
type socket interface {
	process.Socket
	base() *sock
	// setsockopt and getsockopt are asked for the options of the protocol's own
	// level (SOL_TCP, SOL_UDP); the others are sock's. getsockopt returns how
	// much of val it has written.
	setsockopt(t *task, name int, val []byte) errno
	getsockopt(t *task, name int, val []byte) (int, errno)
}

// A keep is what a call keeps while it sleeps.
type keep struct {
	waiting    *tcpSock // a send slept on this socket
	sent       int      // bytes taken so far
	copiedHere int      // of them, into the write queue
	fastopen   bool     // it opens the connection, too
	bias       int      // of the socket's writePending
	zerocopy   *zerocopyRef
	stamp      time.Duration // of what was read
	tsflags    uint32        // sofTx*, of its control messages
}

// kept returns what a call keeps.
func kept(t *task) *keep {
	k, ok := t.Keep.(*keep)
	if !ok {
		k = &keep{}
		t.Keep = k
	}
	return k
}

// A machine is the stack as its process sees it.
type machine struct{ s *Stack }

// Now implements process.Machine.
func (m machine) Now() time.Duration { return m.s.now }

// SocketDeadline implements process.Machine: a socket's timeouts are those of the
// wheel (schedule_timeout).
func (m machine) SocketDeadline(timeout time.Duration) time.Duration {
	s := m.s
	return s.jiffyTime(s.jiffies() + uint64(s.toJiffies(timeout)))
}

// Alarm implements process.Machine: poll's and epoll's timeouts are hrtimers.
func (m machine) Alarm(at time.Duration, precise bool, f func()) (stop func()) {
	s := m.s
	t := &timer{fn: f}
	if precise {
		s.startAt(t, at)
	} else {
		s.modTimer(t, uint64(at/s.tick)+s.phase)
	}
	return func() { s.delTimer(t) }
}

// NewSocket implements process.Machine.
func (m machine) NewSocket(t *task, family, _, protocol int) (process.Socket, errno) {
	switch protocol {
	case abi.IpprotoTCP:
		return m.s.newTCP(family), 0
	case abi.IpprotoUDP:
		return m.s.newUDP(family), 0
	}
	if r := m.s.sysctl.pingGroupRange; r == "1 0" || r == "1\t0" {
		return nil, abi.EACCES // nobody may
	}
	return nil, t.No("an ICMP datagram socket")
}

// SetOption implements process.Socket.
func (sk *sock) SetOption(t *task, level, name int, val []byte) errno {
	return sk.setOption(t, sk.self, level, name, val)
}

// SetNull implements process.Socket.
func (sk *sock) SetNull(t *task, level, name, n int) errno {
	return sk.setNull(t, sk.self, level, name, n)
}

// GetOption implements process.Socket.
func (sk *sock) GetOption(t *task, level, name int, val []byte) (int, errno) {
	return sk.getOption(t, sk.self, level, name, val)
}

// LocalName implements process.Socket.
func (sk *sock) LocalName() []byte { return sk.putSockaddr(sk.local) }

// PeerName implements process.Socket.
func (sk *sock) PeerName() ([]byte, errno) {
	if !sk.hasPeer() {
		return nil, abi.ENOTCONN
	}
	return sk.putSockaddr(sk.remote), 0
}

// hasPeer reports whether the socket is connected to somebody.
func (sk *sock) hasPeer() bool {
	if tp, ok := sk.self.(*tcpSock); ok && tp.inState(tcpClose, tcpSynSent) {
		return false
	}
	return sk.remote.IsValid() && sk.remote.Port() != 0
}

// AcceptedName implements process.Socket.
func (sk *sock) AcceptedName() []byte {
	if !sk.remote.IsValid() {
		return nil
	}
	return sk.putSockaddr(sk.remote)
}

// TakeError implements process.Socket.
func (sk *sock) TakeError() errno { return sk.sockError() }

// KeepError implements process.Socket.
func (sk *sock) KeepError(e errno) { sk.err = e }

// Stream implements process.Socket.
func (sk *sock) Stream() bool { return sk.typ != abi.SockDgram }

// SpliceMost implements process.Splicer: it ends at urgent data, and returns nothing
// right before it.
func (tp *tcpSock) SpliceMost(n int) int {
	if tp.urgData != 0 && !tp.oobinline && !before(tp.urgSeq, tp.copiedSeq) && !tp.receiveQueue.empty() {
		n = min(n, int(tp.urgSeq-tp.copiedSeq))
	}
	return n
}

// PutFile implements engine.FileKeeper.
func (s *Stack) PutFile(name string, data []byte) { s.process.PutFile(name, data) }

// RemoveFile implements engine.FileKeeper.
func (s *Stack) RemoveFile(name string) bool { return s.process.RemoveFile(name) }

// Capable reports whether the script may do what needs a capability.
func (s *Stack) Capable(number int) bool { return s.process.Capable(number) }

var _ engine.FileKeeper = (*Stack)(nil)
