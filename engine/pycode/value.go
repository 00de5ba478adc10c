package pycode

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A value is a none, bool, *big.Int, float64, string, tuple, list, *builtin or
// formatMethod. Values are never changed, not even lists: what would change one
// is unsupported.
type value any

type (
	none  struct{}
	tuple []value
	list  []value
	// formatMethod is "…".format, not called yet.
	formatMethod string
)

// valueOf turns what a Var holds into a value.
func valueOf(v any) (value, error) {
	switch v := v.(type) {
	case int:
		return newInt(v), nil
	case int64:
		return big.NewInt(v), nil
	case uint64:
		return new(big.Int).SetUint64(v), nil
	case float64, string:
		return v, nil
	}
	return nil, fmt.Errorf("a variable can't be a %T", v)
}

// typeName is what Python calls the value's type.
func typeName(v value) string {
	switch v.(type) {
	case none:
		return "NoneType"
	case bool:
		return "bool"
	case *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case tuple:
		return "tuple"
	case list:
		return "list"
	}
	return "builtin_function_or_method"
}

// truth is Python's bool(v).
func truth(v value) bool {
	switch v := v.(type) {
	case none:
		return false
	case bool:
		return v
	case *big.Int:
		return v.Sign() != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case tuple:
		return len(v) > 0
	case list:
		return len(v) > 0
	}
	return true
}

// asInt returns the integer that v is; True is 1.
func asInt(v value) (*big.Int, bool) {
	switch v := v.(type) {
	case *big.Int:
		return v, true
	case bool:
		if v {
			return newInt(1), true
		}
		return newInt(0), true
	}
	return nil, false
}

// items returns what a sequence holds.
func items(v value) ([]value, bool) {
	switch v := v.(type) {
	case tuple:
		return v, true
	case list:
		return v, true
	case string:
		var all []value
		for _, r := range v {
			all = append(all, string(r))
		}
		return all, true
	}
	return nil, false
}

// str is Python's str(v).
func str(v value) string {
	if s, ok := v.(string); ok {
		return s
	}
	return repr(v)
}

// repr is Python's repr(v).
func repr(v value) string {
	switch v := v.(type) {
	case none:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case *big.Int:
		return v.String()
	case float64:
		return reprFloat(v)
	case string:
		return reprString(v)
	case tuple:
		if len(v) == 1 {
			return "(" + repr(v[0]) + ",)"
		}
		return "(" + reprItems(v) + ")"
	case list:
		return "[" + reprItems(v) + "]"
	case *builtin:
		return "<built-in function " + v.name + ">"
	}
	return "<built-in method format of str object>"
}

func reprItems(items []value) string {
	var all []string
	for _, item := range items {
		all = append(all, repr(item))
	}
	return strings.Join(all, ", ")
}

// reprFloat writes the fewest digits that give the number back, in Python's
// choice of notation.
func reprFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	exp, _ := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:])
	if exp < -4 || exp >= 16 {
		return s
	}
	s = strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func reprString(s string) string {
	quote := '\''
	if strings.Contains(s, "'") && !strings.Contains(s, "\"") {
		quote = '"'
	}
	var b strings.Builder
	b.WriteRune(quote)
	for i, r := range s {
		switch {
		case r == quote || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == utf8.RuneError && s[i] != "\uFFFD"[0]:
			fmt.Fprintf(&b, `\udc%02x`, s[i])
		case r == ' ' || unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteRune(quote)
	return b.String()
}

// equal is Python's ==, and never fails.
func equal(x, y value) bool {
	if c, ok := compareNumbers(x, y); ok {
		return c == 0
	}
	switch x := x.(type) {
	case none:
		_, ok := y.(none)
		return ok
	case string:
		y, ok := y.(string)
		return ok && x == y
	case tuple:
		y, ok := y.(tuple)
		return ok && equalItems(x, y)
	case list:
		y, ok := y.(list)
		return ok && equalItems(x, y)
	case *builtin:
		return x == y
	}
	return false
}

func equalItems(x, y []value) bool {
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if !equal(x[i], y[i]) {
			return false
		}
	}
	return true
}

const unordered = 2 // what compareNumbers says of NaN

// compareNumbers returns the sign of x-y, exactly, even between an int and a
// float; or unordered. It is false if one of them isn't a number.
func compareNumbers(x, y value) (c int, ok bool) {
	a, aFloat := x.(float64)
	b, bFloat := y.(float64)
	i, iOK := asInt(x)
	j, jOK := asInt(y)
	switch {
	case iOK && jOK:
		return i.Cmp(j), true
	case aFloat && bFloat:
		switch {
		case a < b:
			return -1, true
		case a > b:
			return 1, true
		case a == b:
			return 0, true
		}
		return unordered, true
	case iOK && bFloat:
		return compareIntFloat(i, b), true
	case aFloat && jOK:
		c := compareIntFloat(j, a)
		if c != unordered {
			c = -c
		}
		return c, true
	}
	return 0, false
}

func compareIntFloat(i *big.Int, f float64) int {
	switch {
	case math.IsNaN(f):
		return unordered
	case math.IsInf(f, 1):
		return -1
	case math.IsInf(f, -1):
		return 1
	}
	return new(big.Rat).SetInt(i).Cmp(new(big.Rat).SetFloat64(f))
}
