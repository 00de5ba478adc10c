package wire

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"tcpdrill/script"
)

// defaultTTL is what packets get whose script says no TTL, as in packetdrill.
const defaultTTL = 255

// A ScriptError says what is wrong with a packet of a script.
type ScriptError struct {
	Node script.Node // the part it is about
	Err  error
}

func (e *ScriptError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong.
func (e *ScriptError) Unwrap() error { return e.Err }

func wrong(n script.Node, format string, args ...any) error {
	return &ScriptError{n, fmt.Errorf(format, args...)}
}

// ErrPSP is the error of FromScript for packets with "encap psp": no target
// encrypts.
var ErrPSP = errors.New("encap psp is not supported")

// FromScript returns a script's packet as a packet with the script's own
// numbers, over IPv6 or IPv4: what is to be injected, or what an expectation
// compares with. What the script leaves out is 0, and the TTL 255; payloads
// are zero bytes. The innermost IP header's addresses are unspecified (0.0.0.0
// or ::), and so are a quoted packet's: who knows them sets them.
//
// An ICMP message quotes the IP header and the first 8 bytes of what it is
// about; of TCP if the script says nothing. Its own length comes from the
// script's sequence range, a raw message's from its number.
//
// The error is a *ScriptError.
func FromScript(p *script.Packet, v6 bool) (*Packet, error) {
	w := &Packet{}
	for _, e := range p.Encap {
		l, err := encapFromScript(e)
		if err != nil {
			return nil, err
		}
		w.Layers = append(w.Layers, l)
	}
	ip, err := ipFromScript(p, v6)
	if err != nil {
		return nil, err
	}
	w.Layers = append(w.Layers, ip)
	var transport Layer
	switch {
	case p.TCP != nil:
		transport, w.Payload, err = tcpFromScript(p.TCP, p.Direction)
	case p.UDP != nil:
		transport, w.Payload, err = udpFromScript(p.UDP)
	case p.ICMP != nil:
		transport, w.Payload, err = icmpFromScript(p.ICMP, v6)
	case p.Fragment != nil:
		transport, w.Payload, err = fragmentFromScript(p.Fragment, ip)
	default:
		err = wrong(p, "a packet without TCP, UDP, ICMP or a fragment")
	}
	if err != nil {
		return nil, err
	}
	w.Layers = append(w.Layers, transport)
	// Marshalling fills in the lengths; it finds what can't be sent.
	b, err := w.Marshal(MarshalOptions{})
	if err == nil && len(b) > 0xffff {
		err = fmt.Errorf("a packet of %d bytes is more than 65535", len(b))
	}
	if err != nil {
		return nil, &ScriptError{p, err}
	}
	return w, nil
}

// number returns n's value if it has at most that many bits.
func number(n *script.Int, bits int, what string) (uint64, error) {
	if n.Value < 0 || n.Value >= 1<<bits {
		return 0, wrong(n, "%s %s is out of range: at most %d", what, n.Text, uint64(1)<<bits-1)
	}
	return uint64(n.Value), nil
}

// field sets *to from n, if n is there and fits.
func field[T uint8 | uint16 | uint32](to *T, n *script.Int, bits int, what string) error {
	if n == nil {
		return nil
	}
	v, err := number(n, bits, what)
	*to = T(v)
	return err
}

// ipFields are what a script can say of an IP header.
type ipFields struct {
	tos, ttl  uint8
	flowLabel uint32
}

func ipFieldsFromScript(i *script.IPInfo) (ipFields, error) {
	f := ipFields{ttl: defaultTTL}
	if i == nil {
		return f, nil
	}
	switch i.ECN {
	case script.ECT1:
		f.tos = 1
	case script.ECT0:
		f.tos = 2
	case script.CE:
		f.tos = 3
	case script.ECNAsTOS:
		if err := field(&f.tos, &i.TOS, 8, "tos"); err != nil {
			return f, err
		}
	}
	if err := field(&f.flowLabel, i.FlowLabel, 20, "flow label"); err != nil {
		return f, err
	}
	if i.TTL != nil && i.TTL.Value != 0 { // "ttl 0" says nothing, in packetdrill
		return f, field(&f.ttl, i.TTL, 8, "ttl")
	}
	return f, nil
}

func ipFromScript(p *script.Packet, v6 bool) (Layer, error) {
	if p.IP != nil && p.IP.ECN == script.ECT01 && p.Direction == script.Inbound {
		return nil, wrong(p.IP, "ect01 is for outbound packets only")
	}
	f, err := ipFieldsFromScript(p.IP)
	if err != nil {
		return nil, err
	}
	if v6 {
		any6 := netip.IPv6Unspecified()
		return &IPv6{TrafficClass: f.tos, FlowLabel: f.flowLabel, HopLimit: f.ttl, Src: any6, Dst: any6}, nil
	}
	any4 := netip.IPv4Unspecified()
	return &IPv4{TOS: f.tos, TTL: f.ttl, Src: any4, Dst: any4}, nil
}

func encapFromScript(e script.Encap) (Layer, error) {
	switch {
	case e.IP != nil:
		return encapIPFromScript(e.IP)
	case e.GRE != nil:
		return greFromScript(e.GRE)
	case e.MPLS != nil:
		return mplsFromScript(e.MPLS)
	}
	return nil, wrong(e, "an empty encapsulation")
}

func encapIPFromScript(e *script.EncapIP) (Layer, error) {
	f, err := ipFieldsFromScript(e.Info)
	if err != nil {
		return nil, err
	}
	src, err := netip.ParseAddr(e.Src)
	if err != nil {
		return nil, wrong(e, "bad source address: %w", err)
	}
	dst, err := netip.ParseAddr(e.Dst)
	if err != nil {
		return nil, wrong(e, "bad destination address: %w", err)
	}
	if want6 := e.Version == 6; src.Is6() != want6 || dst.Is6() != want6 {
		return nil, wrong(e, "%s > %s are not addresses of IPv%d", src, dst, e.Version)
	}
	if e.Version == 6 {
		return &IPv6{TrafficClass: f.tos, FlowLabel: f.flowLabel, HopLimit: f.ttl, Src: src, Dst: dst}, nil
	}
	return &IPv4{TOS: f.tos, TTL: f.ttl, Src: src, Dst: dst}, nil
}

// greFromScript takes a header's fields verbatim. A key is the key whatever
// the flags; packetdrill puts sum and off in its place unless a checksum is
// present.
func greFromScript(g *script.GRE) (Layer, error) {
	l := &GRE{}
	if g.Bare {
		return l, nil
	}
	err := cmp.Or(
		field(&l.Flags, &g.Flags, 16, "flags"),
		field(&l.Checksum, &g.Sum, 16, "sum"),
		field(&l.Offset, &g.Off, 16, "off"),
		field(&l.Key, &g.Key, 32, "key"),
		field(&l.Seq, &g.Seq, 32, "seq"),
	)
	return l, err
}

func mplsFromScript(m *script.MPLS) (Layer, error) {
	l := &MPLS{}
	for i := range m.Labels {
		s := &m.Labels[i]
		d := MPLSLabel{Bottom: s.Bottom}
		err := cmp.Or(
			field(&d.Label, &s.Label, 20, "label"),
			field(&d.TC, &s.TC, 3, "tc"),
			field(&d.TTL, &s.TTL, 8, "ttl"),
		)
		if err != nil {
			return nil, err
		}
		l.Labels = append(l.Labels, d)
	}
	return l, nil
}

// length returns a sequence range's length, which must be what its ends say.
func length(s *script.SeqRange) (first uint32, n int, err error) {
	size, err := number(&s.Length, 16, "length")
	if err != nil {
		return 0, 0, err
	}
	if err := field(&first, &s.First, 32, "sequence number"); err != nil {
		return 0, 0, err
	}
	if s.Last.Value != s.First.Value+s.Length.Value {
		return 0, 0, wrong(s, "%d:%d has %d bytes, not %d", s.First.Value, s.Last.Value, s.Last.Value-s.First.Value, size)
	}
	return first, int(size), nil
}

func udpFromScript(u *script.UDP) (Layer, []byte, error) {
	l := &UDP{}
	if u.Ports != nil {
		if err := portsFromScript(u.Ports, &l.SrcPort, &l.DstPort); err != nil {
			return nil, nil, err
		}
	}
	n, err := number(&u.Length, 16, "length")
	return l, make([]byte, n), err
}

// fragmentFromScript makes an IP header that of a fragment, whose ID is 0, and returns what
// follows.
func fragmentFromScript(f *script.Fragment, ip Layer) (Layer, []byte, error) {
	offset, n, err := length(&f.Bytes)
	if err != nil {
		return nil, nil, err
	}
	_, v6 := ip.(*IPv6)
	l := &Unknown{Protocol: protoUDP}
	switch {
	case f.Protocol == "tcp":
		l.Protocol = protoTCP
	case f.Protocol == "icmp" && v6:
		l.Protocol = protoICMPv6
	case f.Protocol == "icmp":
		l.Protocol = protoICMP
	}
	switch ip := ip.(type) {
	case *IPv4:
		ip.FragOffset, ip.MF = int(offset), f.More
	case *IPv6:
		ip.NextHeader, ip.Extensions = protoFragment, appendFragmentHeader(nil, l.Protocol, uint16(offset), f.More)
	}
	return l, make([]byte, n), nil
}

func portsFromScript(p *script.Ports, src, dst *uint16) error {
	if err := field(src, &p.Src, 16, "source port"); err != nil {
		return err
	}
	return field(dst, &p.Dst, 16, "destination port")
}

func icmpFromScript(m *script.ICMP, v6 bool) (Layer, []byte, error) {
	l := &ICMP{V6: v6}
	var ok bool
	if l.Type, ok = ICMPType(m.Type, v6); !ok {
		return nil, nil, wrong(m, "unknown ICMP type %s", m.Type)
	}
	if l.Code, ok = ICMPCode(l.Type, m.Code, v6); !ok {
		return nil, nil, wrong(m, "unknown code %s of ICMP type %s", m.Code, m.Type)
	}
	if m.MTU != nil {
		bits := 16
		if v6 {
			bits = 32
		}
		if err := field(&l.Rest, m.MTU, bits, "mtu"); err != nil {
			return nil, nil, err
		}
		if !l.hasMTU() {
			which := "unreachable frag_needed"
			if v6 {
				which = "packet_too_big"
			}
			return nil, nil, wrong(m.MTU, "an mtu is for %s only", which)
		}
	}
	if m.ID != nil {
		var id uint16
		if err := field(&id, m.ID, 16, "id"); err != nil {
			return nil, nil, err
		}
		if id != 0 {
			l.Rest = uint32(id)<<16 | l.Rest&0xffff
		}
	}
	if m.Raw != nil {
		n, err := number(m.Raw, 16, "length")
		if err == nil && n < 8 {
			err = wrong(m.Raw, "a message of %d bytes is less than an ICMP header's 8", n)
		}
		if err != nil {
			return nil, nil, err
		}
		return l, make([]byte, n-8), nil
	}
	var seq uint32
	var size int
	proto, header := protoTCP, 20
	var err error
	switch {
	case m.QuotedUDP != nil:
		var n uint64
		n, err = number(m.QuotedUDP, 16, "length")
		proto, header, size = protoUDP, 8, int(n)
	case m.QuotedTCP != nil:
		seq, size, err = length(m.QuotedTCP)
	}
	return l, quote(v6, proto, header+size, seq), err
}

// quote returns the start of a packet as ICMP quotes it: an IP header without
// addresses, and the first 8 bytes of TCP or UDP, without ports. The IP header
// says how long the transport was.
func quote(v6 bool, proto uint8, transport int, seq uint32) []byte {
	n := 20
	if v6 {
		n = 40
	}
	b := make([]byte, n+8)
	if v6 {
		b[0], b[6], b[7] = 6<<4, proto, defaultTTL
		binary.BigEndian.PutUint16(b[4:], uint16(length16(transport)))
	} else {
		b[0], b[8], b[9] = 4<<4|5, defaultTTL, proto
		binary.BigEndian.PutUint16(b[2:], uint16(length16(n+transport)))
		binary.BigEndian.PutUint16(b[10:], checksum(b[:n]))
	}
	if proto == protoTCP {
		binary.BigEndian.PutUint32(b[n+4:], seq)
	} else {
		binary.BigEndian.PutUint16(b[n+4:], uint16(length16(transport)))
	}
	return b
}

func tcpFromScript(t *script.TCP, dir script.Direction) (Layer, []byte, error) {
	if t.PSP != nil {
		return nil, nil, &ScriptError{t.PSP, ErrPSP}
	}
	if dir == script.Inbound && t.Window == nil {
		return nil, nil, wrong(t, "an inbound segment needs a window: win N")
	}
	if dir == script.Inbound && t.AnyOptions {
		return nil, nil, wrong(t, "<...> is for outbound packets only")
	}
	l := &TCP{}
	seq, size, err := length(&t.Seq)
	if err != nil {
		return nil, nil, err
	}
	l.Seq = seq
	if l.Flags, err = tcpFlags(t); err != nil {
		return nil, nil, err
	}
	if t.Ports != nil {
		if err := portsFromScript(t.Ports, &l.SrcPort, &l.DstPort); err != nil {
			return nil, nil, err
		}
	}
	err = cmp.Or(
		field(&l.Ack, t.Ack, 32, "acknowledgement number"),
		field(&l.Window, t.Window, 16, "window"),
		field(&l.Urgent, t.Urgent, 16, "urgent pointer"),
	)
	if err != nil {
		return nil, nil, err
	}
	for _, o := range t.Options {
		w, err := tcpOptionFromScript(o)
		if err != nil {
			return nil, nil, err
		}
		l.Options = append(l.Options, w)
	}
	if _, err := marshalTCPOptions(l.Options); err != nil {
		return nil, nil, &ScriptError{t, err}
	}
	return l, make([]byte, size), nil
}

// flagLetters are the letters of TCP's flags, in the order of their bits.
const flagLetters = "FSRP.UEWA"

func tcpFlags(t *script.TCP) (TCPFlags, error) {
	var f TCPFlags
	for _, letter := range t.Flags {
		bit := strings.IndexRune(flagLetters, letter)
		if bit < 0 {
			return 0, wrong(t, "unknown TCP flag %c: flags are %s", letter, flagLetters)
		}
		f |= 1 << bit
	}
	if t.ACE < 0 {
		return f, nil
	}
	if f&(AE|CWR|ECE) != 0 {
		return 0, wrong(t, "flags %s with a digit: E, W and A are what the digit says", t.Flags)
	}
	return f.WithACE(t.ACE), nil
}

func tcpOptionFromScript(o *script.TCPOption) (TCPOption, error) {
	switch o.Kind {
	case script.OptEOL:
		return TCPOption{Kind: OptEOL}, nil
	case script.OptNOP:
		return TCPOption{Kind: OptNOP}, nil
	case script.OptMSS:
		n, err := number(&o.Value, 16, "mss")
		return TCPOption{OptMSS, binary.BigEndian.AppendUint16(nil, uint16(n))}, err
	case script.OptWScale:
		n, err := number(&o.Value, 8, "window scale")
		return TCPOption{OptWScale, []byte{uint8(n)}}, err
	case script.OptSACKOK:
		return TCPOption{Kind: OptSACKOK}, nil
	case script.OptSACK:
		var blocks []SACKBlock
		for i := range o.Blocks {
			var b SACKBlock
			err := cmp.Or(
				field(&b.Left, &o.Blocks[i].Left, 32, "left edge"),
				field(&b.Right, &o.Blocks[i].Right, 32, "right edge"),
			)
			if err != nil {
				return TCPOption{}, err
			}
			blocks = append(blocks, b)
		}
		return TCPOption{OptSACK, sackData(blocks)}, nil
	case script.OptTimestamp:
		val, err := number(&o.Value, 32, "TS val")
		if err != nil {
			return TCPOption{}, err
		}
		ecr, err := number(&o.Echo, 32, "TS ecr")
		return TCPOption{OptTimestamp, timestampData(uint32(val), uint32(ecr))}, err
	case script.OptFastOpen:
		b, err := blob(&o.Blob, "Fast Open cookie")
		return TCPOption{OptFastOpen, b}, err
	case script.OptFastOpenExp:
		b, err := blob(&o.Blob, "Fast Open cookie")
		return TCPOption{OptExp, append(binary.BigEndian.AppendUint16(nil, FastOpenMagic), b...)}, err
	case script.OptMD5:
		b, err := blob(&o.Blob, "MD5 digest")
		if len(b) > 16 {
			err = wrong(&o.Blob, "an MD5 digest of %d bytes, more than 16", len(b))
		}
		return TCPOption{OptMD5, b}, err
	case script.OptAccECN:
		return accECNFromScript(o)
	}
	return TCPOption{}, wrong(o, "unknown TCP option")
}

// accECNOrders are the orders in which the AccECN option has its counters
// (RFC 9768 section 3.2.3): of kind 172, and of kind 174.
var accECNOrders = [2][3]string{{"e0b", "ceb", "e1b"}, {"e1b", "ceb", "e0b"}}

func accECNFromScript(o *script.TCPOption) (TCPOption, error) {
	w := TCPOption{Kind: OptAccECN0}
	order := accECNOrders[0]
	if len(o.Counters) > 0 && o.Counters[0].Name == "e1b" {
		w.Kind = OptAccECN1
		order = accECNOrders[1]
	}
	for i := range o.Counters {
		c := &o.Counters[i]
		if i >= len(order) || c.Name != order[i] {
			return w, wrong(c, "%s out of order: counters come as e0b, ceb, e1b or as e1b, ceb, e0b", c.Name)
		}
		n, err := number(&c.Value, 24, c.Name)
		if err != nil {
			return w, err
		}
		w.Data = append(w.Data, uint8(n>>16), uint8(n>>8), uint8(n))
	}
	return w, nil
}

func blob(h *script.Hex, what string) ([]byte, error) {
	if h.Text == "" {
		return nil, nil
	}
	b, err := hex.DecodeString(h.Text)
	if err != nil {
		return nil, wrong(h, "%s %s isn't hexadecimal digits, two to a byte", what, h.Text)
	}
	return b, nil
}
