package pycode

import (
	"fmt"
	"slices"
)

// A parser reads one block's tokens. Its methods panic with a parseError, which
// parseBlock turns into an ordinary one.
type parser struct {
	b      *Block
	tokens []token
	tok    token // the next one
	last   token // the one before it
	depth  int
}

type parseError struct{ error }

// parseBlock returns a block's statements, or a *SyntaxError or *Unsupported.
func parseBlock(b *Block) (body []stmt, err error) {
	tokens, err := lex(b)
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(parseError)
			if !ok {
				panic(r)
			}
			err = e.error
		}
	}()
	p := &parser{b: b, tokens: tokens}
	p.tok = p.tokens[0]
	for p.tok.kind != tokenEnd {
		body = append(body, p.stmt()...)
	}
	return body, nil
}

func (p *parser) next() token {
	p.last = p.tok
	p.tokens = p.tokens[1:]
	if len(p.tokens) > 0 {
		p.tok = p.tokens[0]
	}
	return p.last
}

func (p *parser) accept(text string) bool {
	if p.tok.is(text) {
		p.next()
		return true
	}
	return false
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.fail("got %s, want '%s'", p.tok.describe(), text)
	}
}

func (p *parser) fail(format string, args ...any) {
	panic(parseError{p.b.syntaxError(span{p.tok.start, p.tok.end}, format, args...)})
}

func (p *parser) unsupported(format string, args ...any) {
	panic(parseError{p.b.unsupported(p.tok.start, format, args...)})
}

// since is the span from a token to the last one read.
func (p *parser) since(start int) span { return span{start, p.last.end} }

const maxDepth = 200 // of statements and expressions in each other

// deeper counts the nesting; call the result when done.
func (p *parser) deeper() func() {
	if p.depth++; p.depth > maxDepth {
		p.unsupported("code nested more than %d deep", maxDepth)
	}
	return func() { p.depth-- }
}

// keywords of Python 3. Those true here start something only a real Python
// can do.
var keywords = map[string]bool{
	"and": false, "as": false, "assert": false, "elif": false, "else": false, "except": false,
	"False": false, "finally": false, "if": false, "in": false, "is": false, "None": false,
	"not": false, "or": false, "pass": false, "True": false,
	"async": true, "await": true, "break": true, "class": true, "continue": true, "def": true,
	"del": true, "for": true, "from": true, "global": true, "import": true, "lambda": true,
	"nonlocal": true, "raise": true, "return": true, "try": true, "while": true, "with": true, "yield": true,
}

// stmt reads a line of statements, or an if.
func (p *parser) stmt() []stmt {
	defer p.deeper()()
	switch {
	case p.tok.kind == tokenIndent:
		p.fail("this line is indented, but nothing above it calls for that")
	case p.tok.is("if"):
		return []stmt{p.ifStmt()}
	case p.tok.is("@"):
		p.unsupported("a decorator")
	case (p.tok.is("match") || p.tok.is("type")) && startsOperand(p.tokens[1]):
		p.unsupported("%s", p.tok.text)
	}
	return p.simpleStmts()
}

// simpleStmts reads statements up to the end of the line.
func (p *parser) simpleStmts() []stmt {
	var all []stmt
	for {
		all = append(all, p.simpleStmt())
		if !p.accept(";") {
			break
		}
		if p.tok.kind == tokenNewline {
			break
		}
	}
	if p.tok.kind != tokenNewline {
		p.fail("got %s, want the end of the statement", p.tok.describe())
	}
	p.next()
	return all
}

func (p *parser) simpleStmt() stmt {
	start := p.tok.start
	if p.tok.kind == tokenName && keywords[p.tok.text] {
		p.unsupported("%s", p.tok.text)
	}
	switch {
	case p.accept("pass"):
		return &passStmt{p.since(start)}
	case p.accept("assert"):
		return p.assertStmt(start)
	case isPrintStmt(p.tokens):
		return p.printStmt()
	}
	return p.assignStmt()
}

func (p *parser) assertStmt(start int) stmt {
	s := &assertStmt{}
	testStart := p.tok.start
	s.test = p.expr()
	s.source = p.since(testStart)
	if p.accept(",") {
		s.message = p.expr()
	}
	s.span = p.since(start)
	return s
}

// isPrintStmt reports whether the tokens start a print statement of Python 2:
// "print" and an expression that can't be something done to Python 3's function
// print. (Python 3 would index the function by "print [1]", and fail.)
func isPrintStmt(tokens []token) bool {
	if len(tokens) < 2 || !tokens[0].is("print") {
		return false
	}
	if tokens[1].is("not") {
		return len(tokens) > 2 && !tokens[2].is("in")
	}
	return tokens[1].is("[") || startsOperand(tokens[1])
}

// startsOperand reports whether a token starts an expression and can't go on
// with one.
func startsOperand(t token) bool {
	switch t.kind {
	case tokenString, tokenInt, tokenFloat:
		return true
	case tokenName:
		return !slices.Contains([]string{"and", "or", "not", "in", "is", "if", "else", "for", "as"}, t.text)
	case tokenOp:
		return t.text == "~" || t.text == "{"
	}
	return false
}

func (p *parser) printStmt() stmt {
	start := p.next().start
	s := &printStmt{newline: true}
	for {
		s.args = append(s.args, p.expr())
		if !p.accept(",") {
			break
		}
		if p.tok.kind == tokenNewline || p.tok.is(";") {
			s.newline = false
			break
		}
	}
	s.span = p.since(start)
	return s
}

// assignStmt reads an expression and whatever is assigned to it.
func (p *parser) assignStmt() stmt {
	start := p.tok.start
	x := p.exprList()
	switch {
	case p.tok.is("="):
		s := &assignStmt{value: x}
		for p.tok.is("=") {
			p.checkTarget(s.value)
			s.targets = append(s.targets, s.value)
			p.next()
			s.value = p.exprList()
		}
		s.span = p.since(start)
		return s
	case p.tok.kind == tokenOp && len(p.tok.text) > 1 && p.tok.text[len(p.tok.text)-1] == '=':
		op := p.tok.text[:len(p.tok.text)-1]
		if op == "@" || op == ":" {
			p.unsupported("%s", p.tok.text)
		}
		s := &augmentStmt{target: p.augmentTarget(x), op: op}
		p.next()
		s.value = p.exprList()
		s.span = p.since(start)
		return s
	case p.tok.is(":"):
		p.unsupported("an annotation")
	}
	return &exprStmt{p.since(start), x}
}

// checkTarget fails unless something can be assigned to x.
func (p *parser) checkTarget(x expr) {
	switch x := x.(type) {
	case *nameExpr:
	case *tupleExpr:
		for _, item := range x.items {
			p.checkTarget(item)
		}
	case *listExpr:
		for _, item := range x.items {
			p.checkTarget(item)
		}
	default:
		p.augmentTarget(x)
	}
}

// augmentTarget returns x, the one thing += can assign to, or fails.
func (p *parser) augmentTarget(x expr) *nameExpr {
	name, ok := x.(*nameExpr)
	start := x.place().start
	switch x.(type) {
	case *indexExpr:
		panic(parseError{p.b.unsupported(start, "a list that changes")})
	case *formatExpr:
		panic(parseError{p.b.unsupported(start, "an attribute that changes")})
	}
	if !ok {
		panic(parseError{p.b.syntaxError(x.place(), "can't assign to %s", oneLine(p.b.Text[start:x.place().end]))})
	}
	return name
}

func (p *parser) ifStmt() stmt {
	start := p.next().start // if, elif
	s := &ifStmt{test: p.expr()}
	p.expect(":")
	s.body = p.suite()
	switch {
	case p.tok.is("elif"):
		s.orelse = []stmt{p.elif()}
	case p.accept("else"):
		p.expect(":")
		s.orelse = p.suite()
	}
	s.span = p.since(start)
	return s
}

func (p *parser) elif() stmt {
	defer p.deeper()()
	return p.ifStmt()
}

// suite reads what follows a colon: statements on the same line, or an indented
// block.
func (p *parser) suite() []stmt {
	if p.tok.kind != tokenNewline {
		if p.tok.is("if") {
			p.fail("an if can't stand on the line of another")
		}
		return p.simpleStmts()
	}
	p.next()
	if p.tok.kind != tokenIndent {
		p.fail("got %s, want an indented line", p.tok.describe())
	}
	p.next()
	var body []stmt
	for p.tok.kind != tokenDedent && p.tok.kind != tokenEnd {
		body = append(body, p.stmt()...)
	}
	p.next()
	return body
}

// checkBuiltins marks blocks that use a built-in function this package lacks,
// unless some block assigns to its name.
func (p *Program) checkBuiltins() {
	assigned := make(map[string]bool)
	for _, b := range p.blocks {
		walkStmts(b.body, func(s stmt) {
			switch s := s.(type) {
			case *assignStmt:
				for _, target := range s.targets {
					walkNames(target, func(n *nameExpr) { assigned[n.name] = true })
				}
			case *augmentStmt:
				assigned[s.target.name] = true
			}
		})
	}
	for _, b := range p.blocks {
		walkStmts(b.body, func(s stmt) {
			for _, x := range exprsOf(s) {
				walkNames(x, func(n *nameExpr) {
					if b.unsupported == nil && otherBuiltins[n.name] && !assigned[n.name] {
						b.unsupported = &Unsupported{b.position(n.start), fmt.Sprintf("the built-in %s", n.name)}
					}
				})
			}
		})
	}
}

// walkStmts calls f for all statements, those within others included.
func walkStmts(body []stmt, f func(stmt)) {
	for _, s := range body {
		f(s)
		if s, ok := s.(*ifStmt); ok {
			walkStmts(s.body, f)
			walkStmts(s.orelse, f)
		}
	}
}

// exprsOf returns the expressions of a statement, those of statements in it
// left out.
func exprsOf(s stmt) []expr {
	switch s := s.(type) {
	case *assertStmt:
		if s.message == nil {
			return []expr{s.test}
		}
		return []expr{s.test, s.message}
	case *printStmt:
		return s.args
	case *assignStmt:
		return append([]expr{s.value}, s.targets...)
	case *augmentStmt:
		return []expr{s.target, s.value}
	case *ifStmt:
		return []expr{s.test}
	case *exprStmt:
		return []expr{s.x}
	}
	return nil
}
