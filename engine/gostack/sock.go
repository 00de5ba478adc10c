package gostack

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tcpdrill/engine"
	"tcpdrill/script/linux"
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
	sk.v6only = sk.family == afInet6 && s.sysctl.ipv6Bindv6only != 0
	sk.mtuDisc = ipPmtudiscWant
	if s.sysctl.ipNoPmtuDisc != 0 {
		sk.mtuDisc = ipPmtudiscDont
	}
	sk.txrehash = int(s.sysctl.coreTxrehash)
	sk.incomingCPU = -1
	sk.busyPollBudget = 8
	sk.multicastAll, sk.multicastLoop, sk.multicastTTL = true, true, 1
}

// optionName returns the name that scripts have for a number, of those that begin
// with a prefix, or "".
func optionName(prefix string, n int64) string {
	for _, name := range linux.Names() {
		if !strings.HasPrefix(name, prefix) || slices.ContainsFunc(noOptions, func(p string) bool { return strings.HasPrefix(name, p) }) {
			continue
		}
		if v, _ := linux.Value(name); v == n {
			return name
		}
	}
	return ""
}

// noOptions are names, or how they begin, that look like an option's and are none,
// and options that Linux 6.12 hasn't got yet.
var noOptions = []string{
	"SO_EE_", "SO_INQ", "SO_RCVPRIORITY", "SO_PASSRIGHTS", "SO_ORIGINAL_DST", "SO_SECURITY_", "SO_WIFI_STATUS",
	"IP_PMTUDISC", "IP_DEFAULT_", "IP_DF", "IP_MF", "IP_RF", "IP_MSS", "IP_OFFMASK", "IP_MAX",
	"IPV6_FL_", "IPV6_PMTUDISC", "IPV6_PREFER", "IPV6_RTHDR_", "IPV6_VERSION", "IPV6_FLOW_",
}

// Options of multicast routing (MRT_*, MRT6_*).
const (
	mrtFirst = 200
	mrtLast  = 212
)

// missing is the answer to an option that isn't modelled: Linux's, if it has none of
// that number either.
func (t *task) missing(prefix string, n int) errno {
	if n >= mrtFirst && n <= mrtLast && prefix != "SO_" && prefix != "UDP_" {
		return eopnotsupp // on any but a raw socket
	}
	if name := optionName(prefix, int64(n)); name != "" {
		return t.no("socket option " + name)
	}
	return enoprotoopt
}

// setNull is setsockopt with a null pointer for the value.
func (sk *sock) setNull(t *task, so socket, level, name, n int) errno {
	switch {
	case n == 0 || level == solSocket && n < 4 && name != soBindtodevice:
		return sk.setOption(t, so, level, name, nil)
	case level == solIPv6 && sk.family == afInet6:
		return sk.setOption(t, so, level, name, make([]byte, 4))
	}
	return efault
}

// setOption is setsockopt, whatever the level.
func (sk *sock) setOption(t *task, so socket, level, name int, val []byte) errno {
	switch {
	case level == solSocket:
		return sk.setSocketOption(t, name, val)
	case level == sk.protocol:
		return so.setsockopt(t, name, val)
	case level == solIP:
		return sk.setIPOption(t, name, val)
	case level == solIPv6 && sk.family == afInet6:
		return sk.setIPv6Option(t, name, val)
	}
	return enoprotoopt
}

// getOption is getsockopt. It returns how much of val it has written.
func (sk *sock) getOption(t *task, so socket, level, name int, val []byte) (int, errno) {
	switch {
	case level == solSocket:
		return sk.getSocketOption(t, name, val)
	case level == sk.protocol:
		return so.getsockopt(t, name, val)
	case level == solIP:
		return sk.getIPOption(t, name, val)
	case level == solIPv6 && sk.family == afInet6:
		return sk.getIPv6Option(t, name, val)
	case sk.family == afInet:
		return 0, eopnotsupp
	}
	return 0, enoprotoopt
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
	if name == soBindtodevice {
		return sk.setBindDevice(val)
	}
	if len(val) < 4 {
		return einval
	}
	v := int(int32(le.Uint32(val)))
	on := v != 0
	admin := s.capable(capNetAdmin)
	switch name {
	case soDebug:
		if on && !admin {
			return eacces
		}
		sk.debug = on
	case soReuseaddr:
		sk.reuseaddr = on
	case soReuseport:
		sk.reuseport = on
	case soType, soProtocol, soDomain, soError, soAcceptconn, soMeminfo, soCookie, soPeername, soPeercred, soSndlowat,
		soIncomingNapiId, soNetnsCookie, soBpfExtensions, soPeersec, soPeergroups:
		return enoprotoopt
	case soDontroute:
		sk.dontroute = on
	case soBroadcast:
		sk.broadcast = on
	case soSndbuf:
		sk.setSndbuf(int(min(int64(uint32(v)), s.sysctl.coreWmemMax)))
	case soSndbufforce:
		if !admin {
			return eperm
		}
		sk.setSndbuf(max(v, 0))
	case soRcvbuf:
		sk.setRcvbuf(int(min(int64(uint32(v)), s.sysctl.coreRmemMax)))
	case soRcvbufforce:
		if !admin {
			return eperm
		}
		sk.setRcvbuf(max(v, 0))
	case soKeepalive:
		if f, ok := sk.self.(interface{ keepaliveChanged(bool) }); ok {
			f.keepaliveChanged(on)
		}
		sk.keepalive = on
	case soOobinline:
		sk.oobinline = on
	case soNoCheck:
		sk.nocheck = on
	case soPriority:
		if (v < 0 || v > 6) && !admin && !s.capable(capNetRaw) {
			return eperm
		}
		sk.priority = v
	case soLinger:
		if len(val) < 8 {
			return einval
		}
		sk.lingerOn = on
		if on {
			const most = uint32(math.MaxInt64 / time.Second / 2 % math.MaxUint32)
			sk.linger = time.Duration(min(le.Uint32(val[4:]), most)) * time.Second
		}
	case soBsdcompat:
	case soPasscred:
		sk.passcred = on
	case soPasssec:
		sk.passsec = on
	case soTimestamp, soTimestampNew, soTimestampns, soTimestampnsNew:
		ns := name == soTimestampns || name == soTimestampnsNew
		sk.rcvtstamp, sk.rcvtstampns = on && !ns, on && ns
		if on {
			sk.tstampNew = name == soTimestampNew || name == soTimestampnsNew
		}
	case soTimestamping, soTimestampingNew:
		return sk.setTimestamping(name, val)
	case soRcvlowat:
		if v < 0 {
			v = math.MaxInt32
		}
		if f, ok := sk.self.(interface{ setRcvlowat(int) errno }); ok {
			return f.setRcvlowat(v)
		}
		sk.rcvlowat = max(v, 1)
	case soRcvtimeo, soRcvtimeoNew:
		return sk.setTimeout(&sk.rcvtimeo, val)
	case soSndtimeo, soSndtimeoNew:
		return sk.setTimeout(&sk.sndtimeo, val)
	case soDetachFilter, soDetachReuseportBpf:
		return enoent // none can be attached
	case soMark:
		if !s.capable(capNetRaw) && !admin {
			return eperm
		}
		sk.mark = v
	case soRcvmark:
		if !s.capable(capNetRaw) && !admin {
			return eperm
		}
		sk.rcvmark = on
	case soRxqOvfl:
		sk.rxqOvfl = on
	case soNofcs:
		sk.nofcs = on
	case soSelectErrQueue:
		sk.selectErrQueue = on
	case soBusyPoll:
		if v < 0 {
			return einval
		}
		sk.busyPoll = v
	case soPreferBusyPoll:
		if on && !admin {
			return eperm
		}
		sk.preferBusyPoll = on
	case soBusyPollBudget:
		switch {
		case v > sk.busyPollBudget && !admin:
			return eperm
		case v < 0 || v > math.MaxUint16:
			return einval
		}
		sk.busyPollBudget = v
	case soMaxPacingRate:
		sk.setMaxPacingRate(val)
	case soIncomingCpu:
		sk.incomingCPU = v
	case soCnxAdvice:
	case soZerocopy:
		if sk.typ != sockStream && sk.typ != sockDgram {
			return eopnotsupp
		}
		if v < 0 || v > 1 {
			return einval
		}
		sk.zerocopy = on
	case soBufLock:
		if v&^3 != 0 {
			return einval
		}
		sk.sndbufLocked, sk.rcvbufLocked = v&1 != 0, v&2 != 0
	case soTxrehash:
		switch {
		case v < -1 || v > 1:
			return einval
		case v == -1:
			v = int(s.sysctl.coreTxrehash)
		}
		sk.txrehash = v
	default:
		return t.missing("SO_", name)
	}
	return 0
}

func (sk *sock) setBindDevice(val []byte) errno {
	name, _, _ := strings.Cut(string(val[:min(len(val), 15)]), "\x00")
	switch {
	case sk.bindDevice != "" && !sk.s.capable(capNetRaw):
		return eperm
	case name != "" && name != sk.s.dev.name && name != "lo":
		return enodev
	}
	sk.bindDevice = name
	return 0
}

// setTimestamping is SO_TIMESTAMPING.
func (sk *sock) setTimestamping(name int, val []byte) errno {
	const known = sofOptRxFilter<<1 - 1
	v := le.Uint32(val)
	switch {
	case v&^known != 0,
		v&sofOptIdTcp != 0 && v&sofOptId == 0,
		v&sofOptStats != 0 && v&sofOptTsonly == 0:
		return einval
	case v&sofBindPhc != 0:
		if sk.bindDevice == "" {
			return eopnotsupp
		}
		return einval // the device has no clock
	}
	old := sk.timestamping
	sk.timestamping = v
	if v&sofOptId != 0 && old&sofOptId == 0 {
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
	sk.timestampingNew = name == soTimestampingNew
	return 0
}

// setTimeout is SO_RCVTIMEO or SO_SNDTIMEO, which are counted in jiffies.
func (sk *sock) setTimeout(d *time.Duration, val []byte) errno {
	if len(val) < timevalLen {
		return einval
	}
	sec, us := int64(le.Uint64(val)), int64(le.Uint64(val[8:]))
	const most = int64(math.MaxInt64/time.Second) - 1
	switch {
	case us < 0 || us >= 1_000_000:
		return edom
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
	case soDebug:
		v = b2i(sk.debug)
	case soReuseaddr:
		v = b2i(sk.reuseaddr)
	case soReuseport:
		v = b2i(sk.reuseport)
	case soDontroute:
		v = b2i(sk.dontroute)
	case soBroadcast:
		v = b2i(sk.broadcast)
	case soSndbuf:
		v = sk.sndbuf
	case soRcvbuf:
		v = sk.rcvbuf
	case soKeepalive:
		v = b2i(sk.keepalive)
	case soOobinline:
		v = b2i(sk.oobinline)
	case soType:
		v = sk.typ
	case soProtocol:
		v = sk.protocol
	case soDomain:
		v = sk.family
	case soError:
		e := sk.sockError()
		if e == 0 {
			e, sk.softErr = sk.softErr, 0
		}
		v = int(e)
	case soNoCheck:
		v = b2i(sk.nocheck)
	case soPriority:
		v = sk.priority
	case soLinger:
		a := intAnswer(b2i(sk.lingerOn))
		return copy(val, append(a, intAnswer(int(sk.linger/time.Second))...)), 0
	case soBsdcompat:
	case soTimestamp, soTimestampNew:
		v = b2i(sk.rcvtstamp && sk.tstampNew == (name == soTimestampNew))
	case soTimestampns, soTimestampnsNew:
		v = b2i(sk.rcvtstampns && sk.tstampNew == (name == soTimestampnsNew))
	case soTimestamping, soTimestampingNew:
		flags := uint32(0)
		if sk.timestampingNew == (name == soTimestampingNew) {
			flags = sk.timestamping
		}
		return copy(val, le.AppendUint32(le.AppendUint32(nil, flags), 0)), 0
	case soRcvtimeo, soRcvtimeoNew:
		return copy(val, timevalAnswer(sk.rcvtimeo)), 0
	case soSndtimeo, soSndtimeoNew:
		return copy(val, timevalAnswer(sk.sndtimeo)), 0
	case soRcvlowat:
		v = sk.rcvlowat
	case soSndlowat:
		v = 1
	case soPasscred:
		v = b2i(sk.passcred)
	case soPasssec:
		v = b2i(sk.passsec)
	case soPeercred: // nobody's
		a := append(intAnswer(0), intAnswer(-1)...)
		return copy(val, append(a, intAnswer(-1)...)), 0
	case soPeername:
		if !sk.hasPeer() {
			return 0, enotconn
		}
		a := sk.putSockaddr(sk.remote)
		if len(a) < len(val) {
			return 0, einval
		}
		return copy(val, a), 0
	case soAcceptconn:
		tp, ok := sk.self.(*tcpSock)
		v = b2i(ok && tp.state == tcpListen)
	case soMark:
		v = sk.mark
	case soRcvmark:
		v = b2i(sk.rcvmark)
	case soRxqOvfl:
		v = b2i(sk.rxqOvfl)
	case soPeekOff:
		v = -1
	case soNofcs:
		v = b2i(sk.nofcs)
	case soBindtodevice:
		if sk.bindDevice == "" {
			return 0, 0
		}
		if len(val) < 16 {
			return 0, einval
		}
		return copy(val, sk.bindDevice+"\x00"), 0
	case soBindtoifindex:
		switch sk.bindDevice {
		case "":
		case "lo":
			v = 1
		default:
			v = 2
		}
	case soAttachFilter:
		return 0, 0
	case soLockFilter:
	case soBpfExtensions:
		v = 64
	case soSelectErrQueue:
		v = b2i(sk.selectErrQueue)
	case soBusyPoll:
		v = sk.busyPoll
	case soPreferBusyPoll:
		v = b2i(sk.preferBusyPoll)
	case soMaxPacingRate:
		if len(val) >= 8 {
			return copy(val, le.AppendUint64(nil, sk.maxPacingRate)), 0
		}
		v = int(uint32(min(sk.maxPacingRate, math.MaxUint32)))
	case soIncomingCpu:
		if v = sk.incomingCPU; v < 0 && sk.hasPeer() {
			v = 0 // there is one
		}
	case soMeminfo:
		return copy(val, sk.meminfo()), 0
	case soIncomingNapiId:
	case soCookie:
		if len(val) < 8 {
			return 0, einval
		}
		if sk.cookie == 0 {
			sk.s.ports.cookies++
			sk.cookie = sk.s.ports.cookies
		}
		return copy(val, le.AppendUint64(nil, sk.cookie)), 0
	case soNetnsCookie:
		if len(val) != 8 {
			return 0, einval
		}
		return copy(val, le.AppendUint64(nil, 1)), 0
	case soZerocopy:
		v = b2i(sk.zerocopy)
	case soBufLock:
		v = b2i(sk.sndbufLocked) | b2i(sk.rcvbufLocked)<<1
	case soReserveMem:
	case soTxrehash:
		v = sk.txrehash
	case soSndbufforce, soRcvbufforce, soDetachFilter, soAttachBpf, soAttachReuseportCbpf, soAttachReuseportEbpf,
		soDetachReuseportBpf, soCnxAdvice:
		return 0, enoprotoopt // they can only be set
	default:
		return 0, t.missing("SO_", name)
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
	for len(p) >= cmsgHeaderLen {
		n := le.Uint64(p)
		if n < cmsgHeaderLen || n > uint64(len(p)) {
			return nil, einval
		}
		list = append(list, cmsg{int(int32(le.Uint32(p[8:]))), int(int32(le.Uint32(p[12:]))), p[cmsgHeaderLen:n]})
		p = p[min((n+7)&^7, uint64(len(p))):]
	}
	return list, 0
}

// checkSendCmsgs takes the control messages of SOL_SOCKET (sock_cmsg_send). TCP
// passes over all others.
func (sk *sock) checkSendCmsgs(t *task, m *message) errno {
	list, e := parseCmsgs(m.control)
	if e != 0 {
		return e
	}
	for _, c := range list {
		if c.level != solSocket {
			continue
		}
		if e := sk.socketCmsg(t, c); e != 0 {
			return e
		}
	}
	return 0
}

func (sk *sock) socketCmsg(t *task, c cmsg) errno {
	const txRecord = sofTxHardware | sofTxSoftware | sofTxSched | sofTxAck
	switch c.typ {
	case soMark:
		if !sk.s.capable(capNetRaw) && !sk.s.capable(capNetAdmin) {
			return eperm
		}
		if len(c.data) != 4 {
			return einval
		}
	case soTimestamping, soTimestampingNew:
		if len(c.data) != 4 || le.Uint32(c.data)&^txRecord != 0 {
			return einval
		}
		t.tsflags = le.Uint32(c.data)
	case scmTxtime:
		return einval // SO_TXTIME is off
	case scmTsOptId:
		if sk.protocol == ipprotoTCP || sk.timestamping&sofOptId == 0 || len(c.data) != 4 {
			return einval
		}
		return t.no("control message SCM_TS_OPT_ID")
	case scmRights, scmCredentials:
	default:
		return einval
	}
	return 0
}

// putCmsg adds a control message to what a receive returns, cut if there isn't room
// (put_cmsg).
func (sk *sock) putCmsg(m *message, level, typ int, data []byte) {
	room := m.controlRoom - len(m.outControl)
	if room < cmsgHeaderLen {
		m.outFlags |= msgCtrunc
		return
	}
	n := cmsgHeaderLen + len(data)
	if n > room {
		m.outFlags |= msgCtrunc
		n = room
	}
	p := le.AppendUint64(m.outControl, uint64(n))
	p = le.AppendUint32(p, uint32(level))
	p = le.AppendUint32(p, uint32(typ))
	p = append(p, data[:n-cmsgHeaderLen]...)
	for len(p)%8 != 0 && len(p) < m.controlRoom {
		p = append(p, 0)
	}
	m.outControl = p
}

// putPktinfo is the control message that says which address a packet was sent to.
func (sk *sock) putPktinfo(m *message, dst netip.Addr) {
	const index = 2 // of the device; the loopback is 1
	if dst.Is4() {
		p := le.AppendUint32(nil, index)
		p = append(p, dst.AsSlice()...)
		sk.putCmsg(m, solIP, ipPktinfo, append(p, dst.AsSlice()...))
		return
	}
	sk.putCmsg(m, solIPv6, ipv6Pktinfo, le.AppendUint32(dst.AsSlice(), index))
}
