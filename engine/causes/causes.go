// Package causes finds out why a stack sent its segments that doesn't say so
// itself: from what was done to it when it sent them, and from counters that it
// keeps. The words are those of the built-in stack (docs/causes.md).
//
// What can't be known for sure has no cause: nothing is guessed.
package causes

import "tcpdrill/engine"

// The words.
const (
	write          = "write"
	ack            = "ack"
	nagle          = "nagle"
	cork           = "cork"
	corkTimer      = "cork-timer"
	delack         = "delack"
	ackNow         = "ack-now"
	dupAck         = "dupack"
	compressedAck  = "compressed-ack"
	windowUpdate   = "window-update"
	tlp            = "tlp"
	rto            = "rto"
	fastRetransmit = "fast-retransmit"
	rack           = "rack"
	lossRecovery   = "loss-recovery"
	probe          = "probe"
	keepalive      = "keepalive"
	fin            = "fin"
	syn            = "syn"
	synAck         = "synack"
	synTimer       = "syn-timer"
	challenge      = "challenge"
	reset          = "reset"
	abort          = "abort"
	urgent         = "urgent"
	handshake      = "handshake"
	timeWait       = "timewait"
	pacing         = "pacing"
	mtuProbe       = "mtu-probe"
)

// A Book has what happened in a run, in order: what was done to the stack, what
// it sent, and its counters every now and then. Noting something costs next to
// nothing; Settle makes sense of it when there is time.
type Book struct {
	records  []record
	reader   reader
	counters reading // the last that was made sense of
	conns    map[ends]*conn
	blocked  []*Event
	last     *Event // that was made sense of
	deferred bool   // segments may leave later than they are sent
	paced    bool   // new data may wait for a clock

	closes    int  // calls of close
	shutdowns int  // and of shutdown
	mtuProbes bool // new data may be sent to find out the path's MTU
	lingers   bool // FIN-WAIT-2 may last longer than TIME-WAIT
}

// A record is one thing that happened: exactly one of the pointers is set.
type record struct {
	event    *Event           // was done to the stack
	sent     *engine.Captured // by the stack
	unsent   *Unsent
	counters []byte // as they were then
	void     bool   // something happened that the book knows nothing of

	// Of what was sent: while what was done, and what calls slept meanwhile.
	within             *Event
	sending, receiving bool
}

// New returns an empty book.
func New() *Book { return &Book{conns: map[ends]*conn{}} }

// Do notes that something is being done to the stack.
func (b *Book) Do(e *Event) { b.records = append(b.records, record{event: e}) }

// Sleep notes that a call sleeps: what it sends from now on may come at any time.
func (b *Book) Sleep(e *Event) { b.blocked = append(b.blocked, e) }

// Wake notes that a call that slept has returned.
func (b *Book) Wake(e *Event) {
	for i, other := range b.blocked {
		if other == e {
			b.blocked = append(b.blocked[:i:i], b.blocked[i+1:]...)
			return
		}
	}
}

// Sent notes a packet that the stack sent while e was being done to it, nil for
// nothing. Settle fills in its Cause.
func (b *Book) Sent(c *engine.Captured, e *Event) {
	r := record{sent: c, within: e}
	for _, call := range b.blocked {
		r.sending = r.sending || !call.receives()
		r.receiving = r.receiving || !call.sends()
	}
	b.records = append(b.records, r)
}

// Unsent notes what a connection has not sent yet of what was written.
func (b *Book) Unsent(u *Unsent) { b.records = append(b.records, record{unsent: u}) }

// Read notes the stack's counters, in the form of Linux's /proc/net/netstat. The
// text is the book's to keep.
func (b *Book) Read(text []byte) { b.records = append(b.records, record{counters: text}) }

// Void notes that something happened, since the last reading and until the next,
// that may have made the stack send: nothing is known of what it sends meanwhile.
func (b *Book) Void() { b.records = append(b.records, record{void: true}) }

// Defer notes that from now on segments may leave some time after they are sent,
// in the order that a queueing discipline likes: nothing is known of them any more.
func (b *Book) Defer() { b.deferred = true }

// Pace notes that new data may now wait for a clock, and why it does can't be told
// from outside.
func (b *Book) Pace() { b.paced = true }

// ProbeMTU notes that from now on new data may be sent to find out the path's MTU.
func (b *Book) ProbeMTU() { b.mtuProbes = true }

// Linger notes that from now on a connection that nobody has any more may wait longer
// for the peer's FIN than TIME-WAIT lasts, and then waits otherwise.
func (b *Book) Linger() { b.lingers = true }

// Settle gives those packets a cause of which it is known, up to the last reading
// of the counters.
func (b *Book) Settle() {
	for {
		end := 0
		for end < len(b.records) && b.records[end].counters == nil {
			end++
		}
		if end == len(b.records) {
			return
		}
		span := b.records[:end]
		now := b.reader.read(b.records[end].counters)
		b.records = b.records[end+1:]
		// Before the first reading counters may have counted anything.
		known := b.counters != nil && now != nil
		b.settle(span, now.since(b.counters), known)
		b.counters = now
	}
}
