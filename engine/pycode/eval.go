package pycode

import (
	"fmt"
	"io"
	"math/big"

	"tcpdrill/script"
)

// An Evaluator runs the blocks of a program, which share their variables.
type Evaluator struct {
	program *Program
	vars    map[string]value

	block  *block // the one that runs
	stdout io.Writer
}

// NewEvaluator returns an Evaluator with no variables yet.
func NewEvaluator(p *Program) *Evaluator {
	return &Evaluator{program: p, vars: make(map[string]value)}
}

// A failure is an error on its way up to Eval, by panic.
type failure struct{ error }

// Eval assigns [Constants] and the snapshot, then runs a block, by its index.
// What the block prints goes to stdout.
//
// The error is an *AssertError, an *Exception, or an *Unsupported where only
// the values showed that a real Python is needed: numbers or texts too big, or
// a complex number. What was printed until then stays printed.
func (e *Evaluator) Eval(block int, snapshot []Var, stdout io.Writer) (err error) {
	b := e.program.blocks[block]
	if b.unsupported != nil {
		return b.unsupported
	}
	e.block, e.stdout = b, stdout
	for _, vars := range [][]Var{Constants(), snapshot} {
		for _, v := range vars {
			value, err := valueOf(v.Value)
			if err != nil {
				return fmt.Errorf("%s: %v", v.Name, err)
			}
			e.vars[v.Name] = value
		}
	}
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(failure)
			if !ok {
				panic(r)
			}
			err = f.error
		}
	}()
	e.run(b.body)
	return nil
}

func (e *Evaluator) position(s span) script.Position { return e.block.position(s.start) }

// raise ends the block as an exception does in Python.
func (e *Evaluator) raise(s span, typ, format string, args ...any) {
	panic(failure{&Exception{e.position(s), typ, fmt.Sprintf(format, args...)}})
}

func (e *Evaluator) unsupported(s span, format string, args ...any) {
	panic(failure{e.block.Block.unsupported(s.start, format, args...)})
}

func (e *Evaluator) run(body []stmt) {
	for _, s := range body {
		switch s := s.(type) {
		case *assertStmt:
			e.assert(s)
		case *printStmt:
			end := "\n"
			if !s.newline {
				end = " "
			}
			e.print(s.span, e.values(s.args), " ", end)
		case *assignStmt:
			v := e.eval(s.value)
			for _, target := range s.targets {
				e.assign(target, v)
			}
		case *augmentStmt:
			e.augment(s)
		case *ifStmt:
			if truth(e.eval(s.test)) {
				e.run(s.body)
			} else {
				e.run(s.orelse)
			}
		case *exprStmt:
			e.eval(s.x)
		}
	}
}

func (e *Evaluator) assert(s *assertStmt) {
	v, at := e.test(s.test)
	if truth(v) {
		return
	}
	text := e.block.Text
	err := &AssertError{
		Pos:   e.position(s.span),
		Expr:  oneLine(text[s.source.start:s.source.end]),
		Op:    at.op,
		Value: repr(v),
	}
	err.Failed = err.Expr
	if at.x != s.test {
		err.Failed = oneLine(text[at.x.place().start:at.x.place().end])
	}
	if at.op != "" {
		err.Left, err.Right = repr(at.left), repr(at.right)
	}
	seen := make(map[string]bool)
	walkNames(at.x, func(n *nameExpr) {
		if v, ok := e.vars[n.name]; ok && !seen[n.name] {
			seen[n.name] = true
			err.Names = append(err.Names, NamedValue{n.name, repr(v)})
		}
	})
	if s.message != nil {
		err.Message = str(e.eval(s.message))
	}
	panic(failure{err})
}

// A culprit is the part of a test that made it false.
type culprit struct {
	x           expr
	left, right value // of the comparison; nil if it is none
	op          string
}

// test is eval for what is asserted: it also tells which part decided. That
// can't be found out by evaluating again, as an expression may print.
func (e *Evaluator) test(x expr) (value, culprit) {
	switch x := x.(type) {
	case *boolExpr:
		if x.op == "and" {
			var v value
			var at culprit
			for _, item := range x.items {
				if v, at = e.test(item); !truth(v) {
					break
				}
			}
			return v, at
		}
	case *compareExpr:
		v, left, op, right := e.compare(x)
		return v, culprit{x, left, right, op}
	}
	return e.eval(x), culprit{x: x}
}

func (e *Evaluator) assign(target expr, v value) {
	var targets []expr
	switch target := target.(type) {
	case *nameExpr:
		e.vars[target.name] = v
		return
	case *tupleExpr:
		targets = target.items
	case *listExpr:
		targets = target.items
	}
	all, ok := items(v)
	switch {
	case !ok:
		e.raise(target.place(), "TypeError", "cannot unpack non-iterable %s object", typeName(v))
	case len(all) < len(targets):
		e.raise(target.place(), "ValueError", "not enough values to unpack (expected %d, got %d)", len(targets), len(all))
	case len(all) > len(targets):
		e.raise(target.place(), "ValueError", "too many values to unpack (expected %d)", len(targets))
	}
	for i, target := range targets {
		e.assign(target, all[i])
	}
}

func (e *Evaluator) augment(s *augmentStmt) {
	old := e.name(s.target)
	v := e.eval(s.value)
	if _, ok := old.(list); ok { // one that may have other names too
		e.unsupported(s.span, "a list that changes")
	}
	e.vars[s.target.name] = e.binary(s.span, s.op, s.op+"=", old, v)
}

func (e *Evaluator) values(all []expr) []value {
	values := make([]value, len(all))
	for i, x := range all {
		values[i] = e.eval(x)
	}
	return values
}

func (e *Evaluator) eval(x expr) value {
	switch x := x.(type) {
	case *constExpr:
		return x.value
	case *nameExpr:
		return e.name(x)
	case *tupleExpr:
		return tuple(e.values(x.items))
	case *listExpr:
		return list(e.values(x.items))
	case *unaryExpr:
		return e.unary(x)
	case *binaryExpr:
		left := e.eval(x.x)
		return e.binary(x.span, x.op, x.op, left, e.eval(x.y))
	case *boolExpr:
		var v value
		for _, item := range x.items {
			if v = e.eval(item); truth(v) == (x.op == "or") {
				break
			}
		}
		return v
	case *compareExpr:
		v, _, _, _ := e.compare(x)
		return v
	case *condExpr:
		if truth(e.eval(x.test)) {
			return e.eval(x.body)
		}
		return e.eval(x.orelse)
	case *indexExpr:
		return e.item(x)
	case *callExpr:
		return e.call(x)
	case *formatExpr:
		v := e.eval(x.x)
		s, ok := v.(string)
		if !ok {
			e.raise(x.span, "AttributeError", "'%s' object has no attribute 'format'", typeName(v))
		}
		return formatMethod(s)
	}
	panic(fmt.Sprintf("pycode: no such expression: %T", x))
}

func (e *Evaluator) name(x *nameExpr) value {
	if v, ok := e.vars[x.name]; ok {
		return v
	}
	if f, ok := builtins[x.name]; ok {
		return f
	}
	if otherBuiltins[x.name] {
		e.unsupported(x.span, "the built-in %s", x.name)
	}
	e.raise(x.span, "NameError", "name '%s' is not defined", x.name)
	return nil
}

// item is x[index]; an index below 0 counts from the end.
func (e *Evaluator) item(x *indexExpr) value {
	v := e.eval(x.x)
	index := e.eval(x.index)
	all, ok := items(v)
	if !ok {
		e.raise(x.span, "TypeError", "'%s' object is not subscriptable", typeName(v))
	}
	i, ok := asInt(index)
	kind := typeName(v)
	switch {
	case !ok && kind == "str":
		e.raise(x.span, "TypeError", "string indices must be integers, not '%s'", typeName(index))
	case !ok:
		e.raise(x.span, "TypeError", "%s indices must be integers or slices, not %s", kind, typeName(index))
	case !i.IsInt64():
		e.raise(x.span, "IndexError", "cannot fit 'int' into an index-sized integer")
	case kind == "str":
		kind = "string"
	}
	if i.Sign() < 0 {
		i = new(big.Int).Add(i, newInt(len(all)))
	}
	if i.Sign() < 0 || i.Cmp(newInt(len(all))) >= 0 {
		e.raise(x.span, "IndexError", "%s index out of range", kind)
	}
	return all[i.Int64()]
}
