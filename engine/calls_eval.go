package engine

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"

	"tcpdrill/script"
	"tcpdrill/script/linux"
)

// Evaluation of the script's expressions. Numbers are C's int unless the
// argument is wider: -2^31 to 2^32-1, of which the upper half is negative.

// fail notes an error of the script.
func (b *callBuilder) fail(node script.Node, format string, args ...any) {
	b.failClassic(node, "", format, args...)
}

// failClassic is fail with packetdrill's words; "" stands for our own.
func (b *callBuilder) failClassic(node script.Node, classic, format string, args ...any) {
	if b.err != nil {
		return
	}
	msg := fmt.Sprintf(format, args...)
	if classic == "" {
		classic = msg
	}
	b.err = &CallError{Node: node, Msg: msg, Classic: classic}
}

// unsupported notes that the script asks for what can't be done here.
func (b *callBuilder) unsupported(node script.Node, format string, args ...any) {
	b.fail(node, format, args...)
	b.err.Unsupported = true
}

// argCount notes a wrong number of arguments.
func (b *callBuilder) argCount(spec callSpec) {
	want, n := strconv.Itoa(spec.min), len(b.c.Args)
	classic := fmt.Sprintf("Expected %d args but got %d", spec.min, n)
	if spec.max > spec.min {
		want = fmt.Sprintf("%d or %d", spec.min, spec.max)
		classic = fmt.Sprintf("%s expected %d-%d args but got %d", b.c.Name, spec.min, spec.max, n)
	}
	b.failClassic(nameRange(b.c.NamePos, b.c.Name, b.c.NameSymbol), classic,
		"got %d arguments, want %s", n, want)
}

// badType notes an argument that can't be what it is.
func (b *callBuilder) badType(e script.Expr, want, classic string) {
	ours, theirs := typeNames(e)
	b.failClassic(e, fmt.Sprintf("Bad type; actual: %s expected: %s", theirs, classic),
		"got %s, want %s", ours, want)
}

// typeNames names the kind of an expression, in our words and packetdrill's.
func typeNames(e script.Expr) (ours, classic string) {
	switch e := e.(type) {
	case script.Ellipsis:
		return "...", "ellipsis"
	case script.Int, script.Word, script.Or:
		return "a number", "integer"
	case script.Inet:
		if e.Version == 6 {
			return "an IPv6 address", "in6_addr"
		}
		return "an IPv4 address", "integer"
	case script.String:
		return "a string", "string"
	case script.Assign:
		return "an assignment", "binary_expression"
	case script.List, script.Braces:
		return "a list", "list"
	case script.Sockaddr:
		if e.Family == "AF_INET6" {
			return "a sockaddr", "sockaddr_in6"
		}
		return "a sockaddr", "sockaddr_in"
	case script.Msghdr:
		return "a msghdr", "msghdr"
	case script.Iovec:
		return "an iovec", "iovec"
	case script.Cmsg:
		return "a cmsg", "cmsg"
	case script.Timestamping:
		return "a timestamp", "scm_timestamping"
	case script.SockExtendedErr:
		return "a sock_extended_err", "sock_extended_err"
	case script.Pollfd:
		return "a pollfd", "pollfd"
	case script.EpollEvent:
		return "an epoll_event", "epollev"
	case script.Linger:
		return "a linger", "linger"
	case script.MPLS:
		return "an MPLS stack", "mpls_stack"
	case script.GRE:
		return "a GRE header", "gre"
	}
	return "nothing", "nothing"
}

// nameRange is the place of a name of which only the start is known. It is the
// -D symbol that stands there, if there is one.
func nameRange(pos script.Position, name, symbol string) script.Range {
	if symbol != "" {
		name = symbol
	}
	end := pos
	end.Advance(name)
	return script.Range{Pos: pos, EndPos: end}
}

func isEllipsis(e script.Expr) bool {
	_, ok := e.(script.Ellipsis)
	return ok
}

// elements returns the parts of [a, b] or {a, b}, which mean the same.
func elements(e script.Expr) (elems []script.Expr, ok bool) {
	switch e := e.(type) {
	case script.List:
		return e.Elems, true
	case script.Braces:
		return e.Elems, true
	}
	return nil, false
}

// isNumber reports whether e is written as a number: 4, SOCK_STREAM, A|B.
func isNumber(e script.Expr) bool {
	switch e := e.(type) {
	case script.Int, script.Word, script.Or:
		return true
	case script.Inet:
		return e.Version == 4
	}
	return false
}

// int64 evaluates a number. inet_addr() is one, in network byte order.
func (b *callBuilder) int64(e script.Expr) int64 {
	switch e := e.(type) {
	case script.Int:
		return e.Value
	case script.Word:
		v, ok := linux.Value(e.Name)
		if !ok {
			b.failClassic(e, "unknown symbol: '"+e.Name+"'", "unknown symbol %s", e.Name)
		}
		return v
	case script.Or:
		return b.int64(e.Left) | b.int64(e.Right)
	case script.Inet:
		if e.Version == 4 {
			a := b.inet(e).As4()
			return int64(uint32(a[0]) | uint32(a[1])<<8 | uint32(a[2])<<16 | uint32(a[3])<<24)
		}
	}
	b.badType(e, "a number", "integer")
	return 0
}

// int32 evaluates a C int.
func (b *callBuilder) int32(e script.Expr) int32 {
	v := b.int64(e)
	b.inRange(e, v, math.MinInt32, math.MaxUint32, 32)
	return int32(v)
}

// uint8 evaluates a C char, signed or not.
func (b *callBuilder) uint8(e script.Expr) uint8 {
	v := b.int64(e)
	b.inRange(e, v, math.MinInt8, math.MaxUint8, 8)
	return uint8(v)
}

func (b *callBuilder) inRange(node script.Node, v, low, high int64, bits int) {
	if v < low || v > high {
		b.failClassic(node, fmt.Sprintf("Value out of range for %d-bit integer: %d", bits, v),
			"%d does not fit in %d bits", v, bits)
	}
}

// inet evaluates inet_addr() and inet6_addr().
func (b *callBuilder) inet(e script.Inet) netip.Addr {
	a, err := netip.ParseAddr(e.Addr)
	if err != nil || a.Is4() != (e.Version == 4) {
		b.fail(e, "%q is not an IPv%d address", e.Addr, e.Version)
		if e.Version == 4 {
			return netip.IPv4Unspecified()
		}
		return netip.IPv6Unspecified()
	}
	return a
}

// single evaluates [n], a number that the call reads or writes through a
// pointer; ok is false if e isn't that.
func (b *callBuilder) single(e script.Expr) (elem script.Expr, ok bool) {
	elems, ok := elements(e)
	switch {
	case !ok:
		b.badType(e, "a number in brackets", "list")
		return nil, false
	case len(elems) != 1:
		b.failClassic(e, "Expected [<element>] but got multiple elements",
			"got %d elements, want one", len(elems))
		return nil, false
	}
	return elems[0], true
}

// str evaluates a string: its parts in a row, escapes resolved.
func (b *callBuilder) str(e script.String) []byte {
	var out []byte
	for i := range e.Parts {
		p := &e.Parts[i]
		text, err := unescape(p.Text)
		if err != "" {
			b.fail(p, "%s", err)
		}
		out = append(out, text...)
	}
	return out
}

// unescape resolves a string's escapes: \\ \" \f \n \r \t \v \xhh. A problem is
// returned in words, or "".
func unescape(s string) (out []byte, problem string) {
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			continue
		}
		if i++; i == len(s) {
			return out, `a lone \ ends the string`
		}
		switch s[i] {
		case '\\', '"':
			out = append(out, s[i])
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'v':
			out = append(out, '\v')
		case 'x':
			digits := s[i+1 : min(i+3, len(s))]
			v, err := strconv.ParseUint(digits, 16, 8)
			if err != nil || len(digits) != 2 {
				return out, fmt.Sprintf(`invalid hex escape \x%s, want \xhh`, digits)
			}
			out = append(out, byte(v))
			i += 2
		default:
			return out, fmt.Sprintf(`unsupported escape \%c`, s[i])
		}
	}
	return out, ""
}

// The pass methods evaluate the i-th argument and append it to the call's.

func (b *callBuilder) pass(a Arg) { b.call.Args = append(b.call.Args, a) }

// passInt passes a C int.
func (b *callBuilder) passInt(i int) int32 {
	v := b.int32(b.c.Args[i])
	b.pass(Arg{Int: int64(v)})
	return v
}

// passFD passes the live descriptor for one of the script's.
func (b *callBuilder) passFD(i int) *fd {
	f := b.fd(b.c.Args[i])
	b.pass(Arg{Int: int64(f.live)})
	return f
}

// fd evaluates a descriptor of the script.
func (b *callBuilder) fd(e script.Expr) *fd {
	n := int(b.int32(e))
	f := b.s.findFD(n)
	if f == nil {
		b.failClassic(e, fmt.Sprintf("unable to find fd with script fd %d", n),
			"there is no open fd %d", n)
		return &fd{script: -1, live: -1}
	}
	return f
}

// isNull reports whether e is written NULL or 0.
func isNull(e script.Expr) bool {
	switch e := e.(type) {
	case script.Int:
		return e.Value == 0
	case script.Word:
		return e.Name == "NULL"
	}
	return false
}

// passNull passes a null pointer if the i-th argument is 0 or NULL.
func (b *callBuilder) passNull(i int) bool {
	if !isNull(b.c.Args[i]) {
		return false
	}
	b.pass(Arg{})
	return true
}

// newMemory returns n bytes of zeros for a call to write to: not nil, and backed by
// memory even if n is 0.
func newMemory(n int) []byte { return make([]byte, max(n, 0), max(n, 1)) }
