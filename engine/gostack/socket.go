package gostack

import (
	"net/netip"
	"time"
)

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
func (sk *sock) Queue() *waitQueue { return &sk.wait }

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
