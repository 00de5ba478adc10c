package gostack

// Reno: additive increase, multiplicative decrease (RFC 5681). The pieces that
// other congestion controls share are here, too.

type reno struct{}

func newReno() congestion { return reno{} }

func (reno) name() string                   { return "reno" }
func (reno) init(*tcpSock)                  {}
func (reno) setState(*tcpSock, int)         {}
func (reno) cwndEvent(*tcpSock, caEvent)    {}
func (reno) pktsAcked(*tcpSock, int, int64) {}

// ssthresh is half of the window. RFC 5681 has half of what is in flight; an
// application that doesn't fill its window is treated more kindly by Linux.
func (reno) ssthresh(tp *tcpSock) uint32 { return max(tp.sndCwnd>>1, 2) }

func (reno) undoCwnd(tp *tcpSock) uint32 { return tp.renoUndoCwnd() }

func (reno) congAvoid(tp *tcpSock, ack, acked uint32) {
	if !tp.isCwndLimited() {
		return
	}
	if tp.inSlowStart() {
		acked = tp.slowStart(acked)
	}
	if acked > 0 {
		tp.congAvoidAI(tp.sndCwnd, acked)
	}
}

// renoUndoCwnd is the window to go back to when nothing was lost after all
// (tcp_reno_undo_cwnd).
func (tp *tcpSock) renoUndoCwnd() uint32 { return max(tp.sndCwnd, tp.priorCwnd) }

// slowStart makes the window larger by what was acknowledged, up to the threshold,
// and returns what it didn't use (tcp_slow_start). One acknowledgment of much data
// counts as much as many of little (RFC 3465 without its limit).
func (tp *tcpSock) slowStart(acked uint32) uint32 {
	cwnd := min(tp.sndCwnd+acked, tp.sndSsthresh)
	acked -= cwnd - tp.sndCwnd
	tp.sndCwnd = min(cwnd, tp.sndCwndClamp)
	return acked
}

// congAvoidAI makes the window larger by one for each w segments that were
// acknowledged (tcp_cong_avoid_ai).
func (tp *tcpSock) congAvoidAI(w, acked uint32) {
	// What was saved up under a larger w makes one segment now, not several in a
	// burst.
	if tp.sndCwndCnt >= w {
		tp.sndCwndCnt = 0
		tp.sndCwnd++
	}
	tp.sndCwndCnt += acked
	if tp.sndCwndCnt >= w {
		tp.sndCwnd += tp.sndCwndCnt / w
		tp.sndCwndCnt %= w
	}
	tp.sndCwnd = min(tp.sndCwnd, tp.sndCwndClamp)
}
