package script

func exprs(rules []*exprRule) []Expr {
	var list []Expr
	for _, r := range rules {
		list = append(list, r.expr())
	}
	return list
}

func (r *exprRule) expr() Expr {
	e := r.first()
	if r.Value != nil {
		value := r.Value.expr()
		e = Assign{around(e, value), e.(Word), value}
	}
	if r.Or != nil {
		or := r.Or.expr()
		e = Or{around(e, or), e, or}
	}
	return e
}

// around returns the range from first to last.
func around(first, last Node) Range {
	start, _ := first.Span()
	_, end := last.Span()
	return Range{start, end}
}

func (r *exprRule) first() Expr {
	c := r.Compound
	switch {
	case c == nil:
		return r.Atom.Expr
	case c.List != nil:
		return c.List.list()
	case c.Braces != nil:
		return c.Braces.expr()
	}
	version := 4
	if c.Inet.Name == "inet6_addr" {
		version = 6
	}
	return Inet{c.Inet.Range, version, c.Inet.Addr.Text, c.Inet.Addr.Symbol}
}

func (r *listRule) list() List { return List{r.Range, exprs(r.Elems)} }

func (r *bracesRule) expr() Expr {
	switch {
	case r.Sockaddr != nil:
		s := r.Sockaddr
		return Sockaddr{
			Range:        r.Range,
			Family:       s.Family.Name,
			Port:         s.Port,
			Addr:         s.Addr.Text,
			FamilySymbol: s.Family.Symbol,
			AddrSymbol:   s.Addr.Symbol,
		}
	case r.Msghdr != nil:
		iov := r.Msghdr.Iov.list()
		m := Msghdr{Range: r.Range, IovLen: r.Msghdr.IovLen, Iov: &iov, Flags: r.Msghdr.Flags.expr()}
		if r.Msghdr.Control != nil {
			control := r.Msghdr.Control.list()
			m.Control = &control
		}
		return m
	case r.Cmsg != nil:
		return Cmsg{r.Range, r.Cmsg.Level.expr(), r.Cmsg.Type.expr(), r.Cmsg.Data.expr()}
	case r.Timestamping != nil:
		return Timestamping{r.Range, r.Timestamping.Sec, r.Timestamping.Nsec}
	case r.ExtendedErr != nil:
		e := r.ExtendedErr
		return SockExtendedErr{
			Range:  r.Range,
			Errno:  e.Errno.expr(),
			Origin: e.Origin.expr(),
			Type:   e.Type.expr(),
			Code:   e.Code.expr(),
			Info:   e.Info.expr(),
			Data:   e.Data.expr(),
		}
	case r.Pollfd != nil:
		p := Pollfd{Range: r.Range, FD: r.Pollfd.FD.expr(), Events: r.Pollfd.Events.expr()}
		if r.Pollfd.Revents != nil {
			p.Revents = r.Pollfd.Revents.expr()
		}
		return p
	case r.EpollEvent != nil:
		return EpollEvent{r.Range, r.EpollEvent.Events.expr(), r.EpollEvent.Member, r.EpollEvent.Data.expr()}
	case r.Linger != nil:
		return Linger{r.Range, r.Linger.OnOff, r.Linger.Linger}
	case r.GRE != nil:
		gre := r.GRE.gre()
		gre.Range = r.Range
		return gre
	case r.Iovec != nil:
		return r.Iovec.expr(r.Range)
	case r.Elems != nil:
		return Braces{r.Range, exprs(r.Elems)}
	}
	return MPLS{r.Range, r.Labels} // {} too
}

// expr makes {..., N} an iovec and {...} a list, at being the place of the braces.
func (r *iovecRule) expr(at Range) Expr {
	if r.Len != nil {
		return Iovec{at, *r.Len}
	}
	var first Expr = r.Ellipsis
	if r.Or != nil {
		or := r.Or.expr()
		first = Or{around(first, or), first, or}
	}
	return Braces{at, append([]Expr{first}, exprs(r.More)...)}
}
