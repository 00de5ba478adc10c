package pycode

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Numbers as Python writes them: digits, single underscores between them.
var (
	intLiteral   = regexp.MustCompile(`^(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|0(?:_?0)*|[1-9](?:_?[0-9])*)`)
	floatLiteral = regexp.MustCompile(`^(?:(?:[0-9](?:_?[0-9])*)?\.[0-9](?:_?[0-9])*|[0-9](?:_?[0-9])*\.?)(?:[eE][-+]?[0-9](?:_?[0-9])*)?`)
)

func (l *lexer) number() error {
	text := l.b.Text[l.offset:]
	t := token{kind: tokenInt, start: l.offset, text: intLiteral.FindString(text)}
	if float := floatLiteral.FindString(text); len(float) > len(t.text) && strings.ContainsAny(float, ".eE") {
		t.kind, t.text = tokenFloat, float
	}
	l.offset += len(t.text)
	t.end = l.offset
	if rest := text[len(t.text):]; rest != "" {
		switch c := rest[0]; {
		case c == 'j' || c == 'J':
			return l.b.unsupported(t.start, "a complex number")
		case isDigit(c) && t.kind == tokenInt && text[0] == '0':
			return l.b.syntaxError(l.from(t.start), "a decimal number must not start with 0; an octal one starts with 0o")
		case c == '_' || isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z' && !startsWithKeyword(rest), t.text == "0" && c == 'o':
			return l.b.syntaxError(l.from(l.offset), "unexpected character %s in a number", strconv.QuoteRune(rune(c)))
		}
	}
	if t.text == "" {
		return l.b.syntaxError(l.from(t.start), "not a number")
	}
	if t.kind == tokenFloat {
		t.float, _ = strconv.ParseFloat(strings.ReplaceAll(t.text, "_", ""), 64) // too big is inf, as in Python
	} else {
		t.integer, _ = new(big.Int).SetString(strings.ReplaceAll(t.text, "_", ""), 0)
		if t.integer.BitLen() > maxBits {
			return l.b.unsupported(t.start, "a number this big")
		}
	}
	l.add(t)
	return nil
}

// Python lets a keyword follow a number at once: 1if x else 2.
func startsWithKeyword(text string) bool {
	for _, word := range []string{"and", "or", "in", "is", "if", "else", "not"} {
		if strings.HasPrefix(text, word) {
			return true
		}
	}
	return false
}

// str reads a string literal whose quotes start here.
func (l *lexer) str(prefix string) error {
	text := l.b.Text
	t := token{kind: tokenString, start: l.offset - len(prefix)}
	quote := text[l.offset : l.offset+1]
	if strings.HasPrefix(text[l.offset:], quote+quote+quote) {
		quote += quote + quote
	}
	l.offset += len(quote)
	var value strings.Builder
	for !strings.HasPrefix(text[l.offset:], quote) {
		if l.offset == len(text) || len(quote) == 1 && l.newline() > 0 {
			return l.b.syntaxError(l.from(t.start), "this string has no end")
		}
		switch n := l.newline(); {
		case n > 0:
			value.WriteByte('\n')
			l.offset += n
		case text[l.offset] != '\\':
			_, size := utf8.DecodeRuneInString(text[l.offset:])
			value.WriteString(text[l.offset : l.offset+size])
			l.offset += size
		default:
			if err := l.escape(&value, prefix == "r"); err != nil {
				return err
			}
		}
	}
	l.offset += len(quote)
	t.end, t.str = l.offset, value.String()
	l.add(t)
	return nil
}

// escapes are the simple ones. Others are left as they stand, as in Python.
var escapes = map[byte]string{
	'\\': "\\", '\'': "'", '"': "\"", 'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
}

func (l *lexer) escape(value *strings.Builder, raw bool) error {
	text, at := l.b.Text, l.offset
	l.offset++
	if l.offset == len(text) {
		return l.b.syntaxError(l.from(at), "this string has no end")
	}
	if n := l.newline(); n > 0 { // a joined line
		l.offset += n
		if raw {
			value.WriteString("\\\n")
		}
		return nil
	}
	c := text[l.offset]
	simple, ok := escapes[c]
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
	switch {
	case raw:
		_, size := utf8.DecodeRuneInString(text[l.offset:])
		value.WriteString(text[at : l.offset+size])
		l.offset += size
	case ok:
		value.WriteString(simple)
		l.offset++
	case digits > 0:
		l.offset++
		n, err := strconv.ParseUint(text[l.offset:min(len(text), l.offset+digits)], 16, 32)
		if err != nil || l.offset+digits > len(text) || n > utf8.MaxRune {
			return l.b.syntaxError(l.from(at), "\\%c wants %d hexadecimal digits", c, digits)
		}
		if !utf8.ValidRune(rune(n)) {
			return l.b.unsupported(at, "half of a surrogate pair")
		}
		value.WriteRune(rune(n))
		l.offset += digits
	case '0' <= c && c <= '7':
		n := rune(0)
		for i := 0; i < 3 && l.offset < len(text) && '0' <= text[l.offset] && text[l.offset] <= '7'; i++ {
			n = n*8 + rune(text[l.offset]-'0')
			l.offset++
		}
		value.WriteRune(n)
	case c == 'N':
		return l.b.unsupported(at, "a character by its Unicode name")
	default:
		value.WriteByte('\\')
	}
	return nil
}
