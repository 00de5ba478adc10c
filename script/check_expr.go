package script

import (
	"net/netip"
	"strings"

	"tcpdrill/script/linux"
)

// expr checks the parts of an argument wherever they stand.
func (c *checker) expr(e Expr) {
	switch e := e.(type) {
	case Word:
		c.symbol(e)
	case String:
		for _, part := range e.Parts {
			c.escapes(part)
		}
	case Inet:
		c.inet(e)
	case Sockaddr:
		c.sockaddr(e)
	case Or:
		for _, side := range []Expr{e.Left, e.Right} {
			if !isForm("int", side) {
				c.late(side, "bad operand of |: got %s, want a number", kindOf(side))
			}
			c.expr(side)
		}
	case GRE:
		if flags := e.Flags; flags.Value&0x4007 != 0 {
			c.late(&flags, "bad GRE flags: got %s, want version 0 and no routing (0x4000)", flags.Text)
		}
	case MPLS:
		c.mpls(&e)
	case Msghdr:
		c.msghdr(&e)
	}
	for _, child := range children(e) {
		if _, isOr := e.(Or); !isOr {
			c.expr(child)
		}
	}
}

func (c *checker) msghdr(m *Msghdr) {
	if !isForm("iovecs", *m.Iov) {
		c.late(*m.Iov, "bad msg_iov: got %s, want %s", kindOf(*m.Iov), formNames["iovecs"])
	} else {
		c.count(m.IovLen, *m.Iov)
	}
	if m.Control != nil && !isListOf(*m.Control, is[Cmsg]) {
		c.late(*m.Control, "bad msg_control: want a list of {cmsg_level=…, cmsg_type=…, cmsg_data=…}")
	}
}

// children returns the expressions that e consists of.
func children(e Expr) []Expr {
	switch e := e.(type) {
	case Or:
		return []Expr{e.Left, e.Right}
	case Assign:
		return []Expr{e.Name, e.Value}
	case List:
		return e.Elems
	case Braces:
		return e.Elems
	case Msghdr:
		list := []Expr{*e.Iov, e.Flags}
		if e.Control != nil {
			list = append(list, *e.Control)
		}
		return list
	case Cmsg:
		return []Expr{e.Level, e.Type, e.Data}
	case SockExtendedErr:
		return []Expr{e.Errno, e.Origin, e.Type, e.Code, e.Info, e.Data}
	case Pollfd:
		if e.Revents == nil {
			return []Expr{e.FD, e.Events}
		}
		return []Expr{e.FD, e.Events, e.Revents}
	case EpollEvent:
		return []Expr{e.Events, e.Data}
	}
	return nil
}

func (c *checker) symbol(w Word) {
	if _, ok := linux.Value(w.Name); ok {
		return
	}
	e := c.late(w, "unknown symbol %s%s", w.Name, didYouMean(w.Name, linux.Names()))
	if w.Symbol == "" {
		e.Detail = "If it is to be a symbol of the script's own, define it with -D " + w.Name + "=VALUE."
	}
}

// escapes checks the escapes in a string: those of C without the numbers in
// octal, and \xhh.
func (c *checker) escapes(p StringPart) {
	for rest := p.Text; ; {
		_, after, found := strings.Cut(rest, `\`)
		if !found {
			return
		}
		switch {
		case after != "" && strings.IndexByte(`\"fnrtv`, after[0]) >= 0:
			rest = after[1:]
		case len(after) >= 3 && after[0] == 'x' && isHex(after[1:3]):
			rest = after[3:]
		default:
			c.late(p, `bad escape \%.1s in a string, want one of \\ \" \f \n \r \t \v \xhh`, after)
			return
		}
	}
}

func (c *checker) inet(i Inet) {
	addr, err := netip.ParseAddr(i.Addr)
	switch {
	case i.Version == 6 && (err != nil || !addr.Is6()):
		c.fail(i, "bad address: got %s, want an IPv6 address", i.Addr)
	case i.Version == 4 && (err != nil || !addr.Is4()):
		c.late(i, "bad address: got %s, want an IPv4 address", i.Addr)
	}
}

func (c *checker) sockaddr(s Sockaddr) {
	addr, err := netip.ParseAddr(s.Addr)
	switch s.Family {
	case "AF_INET":
		if err != nil || !addr.Is4() {
			c.fail(s, "bad address: got %s, want an IPv4 address", s.Addr)
		}
	case "AF_INET6":
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			c.fail(s, "bad address: got %s, want an IPv6 address", s.Addr)
		}
	default:
		c.fail(s, "bad sa_family: got %s, want AF_INET or AF_INET6", s.Family)
	}
	c.within(&s.Port, "sin_port", 0, maxU16)
}
