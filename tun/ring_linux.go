package tun

import (
	"errors"
	"fmt"
	"math"
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Two rings, since all frames of a TPACKET_V2 ring are of one size: the first
// has every packet, in the order of sending, but of large ones only the
// beginning; the second has those whole. So a thousand segments fit in little
// memory, and super-segments are whole. TPACKET_V3 packs packets of any size,
// but shows them only when a block is full or a timer has fired.
//
// Time stamps can't tell the order: where time is virtual, all of a burst has
// the same one.
const (
	smallFrame  = 2048
	smallBlock  = 64 << 10
	smallBlocks = 32 // 1024 frames, 2 MiB

	bigFrame  = 64<<10 + 512 // the largest IP packet, and what goes before it
	bigBlock  = 1 << 20
	bigBlocks = 4 // 60 frames, 4 MiB

	// smallMax is the largest packet, in bytes, that fits in a small frame
	// beside the headers (TPACKET2_HDRLEN, alignment, virtio-net header).
	smallMax = smallFrame - 128
)

// A Capture sees each packet that the stack sends through a device. The kernel
// copies it inside the transmit call into memory shared with us; nothing of
// the stack's is held. Only one goroutine may use it.
type Capture struct {
	small, big *ring
}

// NewCapture makes a capture. vnetHdr is as in the Config of the device that it
// will be for.
//
// It takes long, 14 ms at HZ=250: packet_set_ring waits for an RCU grace
// period. Both rings wait for the same one.
func NewCapture(vnetHdr bool) (*Capture, error) {
	// A socket belongs to the network namespace of the thread that makes it;
	// the rest may happen on any.
	small, err := newRing(vnetHdr, smallFrame, smallBlock)
	if err != nil {
		return nil, fmt.Errorf("packet ring: %w", err)
	}
	big, err := newRing(vnetHdr, bigFrame, bigBlock)
	if err != nil {
		small.close()
		return nil, fmt.Errorf("packet ring: %w", err)
	}
	bigErr := make(chan error)
	go func() {
		bigErr <- big.setup(bigBlocks, outgoing(smallMax+1, math.MaxInt32))
	}()
	err = small.setup(smallBlocks, outgoing(0, math.MaxInt32))
	c := &Capture{small, big}
	if err := errors.Join(err, <-bigErr); err != nil {
		c.Close()
		return nil, fmt.Errorf("packet ring: %w", err)
	}
	return c, nil
}

// Bind begins to capture what is sent through d. If it isn't up yet, nothing is
// missed.
//
// The kernel puts a packet socket before those that are there already
// (dev_add_pack): the second ring has a packet before the first one does.
func (c *Capture) Bind(d *Device) error {
	if err := errors.Join(bind(c.small.fd, d.index), bind(c.big.fd, d.index)); err != nil {
		return fmt.Errorf("packet ring: %w", err)
	}
	return nil
}

// Next returns the oldest packet not yet returned, and false if there is none.
// It never waits. Data is the caller's to keep.
func (c *Capture) Next() (Packet, bool) {
	h := c.small.head()
	if h == nil {
		return Packet{}, false
	}
	if int(h.Len) <= smallMax {
		return c.small.take(h), true
	}
	for {
		// It was filled before the first ring was, see Bind.
		b := c.big.head()
		if b == nil || stamp(b) > stamp(h) {
			return c.small.take(h), true // the second had no room: Dropped tells
		}
		sent := stamp(h)
		p := c.big.take(b)
		if len(p.Data) == int(h.Len) {
			c.small.take(h)
			p.Sent = sent
			return p, true
		}
		// The first had no room for this one: Dropped tells.
	}
}

// FD is a descriptor that is readable while Next has something.
func (c *Capture) FD() int { return c.small.fd }

// Dropped returns how many packets the capture has missed.
func (c *Capture) Dropped() (uint64, error) {
	s, err1 := c.small.dropped.read(c.small.fd)
	b, err2 := c.big.dropped.read(c.big.fd)
	return s + b, errors.Join(err1, err2)
}

// Close ends the capture. It waits for the kernel for some milliseconds.
func (c *Capture) Close() error { return errors.Join(c.small.close(), c.big.close()) }

// ring is one memory-mapped TPACKET_V2 ring.
type ring struct {
	fd        int
	mem       []byte
	frame     int // size, bytes
	block     int // size, bytes
	perBlock  int // frames
	frames    int
	next      int // frame the kernel fills next, or has
	dropped   drops
	hasHeader bool
}

func newRing(vnet bool, frame, block int) (*ring, error) {
	// With protocol 0 nothing comes in before the socket is bound.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	return &ring{fd: fd, frame: frame, block: block, perBlock: block / frame, hasHeader: vnet}, nil
}

// setup gives the ring its memory, for packets that filter takes.
func (r *ring) setup(blocks int, filter []unix.SockFilter) error {
	r.frames = r.perBlock * blocks
	if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V2); err != nil {
		return os.NewSyscallError("setsockopt PACKET_VERSION", err)
	}
	if r.hasHeader {
		if err := unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1); err != nil {
			return os.NewSyscallError("setsockopt PACKET_VNET_HDR", err)
		}
	}
	if err := attach(r.fd, filter); err != nil {
		return err
	}
	req := unix.TpacketReq{
		Block_size: uint32(r.block), Block_nr: uint32(blocks),
		Frame_size: uint32(r.frame), Frame_nr: uint32(r.frames),
	}
	if err := unix.SetsockoptTpacketReq(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return os.NewSyscallError("setsockopt PACKET_RX_RING", err)
	}
	mem, err := unix.Mmap(r.fd, 0, r.block*blocks, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	r.mem = mem
	return nil
}

func (r *ring) close() error {
	if r.mem != nil {
		unix.Munmap(r.mem)
	}
	return unix.Close(r.fd)
}

// at returns where the next frame begins.
func (r *ring) at() int { return r.next/r.perBlock*r.block + r.next%r.perBlock*r.frame }

// head returns the header of the next packet, or nil.
func (r *ring) head() *unix.Tpacket2Hdr {
	h := (*unix.Tpacket2Hdr)(unsafe.Pointer(&r.mem[r.at()]))
	if atomic.LoadUint32(&h.Status)&unix.TP_STATUS_USER == 0 {
		return nil
	}
	return h
}

// take copies the packet out and gives its frame back to the kernel.
func (r *ring) take(h *unix.Tpacket2Hdr) Packet {
	at := r.at() + int(h.Mac)
	// What doesn't fit in a frame reads as 0: the last bytes of a packet larger
	// than IP allows by itself (BIG TCP), which are payload.
	p := Packet{Data: make([]byte, h.Len), Sent: stamp(h)}
	copy(p.Data, r.mem[at:at+int(h.Snaplen)])
	if r.hasHeader {
		p.Header = parseHeader(r.mem[at-HeaderLen:])
	}
	atomic.StoreUint32(&h.Status, unix.TP_STATUS_KERNEL)
	r.next = (r.next + 1) % r.frames
	return p
}

func stamp(h *unix.Tpacket2Hdr) int64 {
	return int64(h.Sec)*int64(time.Second) + int64(h.Nsec)
}
