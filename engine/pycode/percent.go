package pycode

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A layout is how one value is to be printed: %-08.3f, {:>8,d}.
type layout struct {
	fill      rune // 0: blanks
	align     byte // '<' '>' '^' '=', 0: as the type has it
	sign      byte // '+' or ' ' before positive numbers, '-' or 0: nothing
	alternate bool // #
	group     byte // ',' or '_' between digits, or 0
	width     int
	precision int // -1: none given
	verb      byte
}

const maxWidth = 1 << 10 // of one printed value

// percent is format % args.
func (e *Evaluator) percent(s span, format string, arg value) value {
	args, several := arg.(tuple)
	if !several {
		args = tuple{arg}
	}
	used := 0
	next := func() value {
		if used == len(args) {
			e.raise(s, "TypeError", "not enough arguments for format string")
		}
		used++
		return args[used-1]
	}
	var b strings.Builder
	for i := 0; i < len(format); {
		if format[i] != '%' {
			b.WriteByte(format[i])
			i++
			continue
		}
		if i++; strings.HasPrefix(format[i:], "%") {
			b.WriteByte('%')
			i++
			continue
		}
		var l layout
		l, i = e.percentLayout(s, format, i, next)
		b.WriteString(e.percentValue(s, l, format, i-1, next()))
	}
	if used < len(args) && several || used == 0 && !several && typeName(arg) != "list" {
		e.raise(s, "TypeError", "not all arguments converted during string formatting")
	}
	return b.String()
}

// percentLayout reads what follows a %, up to the letter.
func (e *Evaluator) percentLayout(s span, format string, i int, next func() value) (layout, int) {
	l := layout{precision: -1, align: '>'}
	char := func() byte {
		if i == len(format) {
			e.raise(s, "ValueError", "incomplete format")
		}
		return format[i]
	}
	if char() == '(' {
		e.unsupported(s, "%% with names")
	}
	for ; ; i++ {
		switch char() {
		case '-':
			l.align = '<'
			continue
		case '+':
			l.sign = '+'
			continue
		case ' ':
			if l.sign == 0 {
				l.sign = ' '
			}
			continue
		case '#':
			l.alternate = true
			continue
		case '0':
			l.fill = '0'
			continue
		}
		break
	}
	number := func() int {
		if char() == '*' {
			i++
			v := next()
			n, ok := asInt(v)
			if !ok {
				e.raise(s, "TypeError", "* wants int")
			}
			if n.BitLen() > 31 {
				e.unsupported(s, "a width this big")
			}
			return int(n.Int64())
		}
		n := 0
		for ; isDigit(char()); i++ {
			n = min(n*10+int(format[i]-'0'), maxWidth+1)
		}
		return n
	}
	if l.width = number(); l.width < 0 {
		l.width, l.align = -l.width, '<'
	}
	if char() == '.' {
		i++
		l.precision = max(0, number())
	}
	if l.width > maxWidth || l.precision > maxWidth {
		e.unsupported(s, "a width this big")
	}
	for c := char(); c == 'l' || c == 'h' || c == 'L'; c = char() { // of C, without a meaning
		i++
	}
	l.verb = char()
	return l, i + 1
}

// percentValue prints one value; at is where its letter is, for the error.
func (e *Evaluator) percentValue(s span, l layout, format string, at int, v value) string {
	switch l.verb {
	case 's':
		return l.text(str(v))
	case 'r':
		return l.text(repr(v))
	case 'a':
		e.unsupported(s, "%%a")
	case 'c':
		l.precision = -1
		return l.text(e.percentChar(s, v))
	case 'd', 'i', 'u':
		i, ok := asInt(v)
		if f, isFloat := v.(float64); isFloat {
			i, ok = e.truncated(s, f), true
		}
		if !ok {
			e.raise(s, "TypeError", "%%%c format: a real number is required, not %s", l.verb, typeName(v))
		}
		return l.percentInt(i, 10)
	case 'x', 'X', 'o':
		i, ok := asInt(v)
		if !ok {
			e.raise(s, "TypeError", "%%%c format: an integer is required, not %s", l.verb, typeName(v))
		}
		if l.verb == 'o' {
			return l.percentInt(i, 8)
		}
		return l.percentInt(i, 16)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		f, ok := v.(float64)
		if _, isInt := asInt(v); !ok && !isInt {
			e.raise(s, "TypeError", "must be real number, not %s", typeName(v))
		}
		if !ok {
			f = e.asFloat(s, v)
		}
		if l.alternate {
			e.unsupported(s, "%%#%c", l.verb)
		}
		text := formatFloat(f, l.verb, l.precision)
		return l.number(sign(strings.HasPrefix(text, "-"), l.sign), "", strings.TrimPrefix(text, "-"))
	}
	r, _ := utf8.DecodeRuneInString(format[at:])
	e.raise(s, "ValueError", "unsupported format character '%c' (0x%x) at index %d", r, r, utf8.RuneCountInString(format[:at]))
	return ""
}

func (e *Evaluator) percentChar(s span, v value) string {
	if text, ok := v.(string); ok && utf8.RuneCountInString(text) == 1 {
		return text
	}
	i, ok := asInt(v)
	if !ok {
		e.raise(s, "TypeError", "%%c requires int or char")
	}
	if i.Sign() < 0 || i.BitLen() > 31 || i.Int64() > utf8.MaxRune {
		e.raise(s, "OverflowError", "%%c arg not in range(0x110000)")
	}
	if !utf8.ValidRune(rune(i.Int64())) {
		e.unsupported(s, "half of a surrogate pair")
	}
	return string(rune(i.Int64()))
}

// percentInt prints an integer as % does, where a precision is a number of
// digits.
func (l layout) percentInt(i *big.Int, base int) string {
	digits := new(big.Int).Abs(i).Text(base)
	if n := l.precision - len(digits); n > 0 {
		digits = strings.Repeat("0", n) + digits
	}
	prefix := ""
	if l.alternate {
		prefix = basePrefix[base]
	}
	if l.verb == 'X' {
		prefix, digits = strings.ToUpper(prefix), strings.ToUpper(digits)
	}
	return l.number(sign(i.Sign() < 0, l.sign), prefix, digits)
}

// sign is what stands before a number.
func sign(negative bool, positive byte) string {
	switch {
	case negative:
		return "-"
	case positive == '+', positive == ' ':
		return string(rune(positive))
	}
	return ""
}

// formatFloat is C's %e, %f, %g, the digits six unless given.
func formatFloat(f float64, verb byte, precision int) string {
	if precision < 0 {
		precision = 6
	}
	if precision == 0 && verb|0x20 == 'g' {
		precision = 1
	}
	text := ""
	switch {
	case math.IsNaN(f):
		text = "nan"
	case math.IsInf(f, 0):
		text = strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(f, 'f', -1, 64), "+"))
	default:
		text = strconv.FormatFloat(f, verb|0x20, precision, 64)
	}
	if verb < 'a' {
		text = strings.ToUpper(text)
	}
	return text
}

// text lays out a string; a precision cuts it off.
func (l layout) text(s string) string {
	if l.precision >= 0 {
		if r := []rune(s); len(r) > l.precision {
			s = string(r[:l.precision])
		}
	}
	l.fill = 0 // %05s pads with blanks
	return l.pad(s)
}

// number lays out a number in its three parts. Zeros go between the sign and
// the digits.
func (l layout) number(sign, prefix, digits string) string {
	if l.fill == '0' && l.align != '<' {
		if n := l.width - len(sign) - len(prefix) - len(digits); n > 0 {
			digits = strings.Repeat("0", n) + digits
		}
	}
	l.fill = 0
	return l.pad(sign + prefix + digits)
}

// pad widens s.
func (l layout) pad(s string) string {
	n := l.width - utf8.RuneCountInString(s)
	if n <= 0 {
		return s
	}
	fill := string(l.fill)
	if l.fill == 0 {
		fill = " "
	}
	switch l.align {
	case '<':
		return s + strings.Repeat(fill, n)
	case '^':
		return strings.Repeat(fill, n/2) + s + strings.Repeat(fill, n-n/2)
	}
	return strings.Repeat(fill, n) + s
}
