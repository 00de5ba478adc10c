package netstack

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
	"tcpdrill/engine/process"
)

// Options of sockets. netstack answers success to options that it hasn't got, and keeps
// some that it then does nothing about: what isn't in these lists is unsupported.

var le = binary.LittleEndian

// SetNull implements process.Socket.
func (so *socket) SetNull(t *process.Task, level, name, n int) abi.Errno {
	if n == 0 {
		return so.SetOption(t, level, name, nil)
	}
	return abi.EFAULT
}

// SetOption implements process.Socket.
func (so *socket) SetOption(t *process.Task, level, name int, val []byte) abi.Errno {
	switch {
	case level == abi.SolSocket:
		return so.setSocketOption(t, name, val)
	case level == abi.SolTCP:
		return so.setTCPOption(t, name, val)
	case level == abi.SolIP && so.family == abi.AfInet:
		return so.setIPOption(t, name, val)
	case level == abi.SolIPv6 && so.family == abi.AfInet6:
		return so.setIPv6Option(t, name, val)
	case level == abi.SolIP && so.family == abi.AfInet6:
		return t.No("an option of SOL_IP on an IPv6 socket")
	}
	return abi.ENOPROTOOPT
}

// GetOption implements process.Socket.
func (so *socket) GetOption(t *process.Task, level, name int, val []byte) (int, abi.Errno) {
	if level == abi.SolTCP && name == abi.TcpOptInfo {
		return copy(val, so.info()), 0
	}
	var answer []byte
	var e abi.Errno
	switch {
	case level == abi.SolSocket:
		answer, e = so.socketOption(t, name)
	case level == abi.SolTCP:
		answer, e = so.tcpOption(t, name)
	case level == abi.SolIP && so.family == abi.AfInet:
		answer, e = so.ipOption(t, name)
	case level == abi.SolIPv6 && so.family == abi.AfInet6:
		answer, e = so.ipv6Option(t, name)
	case level == abi.SolIP && so.family == abi.AfInet6:
		e = t.No("an option of SOL_IP on an IPv6 socket")
	case so.family == abi.AfInet:
		e = abi.EOPNOTSUPP
	default:
		e = abi.ENOPROTOOPT
	}
	if e != 0 {
		return 0, e
	}
	return copy(val, answer), 0
}

// number is an option that is an int.
func number(n int) []byte { return le.AppendUint32(nil, uint32(n)) }

func flag(on bool) []byte {
	if on {
		return number(1)
	}
	return number(0)
}

// seconds is an option in whole seconds.
func seconds(d time.Duration) []byte { return number(int(d / time.Second)) }

// timeval is a struct timeval; engine.Forever is 0.
func timeval(d time.Duration) []byte {
	if d == engine.Forever {
		d = 0
	}
	b := le.AppendUint64(nil, uint64(d/time.Second))
	return le.AppendUint64(b, uint64(d%time.Second/time.Microsecond))
}

// only is the answer to a value of an option which netstack has only with another one.
func only(t *process.Task, ok bool, what string) abi.Errno {
	if ok {
		return 0
	}
	return t.No(what)
}

func (so *socket) setSocketOption(t *process.Task, name int, val []byte) abi.Errno {
	if len(val) < 4 {
		return abi.EINVAL
	}
	v := int(int32(le.Uint32(val)))
	on := v != 0
	o := so.ep.SocketOptions()
	switch name {
	case abi.SoReuseaddr:
		o.SetReuseAddress(on)
	case abi.SoReuseport:
		o.SetReusePort(on)
	case abi.SoKeepalive:
		o.SetKeepAlive(on)
	case abi.SoSndbuf:
		least, most := o.SendBufferLimits()
		o.SetSendBufferSize(bufferSize(v, least, most), true)
	case abi.SoRcvbuf:
		least, most := o.ReceiveBufferLimits()
		o.SetReceiveBufferSize(bufferSize(v, least, most), true)
	case abi.SoRcvlowat:
		if v < 0 {
			v = math.MaxInt32
		}
		return errnoOf(o.SetRcvlowat(int32(max(v, 1))))
	case abi.SoRcvtimeo, abi.SoRcvtimeoNew:
		return setTimeout(&so.rcvtimeo, val)
	case abi.SoSndtimeo, abi.SoSndtimeoNew:
		return setTimeout(&so.sndtimeo, val)
	case abi.SoLinger:
		if len(val) < 8 {
			return abi.EINVAL
		}
		o.SetLinger(tcpip.LingerOption{Enabled: on, Timeout: time.Duration(le.Uint32(val[4:])) * time.Second})
	case abi.SoOobinline:
		return only(t, on, "urgent data that isn't in line (SO_OOBINLINE 0)")
	case abi.SoType, abi.SoProtocol, abi.SoDomain, abi.SoError, abi.SoAcceptconn:
		return abi.ENOPROTOOPT
	default:
		return t.Missing("SO_", name)
	}
	return 0
}

// bufferSize is what becomes of SO_SNDBUF and SO_RCVBUF: twice what is asked for, as in
// Linux and in gVisor's kernel, within netstack's limits.
func bufferSize(v int, least, most int64) int64 {
	return min(max(2*int64(v), least), most)
}

// setTimeout is SO_RCVTIMEO or SO_SNDTIMEO.
func setTimeout(d *time.Duration, val []byte) abi.Errno {
	if len(val) < abi.TimevalLen {
		return abi.EINVAL
	}
	sec, us := int64(le.Uint64(val)), int64(le.Uint64(val[8:]))
	switch {
	case us < 0 || us >= 1_000_000:
		return abi.EDOM
	case sec < 0:
		*d = 0
	case sec == 0 && us == 0, sec >= int64(math.MaxInt64/time.Second)-1:
		*d = engine.Forever
	default:
		*d = time.Duration(sec)*time.Second + time.Duration(us)*time.Microsecond
	}
	return 0
}

func (so *socket) socketOption(t *process.Task, name int) ([]byte, abi.Errno) {
	o := so.ep.SocketOptions()
	switch name {
	case abi.SoError:
		return number(int(so.TakeError())), 0
	case abi.SoType:
		return number(abi.SockStream), 0
	case abi.SoProtocol:
		return number(abi.IpprotoTCP), 0
	case abi.SoDomain:
		return number(so.family), 0
	case abi.SoAcceptconn:
		return flag(so.state() == tcp.StateListen), 0
	case abi.SoReuseaddr:
		return flag(o.GetReuseAddress()), 0
	case abi.SoReuseport:
		return flag(o.GetReusePort()), 0
	case abi.SoKeepalive:
		return flag(o.GetKeepAlive()), 0
	case abi.SoSndbuf:
		return number(int(o.GetSendBufferSize())), 0
	case abi.SoRcvbuf:
		return number(int(o.GetReceiveBufferSize())), 0
	case abi.SoRcvlowat:
		return number(int(max(1, o.GetRcvlowat()))), 0
	case abi.SoRcvtimeo, abi.SoRcvtimeoNew:
		return timeval(so.rcvtimeo), 0
	case abi.SoSndtimeo, abi.SoSndtimeoNew:
		return timeval(so.sndtimeo), 0
	case abi.SoLinger:
		l := o.GetLinger()
		return append(flag(l.Enabled), seconds(l.Timeout)...), 0
	case abi.SoOobinline:
		return flag(true), 0
	}
	return nil, t.Missing("SO_", name)
}

func (so *socket) setTCPOption(t *process.Task, name int, val []byte) abi.Errno {
	if name == abi.TcpOptCongestion {
		return so.setCongestion(t, val)
	}
	if len(val) < 4 {
		return abi.EINVAL
	}
	v := int(int32(le.Uint32(val)))
	o := so.ep.SocketOptions()
	switch name {
	case abi.TcpOptNodelay:
		o.SetDelayOption(v == 0)
	case abi.TcpOptCork:
		o.SetCorkOption(v != 0)
	case abi.TcpOptQuickack:
		return only(t, v != 0, "delaying acknowledgments (TCP_QUICKACK 0)")
	case abi.TcpOptMaxseg:
		return errnoOf(so.ep.SetSockOptInt(tcpip.MaxSegOption, v))
	case abi.TcpOptKeepidle, abi.TcpOptKeepintvl:
		if v < 1 || v > math.MaxInt16 {
			return abi.EINVAL
		}
		d := time.Duration(v) * time.Second
		if name == abi.TcpOptKeepidle {
			return errnoOf(so.ep.SetSockOpt((*tcpip.KeepaliveIdleOption)(&d)))
		}
		return errnoOf(so.ep.SetSockOpt((*tcpip.KeepaliveIntervalOption)(&d)))
	case abi.TcpOptKeepcnt:
		if v < 1 || v > 127 {
			return abi.EINVAL
		}
		return errnoOf(so.ep.SetSockOptInt(tcpip.KeepaliveCountOption, v))
	case abi.TcpOptUserTimeout:
		if v < 0 {
			return abi.EINVAL
		}
		d := time.Duration(v) * time.Millisecond
		return errnoOf(so.ep.SetSockOpt((*tcpip.TCPUserTimeoutOption)(&d)))
	case abi.TcpOptLinger2:
		d := time.Duration(v) * time.Second
		return errnoOf(so.ep.SetSockOpt((*tcpip.TCPLingerTimeoutOption)(&d)))
	case abi.TcpOptDeferAccept:
		d := time.Duration(max(v, 0)) * time.Second
		return errnoOf(so.ep.SetSockOpt((*tcpip.TCPDeferAcceptOption)(&d)))
	case abi.TcpOptWindowClamp:
		return errnoOf(so.ep.SetSockOptInt(tcpip.TCPWindowClampOption, v))
	case abi.TcpOptInfo, abi.TcpOptCCInfo:
		return abi.ENOPROTOOPT
	default:
		return missingTCP(t, name)
	}
	return 0
}

// setCongestion is TCP_CONGESTION.
func (so *socket) setCongestion(t *process.Task, val []byte) abi.Errno {
	if len(val) < 1 {
		return abi.EINVAL
	}
	name, _, _ := strings.Cut(string(val[:min(len(val), 15)]), "\x00")
	cc := tcpip.CongestionControlOption(name)
	e := errnoOf(so.ep.SetSockOpt(&cc))
	if e == abi.ENOENT && linuxHasCongestionControl(name) {
		return t.No("the congestion control " + name)
	}
	return e
}

// missingTCP names an option of SOL_TCP.
func missingTCP(t *process.Task, name int) abi.Errno {
	switch name {
	case abi.TcpOptSyncnt: // kept, and then nothing looks at it
		return t.No("socket option TCP_SYNCNT")
	}
	return t.Missing("TCP_", name)
}

func (so *socket) tcpOption(t *process.Task, name int) ([]byte, abi.Errno) {
	o := so.ep.SocketOptions()
	whole := func(opt tcpip.SockOptInt) ([]byte, abi.Errno) {
		n, err := so.ep.GetSockOptInt(opt)
		return number(n), errnoOf(err)
	}
	switch name {
	case abi.TcpOptNodelay:
		return flag(!o.GetDelayOption()), 0
	case abi.TcpOptCork:
		return flag(o.GetCorkOption()), 0
	case abi.TcpOptQuickack:
		return flag(true), 0
	case abi.TcpOptMaxseg:
		return whole(tcpip.MaxSegOption)
	case abi.TcpOptKeepcnt:
		return whole(tcpip.KeepaliveCountOption)
	case abi.TcpOptWindowClamp:
		return whole(tcpip.TCPWindowClampOption)
	case abi.TcpOptKeepidle:
		var d tcpip.KeepaliveIdleOption
		err := so.ep.GetSockOpt(&d)
		return seconds(time.Duration(d)), errnoOf(err)
	case abi.TcpOptKeepintvl:
		var d tcpip.KeepaliveIntervalOption
		err := so.ep.GetSockOpt(&d)
		return seconds(time.Duration(d)), errnoOf(err)
	case abi.TcpOptUserTimeout:
		var d tcpip.TCPUserTimeoutOption
		err := so.ep.GetSockOpt(&d)
		return number(int(time.Duration(d) / time.Millisecond)), errnoOf(err)
	case abi.TcpOptLinger2:
		var d tcpip.TCPLingerTimeoutOption
		err := so.ep.GetSockOpt(&d)
		if d < 0 {
			return number(-1), errnoOf(err)
		}
		return seconds(time.Duration(d)), errnoOf(err)
	case abi.TcpOptDeferAccept:
		var d tcpip.TCPDeferAcceptOption
		err := so.ep.GetSockOpt(&d)
		return seconds(time.Duration(d)), errnoOf(err)
	case abi.TcpOptCongestion:
		var cc tcpip.CongestionControlOption
		err := so.ep.GetSockOpt(&cc)
		return append([]byte(cc), bytes.Repeat([]byte{0}, max(0, 16-len(cc)))...), errnoOf(err)
	}
	return nil, missingTCP(t, name)
}
