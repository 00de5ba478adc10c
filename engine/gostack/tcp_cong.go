package gostack

// States of congestion control (TCP_CA_*).
const (
	tcpCaOpen = iota
	tcpCaDisorder
	tcpCaCWR
	tcpCaRecovery
	tcpCaLoss
)

// A caEvent is something that a congestion control may want to know (enum
// tcp_ca_event).
type caEvent int

const (
	caEventTxStart caEvent = iota
	caEventCwndRestart
	caEventCompleteCwr
	caEventLoss
	caEventEcnNoCe
	caEventEcnIsCe
)

// tcpInfiniteSsthresh is the slow start threshold before there was any loss.
const tcpInfiniteSsthresh = 0x7fffffff

// A congestion is a congestion control (struct tcp_congestion_ops), one for each
// socket.
type congestion interface {
	name() string
	init(tp *tcpSock)
	ssthresh(tp *tcpSock) uint32
	congAvoid(tp *tcpSock, ack, acked uint32)
	setState(tp *tcpSock, state int)
	undoCwnd(tp *tcpSock) uint32
	cwndEvent(tp *tcpSock, ev caEvent)
	pktsAcked(tp *tcpSock, acked int, rttUs int64)
}

// newCongestion returns the congestion control of a name, or nil.
func newCongestion(name string) congestion {
	switch name {
	case "cubic":
		return newCubic()
	case "reno":
		return newReno()
	}
	return nil
}

// routeCongestion takes the congestion control that the route asks for, and reports
// whether it asks for one (tcp_ca_dst_init).
func (tp *tcpSock) routeCongestion() bool {
	r := tp.route()
	if r == nil {
		return false
	}
	ca := newCongestion(r.congctl())
	if ca == nil {
		return false
	}
	tp.ca, tp.caLocked = ca, r.locked("congctl")
	return true
}

// defaultCongestion is the sysctl's (tcp_assign_congestion_control).
func (s *Stack) defaultCongestion() congestion { return newCongestion(s.sysctl.tcpCongestionControl) }

// setCaState enters a state (tcp_set_ca_state).
func (tp *tcpSock) setCaState(state int) {
	tp.ca.setState(tp, state)
	tp.caState = state
}

func (tp *tcpSock) inSlowStart() bool { return tp.sndCwnd < tp.sndSsthresh }

// isCwndLimited reports whether the congestion window was what held data back
// since the last round trip (RFC 7661). In slow start it is enough that half of it
// was used: that is what a doubling is based on.
func (tp *tcpSock) isCwndLimited() bool {
	if tp.cwndLimited {
		return true
	}
	return tp.inSlowStart() && tp.sndCwnd < 2*tp.maxPacketsOut
}

// currentSsthresh is what the window may go up to again at least
// (tcp_current_ssthresh).
func (tp *tcpSock) currentSsthresh() uint32 {
	if tp.caState == tcpCaCWR || tp.caState == tcpCaRecovery {
		return tp.sndSsthresh
	}
	return max(tp.sndSsthresh, tp.sndCwnd>>1+tp.sndCwnd>>2)
}
