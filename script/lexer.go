package script

import (
	"bytes"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/alecthomas/participle/v2/lexer"
)

// The lexer is written by hand. packetdrill's is flex's, which takes the
// longest match of all rules: ".5" is one number but "S.5" a word and a number,
// "1::2" is an address but "1:2" is not. Participle's stateful lexer takes the
// first rule that matches, and runs a regular expression per rule and token:
// it can't say the first, and the second costs more than all of the parsing.

// definition lets participle's grammar refer to the kinds of token by name.
type definition struct{}

// Symbols implements lexer.Definition.
func (definition) Symbols() map[string]lexer.TokenType {
	return map[string]lexer.TokenType{
		"EOF":     tokenEOF,
		"Blank":   tokenBlank,
		"Option":  tokenOption,
		"Float":   tokenFloat,
		"Integer": tokenInteger,
		"Hex":     tokenHex,
		"Word":    tokenWord,
		"Keyword": tokenKeyword,
		"ECN":     tokenECN,
		"Angle":   tokenAngle,
		"String":  tokenString,
		"Command": tokenCommand,
		"Code":    tokenCode,
		"IPv4":    tokenIPv4,
		"IPv6":    tokenIPv6,
		"Mark":    tokenMark,
		"Bad":     tokenBad,
	}
}

// Lex implements lexer.Definition.
func (definition) Lex(name string, r io.Reader) (lexer.Lexer, error) {
	src, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return newScanner(name, src), nil
}

// A scanner cuts a script into tokens. Runs of blanks and comments are tokens
// too, so that the end of the token before is known; comments are also kept
// apart, and what can't be read is reported once and skipped.
type scanner struct {
	name     string
	src      string
	at       int // offset of the next byte
	line     int
	lineAt   int // offset of the line's first byte
	count    int // tokens returned
	comments []*Comment
	errors   ErrorList
	crSeen   bool
	depth    int // of brackets
}

func newScanner(name string, src []byte) *scanner {
	return &scanner{name: name, src: string(src), line: 1}
}

// binary reports an error if the script has a NUL in it, which the tokens of symbols
// need for themselves.
func (s *scanner) binary() bool {
	at := strings.IndexByte(s.src, 0)
	if at < 0 {
		return false
	}
	s.skip(at)
	s.report(at+1, "got a NUL byte, want text", "")
	return true
}

// pos returns the position of the next byte.
func (s *scanner) pos() Position {
	return Position{Filename: s.name, Offset: s.at, Line: s.line, Column: s.at - s.lineAt + 1}
}

// skip moves on to offset end, counting lines.
func (s *scanner) skip(end int) {
	for s.at < end {
		n := strings.IndexByte(s.src[s.at:end], '\n')
		if n < 0 {
			break
		}
		s.at += n + 1
		s.line++
		s.lineAt = s.at
	}
	s.at = end
}

// Next implements lexer.Lexer.
func (s *scanner) Next() (lexer.Token, error) {
	s.count++
	start := s.pos()
	kind, end := tokenBlank, s.blank()
	if end == start.Offset {
		if end == len(s.src) {
			return lexer.EOFToken(start), nil
		}
		kind, end = s.token()
		s.skip(end)
	}
	return lexer.Token{Type: kind, Value: s.src[start.Offset:end], Pos: start}, nil
}

// blank skips blanks and comments and returns where they end.
func (s *scanner) blank() int {
	for s.at < len(s.src) {
		switch c := s.src[s.at]; {
		case c == ' ' || c == '\t':
			s.at++
		case c == '\n':
			s.skip(s.at + 1)
		case c == '\r':
			if !s.crSeen {
				s.crSeen = true
				s.report(s.at+1, "got a carriage return, want lines that end in a newline alone", "")
			}
			s.at++
		case c == '/':
			end := s.comment()
			if end == s.at {
				return s.at
			}
			start := s.pos()
			text := strings.TrimSuffix(s.src[s.at:end], "\n")
			s.skip(s.at + len(text))
			s.comments = append(s.comments, &Comment{Range{start, s.pos()}, text})
			s.skip(end)
		default:
			return s.at
		}
	}
	return s.at
}

// comment returns the end of the comment here, newline included, or the place
// itself if there is none.
func (s *scanner) comment() int {
	rest := s.src[s.at:]
	switch {
	case strings.HasPrefix(rest, "//"):
		if n := strings.IndexByte(rest, '\n'); n >= 0 {
			return s.at + n + 1
		}
		s.report(len(s.src), "got the end of the file in a comment, want a newline", "")
		return len(s.src)
	case strings.HasPrefix(rest, "/*"):
		if n := closing(rest[2:], '*', '/'); n >= 0 {
			return s.at + 2 + n
		}
		end := s.endOfLine()
		s.report(s.at+2, "comment isn't closed, want */", "")
		return end
	}
	return s.at
}

// closing returns the offset after the first a-b pair in text, or -1. As in
// packetdrill the text is read in pairs from each a on, so "aab" closes
// nothing: %{ {}}% isn't closed, %{ {} }% is.
func closing(text string, a, b byte) int {
	for i := 0; i+1 < len(text); i++ {
		if text[i] != a {
			continue
		}
		if text[i+1] == b {
			return i + 2
		}
		i++
	}
	return -1
}

func (s *scanner) endOfLine() int {
	if n := strings.IndexByte(s.src[s.at:], '\n'); n >= 0 {
		return s.at + n
	}
	return len(s.src)
}

// report notes an error from here to end.
func (s *scanner) report(end int, summary, detail string) {
	start := s.pos()
	stop := start
	stop.Offset, stop.Column = end, start.Column+end-start.Offset
	s.errors = append(s.errors, &Error{Pos: start, End: stop, Summary: summary, Detail: detail})
}

// maxDepth limits how deep brackets nest, or the parser's stack would overflow.
// Brackets that don't close count on.
const maxDepth = 1000

// token returns the kind and the end of the token here.
func (s *scanner) token() (kind lexer.TokenType, end int) {
	c := s.src[s.at]
	if isWordByte(c) || c == ':' {
		if end := s.ipv6(); end > s.at {
			return tokenIPv6, end
		}
	}
	switch {
	case isDigit(c) || c == '-' || c == '.':
		if kind, end := s.number(); end > s.at {
			return kind, end
		}
		if strings.HasPrefix(s.src[s.at:], "...") {
			return tokenMark, s.at + 3
		}
		if strings.HasPrefix(s.src[s.at:], "--") {
			if end := s.wordEnd(s.at + 2); end > s.at+2 {
				return tokenOption, end
			}
		}
	case isWordByte(c):
		return s.word()
	case c == '(' || c == '[' || c == '{':
		if s.depth++; s.depth == maxDepth {
			s.report(s.at+1, "brackets too deep, want less than "+strconv.Itoa(maxDepth), "")
			return tokenBad, len(s.src)
		}
	case c == ')' || c == ']' || c == '}':
		s.depth = max(s.depth-1, 0)
	case c == '<' || c == '>':
		return tokenAngle, s.at + 1
	case c == '"':
		return s.quoted(tokenString, c)
	case c == '`':
		return s.quoted(tokenCommand, c)
	case c == '%' && strings.HasPrefix(s.src[s.at:], "%{"):
		if n := closing(s.src[s.at+2:], '}', '%'); n >= 0 {
			return tokenCode, s.at + 2 + n
		}
		detail := ""
		if strings.Contains(s.src[s.at:], "}}%") {
			detail = "The first of two braces hides the second: write } }%."
		}
		s.report(s.at+2, "code isn't closed, want }%", detail)
		return tokenBad, s.endOfLine()
	case c < ' ' || c >= 0x7f:
		end := s.at + 1
		for c >= 0x80 && end < len(s.src) && s.src[end] >= 0x80 {
			end++
		}
		s.report(end, "got a byte that isn't printable ASCII, want it in comments, strings and code only", "")
		return tokenBad, end
	}
	return tokenMark, s.at + 1
}

// word returns the word or keyword here.
func (s *scanner) word() (lexer.TokenType, int) {
	end := s.wordEnd(s.at)
	word := s.src[s.at:end]
	if word == "sequence" && end < len(s.src) && s.src[end] == '#' {
		return tokenKeyword, end + 1
	}
	if kind, ok := keywords[word]; ok {
		return kind, end
	}
	return tokenWord, end
}

// number returns the longest of a decimal number, a hexadecimal one, an IPv4
// address and a word that starts with digits (3021b9d889017eeb), or the place
// itself if there is none.
func (s *scanner) number() (lexer.TokenType, int) {
	src, at := s.src, s.at
	if src[at] == '-' {
		at++
	}
	digits := digitsEnd(src, at)
	if digits+1 < len(src) && src[digits] == '.' && isDigit(src[digits+1]) {
		if addr := ipv4End(src, s.at); addr > 0 {
			return tokenIPv4, addr
		}
		return tokenFloat, digitsEnd(src, digits+1)
	}
	if digits == at {
		return tokenMark, s.at
	}
	word := s.wordEnd(s.at)
	if word <= digits {
		return tokenInteger, digits
	}
	if strings.HasPrefix(src[s.at:], "0x") && word > s.at+2 && isHex(src[s.at+2:word]) {
		return tokenHex, word
	}
	return tokenWord, word
}

// ipv4End returns the end of the dotted quad at offset at, or 0.
func ipv4End(src string, at int) int {
	for part := range 4 {
		if part > 0 {
			if at >= len(src) || src[at] != '.' {
				return 0
			}
			at++
		}
		end := digitsEnd(src, at)
		if end == at {
			return 0
		}
		at = end
	}
	return at
}

// ipv6Pattern are the forms of an IPv6 address, of which the longest match counts.
var ipv6Pattern = sync.OnceValue(func() *regexp.Regexp {
	forms := strings.NewReplacer("SEG", `[0-9a-fA-F]{1,4}`, "V4", `[0-9]+[.][0-9]+[.][0-9]+[.][0-9]+`)
	re := regexp.MustCompile(forms.Replace(`^(?:` + strings.Join([]string{
		`::`,
		`(?:SEG:){7}SEG`,
		`(?:SEG:){1,7}:`,
		`(?:SEG:){1,6}:SEG`,
		`(?:SEG:){1,5}(?::SEG){1,2}`,
		`(?:SEG:){1,4}(?::SEG){1,3}`,
		`(?:SEG:){1,3}(?::SEG){1,4}`,
		`(?:SEG:){1,2}(?::SEG){1,5}`,
		`SEG:(?::SEG){1,6}`,
		`:(?::SEG){1,7}`,
		`::ffff:V4`,
		`::ffff:0{1,4}:V4`,
		`(?:SEG:){1,4}:V4`,
	}, "|") + `)`))
	re.Longest()
	return re
})

// ipv6 returns the end of the IPv6 address here, or the place itself. Nearly
// all that starts like one is a number or a word, so look for two colons
// in a row or seven in all before trying the pattern.
func (s *scanner) ipv6() int {
	colons, double := 0, false
	end := s.at
	for ; end < len(s.src); end++ {
		c := s.src[end]
		if c == ':' {
			colons++
			double = double || end > s.at && s.src[end-1] == ':'
		} else if c != '.' && !isHexDigit(c) {
			break
		} else if colons == 0 && end-s.at >= 4 {
			return s.at
		}
	}
	if !double && colons < 7 {
		return s.at
	}
	found := ipv6Pattern().FindStringIndex(s.src[s.at:end])
	if found == nil {
		return s.at
	}
	return s.at + found[1]
}

// quoted returns the end of a string or command, which may span lines. A quote
// after a backslash doesn't end it, whatever stands before the backslash,
// unless the file has no other.
func (s *scanner) quoted(kind lexer.TokenType, quote byte) (lexer.TokenType, int) {
	last := -1
	for i := s.at + 1; i < len(s.src); i++ {
		if s.src[i] != quote {
			continue
		}
		last = i
		if s.src[i-1] != '\\' {
			break
		}
	}
	if last < 0 {
		what := "string"
		if kind == tokenCommand {
			what = "command"
		}
		s.report(s.at+1, what+" isn't closed, want "+string(quote), "")
		return tokenBad, s.endOfLine()
	}
	return kind, last + 1
}

func (s *scanner) wordEnd(at int) int {
	for at < len(s.src) && isWordByte(s.src[at]) {
		at++
	}
	return at
}

func digitsEnd(src string, at int) int {
	for at < len(src) && isDigit(src[at]) {
		at++
	}
	return at
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHexDigit(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isHex(s string) bool {
	for i := range len(s) {
		if !isHexDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

func isWordByte(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
}

// blankBefore reports whether only blanks stand between the line's start and offset at.
func blankBefore(src []byte, at int) bool {
	line := src[:at]
	if n := bytes.LastIndexByte(line, '\n'); n >= 0 {
		line = line[n+1:]
	}
	return len(bytes.Trim(line, " \t\r")) == 0
}
