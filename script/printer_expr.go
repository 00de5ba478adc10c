package script

func (p *printer) call(c *Call) {
	if c.Blocking {
		p.put("...", secondsText(c.EndText, c.End))
	}
	p.blank(c.NamePos)
	p.put(written(c.Name, c.NameSymbol), "(")
	p.list(c.Args)
	p.put(") =")
	start, _ := c.Result.Span()
	p.blank(start)
	p.expr(c.Result)
	if c.Errno != "" {
		p.blank(c.ErrnoPos)
		p.put(written(c.Errno, c.ErrnoSymbol))
	}
	if c.HasNote {
		p.put(" (", c.Note, ")")
	}
	p.done(c)
}

// list prints expressions, with commas, in brackets that the caller prints.
func (p *printer) list(list []Expr) {
	p.open()
	for i, e := range list {
		start, _ := e.Span()
		if i == 0 {
			p.first(start)
		} else {
			p.put(",")
			p.gap(start, " ")
		}
		p.expr(e)
	}
	p.close()
}

// open begins a bracket: lines in it go on below its first element.
func (p *printer) open() { p.align = append(p.align, p.column()) }

// close ends it.
func (p *printer) close() { p.align = p.align[:len(p.align)-1] }

// first makes room for the first element. If that is on a line of its own, it goes
// four columns right of where the line with the bracket goes on.
func (p *printer) first(start Position) {
	if !p.flat && start.Line > p.last.Line && p.last.Line > 0 {
		outer := timeColumn + 1
		if n := len(p.align); n > 1 {
			outer = p.align[n-2]
		}
		p.align[len(p.align)-1] = outer + 4
	}
	p.gap(start, "")
}

// bracketed prints a list with its brackets; at is the place of both.
func (p *printer) bracketed(open string, list []Expr, closing string, at Range) {
	p.put(open)
	if at.Pos.Line > 0 {
		p.last = at.Pos
	}
	p.list(list)
	p.put(closing)
	p.done(at)
}

// A fieldText is a member of a struct: what stands before its value, and the value.
type fieldText struct {
	before string
	value  Expr
}

// fields prints {name=value, name=value}.
func (p *printer) fields(at Range, fields ...fieldText) {
	p.put("{")
	if at.Pos.Line > 0 {
		p.last = at.Pos
	}
	p.open()
	for i, f := range fields {
		start, _ := f.value.Span()
		if i == 0 {
			p.first(start)
		} else {
			p.put(",")
			p.gap(start, " ")
		}
		p.put(f.before)
		p.expr(f.value)
	}
	p.close()
	p.put("}")
	p.done(at)
}

// expr prints an argument or result.
func (p *printer) expr(e Expr) {
	if start, _ := e.Span(); p.inner(start) == comment {
		p.put(" ")
	}
	switch e := e.(type) {
	case Int:
		p.put(e.String())
	case Ellipsis:
		p.put("...")
	case Word:
		p.put(written(e.Name, e.Symbol))
	case String:
		p.string(&e)
	case Or:
		p.expr(e.Left)
		p.put("|")
		start, _ := e.Right.Span()
		p.gap(start, "")
		p.expr(e.Right)
	case Assign:
		p.put(written(e.Name.Name, e.Name.Symbol), "=")
		p.expr(e.Value)
	case List:
		p.bracketed("[", e.Elems, "]", e.Range)
	case Braces:
		p.bracketed("{", e.Elems, "}", e.Range)
	case Inet:
		name := "inet_addr("
		if e.Version == 6 {
			name = "inet6_addr("
		}
		p.put(name, quoted(e.Addr, e.Symbol), ")")
	case MPLS:
		p.put("{")
		p.labels(&e, "")
		p.put("}")
	case GRE:
		p.put("{")
		p.gre(&e)
		p.put("}")
	default:
		p.structure(e)
	}
	p.done(e)
}

func (p *printer) structure(e Expr) {
	switch e := e.(type) {
	case Sockaddr:
		p.put("{sa_family = ", written(e.Family, e.FamilySymbol),
			", sin_port = htons(", e.Port.String(),
			"), sin_addr = inet_addr(", quoted(e.Addr, e.AddrSymbol), ")}")
	case Msghdr:
		p.msghdr(&e)
	case Iovec:
		p.put("{..., ", e.Len.String(), "}")
	case Cmsg:
		p.fields(e.Range, fieldText{"cmsg_level=", e.Level}, fieldText{"cmsg_type=", e.Type}, fieldText{"cmsg_data=", e.Data})
	case Timestamping:
		p.put("{scm_sec=", e.Sec.String(), ", scm_nsec=", e.Nsec.String(), "}")
	case SockExtendedErr:
		p.fields(e.Range,
			fieldText{"ee_errno=", e.Errno}, fieldText{"ee_origin=", e.Origin}, fieldText{"ee_type=", e.Type},
			fieldText{"ee_code=", e.Code}, fieldText{"ee_info=", e.Info}, fieldText{"ee_data=", e.Data})
	case Pollfd:
		list := []fieldText{{"fd=", e.FD}, {"events=", e.Events}}
		if e.Revents != nil {
			list = append(list, fieldText{"revents=", e.Revents})
		}
		p.fields(e.Range, list...)
	case Linger:
		p.put("{onoff=", e.OnOff.String(), ", linger=", e.Linger.String(), "}")
	case EpollEvent:
		p.fields(e.Range, fieldText{"events=", e.Events}, fieldText{e.Member + "=", e.Data})
	}
}

func (p *printer) msghdr(m *Msghdr) {
	p.put("{")
	if m.Pos.Line > 0 {
		p.last = m.Pos
	}
	p.open()
	p.put("msg_name(...)=...,")
	p.gap(m.IovLen.Pos, " ")
	p.put("msg_iov(", m.IovLen.String(), ")=")
	p.expr(*m.Iov)
	p.put(",")
	start, _ := m.Flags.Span()
	p.gap(start, " ")
	p.put("msg_flags=")
	p.expr(m.Flags)
	if m.Control != nil {
		p.put(",")
		p.gap(m.Control.Pos, " ")
		p.put("msg_control=")
		p.expr(*m.Control)
	}
	p.close()
	p.put("}")
}

func quoted(text, symbol string) string {
	if symbol != "" {
		return symbol
	}
	return `"` + text + `"`
}

func (p *printer) string(s *String) {
	for i, part := range s.Parts {
		if i > 0 {
			p.gap(part.Pos, " ")
		}
		p.put(quoted(part.Text, part.Symbol))
		p.done(part)
	}
	if s.Ellipsis {
		p.put("...")
	}
}
