package gostack

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Socket options of SOL_TCP.

// Their numbers (linux/tcp.h).
const (
	tcpOptNodelay          = 1
	tcpOptMaxseg           = 2
	tcpOptCork             = 3
	tcpOptKeepidle         = 4
	tcpOptKeepintvl        = 5
	tcpOptKeepcnt          = 6
	tcpOptSyncnt           = 7
	tcpOptLinger2          = 8
	tcpOptDeferAccept      = 9
	tcpOptWindowClamp      = 10
	tcpOptInfo             = 11
	tcpOptQuickack         = 12
	tcpOptCongestion       = 13
	tcpOptMD5Sig           = 14
	tcpOptThinLinear       = 16
	tcpOptThinDupack       = 17
	tcpOptUserTimeout      = 18
	tcpOptRepair           = 19
	tcpOptFastopen         = 23
	tcpOptTimestamp        = 24
	tcpOptNotsentLowat     = 25
	tcpOptCCInfo           = 26
	tcpOptSaveSyn          = 27
	tcpOptSavedSyn         = 28
	tcpOptFastopenConnect  = 30
	tcpOptULP              = 31
	tcpOptMD5SigExt        = 32
	tcpOptFastopenKey      = 33
	tcpOptFastopenNoCookie = 34
	tcpOptZerocopyReceive  = 35
	tcpOptInq              = 36
	tcpOptTxDelay          = 37
)

// seconds turns an option in seconds into jiffies.
func (tp *tcpSock) secs(n int) int64 { return tp.s.msecsToJiffies(1000 * int64(n)) }

func (tp *tcpSock) setsockopt(t *task, name int, val []byte) errno {
	switch name {
	case tcpOptCongestion:
		return tp.setCongestion(t, strings.TrimRight(string(val[:min(len(val), 15)]), "\x00"))
	case tcpOptFastopenKey:
		return tp.setFastopenKey(val)
	case tcpOptMD5Sig, tcpOptMD5SigExt:
		return tp.setMD5(name, val)
	}
	if len(val) < 4 {
		return einval
	}
	v := int(int32(binary.LittleEndian.Uint32(val)))
	on := v != 0
	switch name {
	case tcpOptMaxseg:
		if v != 0 && (v < tcpMinMSS || v > 32767) {
			return einval
		}
		tp.userMSS = v
	case tcpOptNodelay:
		if on {
			tp.nonagle |= nagleOff | naglePush
			restore := tp.because(causeNagle)
			tp.pushPendingFrames()
			restore()
		} else {
			tp.nonagle &^= nagleOff
		}
	case tcpOptCork:
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
	case tcpOptKeepidle:
		if v < 1 || v > 32767 {
			return einval
		}
		tp.keepIdle = tp.secs(v)
		if tp.keepalive && !tp.inState(tcpClose, tcpListen) {
			tp.resetKeepalive(max(tp.keepIdle-tp.keepaliveElapsed(), 0))
		}
	case tcpOptKeepintvl:
		if v < 1 || v > 32767 {
			return einval
		}
		tp.keepIntvl = tp.secs(v)
	case tcpOptKeepcnt:
		if v < 1 || v > 127 {
			return einval
		}
		tp.keepProbes = v
	case tcpOptSyncnt:
		if v < 1 || v > 127 {
			return einval
		}
		tp.synRetries = v
	case tcpOptLinger2:
		switch {
		case v < 0:
			tp.linger2 = -1
		case v > 120:
			tp.linger2 = tp.secs(120)
		default:
			tp.linger2 = tp.secs(v)
		}
	case tcpOptDeferAccept:
		// As many retransmissions of a SYN-ACK as take so long.
		tp.deferAccept = secsToRetrans(v, 1, 120)
	case tcpOptWindowClamp:
		if v == 0 {
			if tp.state != tcpClose {
				return einval
			}
			tp.windowClamp = 0
			break
		}
		tp.setWindowClamp(v)
	case tcpOptQuickack:
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
	case tcpOptUserTimeout:
		if v < 0 {
			return einval
		}
		tp.userTimeout = int64(v)
	case tcpOptFastopen:
		if v < 0 || !tp.inState(tcpClose, tcpListen) {
			return einval
		}
		tp.setFastopenQueue(v)
	case tcpOptFastopenConnect:
		switch {
		case v < 0 || v > 1:
			return einval
		case tp.s.sysctl.tcpFastopen&tfoClientEnable == 0:
			return eopnotsupp
		case tp.state != tcpClose:
			return einval
		}
		tp.fastopenConnect = on
	case tcpOptFastopenNoCookie:
		switch {
		case v < 0 || v > 1:
			return einval
		case !tp.inState(tcpClose, tcpListen):
			return einval
		}
		tp.fastopenNoCookie = on
	case tcpOptNotsentLowat:
		tp.notsentLowat = int64(uint32(v))
		tp.writeSpace()
	case tcpOptSaveSyn:
		if v < 0 || v > 2 {
			return einval
		}
		tp.saveSyn = v
	case tcpOptInq:
		if v < 0 || v > 1 {
			return einval
		}
		tp.inq = on
	case tcpOptThinLinear, tcpOptThinDupack:
		if v < 0 || v > 1 {
			return einval
		}
		if name == tcpOptThinLinear {
			tp.thinLinear = on
		}
	case tcpOptTimestamp, tcpOptRepair, tcpOptULP, tcpOptZerocopyReceive, tcpOptTxDelay, 20, 21, 22, 29, 38, 39, 40, 41, 42:
		return t.no(fmt.Sprintf("setsockopt SOL_TCP option %d", name))
	default:
		return enoprotoopt
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
		return eperm
	}
	ca := newCongestion(name)
	if ca == nil {
		if slices.Contains(linuxCongestionControls, name) {
			return t.no("congestion control " + name)
		}
		return enoent
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
		return einval
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
	case tcpOptMaxseg:
		n := tp.mssCache
		if tp.userMSS > 0 && tp.inState(tcpClose, tcpListen) {
			n = tp.userMSS
		}
		return put(n)
	case tcpOptNodelay:
		return flag(tp.nonagle&nagleOff != 0)
	case tcpOptCork:
		return flag(tp.nonagle&nagleCork != 0)
	case tcpOptKeepidle:
		return put(secs(tp.keepaliveTime()))
	case tcpOptKeepintvl:
		return put(secs(tp.keepaliveIntvl()))
	case tcpOptKeepcnt:
		if tp.keepProbes > 0 {
			return put(tp.keepProbes)
		}
		return put(int(tp.s.sysctl.tcpKeepaliveProbes))
	case tcpOptSyncnt:
		if tp.synRetries > 0 {
			return put(tp.synRetries)
		}
		return put(int(tp.s.sysctl.tcpSynRetries))
	case tcpOptLinger2:
		switch {
		case tp.linger2 < 0:
			return put(-1)
		case tp.linger2 > 0:
			return put(secs(tp.linger2))
		}
		return put(int(tp.s.sysctl.tcpFinTimeout))
	case tcpOptDeferAccept:
		return put(retransToSecs(tp.deferAccept, 1, 120))
	case tcpOptWindowClamp:
		return put(int(tp.windowClamp))
	case tcpOptInfo:
		return copy(val, tp.info()), 0
	case tcpOptCCInfo:
		return 0, 0
	case tcpOptQuickack:
		return flag(!tp.pingpongMode())
	case tcpOptCongestion:
		b := make([]byte, 16)
		copy(b, tp.ca.name())
		return copy(val, b), 0
	case tcpOptUserTimeout:
		return put(int(tp.userTimeout))
	case tcpOptFastopen:
		if tp.fastopenQ == nil {
			return put(0)
		}
		return put(tp.fastopenQ.max)
	case tcpOptFastopenConnect:
		return flag(tp.fastopenConnect)
	case tcpOptFastopenNoCookie:
		return flag(tp.fastopenNoCookie)
	case tcpOptFastopenKey:
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
	case tcpOptNotsentLowat:
		return put(int(tp.notsentLowat))
	case tcpOptTimestamp:
		return put(int(tsOf(tp.s.now)))
	case tcpOptSaveSyn:
		return put(tp.saveSyn)
	case tcpOptSavedSyn:
		if len(val) < len(tp.savedSyn) {
			return len(tp.savedSyn), einval
		}
		n := copy(val, tp.savedSyn)
		tp.savedSyn = nil
		return n, 0
	case tcpOptInq:
		return flag(tp.inq)
	case tcpOptThinLinear:
		return flag(tp.thinLinear)
	case tcpOptThinDupack:
		return put(0)
	case tcpOptRepair, tcpOptULP, tcpOptZerocopyReceive, tcpOptTxDelay, 20, 21, 22, 29, 38, 39, 40, 41, 42:
		return 0, t.no(fmt.Sprintf("getsockopt SOL_TCP option %d", name))
	}
	return 0, enoprotoopt
}
