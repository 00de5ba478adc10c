package gostack

// How long segments and super-segments are: by the route, the options and the pacing rate.

func (tp *tcpSock) netHeaderLen() int {
	if tp.v6 {
		return 40
	}
	return 20
}

// route returns the route to the peer, nil if there is none.
func (tp *tcpSock) route() *route {
	r, e := tp.s.routeFor(tp.remote.Addr())
	if e != 0 {
		return nil
	}
	return r
}

// rebuildHeader takes notice of a route that has changed (__sk_dst_check).
func (tp *tcpSock) rebuildHeader() {
	tp.routeMTU = tp.currentDstMTU()
	r := tp.route()
	tp.deviceMTU = r != nil && r.deviceMTU()
}

// dstMTU is the path's MTU, by the route that the last segment took: that there is
// another is noticed when the next is sent.
func (tp *tcpSock) dstMTU() int {
	if tp.routeMTU > 0 && !tp.inState(tcpClose, tcpSynSent) {
		if tp.deviceMTU {
			return tp.s.dev.mtu // as it is now
		}
		return tp.routeMTU
	}
	return tp.currentDstMTU()
}

func (tp *tcpSock) currentDstMTU() int {
	r := tp.route()
	if r == nil {
		return tp.s.dev.mtu
	}
	mtu, _ := r.mtu()
	return mtu
}

// mtuToMSS is what a path's MTU leaves for payload (tcp_mtu_to_mss).
func (tp *tcpSock) mtuToMSS(mtu int) int {
	mss := mtu - tp.netHeaderLen() - 20
	mss = min(mss, int(tp.mssClamp))
	mss = max(mss, tcpMinSndMSS)
	return mss - (tp.tcpHeaderLen - 20)
}

func (tp *tcpSock) mssToMTU(mss int) int {
	return mss + tp.tcpHeaderLen + tp.netHeaderLen()
}

// boundToHalfWindow keeps a segment from being more than half of the largest
// window seen (RFC 9293's silly window avoidance for the sender), unless the peer
// has a tiny buffer.
func (tp *tcpSock) boundToHalfWindow(n int) int {
	cutoff := int(tp.maxWindow)
	if tp.maxWindow > tcpMSSDefault {
		cutoff = int(tp.maxWindow >> 1)
	}
	if cutoff > 0 && n > cutoff {
		return max(cutoff, 68-tp.tcpHeaderLen)
	}
	return n
}

// syncMSS works out the MSS from the path's MTU (tcp_sync_mss).
func (tp *tcpSock) syncMSS(mtu int) int {
	if tp.mtuProbe.searchHigh > mtu {
		tp.mtuProbe.searchHigh = mtu
	}
	mss := tp.boundToHalfWindow(tp.mtuToMSS(mtu))
	tp.pmtuCookie = mtu
	if tp.mtuProbe.enabled {
		mss = min(mss, tp.mtuToMSS(tp.mtuProbe.searchLow))
	}
	if tp.s.faults.has(MSSOffByOne) {
		mss--
	}
	tp.mssCache = mss
	return mss
}

// currentMSS is the MSS of the next segment: that of the path less what the
// options take which not every segment has (tcp_current_mss).
func (tp *tcpSock) currentMSS() int {
	mss := tp.mssCache
	if mtu := tp.dstMTU(); mtu != tp.pmtuCookie {
		mss = tp.syncMSS(mtu)
	}
	if n := 20 + tp.establishedOptionsLen(); n != tp.tcpHeaderLen {
		mss -= n - tp.tcpHeaderLen
	}
	return mss
}

func (tp *tcpSock) gsoMaxSize() int {
	return min(tp.s.dev.gsoMaxSize, 65536) - (maxTCPHeader + 1)
}

// canGSO reports whether super-segments may be handed down. Where the device
// doesn't cut them, the stack does so on the way; but for a signature, which is
// over each segment, none are made.
func (tp *tcpSock) canGSO() bool {
	return len(tp.md5) == 0 && !tp.s.faults.has(NoTSO)
}

// sizeGoal is how long a segment in the write queue is let grow: as many MSS as
// fit into a super-segment (tcp_xmit_size_goal).
func (tp *tcpSock) sizeGoal(mss int, large bool) int {
	if !large || !tp.canGSO() {
		return mss
	}
	size := tp.boundToHalfWindow(tp.gsoMaxSize())
	goal := tp.xmitSizeGoalSegs * mss
	if size < goal || size >= goal+mss {
		tp.xmitSizeGoalSegs = min(size/mss, tp.s.dev.gsoMaxSegs)
		goal = tp.xmitSizeGoalSegs * mss
	}
	return max(goal, mss)
}

// pacingShift makes bytes in about a millisecond of bytes in a second.
const pacingShift = 10

// tsoSegs is how many segments one super-segment may have: as many as take about
// a millisecond at the pacing rate, and more on short paths (tcp_tso_autosize).
func (tp *tcpSock) tsoSegs(mss int) int {
	if !tp.canGSO() {
		return 1
	}
	limit := uint64(tp.gsoMaxSize())
	size := tp.pacingRate >> pacingShift
	if log := tp.s.sysctl.tcpTsoRttLog; log > 0 {
		if r := uint64(tp.rttMin.get()) >> log; r < 32 {
			size += limit >> r
		}
	}
	size = min(size, limit)
	segs := max(int(size)/mss, int(tp.s.sysctl.tcpMinTsoSegs))
	return min(segs, tp.s.dev.gsoMaxSegs)
}
