package gostack

import (
	"tcpdrill/engine/abi"
	"tcpdrill/engine/wire"
)

// Path MTU discovery: by ICMP (RFC 1191, RFC 8201), and by probing (RFC 4821).

// mtuProbe is the state of probing (icsk_mtup).
type mtuProbe struct {
	enabled               bool
	searchLow, searchHigh int
	size                  int // of the probe in flight; 0: none
	seqStart, seqEnd      uint32
	stamp                 uint64
}

// mtupInit starts probing if it is on from the start.
func (tp *tcpSock) mtupInit() {
	s := &tp.s.sysctl
	p := &tp.mtuProbe
	p.enabled = s.tcpMtuProbing > 1
	p.searchHigh = int(tp.mssClamp) + 20 + tp.netHeaderLen()
	p.searchLow = tp.mssToMTU(int(s.tcpBaseMss))
	p.size = 0
	if p.enabled {
		p.stamp = tp.s.jiffies()
	}
}

// mtuProbing turns probing on when much is lost: the path may swallow large packets
// without a word (tcp_mtu_probing).
func (tp *tcpSock) mtuProbing() {
	s := &tp.s.sysctl
	if s.tcpMtuProbing == 0 {
		return
	}
	p := &tp.mtuProbe
	if !p.enabled {
		p.enabled = true
		p.stamp = tp.s.jiffies()
	} else {
		mss := tp.mtuToMSS(p.searchLow) >> 1
		mss = max(min(int(s.tcpBaseMss), mss), int(s.tcpMtuProbeFloor), int(s.tcpMinSndMss))
		p.searchLow = tp.mssToMTU(mss)
	}
	tp.syncMSS(tp.pmtuCookie)
}

// sendMTUProbe sends a segment longer than the MSS (tcp_mtu_probe). It returns -1 if
// none is due, 0 to wait until there is enough data for one, 1 if it was sent.
func (tp *tcpSock) sendMTUProbe() int {
	s := tp.s
	p := &tp.mtuProbe
	if !p.enabled || p.size > 0 || tp.caState != tcpCaOpen || tp.sndCwnd < 11 || len(tp.selectiveAcks) > 0 {
		return -1
	}
	mss := tp.currentMSS()
	size := tp.mtuToMSS((p.searchHigh + p.searchLow) >> 1)
	needed := size + (tp.reordering+1)*tp.mssCache
	interval := p.searchHigh - p.searchLow
	if size > tp.mtuToMSS(p.searchHigh) || interval < int(s.sysctl.tcpProbeThreshold) {
		if int64(s.jiffies()-p.stamp) >= s.msecsToJiffies(1000*s.sysctl.tcpProbeInterval) {
			p.size = 0
			p.searchHigh = int(tp.mssClamp) + 20 + tp.netHeaderLen()
			p.searchLow = tp.mssToMTU(tp.mssCache)
			p.stamp = s.jiffies()
		}
		return -1
	}
	if int(tp.writeSeq-tp.sndNxt) < needed || int(tp.sndWnd) < needed {
		return -1
	}
	if after(tp.sndNxt+uint32(needed), tp.wndEnd()) {
		return 0
	}
	if tp.inFlight()+2 > tp.sndCwnd {
		if tp.inFlight() == 0 {
			return -1
		}
		return 0
	}
	for b, n := tp.writeQueue.first, 0; b != nil && n < size; b = b.next {
		n += b.len()
		if b.eor && n < size || b.zerocopy != nil {
			return -1
		}
	}
	// Data moves from what is queued into the probe.
	probe := &skb{head: &skbHead{dataref: 1}, seq: tp.writeQueue.first.seq, flags: wire.ACK, truesize: txTruesize}
	for len(probe.data) < size {
		b := tp.writeQueue.first
		n := min(b.len(), size-len(probe.data))
		probe.data = append(probe.data, b.data[:n]...)
		if n == b.len() {
			probe.flags |= b.flags
			probe.eor = b.eor
			tp.collapseStamp(probe, b)
			tp.freeQueued(b)
			continue
		}
		b.data = b.data[n:]
		b.seq += uint32(n)
		b.truesize -= n
		tp.addQueued(-n)
		b.setSegs(mss)
	}
	probe.endSeq = probe.seq + uint32(size)
	probe.truesize += size
	probe.segs = 1
	tp.addQueued(probe.truesize)
	tp.writeQueue.pushFront(probe)
	if !tp.transmit(probe, causeMTUProbe) {
		return -1
	}
	tp.sndCwnd--
	tp.newDataSent(probe)
	p.size = tp.mssToMTU(size)
	p.seqStart, p.seqEnd = probe.seq, probe.endSeq
	s.count(mibTCPMTUPSuccess)
	return 1
}

// mtupProbeSuccess takes the larger MTU over.
func (tp *tcpSock) mtupProbeSuccess() {
	p := &tp.mtuProbe
	tp.priorSsthresh = tp.currentSsthresh()
	val := uint64(tp.sndCwnd) * uint64(tp.mssToMTU(tp.mssCache))
	tp.sndCwnd = max(1, uint32(val/uint64(p.size)))
	tp.sndCwndCnt = 0
	tp.sndCwndStamp = tp.s.jiffies()
	tp.sndSsthresh = tp.currentSsthresh()
	p.searchLow = p.size
	p.size = 0
	tp.syncMSS(tp.pmtuCookie)
}

func (tp *tcpSock) mtupProbeFailed() {
	tp.mtuProbe.searchHigh = tp.mtuProbe.size - 1
	tp.mtuProbe.size = 0
	tp.s.count(mibTCPMTUPFail)
}

// mtuReduced is news of a smaller path MTU (tcp_v4_mtu_reduced, tcp_v6_mtu_reduced).
func (tp *tcpSock) mtuReduced(mtu int) {
	if tp.inState(tcpListen, tcpClose) {
		return
	}
	if tp.v6 && tp.mtuToMSS(mtu) >= tp.mssCache {
		return // nothing that we send is too long
	}
	tp.s.updatePMTU(tp.remote.Addr(), mtu)
	r := tp.route()
	if r == nil {
		return
	}
	tp.rebuildHeader()
	now, _ := r.mtu()
	if !tp.v6 {
		if mtu < now && tp.dontFragment() {
			tp.softErr = abi.EMSGSIZE
		}
		switch tp.mtuDisc {
		case abi.IpPmtudiscDont, abi.IpPmtudiscInterface, abi.IpPmtudiscOmit:
			return
		}
	}
	if tp.pmtuCookie > now {
		tp.syncMSS(now)
		// Time stamps are those of the segment that came last.
		restore := tp.because(causePMTU)
		tp.simpleRetransmit()
		restore()
	}
}
