package script

import "strings"

// The methods here make the nodes of nodes.go of the rules of grammar.go.

func (r *optionRule) option() *Option {
	o := &Option{Range: r.Range, Name: strings.TrimPrefix(r.Name, "--")}
	v := r.Value
	if v == nil {
		return o
	}
	o.HasValue = true
	switch {
	case v.Value != "":
		o.Text = v.Word + "=" + v.Value
		o.Value = o.Text
	case v.Word != "":
		o.Text, o.Value = v.Word, v.Word
	default:
		o.Text, o.Value = v.Other, v.Other
		if strings.HasPrefix(v.Other, `"`) {
			o.Value = unquote(v.Other)
		}
	}
	return o
}

func (r *eventRule) event() *Event {
	e := &Event{Range: r.Range, Time: r.Time, Command: r.Command, Code: r.Code, Device: r.Device}
	switch {
	case r.Packet != nil:
		e.Packet = r.Packet.packet()
	case r.Call != nil:
		e.Call = r.Call.call()
	}
	return e
}

func (r *callRule) call() *Call {
	c := &Call{
		Range:      r.Range,
		Name:       r.Name.Name,
		NameSymbol: r.Name.Symbol,
		NamePos:    r.Name.Pos,
		Args:       exprs(r.Args),
		Result:     r.Result.expr(),
	}
	if r.End != nil {
		c.Blocking, c.End, c.EndText = true, r.End.Value, r.End.Text
	}
	if e := r.Errno; e != nil {
		c.Errno, c.ErrnoSymbol, c.ErrnoPos = e.Name.Name, e.Name.Symbol, e.Name.Pos
		c.Note, c.HasNote = e.Note.text(), true
	}
	if r.Note != nil {
		note := r.Note.text()
		if c.HasNote {
			// packetdrill takes two notes after an errno; they print as one.
			note = c.Note + " " + note
		}
		c.Note, c.HasNote = note, true
	}
	return c
}

func (r *noteRule) text() string {
	words := make([]string, len(r.Words))
	for i, w := range r.Words {
		words[i] = written(splitSymbol(w))
	}
	return strings.Join(words, " ")
}

func (r *packetRule) packet() *Packet {
	p := &Packet{Range: r.Range, Encap: r.Encap.List, IP: r.IP.IPInfo, BadSum: r.BadSum}
	if r.Direction == ">" {
		p.Direction = Outbound
	}
	switch {
	case r.TCP != nil:
		p.TCP = r.TCP.tcp()
	case r.ICMP != nil:
		p.ICMP = r.ICMP.icmp()
	case r.Fragment != nil:
		p.Fragment = &Fragment{r.Fragment.Range, r.Fragment.Protocol, r.Fragment.Bytes, r.Fragment.More}
	default:
		p.UDP = &UDP{r.UDP.Range, r.UDP.Ports.Ports, r.UDP.Length, r.UDP.GSO}
	}
	return p
}

func (r *encapRule) encap() Encap {
	e := Encap{Range: r.Range}
	switch {
	case r.IPv4 != nil:
		e.IP = &EncapIP{r.IPv4.Range, 4, r.IPv4.Info.IPInfo, r.IPv4.Src, r.IPv4.Dst}
	case r.IPv6 != nil:
		e.IP = &EncapIP{r.IPv6.Range, 6, r.IPv6.Info.IPInfo, r.IPv6.Src, r.IPv6.Dst}
	case r.MPLS != nil:
		e.MPLS = &MPLS{r.MPLS.Range, r.MPLS.Labels}
	case r.GRE.Bare:
		e.GRE = &GRE{Range: r.GRE.Range, Bare: true}
	default:
		gre := r.GRE.Header.gre()
		e.GRE = &gre
	}
	return e
}

// The bits of a GRE header's flags (RFC 2784, RFC 2890).
var greFlagBits = map[string]int64{"checksum": 0x8000, "key": 0x2000, "sequence#": 0x1000}

func (r *greRule) gre() GRE {
	g := GRE{Range: r.Range, Sum: r.Sum.Int, Off: r.Off.Int, Key: r.Key.Int, Seq: r.Seq.Int}
	if r.Flags != nil {
		g.Flags = r.Flags.Int
	}
	for _, f := range r.Names {
		if f.None {
			g.FlagNames = append(g.FlagNames, "none")
			continue
		}
		g.FlagNames = append(g.FlagNames, f.Present+" present")
		g.Flags.Value |= greFlagBits[f.Present]
	}
	return g
}

var ecnWords = map[string]ECN{"noecn": NoECN, "ect0": ECT0, "ect1": ECT1, "ect01": ECT01, "ce": CE}

func (r *ipInfoRule) info() *IPInfo {
	info := &IPInfo{Range: r.Range, Square: r.Square != nil}
	f := r.Round
	if info.Square {
		f = r.Square
	}
	info.ECN = ecnWords[f.ECN]
	info.TTL = f.TTL
	if f.TOS != nil {
		info.ECN, info.TOS = ECNAsTOS, f.TOS.Int
	}
	switch {
	case f.AndLabel != nil:
		info.FlowLabel = &f.AndLabel.Int
	case f.FlowLabel != nil:
		info.FlowLabel = &f.FlowLabel.Int
	}
	return info
}

func (r *icmpRule) icmp() *ICMP {
	m := &ICMP{
		Range:      r.Range,
		Type:       r.Type.Name,
		TypeSymbol: r.Type.Symbol,
		MTU:        r.MTU,
		ID:         r.ID,
		QuotedTCP:  r.TCP,
		QuotedUDP:  r.UDP,
		Raw:        r.Raw,
	}
	if r.Code != nil {
		m.Code, m.CodeSymbol = r.Code.Name, r.Code.Symbol
	}
	return m
}

func (r *tcpRule) tcp() *TCP {
	t := &TCP{
		Range:      r.Range,
		Ports:      r.Ports.Ports,
		Seq:        r.Seq,
		Ack:        r.Numbers.Ack,
		Window:     r.Numbers.Window,
		Urgent:     r.Numbers.Urgent,
		Options:    r.Options.List,
		HasOptions: r.Options.Any || r.Options.List != nil,
		AnyOptions: r.Options.Any,
		OptionsAt:  r.Options.Range,
		written:    r.Flags,
	}
	t.Flags, t.ACE = r.Flags.split()
	if r.PSP != nil {
		t.PSP = &r.PSP.Int
	}
	t.GSO, t.Cause = r.GSO, r.Cause
	t.Stream, t.StreamAt = r.Stream != Range{}, r.Stream
	return t
}
