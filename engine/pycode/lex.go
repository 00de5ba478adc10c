package pycode

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind int

const (
	tokenEnd tokenKind = iota
	tokenNewline
	tokenIndent
	tokenDedent
	tokenName // keywords included
	tokenInt
	tokenFloat
	tokenString
	tokenOp
)

// A token is a word of Python. Start and end are offsets in the block's text.
type token struct {
	kind       tokenKind
	start, end int
	text       string   // of names and operators, as written
	str        string   // the value of a string
	integer    *big.Int // the value of an integer
	float      float64  // the value of a float
}

// is reports whether the token is this keyword or operator.
func (t token) is(text string) bool {
	return (t.kind == tokenName || t.kind == tokenOp) && t.text == text
}

// describe is how error messages name the token.
func (t token) describe() string {
	switch t.kind {
	case tokenEnd:
		return "the end of the code"
	case tokenNewline:
		return "the end of the line"
	case tokenIndent:
		return "an indented line"
	case tokenDedent:
		return "the end of the indented lines"
	case tokenString:
		return "a string"
	}
	return "'" + t.text + "'"
}

// operators, longest first.
var operators = []string{
	"**=", "//=", ">>=", "<<=", "...",
	"**", "//", ">>", "<<", "<=", ">=", "==", "!=", "->", ":=",
	"+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "@=",
	"+", "-", "*", "/", "%", "@", "&", "|", "^", "~", "<", ">",
	"(", ")", "[", "]", "{", "}", ",", ":", ".", ";", "=",
}

// A lexer cuts a block into tokens, with Python's rules for lines: brackets and
// backslashes join them, and indentation makes tokens of its own.
type lexer struct {
	b       *Block
	offset  int
	tokens  []token
	open    []token // brackets not yet closed
	indents []int   // columns of the indented blocks we are in
}

// lex returns the block's tokens, the last of which is a tokenEnd. With an
// *Unsupported it returns the tokens before it.
func lex(b *Block) ([]token, error) {
	l := &lexer{b: b, indents: []int{0}}
	err := l.run()
	return l.tokens, err
}

func (l *lexer) run() error {
	for lineStart := true; ; {
		if lineStart {
			if err := l.indent(); err != nil {
				return err
			}
			lineStart = false
		}
		if err := l.blanks(); err != nil {
			return err
		}
		if l.offset == len(l.b.Text) {
			break
		}
		if n := l.newline(); n > 0 {
			if len(l.open) == 0 {
				l.endLine(n)
				lineStart = true
			}
			l.offset += n
			continue
		}
		if err := l.token(); err != nil {
			return err
		}
	}
	if len(l.open) > 0 {
		open := l.open[len(l.open)-1]
		return l.b.syntaxError(span{open.start, open.end}, "'%s' was never closed", open.text)
	}
	l.endLine(0)
	for range l.indents[1:] {
		l.add(token{kind: tokenDedent, start: l.offset, end: l.offset})
	}
	l.add(token{kind: tokenEnd, start: l.offset, end: l.offset})
	return nil
}

// from is the character at an offset, for an error.
func (l *lexer) from(offset int) span {
	_, size := utf8.DecodeRuneInString(l.b.Text[offset:])
	return span{offset, offset + size}
}

func (l *lexer) add(t token) { l.tokens = append(l.tokens, t) }

// endLine ends a line that has tokens.
func (l *lexer) endLine(n int) {
	if len(l.tokens) > 0 {
		switch l.tokens[len(l.tokens)-1].kind {
		case tokenNewline, tokenIndent, tokenDedent:
		default:
			l.add(token{kind: tokenNewline, start: l.offset, end: l.offset + n})
		}
	}
}

// newline returns the length of the line end here, 0 if there is none.
func (l *lexer) newline() int {
	rest := l.b.Text[l.offset:]
	switch {
	case strings.HasPrefix(rest, "\n"), strings.HasPrefix(rest, "\r") && !strings.HasPrefix(rest, "\r\n"):
		return 1
	case strings.HasPrefix(rest, "\r\n"):
		return 2
	}
	return 0
}

// indent compares a line's indentation with that of the lines before it. Lines
// with nothing on them don't count. As in Python, a line's place must not
// depend on how wide a tab is.
func (l *lexer) indent() error {
	text := l.b.Text
	i, column, narrow := l.offset, 0, 0
	for ; i < len(text) && strings.IndexByte(" \t\f", text[i]) >= 0; i++ {
		switch text[i] {
		case ' ':
			column, narrow = column+1, narrow+1
		case '\t':
			column, narrow = (column/8+1)*8, narrow+1
		case '\f':
			column, narrow = 0, 0
		}
	}
	if i == len(text) || strings.IndexByte("\n\r#", text[i]) >= 0 {
		return nil
	}
	if text[i] == '\\' { // versions of Python differ in what its indentation then is
		return l.b.unsupported(i, "a line that starts with a backslash")
	}
	if strings.Contains(text[l.offset:i], "\t") && column != narrow && strings.Contains(text[l.offset:i], " ") {
		return l.b.unsupported(i, "indentation by tabs and spaces mixed")
	}
	l.offset = i
	switch current := l.indents[len(l.indents)-1]; {
	case column > current:
		l.indents = append(l.indents, column)
		l.add(token{kind: tokenIndent, start: i, end: i})
	case column < current:
		at := slices.Index(l.indents, column)
		if at < 0 {
			return l.b.syntaxError(l.from(i), "this line's indentation matches no line above it")
		}
		for range l.indents[at+1:] {
			l.add(token{kind: tokenDedent, start: i, end: i})
		}
		l.indents = l.indents[:at+1]
	}
	return nil
}

// blanks skips blanks, comments and joined line ends.
func (l *lexer) blanks() error {
	text := l.b.Text
	for l.offset < len(text) {
		switch c := text[l.offset]; {
		case c == ' ' || c == '\t' || c == '\f':
			l.offset++
		case c == '#':
			for l.offset < len(text) && text[l.offset] != '\n' && text[l.offset] != '\r' {
				l.offset++
			}
		case c == '\\':
			at := l.offset
			l.offset++
			n := l.newline()
			if n == 0 && l.offset < len(text) {
				return l.b.syntaxError(l.from(at), "unexpected character after a backslash that continues a line")
			}
			l.offset += n
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) token() error {
	text := l.b.Text[l.offset:]
	r, _ := utf8.DecodeRuneInString(text)
	switch {
	case r == '_' || unicode.IsLetter(r):
		return l.word()
	case isDigit(text[0]) || text[0] == '.' && len(text) > 1 && isDigit(text[1]):
		return l.number()
	case r == '"' || r == '\'':
		return l.str("")
	}
	for _, op := range operators {
		if !strings.HasPrefix(text, op) {
			continue
		}
		t := token{kind: tokenOp, start: l.offset, end: l.offset + len(op), text: op}
		if err := l.bracket(t); err != nil {
			return err
		}
		l.add(t)
		l.offset = t.end
		return nil
	}
	return l.b.syntaxError(l.from(l.offset), "unexpected character %s", strconv.QuoteRune(r))
}

const maxNesting = 100 // of brackets; CPython's limit is 200

func (l *lexer) bracket(t token) error {
	const pairs = "()[]{}"
	switch i := strings.Index(pairs, t.text); {
	case len(t.text) != 1 || i < 0:
	case i%2 == 0:
		if len(l.open) == maxNesting {
			return l.b.unsupported(t.start, "brackets nested more than %d deep", maxNesting)
		}
		l.open = append(l.open, t)
	case len(l.open) == 0:
		return l.b.syntaxError(span{t.start, t.end}, "'%s' closes nothing", t.text)
	default:
		open := l.open[len(l.open)-1]
		if open.text != pairs[i-1:i] {
			return l.b.syntaxError(span{t.start, t.end}, "'%s' does not close '%s'", t.text, open.text)
		}
		l.open = l.open[:len(l.open)-1]
	}
	return nil
}

// word reads a name, or a string with a prefix such as r"".
func (l *lexer) word() error {
	text := l.b.Text[l.offset:]
	n := strings.IndexFunc(text, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if n < 0 {
		n = len(text)
	}
	if n <= 2 && n < len(text) && (text[n] == '"' || text[n] == '\'') {
		switch prefix := strings.ToLower(text[:n]); prefix {
		case "r", "u":
			l.offset += n
			return l.str(prefix)
		case "b", "br", "rb":
			return l.b.unsupported(l.offset, "bytes")
		case "f", "fr", "rf":
			return l.b.unsupported(l.offset, "an f-string")
		}
	}
	l.add(token{kind: tokenName, start: l.offset, end: l.offset + n, text: text[:n]})
	l.offset += n
	return nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
