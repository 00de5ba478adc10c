package script

import (
	"fmt"
	"strings"
)

// Render returns the error in full, a newline at its end: Error, the script's line
// with a caret under each byte that is wrong, and the detail. src is the script.
//
//	close.pkt:7:30: unknown option sackOk; did you mean sackOK?
//	    +0 < S 0:0(0) win 1000 <mss 1460,sackOk>
//	                                     ^^^^^^
func (e *Error) Render(src []byte) string {
	var b strings.Builder
	fmt.Fprintln(&b, e.Error())
	if line, ok := lineAt(src, e.Pos.Offset); ok && strings.TrimSpace(line) != "" {
		b.WriteString(indent + strings.TrimRight(strings.Map(printable, line), " \t") + "\n")
		b.WriteString(indent + e.caretLine(line) + "\n")
	}
	if e.Detail != "" {
		fmt.Fprintln(&b, e.Detail)
	}
	return b.String()
}

const indent = "    "

// Render renders all errors of a list, one after the other.
func (l ErrorList) Render(src []byte) string {
	var b strings.Builder
	for _, e := range l {
		b.WriteString(e.Render(src))
	}
	return b.String()
}

// printable replaces what a terminal would obey.
func printable(r rune) rune {
	if r < ' ' && r != '\t' || r == 0x7f {
		return ' '
	}
	return r
}

// lineAt returns the line that offset lies in.
func lineAt(src []byte, offset int) (string, bool) {
	if offset < 0 || offset > len(src) {
		return "", false
	}
	start := strings.LastIndexByte(string(src[:offset]), '\n') + 1
	line, _, _ := strings.Cut(string(src[start:]), "\n")
	return line, true
}

// caretLine has blanks and tabs as the line has them, so that it lines up whatever
// a tab's width, and carets up to the error's end or the line's.
func (e *Error) caretLine(line string) string {
	var b strings.Builder
	from := e.Pos.Column - 1
	to := max(e.End.Column-1, from+1)
	if e.End.Line > e.Pos.Line {
		to = max(len(strings.TrimRight(line, " \t\r")), from+1)
	}
	for i, r := range line {
		switch {
		case i >= from:
			continue
		case r == '\t':
			b.WriteByte('\t')
		default:
			b.WriteByte(' ')
		}
	}
	for i := len([]rune(line)); i < from; i++ {
		b.WriteByte(' ') // the end of a line that blanks end
	}
	wide := to - from
	if to <= len(line) && from <= to {
		wide = len([]rune(line[from:to]))
	}
	b.WriteString(strings.Repeat("^", wide))
	return b.String()
}
