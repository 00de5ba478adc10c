package script

import (
	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// Packets, and the leaves that TCP segments consist of.

// packetRule is < or >, what is said of the headers before, and then a segment, a
// datagram, a message or a fragment.
type packetRule struct {
	Range
	Direction string
	Encap     encaps
	IP        ipInfo
	TCP       *tcpRule
	UDP       *udpRule
	ICMP      *icmpRule
	Fragment  *fragmentRule
	BadSum    *Range
}

// Parse implements participle.Parseable.
func (r *packetRule) Parse(lex *lexer.PeekingLexer) (err error) {
	t := lex.Peek()
	if t.Type != tokenAngle {
		return participle.NextMatch
	}
	lex.Next()
	r.Pos, r.Direction = t.Pos, t.Value
	if err := r.Encap.Parse(lex); err != nil && err != participle.NextMatch {
		return err
	}
	if err := r.IP.Parse(lex); err != nil && err != participle.NextMatch {
		return err
	}
	switch lex.Peek().Value {
	case "udp":
		r.UDP, err = parseRare(lex, udpParser)
	case "icmp":
		r.ICMP, err = parseRare(lex, icmpParser)
	case "fragment":
		r.Fragment, err = parseRare(lex, fragmentParser)
	default:
		r.TCP = new(tcpRule)
		if err = r.TCP.Parse(lex); err == participle.NextMatch {
			err = unexpected(lex, "flags")
		}
	}
	if t := *lex.Peek(); err == nil && mark(lex, "badsum") {
		r.BadSum = &Range{t.Pos, lex.RawPeek().Pos}
	}
	r.EndPos = lex.RawPeek().Pos
	return err
}

// tcpRule is a segment: [encap psp spi N] [ports] flags range [ack N] [win N]
// [urg N] [<options>] [gso N] [stream] [cause "..."].
type tcpRule struct {
	Range
	PSP     *anyInt
	Ports   ports
	Flags   flags
	Seq     SeqRange
	Numbers tcpNumbers
	Options tcpOptions
	GSO     *Int
	Stream  Range // of the word; empty if it isn't there
	Cause   *StringPart
}

// Parse implements participle.Parseable.
func (r *tcpRule) Parse(lex *lexer.PeekingLexer) error {
	r.Pos = lex.Peek().Pos
	begun := false // whether what follows has to be a segment
	if mark(lex, "encap") {
		begun = true
		if !mark(lex, "psp") {
			return unexpected(lex, `"psp"`)
		}
		if !mark(lex, "spi") {
			return unexpected(lex, `"spi"`)
		}
		r.PSP = new(anyInt)
		if r.PSP.Parse(lex) != nil {
			return unexpected(lex, "anyInt")
		}
	}
	switch err := r.Ports.Parse(lex); err {
	case nil:
		begun = true
	case participle.NextMatch:
	default:
		return err
	}
	if err := r.Flags.Parse(lex); err != nil {
		if begun {
			return unexpected(lex, "flags")
		}
		return err
	}
	switch err := r.Seq.Parse(lex); err {
	case nil:
	case participle.NextMatch:
		return unexpected(lex, "SeqRange")
	default:
		return err
	}
	if err := r.Numbers.Parse(lex); err != nil && err != participle.NextMatch {
		return err
	}
	if err := r.Options.Parse(lex); err != nil && err != participle.NextMatch {
		return err
	}
	if lex.Peek().Value == "gso" {
		r.GSO = new(Int)
		if err := numberAfter(lex, "gso", r.GSO); err != nil {
			return err
		}
	}
	if at := lex.Peek().Pos; mark(lex, "stream") {
		r.Stream = Range{at, lex.RawPeek().Pos}
	}
	if mark(lex, "cause") {
		r.Cause = new(StringPart)
		if r.Cause.Parse(lex) != nil {
			return unexpected(lex, "StringPart")
		}
	}
	r.EndPos = lex.RawPeek().Pos
	return nil
}

// Parse implements participle.Parseable: first:last(length).
func (s *SeqRange) Parse(lex *lexer.PeekingLexer) error {
	if err := s.First.Parse(lex); err != nil {
		return err
	}
	if err := numberAfter(lex, ":", &s.Last); err != nil {
		return err
	}
	if err := numberAfter(lex, "(", &s.Length); err != nil {
		return err
	}
	if !mark(lex, ")") {
		return unexpected(lex, `")"`)
	}
	s.Range = Range{s.First.Pos, lex.RawPeek().Pos}
	return nil
}

// Parse implements participle.Parseable: left:right.
func (b *SACKBlock) Parse(lex *lexer.PeekingLexer) error {
	if err := b.Left.Parse(lex); err != nil {
		return err
	}
	if err := numberAfter(lex, ":", &b.Right); err != nil {
		return err
	}
	b.Range = Range{b.Left.Pos, b.Right.EndPos}
	return nil
}

// ports are the ports of a segment: source > destination.
type ports struct{ *Ports }

// Parse implements participle.Parseable.
func (p *ports) Parse(lex *lexer.PeekingLexer) error {
	if lex.Peek().Type != tokenInteger {
		return participle.NextMatch
	}
	p.Ports = new(Ports)
	first := *lex.Peek()
	if err := p.Src.Parse(lex); err != nil {
		return err
	}
	if lex.Peek().Value == ":" { // a sequence range: what is missing are the flags
		return &participle.UnexpectedTokenError{Unexpected: first, Expect: "flags"}
	}
	if err := numberAfter(lex, ">", &p.Dst); err != nil {
		return err
	}
	p.Range = Range{p.Src.Pos, p.Dst.EndPos}
	return nil
}

// flags are the TCP flags as written: "S.", ".", ".5", "S5.", or "-" for none.
type flags struct {
	Range
	Text   string
	Symbol string // the -D symbol that stood for the word, or ""
	Suffix string // what follows the word
}

// Parse implements participle.Parseable. A digit after the last dot makes a number
// of both (see scanner), hence the forms: word ["."], [word] number, ".", "-".
func (f *flags) Parse(lex *lexer.PeekingLexer) error {
	word, symbol, at, isWord := take(lex, tokenWord)
	text, _, tail, ok := take(lex, tokenFloat)
	if !ok {
		switch t := lex.Peek(); {
		case t.Value == ".", t.Value == "-" && !isWord:
			lex.Next()
			text, tail, ok = t.Value, Range{t.Pos, lex.RawPeek().Pos}, true
		case !isWord:
			return participle.NextMatch
		}
	}
	if ok {
		at.EndPos = tail.EndPos
	}
	if !isWord {
		at.Pos = tail.Pos
	}
	*f = flags{at, word + text, symbol, text}
	return nil
}

// split returns the letters and dot of the flags, and the ACE digit or -1.
func (f *flags) split() (letters string, ace int) {
	ace = -1
	for i := range len(f.Text) {
		switch c := f.Text[i]; {
		case isDigit(c):
			if ace < 0 {
				ace = int(c - '0')
			}
		case c != '-':
			letters += string(c)
		}
	}
	return letters, ace
}

// tcpNumbers are what may follow the sequence range, in this order.
type tcpNumbers struct{ Ack, Window, Urgent *Int }

// Parse implements participle.Parseable: [ack N] [win N] [urg N], at least one.
func (n *tcpNumbers) Parse(lex *lexer.PeekingLexer) error {
	for _, field := range []struct {
		keyword string
		value   **Int
	}{{"ack", &n.Ack}, {"win", &n.Window}, {"urg", &n.Urgent}} {
		if lex.Peek().Value != field.keyword {
			continue
		}
		*field.value = new(Int)
		if err := numberAfter(lex, field.keyword, *field.value); err != nil {
			return err
		}
	}
	if *n == (tcpNumbers{}) {
		return participle.NextMatch
	}
	return nil
}

// tcpOptions are the options of a segment, or any.
type tcpOptions struct {
	Range
	Any  bool
	List []*TCPOption
}

// Parse implements participle.Parseable: <...> or <option,option>.
func (o *tcpOptions) Parse(lex *lexer.PeekingLexer) error {
	o.Pos = lex.Peek().Pos
	if !mark(lex, "<") {
		return participle.NextMatch
	}
	defer func() { o.EndPos = lex.RawPeek().Pos }()
	if mark(lex, "...") {
		o.Any = true
		if !mark(lex, ">") {
			return unexpected(lex, `">"`)
		}
		return nil
	}
	for {
		option := new(TCPOption)
		if err := option.Parse(lex); err == participle.NextMatch {
			return unexpected(lex, "TCPOption")
		} else if err != nil {
			return err
		}
		o.List = append(o.List, option)
		if mark(lex, ">") {
			return nil
		}
		if !mark(lex, ",") {
			return unexpected(lex, `("," | ">")`)
		}
	}
}

// Parse implements participle.Parseable.
func (o *TCPOption) Parse(lex *lexer.PeekingLexer) (err error) {
	t := lex.Peek()
	o.Pos = t.Pos
	switch t.Value {
	case "nop":
		o.Kind = OptNOP
		lex.Next()
	case "eol":
		o.Kind = OptEOL
		lex.Next()
	case "sackOK":
		o.Kind = OptSACKOK
		lex.Next()
	case "mss":
		o.Kind = OptMSS
		err = numberAfter(lex, t.Value, &o.Value)
	case "wscale":
		o.Kind = OptWScale
		err = numberAfter(lex, t.Value, &o.Value)
	case "TS":
		o.Kind = OptTimestamp
		lex.Next()
		if err = numberAfter(lex, "val", &o.Value); err == nil {
			err = numberAfter(lex, "ecr", &o.Echo)
		}
	case "sack":
		o.Kind = OptSACK
		lex.Next()
		err = o.parseBlocks(lex)
	case "FO", "FOEXP":
		o.Kind = OptFastOpen
		if t.Value == "FOEXP" {
			o.Kind = OptFastOpenExp
		}
		lex.Next()
		_ = o.Blob.Parse(lex) // may be missing
	case "md5":
		o.Kind = OptMD5
		lex.Next()
		if o.Blob.Parse(lex) != nil {
			err = unexpected(lex, "Hex")
		}
	case "ECN":
		o.Kind = OptAccECN
		lex.Next()
		err = o.parseCounters(lex)
	default:
		return participle.NextMatch
	}
	o.EndPos = lex.RawPeek().Pos
	return err
}

// parseBlocks reads the blocks of a SACK option: at least one.
func (o *TCPOption) parseBlocks(lex *lexer.PeekingLexer) error {
	for {
		var b SACKBlock
		switch err := b.Parse(lex); {
		case err == participle.NextMatch && o.Blocks == nil:
			return unexpected(lex, "SACKBlock")
		case err == participle.NextMatch:
			return nil
		case err != nil:
			return err
		}
		o.Blocks = append(o.Blocks, b)
	}
}

// The orders in which the counters of an AccECN option come; later ones may be
// missing (draft-ietf-tcpm-accurate-ecn, section 3.2.3).
var accECNOrders = map[string][]string{"e0b": {"e0b", "ceb", "e1b"}, "e1b": {"e1b", "ceb", "e0b"}}

// parseCounters reads the counters of an AccECN option: at least one.
func (o *TCPOption) parseCounters(lex *lexer.PeekingLexer) error {
	order := accECNOrders[lex.Peek().Value]
	if order == nil {
		return unexpected(lex, `("e0b" | "e1b")`)
	}
	for _, name := range order {
		t := lex.Peek()
		if t.Value != name {
			break
		}
		c := AccECNCounter{Name: name}
		if err := numberAfter(lex, name, &c.Value); err != nil {
			return err
		}
		c.Range = Range{t.Pos, c.Value.EndPos}
		o.Counters = append(o.Counters, c)
	}
	return nil
}
