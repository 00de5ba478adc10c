package pycode

import (
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A builtin is one of Python's built-in functions.
type builtin struct {
	name string
	// How many arguments it takes; max below 0 is any number.
	min, max int
	call     func(e *Evaluator, s span, args []value) value
}

// builtins are the functions there are, but for print, whose arguments have
// names: see Evaluator.call.
var builtins = make(map[string]*builtin)

func init() {
	for _, f := range []*builtin{
		{"abs", 1, 1, (*Evaluator).abs},
		{"bin", 1, 1, (*Evaluator).bin},
		{"bool", 0, 1, func(e *Evaluator, s span, args []value) value { return len(args) > 0 && truth(args[0]) }},
		{"float", 0, 1, (*Evaluator).float},
		{"hex", 1, 1, (*Evaluator).hex},
		{"int", 0, 2, (*Evaluator).int},
		{"len", 1, 1, (*Evaluator).len},
		{"max", 1, -1, func(e *Evaluator, s span, args []value) value { return e.extreme(s, "max", ">", args) }},
		{"min", 1, -1, func(e *Evaluator, s span, args []value) value { return e.extreme(s, "min", "<", args) }},
		{"print", 0, -1, nil},
		{"repr", 1, 1, func(e *Evaluator, s span, args []value) value { return repr(args[0]) }},
		{"round", 1, 2, (*Evaluator).round},
		{"sorted", 1, 1, (*Evaluator).sorted},
		{"str", 0, 1, (*Evaluator).str},
		{"sum", 1, 2, (*Evaluator).sum},
	} {
		builtins[f.name] = f
	}
}

// otherBuiltins are names that Python has, and this package hasn't.
var otherBuiltins = make(map[string]bool)

func init() {
	for _, name := range strings.Fields(`
		ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup BlockingIOError
		BrokenPipeError BufferError BytesWarning ChildProcessError ConnectionAbortedError ConnectionError
		ConnectionRefusedError ConnectionResetError DeprecationWarning EOFError Ellipsis EncodingWarning
		EnvironmentError Exception ExceptionGroup FileExistsError FileNotFoundError FloatingPointError
		FutureWarning GeneratorExit IOError ImportError ImportWarning IndentationError IndexError
		InterruptedError IsADirectoryError KeyError KeyboardInterrupt LookupError MemoryError
		ModuleNotFoundError NameError NotADirectoryError NotImplemented NotImplementedError OSError
		OverflowError PendingDeprecationWarning PermissionError ProcessLookupError RecursionError
		ReferenceError ResourceWarning RuntimeError RuntimeWarning StopAsyncIteration StopIteration
		SyntaxError SyntaxWarning SystemError SystemExit TabError TimeoutError TypeError UnboundLocalError
		UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError UnicodeWarning UserWarning
		ValueError Warning ZeroDivisionError
		aiter all anext any ascii breakpoint bytearray bytes callable chr classmethod compile complex
		copyright credits delattr dict dir divmod enumerate eval exec exit filter format frozenset getattr
		globals hasattr hash help id input isinstance issubclass iter license list locals map memoryview
		next object oct open ord pow property quit range reversed set setattr slice staticmethod super
		tuple type vars zip
		__build_class__ __builtins__ __debug__ __doc__ __file__ __import__ __loader__ __name__ __package__
		__spec__ sys traceback`) {
		otherBuiltins[name] = true
	}
}

func (e *Evaluator) call(x *callExpr) value {
	f := e.eval(x.f)
	args := e.values(x.args)
	fn, ok := f.(*builtin)
	switch {
	case ok && fn.name == "print":
		e.callPrint(x, args)
		return none{}
	case len(x.named) > 0:
		e.unsupported(x.named[0].value.place(), "the argument %s", x.named[0].name)
	case ok:
		e.checkCount(x.span, fn, len(args))
		return fn.call(e, x.span, args)
	}
	if method, ok := f.(formatMethod); ok {
		return e.format(x.span, string(method), args)
	}
	e.raise(x.span, "TypeError", "'%s' object is not callable", typeName(f))
	return nil
}

func (e *Evaluator) checkCount(s span, f *builtin, n int) {
	switch {
	case n < f.min && f.max < 0:
		e.raise(s, "TypeError", "%s expected at least %d argument, got %d", f.name, f.min, n)
	case f.min == f.max && n != f.min:
		e.raise(s, "TypeError", "%s() takes exactly one argument (%d given)", f.name, n)
	case n < f.min:
		e.raise(s, "TypeError", "%s() takes at least %d argument (%d given)", f.name, f.min, n)
	case f.max >= 0 && n > f.max:
		e.raise(s, "TypeError", "%s() takes at most %d arguments (%d given)", f.name, f.max, n)
	}
}

func (e *Evaluator) callPrint(x *callExpr, args []value) {
	sep, end := " ", "\n"
	for _, n := range x.named {
		v := e.eval(n.value)
		text, isText := v.(string)
		_, isNone := v.(none)
		switch {
		case n.name == "flush":
		case n.name != "sep" && n.name != "end":
			e.unsupported(n.value.place(), "the argument %s", n.name)
		case isNone:
		case !isText:
			e.raise(n.value.place(), "TypeError", "%s must be None or a string, not %s", n.name, typeName(v))
		case n.name == "sep":
			sep = text
		default:
			end = text
		}
	}
	e.print(x.span, args, sep, end)
}

func (e *Evaluator) print(s span, args []value, sep, end string) {
	var all []string
	for _, v := range args {
		all = append(all, str(v))
	}
	if _, err := e.stdout.Write([]byte(strings.Join(all, sep) + end)); err != nil {
		e.raise(s, "OSError", "%v", err)
	}
}

func (e *Evaluator) abs(s span, args []value) value {
	if f, ok := args[0].(float64); ok {
		return math.Abs(f)
	}
	i, ok := asInt(args[0])
	if !ok {
		e.raise(s, "TypeError", "bad operand type for abs(): '%s'", typeName(args[0]))
	}
	return new(big.Int).Abs(i)
}

func (e *Evaluator) hex(s span, args []value) value { return e.inBase(s, args[0], 16) }
func (e *Evaluator) bin(s span, args []value) value { return e.inBase(s, args[0], 2) }

func (e *Evaluator) inBase(s span, v value, base int) value {
	i := e.wantInt(s, v)
	sign := ""
	if i.Sign() < 0 {
		sign = "-"
	}
	return sign + basePrefix[base] + new(big.Int).Abs(i).Text(base)
}

var basePrefix = map[int]string{16: "0x", 8: "0o", 2: "0b"}

// wantInt returns the integer that v is, or raises what Python's functions do.
func (e *Evaluator) wantInt(s span, v value) *big.Int {
	i, ok := asInt(v)
	if !ok {
		e.raise(s, "TypeError", "'%s' object cannot be interpreted as an integer", typeName(v))
	}
	return i
}

func (e *Evaluator) len(s span, args []value) value {
	all, ok := items(args[0])
	if !ok {
		e.raise(s, "TypeError", "object of type '%s' has no len()", typeName(args[0]))
	}
	return newInt(len(all))
}

func (e *Evaluator) iterate(s span, v value) []value {
	all, ok := items(v)
	if !ok {
		e.raise(s, "TypeError", "'%s' object is not iterable", typeName(v))
	}
	return all
}

func (e *Evaluator) extreme(s span, name, op string, args []value) value {
	if len(args) == 1 {
		if args = e.iterate(s, args[0]); len(args) == 0 {
			e.raise(s, "ValueError", "%s() arg is an empty sequence", name)
		}
	}
	best := args[0]
	for _, v := range args[1:] {
		if e.holds(s, v, op, best) {
			best = v
		}
	}
	return best
}

func (e *Evaluator) sorted(s span, args []value) value {
	all := slices.Clone(e.iterate(s, args[0]))
	slices.SortStableFunc(all, func(a, b value) int {
		c := e.order(s, a, "<", b)
		if c == unordered {
			e.unsupported(s, "sorting NaN")
		}
		return c
	})
	return list(all)
}

func (e *Evaluator) sum(s span, args []value) value {
	var total value = newInt(0)
	if len(args) > 1 {
		if total = args[1]; typeName(total) == "str" {
			e.raise(s, "TypeError", "sum() can't sum strings [use ''.join(seq) instead]")
		}
	}
	floats := 0
	for _, v := range e.iterate(s, args[0]) {
		if _, ok := v.(float64); ok {
			if floats++; floats > 1 { // Python 3.12 and later round otherwise
				e.unsupported(s, "a sum of floats")
			}
		}
		total = e.binary(s, "+", "+", total, v)
	}
	return total
}

func (e *Evaluator) str(_ span, args []value) value {
	if len(args) == 0 {
		return ""
	}
	return str(args[0])
}

// blanks is what Python strips off numbers in text.
const blanks = " \t\n\r\f\v"

var (
	intText   = regexp.MustCompile(`^[-+]?[0-9]+(?:_[0-9]+)*$`)
	floatText = regexp.MustCompile(`^[-+]?(?i:inf(?:inity)?|nan|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?)$`)
)

func (e *Evaluator) int(s span, args []value) value {
	if len(args) == 0 {
		return newInt(0)
	}
	if len(args) == 2 {
		e.unsupported(s, "int with a base")
	}
	switch v := args[0].(type) {
	case float64:
		return e.truncated(s, v)
	case string:
		text := strings.Trim(v, blanks)
		if !intText.MatchString(text) {
			if strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 }) >= 0 {
				e.unsupported(s, "int of a text beyond ASCII")
			}
			e.raise(s, "ValueError", "invalid literal for int() with base 10: %s", repr(v))
		}
		i, _ := new(big.Int).SetString(strings.ReplaceAll(text, "_", ""), 10)
		return e.bounded(s, i)
	}
	i, ok := asInt(args[0])
	if !ok {
		e.raise(s, "TypeError", "int() argument must be a string, a bytes-like object or a real number, not '%s'", typeName(args[0]))
	}
	return i
}

// truncated is the integer next to f in the direction of 0.
func (e *Evaluator) truncated(s span, f float64) *big.Int {
	if math.IsNaN(f) {
		e.raise(s, "ValueError", "cannot convert float NaN to integer")
	}
	if math.IsInf(f, 0) {
		e.raise(s, "OverflowError", "cannot convert float infinity to integer")
	}
	i, _ := big.NewFloat(f).Int(nil)
	return i
}

func (e *Evaluator) float(s span, args []value) value {
	if len(args) == 0 {
		return 0.0
	}
	if v, ok := args[0].(string); ok {
		text := strings.Trim(v, blanks)
		if !floatText.MatchString(text) {
			if strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 || r == '_' }) >= 0 {
				e.unsupported(s, "float of such a text")
			}
			e.raise(s, "ValueError", "could not convert string to float: %s", repr(v))
		}
		f, _ := strconv.ParseFloat(text, 64) // too big is inf, as in Python
		return f
	}
	if _, ok := asInt(args[0]); !ok && typeName(args[0]) != "float" {
		e.raise(s, "TypeError", "float() argument must be a string or a real number, not '%s'", typeName(args[0]))
	}
	return e.asFloat(s, args[0])
}

// round rounds halves to the even neighbour.
func (e *Evaluator) round(s span, args []value) value {
	digits := -1
	if len(args) == 2 {
		if _, ok := args[1].(none); !ok {
			n := e.wantInt(s, args[1])
			if n.Sign() < 0 || n.BitLen() > 8 {
				e.unsupported(s, "round to %s digits", n)
			}
			digits = int(n.Int64())
		}
	}
	f, ok := args[0].(float64)
	if !ok {
		i, ok := asInt(args[0])
		if !ok {
			e.raise(s, "TypeError", "type %s doesn't define __round__ method", typeName(args[0]))
		}
		return i
	}
	if digits < 0 {
		return e.truncated(s, math.RoundToEven(f))
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', digits, 64), 64)
	return rounded
}
