package gostack

import (
	"math"
	"net/netip"
	"strings"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
)

// Options of sockets: SOL_SOCKET, SOL_IP and SOL_IPV6.

// A moreSock is what only this file and its neighbours need of a socket.
type moreSock struct {
	bindDevice              string // SO_BINDTODEVICE
	bindNoPort              bool   // IP_BIND_ADDRESS_NO_PORT
	addrBound, portBound    bool   // by bind
	portLow, portHigh       uint16 // IP_LOCAL_PORT_RANGE
	tstampNew               bool   // the stamps asked for are those of SO_TIMESTAMP_NEW and the like
	timestampingNew         bool
	rxqOvfl, rcvmark        bool
	nocheck, nofcs, debug   bool
	selectErrQueue          bool
	txrehash                int
	incomingCPU             int
	preferBusyPoll          bool
	busyPollBudget          int
	cookie                  uint64
	passcred, passsec       bool
	dontfrag                bool
	sndflow                 bool // IPV6_FLOWINFO_SEND
	recvopts, retopts       bool
	recvorigdst, rxchecksum bool
	recvfragsize            bool
	recverrRFC4884          int
	pktinfo6, recvtclass6   bool
	recvhoplimit6           bool
	multicastAll            bool
	multicastLoop           bool
	multicastTTL            int
	errPackets              map[*errEntry]*datagram // the ICMP messages themselves
}

// Bounds of buffers.
const (
	minSndbuf = 4608 // SOCK_MIN_SNDBUF
	minRcvbuf = 2304 // SOCK_MIN_RCVBUF
)

// initSock gives a socket the defaults that all have.
func (sk *sock) initSock() {
	s := sk.s
	sk.sndbuf, sk.rcvbuf = int(s.sysctl.coreWmemDefault), int(s.sysctl.coreRmemDefault)
	sk.rcvlowat = 1
	sk.sndtimeo, sk.rcvtimeo = engine.Forever, engine.Forever
	sk.pacingRate, sk.maxPacingRate = math.MaxUint64, math.MaxUint64
	sk.ttl, sk.autoflow = -1, -1
	sk.v6only = sk.family == abi.AfInet6 && s.sysctl.ipv6Bindv6only != 0
	sk.mtuDisc = abi.IpPmtudiscWant
	if s.sysctl.ipNoPmtuDisc != 0 {
		sk.mtuDisc = abi.IpPmtudiscDont
	}
	sk.txrehash = int(s.sysctl.coreTxrehash)
	sk.incomingCPU = -1
	sk.busyPollBudget = 8
	sk.multicastAll, sk.multicastLoop, sk.multicastTTL = true, true, 1
}

// setNull is setsockopt with a null pointer for the value.
func (sk *sock) setNull(t *task, so socket, level, name, n int) errno {
	switch {
	case n == 0 || level == abi.SolSocket && n < 4 && name != abi.SoBindtodevice:
		return sk.setOption(t, so, level, name, nil)
	case level == abi.SolIPv6 && sk.family == abi.AfInet6:
		return sk.setOption(t, so, level, name, make([]byte, 4))
	}
	return abi.EFAULT
}

// setOption is setsockopt, whatever the level.
func (sk *sock) setOption(t *task, so socket, level, name int, val []byte) errno {
	switch {
	case level == abi.SolSocket:
		return sk.setSocketOption(t, name, val)
	case level == sk.protocol:
		return so.setsockopt(t, name, val)
	case level == abi.SolIP:
		return sk.setIPOption(t, name, val)
	case level == abi.SolIPv6 && sk.family == abi.AfInet6:
		return sk.setIPv6Option(t, name, val)
	}
	return abi.ENOPROTOOPT
}

// getOption is getsockopt. It returns how much of val it has written.
func (sk *sock) getOption(t *task, so socket, level, name int, val []byte) (int, errno) {
	switch {
	case level == abi.SolSocket:
		return sk.getSocketOption(t, name, val)
	case level == sk.protocol:
		return so.getsockopt(t, name, val)
	case level == abi.SolIP:
		return sk.getIPOption(t, name, val)
	case level == abi.SolIPv6 && sk.family == abi.AfInet6:
		return sk.getIPv6Option(t, name, val)
	case sk.family == abi.AfInet:
		return 0, abi.EOPNOTSUPP
	}
	return 0, abi.ENOPROTOOPT
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// setSndbuf is SO_SNDBUF: twice what is asked for, since buffers take memory beside
// their data.
func (sk *sock) setSndbuf(v int) {
	sk.sndbufLocked = true
	sk.sndbuf = max(2*min(v, math.MaxInt32/2), minSndbuf)
	if f, ok := sk.self.(interface{ writeSpace() }); ok {
		f.writeSpace()
	}
}

func (sk *sock) setRcvbuf(v int) {
	sk.rcvbufLocked = true
	sk.rcvbuf = max(2*min(v, math.MaxInt32/2), minRcvbuf)
}

// setSocketOption is sk_setsockopt.
func (sk *sock) setSocketOption(t *task, name int, val []byte) errno {
	s := sk.s
	if name == abi.SoBindtodevice {
		return sk.setBindDevice(val)
	}
	if len(val) < 4 {
		return abi.EINVAL
	}
	v := int(int32(le.Uint32(val)))
	on := v != 0
	admin := s.Capable(abi.CapNetAdmin)
	switch name {
	case abi.SoDebug:
		if on && !admin {
			return abi.EACCES
		}
		sk.debug = on
	case abi.SoReuseaddr:
		sk.reuseaddr = on
	case abi.SoReuseport:
		sk.reuseport = on
	case abi.SoType, abi.SoProtocol, abi.SoDomain, abi.SoError, abi.SoAcceptconn, abi.SoMeminfo, abi.SoCookie, abi.SoPeername, abi.SoPeercred, abi.SoSndlowat,
		abi.SoIncomingNapiId, abi.SoNetnsCookie, abi.SoBpfExtensions, abi.SoPeersec, abi.SoPeergroups:
		return abi.ENOPROTOOPT
	case abi.SoDontroute:
		sk.dontroute = on
	case abi.SoBroadcast:
		sk.broadcast = on
	case abi.SoSndbuf:
		sk.setSndbuf(int(min(int64(uint32(v)), s.sysctl.coreWmemMax)))
	case abi.SoSndbufforce:
		if !admin {
			return abi.EPERM
		}
		sk.setSndbuf(max(v, 0))
	case abi.SoRcvbuf:
		sk.setRcvbuf(int(min(int64(uint32(v)), s.sysctl.coreRmemMax)))
	case abi.SoRcvbufforce:
		if !admin {
			return abi.EPERM
		}
		sk.setRcvbuf(max(v, 0))
	case abi.SoKeepalive:
		if f, ok := sk.self.(interface{ keepaliveChanged(bool) }); ok {
			f.keepaliveChanged(on)
		}
		sk.keepalive = on
	case abi.SoOobinline:
		sk.oobinline = on
	case abi.SoNoCheck:
		sk.nocheck = on
	case abi.SoPriority:
		if (v < 0 || v > 6) && !admin && !s.Capable(abi.CapNetRaw) {
			return abi.EPERM
		}
		sk.priority = v
	case abi.SoLinger:
		if len(val) < 8 {
			return abi.EINVAL
		}
		sk.lingerOn = on
		if on {
			const most = uint32(math.MaxInt64 / time.Second / 2 % math.MaxUint32)
			sk.linger = time.Duration(min(le.Uint32(val[4:]), most)) * time.Second
		}
	case abi.SoBsdcompat:
	case abi.SoPasscred:
		sk.passcred = on
	case abi.SoPasssec:
		sk.passsec = on
	case abi.SoTimestamp, abi.SoTimestampNew, abi.SoTimestampns, abi.SoTimestampnsNew:
		ns := name == abi.SoTimestampns || name == abi.SoTimestampnsNew
		sk.rcvtstamp, sk.rcvtstampns = on && !ns, on && ns
		if on {
			sk.tstampNew = name == abi.SoTimestampNew || name == abi.SoTimestampnsNew
		}
	case abi.SoTimestamping, abi.SoTimestampingNew:
		return sk.setTimestamping(name, val)
	case abi.SoRcvlowat:
		if v < 0 {
			v = math.MaxInt32
		}
		if f, ok := sk.self.(interface{ setRcvlowat(int) errno }); ok {
			return f.setRcvlowat(v)
		}
		sk.rcvlowat = max(v, 1)
	case abi.SoRcvtimeo, abi.SoRcvtimeoNew:
		return sk.setTimeout(&sk.rcvtimeo, val)
	case abi.SoSndtimeo, abi.SoSndtimeoNew:
		return sk.setTimeout(&sk.sndtimeo, val)
	case abi.SoDetachFilter, abi.SoDetachReuseportBpf:
		return abi.ENOENT // none can be attached
	case abi.SoMark:
		if !s.Capable(abi.CapNetRaw) && !admin {
			return abi.EPERM
		}
		sk.mark = v
	case abi.SoRcvmark:
		if !s.Capable(abi.CapNetRaw) && !admin {
			return abi.EPERM
		}
		sk.rcvmark = on
	case abi.SoRxqOvfl:
		sk.rxqOvfl = on
	case abi.SoNofcs:
		sk.nofcs = on
	case abi.SoSelectErrQueue:
		sk.selectErrQueue = on
	case abi.SoBusyPoll:
		if v < 0 {
			return abi.EINVAL
		}
		sk.busyPoll = v
	case abi.SoPreferBusyPoll:
		if on && !admin {
			return abi.EPERM
		}
		sk.preferBusyPoll = on
	case abi.SoBusyPollBudget:
		switch {
		case v > sk.busyPollBudget && !admin:
			return abi.EPERM
		case v < 0 || v > math.MaxUint16:
			return abi.EINVAL
		}
		sk.busyPollBudget = v
	case abi.SoMaxPacingRate:
		sk.setMaxPacingRate(val)
	case abi.SoIncomingCpu:
		sk.incomingCPU = v
	case abi.SoCnxAdvice:
	case abi.SoZerocopy:
		if sk.typ != abi.SockStream && sk.typ != abi.SockDgram {
			return abi.EOPNOTSUPP
		}
		if v < 0 || v > 1 {
			return abi.EINVAL
		}
		sk.zerocopy = on
	case abi.SoBufLock:
		if v&^3 != 0 {
			return abi.EINVAL
		}
		sk.sndbufLocked, sk.rcvbufLocked = v&1 != 0, v&2 != 0
	case abi.SoTxrehash:
		switch {
		case v < -1 || v > 1:
			return abi.EINVAL
		case v == -1:
			v = int(s.sysctl.coreTxrehash)
		}
		sk.txrehash = v
	default:
		return t.Missing("SO_", name)
	}
	return 0
}

func (sk *sock) setBindDevice(val []byte) errno {
	name, _, _ := strings.Cut(string(val[:min(len(val), 15)]), "\x00")
	switch {
	case sk.bindDevice != "" && !sk.s.Capable(abi.CapNetRaw):
		return abi.EPERM
	case name != "" && name != sk.s.dev.name && name != "lo":
		return abi.ENODEV
	}
	sk.bindDevice = name
	return 0
}

// setTimestamping is SO_TIMESTAMPING.
func (sk *sock) setTimestamping(name int, val []byte) errno {
	const known = abi.SofOptRxFilter<<1 - 1
	v := le.Uint32(val)
	switch {
	case v&^known != 0,
		v&abi.SofOptIdTcp != 0 && v&abi.SofOptId == 0,
		v&abi.SofOptStats != 0 && v&abi.SofOptTsonly == 0:
		return abi.EINVAL
	case v&abi.SofBindPhc != 0:
		if sk.bindDevice == "" {
			return abi.EOPNOTSUPP
		}
		return abi.EINVAL // the device has no clock
	}
	old := sk.timestamping
	sk.timestamping = v
	if v&abi.SofOptId != 0 && old&abi.SofOptId == 0 {
		key := uint32(0)
		if f, ok := sk.self.(interface{ tskeyBase() (uint32, errno) }); ok {
			var e errno
			if key, e = f.tskeyBase(); e != 0 {
				sk.timestamping = old
				return e
			}
		}
		sk.tskey = key
	}
	sk.timestampingNew = name == abi.SoTimestampingNew
	return 0
}

// setTimeout is SO_RCVTIMEO or SO_SNDTIMEO, which are counted in jiffies.
func (sk *sock) setTimeout(d *time.Duration, val []byte) errno {
	if len(val) < abi.TimevalLen {
		return abi.EINVAL
	}
	sec, us := int64(le.Uint64(val)), int64(le.Uint64(val[8:]))
	const most = int64(math.MaxInt64/time.Second) - 1
	switch {
	case us < 0 || us >= 1_000_000:
		return abi.EDOM
	case sec < 0:
		*d = 0 // Linux warns, and doesn't wait
	case sec == 0 && us == 0, sec >= most:
		*d = engine.Forever
	default:
		tick := sk.s.tick
		*d = time.Duration(sec)*time.Second + (time.Duration(us)*time.Microsecond+tick-1)/tick*tick
	}
	return 0
}

// setMaxPacingRate is SO_MAX_PACING_RATE: 32 bits or 64, all ones for none.
func (sk *sock) setMaxPacingRate(val []byte) {
	rate := uint64(le.Uint32(val))
	if rate == math.MaxUint32 {
		rate = math.MaxUint64
	}
	if len(val) >= 8 {
		rate = le.Uint64(val)
	}
	if tp, ok := sk.self.(*tcpSock); ok && rate != math.MaxUint64 && tp.pacingStatus == pacingNone {
		tp.pacingStatus = pacingNeeded
	}
	sk.maxPacingRate = rate
	sk.pacingRate = min(sk.pacingRate, rate)
}

// An answer is an option's value; getsockopt returns as much of it as there is room
// for.
type answer []byte

func intAnswer(v int) answer { return le.AppendUint32(nil, uint32(v)) }

// getSocketOption is sk_getsockopt.
func (sk *sock) getSocketOption(t *task, name int, val []byte) (int, errno) {
	v := 0
	switch name {
	case abi.SoDebug:
		v = b2i(sk.debug)
	case abi.SoReuseaddr:
		v = b2i(sk.reuseaddr)
	case abi.SoReuseport:
		v = b2i(sk.reuseport)
	case abi.SoDontroute:
		v = b2i(sk.dontroute)
	case abi.SoBroadcast:
		v = b2i(sk.broadcast)
	case abi.SoSndbuf:
		v = sk.sndbuf
	case abi.SoRcvbuf:
		v = sk.rcvbuf
	case abi.SoKeepalive:
		v = b2i(sk.keepalive)
	case abi.SoOobinline:
		v = b2i(sk.oobinline)
	case abi.SoType:
		v = sk.typ
	case abi.SoProtocol:
		v = sk.protocol
	case abi.SoDomain:
		v = sk.family
	case abi.SoError:
		e := sk.sockError()
		if e == 0 {
			e, sk.softErr = sk.softErr, 0
		}
		v = int(e)
	case abi.SoNoCheck:
		v = b2i(sk.nocheck)
	case abi.SoPriority:
		v = sk.priority
	case abi.SoLinger:
		a := intAnswer(b2i(sk.lingerOn))
		return copy(val, append(a, intAnswer(int(sk.linger/time.Second))...)), 0
	case abi.SoBsdcompat:
	case abi.SoTimestamp, abi.SoTimestampNew:
		v = b2i(sk.rcvtstamp && sk.tstampNew == (name == abi.SoTimestampNew))
	case abi.SoTimestampns, abi.SoTimestampnsNew:
		v = b2i(sk.rcvtstampns && sk.tstampNew == (name == abi.SoTimestampnsNew))
	case abi.SoTimestamping, abi.SoTimestampingNew:
		flags := uint32(0)
		if sk.timestampingNew == (name == abi.SoTimestampingNew) {
			flags = sk.timestamping
		}
		return copy(val, le.AppendUint32(le.AppendUint32(nil, flags), 0)), 0
	case abi.SoRcvtimeo, abi.SoRcvtimeoNew:
		return copy(val, timevalAnswer(sk.rcvtimeo)), 0
	case abi.SoSndtimeo, abi.SoSndtimeoNew:
		return copy(val, timevalAnswer(sk.sndtimeo)), 0
	case abi.SoRcvlowat:
		v = sk.rcvlowat
	case abi.SoSndlowat:
		v = 1
	case abi.SoPasscred:
		v = b2i(sk.passcred)
	case abi.SoPasssec:
		v = b2i(sk.passsec)
	case abi.SoPeercred: // nobody's
		a := append(intAnswer(0), intAnswer(-1)...)
		return copy(val, append(a, intAnswer(-1)...)), 0
	case abi.SoPeername:
		if !sk.hasPeer() {
			return 0, abi.ENOTCONN
		}
		a := sk.putSockaddr(sk.remote)
		if len(a) < len(val) {
			return 0, abi.EINVAL
		}
		return copy(val, a), 0
	case abi.SoAcceptconn:
		tp, ok := sk.self.(*tcpSock)
		v = b2i(ok && tp.state == tcpListen)
	case abi.SoMark:
		v = sk.mark
	case abi.SoRcvmark:
		v = b2i(sk.rcvmark)
	case abi.SoRxqOvfl:
		v = b2i(sk.rxqOvfl)
	case abi.SoPeekOff:
		v = -1
	case abi.SoNofcs:
		v = b2i(sk.nofcs)
	case abi.SoBindtodevice:
		if sk.bindDevice == "" {
			return 0, 0
		}
		if len(val) < 16 {
			return 0, abi.EINVAL
		}
		return copy(val, sk.bindDevice+"\x00"), 0
	case abi.SoBindtoifindex:
		switch sk.bindDevice {
		case "":
		case "lo":
			v = 1
		default:
			v = 2
		}
	case abi.SoAttachFilter:
		return 0, 0
	case abi.SoLockFilter:
	case abi.SoBpfExtensions:
		v = 64
	case abi.SoSelectErrQueue:
		v = b2i(sk.selectErrQueue)
	case abi.SoBusyPoll:
		v = sk.busyPoll
	case abi.SoPreferBusyPoll:
		v = b2i(sk.preferBusyPoll)
	case abi.SoMaxPacingRate:
		if len(val) >= 8 {
			return copy(val, le.AppendUint64(nil, sk.maxPacingRate)), 0
		}
		v = int(uint32(min(sk.maxPacingRate, math.MaxUint32)))
	case abi.SoIncomingCpu:
		if v = sk.incomingCPU; v < 0 && sk.hasPeer() {
			v = 0 // there is one
		}
	case abi.SoMeminfo:
		return copy(val, sk.meminfo()), 0
	case abi.SoIncomingNapiId:
	case abi.SoCookie:
		if len(val) < 8 {
			return 0, abi.EINVAL
		}
		if sk.cookie == 0 {
			sk.s.ports.cookies++
			sk.cookie = sk.s.ports.cookies
		}
		return copy(val, le.AppendUint64(nil, sk.cookie)), 0
	case abi.SoNetnsCookie:
		if len(val) != 8 {
			return 0, abi.EINVAL
		}
		return copy(val, le.AppendUint64(nil, 1)), 0
	case abi.SoZerocopy:
		v = b2i(sk.zerocopy)
	case abi.SoBufLock:
		v = b2i(sk.sndbufLocked) | b2i(sk.rcvbufLocked)<<1
	case abi.SoReserveMem:
	case abi.SoTxrehash:
		v = sk.txrehash
	case abi.SoSndbufforce, abi.SoRcvbufforce, abi.SoDetachFilter, abi.SoAttachBpf, abi.SoAttachReuseportCbpf, abi.SoAttachReuseportEbpf,
		abi.SoDetachReuseportBpf, abi.SoCnxAdvice:
		return 0, abi.ENOPROTOOPT // they can only be set
	default:
		return 0, t.Missing("SO_", name)
	}
	return copy(val, intAnswer(v)), 0
}

func timevalAnswer(d time.Duration) answer {
	if d == engine.Forever {
		d = 0
	}
	a := le.AppendUint64(nil, uint64(d/time.Second))
	return le.AppendUint64(a, uint64(d%time.Second/time.Microsecond))
}

// meminfo is SO_MEMINFO.
func (sk *sock) meminfo() answer {
	var a answer
	for _, n := range []int{sk.rmemAlloc, sk.rcvbuf, sk.wmemAlloc, sk.sndbuf, sk.fwdAlloc, sk.wmemQueued, 0, 0, sk.drops} {
		a = le.AppendUint32(a, uint32(n))
	}
	return a
}

// A cmsg is a control message that a script sends.
type cmsg struct {
	level, typ int
	data       []byte
}

// parseCmsgs takes apart the control messages of a send.
func parseCmsgs(p []byte) ([]cmsg, errno) {
	var list []cmsg
	for len(p) >= abi.CmsgHeaderLen {
		n := le.Uint64(p)
		if n < abi.CmsgHeaderLen || n > uint64(len(p)) {
			return nil, abi.EINVAL
		}
		list = append(list, cmsg{int(int32(le.Uint32(p[8:]))), int(int32(le.Uint32(p[12:]))), p[abi.CmsgHeaderLen:n]})
		p = p[min((n+7)&^7, uint64(len(p))):]
	}
	return list, 0
}

// checkSendCmsgs takes the control messages of SOL_SOCKET (sock_cmsg_send). TCP
// passes over all others.
func (sk *sock) checkSendCmsgs(t *task, m *message) errno {
	list, e := parseCmsgs(m.Control)
	if e != 0 {
		return e
	}
	for _, c := range list {
		if c.level != abi.SolSocket {
			continue
		}
		if e := sk.socketCmsg(t, c); e != 0 {
			return e
		}
	}
	return 0
}

func (sk *sock) socketCmsg(t *task, c cmsg) errno {
	const txRecord = abi.SofTxHardware | abi.SofTxSoftware | abi.SofTxSched | abi.SofTxAck
	switch c.typ {
	case abi.SoMark:
		if !sk.s.Capable(abi.CapNetRaw) && !sk.s.Capable(abi.CapNetAdmin) {
			return abi.EPERM
		}
		if len(c.data) != 4 {
			return abi.EINVAL
		}
	case abi.SoTimestamping, abi.SoTimestampingNew:
		if len(c.data) != 4 || le.Uint32(c.data)&^txRecord != 0 {
			return abi.EINVAL
		}
		kept(t).tsflags = le.Uint32(c.data)
	case abi.ScmTxtime:
		return abi.EINVAL // SO_TXTIME is off
	case abi.ScmTsOptId:
		if sk.protocol == abi.IpprotoTCP || sk.timestamping&abi.SofOptId == 0 || len(c.data) != 4 {
			return abi.EINVAL
		}
		return t.No("control message SCM_TS_OPT_ID")
	case abi.ScmRights, abi.ScmCredentials:
	default:
		return abi.EINVAL
	}
	return 0
}

// putCmsg adds a control message to what a receive returns, cut if there isn't room
// (put_cmsg).
func (sk *sock) putCmsg(m *message, level, typ int, data []byte) {
	room := m.ControlRoom - len(m.OutControl)
	if room < abi.CmsgHeaderLen {
		m.OutFlags |= abi.MsgCtrunc
		return
	}
	n := abi.CmsgHeaderLen + len(data)
	if n > room {
		m.OutFlags |= abi.MsgCtrunc
		n = room
	}
	p := le.AppendUint64(m.OutControl, uint64(n))
	p = le.AppendUint32(p, uint32(level))
	p = le.AppendUint32(p, uint32(typ))
	p = append(p, data[:n-abi.CmsgHeaderLen]...)
	for len(p)%8 != 0 && len(p) < m.ControlRoom {
		p = append(p, 0)
	}
	m.OutControl = p
}

// putPktinfo is the control message that says which address a packet was sent to.
func (sk *sock) putPktinfo(m *message, dst netip.Addr) {
	const index = 2 // of the device; the loopback is 1
	if dst.Is4() {
		p := le.AppendUint32(nil, index)
		p = append(p, dst.AsSlice()...)
		sk.putCmsg(m, abi.SolIP, abi.IpPktinfo, append(p, dst.AsSlice()...))
		return
	}
	sk.putCmsg(m, abi.SolIPv6, abi.Ipv6Pktinfo, le.AppendUint32(dst.AsSlice(), index))
}
