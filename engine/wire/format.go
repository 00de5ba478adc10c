package wire

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// FormatOptions say what Format shows beside what it always does.
type FormatOptions struct {
	// Of all IP headers. TOS includes ECN. The language can't say a TTL
	// together with the others, so it replaces them.
	ECN, TOS, FlowLabel, TTL bool

	Ports    bool // of TCP and UDP
	ACE      bool // AE, CWR and ECE as the number they make, not as letters
	NoWindow bool
}

// Format returns p in script notation, without direction and time:
//
//	P. 1:1001(1000) ack 1 win 256 <nop,nop,TS val 100 ecr 200>
//	ipv4 192.0.2.1 > 192.0.2.2: gre: [ect0] udp 53 > 1024 (100)
//	icmp unreachable frag_needed mtu 1200 [1:1461(1460)]
//	fragment udp 1480:2960(1480) mf
//
// It parses as script, but for what the language has no words for: other
// transports (proto 89 (100)), reserved bits of TCP (reserved 0x1), and TCP
// options which are unknown or of an unusual length (opt 253 0a0b: kind, data in
// hexadecimal). Of a fragment it shows no more than what the IP header says.
func Format(p *Packet, f FormatOptions) string {
	var b strings.Builder
	layers, inner := p.Layers, p.innermostIP()
	piece := p.Fragment()
	if piece != nil {
		layers, inner = p.Layers[:piece.layer+1], piece.layer
	}
	for i, l := range layers {
		switch l := l.(type) {
		case *IPv4:
			info := f.ipInfo(l.TOS, l.TTL, 0, false)
			if i == inner {
				b.WriteString(info)
				continue
			}
			fmt.Fprintf(&b, "ipv4 %s%s > %s: ", info, l.Src, l.Dst)
		case *IPv6:
			info := f.ipInfo(l.TrafficClass, l.HopLimit, l.FlowLabel, true)
			if i == inner {
				b.WriteString(info)
				continue
			}
			fmt.Fprintf(&b, "ipv6 %s%s > %s: ", info, l.Src, l.Dst)
		case *GRE:
			formatGRE(&b, l)
		case *MPLS:
			formatMPLS(&b, l)
		case *TCP:
			formatTCP(&b, l, len(p.Payload), f)
		case *UDP:
			b.WriteString("udp ")
			if f.Ports {
				fmt.Fprintf(&b, "%d > %d ", l.SrcPort, l.DstPort)
			}
			fmt.Fprintf(&b, "(%d)", len(p.Payload))
		case *ICMP:
			formatICMP(&b, p, l)
		case *Unknown:
			fmt.Fprintf(&b, "proto %d (%d)", l.Protocol, len(p.Payload))
		}
	}
	if piece != nil {
		b.WriteString(piece.String())
	}
	return b.String()
}

var ecnNames = [4]string{"noecn", "ect1", "ect0", "ce"}

// ipInfo returns what is asked for of an IP header, as "[ect0] ", or "".
func (f FormatOptions) ipInfo(tos, ttl uint8, flowLabel uint32, v6 bool) string {
	var said []string
	switch {
	case f.TTL:
		return fmt.Sprintf("[ttl %d] ", ttl)
	case f.TOS:
		said = append(said, fmt.Sprintf("tos 0x%02x", tos))
	case f.ECN:
		said = append(said, ecnNames[tos&3])
	}
	if f.FlowLabel && v6 {
		said = append(said, fmt.Sprintf("flowlabel 0x%x", flowLabel))
	}
	if said == nil {
		return ""
	}
	return "[" + strings.Join(said, ", ") + "] "
}

func formatGRE(b *strings.Builder, g *GRE) {
	if g.Flags == 0 {
		b.WriteString("gre: ")
		return
	}
	flags := fmt.Sprintf("0x%x", g.Flags)
	if g.Flags&^(GREChecksum|GREKey|GRESequence) == 0 {
		var names []string
		for _, n := range []struct {
			flag uint16
			name string
		}{{GREChecksum, "checksum present"}, {GREKey, "key present"}, {GRESequence, "sequence# present"}} {
			if g.Flags&n.flag != 0 {
				names = append(names, n.name)
			}
		}
		flags = "[" + strings.Join(names, ", ") + "]"
	}
	fmt.Fprintf(b, "gre flags %s, sum 0x%x, off 0x%x, key = 0x%x, seq %d: ", flags, g.Checksum, g.Offset, g.Key, g.Seq)
}

func formatMPLS(b *strings.Builder, m *MPLS) {
	b.WriteString("mpls")
	for _, l := range m.Labels {
		bottom := ""
		if l.Bottom {
			bottom = "[S], "
		}
		fmt.Fprintf(b, " (label %d, tc %d, %sttl %d)", l.Label, l.TC, bottom, l.TTL)
	}
	b.WriteString(": ")
}

func formatTCP(b *strings.Builder, t *TCP, payload int, f FormatOptions) {
	if f.Ports {
		fmt.Fprintf(b, "%d > %d ", t.SrcPort, t.DstPort)
	}
	fmt.Fprintf(b, "%s %d:%d(%d)", t.Flags.Format(f.ACE), t.Seq, t.Seq+uint32(payload), payload)
	if t.Flags&ACK != 0 || t.Ack != 0 {
		fmt.Fprintf(b, " ack %d", t.Ack)
	}
	if !f.NoWindow {
		fmt.Fprintf(b, " win %d", t.Window)
	}
	if t.Flags&URG != 0 || t.Urgent != 0 {
		fmt.Fprintf(b, " urg %d", t.Urgent)
	}
	if t.Reserved != 0 {
		fmt.Fprintf(b, " reserved 0x%x", t.Reserved)
	}
	if len(t.Options) == 0 {
		return
	}
	for i, o := range t.Options {
		b.WriteString([]string{" <", ","}[min(i, 1)])
		b.WriteString(o.String())
	}
	b.WriteString(">")
}

// Format returns flags as scripts write them: letters before the dot of ACK,
// and a digit, if asked for, after it. Where a digit would stand alone it
// couldn't be told from a sequence number: then they are letters all the same.
func (f TCPFlags) Format(ace bool) string {
	letters := f &^ ACK
	if ace && f&^(AE|CWR|ECE) != 0 {
		letters &^= AE | CWR | ECE
	} else {
		ace = false
	}
	s := ""
	for bit, letter := range flagLetters {
		if letters&(1<<bit) != 0 {
			s += string(letter)
		}
	}
	if f&ACK != 0 {
		s += "."
	}
	if ace {
		s += string(rune('0' + f.ACE()))
	}
	if s == "" {
		return "-"
	}
	return s
}

// String returns flags as scripts write them, "FP." or "-".
func (f TCPFlags) String() string { return f.Format(false) }

// String returns an option as scripts write it, or, if they can't, as
// "opt KIND DATA".
func (o TCPOption) String() string {
	switch d := o.Data; {
	case o.Kind == OptEOL && len(d) == 0:
		return "eol"
	case o.Kind == OptEOL:
		return fmt.Sprintf("eol %x", d)
	case o.Kind == OptNOP:
		return "nop"
	case o.Kind == OptMSS && len(d) == 2:
		return fmt.Sprintf("mss %d", binary.BigEndian.Uint16(d))
	case o.Kind == OptWScale && len(d) == 1:
		return fmt.Sprintf("wscale %d", d[0])
	case o.Kind == OptSACKOK && len(d) == 0:
		return "sackOK"
	case o.Kind == OptSACK && len(d) > 0 && len(d)%8 == 0:
		s := "sack"
		for ; len(d) > 0; d = d[8:] {
			s += fmt.Sprintf(" %d:%d", binary.BigEndian.Uint32(d), binary.BigEndian.Uint32(d[4:]))
		}
		return s
	case o.Kind == OptTimestamp && len(d) == 8:
		return fmt.Sprintf("TS val %d ecr %d", binary.BigEndian.Uint32(d), binary.BigEndian.Uint32(d[4:]))
	case o.Kind == OptMD5 && len(d) > 0:
		return fmt.Sprintf("md5 %x", d)
	case o.Kind == OptFastOpen:
		return strings.TrimSuffix(fmt.Sprintf("FO %x", d), " ")
	case o.Kind == OptExp && len(d) >= 2 && binary.BigEndian.Uint16(d) == FastOpenMagic:
		return strings.TrimSuffix(fmt.Sprintf("FOEXP %x", d[2:]), " ")
	case (o.Kind == OptAccECN0 || o.Kind == OptAccECN1) && len(d) > 0 && len(d) <= 9 && len(d)%3 == 0:
		names := accECNOrders[0]
		if o.Kind == OptAccECN1 {
			names = accECNOrders[1]
		}
		s := "ECN"
		for i := 0; i < len(d); i += 3 {
			s += fmt.Sprintf(" %s %d", names[i/3], uint32(d[i])<<16|uint32(d[i+1])<<8|uint32(d[i+2]))
		}
		return s
	}
	return strings.TrimSuffix(fmt.Sprintf("opt %d %x", o.Kind, o.Data), " ")
}

func formatICMP(b *strings.Builder, p *Packet, m *ICMP) {
	typ, code := m.names()
	fmt.Fprintf(b, "icmp %s", typ)
	if code != "" {
		fmt.Fprintf(b, " %s", code)
	}
	if m.hasMTU() {
		fmt.Fprintf(b, " mtu %d", m.mtu())
	}
	if id := m.Rest >> 16; m.hasID() && id != 0 {
		fmt.Fprintf(b, " id %d", id)
	}
	switch q := p.Quoted(); {
	case q == nil:
		fmt.Fprintf(b, " [raw (%d)]", 8+len(p.Payload))
	case q.Protocol == protoUDP:
		fmt.Fprintf(b, " [udp (%d)]", q.PayloadLen)
	default:
		fmt.Fprintf(b, " [%d:%d(%d)]", q.Seq, q.Seq+uint32(q.PayloadLen), q.PayloadLen)
	}
}
