package pycode

import "math/big"

// A span is the place of a node: offsets in the block's text.
type span struct{ start, end int }

func (s span) place() span { return s }

type expr interface{ place() span }

type stmt interface{ place() span }

// Statements.
type (
	// assert test, message
	assertStmt struct {
		span
		test    expr
		source  span // of the test, brackets around it included
		message expr // or nil
	}
	// print a, b: Python 2's statement
	printStmt struct {
		span
		args    []expr
		newline bool // no comma at the end
	}
	// a = b = value
	assignStmt struct {
		span
		targets []expr
		value   expr
	}
	// target += value
	augmentStmt struct {
		span
		target *nameExpr
		op     string // without '='
		value  expr
	}
	// if test: body else: orelse; an elif is an ifStmt in orelse
	ifStmt struct {
		span
		test         expr
		body, orelse []stmt
	}
	exprStmt struct {
		span
		x expr
	}
	passStmt struct{ span }
)

// Expressions.
type (
	nameExpr struct {
		span
		name string
	}
	// 10, 1.5, "a", True, None
	constExpr struct {
		span
		value value
	}
	tupleExpr struct {
		span
		items []expr
	}
	listExpr struct {
		span
		items []expr
	}
	// -x, not x
	unaryExpr struct {
		span
		op string
		x  expr
	}
	// x + y
	binaryExpr struct {
		span
		op   string
		x, y expr
	}
	// a and b and c; all of one operator
	boolExpr struct {
		span
		op    string
		items []expr
	}
	// a < b <= c
	compareExpr struct {
		span
		first expr
		rest  []comparison
	}
	// body if test else orelse
	condExpr struct {
		span
		test, body, orelse expr
	}
	// x[index]
	indexExpr struct {
		span
		x, index expr
	}
	// f(args, sep=…)
	callExpr struct {
		span
		f     expr
		args  []expr
		named []namedArg
	}
	// "…".format
	formatExpr struct {
		span
		x expr
	}
)

type comparison struct {
	op string // ==, <, in, not in, is, is not, …
	y  expr
}

type namedArg struct {
	name  string
	value expr
}

// subexprs returns the expressions right below a node, in order.
func subexprs(x expr) []expr {
	switch x := x.(type) {
	case *tupleExpr:
		return x.items
	case *listExpr:
		return x.items
	case *unaryExpr:
		return []expr{x.x}
	case *binaryExpr:
		return []expr{x.x, x.y}
	case *boolExpr:
		return x.items
	case *compareExpr:
		all := []expr{x.first}
		for _, c := range x.rest {
			all = append(all, c.y)
		}
		return all
	case *condExpr:
		return []expr{x.body, x.test, x.orelse}
	case *indexExpr:
		return []expr{x.x, x.index}
	case *callExpr:
		all := append([]expr{x.f}, x.args...)
		for _, n := range x.named {
			all = append(all, n.value)
		}
		return all
	case *formatExpr:
		return []expr{x.x}
	}
	return nil
}

// walkNames calls f for each name in an expression, from left to right.
func walkNames(x expr, f func(*nameExpr)) {
	if name, ok := x.(*nameExpr); ok {
		f(name)
	}
	for _, sub := range subexprs(x) {
		walkNames(sub, f)
	}
}

// maxBits bounds integers, so that no script can fill the memory. It is less
// than the 4300 digits that Python turns into text.
const maxBits = 8192

func newInt(n int) *big.Int { return big.NewInt(int64(n)) }
