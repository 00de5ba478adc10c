package gostack

import (
	"math"
	"slices"
	"time"

	"tcpdrill/engine/abi"
)

// The error queue (MSG_ERRQUEUE): what became of packets that were sent.

// isICMP reports whether a message is an error of the network, which the socket
// fails with, too.
func (e *errEntry) isICMP() bool {
	return e.origin == abi.SoEeOriginIcmp || e.origin == abi.SoEeOriginIcmp6
}

// truesize is what the entry counts as. Reports of zero-copy sends have memory of
// their own (optmem).
func (e *errEntry) truesize() int {
	if e.origin == abi.SoEeOriginZerocopy {
		return 0
	}
	return txTruesize + len(e.payload)
}

// queueError puts a message on the error queue, if there is room (sock_queue_err_skb).
func (sk *sock) queueError(e *errEntry) {
	n := e.truesize()
	if n > 0 && sk.rmemAlloc+n >= sk.rcvbuf {
		return
	}
	sk.rmemAlloc += n
	sk.errQueue = append(sk.errQueue, e)
	sk.reportQueued()
}

// reportQueued tells who waits that there is something on the error queue
// (sk_error_report).
func (sk *sock) reportQueued() {
	if !sk.released {
		sk.wait.Wake(abi.EpollErr)
	}
}

// zerocopyDone says that the stack doesn't refer to the memory of the sends from lo to
// hi any more. It is told together with those before, if these haven't been read
// yet (__msg_zerocopy_callback).
func (sk *sock) zerocopyDone(lo, hi uint32, copied bool) {
	if sk.released {
		return
	}
	if n := len(sk.errQueue); n > 0 && sk.errQueue[n-1].extend(lo, hi) {
		sk.reportQueued()
		return
	}
	e := &errEntry{origin: abi.SoEeOriginZerocopy, info: lo, data: hi}
	if copied {
		e.code = abi.SoEeCodeZerocopyCopied
	}
	sk.queueError(e)
}

// extend adds a range to the entry's, if it follows.
func (e *errEntry) extend(lo, hi uint32) bool {
	sum := uint64(e.data-e.info) + 1 + uint64(hi-lo) + 1
	if e.origin != abi.SoEeOriginZerocopy || lo != e.data+1 || sum > math.MaxUint32 {
		return false
	}
	e.data = hi
	return true
}

// purgeErrors forgets what isn't about time stamps and zero-copy sends, which nobody wants any more
// (skb_errqueue_purge).
func (sk *sock) purgeErrors() {
	sk.errQueue = slices.DeleteFunc(sk.errQueue, func(e *errEntry) bool {
		if e.origin == abi.SoEeOriginZerocopy || e.origin == abi.SoEeOriginTimestamping {
			return false
		}
		sk.rmemAlloc -= e.truesize()
		return true
	})
}

// dequeueError takes the oldest message (sock_dequeue_err_skb). With the network's
// errors go the socket's own.
func (sk *sock) dequeueError() *errEntry {
	if len(sk.errQueue) == 0 {
		return nil
	}
	e := sk.errQueue[0]
	sk.errQueue = sk.errQueue[1:]
	sk.rmemAlloc -= e.truesize()
	nextICMP := false
	if len(sk.errQueue) > 0 {
		if next := sk.errQueue[0]; next.isICMP() {
			nextICMP = true
			sk.err = next.errno
		}
	}
	if e.isICMP() && !nextICMP {
		sk.err = 0
	}
	if len(sk.errQueue) > 0 {
		sk.reportQueued()
	}
	return e
}

// recvError is recvmsg with MSG_ERRQUEUE (ip_recv_error, ipv6_recv_error).
func (sk *sock) recvError(_ *task, m *message) (int, errno) {
	e := sk.dequeueError()
	if e == nil {
		return 0, abi.EAGAIN
	}
	payload := e.payload
	if e.stats != nil {
		payload = e.stats
	}
	n := m.Scatter(payload)
	if n < len(payload) {
		m.OutFlags |= abi.MsgTrunc
	}
	sk.putStamps(m, e.stamp, true)
	if e.stats != nil && e.stamp != 0 && sk.timestamping&abi.SofSoftware != 0 {
		sk.putCmsg(m, abi.SolSocket, abi.ScmTimestampingOptStats, e.stats)
	}
	addressed := e.name.Port() != 0
	if sk.family == abi.AfInet6 {
		addressed = addressed || e.name.IsValid() && (e.isICMP() || e.origin == abi.SoEeOriginLocal)
	}
	if addressed {
		m.From = sk.putSockaddr(e.name)
	}
	if d := sk.errPackets[e]; d != nil {
		delete(sk.errPackets, e)
		sk.putIPCmsgs(m, d)
	}
	level, typ := abi.SolIP, abi.IpRecverr
	if sk.family == abi.AfInet6 {
		level, typ = abi.SolIPv6, abi.Ipv6Recverr
	}
	sk.putCmsg(m, level, typ, e.extendedErr(sk.family))
	m.OutFlags |= abi.MsgErrqueue
	return n, 0
}

// extendedErr lays out a struct sock_extended_err with the address of who sent the
// error behind it.
func (e *errEntry) extendedErr(family int) []byte {
	p := le.AppendUint32(nil, uint32(e.errno))
	p = append(p, e.origin, e.typ, e.code, 0)
	p = le.AppendUint32(p, e.info)
	p = le.AppendUint32(p, e.data)
	n := abi.SockaddrInLen
	if family == abi.AfInet6 {
		n = abi.SockaddrIn6Len
	}
	if !e.isICMP() || !e.offender.IsValid() {
		return append(p, make([]byte, n)...)
	}
	return abi.AppendSockaddr(p, family, addrOnly(e.offender))
}

// putStamps adds the time stamps that the socket wants of a packet which has one
// (__sock_recv_timestamp). fromQueue says that it is one of the error queue.
func (sk *sock) putStamps(m *message, stamp time.Duration, fromQueue bool) {
	if sk.rcvtstamp || sk.rcvtstampns {
		at := stamp
		if at == 0 {
			at = sk.s.Wall(sk.s.now)
		}
		sec, ns := uint64(at/time.Second), uint64(at%time.Second)
		p := le.AppendUint64(nil, sec)
		switch {
		case sk.rcvtstampns:
			typ := abi.ScmTimestampns
			if sk.tstampNew {
				typ = abi.ScmTimestampnsNew
			}
			sk.putCmsg(m, abi.SolSocket, typ, le.AppendUint64(p, ns))
		default:
			typ := abi.ScmTimestamp
			if sk.tstampNew {
				typ = abi.ScmTimestampNew
			}
			sk.putCmsg(m, abi.SolSocket, typ, le.AppendUint64(p, ns/1000))
		}
	}
	flags := sk.timestamping
	if stamp == 0 || flags&abi.SofSoftware == 0 || !fromQueue && flags&abi.SofRxSoftware == 0 && flags&abi.SofOptRxFilter != 0 {
		return
	}
	typ := abi.ScmTimestamping
	if sk.timestampingNew {
		typ = abi.ScmTimestampingNew
	}
	// The software's, one that isn't used any more, and the hardware's.
	p := le.AppendUint64(nil, uint64(stamp/time.Second))
	p = le.AppendUint64(p, uint64(stamp%time.Second))
	sk.putCmsg(m, abi.SolSocket, typ, append(p, make([]byte, 32)...))
}
