package pcapng

import "time"

// A LinkType says what a packet's bytes begin with (LINKTYPE_*).
type LinkType uint32

// Link types that capture TCP over IP.
const (
	Null      LinkType = 0   // 4 bytes, the family
	Ethernet  LinkType = 1   //
	RawBSD    LinkType = 12  // Raw, as some systems number it
	RawOther  LinkType = 14  //
	Raw       LinkType = 101 // the IP header
	Loop      LinkType = 108 // Null, in network byte order
	LinuxSLL  LinkType = 113 // cooked, of the device any
	IPv4      LinkType = 228
	IPv6      LinkType = 229
	LinuxSLL2 LinkType = 276
)

// A Direction is which way a packet went, as the capture says.
type Direction uint8

// Directions are named from the machine that captured.
const (
	Unknown Direction = iota
	Inbound
	Outbound
)

// A Packet is one of a capture.
type Packet struct {
	Time      time.Duration // since 1970
	Link      LinkType
	Data      []byte
	Len       int // as it was, before it was cut to Data
	Direction Direction
	Comment   string
}

// Types of blocks.
const (
	blockInterface = 1
	blockObsolete  = 2 // Packet Block
	blockSimple    = 3
	blockPacket    = 6 // Enhanced Packet Block
	blockSection   = 0x0a0d0d0a
)

const byteOrderMagic = 0x1a2b3c4d

// Options: of all blocks, of a section, of an interface, of a packet.
const (
	optEnd     = 0
	optComment = 1

	optOS          = 3
	optApplication = 4

	optName        = 2
	optDescription = 3
	optResolution  = 9
	optOffset      = 14

	optFlags = 2
)
