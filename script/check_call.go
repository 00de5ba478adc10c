package script

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"tcpdrill/script/linux"
)

// signatures are the system calls and the forms of their arguments: those of
// packetdrill, and below them ours. An argument in [ ] may be missing; | stands
// between forms of which any will do. The forms are those of isForm.
var signatures = makeSignatures(`
	socket(...|int int int)
	bind(int ...|sockaddr|null ...|int)
	listen(int int)
	accept(int returned length)
	connect(int ...|int|sockaddr ...|int)
	read(int buffer int)
	readv(int iovecs int)
	recv(int buffer int int)
	recvfrom(int buffer int int returned length)
	recvmsg(int msghdr int)
	write(int buffer int)
	writev(int iovecs int)
	send(int buffer int int)
	sendto(int buffer int int ...|int|sockaddr ...|int)
	sendmsg(int msghdr int)
	fcntl(int int [int])
	ioctl(int int [...|bracketed|int])
	close(int)
	shutdown(int int)
	getsockopt(int int int ...|optval length)
	setsockopt(int int int optval ...|int)
	poll(pollfds int int)
	cap_set(int int int)
	open(string int [int])
	sendfile(int int bracketed|null int)
	epoll_create(int)
	epoll_ctl(int int int epoll_event|null)
	epoll_wait(int ...|epoll_event|epoll_events int int)
	pipe(pair)
	splice(int int64|bracketed int int64|bracketed int int)
	psp_rx_assoc(int bracketed)
	psp_tx_assoc(int int)

	accept4(int returned length int)
	getsockname(int returned length)
	getpeername(int returned length)
	ppoll(pollfds int pair|null null)
	sendmmsg(int msghdrs int int)
	recvmmsg(int msghdrs int int pair|null)
	dup(int)
	epoll_create1(int)
	pipe2(pair int)
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
	if !isForm("int", call.Result) && !isForm("...", call.Result) {
		c.late(call.Result, "bad result of %s: got %s, want a number or ...", call.Name, kindOf(call.Result))
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
			ok = ok || isForm(form, arg)
		}
		if !ok {
			for j, form := range forms {
				forms[j] = formNames[form]
			}
			c.late(arg, "bad argument %d of %s: got %s, want %s", i+1, call.Name, kindOf(arg), orList(forms))
			continue
		}
		low, high := int64(math.MinInt32), int64(math.MaxUint32)
		if v, ok := evaluate(arg); ok && !strings.HasPrefix(s.params[i], "int64") && (v < low || v > high) {
			c.late(arg, "argument %d of %s out of range: got %d, want %d to %d", i+1, call.Name, v, low, high)
		}
	}
	for i, form := range s.params {
		switch form {
		case "pollfds", "iovecs", "msghdrs": // an array, and how long it is
			c.count(call.Args[i+1], call.Args[i])
		}
	}
}

// count checks that n is the length of a list.
func (c *checker) count(n, list Expr) {
	if v, ok := evaluate(n); ok && isForm("list", list) && v != int64(len(elems(list))) {
		c.late(n, "got a count of %d, want the %d of the list", v, len(elems(list)))
	}
}

// formNames are the forms in words.
var formNames = map[string]string{
	"int":          "a number",
	"int64":        "a number",
	"null":         "NULL",
	"...":          "...",
	"buffer":       "..., NULL or a string",
	"bracketed":    "[number]",
	"pair":         "two numbers {a, b}",
	"sockaddr":     "a socket address",
	"returned":     "..., NULL or a socket address",
	"length":       "..., NULL or [length]",
	"optval":       "a value such as [1] or a string",
	"string":       "a string",
	"iovecs":       "a list of iovecs {..., length}",
	"pollfds":      "a list of {fd=…, events=…}",
	"msghdr":       "a message header {msg_name(...)=..., …}",
	"msghdrs":      "a list of message headers",
	"epoll_event":  "{events=…, fd=…}",
	"epoll_events": "a list of those",
}

// isForm reports whether an argument has a form that signatures names.
func isForm(form string, e Expr) bool {
	switch form {
	case "int", "int64":
		switch e := e.(type) {
		case Int, Word:
			return true
		case Or:
			return isForm("int", e.Left) && isForm("int", e.Right)
		case Inet:
			return e.Version == 4
		}
		return false
	case "null":
		v, ok := evaluate(e)
		return ok && v == 0
	case "...":
		return is[Ellipsis](e)
	case "buffer":
		return is[Ellipsis](e) || is[String](e) || isForm("null", e)
	case "bracketed":
		list := elems(e)
		return len(list) == 1 && isForm("int", list[0])
	case "list":
		return is[List](e) || is[Braces](e)
	case "pair":
		list := elems(e)
		return len(list) == 2 && isForm("int", list[0]) && isForm("int", list[1])
	case "sockaddr":
		return is[Sockaddr](e)
	case "returned":
		return is[Ellipsis](e) || is[Sockaddr](e) || isForm("null", e)
	case "length":
		return is[Ellipsis](e) || isForm("null", e) || isForm("bracketed", e)
	case "optval":
		return isOptval(e)
	case "string":
		return is[String](e)
	case "iovecs":
		return isListOf(e, is[Iovec])
	case "pollfds":
		return isListOf(e, is[Pollfd])
	case "msghdr":
		return is[Msghdr](e)
	case "msghdrs": // each with its length, or without
		return isListOf(e, func(e Expr) bool {
			if parts := elems(e); len(parts) == 2 {
				return is[Msghdr](parts[0]) && isForm("int", parts[1])
			}
			return is[Msghdr](e)
		})
	case "epoll_event":
		return is[EpollEvent](e)
	case "epoll_events":
		return isListOf(e, is[EpollEvent])
	}
	return false
}

func is[T Expr](e Expr) bool {
	_, ok := e.(T)
	return ok
}

func isListOf(e Expr, ok func(Expr) bool) bool {
	return isForm("list", e) && !slices.ContainsFunc(elems(e), func(e Expr) bool { return !ok(e) })
}

// isOptval reports whether e can be an option's value: numbers in brackets, an
// address and the key for TCP_MD5SIG, NULL, or one of the structs.
func isOptval(e Expr) bool {
	switch e.(type) {
	case String, Linger, MPLS, GRE, Inet, Sockaddr:
		return true
	}
	list := elems(e)
	if len(list) == 2 && is[String](list[1]) {
		return true
	}
	return isForm("null", e) || len(list) > 0 && isListOf(e, func(e Expr) bool { return isForm("int", e) })
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
