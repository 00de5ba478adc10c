package gostack

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"tcpdrill/engine/abi"
	linux "tcpdrill/engine/sysctls"
)

// Socket options of SOL_TCP.

// seconds turns an option in seconds into jiffies.
func (tp *tcpSock) secs(n int) int64 { return tp.s.msecsToJiffies(1000 * int64(n)) }

func (tp *tcpSock) setsockopt(t *task, name int, val []byte) errno {
	switch name {
	case abi.TcpOptCongestion:
		return tp.setCongestion(t, strings.TrimRight(string(val[:min(len(val), 15)]), "\x00"))
	case abi.TcpOptFastopenKey:
		return tp.setFastopenKey(val)
	case abi.TcpOptMD5Sig, abi.TcpOptMD5SigExt:
		return tp.setMD5(name, val)
	}
	if len(val) < 4 {
		return abi.EINVAL
	}
	v := int(int32(binary.LittleEndian.Uint32(val)))
	on := v != 0
	switch name {
	case abi.TcpOptMaxseg:
		if v != 0 && (v < tcpMinMSS || v > 32767) {
			return abi.EINVAL
		}
		tp.userMSS = v
	case abi.TcpOptNodelay:
		if on {
			tp.nonagle |= nagleOff | naglePush
			restore := tp.because(causeNagle)
			tp.pushPendingFrames()
			restore()
		} else {
			tp.nonagle &^= nagleOff
		}
	case abi.TcpOptCork:
		if on {
			tp.nonagle |= nagleCork
			break
		}
		tp.nonagle &^= nagleCork
		if tp.nonagle&nagleOff != 0 {
			tp.nonagle |= naglePush
		}
		restore := tp.because(causeCork)
		tp.pushPendingFrames()
		restore()
	case abi.TcpOptKeepidle:
		if v < 1 || v > 32767 {
			return abi.EINVAL
		}
		tp.keepIdle = tp.secs(v)
		if tp.keepalive && !tp.inState(tcpClose, tcpListen) {
			tp.resetKeepalive(max(tp.keepIdle-tp.keepaliveElapsed(), 0))
		}
	case abi.TcpOptKeepintvl:
		if v < 1 || v > 32767 {
			return abi.EINVAL
		}
		tp.keepIntvl = tp.secs(v)
	case abi.TcpOptKeepcnt:
		if v < 1 || v > 127 {
			return abi.EINVAL
		}
		tp.keepProbes = v
	case abi.TcpOptSyncnt:
		if v < 1 || v > 127 {
			return abi.EINVAL
		}
		tp.synRetries = v
	case abi.TcpOptLinger2:
		switch {
		case v < 0:
			tp.linger2 = -1
		case v > 120:
			tp.linger2 = tp.secs(120)
		default:
			tp.linger2 = tp.secs(v)
		}
	case abi.TcpOptDeferAccept:
		// As many retransmissions of a SYN-ACK as take so long.
		tp.deferAccept = secsToRetrans(v, 1, 120)
	case abi.TcpOptWindowClamp:
		if v == 0 {
			if tp.state != tcpClose {
				return abi.EINVAL
			}
			tp.windowClamp = 0
			break
		}
		tp.setWindowClamp(v)
	case abi.TcpOptQuickack:
		if !on {
			tp.pingpong = int(tp.s.sysctl.tcpPingpongThresh)
			break
		}
		tp.pingpong = 0
		if tp.inState(tcpEstablished, tcpCloseWait) && tp.ackPending&ackSched != 0 {
			tp.ackPending |= ackPushed
			tp.cleanupRbuf(1)
			if v&1 == 0 {
				tp.pingpong = int(tp.s.sysctl.tcpPingpongThresh)
			}
		}
	case abi.TcpOptUserTimeout:
		if v < 0 {
			return abi.EINVAL
		}
		tp.userTimeout = int64(v)
	case abi.TcpOptFastopen:
		if v < 0 || !tp.inState(tcpClose, tcpListen) {
			return abi.EINVAL
		}
		tp.setFastopenQueue(v)
	case abi.TcpOptFastopenConnect:
		switch {
		case v < 0 || v > 1:
			return abi.EINVAL
		case tp.s.sysctl.tcpFastopen&tfoClientEnable == 0:
			return abi.EOPNOTSUPP
		case tp.state != tcpClose:
			return abi.EINVAL
		}
		tp.fastopenConnect = on
	case abi.TcpOptFastopenNoCookie:
		switch {
		case v < 0 || v > 1:
			return abi.EINVAL
		case !tp.inState(tcpClose, tcpListen):
			return abi.EINVAL
		}
		tp.fastopenNoCookie = on
	case abi.TcpOptNotsentLowat:
		tp.notsentLowat = int64(uint32(v))
		tp.writeSpace()
	case abi.TcpOptSaveSyn:
		if v < 0 || v > 2 {
			return abi.EINVAL
		}
		tp.saveSyn = v
	case abi.TcpOptInq:
		if v < 0 || v > 1 {
			return abi.EINVAL
		}
		tp.inq = on
	case abi.TcpOptThinLinear, abi.TcpOptThinDupack:
		if v < 0 || v > 1 {
			return abi.EINVAL
		}
		if name == abi.TcpOptThinLinear {
			tp.thinLinear = on
		}
	case abi.TcpOptTimestamp, abi.TcpOptRepair, abi.TcpOptULP, abi.TcpOptZerocopyReceive, abi.TcpOptTxDelay, 20, 21, 22, 29, 38, 39, 40, 41, 42:
		return t.No(fmt.Sprintf("setsockopt SOL_TCP option %d", name))
	default:
		return abi.ENOPROTOOPT
	}
	return 0
}

// secsToRetrans is how many retransmissions, the first after timeout seconds, take
// at least so many seconds.
func secsToRetrans(secs, timeout, most int) int {
	n := 0
	if secs <= 0 {
		return 0
	}
	n = 1
	for period := timeout; secs > period && n < 255; n++ {
		timeout = min(timeout<<1, most)
		period += timeout
	}
	return n
}

// retransToSecs is its inverse.
func retransToSecs(n, timeout, most int) int {
	period := 0
	if n > 0 {
		period = timeout
		for n--; n > 0; n-- {
			timeout = min(timeout<<1, most)
			period += timeout
		}
	}
	return period
}

func (tp *tcpSock) setCongestion(t *task, name string) errno {
	if tp.caLocked {
		return abi.EPERM
	}
	ca := newCongestion(name)
	if ca == nil {
		if linux.HasCongestionControl(name) {
			return t.No("congestion control " + name)
		}
		return abi.ENOENT
	}
	tp.caSet = true
	if tp.ca.name() == name {
		return 0 // and what it has found out stays
	}
	tp.ca = ca
	if !tp.inState(tcpClose, tcpListen) {
		tp.priorSsthresh = 0
		tp.ca.init(tp)
	}
	return 0
}

// setFastopenKey is TCP_FASTOPEN_KEY: one key of 16 bytes, or two.
func (tp *tcpSock) setFastopenKey(val []byte) errno {
	if len(val) != 16 && len(val) != 32 {
		return abi.EINVAL
	}
	if tp.fastopenQ == nil {
		tp.fastopenQ = &fastopenQueue{}
	}
	var keys []string
	for ; len(val) > 0; val = val[16:] {
		var words []string
		for i := 0; i < 16; i += 4 {
			words = append(words, fmt.Sprintf("%08x", binary.LittleEndian.Uint32(val[i:])))
		}
		keys = append(keys, strings.Join(words, "-"))
	}
	tp.fastopenQ.key = strings.Join(keys, ",")
	return 0
}

func (tp *tcpSock) getsockopt(t *task, name int, val []byte) (int, errno) {
	put := func(n int) (int, errno) {
		return copy(val, le32(uint32(n))), 0
	}
	flag := func(on bool) (int, errno) {
		if on {
			return put(1)
		}
		return put(0)
	}
	secs := func(jiffies int64) int { return int(tp.s.jiffiesToUsecs(jiffies) / 1_000_000) }
	switch name {
	case abi.TcpOptMaxseg:
		n := tp.mssCache
		if tp.userMSS > 0 && tp.inState(tcpClose, tcpListen) {
			n = tp.userMSS
		}
		return put(n)
	case abi.TcpOptNodelay:
		return flag(tp.nonagle&nagleOff != 0)
	case abi.TcpOptCork:
		return flag(tp.nonagle&nagleCork != 0)
	case abi.TcpOptKeepidle:
		return put(secs(tp.keepaliveTime()))
	case abi.TcpOptKeepintvl:
		return put(secs(tp.keepaliveIntvl()))
	case abi.TcpOptKeepcnt:
		if tp.keepProbes > 0 {
			return put(tp.keepProbes)
		}
		return put(int(tp.s.sysctl.tcpKeepaliveProbes))
	case abi.TcpOptSyncnt:
		if tp.synRetries > 0 {
			return put(tp.synRetries)
		}
		return put(int(tp.s.sysctl.tcpSynRetries))
	case abi.TcpOptLinger2:
		switch {
		case tp.linger2 < 0:
			return put(-1)
		case tp.linger2 > 0:
			return put(secs(tp.linger2))
		}
		return put(int(tp.s.sysctl.tcpFinTimeout))
	case abi.TcpOptDeferAccept:
		return put(retransToSecs(tp.deferAccept, 1, 120))
	case abi.TcpOptWindowClamp:
		return put(int(tp.windowClamp))
	case abi.TcpOptInfo:
		return copy(val, tp.info()), 0
	case abi.TcpOptCCInfo:
		return 0, 0
	case abi.TcpOptQuickack:
		return flag(!tp.pingpongMode())
	case abi.TcpOptCongestion:
		b := make([]byte, 16)
		copy(b, tp.ca.name())
		return copy(val, b), 0
	case abi.TcpOptUserTimeout:
		return put(int(tp.userTimeout))
	case abi.TcpOptFastopen:
		if tp.fastopenQ == nil {
			return put(0)
		}
		return put(tp.fastopenQ.max)
	case abi.TcpOptFastopenConnect:
		return flag(tp.fastopenConnect)
	case abi.TcpOptFastopenNoCookie:
		return flag(tp.fastopenNoCookie)
	case abi.TcpOptFastopenKey:
		var out []byte
		for _, k := range tp.fastopenKeys() {
			for _, w := range strings.Split(k, "-") {
				b, err := hex.DecodeString(w)
				if err != nil || len(b) != 4 {
					continue
				}
				out = append(out, b[3], b[2], b[1], b[0])
			}
		}
		if tp.fastopenQ == nil || tp.fastopenQ.key == "" {
			if tp.s.sysctl.tcpFastopenKey == "" {
				out = nil
			}
		}
		return copy(val, out), 0
	case abi.TcpOptNotsentLowat:
		return put(int(tp.notsentLowat))
	case abi.TcpOptTimestamp:
		return put(int(tsOf(tp.s.now)))
	case abi.TcpOptSaveSyn:
		return put(tp.saveSyn)
	case abi.TcpOptSavedSyn:
		if len(val) < len(tp.savedSyn) {
			return len(tp.savedSyn), abi.EINVAL
		}
		n := copy(val, tp.savedSyn)
		tp.savedSyn = nil
		return n, 0
	case abi.TcpOptInq:
		return flag(tp.inq)
	case abi.TcpOptThinLinear:
		return flag(tp.thinLinear)
	case abi.TcpOptThinDupack:
		return put(0)
	case abi.TcpOptRepair, abi.TcpOptULP, abi.TcpOptZerocopyReceive, abi.TcpOptTxDelay, 20, 21, 22, 29, 38, 39, 40, 41, 42:
		return 0, t.No(fmt.Sprintf("getsockopt SOL_TCP option %d", name))
	}
	return 0, abi.ENOPROTOOPT
}
