package script

import (
	"strconv"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
)

// Defines are symbols that stand for something else wherever a script uses
// them as a word, as given by -D SYMBOL=VALUE or by a script's own lines
// --define=SYMBOL=VALUE. A value that starts with a double quote is a string, one
// that starts with a back quote a command, one that is a whole C integer (0x10,
// 010, -1) a number, and any other a word.
type Defines map[string]string

// merge returns script's definitions with those of the command line over them.
func (d Defines) merge(script Defines) Defines {
	if len(script) == 0 {
		return d
	}
	all := make(Defines, len(d)+len(script))
	for symbol, value := range script {
		all[symbol] = value
	}
	for symbol, value := range d {
		all[symbol] = value
	}
	return all
}

// substitute replaces the words among tokens that are defined symbols.
func (d Defines) substitute(tokens []lexer.Token) {
	if len(d) == 0 {
		return
	}
	for i := range tokens {
		t := &tokens[i]
		if t.Type != tokenWord {
			continue
		}
		value, ok := d[t.Value]
		if !ok {
			continue
		}
		switch n, isInt := parseCInt(value); {
		case strings.HasPrefix(value, `"`):
			t.Type = tokenString
		case strings.HasPrefix(value, "`"):
			t.Type = tokenCommand
		case isInt:
			t.Type = tokenInteger
			value = strconv.FormatInt(n, 10)
		}
		t.Value = substituted(value, t.Value)
	}
}

// parseCInt parses s as C's strtol does with base 0, and reports whether that
// took all of s and didn't overflow. An empty s is 0.
func parseCInt(s string) (int64, bool) {
	if s == "" {
		return 0, true
	}
	sign, digits := "", strings.TrimLeft(s, " \t\n\v\f\r")
	if strings.HasPrefix(digits, "-") || strings.HasPrefix(digits, "+") {
		sign, digits = digits[:1], digits[1:]
	}
	base := 10
	switch {
	case len(digits) > 2 && (digits[:2] == "0x" || digits[:2] == "0X"):
		base, digits = 16, digits[2:]
	case len(digits) > 1 && digits[0] == '0':
		base, digits = 8, digits[1:]
	}
	if digits == "" || !isWordByte(digits[0]) {
		return 0, false
	}
	n, err := strconv.ParseInt(sign+digits, base, 64)
	if err != nil || n == 1<<63-1 || n == -1<<63 {
		return 0, false
	}
	return n, true
}
