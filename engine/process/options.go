package process

import "tcpdrill/engine/abi"

func (ps *Process) sysSetsockopt(t *Task) (int64, abi.Errno) {
	so, _, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	level, name, n := t.num(1), t.num(2), t.num(4)
	if n < 0 {
		return -1, abi.EINVAL
	}
	if t.null(3) {
		return fails(so.SetNull(t, level, name, n))
	}
	val := t.arg(3).Buf
	return fails(so.SetOption(t, level, name, val[:min(n, len(val))]))
}

func (ps *Process) sysGetsockopt(t *Task) (int64, abi.Errno) {
	so, _, e := t.socket(0)
	if e != 0 {
		return -1, e
	}
	level, name := t.num(1), t.num(2)
	size := t.arg(4).Buf
	if len(size) < 4 {
		return -1, abi.EFAULT
	}
	room := int(int32(le.Uint32(size)))
	if room < 0 {
		return -1, abi.EINVAL
	}
	const most = 1 << 16 // no option is as long
	val := make([]byte, min(room, most))
	n, e := so.GetOption(t, level, name, val)
	if e != 0 {
		return -1, e
	}
	if n > 0 {
		if t.null(3) {
			return -1, abi.EFAULT
		}
		copy(t.arg(3).Buf, val[:n])
	}
	le.PutUint32(size, uint32(n))
	return 0, 0
}

// sysCapSet is what libcap's cap_set_flag and cap_set_proc do together: one
// capability put into a set or taken out (capset(2)).
func (ps *Process) sysCapSet(t *Task) (int64, abi.Errno) {
	set, number, value := t.arg(0).Int, t.arg(1).Int, t.arg(2).Int
	if number < 0 || number > abi.CapLastCap || value&^1 != 0 {
		return -1, abi.EINVAL
	}
	old := ps.caps
	c := old
	var which *uint64
	switch set {
	case abi.CapEffective:
		which = &c.effective
	case abi.CapPermitted:
		which = &c.permitted
	case abi.CapInheritable:
		which = &c.inheritable
	default:
		return -1, abi.EINVAL
	}
	*which &^= 1 << number
	*which |= uint64(value) << number
	const setpcap = 8
	switch {
	case !ps.Capable(setpcap) && c.inheritable&^(old.inheritable|old.permitted) != 0,
		c.permitted&^old.permitted != 0,
		c.effective&^c.permitted != 0:
		return -1, abi.EPERM
	}
	ps.caps = c
	return 0, 0
}

func (ps *Process) sysIoctl(t *Task) (int64, abi.Errno) {
	of, e := t.file(0)
	if e != 0 {
		return -1, e
	}
	cmd := int(uint32(t.arg(1).Int))
	arg := t.arg(2).Buf
	switch cmd {
	case abi.Fionclex, abi.Fioclex:
		ps.cloexec[t.num(0)] = cmd == abi.Fioclex
		return 0, 0
	case abi.Fionbio:
		if len(arg) < 4 {
			return -1, abi.EFAULT
		}
		of.flags &^= abi.ONonblock
		if le.Uint32(arg) != 0 {
			of.flags |= abi.ONonblock
		}
		return 0, 0
	case abi.Fioasync:
		return -1, t.No("ioctl FIOASYNC")
	}
	var n int
	switch f := of.File.(type) {
	case Socket:
		switch cmd {
		case abi.Siocinq, abi.Siocoutq, abi.Siocoutqnsd, abi.Siocatmark:
			n, e = f.Ioctl(t, cmd)
		default:
			if name := OptionName("SIOC", int64(cmd)); name != "" {
				return -1, t.No("ioctl " + name)
			}
			return -1, abi.ENOTTY
		}
	case interface{ readable() int }:
		if cmd != abi.Fionread {
			return -1, abi.ENOTTY
		}
		n = f.readable()
	default:
		return -1, abi.ENOTTY
	}
	if e != 0 {
		return -1, e
	}
	if len(arg) < 4 {
		return -1, abi.EFAULT
	}
	le.PutUint32(arg, uint32(n))
	return 0, 0
}
