package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/google/gopacket"
)

// MarshalOptions say how Marshal fills in what a script may give too.
type MarshalOptions struct {
	// GREChecksum computes the checksums of GRE headers which have one. Else
	// they are sent as the headers hold them, as scripts give them.
	GREChecksum bool
}

// Marshal returns p as bytes, from its outermost IP header on. It fills in all
// lengths, the numbers that say which header comes next, and the checksums of
// IPv4, TCP, UDP and ICMP, in the bytes as well as in p's layers. A length too
// big for its field is 0 there.
//
// It fails where a header can't be written: addresses that aren't of the IP
// header's version, options too long or not a multiple of four bytes, a
// transport with no IP header before it.
func (p *Packet) Marshal(opt MarshalOptions) ([]byte, error) {
	if len(p.Layers) == 0 {
		return nil, errors.New("a packet without headers")
	}
	switch p.Layers[0].(type) {
	case *IPv4, *IPv6:
	default:
		return nil, fmt.Errorf("the outermost header is %s, which isn't IP", layerName(p.Layers[0]))
	}
	buf := gopacket.NewSerializeBufferExpectedSize(128+len(p.Payload), 0)
	if _, err := prependBytes(buf, p.Payload); err != nil {
		return nil, err
	}
	for i := len(p.Layers) - 1; i >= 0; i-- {
		var outer, inner Layer
		if i > 0 {
			outer = p.Layers[i-1]
		}
		if i+1 < len(p.Layers) {
			inner = p.Layers[i+1]
		}
		if err := prepend(buf, outer, p.Layers[i], inner, opt); err != nil {
			return nil, fmt.Errorf("%s: %w", layerName(p.Layers[i]), err)
		}
	}
	return buf.Bytes(), nil
}

// Everything below writes one header before what is in gopacket's buffer
// already. The headers are written here rather than by gopacket/layers. It
// fills tables of 6 MB as a program starts, which costs each worker 5 ms, and
// 50 ms under User Mode Linux, where a page fault is 30 µs; and much of what
// scripts need it doesn't know or refuses: lengths too big for their fields,
// options as bytes, the reserved bits of TCP, IPv6 extension headers, GRE with
// fields taken verbatim, MPLS stacks. The tests hold the two against each other.

func prepend(buf gopacket.SerializeBuffer, outer, l, inner Layer, opt MarshalOptions) error {
	switch l := l.(type) {
	case *IPv4:
		return prependIPv4(buf, l, inner)
	case *IPv6:
		return prependIPv6(buf, l, inner)
	case *GRE:
		return prependGRE(buf, l, inner, opt)
	case *MPLS:
		return prependMPLS(buf, l, inner)
	case *TCP:
		return prependTCP(buf, outer, l, inner)
	case *UDP:
		return prependUDP(buf, outer, l, inner)
	case *ICMP:
		return prependICMP(buf, outer, l, inner)
	case *Unknown:
		return last(inner)
	}
	return fmt.Errorf("unexpected type %T", l)
}

func prependBytes(buf gopacket.SerializeBuffer, b []byte) ([]byte, error) {
	to, err := buf.PrependBytes(len(b))
	copy(to, b)
	return to, err
}

// length16 is n as a 16-bit length field has it.
func length16(n int) int {
	if n > 0xffff {
		return 0
	}
	return n
}

func prependIPv4(buf gopacket.SerializeBuffer, ip *IPv4, inner Layer) error {
	proto, err := protocolOf(inner, false)
	if err != nil {
		return err
	}
	if len(ip.Options)%4 != 0 || len(ip.Options) > 40 {
		return fmt.Errorf("options of %d bytes, not a multiple of 4 up to 40", len(ip.Options))
	}
	if ip.FragOffset%8 != 0 || ip.FragOffset>>3 > 0x1fff {
		return fmt.Errorf("fragment offset %d isn't a multiple of 8 up to %d", ip.FragOffset, 0x1fff<<3)
	}
	if _, err := prependBytes(buf, ip.Options); err != nil {
		return err
	}
	ip.Protocol = proto
	ip.HeaderLen = 20 + len(ip.Options)
	ip.TotalLen = length16(len(buf.Bytes()) + 20)
	ip.BadChecksum = false
	b, err := buf.PrependBytes(20)
	if err != nil {
		return err
	}
	src, dst, err := addresses(ip.Src, ip.Dst, 4)
	if err != nil {
		return err
	}
	b[0] = 4<<4 | uint8(ip.HeaderLen/4)
	b[1] = ip.TOS
	binary.BigEndian.PutUint16(b[2:], uint16(ip.TotalLen))
	binary.BigEndian.PutUint16(b[4:], ip.ID)
	frag := uint16(ip.FragOffset / 8)
	if ip.DF {
		frag |= 1 << 14
	}
	if ip.MF {
		frag |= 1 << 13
	}
	binary.BigEndian.PutUint16(b[6:], frag)
	b[8], b[9] = ip.TTL, proto
	binary.BigEndian.PutUint16(b[10:], 0)
	copy(b[12:], src)
	copy(b[16:], dst)
	ip.Checksum = checksum(buf.Bytes()[:ip.HeaderLen])
	binary.BigEndian.PutUint16(b[10:], ip.Checksum)
	return nil
}

// addresses returns the bytes of two addresses, which must be of the version
// that takes so many.
func addresses(src, dst netip.Addr, length int) (s, d []byte, err error) {
	s, d = src.AsSlice(), dst.AsSlice()
	if len(s) != length || len(d) != length {
		return nil, nil, fmt.Errorf("from %v to %v: want addresses of %d bytes", src, dst, length)
	}
	return s, d, nil
}

func prependIPv6(buf gopacket.SerializeBuffer, ip *IPv6, inner Layer) error {
	proto, err := protocolOf(inner, true)
	if err != nil {
		return err
	}
	if ip.FlowLabel > 0xfffff {
		return fmt.Errorf("flow label 0x%x has more than 20 bits", ip.FlowLabel)
	}
	next := proto
	if len(ip.Extensions) > 0 {
		next = ip.NextHeader
		at, err := prependBytes(buf, ip.Extensions)
		if err != nil {
			return err
		}
		ext, err := walkExtensions(next, at)
		if err != nil {
			return err
		}
		if ext.len != len(at) {
			return fmt.Errorf("extension headers end after %d of %d bytes", ext.len, len(at))
		}
		at[ext.nextAt] = proto
	}
	ip.NextHeader = next
	ip.PayloadLen = length16(len(buf.Bytes()))
	src, dst, err := addresses(ip.Src, ip.Dst, 16)
	if err != nil {
		return err
	}
	b, err := buf.PrependBytes(40)
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint32(b, 6<<28|uint32(ip.TrafficClass)<<20|ip.FlowLabel)
	binary.BigEndian.PutUint16(b[4:], uint16(ip.PayloadLen))
	b[6], b[7] = next, ip.HopLimit
	copy(b[8:], src)
	copy(b[24:], dst)
	return nil
}

func prependGRE(buf gopacket.SerializeBuffer, g *GRE, inner Layer, opt MarshalOptions) error {
	if g.Flags&7 != 0 || g.Flags&GRERouting != 0 {
		return fmt.Errorf("flags 0x%x ask for another version than 0, or for routing", g.Flags)
	}
	switch inner.(type) {
	case *IPv4:
		g.Protocol = etherIPv4
	case *IPv6:
		g.Protocol = etherIPv6
	case *MPLS:
		g.Protocol = etherMPLS
	case *Unknown: // as it stands
	default:
		return fmt.Errorf("can't carry %s", layerName(inner))
	}
	b, err := buf.PrependBytes(g.len())
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint16(b, g.Flags)
	binary.BigEndian.PutUint16(b[2:], g.Protocol)
	rest := b[4:]
	if g.Flags&GREChecksum != 0 {
		binary.BigEndian.PutUint16(rest, g.Checksum)
		binary.BigEndian.PutUint16(rest[2:], g.Offset)
		rest = rest[4:]
	}
	if g.Flags&GREKey != 0 {
		binary.BigEndian.PutUint32(rest, g.Key)
		rest = rest[4:]
	}
	if g.Flags&GRESequence != 0 {
		binary.BigEndian.PutUint32(rest, g.Seq)
	}
	if g.Flags&GREChecksum != 0 && opt.GREChecksum {
		binary.BigEndian.PutUint16(b[4:], 0)
		g.Checksum = checksum(buf.Bytes())
		binary.BigEndian.PutUint16(b[4:], g.Checksum)
	}
	return nil
}

func prependMPLS(buf gopacket.SerializeBuffer, m *MPLS, inner Layer) error {
	switch inner.(type) {
	case *IPv4, *IPv6, *Unknown:
	default:
		return fmt.Errorf("can't carry %s", layerName(inner))
	}
	b, err := buf.PrependBytes(4 * len(m.Labels))
	if err != nil {
		return err
	}
	for i, l := range m.Labels {
		if l.Label > 0xfffff || l.TC > 7 {
			return fmt.Errorf("label %d or traffic class %d is out of range", l.Label, l.TC)
		}
		w := l.Label<<12 | uint32(l.TC)<<9 | uint32(l.TTL)
		if l.Bottom {
			w |= 0x100
		}
		binary.BigEndian.PutUint32(b[4*i:], w)
	}
	return nil
}

func prependTCP(buf gopacket.SerializeBuffer, outer Layer, t *TCP, inner Layer) error {
	pseudo, err := pseudoHeaderOf(outer, t, inner)
	if err != nil {
		return err
	}
	options, err := marshalTCPOptions(t.Options)
	if err != nil {
		return err
	}
	if t.Reserved > 7 || t.Flags > 0x1ff {
		return fmt.Errorf("reserved bits 0x%x or flags 0x%x are out of range", t.Reserved, uint16(t.Flags))
	}
	if _, err := prependBytes(buf, options); err != nil {
		return err
	}
	t.HeaderLen = 20 + len(options)
	b, err := buf.PrependBytes(20)
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint16(b, t.SrcPort)
	binary.BigEndian.PutUint16(b[2:], t.DstPort)
	binary.BigEndian.PutUint32(b[4:], t.Seq)
	binary.BigEndian.PutUint32(b[8:], t.Ack)
	// AE's bit is the lowest of byte 12, where it was NS in RFC 3540.
	binary.BigEndian.PutUint16(b[12:], uint16(t.HeaderLen/4)<<12|uint16(t.Reserved)<<9|uint16(t.Flags))
	binary.BigEndian.PutUint16(b[14:], t.Window)
	binary.BigEndian.PutUint16(b[16:], 0)
	binary.BigEndian.PutUint16(b[18:], t.Urgent)
	t.Checksum = fold(sum(buf.Bytes(), pseudo.sum(protoTCP, len(buf.Bytes()))))
	binary.BigEndian.PutUint16(b[16:], t.Checksum)
	return nil
}

func marshalTCPOptions(opts []TCPOption) ([]byte, error) {
	var b []byte
	for _, o := range opts {
		b = append(b, o.Kind)
		if o.Kind != OptEOL && o.Kind != OptNOP {
			b = append(b, uint8(2+len(o.Data)))
		}
		b = append(b, o.Data...)
	}
	if len(b) > 40 {
		return nil, fmt.Errorf("options of %d bytes, more than 40", len(b))
	}
	if len(b)%4 != 0 {
		return nil, fmt.Errorf("options of %d bytes, not a multiple of 4", len(b))
	}
	return b, nil
}

func prependUDP(buf gopacket.SerializeBuffer, outer Layer, u *UDP, inner Layer) error {
	pseudo, err := pseudoHeaderOf(outer, u, inner)
	if err != nil {
		return err
	}
	b, err := buf.PrependBytes(8)
	if err != nil {
		return err
	}
	length := len(buf.Bytes())
	u.Len = length16(length)
	binary.BigEndian.PutUint16(b, u.SrcPort)
	binary.BigEndian.PutUint16(b[2:], u.DstPort)
	binary.BigEndian.PutUint16(b[4:], uint16(u.Len))
	binary.BigEndian.PutUint16(b[6:], 0)
	u.Checksum = fold(sum(buf.Bytes(), pseudo.sum(protoUDP, length)))
	if u.Checksum == 0 { // which would mean that there is none (RFC 768)
		u.Checksum = 0xffff
	}
	binary.BigEndian.PutUint16(b[6:], u.Checksum)
	return nil
}

func prependICMP(buf gopacket.SerializeBuffer, outer Layer, m *ICMP, inner Layer) error {
	pseudo, err := pseudoHeaderOf(outer, m, inner)
	if err != nil {
		return err
	}
	b, err := buf.PrependBytes(8)
	if err != nil {
		return err
	}
	b[0], b[1] = m.Type, m.Code
	binary.BigEndian.PutUint16(b[2:], 0)
	binary.BigEndian.PutUint32(b[4:], m.Rest)
	var s uint64
	if m.V6 { // ICMP of IPv4 covers no addresses (RFC 792)
		s = pseudo.sum(protoICMPv6, len(buf.Bytes()))
	}
	m.Checksum = fold(sum(buf.Bytes(), s))
	binary.BigEndian.PutUint16(b[2:], m.Checksum)
	return nil
}

// A pseudoHeader is the addresses that a transport's checksum covers.
type pseudoHeader struct{ src, dst []byte }

// sum returns the sum of the pseudo-header (RFC 9293 section 3.1, RFC 8200
// section 8.1) before a transport header and its payload of so many bytes.
func (p pseudoHeader) sum(protocol uint8, length int) uint64 {
	return sum(p.src, sum(p.dst, uint64(protocol)+uint64(length)))
}

// pseudoHeaderOf returns what the transport l's checksum covers of the IP header
// before it, and checks that l stands in its place.
func pseudoHeaderOf(outer, l, inner Layer) (p pseudoHeader, err error) {
	if err := last(inner); err != nil {
		return p, err
	}
	m, _ := l.(*ICMP)
	switch ip := outer.(type) {
	case *IPv4:
		if m != nil && m.V6 {
			return p, errors.New("ICMPv6 in IPv4")
		}
		p.src, p.dst, err = addresses(ip.Src, ip.Dst, 4)
	case *IPv6:
		if m != nil && !m.V6 {
			return p, errors.New("ICMP in IPv6")
		}
		p.src, p.dst, err = addresses(ip.Src, ip.Dst, 16)
	default:
		err = errors.New("not inside IP")
	}
	return p, err
}

func last(inner Layer) error {
	if inner != nil {
		return fmt.Errorf("can't carry %s", layerName(inner))
	}
	return nil
}

// protocolOf returns the number by which an IP header says that l follows.
func protocolOf(l Layer, v6 bool) (uint8, error) {
	switch l := l.(type) {
	case *IPv4:
		return protoIPv4, nil
	case *IPv6:
		return protoIPv6, nil
	case *GRE:
		return protoGRE, nil
	case *MPLS:
		return protoMPLS, nil
	case *TCP:
		return protoTCP, nil
	case *UDP:
		return protoUDP, nil
	case *ICMP:
		if v6 {
			return protoICMPv6, nil
		}
		return protoICMP, nil
	case *Unknown:
		return l.Protocol, nil
	}
	return 0, errors.New("nothing inside")
}

func layerName(l Layer) string {
	switch l := l.(type) {
	case *IPv4:
		return "IPv4"
	case *IPv6:
		return "IPv6"
	case *GRE:
		return "GRE"
	case *MPLS:
		return "MPLS"
	case *TCP:
		return "TCP"
	case *UDP:
		return "UDP"
	case *ICMP:
		if l.V6 {
			return "ICMPv6"
		}
		return "ICMP"
	case *Unknown:
		return fmt.Sprintf("protocol %d", l.Protocol)
	}
	return "nothing"
}
