package gostack

import (
	"time"

	"tcpdrill/engine/wire"
)

// A skbHead is what a buffer and its clones share. As long as more than one
// refers to it, nobody may change the data.
type skbHead struct{ dataref int }

// A skb is a piece of a connection's data with what is known of it: on the way
// out in the write queue and then in the retransmit queue, on the way in in the
// receive and the out-of-order queue.
type skb struct {
	list       *skbList
	next, prev *skb

	head *skbHead
	data []byte // payload
	// seq is the first sequence number, endSeq the one after the last: SYN and
	// FIN count.
	seq, endSeq uint32
	flags       wire.TCPFlags
	truesize    int // bytes of memory that it counts as

	// On the way out.
	segs     int           // how many segments of gsoSize it is (pcount)
	gsoSize  int           // the MSS that segs is for
	sacked   uint8         // TCPCB_*
	eor      bool          // nothing may be added behind it (MSG_EOR)
	sentAt   time.Duration // when it was last sent; 0: never
	cause    string        // why it is in the queue
	rate     skbRate
	tx       txStamp
	zerocopy *zerocopyRef
	frags    int // of zero-copy sends
	inHost   int // copies that haven't left the queueing discipline (skb_fclone_busy)
	// Its neighbours in the order of sending.
	sentNext, sentPrev *skb
	inSent             bool

	// On the way in.
	rb       rbLink        // in the out-of-order queue
	tailroom int           // bytes that can be added without more memory
	rxFrags  int           // pieces beside the head
	spare    int           // memory of its head, if another can take over all else
	stamp    time.Duration // when it came, wall clock, if somebody wants to know
}

// skbRate is what the connection had delivered when a segment was sent
// (tcp_rate.c).
type skbRate struct {
	delivered, deliveredCE uint32
	firstTx, deliveredAt   time.Duration
	appLimited             bool
	valid                  bool
}

// txStamp says which time stamps are wanted of a segment's transmission.
type txStamp struct {
	flags uint32 // sofTx*
	key   uint32 // see SOF_TIMESTAMPING_OPT_ID
}

// Bits of skb.sacked.
const (
	sackedAcked   = 1 << iota // the peer has it (SACK)
	sackedRetrans             // sent again, and that isn't known to be lost
	lostSkb                   // taken for lost
	everRetrans               // was sent again, ever
	taggedBits    = sackedAcked | sackedRetrans | lostSkb
)

// cloned reports whether somebody else refers to the data: a clone that was sent
// and not yet let go.
func (b *skb) cloned() bool { return b.head.dataref > 1 }

// unclone makes the data this buffer's own, by copying it if need be.
func (b *skb) unclone() {
	if b.cloned() {
		b.head.dataref--
		b.head = &skbHead{dataref: 1}
	}
}

// len is how many bytes of payload it has.
func (b *skb) len() int { return len(b.data) }

// setSegs works out how many segments of mss it is (tcp_set_skb_tso_segs).
func (b *skb) setSegs(mss int) {
	if b.len() <= mss {
		b.segs, b.gsoSize = 1, 0
		return
	}
	b.segs, b.gsoSize = (b.len()+mss-1)/mss, mss
}

// seglen is the size of its segments (tcp_skb_seglen).
func (b *skb) seglen() int {
	if b.segs == 1 {
		return b.len()
	}
	return b.gsoSize
}

// A skbList is a queue of buffers.
type skbList struct {
	first, last *skb
	n           int
}

func (l *skbList) empty() bool { return l.first == nil }

// pushBack puts b at the end.
func (l *skbList) pushBack(b *skb) { l.insertAfter(b, l.last) }

// pushFront puts b at the start.
func (l *skbList) pushFront(b *skb) { l.insertAfter(b, nil) }

// insertAfter puts b behind at, or at the start if at is nil.
func (l *skbList) insertAfter(b, at *skb) {
	b.list, b.prev = l, at
	if at == nil {
		b.next, l.first = l.first, b
	} else {
		b.next, at.next = at.next, b
	}
	if b.next == nil {
		l.last = b
	} else {
		b.next.prev = b
	}
	l.n++
}

// remove takes b out.
func (l *skbList) remove(b *skb) {
	if b.prev == nil {
		l.first = b.next
	} else {
		b.prev.next = b.next
	}
	if b.next == nil {
		l.last = b.prev
	} else {
		b.next.prev = b.prev
	}
	b.list, b.next, b.prev = nil, nil, nil
	l.n--
}

// before reports whether sequence number a comes before b (RFC 9293 section 3.4).
func before(a, b uint32) bool { return int32(a-b) < 0 }

// after reports whether a comes after b.
func after(a, b uint32) bool { return before(b, a) }

// between reports whether low <= seq <= high.
func between(seq, low, high uint32) bool { return high-low >= seq-low }

// maxFrags is how many pieces of the application's memory a buffer can refer to
// (MAX_SKB_FRAGS).
const maxFrags = 17

// Memory that buffers count as, as Linux has it on a 64-bit machine: what a
// buffer takes beside its data decides how much a window can be opened and how
// much a socket may queue.
const (
	skbStruct  = 256 // sizeof(struct sk_buff), aligned
	skbShared  = 320 // sizeof(struct skb_shared_info), aligned
	smallHead  = 704 // the cache for small heads
	txTruesize = skbStruct + smallHead
)

// rxMemory is what a received packet takes: the tun device puts one that is longer than a
// page into its head and further pages (tun_alloc_skb).
type rxMemory struct {
	packet int  // bytes, headers included
	linear int  // of them in the head
	bare   bool // those are headers alone: all data is in pages
}

const rxPad = 64 // NET_SKB_PAD

// newRxMemory returns what a packet of so many bytes takes. upTo is where its checksum ends
// if that is left to fill in, which tells the device what are headers (tun_get_user); else 0.
func newRxMemory(packet, upTo int) rxMemory {
	m := rxMemory{packet: packet, linear: packet}
	if rxPad+packet >= memPage {
		m.linear = min(packet, memPage-rxPad-skbShared) // SKB_MAX_HEAD
		if upTo > 0 {
			m.linear, m.bare = min(m.linear, upTo), true
		}
	}
	return m
}

// head is the memory of the head, and pages that of the rest.
func (m rxMemory) head() int  { return skbStruct + headSize(rxPad+m.linear+skbShared) }
func (m rxMemory) pages() int { return roundUp(m.packet-m.linear, memPage) }

// truesize is what the packet counts as.
func (m rxMemory) truesize() int { return m.head() + m.pages() }

// tailroom is how much more the head could hold.
func (m rxMemory) tailroom() int {
	if m.linear < m.packet {
		return 0
	}
	return m.head() - skbStruct - skbShared - rxPad - m.packet
}

// frags is in how many pieces the pages are, each as large as can be, up to eight pages
// (alloc_skb_with_frags).
func (m rxMemory) frags() (n int) {
	size := memPage << 3
	for left := m.packet - m.linear; left > 0; left -= min(left, size) {
		for size > memPage && roundUp(left, memPage) < size {
			size >>= 1
		}
		n++
	}
	return n
}

// maxSkbFrags is how many pieces a buffer has at most beside its head.
const maxSkbFrags = 17

// rxTruesize is what a received packet of so many bytes counts as.
func rxTruesize(packet int) int { return newRxMemory(packet, 0).truesize() }

// headSize is how large the memory is that is taken for so many bytes.
func headSize(need int) int {
	if need <= smallHead {
		return smallHead
	}
	size := 1024
	for size < need {
		size <<= 1
	}
	return size
}
