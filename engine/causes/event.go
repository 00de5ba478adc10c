package causes

import (
	"net/netip"

	"tcpdrill/engine/wire"
)

// An Event is something that is done to a stack: a packet that it is given, or a
// system call.
type Event struct {
	Packet []byte // from the IP header; nil: a call

	Call  string
	Flags int64 // of a call that sends
	// Slept: the call took so long that timers may have fired meanwhile.
	Slept bool

	// What it meets, when it is made sense of.
	tcp       *wire.TCP // of the packet
	size      int       // of its payload
	conn      *conn
	rcvBefore uint32 // what was expected of the peer then, and acknowledged
	ackBefore uint32
	unsure    bool // whether that is right
	shaken    bool // the connection was established
	active    bool // it was begun by the stack, and nothing had come
	finWait2  bool // the peer had our FIN, and hadn't sent its own
	closed    bool // both sides had closed, we first, or nobody had the socket any more
}

// msgOOB is MSG_OOB.
const msgOOB = 1

// sends reports whether it is a call that sends data, and nothing else.
func (e *Event) sends() bool {
	switch e.Call {
	case "write", "writev", "send", "sendto", "sendmsg", "sendmmsg", "sendfile":
		return true
	}
	return false
}

// receives reports whether it is a call that sends no data: acknowledgments at most.
func (e *Event) receives() bool {
	switch e.Call {
	case "read", "readv", "recv", "recvfrom", "recvmsg", "recvmmsg":
		return true
	}
	return e.Waits()
}

// Waits reports whether it is a call that makes the stack send nothing, however long it
// takes.
func (e *Event) Waits() bool {
	switch e.Call {
	case "poll", "ppoll", "epoll_wait", "accept", "accept4":
		return true
	}
	return false
}

// ends are where a connection's segments go from and to, as the stack sends them.
type ends struct{ local, remote netip.AddrPort }

// Unsent is what Linux says of a connection after something was written
// (TCP_INFO).
type Unsent struct {
	Local, Remote  netip.AddrPort
	Bytes          uint32 // not sent yet
	MSS            uint32
	Cwnd, InFlight uint32 // segments
	Window         uint32 // the peer's
	WindowKnown    bool
	Corked         bool // TCP_CORK
	More           bool // MSG_MORE with the last of it
	NoDelay        bool // TCP_NODELAY
}
