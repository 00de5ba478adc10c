package gostack

import (
	"time"

	"tcpdrill/engine/abi"
	"tcpdrill/engine/process"
	"tcpdrill/engine/wire"
)

// What the application writes becomes buffers of the write queue, and what it reads
// comes out of the receive queue.

// markPush sets PSH (tcp_mark_push).
func (tp *tcpSock) markPush(b *skb) {
	b.flags |= wire.PSH
	tp.pushedSeq = tp.writeSeq
}

// forcedPush reports whether more than half of the largest window seen was written
// since the last PSH (RFC 9293 section 3.9.1.2 wants it at the end of a send only).
func (tp *tcpSock) forcedPush() bool {
	return after(tp.writeSeq, tp.pushedSeq+tp.maxWindow>>1)
}

// push sends what was written, or has it wait (tcp_push).
func (tp *tcpSock) push(flags, mss, nonagle, goal int) {
	b := tp.writeQueue.last
	if b == nil {
		return
	}
	if flags&abi.MsgMore == 0 || tp.forcedPush() {
		tp.markPush(b)
	}
	if flags&abi.MsgOob != 0 {
		tp.sndUp = tp.writeSeq
	}
	if tp.shouldAutocork(b, goal) {
		if !tp.tsqThrottled {
			tp.tsqThrottled = true
			tp.s.count(mibTCPAutoCorking)
		}
		return
	}
	if flags&abi.MsgMore != 0 {
		nonagle = nagleCork
	}
	tp.pushPending(mss, nonagle)
}

// shouldAutocork reports whether a small write waits for the one before to leave the
// device, so that the two may be one segment.
func (tp *tcpSock) shouldAutocork(b *skb, goal int) bool {
	return b.len() < goal && tp.s.sysctl.tcpAutocorking != 0 && !tp.rtxQueue.empty() &&
		tp.inQueues() > b.truesize && !b.eor
}

// sendmsg is tcp_sendmsg.
func (tp *tcpSock) Sendmsg(t *task, m *message) (int, errno) {
	nonblock := m.Nonblock || m.Flags&abi.MsgDontwait != 0
	if kept(t).waiting != nil {
		// It slept for memory or for the connection.
		return tp.sendSome(t, m, nonblock)
	}
	if !kept(t).fastopen {
		if e := tp.checkSendCmsgs(t, m); e != 0 {
			return 0, e
		}
		if m.Flags&abi.MsgZerocopy != 0 && m.Len() > 0 && tp.zerocopy {
			z, e := tp.newZerocopy(m.Len())
			if e != 0 {
				return 0, e
			}
			kept(t).zerocopy = z
		}
	}
	if kept(t).fastopen = kept(t).fastopen || m.Flags&abi.MsgFastopen != 0 || tp.deferConnect; kept(t).fastopen {
		copied, e := tp.sendFastopen(t, m, nonblock)
		if e == process.Block {
			return 0, e
		}
		if e == abi.EINPROGRESS && copied > 0 {
			tp.endZerocopy(t)
			return copied, 0
		}
		if e != 0 {
			tp.abortZerocopy(t)
			return 0, e
		}
		kept(t).sent = copied
	}
	tp.rateCheckAppLimited()
	return tp.sendSome(t, m, nonblock)
}

// sendSome writes as much as it can, and sleeps for the rest.
func (tp *tcpSock) sendSome(t *task, m *message, nonblock bool) (int, errno) {
	resumed := kept(t).waiting
	kept(t).waiting = nil
	timeout := tp.sndtimeo
	if nonblock {
		timeout = 0
	}
	// A write has to wait for the connection.
	if !tp.inState(tcpEstablished, tcpCloseWait) && tp.fastopenRequest == nil {
		switch {
		case tp.err != 0:
			return tp.endSend(t, m, tp.sockError())
		case !tp.inState(tcpSynSent, tcpSynRecv):
			return tp.endSend(t, m, abi.EPIPE)
		case timeout == 0 || t.Expired():
			return tp.endSend(t, m, abi.EAGAIN)
		}
		if kept(t).bias == 0 {
			kept(t).bias = 1
			tp.writePending++
		}
		kept(t).waiting = tp
		return 0, t.Wait(&tp.wait, timeout)
	}
	tp.writePending -= kept(t).bias
	kept(t).bias = 0
	if resumed != nil && !tp.streamMemoryFree(0) && tp.err == 0 && tp.shut&sendShutdown == 0 {
		if t.Expired() {
			return tp.endSend(t, m, abi.EAGAIN)
		}
		kept(t).waiting = tp
		tp.needSpaceWake = true
		return 0, t.Wait(&tp.wait, timeout)
	}
	if resumed == nil {
		kept(t).copiedHere = 0
	}
	restore := tp.because(causeWrite)
	defer restore()
	if m.Flags&abi.MsgOob != 0 {
		tp.userCause = causeUrgent
	}
	rest := m.After(kept(t).sent)
	mss, goal := 0, 0
	for {
		mss, goal = tp.sendMSS(m)
		if tp.err != 0 {
			return tp.endSend(t, m, tp.sockError())
		}
		if tp.shut&sendShutdown != 0 {
			return tp.endSend(t, m, abi.EPIPE)
		}
		if tp.fill(t, m, rest, mss, goal) {
			break
		}
		// The buffer is full.
		tp.needSpaceWake = true
		if last := tp.writeQueue.last; last != nil && last.len() == 0 && last.flags&wire.FIN == 0 {
			tp.freeQueued(last)
		}
		if kept(t).copiedHere > 0 {
			tp.push(m.Flags&^abi.MsgMore, mss, naglePush, goal)
		}
		// Even if sending made room.
		if timeout == 0 || t.Expired() {
			return tp.endSendMSS(t, m, abi.EAGAIN, mss, goal)
		}
		if tp.streamMemoryFree(0) {
			continue
		}
		kept(t).waiting = tp
		tp.chronoSndbuf()
		return 0, t.Wait(&tp.wait, timeout)
	}
	// What was sent meanwhile may have taken options along that made the MSS smaller.
	if kept(t).sent > 0 {
		tp.txTimestamp(t)
		tp.push(m.Flags, mss, tp.nonagle, goal)
	}
	tp.endZerocopy(t)
	return kept(t).sent, 0
}

// chronoSndbuf notes that the send buffer is what limits.
func (tp *tcpSock) chronoSndbuf() {}

// sendMSS is the MSS and how long a segment in the queue may be (tcp_send_mss).
func (tp *tcpSock) sendMSS(m *message) (mss, goal int) {
	mss = tp.currentMSS()
	return mss, tp.sizeGoal(mss, m.Flags&abi.MsgOob == 0)
}

// endSend ends a send with an error, unless some of it was taken.
func (tp *tcpSock) endSend(t *task, m *message, e errno) (int, errno) {
	mss, goal := tp.sendMSS(m)
	return tp.endSendMSS(t, m, e, mss, goal)
}

func (tp *tcpSock) endSendMSS(t *task, m *message, e errno, mss, goal int) (int, errno) {
	tp.writePending -= kept(t).bias
	kept(t).bias = 0
	if last := tp.writeQueue.last; last != nil && last.len() == 0 && last.flags&wire.FIN == 0 {
		tp.freeQueued(last)
	}
	if kept(t).sent > 0 {
		if kept(t).copiedHere > 0 {
			tp.txTimestamp(t)
			restore := tp.because(causeWrite)
			tp.push(m.Flags, mss, tp.nonagle, goal)
			restore()
		}
		tp.endZerocopy(t)
		return kept(t).sent, 0
	}
	if tp.writeQueue.empty() && e == abi.EAGAIN {
		tp.wait.Wake(abi.EpollOut)
	}
	tp.abortZerocopy(t)
	return 0, e
}

// fill puts a message into the write queue, buffer by buffer, and sends each that is
// full. It reports whether all of it is in.
func (tp *tcpSock) fill(t *task, m *message, rest *message, mss, goal int) bool {
	for rest.Len() > 0 {
		b := tp.writeQueue.last
		room := 0
		if b != nil {
			room = goal - b.len()
		}
		if room <= 0 || b.eor || !tp.zerocopyFits(b, t) || kept(t).zerocopy != nil && b.frags == maxFrags {
			if b != nil && room > 0 && !b.eor {
				tp.markPush(b)
			}
			if !tp.streamMemoryFree(0) {
				return false
			}
			b = &skb{head: &skbHead{dataref: 1}, seq: tp.writeSeq, endSeq: tp.writeSeq, flags: wire.ACK,
				truesize: txTruesize, segs: 1}
			tp.addQueued(b.truesize)
			tp.writeQueue.pushBack(b)
			if tp.writeQueue.first == b {
				tp.chrono.start(tp, chronoBusy)
			}
			tp.nonagle &^= naglePush
			tp.slowStartAfterIdleCheck()
			room = goal
		}
		n := min(room, rest.Len())
		if kept(t).zerocopy != nil {
			// A fragment is a page, and the application's pieces aren't put together.
			for len(rest.Iov[0]) == 0 {
				rest.Iov = rest.Iov[1:]
			}
			n = min(n, len(rest.Iov[0]), memPage)
			b.frags++
		}
		data := rest.Take(n)
		if len(b.data) == 0 {
			b.data = data
		} else {
			b.data = append(b.data, data...)
		}
		if kept(t).zerocopy != nil {
			tp.attachZerocopy(b, t)
		}
		b.truesize += len(data)
		tp.addQueued(len(data))
		if kept(t).copiedHere == 0 {
			b.flags &^= wire.PSH
		}
		tp.writeSeq += uint32(len(data))
		b.endSeq += uint32(len(data))
		kept(t).sent += len(data)
		kept(t).copiedHere += len(data)
		if rest.Len() == 0 {
			if m.Flags&abi.MsgEor != 0 {
				b.eor = true
			}
			return true
		}
		if b.len() < goal || m.Flags&abi.MsgOob != 0 {
			continue
		}
		if tp.forcedPush() {
			tp.markPush(b)
			tp.pushPending(mss, naglePush)
		} else if b == tp.writeQueue.first {
			tp.writeXmit(mss, naglePush, pushOne)
		}
		// What was acknowledged or is in the way now may have changed both.
	}
	return true
}

// txTimestamp asks for time stamps of the last byte written (tcp_tx_timestamp).
func (tp *tcpSock) txTimestamp(t *task) {
	flags := tp.timestamping
	if kept(t).tsflags != 0 {
		flags = flags&^sofTxRecordMask | kept(t).tsflags
	}
	b := tp.writeQueue.last
	if b == nil || flags&sofTxRecordMask == 0 {
		return
	}
	b.tx.flags |= flags & sofTxRecordMask
	b.tx.key = b.seq + uint32(b.len()) - 1
}

// sofTxRecordMask are the flags that ask for a time stamp of a transmission.
const sofTxRecordMask = abi.SofTxSoftware | abi.SofTxSched | abi.SofTxAck

// collapseStamp hands a buffer's wish for a time stamp on to the one that it is
// merged into.
func (tp *tcpSock) collapseStamp(to, from *skb) {
	if from.tx.flags != 0 {
		to.tx.flags |= from.tx.flags
		to.tx.key = from.tx.key
	}
}

// sendFastopen opens the connection with data (tcp_sendmsg_fastopen).
func (tp *tcpSock) sendFastopen(t *task, m *message, nonblock bool) (int, errno) {
	s := tp.s
	f := tp.fastopenReq
	if !t.Started {
		unspec := len(m.Name) >= 2 && m.Name[0] == 0 && m.Name[1] == 0
		if s.sysctl.tcpFastopen&tfoClientEnable == 0 || unspec {
			return 0, abi.EOPNOTSUPP
		}
		if tp.fastopenReq != nil {
			return 0, abi.EALREADY
		}
		f = &fastopenReq{msg: m.After(0), size: m.Len()}
		tp.fastopenReq = f
		if tp.deferConnect {
			tp.stage = ssConnecting
			tp.sendSyn()
		}
	}
	e := tp.streamConnect(t, m.Name, nonblock, true)
	if e == process.Block {
		return 0, e
	}
	t.Started = false
	copied := 0
	if f != nil {
		copied = f.copied
	}
	tp.fastopenReq, tp.deferConnect = nil, false
	return copied, e
}

// recvmsg is tcp_recvmsg.
func (tp *tcpSock) Recvmsg(t *task, m *message) (int, errno) {
	if m.Flags&abi.MsgErrqueue != 0 {
		return tp.recvError(t, m)
	}
	if tp.state == tcpListen {
		return 0, abi.ENOTCONN
	}
	timeout := tp.rcvtimeo
	if m.Nonblock || m.Flags&abi.MsgDontwait != 0 {
		timeout = 0
	}
	if m.Flags&abi.MsgOob != 0 {
		return tp.recvUrg(m)
	}
	want := m.Len()
	target := want
	if m.Flags&abi.MsgWaitall == 0 {
		target = min(max(tp.rcvlowat, 1), max(want, 1))
	}
	seq := tp.copiedSeq
	if m.Flags&abi.MsgPeek != 0 {
		seq += uint32(t.Copied)
	}
	out := m.After(t.Copied)
	finish := func(e errno) (int, errno) {
		if t.Copied == 0 && e != 0 {
			tp.cleanupRbuf(0)
			return 0, e
		}
		if m.Flags&abi.MsgPeek == 0 {
			tp.cleanupRbuf(t.Copied)
		}
		tp.recvCmsgs(m, kept(t).stamp)
		return t.Copied, 0
	}
	for {
		if tp.urgData != 0 && tp.urgSeq == seq && t.Copied > 0 {
			return finish(0)
		}
		b := tp.receiveQueue.first
		for b != nil && !before(seq, b.endSeq) {
			b = b.next
		}
		if b != nil {
			offset := int(seq - b.seq)
			if offset < b.len() && t.Copied < want {
				used := min(b.len()-offset, want-t.Copied)
				if b.stamp != 0 {
					kept(t).stamp = b.stamp
				}
				skip := false
				if tp.urgData != 0 {
					if ahead := int(tp.urgSeq - seq); ahead >= 0 && ahead < used {
						if ahead > 0 {
							used = ahead
						} else if !tp.oobinline {
							seq++
							if m.Flags&abi.MsgPeek == 0 {
								tp.copiedSeq = seq
							}
							offset++
							used--
							skip = used == 0
						}
					}
				}
				if !skip {
					if m.Flags&abi.MsgTrunc == 0 {
						out.Put(b.data[offset : offset+used])
					}
					seq += uint32(used)
					t.Copied += used
					if m.Flags&abi.MsgPeek == 0 {
						tp.copiedSeq = seq
					}
					tp.rcvSpaceAdjust()
				}
				if tp.urgData != 0 && after(tp.copiedSeq, tp.urgSeq) {
					tp.urgData = 0
					tp.fastPathCheck()
				}
				if offset+used < b.len() {
					if t.Copied >= want {
						return finish(0)
					}
					continue
				}
				fin := b.flags&wire.FIN != 0
				if m.Flags&abi.MsgPeek == 0 {
					tp.eat(b)
				}
				if fin {
					seq++
					if m.Flags&abi.MsgPeek == 0 {
						tp.copiedSeq = seq
					}
					return finish(0)
				}
				if t.Copied >= want {
					return finish(0)
				}
				continue
			}
			if b.flags&wire.FIN != 0 && offset >= b.len() {
				if m.Flags&abi.MsgPeek == 0 {
					tp.copiedSeq = seq + 1
					tp.eat(b)
				}
				return finish(0)
			}
			if want == 0 {
				return finish(0)
			}
		}
		if t.Copied >= target && t.Copied > 0 || want == 0 {
			return finish(0)
		}
		if t.Copied > 0 {
			if timeout == 0 || tp.err != 0 || tp.state == tcpClose || tp.shut&rcvShutdown != 0 || t.Expired() {
				return finish(0)
			}
		} else {
			switch {
			case tp.sockDone:
				return finish(0)
			case tp.err != 0:
				return 0, tp.sockError()
			case tp.shut&rcvShutdown != 0:
				return finish(0)
			case tp.state == tcpClose:
				return 0, abi.ENOTCONN
			case timeout == 0 || t.Expired():
				return finish(abi.EAGAIN)
			}
		}
		tp.cleanupRbuf(t.Copied)
		return 0, t.Wait(&tp.wait, timeout)
	}
}

// eat takes a buffer that was read out of the receive queue.
func (tp *tcpSock) eat(b *skb) {
	tp.receiveQueue.remove(b)
	tp.chargeReceived(-b.truesize)
}

// cleanupRbuf sends an ACK if reading makes one due: for what was received, or since
// the window has become much larger (tcp_cleanup_rbuf).
func (tp *tcpSock) cleanupRbuf(copied int) {
	now, cause := false, causeWindowUpdate
	if tp.ackPending&ackSched != 0 {
		small := copied > 0 && tp.rmemAlloc == 0 &&
			(tp.ackPending&ackPushed2 != 0 || tp.ackPending&ackPushed != 0 && !tp.pingpongMode())
		if int(tp.rcvNxt-tp.rcvWup) > tp.rcvMss || small {
			now, cause = true, causeAckNow
		}
	}
	if copied > 0 && !now && tp.shut&rcvShutdown == 0 {
		if w := tp.receiveWindow(); 2*w <= tp.windowClamp {
			if n := tp.newWindow(); n > 0 && n >= 2*w {
				now = true
			}
		}
	}
	if now {
		tp.sendAck(cause)
	}
}

// recvUrg is recv with MSG_OOB.
func (tp *tcpSock) recvUrg(m *message) (int, errno) {
	if tp.oobinline || tp.urgData == 0 || tp.urgData == urgRead {
		return 0, abi.EINVAL
	}
	if tp.state == tcpClose && !tp.sockDone {
		return 0, abi.ENOTCONN
	}
	if tp.urgData&urgValid != 0 {
		c := byte(tp.urgData)
		if m.Flags&abi.MsgPeek == 0 {
			tp.urgData = urgRead
		}
		m.OutFlags |= abi.MsgOob
		if m.Len() > 0 {
			if m.Flags&abi.MsgTrunc == 0 {
				m.After(0).Put([]byte{c})
			}
			return 1, 0
		}
		m.OutFlags |= abi.MsgTrunc
		return 0, 0
	}
	if tp.state == tcpClose || tp.shut&rcvShutdown != 0 {
		return 0, 0
	}
	return 0, abi.EAGAIN
}

// recvCmsgs adds what the socket's options ask for.
func (tp *tcpSock) recvCmsgs(m *message, stamp time.Duration) {
	if stamp != 0 {
		tp.putStamps(m, stamp, false)
	}
	if tp.inq {
		tp.putCmsg(m, abi.SolTCP, abi.TcpOptInq, le32(uint32(tp.inqHint())))
	}
}

// inqHint is what TCP_INQ says: at least 1 when FIN is all that is left.
func (tp *tcpSock) inqHint() int {
	n := int(tp.rcvNxt - tp.copiedSeq)
	if tp.urgData != 0 {
		n = tp.inqBytes()
	}
	if n == 0 && tp.sockDone {
		n = 1
	}
	return n
}

func le32(n uint32) []byte { return []byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)} }
