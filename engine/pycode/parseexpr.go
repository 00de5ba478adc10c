package pycode

// exprList reads an expression, or several with commas between them: a tuple.
func (p *parser) exprList() expr {
	start := p.tok.start
	first := p.expr()
	if !p.tok.is(",") {
		return first
	}
	t := &tupleExpr{items: []expr{first}}
	for p.accept(",") {
		if p.endsList() {
			break
		}
		t.items = append(t.items, p.expr())
	}
	t.span = p.since(start)
	return t
}

// endsList reports whether the comma just read was the last of its list.
func (p *parser) endsList() bool {
	switch p.tok.kind {
	case tokenNewline, tokenEnd:
		return true
	case tokenOp:
		switch p.tok.text {
		case ")", "]", "=", ";", ":":
			return true
		}
	}
	return false
}

// expr reads an expression: a conditional one or less.
func (p *parser) expr() expr {
	defer p.deeper()()
	start := p.tok.start
	if p.tok.is("*") {
		p.unsupported("a starred expression")
	}
	body := p.boolean("or")
	if p.tok.is(":=") {
		p.unsupported(":=")
	}
	if !p.accept("if") {
		return body
	}
	x := &condExpr{body: body, test: p.boolean("or")}
	p.expect("else")
	x.orelse = p.expr()
	x.span = p.since(start)
	return x
}

// boolean reads what "or" joins, or "and".
func (p *parser) boolean(op string) expr {
	operand := func() expr {
		if op == "or" {
			return p.boolean("and")
		}
		return p.not()
	}
	start := p.tok.start
	first := operand()
	if !p.tok.is(op) {
		return first
	}
	x := &boolExpr{op: op, items: []expr{first}}
	for p.accept(op) {
		x.items = append(x.items, operand())
	}
	x.span = p.since(start)
	return x
}

func (p *parser) not() expr {
	start := p.tok.start
	if !p.accept("not") {
		return p.compare()
	}
	defer p.deeper()()
	x := &unaryExpr{op: "not", x: p.not()}
	x.span = p.since(start)
	return x
}

func (p *parser) compare() expr {
	start := p.tok.start
	first := p.binary(0)
	x := &compareExpr{first: first}
	for {
		at := p.tok.start
		op := p.comparisonOp()
		if op == "" {
			break
		}
		y := p.binary(0)
		if previous := x.lastOperand(); (op == "is" || op == "is not") && !isSingleton(previous) && !isSingleton(y) {
			panic(parseError{p.b.unsupported(at, "%s between things that aren't None, True or False", op)})
		}
		x.rest = append(x.rest, comparison{op, y})
	}
	if len(x.rest) == 0 {
		return first
	}
	x.span = p.since(start)
	return x
}

func (x *compareExpr) lastOperand() expr {
	if n := len(x.rest); n > 0 {
		return x.rest[n-1].y
	}
	return x.first
}

// isSingleton reports whether x is a literal of which Python has just one, so
// that "is" has a meaning.
func isSingleton(x expr) bool {
	c, ok := x.(*constExpr)
	if !ok {
		return false
	}
	switch c.value.(type) {
	case none, bool:
		return true
	}
	return false
}

// comparisonOp reads an operator, if there is one.
func (p *parser) comparisonOp() string {
	switch {
	case p.tok.kind == tokenOp:
		switch p.tok.text {
		case "==", "!=", "<", "<=", ">", ">=":
			return p.next().text
		}
	case p.accept("in"):
		return "in"
	case p.accept("is"):
		if p.accept("not") {
			return "is not"
		}
		return "is"
	case p.tok.is("not") && len(p.tokens) > 1 && p.tokens[1].is("in"):
		p.next()
		p.next()
		return "not in"
	}
	return ""
}

// levels are the binary operators, those that bind least first.
var levels = [...]map[string]bool{
	{"|": true},
	{"^": true},
	{"&": true},
	{"<<": true, ">>": true},
	{"+": true, "-": true},
	{"*": true, "/": true, "//": true, "%": true, "@": true},
}

func (p *parser) binary(level int) expr {
	if level == len(levels) {
		return p.unary()
	}
	start := p.tok.start
	x := p.binary(level + 1)
	for p.tok.kind == tokenOp && levels[level][p.tok.text] {
		if p.tok.is("@") {
			p.unsupported("@")
		}
		op := p.next().text
		y := p.binary(level + 1)
		x = &binaryExpr{p.since(start), op, x, y}
	}
	return x
}

func (p *parser) unary() expr {
	start := p.tok.start
	if p.tok.is("-") || p.tok.is("+") || p.tok.is("~") {
		defer p.deeper()()
		x := &unaryExpr{op: p.next().text, x: p.unary()}
		x.span = p.since(start)
		return x
	}
	x := p.primary()
	if p.accept("**") {
		defer p.deeper()()
		y := p.unary()
		x = &binaryExpr{p.since(start), "**", x, y}
	}
	return x
}

// primary reads an atom and what is done to it at once: calls, indexes.
func (p *parser) primary() expr {
	start := p.tok.start
	x := p.atom()
	for {
		switch {
		case p.accept("("):
			call := &callExpr{f: x}
			p.arguments(call)
			call.span = p.since(start)
			x = call
		case p.accept("["):
			if p.tok.is(":") {
				p.unsupported("a slice")
			}
			index := p.exprList()
			if p.tok.is(":") {
				p.unsupported("a slice")
			}
			p.expect("]")
			x = &indexExpr{p.since(start), x, index}
		case p.tok.is("."):
			p.next()
			if p.tok.kind != tokenName {
				p.fail("got %s, want a name", p.tok.describe())
			}
			if p.tok.text != "format" {
				p.unsupported("the attribute .%s", p.tok.text)
			}
			p.next()
			x = &formatExpr{p.since(start), x}
		default:
			return x
		}
	}
}

// arguments reads a call's arguments and the closing bracket.
func (p *parser) arguments(call *callExpr) {
	for !p.accept(")") {
		switch {
		case p.tok.is("**"):
			p.unsupported("arguments from a dictionary")
		case p.tok.kind == tokenName && len(p.tokens) > 1 && p.tokens[1].is("="):
			name := p.name()
			p.next()
			call.named = append(call.named, namedArg{name, p.expr()})
		case len(call.named) > 0:
			p.fail("an argument without a name after one with a name")
		default:
			call.args = append(call.args, p.expr())
			p.noComprehension()
		}
		if !p.accept(",") {
			p.expect(")")
			return
		}
	}
}

func (p *parser) noComprehension() {
	if p.tok.is("for") || p.tok.is("async") {
		p.unsupported("a comprehension")
	}
}

// name reads a name that isn't a keyword.
func (p *parser) name() string {
	if _, ok := keywords[p.tok.text]; ok {
		p.fail("got %s, want a name", p.tok.describe())
	}
	return p.next().text
}

func (p *parser) atom() expr {
	start := p.tok.start
	switch p.tok.kind {
	case tokenInt:
		v := p.next().integer
		return &constExpr{p.since(start), v}
	case tokenFloat:
		v := p.next().float
		return &constExpr{p.since(start), v}
	case tokenString:
		s := ""
		for p.tok.kind == tokenString { // side by side, they are one
			s += p.next().str
		}
		return &constExpr{p.since(start), s}
	case tokenName:
		return p.word()
	}
	switch {
	case p.accept("("):
		return p.parenthesis(start)
	case p.accept("["):
		x := &listExpr{}
		for !p.accept("]") {
			x.items = append(x.items, p.expr())
			p.noComprehension()
			if !p.accept(",") {
				p.expect("]")
				break
			}
		}
		x.span = p.since(start)
		return x
	case p.tok.is("{"):
		p.unsupported("a dictionary or set")
	case p.tok.is("..."):
		p.unsupported("...")
	}
	p.fail("got %s, want an expression", p.tok.describe())
	return nil
}

func (p *parser) word() expr {
	start := p.tok.start
	var v value
	switch p.tok.text {
	case "None":
		v = none{}
	case "True":
		v = true
	case "False":
		v = false
	default:
		if keywords[p.tok.text] {
			p.unsupported("%s", p.tok.text)
		}
		if _, ok := keywords[p.tok.text]; ok {
			p.fail("got %s, want an expression", p.tok.describe())
		}
		name := p.next().text
		return &nameExpr{p.since(start), name}
	}
	p.next()
	return &constExpr{p.since(start), v}
}

// parenthesis reads what follows a round bracket: an expression, or a tuple.
func (p *parser) parenthesis(start int) expr {
	if p.accept(")") {
		return &tupleExpr{span: p.since(start)}
	}
	x := p.exprList()
	p.noComprehension()
	p.expect(")")
	if t, ok := x.(*tupleExpr); ok && t.start > start {
		t.span = p.since(start)
	}
	return x
}
