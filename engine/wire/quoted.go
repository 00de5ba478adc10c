package wire

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// Quoted is the packet that an ICMP message is about, as far as its start
// which the message quotes tells. It flew the other way: its source is where
// the message goes.
type Quoted struct {
	V6               bool
	Protocol         uint8 // 6 for TCP, 17 for UDP
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16 // of TCP and UDP
	Seq              uint32 // of TCP
	// PayloadLen is the length of the packet's own payload in bytes, behind the
	// TCP or UDP header. If the quotation doesn't reach to where a TCP header
	// says its length, it is taken to be 20.
	PayloadLen int

	packet    *Packet
	transport int // where TCP or UDP starts in the packet's payload
}

// Quoted returns what an ICMP error message quotes, or nil: p is no such
// message, or its payload doesn't begin with an IP header of the same version
// and at least the first 8 bytes of TCP or UDP.
func (p *Packet) Quoted() *Quoted {
	m := p.ICMP()
	if m == nil || !m.quotes() {
		return nil
	}
	b := p.Payload
	q := &Quoted{V6: m.V6, packet: p}
	var total int // of the quoted packet
	switch {
	case m.V6 && len(b) >= 40 && b[0]>>4 == 6:
		q.Src, q.Dst = netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:]))
		q.Protocol, q.transport = b[6], 40
		total = 40 + int(binary.BigEndian.Uint16(b[4:]))
	case !m.V6 && len(b) >= 20 && b[0]>>4 == 4:
		q.Src, q.Dst = netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:]))
		q.Protocol, q.transport = b[9], int(b[0]&0xf)*4
		total = int(binary.BigEndian.Uint16(b[2:]))
	default:
		return nil
	}
	if q.transport < 20 || len(b) < q.transport+8 {
		return nil
	}
	t := b[q.transport:]
	q.SrcPort, q.DstPort = binary.BigEndian.Uint16(t), binary.BigEndian.Uint16(t[2:])
	header := 8
	switch q.Protocol {
	case protoTCP:
		q.Seq = binary.BigEndian.Uint32(t[4:])
		header = 20
		if len(t) > 12 {
			header = max(header, int(t[12]>>4)*4)
		}
	case protoUDP:
	default:
		return nil
	}
	q.PayloadLen = max(0, total-q.transport-header)
	return q
}

// SetTuple rewrites the addresses and ports of the quoted packet, in q and in
// the message. Addresses of another version than q's are left out.
func (q *Quoted) SetTuple(src, dst netip.AddrPort) {
	b := q.edit()
	from, to := src.Addr().Unmap(), dst.Addr().Unmap()
	switch {
	case q.V6:
		from, to = src.Addr(), dst.Addr()
		if from.Is6() && to.Is6() {
			q.Src, q.Dst = from, to
			copy(b[8:], from.AsSlice())
			copy(b[24:], to.AsSlice())
		}
	case from.Is4() && to.Is4():
		q.Src, q.Dst = from, to
		copy(b[12:], from.AsSlice())
		copy(b[16:], to.AsSlice())
		binary.BigEndian.PutUint16(b[10:], 0)
		binary.BigEndian.PutUint16(b[10:], checksum(b[:q.transport]))
	}
	q.SrcPort, q.DstPort = src.Port(), dst.Port()
	binary.BigEndian.PutUint16(b[q.transport:], q.SrcPort)
	binary.BigEndian.PutUint16(b[q.transport+2:], q.DstPort)
}

// SetSeq rewrites the sequence number of a quoted TCP header, in q and in the
// message.
func (q *Quoted) SetSeq(seq uint32) {
	if q.Protocol != protoTCP {
		return
	}
	q.Seq = seq
	binary.BigEndian.PutUint32(q.edit()[q.transport+4:], seq)
}

// edit returns the message's payload for writing. It is a copy: the old one
// may be what was captured.
func (q *Quoted) edit() []byte {
	q.packet.Payload = slices.Clone(q.packet.Payload)
	return q.packet.Payload
}
