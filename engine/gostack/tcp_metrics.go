package gostack

import "net/netip"

// metrics are what is remembered of peers (tcp_metrics).
type metrics struct{ peers []*peerMetrics }

type peerMetrics struct {
	addr      netip.Addr
	tfoMSS    uint16
	cookie    []byte
	cookieExp bool
	tryExp    int

	rttUs      int64 // scaled by 8, as srttUs
	reordering int
	ssthresh   uint32 // 0: not known
}

func (m *metrics) get(a netip.Addr) *peerMetrics {
	for _, p := range m.peers {
		if p.addr == a {
			return p
		}
	}
	return nil
}

// of returns the entry of a peer, a new one if need be.
func (m *metrics) of(a netip.Addr) *peerMetrics {
	p := m.get(a)
	if p == nil {
		p = &peerMetrics{addr: a}
		m.peers = append(m.peers, p)
	}
	return p
}

func (m *metrics) setFastopen(a netip.Addr, mss uint16, cookie []byte, exp bool, tryExp int) {
	p := m.of(a)
	p.tfoMSS = mss
	if len(cookie) > 0 {
		p.cookie, p.cookieExp = append([]byte(nil), cookie...), exp
	} else if tryExp > p.tryExp && len(p.cookie) == 0 && !p.cookieExp {
		p.tryExp = tryExp
	}
}

// flushTCPMetrics forgets all of it.
func (s *Stack) flushTCPMetrics() { s.tcp.metrics = metrics{} }

// initMetrics seeds a new connection with what is remembered (tcp_init_metrics). The
// round-trip time only decides about the first timeout; if neither the handshake nor
// anything remembered gives one, that is 3 s (RFC 6298 section 5.7).
func (tp *tcpSock) initMetrics() {
	s := tp.s
	tp.sndSsthresh = tcpInfiniteSsthresh
	rtt := int64(0)
	if m := s.tcp.metrics.get(tp.remote.Addr()); m != nil {
		rtt = m.rttUs
		if m.reordering != 0 {
			tp.reordering = m.reordering
		}
		if m.ssthresh != 0 && s.sysctl.tcpNoSsthreshMetricsSave == 0 {
			tp.sndSsthresh = min(m.ssthresh, tp.sndCwndClamp)
		}
	}
	if r := tp.route(); r != nil {
		if n, set := r.metric("ssthresh"); set && n > 0 && r.locked("ssthresh") {
			tp.sndSsthresh = min(n, tp.sndCwndClamp)
		}
		if n, set := r.metric("cwnd"); set && n > 0 && r.locked("cwnd") {
			tp.sndCwndClamp = n
		}
		if n, set := r.metric("reordering"); set && n > 0 {
			tp.reordering = int(n)
		}
		if n, set := r.metric("rtt"); set && rtt == 0 {
			rtt = int64(n) * 1000
		}
	}
	switch {
	case rtt > int64(tp.srttUs):
		j := rtt / 8 / s.jiffiesToUsecs(1)
		tp.rto = j + max(2*j, tp.rtoMin)
	case tp.srttUs == 0:
		fallback := s.msecsToJiffies(3000)
		tp.rttvarUs = uint32(s.jiffiesToUsecs(fallback))
		tp.mdevUs, tp.mdevMaxUs = tp.rttvarUs, tp.rttvarUs
		tp.rto = fallback
	}
}

// updateMetrics remembers how a connection was, at its end (tcp_update_metrics).
func (tp *tcpSock) updateMetrics() {
	if tp.s.sysctl.tcpNoMetricsSave != 0 {
		return
	}
	if tp.backoff > 0 || tp.srttUs == 0 {
		if m := tp.s.tcp.metrics.get(tp.remote.Addr()); m != nil {
			m.rttUs = 0
		}
		return
	}
	m := tp.s.tcp.metrics.of(tp.remote.Addr())
	// A time that is too long does less harm than one that is too short.
	if d := m.rttUs - int64(tp.srttUs); d <= 0 {
		m.rttUs = int64(tp.srttUs)
	} else {
		m.rttUs -= d >> 3
	}
	save := tp.s.sysctl.tcpNoSsthreshMetricsSave == 0
	switch {
	case tp.inSlowStartInitial():
		if save && m.ssthresh != 0 {
			m.ssthresh = max(m.ssthresh, tp.sndCwnd>>1)
		}
	case !tp.inSlowStart() && tp.caState == tcpCaOpen:
		if save {
			m.ssthresh = max(tp.sndCwnd>>1, tp.sndSsthresh)
		}
	default:
		if save && m.ssthresh != 0 {
			m.ssthresh = max(m.ssthresh, tp.sndSsthresh)
		}
		if m.reordering < tp.reordering && tp.reordering != int(tp.s.sysctl.tcpReordering) {
			m.reordering = tp.reordering
		}
	}
}
