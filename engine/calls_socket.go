package engine

import (
	"fmt"
	"math"
	"net/netip"

	"tcpdrill/script"
)

// Calls that make, name and connect sockets. They decide which socket is under
// test and how far each has come: socket() puts its socket under test, and
// nothing else here does (a SYN to a listener does, in the packets' code).

// buildSocket: socket(..., SOCK_STREAM, IPPROTO_TCP) = 3. `...` is the domain
// of the run's IP version.
func (b *callBuilder) buildSocket() {
	domain := afInet6
	if b.s.cfg.IPVersion == IPv4 {
		domain = afInet
	}
	if isEllipsis(b.c.Args[0]) {
		b.pass(Arg{Int: int64(domain)})
	} else {
		domain = int(b.passInt(0))
	}
	typ := int(b.passInt(1))
	protocol := int(b.passInt(2))
	b.returnsNewFD()
	b.after = func(res Result, _ bool) []Mismatch {
		if res.Ret < 0 {
			return nil
		}
		so := &socket{
			state:    socketNew,
			family:   domain,
			typ:      typ & sockTypeMask,
			protocol: defaultProtocol(domain, typ&sockTypeMask, protocol),
			tsVal:    map[uint32]uint32{},
			fd:       b.newFD(fdSocket, res),
		}
		so.fd.socket = so
		b.s.sockets = append(b.s.sockets, so)
		b.s.underTest = so
		return nil
	}
}

// defaultProtocol tells which protocol a socket speaks: 0 stands for the one
// that its type implies.
func defaultProtocol(family, typ, protocol int) int {
	if protocol != 0 || family != afInet && family != afInet6 {
		return protocol
	}
	switch typ {
	case sockStream:
		return ipprotoTCP
	case sockDgram:
		return ipprotoUDP
	}
	return 0
}

// bindAddr is what `...` stands for in bind(); connectAddr, in connect(),
// sendto() and sendmsg().
func (s *callState) bindAddr() netip.AddrPort {
	return s.socketAddr(s.cfg.Net.LocalIP, s.cfg.BindPort)
}

func (s *callState) connectAddr() netip.AddrPort {
	return s.socketAddr(s.cfg.Net.RemoteIP, s.cfg.ConnectPort)
}

// socketAddr makes an address as the sockets of the run's IP version take it.
func (s *callState) socketAddr(ip netip.Addr, port int) netip.AddrPort {
	if s.cfg.IPVersion == IPv4MappedV6 {
		ip = netip.AddrFrom16(ip.As16())
	}
	return netip.AddrPortFrom(ip, uint16(port))
}

// sockaddr evaluates an address that the script gives in full. It stands for
// itself: the configuration changes nothing in it.
func (b *callBuilder) sockaddr(e script.Sockaddr) netip.AddrPort {
	ip, err := netip.ParseAddr(e.Addr)
	switch {
	case e.Family != "AF_INET" && e.Family != "AF_INET6":
		b.fail(e, "got %s, want AF_INET or AF_INET6", e.Family)
	case err != nil || ip.Is4() != (e.Family == "AF_INET"):
		b.fail(e, "%q is not an %s address", e.Addr, e.Family)
	}
	b.inRange(e.Port, e.Port.Value, 0, math.MaxUint16, 16)
	return netip.AddrPortFrom(ip, uint16(e.Port.Value))
}

// A destination is the struct sockaddr of a connect() or sendto().
type destination struct {
	family int // AF_UNSPEC dissolves the association
	addr   netip.AddrPort
	bytes  []byte // nil: a null pointer
}

// destination evaluates an address: `...` is the configured one, a number is a
// family whose address is zeros, as AF_UNSPEC wants it.
func (b *callBuilder) destination(e script.Expr, configured netip.AddrPort) destination {
	d := destination{addr: configured}
	switch sa := e.(type) {
	case script.Ellipsis:
	case script.Sockaddr:
		d.addr = b.sockaddr(sa)
	default:
		if !isNumber(e) {
			b.badType(e, "..., an address family or a sockaddr", "ellipsis")
			return d
		}
		d.family = int(b.int32(e))
		d.bytes = make([]byte, sockaddrStorageLen)
		le.PutUint16(d.bytes, uint16(d.family))
		return d
	}
	d.bytes = encodeSockaddr(d.addr)
	d.family = int(le.Uint16(d.bytes))
	return d
}

// passLen passes the length of an address that the caller gives: `...` is the
// true one.
func (b *callBuilder) passLen(i, natural int) {
	if isEllipsis(b.c.Args[i]) {
		b.pass(Arg{Int: int64(natural)})
		return
	}
	if !isNumber(b.c.Args[i]) {
		b.badType(b.c.Args[i], "... or a length", "ellipsis")
		return
	}
	b.passInt(i)
}

// buildBind: bind(3, ..., ...) = 0.
func (b *callBuilder) buildBind() {
	f := b.passFD(0)
	if b.passNull(1) {
		b.passLen(2, 0)
		return
	}
	d := b.destination(b.c.Args[1], b.s.bindAddr())
	b.pass(Arg{Buf: d.bytes})
	b.passLen(2, len(d.bytes))
	if _, given := b.c.Args[1].(script.Sockaddr); given && f.socket != nil {
		b.after = func(res Result, _ bool) []Mismatch {
			if res.Ret == 0 {
				f.socket.liveLocal.addr = unmap(d.addr)
			}
			return nil
		}
	}
}

// buildListen: listen(3, 1) = 0. The socket counts as listening whenever the
// script is right about the result, even if that is an error.
func (b *callBuilder) buildListen() {
	f := b.passFD(0)
	b.passInt(1)
	b.after = func(res Result, matched bool) []Mismatch {
		if f.socket != nil && (matched || res.Ret == 0) {
			f.socket.state = socketPassiveListening
		}
		return nil
	}
}

// buildConnect: connect(4, ..., ...) = -1 EINPROGRESS (…), or connect(4,
// AF_UNSPEC, ...) = 0.
func (b *callBuilder) buildConnect() {
	f := b.passFD(0)
	d := b.destination(b.c.Args[1], b.s.connectAddr())
	b.pass(Arg{Buf: d.bytes})
	b.passLen(2, len(d.bytes))
	b.before = func() { b.s.connecting(f.socket, d) }
}

// connecting notes that a socket is about to connect: by connect(), or by
// sendto() and sendmsg(), which do it for UDP and for Fast Open. Sockets that
// aren't new stay what they are.
func (s *callState) connecting(so *socket, d destination) {
	switch {
	case so == nil:
	case d.family == afUnspec:
		so.state = socketNew // so that it may connect again
	case so.state == socketNew:
		so.state = socketActiveConnecting
		so.scriptLocal.addr, so.scriptRemote.addr = netip.AddrPort{}, netip.AddrPort{}
		so.liveRemote.addr = unmap(d.addr)
	}
}

// A returnedAddr is memory for an address that a call returns, with what the
// script says of it.
type returnedAddr struct {
	name, size []byte // size: a socklen_t; both nil for null pointers
}

// passReturnedAddr passes two arguments for an address that the call returns:
// `...` leaves it unchecked, a sockaddr says what it must be; `...` or [16]
// for its length; NULL for either.
func (b *callBuilder) passReturnedAddr(i int) returnedAddr {
	var r returnedAddr
	if !b.passNull(i) {
		r.name = make([]byte, sockaddrStorageLen)
		b.pass(Arg{Buf: r.name})
		b.checkAddr(b.c.Args[i], func() []byte { return r.bytes() })
	}
	lenExpr := b.c.Args[i+1]
	if b.passNull(i + 1) {
		return r
	}
	r.size = make([]byte, 4)
	le.PutUint32(r.size, uint32(len(r.name)))
	b.pass(Arg{Buf: r.size})
	if isEllipsis(lenExpr) {
		return r
	}
	elem, ok := b.single(lenExpr)
	if !ok {
		return r
	}
	want := b.int32(elem)
	b.check(func(res Result) []Mismatch {
		if got := int32(le.Uint32(r.size)); res.Ret >= 0 && got != want {
			return []Mismatch{{
				What: "address length", Want: fmt.Sprintf("[%d]", want), Got: fmt.Sprintf("[%d]", got), Node: lenExpr,
				Text:    fmt.Sprintf("[%d]", got),
				Classic: fmt.Sprintf("Bad address length: expected: %d actual: %d", want, got),
			}}
		}
		return nil
	})
	return r
}

// bytes returns the address.
func (r returnedAddr) bytes() []byte {
	if r.size == nil {
		return r.name
	}
	return r.name[:min(int(le.Uint32(r.size)), len(r.name))]
}

// checkAddr compares a returned address with the script's. An IPv4-mapped
// address is the IPv4 address it stands for, so that a script can name one for
// all three IP versions.
func (b *callBuilder) checkAddr(e script.Expr, returned func() []byte) {
	if isEllipsis(e) {
		return
	}
	sa, ok := e.(script.Sockaddr)
	if !ok {
		b.badType(e, "... or a sockaddr", "ellipsis")
		return
	}
	want := b.sockaddr(sa)
	b.check(func(res Result) []Mismatch {
		if res.Ret < 0 {
			return nil
		}
		got := returned()
		if a, ok := decodeSockaddr(got); ok && unmap(a) == unmap(want) {
			return nil
		}
		return []Mismatch{{
			What: "address", Want: addrPortText(want), Got: sockaddrText(got), Node: e,
			Classic: fmt.Sprintf("Bad address: expected: %s actual: %s", addrPortText(want), sockaddrText(got)),
		}}
	})
}

// buildAccept: accept(3, ..., ...) = 4, and accept4 with flags.
func (b *callBuilder) buildAccept() {
	b.passFD(0)
	r := b.passReturnedAddr(1)
	if len(b.c.Args) == 4 {
		b.passInt(3)
	}
	// Unlike for other calls, the number need not be free in the script:
	// packetdrill doesn't mind, and the newest socket is the one it names.
	b.returnsFD = true
	b.after = func(res Result, _ bool) []Mismatch {
		if res.Ret < 0 {
			return nil
		}
		return b.accepted(res, r.bytes())
	}
}

// accepted gives its descriptor to the socket that an injected SYN made, found
// by its peer: with several that wait, the order is the stack's affair.
func (b *callBuilder) accepted(res Result, name []byte) []Mismatch {
	peer, known := decodeSockaddr(name)
	if relay, ok := b.s.target.(Relay); ok && relay.Relays() {
		known = false
	}
	if so := b.s.waiting(unmap(peer), known); so != nil {
		so.fd.script, so.fd.live = b.fdNumber(), int(res.Ret)
		return nil
	}
	b.newFD(fdSocket, res) // a socket that no packet is matched with
	return []Mismatch{{
		What: "accepted peer", Want: "a connection of the script", Got: sockaddrText(name), Node: b.c,
		Classic: "unable to find socket matching accept() call",
	}}
}

// waiting returns the newest socket that can be accepted and whose peer is the
// given one, or whichever it is if the peer isn't known.
func (s *callState) waiting(peer netip.AddrPort, known bool) *socket {
	for i := len(s.sockets) - 1; i >= 0; i-- {
		so := s.sockets[i]
		if so.fd.live >= 0 { // accepted before
			continue
		}
		// With Fast Open a socket can be accepted before its SYN-ACK is
		// acknowledged.
		if so.state != socketPassiveSYNACKSent && so.state != socketPassiveSYNACKAcked {
			continue
		}
		if !known || unmap(so.liveRemote.addr) == peer {
			return so
		}
	}
	return nil
}

// buildShutdown: shutdown(4, SHUT_WR) = 0.
func (b *callBuilder) buildShutdown() {
	b.passFD(0)
	b.passInt(1)
}

// buildSockname: getsockname(4, ..., ...) = 0, and getpeername.
func (b *callBuilder) buildSockname() {
	b.passFD(0)
	b.passReturnedAddr(1)
}
