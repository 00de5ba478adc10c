// Package wire is packets as bytes: a model of the headers the language knows,
// its encoder and decoder, and its printer in script notation.
package wire

import "net/netip"

// A Packet is an IP packet taken apart.
type Packet struct {
	Layers  []Layer // outermost first; the last is TCP, UDP, ICMP or Unknown
	Payload []byte
}

// A Layer is one header: *IPv4, *IPv6, *GRE, *MPLS, *TCP, *UDP, *ICMP or *Unknown.
type Layer interface{ layer() }

// IPv4 is an IPv4 header (RFC 791).
type IPv4 struct {
	HeaderLen   int // bytes; more than 20 with IP options
	TOS         uint8
	TotalLen    int // bytes; as captured, or set by Marshal; 0 on packets too big for the field
	ID          uint16
	DF, MF      bool
	FragOffset  int // bytes
	TTL         uint8
	Protocol    uint8
	Checksum    uint16
	Src, Dst    netip.Addr
	Options     []byte // as they stand between the header and what it carries
	BadChecksum bool   // as captured
}

// IPv6 is an IPv6 header (RFC 8200).
type IPv6 struct {
	TrafficClass uint8
	FlowLabel    uint32
	PayloadLen   int // bytes; 0 on packets too big for the field
	NextHeader   uint8
	HopLimit     uint8
	Src, Dst     netip.Addr
	Extensions   []byte // extension headers, as they stand after the header
}

// GRE is a GRE header (RFC 2784, RFC 2890).
type GRE struct {
	Flags    uint16 // GREChecksum | GREKey | GRESequence, version 0
	Protocol uint16 // an Ethernet type
	Checksum uint16
	Offset   uint16
	Key      uint32
	Seq      uint32
}

// Flags of a GRE header.
const (
	GREChecksum = 0x8000
	GRERouting  = 0x4000
	GREKey      = 0x2000
	GRESequence = 0x1000
)

// MPLS is a label stack, top first (RFC 3032).
type MPLS struct{ Labels []MPLSLabel }

// MPLSLabel is one label stack entry.
type MPLSLabel struct {
	Label  uint32
	TC     uint8
	Bottom bool
	TTL    uint8
}

// TCPFlags are a TCP header's nine flags.
type TCPFlags uint16

// TCP flags, as in the header.
const (
	FIN TCPFlags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
	AE
)

// ACE returns the AccECN counter that AE, CWR and ECE make.
func (f TCPFlags) ACE() int {
	n := 0
	if f&AE != 0 {
		n |= 4
	}
	if f&CWR != 0 {
		n |= 2
	}
	if f&ECE != 0 {
		n |= 1
	}
	return n
}

// WithACE returns f with AE, CWR and ECE set from the counter n, 0 to 7.
func (f TCPFlags) WithACE(n int) TCPFlags {
	f &^= AE | CWR | ECE
	if n&4 != 0 {
		f |= AE
	}
	if n&2 != 0 {
		f |= CWR
	}
	if n&1 != 0 {
		f |= ECE
	}
	return f
}

// TCP is a TCP header (RFC 9293).
type TCP struct {
	SrcPort, DstPort uint16
	Seq, Ack         uint32
	HeaderLen        int // bytes; as captured, or set by Marshal
	Reserved         uint8
	Flags            TCPFlags
	Window           uint16
	Checksum         uint16
	Urgent           uint16
	Options          []TCPOption
}

// Kinds of TCP options (IANA).
const (
	OptEOL       = 0
	OptNOP       = 1
	OptMSS       = 2
	OptWScale    = 3
	OptSACKOK    = 4
	OptSACK      = 5
	OptTimestamp = 8
	OptMD5       = 19
	OptFastOpen  = 34
	OptAccECN0   = 172
	OptAccECN1   = 174
	OptExp       = 254
)

// FastOpenMagic begins the data of an experimental Fast Open option (OptExp).
const FastOpenMagic = 0xf989

// A TCPOption is one option. EOL and NOP have no length byte and no data;
// only an EOL that is followed by bytes which are no options has them as its
// data.
type TCPOption struct {
	Kind uint8
	Data []byte // after kind and length
}

// UDP is a UDP header.
type UDP struct {
	SrcPort, DstPort uint16
	Len              int // header and payload, bytes; as captured, or set by Marshal
	Checksum         uint16
}

// ICMP is an ICMP or ICMPv6 header; the message's body is the packet's Payload.
type ICMP struct {
	V6         bool
	Type, Code uint8
	Checksum   uint16
	Rest       uint32 // the four bytes after the checksum
}

// Unknown stands for a transport that the language doesn't know; its bytes
// are the packet's Payload.
type Unknown struct{ Protocol uint8 }

func (*IPv4) layer()    {}
func (*IPv6) layer()    {}
func (*GRE) layer()     {}
func (*MPLS) layer()    {}
func (*TCP) layer()     {}
func (*UDP) layer()     {}
func (*ICMP) layer()    {}
func (*Unknown) layer() {}
