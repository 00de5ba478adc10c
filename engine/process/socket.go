package process

import "tcpdrill/engine/abi"

// A File is what a descriptor stands for.
type File interface {
	// Poll returns which of EPOLL* are true now.
	Poll() uint32
	// Queue is woken when that may have changed; nil if it never does.
	Queue() *WaitQueue
	// Release is called when the last descriptor is closed. It may block
	// (SO_LINGER).
	Release(t *Task) abi.Errno
	// Read and Write are what read(2), readv(2), write(2) and writev(2) do.
	// nonblock is O_NONBLOCK.
	Read(t *Task, iov [][]byte, nonblock bool) (int, abi.Errno)
	Write(t *Task, iov [][]byte, nonblock bool) (int, abi.Errno)
}

// A Socket is a file that is one. Addresses are structs sockaddr.
type Socket interface {
	File
	Bind(t *Task, addr []byte) abi.Errno
	Listen(t *Task, backlog int) abi.Errno
	Connect(t *Task, addr []byte, nonblock bool) abi.Errno
	Accept(t *Task, nonblock bool) (Socket, abi.Errno)
	Sendmsg(t *Task, m *Message) (int, abi.Errno)
	Recvmsg(t *Task, m *Message) (int, abi.Errno)
	Shutdown(how int) abi.Errno
	// SetOption and GetOption are asked for the options of all levels. SetNull is
	// setsockopt with a null pointer and a length. GetOption returns how much of val
	// it has written.
	SetOption(t *Task, level, name int, val []byte) abi.Errno
	SetNull(t *Task, level, name, n int) abi.Errno
	GetOption(t *Task, level, name int, val []byte) (int, abi.Errno)
	// Ioctl answers SIOCINQ, SIOCOUTQ, SIOCOUTQNSD and SIOCATMARK.
	Ioctl(t *Task, cmd int) (int, abi.Errno)
	// LocalName is what getsockname returns, PeerName what getpeername does, and
	// AcceptedName what accept returns of a socket that it made; nil if the
	// connection is gone already.
	LocalName() []byte
	PeerName() ([]byte, abi.Errno)
	AcceptedName() []byte
	// TakeError takes the error that waits (SO_ERROR), and KeepError leaves one for
	// the next call.
	TakeError() abi.Errno
	KeepError(abi.Errno)
	// Stream reports whether it is a stream's, whose sends may be cut short.
	Stream() bool
}

// A Splicer is a Socket that splice may read from.
type Splicer interface {
	// SpliceMost returns how many of n bytes may be read in one go; 0 if the call
	// is to return 0.
	SpliceMost(n int) int
}

// An EOFSplicer is a Socket that wants to know that what MSG_MORE announced doesn't
// come.
type EOFSplicer interface{ SpliceEOF() }

// A Message is a struct msghdr with a call's flags.
type Message struct {
	Name     []byte // Sendmsg: the address, nil for none
	Iov      [][]byte
	Control  []byte // Sendmsg: control messages
	Flags    int    // MSG_*, of the call
	Nonblock bool   // O_NONBLOCK

	// What Recvmsg returns.
	From        []byte // a struct sockaddr
	OutControl  []byte // control messages, at most ControlRoom bytes
	ControlRoom int
	OutFlags    int
}

// Len is how many bytes the message has or has room for.
func (m *Message) Len() int { return total(m.Iov) }

// Take takes the first n bytes off a message.
func (m *Message) Take(n int) []byte {
	out := make([]byte, 0, n)
	for len(out) < n && len(m.Iov) > 0 {
		k := min(n-len(out), len(m.Iov[0]))
		out = append(out, m.Iov[0][:k]...)
		m.Iov[0] = m.Iov[0][k:]
		if len(m.Iov[0]) == 0 {
			m.Iov = m.Iov[1:]
		}
	}
	return out
}

// After returns a copy of the message without its first n bytes.
func (m *Message) After(n int) *Message {
	c := *m
	c.Iov = append([][]byte(nil), m.Iov...)
	c.Take(n)
	return &c
}

// Put writes bytes to where a message has room.
func (m *Message) Put(p []byte) {
	for len(p) > 0 && len(m.Iov) > 0 {
		n := copy(m.Iov[0], p)
		p = p[n:]
		m.Iov[0] = m.Iov[0][n:]
		if len(m.Iov[0]) == 0 {
			m.Iov = m.Iov[1:]
		}
	}
}

// Scatter copies bytes to where a message has room, and returns how many.
func (m *Message) Scatter(p []byte) int {
	n := 0
	for _, b := range m.Iov {
		k := copy(b, p)
		p = p[k:]
		n += k
	}
	return n
}

func total(iov [][]byte) int {
	n := 0
	for _, b := range iov {
		n += len(b)
	}
	return n
}
