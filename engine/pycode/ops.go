package pycode

import (
	"math"
	"math/big"
	"strings"
)

// compare evaluates a chain of comparisons. It returns the result and the
// comparison that decided it: the first false one, or the last.
func (e *Evaluator) compare(x *compareExpr) (v, left value, op string, right value) {
	right = e.eval(x.first)
	for _, c := range x.rest {
		left, op = right, c.op
		right = e.eval(c.y)
		if !e.holds(x.span, left, op, right) {
			return false, left, op, right
		}
	}
	return true, left, op, right
}

// holds reports whether one comparison is true.
func (e *Evaluator) holds(s span, x value, op string, y value) bool {
	switch op {
	case "==":
		return equal(x, y)
	case "!=":
		return !equal(x, y)
	case "is": // the parser lets through only what has None, True or False on a side
		return typeName(x) == typeName(y) && equal(x, y)
	case "is not":
		return !e.holds(s, x, "is", y)
	case "in":
		return e.contains(s, y, x)
	case "not in":
		return !e.contains(s, y, x)
	}
	c := e.order(s, x, op, y)
	switch op {
	case "<":
		return c == -1
	case "<=":
		return c == -1 || c == 0
	case ">":
		return c == 1
	}
	return c == 1 || c == 0
}

// order returns the sign of x-y, or unordered. The operator is for the error.
func (e *Evaluator) order(s span, x value, op string, y value) int {
	if c, ok := compareNumbers(x, y); ok {
		return c
	}
	a, aString := x.(string)
	b, bString := y.(string)
	if aString && bString {
		return strings.Compare(a, b)
	}
	if typeName(x) == typeName(y) {
		if a, ok := items(x); ok {
			b, _ := items(y)
			for i := range min(len(a), len(b)) {
				if !equal(a[i], b[i]) {
					return e.order(s, a[i], op, b[i])
				}
			}
			return newInt(len(a)).Cmp(newInt(len(b)))
		}
	}
	e.raise(s, "TypeError", "'%s' not supported between instances of '%s' and '%s'", op, typeName(x), typeName(y))
	return 0
}

func (e *Evaluator) contains(s span, sequence, v value) bool {
	if text, ok := sequence.(string); ok {
		part, ok := v.(string)
		if !ok {
			e.raise(s, "TypeError", "'in <string>' requires string as left operand, not %s", typeName(v))
		}
		return strings.Contains(text, part)
	}
	all, ok := items(sequence)
	if !ok {
		e.raise(s, "TypeError", "argument of type '%s' is not iterable", typeName(sequence))
	}
	for _, item := range all {
		if equal(item, v) {
			return true
		}
	}
	return false
}

func (e *Evaluator) unary(x *unaryExpr) value {
	v := e.eval(x.x)
	if x.op == "not" {
		return !truth(v)
	}
	if f, ok := v.(float64); ok && x.op != "~" {
		if x.op == "-" {
			return -f
		}
		return f
	}
	i, ok := asInt(v)
	if !ok {
		e.raise(x.span, "TypeError", "bad operand type for unary %s: '%s'", x.op, typeName(v))
	}
	switch x.op {
	case "-":
		return new(big.Int).Neg(i)
	case "~":
		return new(big.Int).Not(i)
	}
	return i
}

// binary is x op y. Shown is the operator in errors: that of x += y is "+=".
func (e *Evaluator) binary(s span, op, shown string, x, y value) value {
	if format, ok := x.(string); ok && op == "%" {
		return e.percent(s, format, y)
	}
	i, iOK := asInt(x)
	j, jOK := asInt(y)
	if iOK && jOK {
		a, aBool := x.(bool)
		b, bBool := y.(bool)
		if aBool && bBool {
			switch op {
			case "&":
				return a && b
			case "|":
				return a || b
			case "^":
				return a != b
			}
		}
		return e.binaryInt(s, op, i, j)
	}
	_, xFloat := x.(float64)
	_, yFloat := y.(float64)
	if (xFloat || iOK) && (yFloat || jOK) && !strings.Contains("& | ^ << >>", op) {
		return e.binaryFloat(s, op, e.asFloat(s, x), e.asFloat(s, y))
	}
	if op == "+" || op == "*" {
		if v := e.binarySequence(s, op, x, y); v != nil {
			return v
		}
	}
	if shown == "**" {
		shown = "** or pow()"
	}
	e.raise(s, "TypeError", "unsupported operand type(s) for %s: '%s' and '%s'", shown, typeName(x), typeName(y))
	return nil
}

// bounded returns a result, unless it is bigger than this package does.
func (e *Evaluator) bounded(s span, i *big.Int) value {
	if i.BitLen() > maxBits {
		e.unsupported(s, "a number this big")
	}
	return i
}

func (e *Evaluator) binaryInt(s span, op string, x, y *big.Int) value {
	z := new(big.Int)
	switch op {
	case "+":
		return e.bounded(s, z.Add(x, y))
	case "-":
		return e.bounded(s, z.Sub(x, y))
	case "*":
		return e.bounded(s, z.Mul(x, y))
	case "/":
		if y.Sign() == 0 {
			e.raise(s, "ZeroDivisionError", "division by zero")
		}
		f, _ := new(big.Rat).SetFrac(x, y).Float64()
		if math.IsInf(f, 0) {
			e.raise(s, "OverflowError", "integer division result too large for a float")
		}
		return f
	case "//":
		if y.Sign() == 0 {
			e.raise(s, "ZeroDivisionError", "integer division or modulo by zero")
		}
		q, _ := floorDiv(x, y)
		return q
	case "%":
		if y.Sign() == 0 {
			e.raise(s, "ZeroDivisionError", "integer modulo by zero")
		}
		_, r := floorDiv(x, y)
		return r
	case "&":
		return z.And(x, y)
	case "|":
		return z.Or(x, y)
	case "^":
		return z.Xor(x, y)
	case "**":
		return e.power(s, x, y)
	}
	return e.shift(s, op, x, y)
}

// floorDiv rounds towards minus infinity, as Python does and Go doesn't; the
// remainder has the divisor's sign.
func floorDiv(x, y *big.Int) (q, r *big.Int) {
	q, r = new(big.Int).QuoRem(x, y, new(big.Int))
	if r.Sign() != 0 && r.Sign() != y.Sign() {
		q.Sub(q, newInt(1))
		r.Add(r, y)
	}
	return q, r
}

func (e *Evaluator) power(s span, x, y *big.Int) value {
	if y.Sign() < 0 {
		return e.binaryFloat(s, "**", e.asFloat(s, x), e.asFloat(s, y))
	}
	if x.BitLen() > 1 && (y.BitLen() > 32 || int64(x.BitLen()-1)*y.Int64() > maxBits) {
		e.unsupported(s, "a number this big")
	}
	if x.BitLen() <= 1 && y.Sign() > 0 { // 0, 1 or -1, to any power
		if y.Bit(0) == 0 {
			return new(big.Int).Abs(x)
		}
		return x
	}
	return e.bounded(s, new(big.Int).Exp(x, y, nil))
}

func (e *Evaluator) shift(s span, op string, x, y *big.Int) value {
	far := y.BitLen() > 32 || y.Int64() > maxBits
	switch {
	case y.Sign() < 0:
		e.raise(s, "ValueError", "negative shift count")
	case op == ">>" && far:
		return newInt(min(x.Sign(), 0))
	case op == ">>":
		return new(big.Int).Rsh(x, uint(y.Int64()))
	case far && x.Sign() == 0:
		return x
	case far:
		e.unsupported(s, "a number this big")
	}
	return e.bounded(s, new(big.Int).Lsh(x, uint(y.Int64())))
}

// asFloat turns a number into a float.
func (e *Evaluator) asFloat(s span, v value) float64 {
	if f, ok := v.(float64); ok {
		return f
	}
	i, _ := asInt(v)
	f, _ := new(big.Float).SetInt(i).Float64()
	if math.IsInf(f, 0) {
		e.raise(s, "OverflowError", "int too large to convert to float")
	}
	return f
}

func (e *Evaluator) binaryFloat(s span, op string, x, y float64) value {
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "/":
		if y == 0 {
			e.raise(s, "ZeroDivisionError", "float division by zero")
		}
		return x / y
	case "//":
		if y == 0 {
			e.raise(s, "ZeroDivisionError", "float floor division by zero")
		}
		q, _ := floorDivFloat(x, y)
		return q
	case "%":
		if y == 0 {
			e.raise(s, "ZeroDivisionError", "float modulo")
		}
		_, r := floorDivFloat(x, y)
		return r
	}
	return e.powerFloat(s, x, y)
}

// floorDivFloat is Python's float.__divmod__: the remainder has the divisor's
// sign, and the quotient is the whole number nearest to (x-r)/y.
func floorDivFloat(x, y float64) (q, r float64) {
	r = math.Mod(x, y)
	q = (x - r) / y
	if r != 0 {
		if (y < 0) != (r < 0) {
			r += y
			q--
		}
	} else {
		r = math.Copysign(0, y)
	}
	if q == 0 {
		return math.Copysign(0, x/y), r
	}
	floor := math.Floor(q)
	if q-floor > 0.5 {
		floor++
	}
	return floor, r
}

// powerFloat does the powers whose exact result is at hand, so that it rounds as
// the C library's pow does. Others are left to a real Python.
func (e *Evaluator) powerFloat(s span, x, y float64) value {
	switch {
	case x == 0 && y < 0:
		e.raise(s, "ZeroDivisionError", "0.0 cannot be raised to a negative power")
	case x == 0, x == 1, math.Abs(x) > math.MaxFloat64, math.Abs(y) > math.MaxFloat64, x != x, y != y:
		return math.Pow(x, y) // special cases, without rounding
	case y == 0.5 && x > 0:
		return math.Sqrt(x)
	case y != math.Floor(y) || math.Abs(y) > 1024:
		e.unsupported(s, "%s ** %s", reprFloat(x), reprFloat(y))
	}
	const prec = 256
	z := new(big.Float).SetPrec(prec).SetInt64(1)
	base := new(big.Float).SetPrec(prec).SetFloat64(x)
	for n := int(math.Abs(y)); n > 0; n >>= 1 {
		if n&1 == 1 {
			z.Mul(z, base)
		}
		base.Mul(base, base)
	}
	if y < 0 {
		z.Quo(big.NewFloat(1), z)
	}
	f, _ := z.Float64()
	if math.IsInf(f, 0) {
		e.raise(s, "OverflowError", "(34, 'Numerical result out of range')")
	}
	return f
}

const maxItems = 1 << 16 // in strings, tuples and lists made by + and *

// binarySequence is + and * of strings, tuples and lists; nil if x and y aren't
// such.
func (e *Evaluator) binarySequence(s span, op string, x, y value) value {
	if op == "*" {
		if _, ok := items(x); !ok {
			x, y = y, x
		}
		a, ok := items(x)
		if !ok {
			return nil
		}
		n, ok := asInt(y)
		if !ok {
			e.raise(s, "TypeError", "can't multiply sequence by non-int of type '%s'", typeName(y))
		}
		if !n.IsInt64() {
			e.raise(s, "OverflowError", "cannot fit 'int' into an index-sized integer")
		}
		times := 0
		if len(a) > 0 && n.Sign() > 0 {
			if n.BitLen() > 32 || n.Int64()*int64(len(a)) > maxItems {
				e.unsupported(s, "a %s this long", typeName(x))
			}
			times = int(n.Int64())
		}
		if text, ok := x.(string); ok {
			return strings.Repeat(text, times)
		}
		var all []value
		for range times {
			all = append(all, a...)
		}
		return sequenceLike(x, all)
	}
	a, ok := items(x)
	if !ok {
		return nil
	}
	b, ok := items(y)
	if !ok || typeName(x) != typeName(y) {
		e.raise(s, "TypeError", "can only concatenate %s (not \"%s\") to %s", typeName(x), typeName(y), typeName(x))
	}
	if len(a)+len(b) > maxItems {
		e.unsupported(s, "a %s this long", typeName(x))
	}
	if text, ok := x.(string); ok {
		return text + y.(string)
	}
	return sequenceLike(x, append(append([]value(nil), a...), b...))
}

// sequenceLike makes a tuple of the items, or a list, as x is one.
func sequenceLike(x value, all []value) value {
	if _, ok := x.(list); ok {
		return list(all)
	}
	return tuple(all)
}
