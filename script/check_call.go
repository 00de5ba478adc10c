package script

import (
	"math"
	"strconv"
	"strings"

	"tcpdrill/script/linux"
)

// signatures are the system calls and the forms of their arguments: those of
// packetdrill, and below them ours. An argument in [ ] may be missing.
//
//	int      a number
//	int64    a number of 64 bits
//	...      ...
//	buffer   ..., or NULL
//	[int]    a number in brackets
//	address  ..., an address family or a socket address
//	optval   what getsockopt and setsockopt take
//	list     anything in brackets or braces
var signatures = makeSignatures(`
	socket(...|int int int)
	bind(int ...|sockaddr ...|int)
	listen(int int)
	accept(int ... ...)
	connect(int address ...|int)
	read(int buffer int)
	readv(int list int)
	recv(int buffer int int)
	recvfrom(int buffer int int ... ...)
	recvmsg(int msghdr int)
	write(int buffer int)
	writev(int list int)
	send(int buffer int int)
	sendto(int buffer int int address ...|int)
	sendmsg(int msghdr int)
	fcntl(int int [int])
	ioctl(int int [bracketed])
	close(int)
	shutdown(int int)
	getsockopt(int int int optval bracketed)
	setsockopt(int int int optval int)
	poll(list int int)
	cap_set(int int int)
	open(string int)
	sendfile(int int bracketed int)
	epoll_create(int)
	epoll_ctl(int int int epoll_event)
	epoll_wait(int epoll_event int int)
	pipe(list)
	splice(int int64 int int64 int int)
	psp_rx_assoc(int bracketed)
	psp_tx_assoc(int int)

	accept4(int ... ... int)
	getsockname(int ...|sockaddr ...|bracketed)
	getpeername(int ...|sockaddr ...|bracketed)
	ppoll(list int ...|int|list ...|int)
	sendmmsg(int list int int)
	recvmmsg(int list int int ...|int|list)
	dup(int)
`)

type signature struct {
	params   []string // each the forms that will do, with | between
	optional int      // how many of the last may be missing
}

func makeSignatures(text string) map[string]signature {
	all := map[string]signature{}
	for line := range strings.Lines(text) {
		name, params, ok := strings.Cut(strings.Trim(line, "\t\n)"), "(")
		if !ok {
			continue
		}
		var s signature
		for _, p := range strings.Fields(params) {
			if strings.HasPrefix(p, "[") {
				s.optional++
				p = strings.Trim(p, "[]")
			}
			s.params = append(s.params, p)
		}
		all[name] = s
	}
	return all
}

// CallNames returns the names of the system calls that scripts may use, sorted.
func CallNames() []string { return keysOf(signatures) }

func (c *checker) call(call *Call) {
	name := Range{call.NamePos, endOf(call.NamePos, written(call.Name, call.NameSymbol))}
	s, known := signatures[call.Name]
	if !known {
		c.late(name, "unknown system call %s%s", call.Name, didYouMean(call.Name, CallNames()))
	} else {
		c.args(name, call, s)
	}
	for _, arg := range call.Args {
		c.expr(arg)
	}
	if !c.isForm("int", call.Result) {
		c.late(call.Result, "bad result of %s: got %s, want a number", call.Name, kindOf(call.Result))
	} else {
		c.expr(call.Result)
	}
	if call.Errno != "" {
		if _, ok := linux.Errno(call.Errno); !ok {
			at := Range{call.ErrnoPos, endOf(call.ErrnoPos, written(call.Errno, call.ErrnoSymbol))}
			c.late(at, "unknown errno %s%s", call.Errno, didYouMean(call.Errno, errnoNames()))
		}
	}
}

func endOf(start Position, text string) Position {
	start.Offset += len(text)
	start.Column += len(text)
	return start
}

func errnoNames() []string {
	var names []string
	for _, name := range linux.Names() {
		if _, ok := linux.Errno(name); ok {
			names = append(names, name)
		}
	}
	return names
}

// args checks the number and kinds of a call's arguments.
func (c *checker) args(name Range, call *Call, s signature) {
	n := len(call.Args)
	if n > len(s.params) || n < len(s.params)-s.optional {
		want := strconv.Itoa(len(s.params))
		if s.optional > 0 {
			want = strconv.Itoa(len(s.params)-s.optional) + " to " + want
		}
		c.late(name, "%s takes %s arguments, got %d", call.Name, want, n)
		return
	}
	for i, arg := range call.Args {
		forms := strings.Split(s.params[i], "|")
		ok := false
		for _, form := range forms {
			ok = ok || c.isForm(form, arg)
		}
		if !ok {
			for j, form := range forms {
				forms[j] = formNames[form]
			}
			c.late(arg, "bad argument %d of %s: got %s, want %s", i+1, call.Name, kindOf(arg), orList(forms))
			continue
		}
		low, high := int64(math.MinInt32), int64(math.MaxUint32)
		if v, ok := evaluate(arg); ok && s.params[i] != "int64" && (v < low || v > high) {
			c.late(arg, "argument %d of %s out of range: got %d, want %d to %d", i+1, call.Name, v, low, high)
		}
	}
	if call.Name == "poll" {
		count, ok := evaluate(call.Args[1])
		if fds := elems(call.Args[0]); ok && count != int64(len(fds)) {
			c.late(call.Args[1], "poll gets %d descriptors, want %d as in its list", count, len(fds))
		}
	}
}

var formNames = map[string]string{
	"int":         "a number",
	"int64":       "a number",
	"...":         "...",
	"buffer":      "... or NULL",
	"bracketed":   "[number]",
	"address":     "..., an address family or a socket address",
	"sockaddr":    "a socket address",
	"optval":      "[number], a string, linger, an address, MPLS labels or GRE",
	"list":        "a list",
	"string":      "a string",
	"msghdr":      "a message header {msg_name(...)=..., …}",
	"epoll_event": "an epoll event {events=…, fd=…}",
}

// isForm reports whether an argument has a form that signatures names.
func (c *checker) isForm(form string, e Expr) bool {
	switch form {
	case "int", "int64":
		switch e := e.(type) {
		case Int, Word:
			return true
		case Or:
			return c.isForm("int", e.Left) && c.isForm("int", e.Right)
		case Inet:
			return e.Version == 4
		}
		return false
	case "...":
		_, ok := e.(Ellipsis)
		return ok
	case "buffer":
		v, ok := evaluate(e)
		return c.isForm("...", e) || ok && v == 0
	case "list":
		switch e.(type) {
		case List, Braces:
			return true
		}
		return false
	case "bracketed":
		list := elems(e)
		return len(list) == 1 && c.isForm("int", list[0])
	case "address":
		return c.isForm("...", e) || c.isForm("int", e) || c.isForm("sockaddr", e)
	case "optval":
		switch e := e.(type) {
		case String, Linger, MPLS, GRE:
			return true
		case Inet:
			return e.Version == 6
		}
		return c.isForm("bracketed", e)
	case "sockaddr":
		_, ok := e.(Sockaddr)
		return ok
	case "string":
		_, ok := e.(String)
		return ok
	case "msghdr":
		_, ok := e.(Msghdr)
		return ok
	case "epoll_event":
		_, ok := e.(EpollEvent)
		return ok
	}
	return false
}

// elems returns what a list holds.
func elems(e Expr) []Expr {
	switch e := e.(type) {
	case List:
		return e.Elems
	case Braces:
		return e.Elems
	}
	return nil
}

// evaluate returns the number that an expression stands for, if it is one.
func evaluate(e Expr) (int64, bool) {
	switch e := e.(type) {
	case Int:
		return e.Value, true
	case Word:
		return linux.Value(e.Name)
	case Or:
		left, ok := evaluate(e.Left)
		right, ok2 := evaluate(e.Right)
		return left | right, ok && ok2
	}
	return 0, false
}

// kindOf names the kind of an expression.
func kindOf(e Expr) string {
	switch e := e.(type) {
	case Int, Word, Or:
		return FormatExpr(e)
	case Ellipsis:
		return "..."
	case String:
		return "a string"
	case Assign:
		return "an assignment"
	case List, Braces:
		return "a list"
	case Inet:
		return "an address"
	case Sockaddr:
		return "a socket address"
	case Msghdr:
		return "a message header"
	case Iovec:
		return "an iovec"
	case Cmsg:
		return "a control message"
	case Timestamping:
		return "a timestamp"
	case SockExtendedErr:
		return "an extended error"
	case Pollfd:
		return "a pollfd"
	case Linger:
		return "linger"
	case EpollEvent:
		return "an epoll event"
	case MPLS:
		return "MPLS labels"
	case GRE:
		return "a GRE header"
	}
	return "something else"
}
