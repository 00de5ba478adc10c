package engine

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"tcpdrill/engine/wire"
	"tcpdrill/script"
)

// What differs between an expected and an actual packet, and how to show it.

// A fieldDiff is one field that differs.
type fieldDiff struct {
	field   string // the token it is shown in
	classic string // in packetdrill's words
	note    string // what the tokens don't show
	fatal   bool   // --non_fatal=packet doesn't let it pass
}

type diffList []fieldDiff

// number adds a difference if two values of a header field aren't equal.
func (d *diffList) number(name, field string, want, got uint32) {
	if want != got {
		*d = append(*d, fieldDiff{field: field, classic: fmt.Sprintf(
			"live packet field %s: expected: %d (0x%x) vs actual: %d (0x%x)", name, want, want, got, got)})
	}
}

func (d *diffList) flag(name, field string, want, got, bit wire.TCPFlags) {
	b := func(f wire.TCPFlags) uint32 {
		if f&bit != 0 {
			return 1
		}
		return 0
	}
	d.number("tcp_"+name, field, b(want), b(got))
}

// layers compares all headers but TCP's.
func (d *diffList) layers(p *script.Packet, want, got *wire.Packet) {
	if len(want.Layers) != len(got.Layers) {
		*d = append(*d, fieldDiff{field: "protocol", classic: fmt.Sprintf(
			"live packet header layers: expected: %d headers vs actual: %d headers", len(want.Layers), len(got.Layers))})
		return
	}
	for i, w := range want.Layers {
		info := layerInfo(p, want, i)
		switch w := w.(type) {
		case *wire.IPv4:
			g, ok := got.Layers[i].(*wire.IPv4)
			if !ok {
				d.layerKind(i, "IPV4")
				return
			}
			d.number("ipv4_header_length", "ip", uint32(w.HeaderLen/4), uint32(g.HeaderLen/4))
			d.ipInfo(info, w.TOS, g.TOS, w.TTL, g.TTL)
			if p.ICMP != nil {
				d.number("ipv4_total_length", "length", uint32(w.TotalLen), uint32(g.TotalLen))
			}
		case *wire.IPv6:
			g, ok := got.Layers[i].(*wire.IPv6)
			if !ok {
				d.layerKind(i, "IPV6")
				return
			}
			d.ipInfo(info, w.TrafficClass, g.TrafficClass, w.HopLimit, g.HopLimit)
			if p.ICMP != nil {
				d.number("ipv6_payload_len", "length", uint32(w.PayloadLen), uint32(g.PayloadLen))
			}
		case *wire.GRE:
			g, ok := got.Layers[i].(*wire.GRE)
			if !ok {
				d.layerKind(i, "GRE")
				return
			}
			d.number("gre_flags", "ip", uint32(w.Flags), uint32(g.Flags))
			d.number("gre_proto", "ip", uint32(w.Protocol), uint32(g.Protocol))
			if w.Flags&(wire.GREChecksum|wire.GRERouting) != 0 {
				d.number("gre_sum", "ip", uint32(w.Checksum), uint32(g.Checksum))
				d.number("gre_off", "ip", uint32(w.Offset), uint32(g.Offset))
			}
			if w.Flags&wire.GREKey != 0 {
				d.number("gre_key", "ip", w.Key, g.Key)
			}
			if w.Flags&wire.GRESequence != 0 {
				d.number("gre_seq", "ip", w.Seq, g.Seq)
			}
		case *wire.MPLS:
			g, ok := got.Layers[i].(*wire.MPLS)
			if !ok {
				d.layerKind(i, "MPLS")
				return
			}
			if !slices.Equal(w.Labels, g.Labels) {
				*d = append(*d, fieldDiff{field: "ip", classic: "mismatch in MPLS label stack"})
			}
		case *wire.TCP:
			if _, ok := got.Layers[i].(*wire.TCP); !ok {
				d.layerKind(i, "TCP")
			}
		case *wire.UDP:
			g, ok := got.Layers[i].(*wire.UDP)
			if !ok {
				d.layerKind(i, "UDP")
				return
			}
			d.number("udp_len", "length", uint32(w.Len), uint32(g.Len))
		case *wire.ICMP:
			g, ok := got.Layers[i].(*wire.ICMP)
			if !ok || g.V6 != w.V6 {
				d.layerKind(i, "ICMP")
				return
			}
			d.number("icmp_type", "icmp", uint32(w.Type), uint32(g.Type))
			d.number("icmp_code", "icmp", uint32(w.Code), uint32(g.Code))
		}
	}
}

func (d *diffList) layerKind(i int, want string) {
	*d = append(*d, fieldDiff{field: "protocol", classic: fmt.Sprintf(
		"live packet header layer %d: expected: %s header vs actual: another header", i, want)})
}

// layerInfo returns what the script says of the IP header at a layer: the
// encapsulations come in the script's order, and the last is the packet's own.
func layerInfo(p *script.Packet, want *wire.Packet, i int) *script.IPInfo {
	if i < len(p.Encap) {
		if ip := p.Encap[i].IP; ip != nil {
			return ip.Info
		}
		return nil
	}
	return p.IP
}

// ipInfo compares the type of service and the time to live.
func (d *diffList) ipInfo(info *script.IPInfo, wantTOS, gotTOS, wantTTL, gotTTL uint8) {
	if info == nil {
		return
	}
	ecn := uint32(gotTOS & 3)
	switch info.ECN {
	case script.ECNNone:
	case script.ECT01:
		if ecn != 1 && ecn != 2 {
			*d = append(*d, fieldDiff{field: "ip", classic: fmt.Sprintf("live packet field ip_ecn: expected: 0x1 or 0x2 vs actual: 0x%x", ecn)})
		}
	case script.ECNAsTOS:
		d.number("tos", "ip", uint32(wantTOS), uint32(gotTOS))
	default:
		d.number("ip_ecn", "ip", uint32(wantTOS&3), ecn)
	}
	if info.TTL != nil && info.TTL.Value != 0 {
		d.number("ttl", "ip", uint32(wantTTL), uint32(gotTTL))
	}
}

// tcp compares the TCP header but for its options.
func (d *diffList) tcp(p *script.TCP, want, got *wire.TCP) {
	for _, f := range []struct {
		name string
		bit  wire.TCPFlags
	}{{"fin", wire.FIN}, {"syn", wire.SYN}, {"rst", wire.RST}, {"psh", wire.PSH}, {"ack", wire.ACK}, {"urg", wire.URG}} {
		d.flag(f.name, "flags", want.Flags, got.Flags, f.bit)
	}
	if p.ACE > 0 {
		d.number("tcp_ace", "flags", uint32(want.Flags.ACE()), uint32(got.Flags.ACE()))
	} else {
		d.flag("ece", "flags", want.Flags, got.Flags, wire.ECE)
		d.flag("cwr", "flags", want.Flags, got.Flags, wire.CWR)
		d.flag("ae", "flags", want.Flags, got.Flags, wire.AE)
	}
	d.number("tcp_reserved_bits", "flags", uint32(want.Reserved), uint32(got.Reserved))
	d.number("tcp_seq", "seq", want.Seq, got.Seq)
	d.number("tcp_ack_seq", "ack", want.Ack, got.Ack)
	if p.Window != nil {
		d.number("tcp_window", "win", uint32(want.Window), uint32(got.Window))
	}
	d.number("tcp_urg_ptr", "urg", uint32(want.Urgent), uint32(got.Urgent))
}

// flowLabel compares flow labels: their values are the stack's affair, but the
// script's say which are the same and which aren't.
func (d *diffList) flowLabel(s *socket, want, got uint32) {
	add := func(text string) { *d = append(*d, fieldDiff{field: "ip", classic: text, note: text}) }
	switch {
	case want == 0:
	case got == 0:
		add("flowlabel unmarked in the live packet")
	case s.flowLabelScript == 0 || want != s.flowLabelScript && got != s.flowLabelLive:
		s.flowLabelScript, s.flowLabelLive = want, got
	case want != s.flowLabelScript:
		add("expected a different flowlabel but got the same")
	case got != s.flowLabelLive:
		add(fmt.Sprintf("inconsistent flowlabels for this packet: expected: 0x%x vs actual: 0x%x", s.flowLabelLive, got))
	}
}

// optField names the token of the i-th option.
func optField(i int) string { return fmt.Sprintf("option %d", i) }

// diffOptions compares TCP options: which they are, in their order, and what
// they hold, but for a timestamp's echo, and its value if not asked for.
func (r *runner) diffOptions(d *diffList, p *script.TCP, want, got *wire.TCP) {
	if p.AnyOptions {
		return
	}
	n := max(len(want.Options), len(got.Options))
	for i := range n {
		if i >= len(want.Options) || i >= len(got.Options) || want.Options[i].Kind != got.Options[i].Kind {
			*d = append(*d, fieldDiff{field: optField(i), classic: "bad outbound TCP options"})
			continue
		}
		w, g := want.Options[i], got.Options[i]
		switch {
		case w.Kind == wire.OptTimestamp:
			r.diffTimestamp(d, i, want, got)
		case len(w.Data) != len(g.Data):
			r.optionDiff(d, i, "bad length", w, g)
		case !bytes.Equal(w.Data, g.Data):
			r.optionDiff(d, i, "bad value", w, g)
		}
	}
	if want.HeaderLen != got.HeaderLen && len(want.Options) == len(got.Options) {
		d.number("tcp_data_offset", "options", uint32(want.HeaderLen/4), uint32(got.HeaderLen/4))
	}
}

func (r *runner) optionDiff(d *diffList, i int, what string, w, g wire.TCPOption) {
	*d = append(*d, fieldDiff{field: optField(i), classic: fmt.Sprintf(
		"%s in outbound TCP option (kind=%d): expected: %s actual: %s", what, w.Kind, w, g)})
}

// diffTimestamp compares TS values where --tcp_ts_tick_usecs says what a tick is.
func (r *runner) diffTimestamp(d *diffList, i int, want, got *wire.TCP) {
	if r.cfg.TSTick == 0 {
		return
	}
	w, _, _ := want.Timestamp()
	g, _, _ := got.Timestamp()
	off := time.Duration(int32(g-w)) * r.cfg.TSTick
	// What counts here is the time since the start: an error adds up.
	tol := r.tolerance(r.at, 0)
	if max(off, -off) > tol {
		*d = append(*d, fieldDiff{field: optField(i), classic: fmt.Sprintf(
			"bad outbound TCP timestamp value, tolerance %d", tol.Microseconds())})
	}
}

// differs names the fields of some differences: "flags and win differ".
func differs(diffs []fieldDiff) string {
	var names []string
	for _, d := range diffs {
		name := d.field
		if strings.HasPrefix(name, "option") {
			name = "options"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 1 {
		return names[0] + " differ" + map[bool]string{true: "", false: "s"}[strings.HasSuffix(names[0], "s")]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1] + " differ"
}

// sideBySide makes the two lines of a report.
func (r *runner) sideBySide(p *script.Packet, want *wire.Packet, got *segment, diffs []fieldDiff) (w, g []Token) {
	w = r.tokens(p, want, r.due())
	g = r.tokens(gotView(p, got.packet), got.packet, seconds(got.at))
	if n := p.GSO(); n != nil {
		w = append(w, Token{Field: "gso", Text: "gso " + n.String()})
		if n := got.size(); n > 0 {
			g = append(g, Token{Field: "gso", Text: fmt.Sprintf("gso %d", n)})
		}
	}
	if p.TCP != nil && p.TCP.Cause != nil && got.cause() != "" {
		w = append(w, Token{Field: "cause", Text: `cause "` + p.TCP.Cause.Text + `"`})
		g = append(g, Token{Field: "cause", Text: `cause "` + got.cause() + `"`})
	}
	for _, d := range diffs {
		for _, side := range [][]Token{w, g} {
			for i := range side {
				if side[i].Field == d.field {
					side[i].Differ = true
				}
			}
		}
	}
	return w, g
}

// gotView returns how much of a captured packet to show: what the script
// speaks of, and the window, which is good to know.
func gotView(p *script.Packet, got *wire.Packet) *script.Packet {
	v := &script.Packet{Direction: script.Outbound, IP: p.IP, Encap: p.Encap, TCP: p.TCP, UDP: p.UDP, ICMP: p.ICMP, Fragment: p.Fragment}
	if p.TCP != nil && p.TCP.Window == nil && got.TCP() != nil {
		t := *p.TCP
		t.Window = &script.Int{Value: int64(got.TCP().Window)}
		v.TCP = &t
	}
	return v
}

// due is when the event at hand is expected, for a report.
func (r *runner) due() string {
	if r.event.Time.Kind == script.Any {
		return "*"
	}
	return seconds(r.at)
}

// tokens takes a packet apart for a report.
func (r *runner) tokens(p *script.Packet, w *wire.Packet, at string) []Token {
	toks := []Token{{Field: "time", Text: at}, {Field: "direction", Text: ">"}}
	add := func(field, text string) {
		if text != "" {
			toks = append(toks, Token{Field: field, Text: text})
		}
	}
	t := w.TCP()
	if t == nil || p.TCP == nil || w.Fragment() != nil {
		add("protocol", formatPacket(w))
		return toks
	}
	outer := &wire.Packet{Layers: w.Layers[:len(w.Layers)-1]}
	add("ip", strings.TrimSpace(wire.Format(outer, ipOptions(p.IP))))
	add("flags", t.Flags.Format(p.TCP.ACE > 0))
	end := t.Seq + uint32(len(w.Payload))
	add("seq", fmt.Sprintf("%d:%d", t.Seq, end))
	add("length", fmt.Sprintf("(%d)", len(w.Payload)))
	if t.Flags&wire.ACK != 0 || t.Ack != 0 {
		add("ack", fmt.Sprintf("ack %d", t.Ack))
	}
	if p.TCP.Window != nil {
		add("win", fmt.Sprintf("win %d", t.Window))
	}
	if t.Urgent != 0 {
		add("urg", fmt.Sprintf("urg %d", t.Urgent))
	}
	if p.TCP.AnyOptions {
		add("options", "<...>")
		return toks
	}
	for i, o := range t.Options {
		text := o.String()
		if i == 0 {
			text = "<" + text
		}
		if i == len(t.Options)-1 {
			text += ">"
		} else {
			text += ","
		}
		add(optField(i), text)
	}
	return toks
}

// classicWrong is packetdrill's message for a wrong packet: the first thing that
// it finds, which are lengths, and both packets unless it is the payload's length.
func (r *runner) classicWrong(p *script.Packet, want *wire.Packet, got *segment, diffs []fieldDiff) string {
	msg := "error handling packet: " + diffs[0].classic
	if diffs[0].fatal && diffs[0].field == "length" {
		return msg
	}
	w, g := want.TCP(), got.packet.TCP()
	if !diffs[0].fatal && w != nil && g != nil && w.HeaderLen != g.HeaderLen && !p.TCP.AnyOptions {
		var d diffList
		switch ip := want.Layers[0].(type) {
		case *wire.IPv4:
			d.number("ipv4_total_length", "", uint32(ip.TotalLen), uint32(ip.TotalLen+g.HeaderLen-w.HeaderLen))
		case *wire.IPv6:
			d.number("ipv6_payload_len", "", uint32(ip.PayloadLen), uint32(ip.PayloadLen+g.HeaderLen-w.HeaderLen))
		}
		for _, first := range d {
			msg = "error handling packet: " + first.classic
		}
	}
	return msg + r.classicScript("", p, want) + classicPacket("actual", got.at, formatPacket(got.packet))
}

// classicScript and classicPacket are the script's packet and others as
// packetdrill shows them below its message.
func (r *runner) classicScript(indent string, p *script.Packet, want *wire.Packet) string {
	f := wire.FormatOptions{ECN: want.TOS()&3 != 0}
	if p.TCP != nil {
		f.NoWindow, f.ACE = p.TCP.Window == nil, p.TCP.ACE > 0
	}
	return classicPacket(indent+"script", r.at, wire.Format(want, f))
}

func classicPacket(what string, at time.Duration, text string) string {
	return fmt.Sprintf("\n%s packet: %9.6f %s", what, at.Seconds(), text)
}

// ipOptions says which parts of the IP header a script's line speaks of.
func ipOptions(i *script.IPInfo) wire.FormatOptions {
	if i == nil {
		return wire.FormatOptions{}
	}
	return wire.FormatOptions{
		ECN:       i.ECN != script.ECNNone && i.ECN != script.ECNAsTOS,
		TOS:       i.ECN == script.ECNAsTOS,
		FlowLabel: i.FlowLabel != nil,
		TTL:       i.TTL != nil,
	}
}

// formatPacket prints a packet as a line of a script has it, after the time.
func formatPacket(w *wire.Packet) string {
	return wire.Format(w, wire.FormatOptions{ECN: w.TOS()&3 != 0})
}
