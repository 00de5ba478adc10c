// Package engine runs one script on one target: it keeps the script's
// timeline, makes its system calls, injects and expects its packets,
// translates between the script's numbers and the live ones, and says how the
// target did.
//
// The engine never asks the operating system for anything: no clock, no
// sleep, no socket. All that is the target's.
package engine

import (
	"errors"
	"math"
	"time"
)

// A Target is one instance of a TCP stack, made for one run of one script.
// Its methods are called by one goroutine. Times are since an epoch of the
// target's choice, the same for all its parts.
type Target interface {
	Clock
	Sockets
	Link
	Host
	// Name says what is drilled: "kernel", "gostack".
	Name() string
}

// Forever is a deadline that never comes.
const Forever = time.Duration(math.MaxInt64)

// A Clock is the target's time.
type Clock interface {
	// Now returns the time.
	Now() time.Duration
	// WaitUntil returns at t or, where time is real, as soon after t as the
	// machine allows. It returns at once when t has passed.
	WaitUntil(t time.Duration)
	// Start waits for a good moment to start a script, well inside a tick of
	// the stack's timer where it has one, and returns that moment, which has
	// just come: scripts act on whole milliseconds, and next to a tick's edge
	// the stack's own measurements would vary by a tick. If quiet, the script
	// depends on the stack's timers, so it waits, too, until what setting up
	// the target set off is over.
	Start(quiet bool) time.Duration
	// Finish says that the script's timeline is over: from here on nothing has to
	// be on time.
	Finish()
	// Wall returns the wall-clock time (since 1970) at t, as socket timestamps
	// have it.
	Wall(t time.Duration) time.Duration
	// Virtual reports whether the clock moves only while the engine waits.
	Virtual() bool
	// Tick is the length of a tick of the stack's timer (a jiffy), by which its
	// timers are off by nature; 0 if it has none.
	Tick() time.Duration
}

// Sockets makes system calls.
type Sockets interface {
	// Call makes a call and waits for its end.
	Call(c *Call) Result
	// Begin starts a call that may block. It returns when the call has
	// returned or sleeps.
	Begin(c *Call) Pending
}

// A Pending is a call that was begun.
type Pending interface {
	// Wait waits for the call's end, until the deadline at most, and reports
	// whether it ended. A deadline in the past just looks.
	Wait(until time.Duration) bool
	// Result returns what the call returned, and when. It is valid once Wait
	// has returned true.
	Result() (Result, time.Duration)
}

// A Call is a system call. Arguments are what the kernel's ABI wants: Linux's
// numbers, the target's descriptors, structs as Linux lays them out on a
// 64-bit little-endian machine.
type Call struct {
	Name string // "sendmsg"
	Args []Arg
}

// An Arg is one argument of a Call: exactly one of the pointer forms is set,
// or none, and then it is the number Int. Memory is read and written in place
// as the system call would; what a call returns through memory is found there
// afterwards. The engine keeps all of it untouched to the end of the run,
// since a zero-copy send refers to it for as long as the stack likes.
type Arg struct {
	Int    int64
	Buf    []byte       // a pointer to bytes
	Iov    [][]byte     // a pointer to iovecs; their count is an argument of its own
	Msg    *Msghdr      // a struct msghdr
	Msgs   []Mmsghdr    // an array of struct mmsghdr
	Epoll  []EpollEvent // an array of struct epoll_event (its layout differs between machines)
	Offset *int64       // a pointer to a loff_t
}

// Msghdr is struct msghdr. A receive shortens Name and Control to what was
// returned and sets Flags.
type Msghdr struct {
	Name    []byte // a struct sockaddr
	Iov     [][]byte
	Control []byte
	Flags   int32
}

// Mmsghdr is struct mmsghdr.
type Mmsghdr struct {
	Msghdr
	Len uint32 // set by the call
}

// EpollEvent is struct epoll_event.
type EpollEvent struct {
	Events uint32
	Data   uint64
}

// A Result is what a system call returned.
type Result struct {
	Ret   int64 // -1 for an error
	Errno int   // Linux's number; 0 if Ret isn't negative
	// Err is set when the call could not be made at all: *UnsupportedError
	// where the target has no such call or argument; or when it can't return:
	// ErrStuck.
	Err error
}

// A PartialInfo is a Target whose sockets know but a part of what TCP_INFO, TCP_CC_INFO
// and SO_MEMINFO say on Linux. Code that asks for the rest is unsupported.
type PartialInfo interface {
	// KnowsInfo reports whether a value that a socket returned is one that the stack
	// knows: "tcpi_rtt".
	KnowsInfo(name string) bool
}

// A Relay is a Target that isn't at the end of a connection: its calls are made on the
// other side of a proxy, so that who accepts a connection sees the proxy's address, not
// that of the script's end.
type Relay interface {
	Relays() bool
}

// ErrStuck says that a call doesn't return: a target in virtual time knows when
// nothing is left that could wake it. That is a failure of the stack, not of the
// script.
var ErrStuck = errors.New("it sleeps, and nothing is going to happen that could wake it")

// DiedError says that a stack which is a process of its own has ended in the middle of a
// script. That is a failure of the stack, not of the script.
type DiedError struct {
	How string // "signal: segmentation fault"
}

func (e *DiedError) Error() string { return "the stack has ended: " + e.How }

// UnsupportedError says that a target lacks something a script needs.
type UnsupportedError struct {
	What string // "system call psp_rx_assoc"
}

func (e *UnsupportedError) Error() string { return e.What + " is not supported here" }

// GSOType is the kind of a packet that stands for several (VIRTIO_NET_HDR_GSO_*).
type GSOType uint8

// Kinds of super-segments.
const (
	GSONone  GSOType = iota
	GSOTCPv4         // cut by TSO or received by GRO, IPv4
	GSOTCPv6
	GSOUDP // UDP_L4: one datagram each
)

// GSO is what a packet's virtio-net header says beside its bytes.
type GSO struct {
	Type GSOType
	Size int // payload bytes of each segment but the last; 0 if Type is GSONone
	ECN  bool
	// NeedsChecksum: the transport checksum isn't filled in yet.
	NeedsChecksum bool
}

// A Captured is a packet that the stack sent. Data is the receiver's to keep.
type Captured struct {
	Data []byte // from the IP header
	Time time.Duration
	GSO  GSO
	// Cause is why the stack sent it, where the target knows: "tlp", "rto". A Reasoner
	// fills it in later.
	Cause string
	// Maybe are causes that it could have, if Cause isn't known.
	Maybe []string
	// Held is for how long, when this was sent, the target had been holding a
	// reference to an earlier packet's data; 0 if it held none. A stack merges
	// segments on retransmission only if they are unreferenced. Packets sent
	// in one burst hold each other for some microseconds. Where references are
	// kept on purpose (CapturePacket) it is 0.
	Held time.Duration
	// Late is how long, shortly before, the machine kept from running what sent this: a
	// stack that is a process of its own. It is 0 of others, and where it isn't known.
	Late time.Duration
}

// A Link carries the stack's packets.
type Link interface {
	// Inject gives the stack a packet (from the IP header, checksums as they are
	// to be) and returns when the stack has taken it in. The error is
	// *UnsupportedError if the target can't do what the packet is a case of.
	Inject(p []byte, gso GSO) error
	// Receive returns the oldest packet sent by the stack and not yet
	// received, waiting until the deadline for one. It returns nil when none
	// came.
	Receive(until time.Duration) (*Captured, error)
	// Counters returns the link's counters so far.
	Counters() (LinkCounters, error)
}

// A StallingLink is a Link whose reader can stop reading: the program behind the
// device, a virtual machine's vhost for example.
type StallingLink interface {
	// Stall stops the reader. What the stack sends then waits in the device's queue;
	// what finds no room there is dropped and counted (TxDropped). The stack isn't
	// told of either. Receive returns neither.
	Stall() error
	// Resume lets it go on. It takes at once what waits: Receive returns that as sent
	// now. What was dropped never comes.
	Resume() error
}

// A Reasoner is a Target that finds out why packets were sent once it has the time.
type Reasoner interface {
	// Reason fills in the Cause of those packets received so far of which it can be
	// known. It may take some tenths of a millisecond.
	Reason()
}

// LinkCounters tell whether packets were lost between the stack and us.
type LinkCounters struct {
	// TxDropped counts packets the stack sent and the device dropped, and
	// CaptureDropped those we failed to capture: either makes a verdict
	// inconclusive, unless the script asked for drops (a queue's length, a reader
	// that it stalled).
	TxDropped, CaptureDropped uint64
	RxDropped                 uint64
}

// Lateness is how late something of ours was, against when it was due.
type Lateness struct {
	What string // "injection", "wake-up"
	Line int    // of the script
	Due  time.Duration
	Late time.Duration
}
