package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
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

// Everything below writes one header before what is in the buffer already.
// gopacket writes headers and computes checksums; lengths are always given to
// it, since it refuses the ones of packets bigger than their fields. What it
// doesn't know is written next to its headers, in prepend's cases: options as
// bytes (gopacket would pad them, and stops at EOL), the reserved bits of TCP,
// IPv6 extension headers, GRE with fields taken verbatim, and MPLS stacks.

var checksums = gopacket.SerializeOptions{ComputeChecksums: true}

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
	h := pseudoIPv4(ip)
	h.Version, h.IHL, h.TOS, h.TTL = 4, uint8(ip.HeaderLen/4), ip.TOS, ip.TTL
	h.Length, h.Id = uint16(ip.TotalLen), ip.ID
	h.Protocol = layers.IPProtocol(proto)
	h.FragOffset = uint16(ip.FragOffset / 8)
	if ip.DF {
		h.Flags |= layers.IPv4DontFragment
	}
	if ip.MF {
		h.Flags |= layers.IPv4MoreFragments
	}
	if err := h.SerializeTo(buf, checksums); err != nil {
		return err
	}
	ip.Checksum = h.Checksum
	if len(ip.Options) > 0 {
		b := buf.Bytes()[:ip.HeaderLen]
		binary.BigEndian.PutUint16(b[10:], 0)
		ip.Checksum = checksum(b)
		binary.BigEndian.PutUint16(b[10:], ip.Checksum)
	}
	return nil
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
	h := pseudoIPv6(ip)
	h.Version, h.TrafficClass, h.FlowLabel = 6, ip.TrafficClass, ip.FlowLabel
	h.Length, h.NextHeader, h.HopLimit = uint16(ip.PayloadLen), layers.IPProtocol(next), ip.HopLimit
	// In a buffer of its own, because gopacket looks at what follows to refuse
	// payloads too big for the field.
	alone := gopacket.NewSerializeBufferExpectedSize(40, 0)
	if err := h.SerializeTo(alone, checksums); err != nil {
		return err
	}
	_, err = prependBytes(buf, alone.Bytes())
	return err
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
	ip, err := pseudoHeader(outer, t, inner)
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
	h := &layers.TCP{
		SrcPort: layers.TCPPort(t.SrcPort), DstPort: layers.TCPPort(t.DstPort),
		Seq: t.Seq, Ack: t.Ack,
		DataOffset: uint8(t.HeaderLen / 4),
		FIN:        t.Flags&FIN != 0, SYN: t.Flags&SYN != 0, RST: t.Flags&RST != 0,
		PSH: t.Flags&PSH != 0, ACK: t.Flags&ACK != 0, URG: t.Flags&URG != 0,
		ECE: t.Flags&ECE != 0, CWR: t.Flags&CWR != 0,
		NS:     t.Flags&AE != 0, // AE's bit by the name it had in RFC 3540
		Window: t.Window, Urgent: t.Urgent,
	}
	if err := h.SetNetworkLayerForChecksum(ip); err != nil {
		return err
	}
	if err := h.SerializeTo(buf, checksums); err != nil {
		return err
	}
	t.Checksum = h.Checksum
	if t.Reserved != 0 {
		// The checksum changes by what these bits add (RFC 1624).
		b := buf.Bytes()
		b[12] |= t.Reserved << 1
		t.Checksum = fold(uint64(^t.Checksum) + uint64(t.Reserved)<<9)
		binary.BigEndian.PutUint16(b[16:], t.Checksum)
	}
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
	ip, err := pseudoHeader(outer, u, inner)
	if err != nil {
		return err
	}
	u.Len = length16(8 + len(buf.Bytes()))
	h := &layers.UDP{SrcPort: layers.UDPPort(u.SrcPort), DstPort: layers.UDPPort(u.DstPort), Length: uint16(u.Len)}
	if err := h.SetNetworkLayerForChecksum(ip); err != nil {
		return err
	}
	if err := h.SerializeTo(buf, checksums); err != nil {
		return err
	}
	u.Checksum = h.Checksum
	if u.Checksum == 0 { // which would mean that there is none (RFC 768)
		u.Checksum = 0xffff
		binary.BigEndian.PutUint16(buf.Bytes()[6:], u.Checksum)
	}
	return nil
}

func prependICMP(buf gopacket.SerializeBuffer, outer Layer, m *ICMP, inner Layer) error {
	ip, err := pseudoHeader(outer, m, inner)
	if err != nil {
		return err
	}
	if !m.V6 {
		h := &layers.ICMPv4{
			TypeCode: layers.CreateICMPv4TypeCode(m.Type, m.Code),
			Id:       uint16(m.Rest >> 16),
			Seq:      uint16(m.Rest),
		}
		err = h.SerializeTo(buf, checksums)
		m.Checksum = h.Checksum
		return err
	}
	rest, err := buf.PrependBytes(4)
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint32(rest, m.Rest)
	h := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(m.Type, m.Code)}
	if err := h.SetNetworkLayerForChecksum(ip); err != nil {
		return err
	}
	err = h.SerializeTo(buf, checksums)
	m.Checksum = h.Checksum
	return err
}

// pseudoHeader returns the IP header whose addresses a transport's checksum
// covers, and checks that the transport l stands in its place.
func pseudoHeader(outer, l, inner Layer) (gopacket.NetworkLayer, error) {
	if err := last(inner); err != nil {
		return nil, err
	}
	switch ip := outer.(type) {
	case *IPv4:
		if m, ok := l.(*ICMP); ok && m.V6 {
			return nil, errors.New("ICMPv6 in IPv4")
		}
		return pseudoIPv4(ip), nil
	case *IPv6:
		if m, ok := l.(*ICMP); ok && !m.V6 {
			return nil, errors.New("ICMP in IPv6")
		}
		return pseudoIPv6(ip), nil
	}
	return nil, errors.New("not inside IP")
}

// The addresses alone; gopacket checks their version.

func pseudoIPv4(ip *IPv4) *layers.IPv4 {
	return &layers.IPv4{SrcIP: ip.Src.AsSlice(), DstIP: ip.Dst.AsSlice()}
}

func pseudoIPv6(ip *IPv6) *layers.IPv6 {
	return &layers.IPv6{SrcIP: ip.Src.AsSlice(), DstIP: ip.Dst.AsSlice()}
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
