package gostack

import (
	"net/netip"
	"time"
)

// A file is what a descriptor stands for.
type file interface {
	// poll returns which of EPOLL* are true now.
	poll() uint32
	// queue is woken when that may have changed; nil if it never does.
	queue() *waitQueue
	// release is called when the last descriptor is closed. It may block
	// (SO_LINGER).
	release(t *task) errno
	// read and write are what read(2), readv(2), write(2) and writev(2) do.
	// nonblock is O_NONBLOCK.
	read(t *task, iov [][]byte, nonblock bool) (int, errno)
	write(t *task, iov [][]byte, nonblock bool) (int, errno)
}

// A socket is a file that is one.
type socket interface {
	file
	base() *sock
	bind(t *task, addr []byte) errno
	listen(t *task, backlog int) errno
	connect(t *task, addr []byte, nonblock bool) errno
	accept(t *task, nonblock bool) (socket, errno)
	sendmsg(t *task, m *message) (int, errno)
	recvmsg(t *task, m *message) (int, errno)
	shutdown(how int) errno
	// setsockopt and getsockopt are asked for the options of the protocol's own
	// level (SOL_TCP, SOL_UDP); the others are sock's. getsockopt returns how
	// much of val it has written.
	setsockopt(t *task, name int, val []byte) errno
	getsockopt(t *task, name int, val []byte) (int, errno)
	// ioctl answers SIOCINQ and the like.
	ioctl(t *task, cmd int) (int, errno)
}

// A message is a struct msghdr with a call's flags.
type message struct {
	name     []byte // sendmsg: the address, nil for none
	iov      [][]byte
	control  []byte // sendmsg: control messages
	flags    int    // MSG_*, of the call
	nonblock bool   // O_NONBLOCK

	// What recvmsg returns.
	from        []byte // a struct sockaddr
	outControl  []byte // control messages, at most controlRoom bytes
	controlRoom int
	outFlags    int
}

// len is how many bytes the message has or has room for.
func (m *message) len() int {
	n := 0
	for _, b := range m.iov {
		n += len(b)
	}
	return n
}

// Bits of sock.shutdown.
const (
	rcvShutdown  = 1
	sendShutdown = 2
	bothShutdown = 3
)

// A sock is what all sockets have (struct sock and inet_sock).
type sock struct {
	s        *Stack
	self     socket // what this is the sock of
	family   int    // AF_INET, AF_INET6
	typ      int    // SOCK_STREAM, …
	protocol int    // IPPROTO_TCP, …

	// Addresses are never IPv4-mapped: an IPv6 socket that speaks IPv4 has IPv4
	// addresses here (and, if it is bound to nothing yet, none).
	local, remote netip.AddrPort
	v6only        bool

	wait     waitQueue
	err      errno // sk_err: what SO_ERROR returns and the next call fails with
	softErr  errno
	shut     int  // rcvShutdown, sendShutdown
	released bool // no descriptor any more (SOCK_DEAD)

	// SOL_SOCKET.
	sndbuf, rcvbuf             int  // bytes, doubled as Linux has it
	sndbufLocked, rcvbufLocked bool // set by SO_SNDBUF, SO_RCVBUF
	rcvlowat                   int
	sndtimeo, rcvtimeo         time.Duration // engine.Forever: none
	reuseaddr, reuseport       bool
	keepalive, oobinline       bool
	lingerOn                   bool
	linger                     time.Duration
	priority, mark             int
	zerocopy                   bool
	timestamping               uint32 // SOF_TIMESTAMPING_*
	tskey                      uint32 // see SOF_TIMESTAMPING_OPT_ID
	rcvtstamp, rcvtstampns     bool   // SO_TIMESTAMP, SO_TIMESTAMPNS
	pacingRate                 uint64 // bytes a second: what TCP paces with
	maxPacingRate              uint64 // SO_MAX_PACING_RATE
	dontroute, broadcast       bool
	busyPoll                   int

	// IP and IPv6.
	tos         uint8 // or the traffic class
	ttl         int   // -1: the default
	mtuDisc     int   // IP_PMTUDISC_*
	freebind    bool
	recverr     bool
	recverr6    bool
	recvtos     bool
	recvttl     bool
	pktinfo     bool
	minttl      int
	flowLabel   uint32
	autoflow    int // IPV6_AUTOFLOWLABEL; -1: the default
	ipid        uint16
	transparent bool

	moreSock

	errQueue []*errEntry

	// SO_MEMINFO.
	rmemAlloc, wmemAlloc, wmemQueued, fwdAlloc int
	drops                                      int
}

func (sk *sock) base() *sock       { return sk }
func (sk *sock) queue() *waitQueue { return &sk.wait }

// sockError takes the error that waits, if there is one (sock_error).
func (sk *sock) sockError() errno {
	e := sk.err
	sk.err = 0
	return e
}

// An errEntry is a message of the error queue (MSG_ERRQUEUE).
type errEntry struct {
	errno      errno
	origin     uint8 // SO_EE_ORIGIN_*
	typ, code  uint8
	info, data uint32
	offender   netip.Addr
	stamp      time.Duration // the software time stamp, wall clock; 0: none
	stats      []byte        // SCM_TIMESTAMPING_OPT_STATS, if asked for
	payload    []byte        // what was sent, as far as it is returned
	name       netip.AddrPort
}
