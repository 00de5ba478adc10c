package script

import (
	"slices"
	"strings"
)

// Check looks at code only as closely as to never refuse what Python takes:
// brackets and quotes that don't close, characters that Python has no use for, and
// lines that begin with two words of which the first is no keyword.

// A pyToken is a word, number, string or other character of Python.
type pyToken struct {
	text   string
	offset int
	kind   byte // 'w'ord, 'n'umber, 's'tring, '\n' for a line's end, else the character
}

func (c *checker) code(code *Code) {
	p := scanPython(code.Text)
	if p.problem == "" {
		return
	}
	start := code.Start
	before := code.Text[:p.at]
	if n := strings.LastIndexByte(before, '\n'); n >= 0 {
		start.Line += strings.Count(before, "\n")
		start.Column = p.at - n
	} else {
		start.Column += p.at
	}
	start.Offset += p.at
	c.late(Range{start, endOf(start, p.what)}, "%s", p.problem)
}

// scanPython returns the scanner with the first problem in text, if any.
func scanPython(text string) *pyScanner {
	p := &pyScanner{text: text}
	for p.problem == "" && p.next() {
	}
	if p.problem == "" {
		p.end()
	}
	return p
}

// A pyScanner reads Python, token by token.
type pyScanner struct {
	text  string
	pos   int
	open  []pyToken // brackets not yet closed
	first pyToken   // of the statement
	count int       // tokens of the statement

	problem string
	what    string // the text that is the problem
	at      int    // and its offset
}

func (p *pyScanner) fail(at int, what, problem string) {
	p.at, p.what, p.problem = at, what, problem
}

// next reads one token and reports whether there is more.
func (p *pyScanner) next() bool {
	rest := p.text[p.pos:]
	if rest == "" {
		return false
	}
	t := pyToken{offset: p.pos, kind: rest[0]}
	switch ch := rest[0]; {
	case ch == ' ' || ch == '\t' || ch == '\r' || ch == '\f':
		p.pos++
		return true
	case ch == '\\': // joins lines
		p.pos += min(2, len(rest))
		return true
	case ch == '#':
		if n := strings.IndexByte(rest, '\n'); n >= 0 {
			p.pos += n
		} else {
			p.pos = len(p.text)
		}
		return true
	case ch == '\n' || ch == ';':
		p.pos++
		if len(p.open) == 0 {
			p.count = 0
		}
		return true
	case ch == '"' || ch == '\'':
		return p.string(t)
	case isWordByte(ch) || ch >= 0x80:
		end := 0
		for end < len(rest) && (isWordByte(rest[end]) || rest[end] >= 0x80) {
			end++
		}
		t.kind, t.text = 'w', rest[:end]
		if isDigit(ch) {
			t.kind = 'n'
		}
		p.pos += end
		if end < len(rest) && (rest[end] == '"' || rest[end] == '\'') && strings.ContainsAny(t.text, "fFtT") && end <= 2 {
			// Inside f"{…}" is Python again, quotes included. Leave it to Python.
			p.pos, p.open, p.count = len(p.text), nil, 0
			return false
		}
	default:
		t.text = rest[:1]
		p.pos++
	}
	p.token(t)
	return p.problem == ""
}

// string reads a string, one of three quotes included.
func (p *pyScanner) string(t pyToken) bool {
	quote := p.text[p.pos : p.pos+1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(p.text[p.pos:], triple) {
		quote = triple
	}
	for i := p.pos + len(quote); i < len(p.text); i++ {
		switch {
		case p.text[i] == '\\':
			i++
		case p.text[i] == '\n' && len(quote) == 1:
			i = len(p.text)
		case strings.HasPrefix(p.text[i:], quote):
			t.kind, t.text = 's', p.text[p.pos:i+len(quote)]
			p.pos = i + len(quote)
			p.token(t)
			return p.problem == ""
		}
	}
	p.fail(p.pos, quote, "string isn't closed, want "+quote)
	return false
}

var closers = map[byte]string{'(': ")", '[': "]", '{': "}"}

// token checks a token against those before it.
func (p *pyScanner) token(t pyToken) {
	p.count++
	switch {
	case t.kind == '(' || t.kind == '[' || t.kind == '{':
		p.open = append(p.open, t)
	case t.kind == ')' || t.kind == ']' || t.kind == '}':
		if len(p.open) == 0 {
			p.fail(t.offset, t.text, "got "+t.text+" with nothing open")
			return
		}
		last := p.open[len(p.open)-1]
		if want := closers[last.kind]; want != t.text {
			p.fail(t.offset, t.text, "got "+t.text+", want "+want)
			return
		}
		p.open = p.open[:len(p.open)-1]
	case t.kind == '$' || t.kind == '?' || t.kind == '`':
		p.fail(t.offset, t.text, "got "+t.text+", which Python doesn't know")
	case p.count == 1 && len(t.text) == 1 && strings.Contains("=!&|/%^<>,:)]}", t.text):
		p.fail(t.offset, t.text, "got "+t.text+", want a statement")
	case p.count == 2 && p.first.kind == 'w' && len(p.open) == 0:
		p.second(t)
	}
	if p.count == 1 {
		p.first = t
	}
}

// pyStatements are the words that a statement with a word, number or string after
// its first word can begin with, those of older Pythons included.
var pyStatements = strings.Fields(`assert async await break case class continue def del elif else except
	exec finally for from global if import in is lambda match nonlocal not pass print raise return try
	type while with yield and or`)

// pyInfix are the words that may follow a value.
var pyInfix = strings.Fields(`and or not in is if else for async`)

// second checks the second token of a statement that begins with a word.
func (p *pyScanner) second(t pyToken) {
	adjacent := p.first.offset+len(p.first.text) == t.offset // a string's prefix
	switch {
	case slices.Contains(pyStatements, p.first.text), adjacent:
	case t.kind == 'w' && !slices.Contains(pyInfix, t.text), t.kind == 'n', t.kind == 's':
		p.fail(p.first.offset, p.first.text,
			"unknown statement "+p.first.text+didYouMean(p.first.text, []string{"assert", "print", "if", "for", "import", "while"}))
	}
}

// end checks that nothing is left open.
func (p *pyScanner) end() {
	if len(p.open) > 0 {
		last := p.open[len(p.open)-1]
		p.fail(last.offset, last.text, last.text+" isn't closed, want "+closers[last.kind])
	}
}
