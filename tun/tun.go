// Package tun is the network device through which a kernel's stack is drilled:
// it creates a tun device with or without a virtio-net header, injects packets,
// captures what the stack sends, and reads the device's counters.
//
// A stack can tell how it is watched. TCP clones each skb that it sends, and
// merges segments on retransmission only if nobody else refers to their data
// (skb_shinfo(skb)->dataref is 1). A clone lives for as long as it waits in
// the tun device's queue, or unread in an ordinary packet socket. A Capture
// copies packets inside the transmit call and holds none; whether the device's
// queue does is for its user to decide: Device.Drain lets go of what is in it.
//
// Everything here acts on the calling thread's network namespace, and changes
// it: use a namespace of its own. All but Linux has stubs only.
package tun

import (
	"encoding/binary"
	"errors"
	"net/netip"
)

// ErrNotLinux is what everything returns on systems other than Linux.
var ErrNotLinux = errors.New("tun devices are supported on Linux only")

// DefaultTxQueueLen is long enough that a burst of a whole window fits in the
// device's queue whatever the reader does. The kernel's own is 500 packets,
// and what doesn't fit is dropped (tun_net_xmit, full_ring).
const DefaultTxQueueLen = 10000

// A Config says what kind of device to open.
type Config struct {
	Name string // "tun0"; "" lets the kernel choose
	// VnetHdr puts a Header before each packet and turns on checksum and TCP
	// segmentation offload, so that the stack hands out super-segments, as to
	// a network card. Without it the stack cuts and checksums itself.
	VnetHdr bool
}

// A LinkConfig says how the device takes part in IP. Zero values leave a
// setting as it is.
type LinkConfig struct {
	Addr       netip.Prefix // address of the device, with its network's length
	Route      netip.Prefix // routed through the device
	Via        netip.Addr   // gateway of that route
	MTU        int          // bytes
	Speed      int          // Mbit/s
	TxQueueLen int          // packets
}

// Counters are the device's, since it was made.
type Counters struct {
	TxPackets, TxBytes, TxDropped, TxErrors uint64
	RxPackets, RxBytes, RxDropped, RxErrors uint64
}

// HeaderLen is the length of a Header in bytes.
const HeaderLen = 10

// Values of Header.Flags and Header.GSOType (VIRTIO_NET_HDR_*).
const (
	NeedsCsum = 1 // flag: fill in the checksum from CsumStart to the end
	DataValid = 2 // flag: the checksum was validated

	GSONone  = 0
	GSOTCPv4 = 1
	GSOUDP   = 3
	GSOTCPv6 = 4
	GSOUDPL4 = 5
	GSOECN   = 0x80 // bit beside the type: the first segment has CWR
)

// A Header is struct virtio_net_hdr, which says what a packet's bytes don't.
type Header struct {
	Flags      uint8
	GSOType    uint8
	HdrLen     uint16
	GSOSize    uint16 // payload of each segment but the last, bytes
	CsumStart  uint16 // where the checksum covers from, bytes from the IP header
	CsumOffset uint16 // where it goes, bytes from CsumStart
}

// Put writes the header as the kernel reads it: little-endian where the
// machine is, which all of ours are.
func (h *Header) Put(b *[HeaderLen]byte) {
	b[0], b[1] = h.Flags, h.GSOType
	binary.NativeEndian.PutUint16(b[2:], h.HdrLen)
	binary.NativeEndian.PutUint16(b[4:], h.GSOSize)
	binary.NativeEndian.PutUint16(b[6:], h.CsumStart)
	binary.NativeEndian.PutUint16(b[8:], h.CsumOffset)
}

// parseHeader reads a header. b holds HeaderLen bytes.
func parseHeader(b []byte) Header {
	return Header{
		Flags:      b[0],
		GSOType:    b[1],
		HdrLen:     binary.NativeEndian.Uint16(b[2:]),
		GSOSize:    binary.NativeEndian.Uint16(b[4:]),
		CsumStart:  binary.NativeEndian.Uint16(b[6:]),
		CsumOffset: binary.NativeEndian.Uint16(b[8:]),
	}
}

// A Packet is one that the stack sent.
type Packet struct {
	Data   []byte // from the IP header
	Sent   int64  // when it was given to the device: CLOCK_REALTIME, ns since 1970
	Header Header // zero if the device has none
}
