package gostack

import (
	"time"

	"tcpdrill/engine/wire"
)

// What the application writes becomes buffers of the write queue, and what it reads
// comes out of the receive queue.

// take takes the first n bytes off a message.
func (m *message) take(n int) []byte {
	out := make([]byte, 0, n)
	for len(out) < n && len(m.iov) > 0 {
		k := min(n-len(out), len(m.iov[0]))
		out = append(out, m.iov[0][:k]...)
		m.iov[0] = m.iov[0][k:]
		if len(m.iov[0]) == 0 {
			m.iov = m.iov[1:]
		}
	}
	return out
}

// from returns a copy of the message without its first n bytes.
func (m *message) after(n int) *message {
	c := *m
	c.iov = append([][]byte(nil), m.iov...)
	c.take(n)
	return &c
}

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
	if flags&msgMore == 0 || tp.forcedPush() {
		tp.markPush(b)
	}
	if flags&msgOob != 0 {
		tp.sndUp = tp.writeSeq
	}
	if tp.shouldAutocork(b, goal) {
		tp.s.count(mibTCPAutoCorking)
		return
	}
	if flags&msgMore != 0 {
		nonagle = nagleCork
	}
	tp.pushPending(mss, nonagle)
}

// shouldAutocork reports whether a small write waits for the one before to leave the
// device, so that the two may be one segment.
func (tp *tcpSock) shouldAutocork(b *skb, goal int) bool {
	return b.len() < goal && tp.s.sysctl.tcpAutocorking != 0 && !tp.rtxQueue.empty() &&
		tp.wmemAlloc > b.truesize && !b.eor
}

// sendmsg is tcp_sendmsg.
func (tp *tcpSock) sendmsg(t *task, m *message) (int, errno) {
	nonblock := m.nonblock || m.flags&msgDontwait != 0
	if t.waiting != nil {
		// It slept for memory or for the connection.
		return tp.sendSome(t, m, nonblock)
	}
	if !t.fastopen {
		if e := tp.checkSendCmsgs(t, m); e != 0 {
			return 0, e
		}
		if m.flags&msgZerocopy != 0 && m.len() > 0 && tp.zerocopy {
			z, e := tp.newZerocopy(m.len())
			if e != 0 {
				return 0, e
			}
			t.zerocopy = z
		}
	}
	if t.fastopen = t.fastopen || m.flags&msgFastopen != 0 || tp.deferConnect; t.fastopen {
		copied, e := tp.sendFastopen(t, m, nonblock)
		if e == eblock {
			return 0, e
		}
		if e == einprogress && copied > 0 {
			tp.endZerocopy(t)
			return copied, 0
		}
		if e != 0 {
			tp.abortZerocopy(t)
			return 0, e
		}
		t.sent = copied
	}
	tp.rateCheckAppLimited()
	return tp.sendSome(t, m, nonblock)
}

// sendSome writes as much as it can, and sleeps for the rest.
func (tp *tcpSock) sendSome(t *task, m *message, nonblock bool) (int, errno) {
	resumed := t.waiting
	t.waiting = nil
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
			return tp.endSend(t, m, epipe)
		case timeout == 0 || t.expired():
			return tp.endSend(t, m, eagain)
		}
		if t.bias == 0 {
			t.bias = 1
			tp.writePending++
		}
		t.waiting = tp
		return 0, t.wait(&tp.wait, timeout)
	}
	tp.writePending -= t.bias
	t.bias = 0
	if resumed != nil && !tp.streamMemoryFree(0) && tp.err == 0 && tp.shut&sendShutdown == 0 {
		if t.expired() {
			return tp.endSend(t, m, eagain)
		}
		t.waiting = tp
		tp.needSpaceWake = true
		return 0, t.wait(&tp.wait, timeout)
	}
	if resumed == nil {
		t.copiedHere = 0
	}
	restore := tp.because(causeWrite)
	defer restore()
	if m.flags&msgOob != 0 {
		tp.userCause = causeUrgent
	}
	rest := m.after(t.sent)
	mss, goal := 0, 0
	for {
		mss, goal = tp.sendMSS(m)
		if tp.err != 0 {
			return tp.endSend(t, m, tp.sockError())
		}
		if tp.shut&sendShutdown != 0 {
			return tp.endSend(t, m, epipe)
		}
		if tp.fill(t, m, rest, mss, goal) {
			break
		}
		// The buffer is full.
		tp.needSpaceWake = true
		if last := tp.writeQueue.last; last != nil && last.len() == 0 && last.flags&wire.FIN == 0 {
			tp.freeQueued(last)
		}
		if t.copiedHere > 0 {
			tp.push(m.flags&^msgMore, mss, naglePush, goal)
		}
		// Even if sending made room.
		if timeout == 0 || t.expired() {
			return tp.endSendMSS(t, m, eagain, mss, goal)
		}
		if tp.streamMemoryFree(0) {
			continue
		}
		t.waiting = tp
		tp.chronoSndbuf()
		return 0, t.wait(&tp.wait, timeout)
	}
	// What was sent meanwhile may have taken options along that made the MSS smaller.
	if t.sent > 0 {
		tp.txTimestamp(t)
		tp.push(m.flags, mss, tp.nonagle, goal)
	}
	tp.endZerocopy(t)
	return t.sent, 0
}

// chronoSndbuf notes that the send buffer is what limits.
func (tp *tcpSock) chronoSndbuf() {}

// sendMSS is the MSS and how long a segment in the queue may be (tcp_send_mss).
func (tp *tcpSock) sendMSS(m *message) (mss, goal int) {
	mss = tp.currentMSS()
	return mss, tp.sizeGoal(mss, m.flags&msgOob == 0)
}

// endSend ends a send with an error, unless some of it was taken.
func (tp *tcpSock) endSend(t *task, m *message, e errno) (int, errno) {
	mss, goal := tp.sendMSS(m)
	return tp.endSendMSS(t, m, e, mss, goal)
}

func (tp *tcpSock) endSendMSS(t *task, m *message, e errno, mss, goal int) (int, errno) {
	tp.writePending -= t.bias
	t.bias = 0
	if last := tp.writeQueue.last; last != nil && last.len() == 0 && last.flags&wire.FIN == 0 {
		tp.freeQueued(last)
	}
	if t.sent > 0 {
		if t.copiedHere > 0 {
			tp.txTimestamp(t)
			restore := tp.because(causeWrite)
			tp.push(m.flags, mss, tp.nonagle, goal)
			restore()
		}
		tp.endZerocopy(t)
		return t.sent, 0
	}
	if tp.writeQueue.empty() && e == eagain {
		tp.s.wake(&tp.wait, epollOut)
	}
	tp.abortZerocopy(t)
	return 0, e
}

// fill puts a message into the write queue, buffer by buffer, and sends each that is
// full. It reports whether all of it is in.
func (tp *tcpSock) fill(t *task, m *message, rest *message, mss, goal int) bool {
	for rest.len() > 0 {
		b := tp.writeQueue.last
		room := 0
		if b != nil {
			room = goal - b.len()
		}
		if room <= 0 || b.eor || !tp.zerocopyFits(b, t) || t.zerocopy != nil && b.frags == maxFrags {
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
		n := min(room, rest.len())
		if t.zerocopy != nil {
			// A fragment is a page, and the application's pieces aren't put together.
			for len(rest.iov[0]) == 0 {
				rest.iov = rest.iov[1:]
			}
			n = min(n, len(rest.iov[0]), memPage)
			b.frags++
		}
		data := rest.take(n)
		if len(b.data) == 0 {
			b.data = data
		} else {
			b.data = append(b.data, data...)
		}
		if t.zerocopy != nil {
			tp.attachZerocopy(b, t)
		}
		b.truesize += len(data)
		tp.addQueued(len(data))
		if t.copiedHere == 0 {
			b.flags &^= wire.PSH
		}
		tp.writeSeq += uint32(len(data))
		b.endSeq += uint32(len(data))
		t.sent += len(data)
		t.copiedHere += len(data)
		if rest.len() == 0 {
			if m.flags&msgEor != 0 {
				b.eor = true
			}
			return true
		}
		if b.len() < goal || m.flags&msgOob != 0 {
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
	if t.tsflags != 0 {
		flags = flags&^sofTxRecordMask | t.tsflags
	}
	b := tp.writeQueue.last
	if b == nil || flags&sofTxRecordMask == 0 {
		return
	}
	b.tx.flags |= flags & sofTxRecordMask
	b.tx.key = b.seq + uint32(b.len()) - 1
}

// sofTxRecordMask are the flags that ask for a time stamp of a transmission.
const sofTxRecordMask = sofTxSoftware | sofTxSched | sofTxAck

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
	if !t.started {
		unspec := len(m.name) >= 2 && m.name[0] == 0 && m.name[1] == 0
		if s.sysctl.tcpFastopen&tfoClientEnable == 0 || unspec {
			return 0, eopnotsupp
		}
		if tp.fastopenReq != nil {
			return 0, ealready
		}
		f = &fastopenReq{msg: m.after(0), size: m.len()}
		tp.fastopenReq = f
		if tp.deferConnect {
			tp.stage = ssConnecting
			tp.sendSyn()
		}
	}
	e := tp.streamConnect(t, m.name, nonblock, true)
	if e == eblock {
		return 0, e
	}
	t.started = false
	copied := 0
	if f != nil {
		copied = f.copied
	}
	tp.fastopenReq, tp.deferConnect = nil, false
	return copied, e
}

// recvmsg is tcp_recvmsg.
func (tp *tcpSock) recvmsg(t *task, m *message) (int, errno) {
	if m.flags&msgErrqueue != 0 {
		return tp.recvError(t, m)
	}
	if tp.state == tcpListen {
		return 0, enotconn
	}
	timeout := tp.rcvtimeo
	if m.nonblock || m.flags&msgDontwait != 0 {
		timeout = 0
	}
	if m.flags&msgOob != 0 {
		return tp.recvUrg(m)
	}
	want := m.len()
	target := want
	if m.flags&msgWaitall == 0 {
		target = min(max(tp.rcvlowat, 1), max(want, 1))
	}
	seq := tp.copiedSeq
	if m.flags&msgPeek != 0 {
		seq += uint32(t.copied)
	}
	out := m.after(t.copied)
	finish := func(e errno) (int, errno) {
		if t.copied == 0 && e != 0 {
			tp.cleanupRbuf(0)
			return 0, e
		}
		if m.flags&msgPeek == 0 {
			tp.cleanupRbuf(t.copied)
		}
		tp.recvCmsgs(m, t.stamp)
		return t.copied, 0
	}
	for {
		if tp.urgData != 0 && tp.urgSeq == seq && t.copied > 0 {
			return finish(0)
		}
		b := tp.receiveQueue.first
		for b != nil && !before(seq, b.endSeq) {
			b = b.next
		}
		if b != nil {
			offset := int(seq - b.seq)
			if offset < b.len() && t.copied < want {
				used := min(b.len()-offset, want-t.copied)
				if b.stamp != 0 {
					t.stamp = b.stamp
				}
				skip := false
				if tp.urgData != 0 {
					if ahead := int(tp.urgSeq - seq); ahead >= 0 && ahead < used {
						if ahead > 0 {
							used = ahead
						} else if !tp.oobinline {
							seq++
							if m.flags&msgPeek == 0 {
								tp.copiedSeq = seq
							}
							offset++
							used--
							skip = used == 0
						}
					}
				}
				if !skip {
					if m.flags&msgTrunc == 0 {
						out.put(b.data[offset : offset+used])
					}
					seq += uint32(used)
					t.copied += used
					if m.flags&msgPeek == 0 {
						tp.copiedSeq = seq
					}
					tp.rcvSpaceAdjust()
				}
				if tp.urgData != 0 && after(tp.copiedSeq, tp.urgSeq) {
					tp.urgData = 0
					tp.fastPathCheck()
				}
				if offset+used < b.len() {
					if t.copied >= want {
						return finish(0)
					}
					continue
				}
				fin := b.flags&wire.FIN != 0
				if m.flags&msgPeek == 0 {
					tp.eat(b)
				}
				if fin {
					seq++
					if m.flags&msgPeek == 0 {
						tp.copiedSeq = seq
					}
					return finish(0)
				}
				if t.copied >= want {
					return finish(0)
				}
				continue
			}
			if b.flags&wire.FIN != 0 && offset >= b.len() {
				if m.flags&msgPeek == 0 {
					tp.copiedSeq = seq + 1
					tp.eat(b)
				}
				return finish(0)
			}
			if want == 0 {
				return finish(0)
			}
		}
		if t.copied >= target && t.copied > 0 || want == 0 {
			return finish(0)
		}
		if t.copied > 0 {
			if timeout == 0 || tp.err != 0 || tp.state == tcpClose || tp.shut&rcvShutdown != 0 || t.expired() {
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
				return 0, enotconn
			case timeout == 0 || t.expired():
				return finish(eagain)
			}
		}
		tp.cleanupRbuf(t.copied)
		return 0, t.wait(&tp.wait, timeout)
	}
}

// put writes bytes to where a message has room.
func (m *message) put(p []byte) {
	for len(p) > 0 && len(m.iov) > 0 {
		n := copy(m.iov[0], p)
		p = p[n:]
		m.iov[0] = m.iov[0][n:]
		if len(m.iov[0]) == 0 {
			m.iov = m.iov[1:]
		}
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
		return 0, einval
	}
	if tp.state == tcpClose && !tp.sockDone {
		return 0, enotconn
	}
	if tp.urgData&urgValid != 0 {
		c := byte(tp.urgData)
		if m.flags&msgPeek == 0 {
			tp.urgData = urgRead
		}
		m.outFlags |= msgOob
		if m.len() > 0 {
			if m.flags&msgTrunc == 0 {
				m.after(0).put([]byte{c})
			}
			return 1, 0
		}
		m.outFlags |= msgTrunc
		return 0, 0
	}
	if tp.state == tcpClose || tp.shut&rcvShutdown != 0 {
		return 0, 0
	}
	return 0, eagain
}

// recvCmsgs adds what the socket's options ask for.
func (tp *tcpSock) recvCmsgs(m *message, stamp time.Duration) {
	if stamp != 0 {
		tp.putStamps(m, stamp, false)
	}
	if tp.inq {
		tp.putCmsg(m, solTCP, tcpOptInq, le32(uint32(tp.inqHint())))
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
