package script

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// The leaves of the grammar are single tokens with a meaning of their own.
// They implement participle.Parseable: a token stands for a number or a name
// either itself or through a -D symbol.

// take consumes the next token if its kind is one of kinds.
func take(lex *lexer.PeekingLexer, kinds ...lexer.TokenType) (value, symbol string, at Range, ok bool) {
	t := lex.Peek()
	for _, kind := range kinds {
		if t.Type == kind {
			lex.Next()
			value, symbol = splitSymbol(t.Value)
			return value, symbol, Range{t.Pos, lex.RawPeek().Pos}, true
		}
	}
	return "", "", Range{}, false
}

// written returns what stands in the script: the symbol if there is one.
func written(value, symbol string) string {
	if symbol != "" {
		return symbol
	}
	return value
}

// parseDecimal parses what the lexer took for a decimal number; what doesn't fit
// becomes the nearest that does, as C's atoll does it.
func parseDecimal(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64) // saturates
	return n
}

func parseHex(s string) int64 {
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "0x"), 16, 64)
	if err != nil || n > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(n)
}

// Parse implements participle.Parseable: a decimal number.
func (n *Int) Parse(lex *lexer.PeekingLexer) error {
	value, symbol, at, ok := take(lex, tokenInteger)
	if !ok {
		return participle.NextMatch
	}
	*n = Int{at, parseDecimal(value), written(value, symbol)}
	return nil
}

// hexInt is a number that must be written in hexadecimal.
type hexInt struct{ Int }

// Parse implements participle.Parseable.
func (n *hexInt) Parse(lex *lexer.PeekingLexer) error {
	value, _, at, ok := take(lex, tokenHex)
	if !ok {
		return participle.NextMatch
	}
	n.Int = Int{at, parseHex(value), value}
	return nil
}

// anyInt is a number in either notation.
type anyInt struct{ Int }

// Parse implements participle.Parseable.
func (n *anyInt) Parse(lex *lexer.PeekingLexer) error {
	if lex.Peek().Type == tokenHex {
		return (*hexInt)(n).Parse(lex)
	}
	return n.Int.Parse(lex)
}

// seconds are a time as written: 1, .5, 0.001.
type seconds struct {
	Value time.Duration
	Text  string
}

// Parse implements participle.Parseable.
func (s *seconds) Parse(lex *lexer.PeekingLexer) error {
	value, symbol, _, ok := take(lex, tokenInteger, tokenFloat)
	if !ok {
		return participle.NextMatch
	}
	*s = seconds{parseSeconds(value), written(value, symbol)}
	return nil
}

// parseSeconds reads a decimal number of seconds, to the nanosecond; later digits
// are dropped. What is too long to be a Duration becomes the longest one.
func parseSeconds(text string) time.Duration {
	whole, fraction, _ := strings.Cut(text, ".")
	negative := strings.HasPrefix(whole, "-")
	whole = strings.TrimPrefix(whole, "-")
	if len(fraction) > 9 {
		fraction = fraction[:9]
	}
	digits := whole + fraction + strings.Repeat("0", 9-len(fraction))
	d := time.Duration(parseDecimal(digits))
	if negative {
		return -d
	}
	return d
}

// Parse implements participle.Parseable.
func (w *Word) Parse(lex *lexer.PeekingLexer) error {
	value, symbol, at, ok := take(lex, tokenWord)
	if !ok {
		return participle.NextMatch
	}
	*w = Word{at, value, symbol}
	return nil
}

// Parse implements participle.Parseable.
func (s *StringPart) Parse(lex *lexer.PeekingLexer) error {
	value, symbol, at, ok := take(lex, tokenString)
	if !ok {
		return participle.NextMatch
	}
	*s = StringPart{at, unquote(value), symbol}
	return nil
}

// Parse implements participle.Parseable: a word or a decimal number, whose
// digits are taken for hexadecimal ones.
func (h *Hex) Parse(lex *lexer.PeekingLexer) error {
	value, symbol, at, ok := take(lex, tokenWord, tokenInteger)
	if !ok {
		return participle.NextMatch
	}
	*h = Hex{at, value, symbol}
	return nil
}

// Parse implements participle.Parseable.
func (c *Command) Parse(lex *lexer.PeekingLexer) error {
	value, symbol, at, ok := take(lex, tokenCommand)
	if !ok {
		return participle.NextMatch
	}
	*c = Command{at, unquote(value), symbol}
	return nil
}

// Parse implements participle.Parseable.
func (c *Code) Parse(lex *lexer.PeekingLexer) error {
	value, _, at, ok := take(lex, tokenCode)
	if !ok {
		return participle.NextMatch
	}
	inner := value[2 : len(value)-2]
	text := strings.TrimLeft(inner, " \t")
	start := at.Pos
	start.Offset += 2 + len(inner) - len(text)
	start.Column += 2 + len(inner) - len(text)
	*c = Code{at, strings.TrimRight(text, " \t"), value, start}
	return nil
}

// unexpected is the error for the next token of lex; want is in participle's EBNF.
func unexpected(lex *lexer.PeekingLexer, want string) error {
	return &participle.UnexpectedTokenError{Unexpected: *lex.Peek(), Expect: want}
}

// mark consumes the next token if it is m.
func mark(lex *lexer.PeekingLexer, m string) bool {
	if lex.Peek().Value != m {
		return false
	}
	lex.Next()
	return true
}

// numberAfter reads m and then a decimal number.
func numberAfter(lex *lexer.PeekingLexer, m string, n *Int) error {
	if !mark(lex, m) {
		return unexpected(lex, strconv.Quote(m))
	}
	if n.Parse(lex) != nil {
		return unexpected(lex, "Int")
	}
	return nil
}

// Parse implements participle.Parseable.
func (e *Ellipsis) Parse(lex *lexer.PeekingLexer) error {
	t := lex.Peek()
	if t.Value != "..." {
		return participle.NextMatch
	}
	lex.Next()
	e.Range = Range{t.Pos, lex.RawPeek().Pos}
	return nil
}

// Parse implements participle.Parseable.
func (t *Time) Parse(lex *lexer.PeekingLexer) error {
	start := lex.Peek().Pos
	*t = Time{Kind: Absolute}
	if mark(lex, "*") {
		t.Kind = Any
		t.Range = Range{start, lex.RawPeek().Pos}
		return nil
	}
	if mark(lex, "+") {
		t.Kind = Relative
	}
	var s seconds
	if s.Parse(lex) != nil {
		if t.Kind == Absolute {
			return participle.NextMatch
		}
		return unexpected(lex, "seconds")
	}
	t.Start, t.StartText = s.Value, s.Text
	if mark(lex, "~") {
		if t.Kind == Relative && !mark(lex, "+") {
			return unexpected(lex, `"+"`)
		}
		if s.Parse(lex) != nil {
			return unexpected(lex, "seconds")
		}
		t.End, t.EndText = s.Value, s.Text
		if t.Kind == Absolute {
			t.Kind = AbsoluteRange
		} else {
			t.Kind = RelativeRange
		}
	}
	t.Range = Range{start, lex.RawPeek().Pos}
	return nil
}

// exprRule is an expression: an operand, of which a word can have a value, and
// what is combined with it by |.
type exprRule struct {
	Atom     atom
	Compound *compoundRule
	Value    *exprRule
	Or       *exprRule
}

// Parse implements participle.Parseable.
func (r *exprRule) Parse(lex *lexer.PeekingLexer) error {
	switch err := r.Atom.Parse(lex); {
	case err == participle.NextMatch:
		switch lex.Peek().Value {
		case "[", "{", "inet_addr", "inet6_addr":
		default:
			return err
		}
		if r.Compound, err = parseRare(lex, compoundParser); err != nil {
			return err
		}
	case err != nil:
		return err
	case mark(lex, "="):
		r.Value = new(exprRule)
		if err := r.Value.operand(lex); err != nil {
			return err
		}
	}
	if mark(lex, "|") {
		r.Or = new(exprRule)
		return r.Or.operand(lex)
	}
	return nil
}

// operand reads an expression where there has to be one.
func (r *exprRule) operand(lex *lexer.PeekingLexer) error {
	err := r.Parse(lex)
	if err == participle.NextMatch {
		return unexpected(lex, "exprRule")
	}
	return err
}

// atom is an expression of one token, or of several strings in a row.
type atom struct{ Expr }

// Parse implements participle.Parseable.
func (a *atom) Parse(lex *lexer.PeekingLexer) error {
	switch lex.Peek().Type {
	case tokenWord:
		var w Word
		_ = w.Parse(lex)
		a.Expr = w
		return nil
	case tokenInteger, tokenHex:
		var n anyInt
		_ = n.Parse(lex)
		a.Expr = n.Int
	case tokenString:
		a.Expr = parseString(lex)
	case tokenMark:
		var e Ellipsis
		if err := e.Parse(lex); err != nil {
			return err
		}
		a.Expr = e
	default:
		return participle.NextMatch
	}
	if lex.Peek().Value == "=" {
		return unexpected(lex, `("," | ")")`) // only a word has a value
	}
	return nil
}

// parseString reads "text", "text"... or several strings.
func parseString(lex *lexer.PeekingLexer) String {
	s := String{Range: Range{Pos: lex.Peek().Pos}}
	for {
		var part StringPart
		if part.Parse(lex) != nil {
			break
		}
		s.Parts = append(s.Parts, part)
		if len(s.Parts) == 1 && mark(lex, "...") {
			s.Ellipsis = true
			break
		}
	}
	s.EndPos = lex.RawPeek().Pos
	return s
}
