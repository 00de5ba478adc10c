package pycode

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// format is "…{}…".format(args…).
func (e *Evaluator) format(s span, format string, args []value) value {
	var b strings.Builder
	automatic, manual := 0, false
	for i := 0; i < len(format); {
		c := format[i]
		rest := format[i+1:]
		switch {
		case (c == '{' || c == '}') && strings.HasPrefix(rest, string(c)): // doubled: itself
			b.WriteByte(c)
			i += 2
			continue
		case c == '}':
			e.raise(s, "ValueError", "Single '}' encountered in format string")
		case c != '{':
			b.WriteByte(c)
			i++
			continue
		}
		field, _, found := strings.Cut(rest, "}")
		switch {
		case strings.Contains(field, "{"):
			e.unsupported(s, "a field in a field of format")
		case !found && rest == "":
			e.raise(s, "ValueError", "Single '{' encountered in format string")
		case !found:
			e.raise(s, "ValueError", "expected '}' before end of string")
		}
		i += len(field) + 2

		name, spec, _ := strings.Cut(field, ":")
		name, conversion, converted := strings.Cut(name, "!")
		n, err := strconv.Atoi(name)
		switch {
		case name == "" && manual:
			e.raise(s, "ValueError", "cannot switch from manual field specification to automatic field numbering")
		case name == "":
			n = automatic
			automatic++
		case err != nil || !isDigit(name[0]):
			e.unsupported(s, "the field {%s} of format", name)
		case automatic > 0:
			e.raise(s, "ValueError", "cannot switch from automatic field numbering to manual field specification")
		default:
			manual = true
		}
		if n >= len(args) {
			e.raise(s, "IndexError", "Replacement index %d out of range for positional args tuple", n)
		}
		v := args[n]
		switch {
		case !converted:
		case conversion == "r":
			v = repr(v)
		case conversion == "s":
			v = str(v)
		default:
			e.unsupported(s, "the conversion !%s", conversion)
		}
		b.WriteString(e.formatValue(s, v, spec))
	}
	return b.String()
}

// formatSpec is: fill and alignment, sign, #, 0, width, grouping, precision, type.
var formatSpec = regexp.MustCompile(`^(?:(.)?([<>=^]))?([-+ ])?(#)?(0)?([0-9]+)?([,_])?(?:\.([0-9]+))?([a-zA-Z%])?$`)

// formatValue is Python's format(v, spec).
func (e *Evaluator) formatValue(s span, v value, spec string) string {
	if spec == "" {
		return str(v)
	}
	m := formatSpec.FindStringSubmatch(spec)
	if m == nil {
		e.unsupported(s, "the format %s", reprString(spec))
	}
	l := layout{alternate: m[4] != "", precision: -1}
	if m[1] != "" {
		l.fill, _ = utf8.DecodeRuneInString(m[1])
	} else if m[5] != "" {
		l.fill = '0'
	}
	if m[2] != "" {
		l.align = m[2][0]
	} else if m[5] != "" {
		l.align = '='
	}
	if m[3] != "" {
		l.sign = m[3][0]
	}
	if m[7] != "" {
		l.group = m[7][0]
	}
	for _, number := range []struct {
		text string
		to   *int
	}{{m[6], &l.width}, {m[8], &l.precision}} {
		if number.text == "" {
			continue
		}
		n, err := strconv.Atoi(number.text)
		if err != nil || n > maxWidth {
			e.unsupported(s, "a width this big")
		}
		*number.to = n
	}
	if m[9] != "" {
		l.verb = m[9][0]
	}
	if l.group != 0 && (l.align == '=' || !strings.Contains("deEfFgG%", m[9])) {
		e.unsupported(s, "the format %s", reprString(spec))
	}
	switch v := v.(type) {
	case string:
		return e.formatText(s, l, v, spec)
	case float64:
		return e.formatFloatValue(s, l, v, spec)
	}
	if i, ok := asInt(v); ok {
		return e.formatInt(s, l, i, v, spec)
	}
	e.raise(s, "TypeError", "unsupported format string passed to %s.__format__", typeName(v))
	return ""
}

// unknownVerb fails for a type letter that isn't one of v's.
func (e *Evaluator) unknownVerb(s span, l layout, v value, spec string) {
	if strings.ContainsRune("bcdeEfFgGnosxX%", rune(l.verb)) {
		e.raise(s, "ValueError", "Unknown format code '%c' for object of type '%s'", l.verb, typeName(v))
	}
	e.unsupported(s, "the format %s", reprString(spec))
}

func (e *Evaluator) formatText(s span, l layout, text, spec string) string {
	if l.verb != 0 && l.verb != 's' {
		e.unknownVerb(s, l, text, spec)
	}
	if l.sign != 0 || l.alternate || l.group != 0 || l.align == '=' {
		e.unsupported(s, "the format %s", reprString(spec))
	}
	if l.align == 0 {
		l.align = '<'
	}
	if r := []rune(text); l.precision >= 0 && len(r) > l.precision {
		text = string(r[:l.precision])
	}
	return l.pad(text)
}

func (e *Evaluator) formatInt(s span, l layout, i value, v value, spec string) string {
	base := 10
	switch l.verb {
	case 0, 'd':
	case 'x', 'X':
		base = 16
	case 'o':
		base = 8
	case 'b':
		base = 2
	case 'e', 'E', 'f', 'F', 'g', 'G', '%':
		return e.formatFloatValue(s, l, e.asFloat(s, i), spec)
	case 's':
		e.unknownVerb(s, l, v, spec)
	default:
		e.unsupported(s, "the format %s", reprString(spec))
	}
	if l.precision >= 0 {
		e.raise(s, "ValueError", "Precision not allowed in integer format specifier")
	}
	n, _ := asInt(i)
	digits := n.Text(base)
	digits = strings.TrimPrefix(digits, "-")
	prefix := ""
	if l.alternate {
		prefix = basePrefix[base]
	}
	if l.verb == 'X' {
		prefix, digits = strings.ToUpper(prefix), strings.ToUpper(digits)
	}
	return l.aligned(sign(n.Sign() < 0, l.sign)+prefix, grouped(digits, l.group))
}

func (e *Evaluator) formatFloatValue(s span, l layout, f float64, spec string) string {
	if l.alternate || l.verb == 0 && l.precision >= 0 {
		e.unsupported(s, "the format %s", reprString(spec))
	}
	text := ""
	switch l.verb {
	case 0:
		text = reprFloat(f)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		text = formatFloat(f, l.verb, l.precision)
	case '%':
		text = formatFloat(f*100, 'f', l.precision) + "%"
	case 'n':
		e.unsupported(s, "the format %s", reprString(spec))
	default:
		e.unknownVerb(s, l, f, spec)
	}
	negative := strings.HasPrefix(text, "-")
	text = strings.TrimPrefix(text, "-")
	whole := len(text)
	if i := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		whole = i
	}
	return l.aligned(sign(negative, l.sign), grouped(text[:whole], l.group)+text[whole:])
}

// grouped puts a mark between groups of three digits.
func grouped(digits string, mark byte) string {
	if mark == 0 {
		return digits
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + string(rune(mark)) + digits[i:]
	}
	return digits
}

// aligned lays out a number; '=' puts the fill after the sign.
func (l layout) aligned(sign, digits string) string {
	if l.align == '=' {
		rest := l
		rest.align, rest.width = '>', l.width-utf8.RuneCountInString(sign)
		return sign + rest.pad(digits)
	}
	return l.pad(sign + digits)
}
