package script

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// secondsText returns a time as written, or d in seconds.
func secondsText(text string, d time.Duration) string {
	if text != "" {
		return text
	}
	s := strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
	if strings.HasPrefix(s, "0.") {
		s = s[1:]
	}
	return s
}

// String returns the number as written, or in decimal.
func (n Int) String() string {
	if n.Text != "" {
		return n.Text
	}
	return strconv.FormatInt(n.Value, 10)
}

// hexText returns a number as written, or in hexadecimal, where the grammar
// takes no other.
func hexText(n Int) string {
	if n.Text != "" {
		return n.Text
	}
	return fmt.Sprintf("%#x", n.Value)
}

func (p *printer) packet(k *Packet) {
	if k.Direction == Outbound {
		p.put("> ")
	} else {
		p.put("< ")
	}
	for i := range k.Encap {
		p.encap(&k.Encap[i])
	}
	if k.IP != nil {
		p.ipInfo(k.IP)
		p.put(" ")
	}
	switch {
	case k.TCP != nil:
		p.tcp(k.TCP)
	case k.UDP != nil:
		p.put("udp ")
		p.ports(k.UDP.Ports)
		p.put("(", k.UDP.Length.String(), ")")
		p.gso(k.UDP.GSO)
	case k.ICMP != nil:
		p.icmp(k.ICMP)
	case k.Fragment != nil:
		p.put("fragment ", k.Fragment.Protocol, " ", k.Fragment.Bytes.String())
		if k.Fragment.More {
			p.put(" mf")
		}
	}
	if k.BadSum != nil {
		p.put(" badsum")
	}
}

func (p *printer) encap(e *Encap) {
	switch {
	case e.IP != nil:
		p.put("ipv", strconv.Itoa(e.IP.Version), " ")
		if e.IP.Info != nil {
			p.ipInfo(e.IP.Info)
			p.put(" ")
		}
		p.put(e.IP.Src, " > ", e.IP.Dst, ": ")
	case e.GRE != nil && e.GRE.Bare:
		p.put("gre: ")
	case e.GRE != nil:
		p.put("gre ")
		p.gre(e.GRE)
		p.put(": ")
	case e.MPLS != nil:
		p.put("mpls")
		p.labels(e.MPLS, " ")
		p.put(": ")
	}
}

func (p *printer) gre(g *GRE) {
	if g.FlagNames != nil {
		p.put("flags [", strings.Join(g.FlagNames, ", "), "]")
	} else {
		p.put("flags ", hexText(g.Flags))
	}
	p.put(", sum ", hexText(g.Sum), ", off ", g.Off.String(), ", key = ", hexText(g.Key), ", seq ", g.Seq.String())
}

// labels prints MPLS labels, with first before the first.
func (p *printer) labels(m *MPLS, first string) {
	for i, l := range m.Labels {
		if i > 0 {
			first = " "
		}
		bottom := ""
		if l.Bottom {
			bottom = "[S], "
		}
		p.put(first, "(label ", l.Label.String(), ", tc ", l.TC.String(), ", ", bottom, "ttl ", l.TTL.String(), ")")
	}
}

var ecnNames = map[ECN]string{NoECN: "noecn", ECT0: "ect0", ECT1: "ect1", ECT01: "ect01", CE: "ce"}

func (p *printer) ipInfo(i *IPInfo) {
	var parts []string
	switch {
	case i.ECN == ECNAsTOS:
		parts = append(parts, "tos "+hexText(i.TOS))
	case i.ECN != ECNNone:
		parts = append(parts, ecnNames[i.ECN])
	}
	if i.FlowLabel != nil {
		parts = append(parts, "flowlabel "+hexText(*i.FlowLabel))
	}
	if i.TTL != nil {
		parts = append(parts, "ttl "+i.TTL.String())
	}
	all := strings.Join(parts, ", ")
	if i.Square {
		p.put("[", all, "]")
	} else {
		p.put("(", all, ")")
	}
}

func (p *printer) ports(ports *Ports) {
	if ports != nil {
		p.put(ports.Src.String(), " > ", ports.Dst.String(), " ")
	}
}

func (p *printer) tcp(t *TCP) {
	if t.PSP != nil {
		p.put("encap psp spi ", t.PSP.String(), " ")
	}
	p.ports(t.Ports)
	p.put(t.flagsText(), " ", t.Seq.String())
	for _, field := range []struct {
		name string
		n    *Int
	}{{"ack", t.Ack}, {"win", t.Window}, {"urg", t.Urgent}} {
		if field.n != nil {
			p.put(" ", field.name, " ", field.n.String())
		}
	}
	switch {
	case t.AnyOptions:
		p.put(" <...>")
	case len(t.Options) > 0:
		options := make([]string, len(t.Options))
		for i, o := range t.Options {
			options[i] = o.String()
		}
		p.put(" <", strings.Join(options, ","), ">")
	}
	p.gso(t.GSO)
	if t.Stream {
		p.put(" stream")
	}
	if t.Cause != nil {
		p.put(" cause ", quoted(t.Cause.Text, t.Cause.Symbol))
	}
}

func (p *printer) gso(n *Int) {
	if n != nil {
		p.put(" gso ", n.String())
	}
}

// flagsText returns the flags as written, unless they have been changed since.
func (t *TCP) flagsText() string {
	w := &t.written
	if letters, ace := w.split(); w.Text != "" && letters == t.Flags && ace == t.ACE {
		if w.Symbol != "" {
			return w.Symbol + w.Suffix
		}
		return w.Text
	}
	text := t.Flags
	if t.ACE >= 0 {
		text += strconv.Itoa(t.ACE)
	}
	if text == "" {
		text = "-"
	}
	return text
}

// String returns the range as a script has it: 1:1001(1000).
func (s SeqRange) String() string {
	return s.First.String() + ":" + s.Last.String() + "(" + s.Length.String() + ")"
}

// String returns the option as a script has it: mss 1460.
func (o *TCPOption) String() string {
	switch o.Kind {
	case OptEOL:
		return "eol"
	case OptNOP:
		return "nop"
	case OptSACKOK:
		return "sackOK"
	case OptMSS:
		return "mss " + o.Value.String()
	case OptWScale:
		return "wscale " + o.Value.String()
	case OptTimestamp:
		return "TS val " + o.Value.String() + " ecr " + o.Echo.String()
	case OptSACK:
		text := "sack"
		for _, b := range o.Blocks {
			text += " " + b.Left.String() + ":" + b.Right.String()
		}
		return text
	case OptAccECN:
		text := "ECN"
		for _, c := range o.Counters {
			text += " " + c.Name + " " + c.Value.String()
		}
		return text
	case OptFastOpen, OptFastOpenExp:
		name := "FO"
		if o.Kind == OptFastOpenExp {
			name = "FOEXP"
		}
		return strings.TrimRight(name+" "+written(o.Blob.Text, o.Blob.Symbol), " ")
	case OptMD5:
		return "md5 " + written(o.Blob.Text, o.Blob.Symbol)
	}
	return ""
}

func (p *printer) icmp(m *ICMP) {
	p.put("icmp ", written(m.Type, m.TypeSymbol))
	if m.Code != "" {
		p.put(" ", written(m.Code, m.CodeSymbol))
	}
	if m.MTU != nil {
		p.put(" mtu ", m.MTU.String())
	}
	if m.ID != nil {
		p.put(" id ", m.ID.String())
	}
	switch {
	case m.QuotedTCP != nil:
		p.put(" [", m.QuotedTCP.String(), "]")
	case m.QuotedUDP != nil:
		p.put(" [udp (", m.QuotedUDP.String(), ")]")
	case m.Raw != nil:
		p.put(" [raw (", m.Raw.String(), ")]")
	}
}
