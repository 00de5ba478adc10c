package process

import "tcpdrill/engine/abi"

func (ps *Process) sysSocket(t *Task) (int64, abi.Errno) {
	family, typ, protocol := t.num(0), t.num(1), t.num(2)
	flags := typ &^ abi.SockTypeMask
	if flags&^(abi.SockCloexec|abi.SockNonblock) != 0 {
		return -1, abi.EINVAL
	}
	so, e := ps.newSocket(t, family, typ&abi.SockTypeMask, protocol)
	if e != 0 {
		return -1, e
	}
	fd, e := ps.addFD(&openFile{File: so, flags: abi.ORdwr | flags&abi.SockNonblock}, 0, flags&abi.SockCloexec != 0)
	return int64(fd), e
}

// newSocket finds out which kind of socket is asked for (inet_create).
func (ps *Process) newSocket(t *Task, family, typ, protocol int) (Socket, abi.Errno) {
	switch {
	case family < 0 || family >= abi.AfMax:
		return nil, abi.EAFNOSUPPORT
	case typ >= abi.SockMax:
		return nil, abi.EINVAL
	case family == abi.AfUnix, family == abi.AfNetlink, family == abi.AfPacket:
		return nil, t.No("a socket of family " + OptionName("AF_", int64(family)))
	case family != abi.AfInet && family != abi.AfInet6:
		return nil, abi.EAFNOSUPPORT
	case protocol < 0 || protocol >= abi.IpprotoMax:
		return nil, abi.EINVAL
	}
	ping := abi.IpprotoICMP
	if family == abi.AfInet6 {
		ping = abi.IpprotoICMPv6
	}
	switch typ {
	case abi.SockStream:
		switch protocol {
		case 0, abi.IpprotoTCP:
			return ps.machine.NewSocket(t, family, typ, abi.IpprotoTCP)
		case abi.IpprotoMPTCP, abi.IpprotoSMC:
			return nil, t.No("protocol " + OptionName("IPPROTO_", int64(protocol)))
		}
		return nil, abi.EPROTONOSUPPORT
	case abi.SockDgram:
		switch protocol {
		case 0, abi.IpprotoUDP:
			return ps.machine.NewSocket(t, family, typ, abi.IpprotoUDP)
		case abi.IpprotoUDPLite:
			return nil, t.No("protocol IPPROTO_UDPLITE")
		case ping:
			return ps.machine.NewSocket(t, family, typ, protocol)
		}
		return nil, abi.EPROTONOSUPPORT
	case abi.SockRaw:
		switch {
		case protocol == 0:
			return nil, abi.EPROTONOSUPPORT
		case !ps.Capable(abi.CapNetRaw):
			return nil, abi.EPERM
		}
		return nil, t.No("a raw socket")
	}
	return nil, abi.ESOCKTNOSUPPORT
}

// sockaddrArg reads an address that a call passes with its length
// (move_addr_to_kernel).
func (t *Task) sockaddrArg(i int) ([]byte, abi.Errno) {
	n := t.num(i + 1)
	switch {
	case n < 0 || n > abi.SockaddrStorageLen:
		return nil, abi.EINVAL
	case n == 0:
		return []byte{}, 0
	case t.null(i):
		return nil, abi.EFAULT
	}
	addr := make([]byte, n)
	copy(addr, t.arg(i).Buf)
	return addr, 0
}

// returnAddr writes an address where a call's arguments want it
// (move_addr_to_user).
func (t *Task) returnAddr(i int, addr []byte) abi.Errno {
	size := t.arg(i + 1).Buf
	if len(size) < 4 {
		return abi.EFAULT
	}
	room := int(int32(le.Uint32(size)))
	if room < 0 {
		return abi.EINVAL
	}
	if n := min(room, len(addr)); n > 0 {
		if t.null(i) {
			return abi.EFAULT
		}
		copy(t.arg(i).Buf, addr[:n])
	}
	le.PutUint32(size, uint32(len(addr)))
	return 0
}

func (ps *Process) sysBind(t *Task) (int64, abi.Errno) {
	so, _, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	addr, e := t.sockaddrArg(1)
	if e != 0 {
		return -1, e
	}
	return fails(so.Bind(t, addr))
}

// fails is the result of a call that returns 0 or an error.
func fails(e abi.Errno) (int64, abi.Errno) {
	if e != 0 {
		return -1, e
	}
	return 0, 0
}

func (ps *Process) sysListen(t *Task) (int64, abi.Errno) {
	so, _, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	return fails(so.Listen(t, t.num(1)))
}

func (ps *Process) sysConnect(t *Task) (int64, abi.Errno) {
	so, of, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	addr, e := t.sockaddrArg(1)
	if e != 0 {
		return -1, e
	}
	return fails(so.Connect(t, addr, of.nonblock()))
}

func (ps *Process) sysAccept(t *Task) (int64, abi.Errno) {
	flags := 0
	if t.call.Name == "accept4" {
		flags = t.num(3)
	}
	if flags&^(abi.SockCloexec|abi.SockNonblock) != 0 {
		return -1, abi.EINVAL
	}
	so, of, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	if ps.freeFD(0) >= maxFiles {
		return -1, abi.EMFILE
	}
	child, e := so.Accept(t, of.nonblock())
	if e != 0 {
		return -1, e
	}
	if !t.null(1) {
		// A connection may be gone before it is accepted.
		e := abi.ECONNABORTED
		if name := child.AcceptedName(); name != nil {
			e = t.returnAddr(1, name)
		}
		if e != 0 {
			child.Release(&Task{ps: ps, call: t.call})
			return -1, e
		}
	}
	fd, e := ps.addFD(&openFile{File: child, flags: abi.ORdwr | flags&abi.SockNonblock}, 0, flags&abi.SockCloexec != 0)
	return int64(fd), e
}

func (ps *Process) sysShutdown(t *Task) (int64, abi.Errno) {
	so, _, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	how := t.num(1)
	if how < abi.ShutRd || how > abi.ShutRdwr {
		return -1, abi.EINVAL
	}
	return fails(so.Shutdown(how))
}

func (ps *Process) sysGetsockname(t *Task) (int64, abi.Errno) {
	so, _, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	return fails(t.returnAddr(1, so.LocalName()))
}

func (ps *Process) sysGetpeername(t *Task) (int64, abi.Errno) {
	so, _, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	name, e := so.PeerName()
	if e != 0 {
		return -1, e
	}
	return fails(t.returnAddr(1, name))
}
