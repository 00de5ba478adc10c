package script

import (
	"io"
	"strings"
)

// Format returns a script in the one layout that this package prints: event
// times right-aligned in a column of five, a blank between the parts of an event,
// long calls broken where the author broke them, at most one empty line in a row.
// Comments, commands and code stay as they are. It fails if src can't be parsed.
func Format(name string, src []byte) ([]byte, error) {
	s, err := Parse(name, src, nil)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	err = Print(&b, s)
	return []byte(b.String()), err
}

// Print writes a script in the layout of Format.
func Print(w io.Writer, s *Script) error {
	p := &printer{comments: s.Comments}
	for _, o := range s.Options {
		p.item(o, func() { p.option(o) })
	}
	if s.Init != nil {
		p.item(s.Init, func() { p.command(s.Init) })
	}
	for _, e := range s.Events {
		p.item(e, func() { p.event(e) })
	}
	if s.Cleanup != nil {
		p.item(s.Cleanup, func() { p.command(s.Cleanup) })
	}
	p.leading(Position{Offset: len(s.Source) + 1})
	_, err := io.WriteString(w, p.text())
	return err
}

// FormatEvent returns an event on one line, without the padding of its time.
func FormatEvent(e *Event) string {
	return flat(func(p *printer) { p.event(e) })
}

// FormatPacket returns a packet as a script has it: "< . 1:1(0) ack 1 win 257".
func FormatPacket(p *Packet) string {
	return flat(func(out *printer) { out.packet(p) })
}

// FormatExpr returns an argument or result of a call as a script has it.
func FormatExpr(e Expr) string {
	return flat(func(p *printer) { p.expr(e) })
}

func flat(print func(*printer)) string {
	p := &printer{flat: true}
	print(p)
	return string(p.line)
}

// timeColumn is how wide the column is in which the start times are right-aligned;
// what is longer sticks out to the right.
const timeColumn = 5

// A printer lays out a script. It goes through the tree and, by their places in
// the source, through the comments.
type printer struct {
	lines    []printedLine
	line     []byte // the line, or lines, being written
	comments []*Comment
	last     Position // the end of what was printed last, in the source
	align    []int    // columns at which lines go on in the brackets around
	flat     bool     // print on one line, without comments
}

// A printedLine is an item of the script, or one comment, or an empty line.
type printedLine struct {
	text   string
	tail   string // comments at the end of its line
	column int    // of the tail in the source
	below  bool   // a comment that goes on below another's tail
	ended  bool   // whether the tail goes to the end of the line
}

// item prints a part of the script that stands on a line of its own.
func (p *printer) item(n Node, print func()) {
	start, end := n.Span()
	p.leading(start)
	print()
	out := printedLine{text: string(p.line)}
	p.line = p.line[:0]
	p.lines = append(p.lines, out)
	for len(p.comments) > 0 && p.comments[0].Pos.Offset < end.Offset {
		p.tail() // a comment inside, where the printer didn't look for one
	}
	p.last = end
}

// leading prints the comments before start, those on the line of what was printed last
// behind it.
func (p *printer) leading(start Position) {
	for len(p.comments) > 0 && p.comments[0].Pos.Offset < start.Offset {
		c := p.comments[0]
		if c.Pos.Line == p.last.Line && len(p.lines) > 0 {
			p.tail()
			continue
		}
		line := printedLine{text: c.Text}
		if n := len(p.lines); n > 0 && c.Pos.Line == p.last.Line+1 && c.Pos.Column == p.lines[n-1].column {
			line = printedLine{tail: c.Text, column: c.Pos.Column, below: true, ended: strings.HasPrefix(c.Text, "//")}
		}
		p.emptyLine(c.Pos)
		p.lines = append(p.lines, line)
		p.last = c.EndPos
		p.comments = p.comments[1:]
	}
	p.emptyLine(start)
}

// tail puts the next comment at the end of the last line.
func (p *printer) tail() {
	c := p.comments[0]
	out := &p.lines[len(p.lines)-1]
	if out.ended {
		p.lines = append(p.lines, printedLine{below: true})
		out = &p.lines[len(p.lines)-1]
	}
	if out.tail != "" {
		out.tail += " "
	} else {
		out.column = c.Pos.Column
	}
	out.ended = strings.HasPrefix(c.Text, "//")
	out.tail += c.Text
	p.last = c.EndPos
	p.comments = p.comments[1:]
}

// emptyLine prints an empty line if there is one before next.
func (p *printer) emptyLine(next Position) {
	if len(p.lines) > 0 && next.Line > p.last.Line+1 {
		p.lines = append(p.lines, printedLine{})
	}
}

// farApart is how much lines may differ in length for their tails to be aligned.
const farApart = 16

// text joins the lines, with the tails of adjacent ones in one column.
func (p *printer) text() string {
	var b strings.Builder
	for i := 0; i < len(p.lines); {
		end, shortest, longest := i, len(p.lines[i].text), 0
		for end < len(p.lines) && p.lines[end].tail != "" {
			if l := p.lines[end]; !l.below {
				n := lastLineLen(l.text)
				if max(longest, n)-min(shortest, n) > farApart && end > i {
					break
				}
				shortest, longest = min(shortest, n), max(longest, n)
			}
			end++
		}
		end = max(end, i+1)
		for _, l := range p.lines[i:end] {
			b.WriteString(l.text)
			if l.tail != "" {
				b.WriteString(strings.Repeat(" ", longest-lastLineLen(l.text)+2))
				b.WriteString(l.tail)
			}
			b.WriteByte('\n')
		}
		i = end
	}
	return b.String()
}

func lastLineLen(text string) int {
	return len(text) - (strings.LastIndexByte(text, '\n') + 1)
}

// put writes text to the current line.
func (p *printer) put(text ...string) {
	for _, t := range text {
		p.line = append(p.line, t...)
	}
}

// column is the current column, from 0.
func (p *printer) column() int { return lastLineLen(string(p.line)) }

// newline goes on at the column of the innermost open bracket.
func (p *printer) newline() {
	p.line = []byte(strings.TrimRight(string(p.line), " "))
	column := timeColumn + 1
	if n := len(p.align); n > 0 {
		column = p.align[n-1]
	}
	p.put("\n", strings.Repeat(" ", column))
}

// gap separates what was printed from what stands at next in the source: by a line's
// end if the author did so, else by blank; and by the comments between.
func (p *printer) gap(next Position, blank string) {
	switch between := p.inner(next); {
	case between == newLine:
	case !p.flat && p.last.Line > 0 && next.Line > p.last.Line:
		p.newline()
	case between == comment:
		p.put(" ")
	default:
		p.put(blank)
	}
	p.last = next
}

// blank is gap, but doesn't keep the line's end.
func (p *printer) blank(next Position) {
	if p.inner(next) != newLine {
		p.put(" ")
	}
	p.last = next
}

// What inner printed last.
type innerText int

const (
	nothing innerText = iota
	comment
	newLine
)

// inner prints the comments inside an item that stand before next.
func (p *printer) inner(next Position) (printed innerText) {
	for !p.flat && len(p.comments) > 0 && p.comments[0].Pos.Offset < next.Offset {
		c := p.comments[0]
		p.comments = p.comments[1:]
		if c.Pos.Line > p.last.Line && printed != newLine {
			p.newline()
		} else if n := len(p.line); n > 0 && p.line[n-1] != ' ' {
			p.put(" ")
		}
		p.put(c.Text)
		p.last = c.EndPos
		printed = comment
		if strings.HasPrefix(c.Text, "//") {
			p.newline()
			printed = newLine
		}
	}
	return printed
}

// done notes that n is printed.
func (p *printer) done(n Node) {
	if _, end := n.Span(); end.Line > 0 {
		p.last = end
	}
}

func (p *printer) option(o *Option) {
	p.put("--", o.Name)
	if !o.HasValue {
		return
	}
	text := o.Text
	if text == "" {
		text = o.Value
		if _, end := (&scanner{src: text}).word(); text == "" || end < len(text) {
			text = `"` + text + `"`
		}
	}
	p.put("=", text)
}

func (p *printer) command(c *Command) {
	if c.Symbol != "" {
		p.put(c.Symbol)
	} else {
		p.put("`", c.Line, "`")
	}
}

func (p *printer) event(e *Event) {
	p.time(&e.Time)
	p.done(&e.Time)
	if e.Call != nil {
		p.call(e.Call)
		return
	}
	switch {
	case e.Packet != nil:
		p.blank(e.Packet.Pos)
		p.packet(e.Packet)
	case e.Command != nil:
		p.blank(e.Command.Pos)
		p.command(e.Command)
	case e.Device != nil:
		p.blank(e.Device.Pos)
		p.put("device ", e.Device.Verb)
		if e.Device.Count != nil {
			p.put(" ", e.Device.Count.String())
		}
	case e.Code != nil:
		p.blank(e.Code.Pos)
		if e.Code.Source != "" {
			p.put(e.Code.Source)
		} else {
			p.put("%{ ", e.Code.Text, " }%")
		}
	}
}

func (p *printer) time(t *Time) {
	sign := ""
	if t.Kind == Relative || t.Kind == RelativeRange {
		sign = "+"
	}
	start := sign + secondsText(t.StartText, t.Start)
	if t.Kind == Any {
		start = "*"
	}
	if !p.flat && len(start) < timeColumn {
		p.put(strings.Repeat(" ", timeColumn-len(start)))
	}
	p.put(start)
	if t.Kind == AbsoluteRange || t.Kind == RelativeRange {
		p.put("~", sign, secondsText(t.EndText, t.End))
	}
}
