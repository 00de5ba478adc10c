package gostack

import (
	"net/netip"
	"slices"

	"tcpdrill/engine/abi"
)

// Ports and who has them. What a port is free for is Linux's inet_csk_bind_conflict
// and udp_lib_lport_inuse; which one is taken when the script doesn't say, is the
// next of the range rather than one by chance.

type ports struct {
	tcp, udp []*portUse // in the order in which they were taken
	nextEven uint16     // connect's
	nextOdd  uint16     // bind's and listen's
	nextUDP  uint16
	ids      uint32 // of IP packets
	cookies  uint64 // given out (SO_COOKIE)
}

// A portUse is a socket's hold on its port.
type portUse struct {
	sk               *sock // what it was of, if it is in TIME-WAIT
	port             uint16
	auto             bool // taken by connect: others that connect may have it, too
	gone             bool // in TIME-WAIT
	addr             netip.Addr
	family           int
	v6only           bool
	reuse, reuseport bool
}

func (p *ports) of(sk *sock) *[]*portUse {
	if sk.protocol == abi.IpprotoTCP {
		return &p.tcp
	}
	return &p.udp
}

// overlap reports whether two sockets' addresses have one in common
// (inet_rcv_saddr_equal).
func overlap(a, b *portUse) bool {
	a4, b4 := a.speaks4(), b.speaks4()
	switch {
	case a4 && b4:
		return any4(a.addr) || any4(b.addr) || a.addr == b.addr
	case a4:
		return any6(b.addr) && !b.v6only
	case b4:
		return any6(a.addr) && !a.v6only
	}
	return any6(a.addr) || any6(b.addr) || a.addr == b.addr
}

// speaks4 reports whether the address is IPv4's.
func (u *portUse) speaks4() bool {
	return u.family == abi.AfInet || u.addr.IsValid() && u.addr.Is4()
}

func any4(a netip.Addr) bool { return !a.IsValid() || a.IsUnspecified() }
func any6(a netip.Addr) bool { return !a.IsValid() || a.IsUnspecified() }

// use is what a socket's hold on a port would be.
func (sk *sock) use(addr netip.Addr, port uint16) *portUse {
	return &portUse{sk: sk, port: port, addr: addr, family: sk.family, v6only: sk.v6only,
		reuse: sk.reuseaddr, reuseport: sk.reuseport}
}

// now brings what a socket's options say up to date.
func (u *portUse) now() *portUse {
	if !u.gone {
		u.reuse, u.reuseport, u.v6only = u.sk.reuseaddr, u.sk.reuseport, u.sk.v6only
		u.addr = u.sk.local.Addr()
	}
	return u
}

func (u *portUse) listening() bool {
	tp, ok := u.sk.self.(*tcpSock)
	return !u.gone && ok && tp.state == tcpListen
}

// conflict reports whether a port is taken for a socket. explicit says that the
// script named it.
func (s *Stack) conflict(want *portUse, explicit bool) bool {
	sk := want.sk
	tcp := sk.protocol == abi.IpprotoTCP
	for _, u := range *s.ports.of(sk) {
		if u.sk == sk && !u.gone || u.port != want.port {
			continue
		}
		u.now()
		if sk.bindDevice != "" && u.sk.bindDevice != "" && sk.bindDevice != u.sk.bindDevice || !overlap(want, u) {
			continue
		}
		if want.reuseport && u.reuseport {
			continue
		}
		if tcp {
			if explicit && want.reuse && u.reuse && !u.listening() {
				continue
			}
		} else if want.reuse && u.reuse {
			continue
		}
		return true
	}
	return false
}

// bindPort takes a port for a socket, any if it is 0.
func (s *Stack) bindPort(sk *sock, addr netip.Addr, port uint16) errno {
	if port != 0 {
		u := sk.use(addr, port)
		if s.conflict(u, true) {
			return abi.EADDRINUSE
		}
		s.takePort(u)
		return 0
	}
	next, step := &s.ports.nextUDP, uint16(1)
	if sk.protocol == abi.IpprotoTCP {
		next, step = &s.ports.nextOdd, 2 // connect has the even ones, as long as there are any
	}
	if s.findPort(sk, addr, next, step, step-1) || step == 2 && s.findPort(sk, addr, &s.ports.nextEven, 2, 0) {
		return 0
	}
	return abi.EADDRINUSE
}

// portRange returns the ports that may be taken, the last included.
func (s *Stack) portRange(sk *sock) (low, high int) {
	r := s.sysctl.ipLocalPortRange
	low, high = int(r[0]), int(r[1])
	if sk.portLow != 0 && int(sk.portLow) >= low && int(sk.portLow) <= high {
		low = int(sk.portLow)
	}
	if sk.portHigh != 0 && int(sk.portHigh) >= low && int(sk.portHigh) <= high {
		high = int(sk.portHigh)
	}
	return low, high
}

// findPort takes the next free port of those that are a multiple of step, and first,
// above the start of the range.
func (s *Stack) findPort(sk *sock, addr netip.Addr, next *uint16, step, first uint16) bool {
	low, high := s.portRange(sk)
	low += int(first)
	if low > high {
		return false
	}
	n := (high-low)/int(step) + 1
	at := 0
	if d := int(*next) - low; d >= 0 && *next <= uint16(high) && d%int(step) == 0 {
		at = d / int(step)
	}
	for i := range n {
		port := uint16(low + (at+i)%n*int(step))
		u := sk.use(addr, port)
		if s.conflict(u, false) {
			continue
		}
		*next = port + step
		s.takePort(u)
		return true
	}
	return false
}

func (s *Stack) takePort(u *portUse) {
	list := s.ports.of(u.sk)
	*list = append(*list, u)
	u.sk.local = netip.AddrPortFrom(u.addr, u.port)
}

// autobind takes a port for a socket that has none and is about to send, to listen or
// to be connected.
func (s *Stack) autobind(sk *sock) errno {
	if sk.local.Port() != 0 {
		return 0
	}
	addr := sk.local.Addr()
	if !addr.IsValid() {
		addr = netip.IPv6Unspecified()
		if sk.family == abi.AfInet {
			addr = netip.IPv4Unspecified()
		}
	}
	switch {
	case sk.protocol != abi.IpprotoTCP:
		if s.bindPort(sk, addr, 0) != 0 {
			return abi.EAGAIN
		}
	case sk.remote.IsValid():
		if s.findPort(sk, addr, &s.ports.nextEven, 2, 0) || s.findPort(sk, addr, &s.ports.nextOdd, 2, 1) {
			s.portOf(sk).auto = true
			return 0
		}
		return s.shareAuto(sk, addr)
	default:
		return s.bindPort(sk, addr, 0)
	}
	return 0
}

// shareAuto takes a port that other connections have, to other peers.
func (s *Stack) shareAuto(sk *sock, addr netip.Addr) errno {
	low, high := s.portRange(sk)
	for port := low; port <= high; port++ {
		free := true
		for _, u := range s.ports.tcp {
			if int(u.port) == port && (!u.auto || u.sk.remote == sk.remote) {
				free = false
				break
			}
		}
		if free {
			u := sk.use(addr, uint16(port))
			u.auto = true
			s.takePort(u)
			return 0
		}
	}
	return abi.EADDRNOTAVAIL
}

// portOf returns a socket's hold on its port, or nil.
func (s *Stack) portOf(sk *sock) *portUse {
	for _, u := range *s.ports.of(sk) {
		if u.sk == sk && !u.gone {
			return u
		}
	}
	return nil
}

// listenConflict reports whether a bound socket can't listen, since another has the
// port in a way that only those who don't listen may share.
func (s *Stack) listenConflict(sk *sock) bool {
	return s.conflict(sk.use(sk.local.Addr(), sk.local.Port()), true)
}

// inheritPort gives an accepted connection a hold on its listener's port.
func (s *Stack) inheritPort(child *sock) {
	if s.portOf(child) == nil {
		list := s.ports.of(child)
		*list = append(*list, child.use(child.local.Addr(), child.local.Port()))
	}
}

// keepPort has a socket's port stay taken when the socket goes (TIME-WAIT), until
// the function that it returns is called.
func (s *Stack) keepPort(sk *sock) (drop func()) {
	u := s.portOf(sk)
	if u == nil {
		return func() {}
	}
	u.now().gone = true
	return func() { s.dropUse(u) }
}

// releasePort gives up a socket's port, if it has one.
func (s *Stack) releasePort(sk *sock) {
	if u := s.portOf(sk); u != nil {
		s.dropUse(u)
	}
}

func (s *Stack) dropUse(u *portUse) {
	list := s.ports.of(u.sk)
	*list = slices.DeleteFunc(*list, func(x *portUse) bool { return x == u })
}
