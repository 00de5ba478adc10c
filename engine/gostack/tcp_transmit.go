package gostack

import (
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
	"tcpdrill/engine/wire"
)

// How a segment is made and handed to the device: window, options, headers.

// Bits of tcpSock.ecnFlags (RFC 3168).
const (
	ecnOK        = 1 << iota
	ecnQueueCWR  // say CWR on the next segment
	ecnDemandCWR // say ECE until CWR comes
	ecnSeen      // the peer sends ECT
)

// transmit sends a buffer: of one from a queue a clone, of a bare ACK or RST the
// thing itself (__tcp_transmit_skb). It reports whether the device took it.
func (tp *tcpSock) transmit(b *skb, cause string) bool {
	s := tp.s
	prior := tp.wstampNs
	tp.wstampNs = max(tp.wstampNs, tp.clockCacheNs)
	b.sentAt = tp.wstampNs
	queued := b.seq != b.endSeq // it stays with us until it is acknowledged
	if queued {
		tp.rateSkbSent(b)
	}

	t := &wire.TCP{
		SrcPort: tp.local.Port(), DstPort: tp.remote.Port(),
		Seq: b.seq, Flags: b.flags &^ (wire.ECE | wire.CWR),
	}
	if b.flags&wire.ACK != 0 {
		t.Ack = tp.rcvNxt
	}
	syn := b.flags&wire.SYN != 0
	if syn {
		t.Flags |= b.flags & (wire.ECE | wire.CWR)
		t.Options = tp.synOptions(b)
	} else {
		t.Options = tp.establishedOptions(b)
		// Linux pushes every super-segment, so that the receiver's GRO doesn't hold
		// it back for more; not single segments, which are sent when the window is
		// small: there it is better to be acknowledged later.
		if b.segs > 1 {
			t.Flags |= wire.PSH
		}
		if s.faults.has(NoPSH) {
			t.Flags &^= wire.PSH
		} else if s.faults.has(PSHEverySegment) && b.len() > 0 {
			t.Flags |= wire.PSH
		}
	}
	if syn {
		// The window of a SYN is never scaled (RFC 7323 section 2.2).
		t.Window = uint16(min(tp.rcvWnd, 65535))
	} else {
		t.Window = tp.selectWindow()
	}
	if tp.urgMode() && before(b.seq, tp.sndUp) {
		if before(tp.sndUp, b.seq+0x10000) {
			t.Urgent = uint16(tp.sndUp - b.seq)
			t.Flags |= wire.URG
		} else if after(b.seq+0xffff, tp.sndNxt) {
			t.Urgent = 0xffff
			t.Flags |= wire.URG
		}
	}
	tos := tp.tos
	ecnGSO := false
	if !syn && tp.ecnFlags&ecnOK != 0 {
		if b.len() > 0 && !before(b.seq, tp.sndNxt) {
			tos |= 2 // ECT(0)
			if tp.ecnFlags&ecnQueueCWR != 0 {
				tp.ecnFlags &^= ecnQueueCWR
				t.Flags |= wire.CWR
				ecnGSO = true
			}
		}
		if tp.ecnFlags&ecnDemandCWR != 0 {
			t.Flags |= wire.ECE
		}
	}
	if b.flags&wire.ACK != 0 {
		tp.ackSent()
	}
	if b.len() > 0 {
		tp.dataSent()
		tp.dataSegsOut += uint32(b.segs)
		tp.bytesSent += uint64(b.len())
	}
	if after(b.endSeq, tp.sndNxt) || b.seq == b.endSeq {
		s.countN(mibTcpOutSegs, b.segs)
	}
	tp.segsOut += uint32(b.segs)

	var gso engine.GSO
	if b.segs > 1 && b.gsoSize > 0 && !s.faults.has(NoGSOSize) {
		gso = engine.GSO{Type: engine.GSOTCPv4, Size: b.gsoSize, ECN: ecnGSO}
		if tp.v6 {
			gso.Type = engine.GSOTCPv6
		}
	}
	tp.rebuildHeader()
	b.head.dataref++
	head := b.head
	ok := s.sendSegment(tp, t, b, tos, gso, cause, func() {
		// Who captures lets go of the data at once, unless he keeps it on purpose.
		if !s.pinned {
			head.dataref--
		}
	})
	if !ok {
		head.dataref--
		// A local drop is a sign of congestion, too.
		tp.enterCWR()
	}
	if ok && queued {
		tp.updateAfterSend(b, prior)
		tp.tsMoveTail(b)
	}
	return ok
}

// sendSegment puts the headers before a segment and hands it to the device, cut
// into wire segments if that doesn't do it itself. free is called when nobody below
// refers to the buffer any more: pieces have none of it but the data's pages.
func (s *Stack) sendSegment(tp *tcpSock, t *wire.TCP, b *skb, tos uint8, gso engine.GSO, cause string, free func()) bool {
	p := &wire.Packet{Layers: []wire.Layer{tp.ipHeader(tos, b.segs), t}, Payload: b.data}
	if len(tp.md5) > 0 {
		tp.sign(p, t)
	}
	packets := []*wire.Packet{p}
	if gso.Type != engine.GSONone && !s.dev.tso(tp.v6) {
		packets = wire.Cut(p, gso.Size, false)
		gso = engine.GSO{}
	}
	var edt time.Duration
	if tp.pacingStatus == pacingFQ {
		edt = b.sentAt
	}
	ok := true
	for i, q := range packets {
		data, err := q.Marshal(wire.MarshalOptions{})
		if err != nil {
			panic("gostack: a segment that can't be written: " + err.Error()) // it is all ours
		}
		out := &packet{captured: &engine.Captured{Data: data, GSO: gso, Cause: cause}, edt: edt, flow: tp}
		if last := i == len(packets)-1; last {
			truesize := b.truesize
			stamp := b.tx
			tp.wmemAlloc += truesize
			b.inHost++
			if stamp.flags&abi.SofTxSched != 0 {
				tp.stampSent(stamp, abi.ScmTstampSched, s.now, b)
			}
			out.left = func(at time.Duration) {
				tp.wmemAlloc -= truesize
				b.inHost--
				tp.xmitDone()
				if stamp.flags&abi.SofTxSoftware != 0 {
					tp.stampSent(stamp, abi.ScmTstampSnd, at, b)
				}
				if len(packets) > 1 {
					free()
				}
			}
			if len(packets) == 1 {
				out.gone = free
			}
			if !s.devXmit(out) {
				tp.wmemAlloc -= truesize
				b.inHost--
				ok = false
			}
			continue
		}
		if !s.devXmit(out) {
			ok = false
		}
	}
	return ok
}

// ipHeader makes the IP header of the connection's packets.
func (tp *tcpSock) ipHeader(tos uint8, segs int) wire.Layer {
	src, dst := tp.local.Addr(), tp.remote.Addr()
	if tp.v6 {
		return &wire.IPv6{TrafficClass: tos, FlowLabel: tp.txFlowLabel(), HopLimit: tp.hopLimit(), Src: src, Dst: dst}
	}
	ip := &wire.IPv4{TOS: tos, TTL: tp.hopLimit(), Src: src, Dst: dst, DF: tp.dontFragment(), ID: tp.ipid}
	tp.ipid += uint16(max(segs, 1))
	return ip
}

func (tp *tcpSock) hopLimit() uint8 {
	if tp.ttl > 0 {
		return uint8(tp.ttl)
	}
	if r := tp.route(); r != nil {
		if n, _ := r.metric("hoplimit"); n > 0 {
			return uint8(n)
		}
	}
	if tp.v6 {
		return 64
	}
	return uint8(tp.s.sysctl.ipDefaultTtl)
}

// dontFragment reports whether DF is set: path MTU discovery is done, and the
// path's MTU isn't fixed by hand.
func (tp *tcpSock) dontFragment() bool {
	switch tp.mtuDisc {
	case abi.IpPmtudiscDont, abi.IpPmtudiscInterface, abi.IpPmtudiscOmit:
		return false
	case abi.IpPmtudiscDo, abi.IpPmtudiscProbe:
		return true
	}
	r := tp.route()
	if r == nil {
		return true
	}
	_, locked := r.mtu()
	return !locked
}

// txFlowLabel is the flow's label (RFC 6437), made from its addresses.
func (tp *tcpSock) txFlowLabel() uint32 {
	if tp.flowLabel != 0 {
		return tp.flowLabel
	}
	if tp.s.sysctl.ipv6AutoFlowlabels == 0 {
		return 0
	}
	h := uint32(2166136261)
	for _, b := range tp.remote.Addr().AsSlice() {
		h = (h ^ uint32(b)) * 16777619
	}
	h = (h ^ uint32(tp.remote.Port()) ^ uint32(tp.local.Port())<<16) * 16777619
	return h>>12&0xfffff | 1
}

// ackSent notes that what was received is acknowledged now (tcp_event_ack_sent).
func (tp *tcpSock) ackSent() {
	if tp.compressedAck > 0 {
		tp.compressedAck = 0
		tp.s.delTimer(&tp.compressedTimer)
	}
	tp.decQuickack()
	tp.ackPending = 0
	tp.s.delTimer(&tp.delackTimer)
	tp.ackCause = ""
}

// decQuickack uses up one of the ACKs that are sent at once.
func (tp *tcpSock) decQuickack() {
	if tp.quick == 0 {
		return
	}
	n := 0
	if tp.ackPending&ackSched != 0 {
		n = 1
	}
	if n >= tp.quick {
		tp.quick = 0
		tp.ato = tp.atoMin()
		return
	}
	tp.quick -= n
}

// dataSent notes that data was sent (tcp_event_data_sent).
func (tp *tcpSock) dataSent() {
	now := tp.s.jiffies()
	if tp.inFlight() == 0 {
		tp.ca.cwndEvent(tp, caEventTxStart)
	}
	tp.lsndtime = now
	// An answer soon after data came: both sides talk, and ACKs can ride on data.
	if int64(now-tp.lrcvtime) < tp.ato {
		tp.pingpong = min(tp.pingpong+1, 255)
	}
}

// The receive window.

// winFromSpace is how much of so many bytes of memory can be payload. The rest is
// what buffers take beside it: scalingRatio, of 256, is what the peer's segments
// have been like.
func (tp *tcpSock) winFromSpace(space int) int {
	return int(int64(space) * int64(tp.scalingRatio) >> 8)
}

// spaceFromWin is its inverse.
func (tp *tcpSock) spaceFromWin(win int) int {
	return int((uint64(win) << 8) / uint64(tp.scalingRatio))
}

// space is how much payload fits into what is left of the buffer (tcp_space).
func (tp *tcpSock) space() int { return tp.winFromSpace(tp.rcvbuf - tp.rmemAlloc) }

func (tp *tcpSock) fullSpace() int { return tp.winFromSpace(tp.rcvbuf) }

// receiveWindow is what is left of the window that was offered.
func (tp *tcpSock) receiveWindow() uint32 {
	w := int32(tp.rcvWup + tp.rcvWnd - tp.rcvNxt)
	return uint32(max(w, 0))
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }

// newWindow is the window that the buffer allows (__tcp_select_window). It doesn't
// grow by less than a segment, so that the peer isn't tempted to send small ones
// (RFC 9293 section 3.8.6.2.2).
func (tp *tcpSock) newWindow() uint32 {
	mss := tp.rcvMss
	free := tp.space()
	allowed := tp.fullSpace()
	full := min(int(tp.windowClamp), allowed)
	if mss > full {
		mss = full
		if mss <= 0 {
			return 0
		}
	}
	if tp.mayShrinkWindow() {
		unit := 1 << tp.rcvWscale
		free = max(free, 0) / unit * unit
		if free < full>>1 {
			tp.quick = 0
			if free < allowed>>4 || free < mss || free < unit {
				return 0
			}
		}
		if free > int(tp.rcvSsthresh) {
			free = roundUp(int(tp.rcvSsthresh), unit)
		}
		return uint32(free)
	}
	if free < full>>1 {
		tp.quick = 0
		free = free >> tp.rcvWscale << tp.rcvWscale
		if free < allowed>>4 || free < mss {
			return 0
		}
	}
	free = min(free, int(tp.rcvSsthresh))
	if tp.rcvWscale > 0 {
		return uint32(roundUp(free, 1<<tp.rcvWscale))
	}
	window := int(tp.rcvWnd)
	switch {
	case window <= free-mss || window > free:
		window = free / mss * mss
	case mss == full && free > window+full>>1:
		window = free
	}
	return uint32(window)
}

// mayShrinkWindow reports whether what was offered may be taken back, against RFC
// 9293's advice (tcp_shrink_window).
func (tp *tcpSock) mayShrinkWindow() bool {
	return tp.s.sysctl.tcpShrinkWindow != 0 && tp.rcvWscale > 0
}

// selectWindow is the window field of a segment that is about to be sent. What was
// offered is never taken back (tcp_select_window; RFC 9293 section 3.8.6.2.1).
func (tp *tcpSock) selectWindow() uint16 {
	if tp.ackPending&ackNomem != 0 {
		tp.predOn = false
		tp.rcvWnd, tp.rcvWup = 0, tp.rcvNxt
		return 0
	}
	old := tp.rcvWnd
	cur := tp.receiveWindow()
	win := tp.newWindow()
	if win < cur && !tp.mayShrinkWindow() {
		if win == 0 {
			tp.s.count(mibTCPWantZeroWindowAdv)
		}
		win = uint32(roundUp(int(cur), 1<<tp.rcvWscale))
	}
	tp.rcvWnd = win
	tp.rcvWup = tp.rcvNxt
	if tp.rcvWscale == 0 && tp.s.sysctl.tcpWorkaroundSignedWindows != 0 {
		win = min(win, maxTCPWindow)
	} else {
		win = min(win, 65535<<tp.rcvWscale)
	}
	win >>= tp.rcvWscale
	if win == 0 {
		tp.predOn = false
	}
	if win == 0 && old > 0 {
		tp.s.count(mibTCPToZeroWindowAdv)
	} else if win > 0 && old == 0 {
		tp.s.count(mibTCPFromZeroWindowAdv)
	}
	return uint16(win)
}

// initialWindow works out the window and its scale for a SYN or SYN-ACK
// (tcp_select_initial_window).
func (s *Stack) initialWindow(space, mss int, clamp uint32, scale bool, initial int) (window, newClamp uint32, wscale uint8) {
	if clamp == 0 {
		clamp = 65535 << 14
	}
	space = min(max(space, 0), int(clamp))
	if space > mss {
		space = space / mss * mss
	}
	window = uint32(space)
	if s.sysctl.tcpWorkaroundSignedWindows != 0 {
		window = uint32(min(space, maxTCPWindow))
	}
	if initial > 0 {
		window = min(window, uint32(initial*mss))
	}
	if scale {
		space = max(space, int(s.sysctl.tcpRmem[2]), int(s.sysctl.coreRmemMax))
		space = min(space, int(clamp))
		for space > 65535 && wscale < 14 {
			space >>= 1
			wscale++
		}
	}
	return window, min(65535<<wscale, clamp), wscale
}

// Options.

// A sackBlock is a block of the SACK option: from start up to end, without it.
type sackBlock struct{ start, end uint32 }

func u32s(v ...uint32) []byte {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = append(b, byte(x>>24), byte(x>>16), byte(x>>8), byte(x))
	}
	return b
}

var nop = wire.TCPOption{Kind: wire.OptNOP}

// md5Room is where the signature goes (RFC 2385).
func md5Room() []wire.TCPOption {
	return []wire.TCPOption{nop, nop, {Kind: wire.OptMD5, Data: make([]byte, 16)}}
}

// establishedOptionsLen is how long the options of the next segment with data are.
func (tp *tcpSock) establishedOptionsLen() int {
	n := 0
	if len(tp.md5) > 0 && tp.md5For(tp.remote.Addr()) != nil {
		n += 20
	}
	if tp.tstampOK {
		n += 12
	}
	if k := tp.sackBlocksFit(n); k > 0 {
		n += 4 + 8*k
	}
	return n
}

// sackBlocksFit is how many SACK blocks there are to send and room for.
func (tp *tcpSock) sackBlocksFit(used int) int {
	k := len(tp.selectiveAcks) + len(tp.duplicateSack)
	return max(0, min(k, (maxTCPOptions-used-4)/8))
}

// establishedOptions are the options of a segment without SYN.
func (tp *tcpSock) establishedOptions(b *skb) []wire.TCPOption {
	var o []wire.TCPOption
	n := 0
	if len(tp.md5) > 0 && tp.md5For(tp.remote.Addr()) != nil {
		o = append(o, md5Room()...)
		n += 20
	}
	if tp.tstampOK {
		o = append(o, nop, nop, wire.TCPOption{Kind: wire.OptTimestamp, Data: u32s(tsOf(b.sentAt), tp.tsRecent)})
		n += 12
	}
	if k := tp.sackBlocksFit(n); k > 0 {
		var v []uint32
		for _, d := range tp.duplicateSack {
			v = append(v, d.start, d.end)
		}
		for _, d := range tp.selectiveAcks {
			v = append(v, d.start, d.end)
		}
		o = append(o, nop, nop, wire.TCPOption{Kind: wire.OptSACK, Data: u32s(v[:2*k]...)})
		tp.duplicateSack = nil
	}
	return o
}

// synOptions are the options of our SYN.
func (tp *tcpSock) synOptions(b *skb) []wire.TCPOption {
	sysctl := &tp.s.sysctl
	room := maxTCPOptions
	var o []wire.TCPOption
	signed := tp.md5For(tp.remote.Addr()) != nil
	if signed {
		o = append(o, md5Room()...)
		room -= 20
	}
	mss := tp.advertiseMSS()
	o = append(o, wire.TCPOption{Kind: wire.OptMSS, Data: []byte{byte(mss >> 8), byte(mss)}})
	room -= 4
	sack, ts := sysctl.tcpSack != 0, sysctl.tcpTimestamps != 0 && !signed
	if ts {
		stamp := wire.TCPOption{Kind: wire.OptTimestamp, Data: u32s(tsOf(b.sentAt), tp.tsRecent)}
		if sack {
			o = append(o, wire.TCPOption{Kind: wire.OptSACKOK}, stamp)
		} else {
			o = append(o, nop, nop, stamp)
		}
		room -= 12
	} else if sack {
		o = append(o, nop, nop, wire.TCPOption{Kind: wire.OptSACKOK})
		room -= 4
	}
	if sysctl.tcpWindowScaling != 0 {
		o = append(o, nop, wire.TCPOption{Kind: wire.OptWScale, Data: []byte{tp.rcvWscale}})
		room -= 4
	}
	if f := tp.fastopenReq; f != nil && f.option {
		need := 2 + len(f.cookie)
		if f.exp {
			need += 2
		}
		if need = (need + 3) &^ 3; room >= need {
			tp.synFastopen, tp.synFastopenExp = true, f.exp
			o = append(o, fastopenOption(f.cookie, f.exp)...)
		}
	}
	return o
}

// fastopenOption is the Fast Open option, filled up to a multiple of four bytes.
// Without a cookie it asks for one (RFC 7413 section 4.1.1).
func fastopenOption(cookie []byte, exp bool) []wire.TCPOption {
	o := wire.TCPOption{Kind: wire.OptFastOpen, Data: cookie}
	if exp {
		o.Kind = wire.OptExp
		o.Data = append([]byte{wire.FastOpenMagic >> 8, wire.FastOpenMagic & 0xff}, cookie...)
	}
	list := []wire.TCPOption{o}
	for n := 2 + len(o.Data); n%4 != 0; n++ {
		list = append(list, nop)
	}
	return list
}

// advertiseMSS is the MSS that is offered to the peer.
func (tp *tcpSock) advertiseMSS() int {
	mss := tp.advmss
	if r := tp.route(); r != nil {
		if m := tp.clampUserMSS(r.advmss()); m < mss {
			mss = m
			tp.advmss = m
		}
	}
	return mss
}

// clampUserMSS applies TCP_MAXSEG.
func (tp *tcpSock) clampUserMSS(mss int) int {
	if tp.userMSS > 0 && tp.userMSS < mss {
		return tp.userMSS
	}
	return mss
}

func (tp *tcpSock) ecnClearSyn(b *skb) {
	if tp.s.sysctl.tcpEcnFallback != 0 {
		b.flags &^= wire.ECE | wire.CWR
	}
}

// Time stamps of a transmission (SO_TIMESTAMPING).

// stampSent puts a time stamp on the error queue.
func (tp *tcpSock) stampSent(x txStamp, kind int, at time.Duration, b *skb) {
	e := &errEntry{errno: enomsg, origin: abi.SoEeOriginTimestamping, info: uint32(kind), stamp: tp.s.Wall(at)}
	if tp.timestamping&abi.SofOptId != 0 {
		e.data = x.key - tp.tskey
	}
	if tp.timestamping&abi.SofOptStats != 0 {
		e.stats = tp.optStats(b)
	}
	if tp.timestamping&abi.SofOptTsonly == 0 {
		e.payload = b.data
	}
	tp.queueError(e)
}

const enomsg errno = 42

// The order in which segments were sent, for RACK.

// tsMoveTail makes b the one sent last.
func (tp *tcpSock) tsMoveTail(b *skb) {
	tp.sentOrder.remove(b)
	tp.sentOrder.insertAfter(b, tp.sentOrder.last)
}

// A sentList has segments in the order in which they were sent (tcp_tsorted).
type sentList struct{ first, last *skb }

func (l *sentList) insertAfter(b, at *skb) {
	b.sentPrev, b.inSent = at, true
	if at == nil {
		b.sentNext, l.first = l.first, b
	} else {
		b.sentNext, at.sentNext = at.sentNext, b
	}
	if b.sentNext == nil {
		l.last = b
	} else {
		b.sentNext.sentPrev = b
	}
}

func (l *sentList) remove(b *skb) {
	if !b.inSent {
		return
	}
	if b.sentPrev == nil {
		l.first = b.sentNext
	} else {
		b.sentPrev.sentNext = b.sentNext
	}
	if b.sentNext == nil {
		l.last = b.sentPrev
	} else {
		b.sentNext.sentPrev = b.sentPrev
	}
	b.sentNext, b.sentPrev, b.inSent = nil, nil, false
}

// Busy times, as TCP_INFO has them.
const (
	chronoNone = iota
	chronoBusy
	chronoRwndLimited
	chronoSndbufLimited
)

// A chrono tells for how long data was on its way, and what limited it.
type chrono struct {
	kind  int
	began uint64    // jiffies
	stat  [3]uint64 // jiffies
}

func (c *chrono) set(tp *tcpSock, kind int) {
	now := tp.s.jiffies()
	if c.kind > chronoNone {
		c.stat[c.kind-1] += now - c.began
	}
	c.began, c.kind = now, kind
}

func (c *chrono) start(tp *tcpSock, kind int) {
	if kind > c.kind {
		c.set(tp, kind)
	}
}

func (c *chrono) stop(tp *tcpSock, kind int) {
	switch {
	case tp.writeQueue.empty() && tp.rtxQueue.empty():
		c.set(tp, chronoNone)
	case kind == c.kind:
		c.set(tp, chronoBusy)
	}
}
