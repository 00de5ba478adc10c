package gostack

import (
	"encoding/binary"
	"time"
)

// What TCP_INFO and the statistics with a time stamp say.

// info lays out struct tcp_info as of Linux 6.12.
func (tp *tcpSock) info() []byte {
	b := make([]byte, 248)
	le := binary.LittleEndian
	u32 := func(at int, v uint32) { le.PutUint32(b[at:], v) }
	u64 := func(at int, v uint64) { le.PutUint64(b[at:], v) }
	s := tp.s
	b[0] = byte(tp.state)
	rate := tp.pacingRate
	u64(104, rate)
	u64(112, tp.maxPacingRate)
	u32(88, uint32(tp.reordering))
	u32(80, tp.sndCwnd)
	if tp.state == tcpListen {
		u32(24, uint32(len(tp.acceptQueue)))
		u32(28, uint32(tp.backlog))
		return b
	}
	b[1] = byte(tp.caState)
	b[2] = byte(tp.retransmits)
	b[3] = byte(tp.probesOut)
	b[4] = byte(tp.backoff)
	for _, o := range []struct {
		on  bool
		bit byte
	}{
		{tp.tstampOK, 1}, {tp.sackOK, 2}, {tp.wscaleOK, 4}, {tp.ecnFlags&ecnOK != 0, 8},
		{tp.ecnFlags&ecnSeen != 0, 16}, {tp.synDataAcked, 32}, {tp.isTFOChild, 128},
	} {
		if o.on {
			b[5] |= o.bit
		}
	}
	if tp.wscaleOK {
		b[6] = tp.sndWscale | tp.rcvWscale<<4
	}
	if tp.rateAppLimited {
		b[7] |= 1
	}
	b[7] |= byte(tp.fastopenClientFail) << 1
	us := func(j int64) uint32 { return uint32(s.jiffiesToUsecs(j)) }
	ms := func(since uint64) uint32 { return uint32(s.jiffiesToUsecs(int64(s.jiffies()-since)) / 1000) }
	u32(8, us(tp.rto))
	u32(12, us(min(tp.ato, s.msecsToJiffies(200))))
	u32(16, uint32(tp.mssCache))
	u32(20, uint32(tp.rcvMss))
	u32(24, tp.packetsOut)
	u32(28, tp.sackedOut)
	u32(32, tp.lostOut)
	u32(36, tp.retransOut)
	u32(44, ms(tp.lsndtime))
	u32(52, ms(tp.lrcvtime))
	u32(56, ms(tp.rcvTstamp))
	u32(60, uint32(tp.pmtuCookie))
	u32(64, tp.rcvSsthresh)
	u32(68, tp.srttUs>>3)
	u32(72, tp.mdevUs>>2)
	u32(76, tp.sndSsthresh)
	u32(84, uint32(tp.advmss))
	u32(92, uint32(tp.rcvRTT.us>>3))
	u32(96, uint32(tp.rcvqSpace.space))
	u32(100, tp.totalRetrans)
	u64(120, tp.bytesAcked)
	u64(128, tp.bytesReceived)
	u32(136, tp.segsOut)
	u32(140, tp.segsIn)
	u32(144, uint32(max(0, int32(tp.writeSeq-tp.sndNxt))))
	u32(148, tp.rttMin.get())
	u32(152, tp.dataSegsIn)
	u32(156, tp.dataSegsOut)
	u64(160, tp.deliveryRate())
	busy, rwnd, sndbuf := tp.chrono.read(tp)
	u64(168, busy)
	u64(176, rwnd)
	u64(184, sndbuf)
	u32(192, tp.delivered)
	u32(196, tp.deliveredCE)
	u64(200, tp.bytesSent)
	u64(208, tp.bytesRetrans)
	u32(216, tp.dsackDups)
	u32(220, tp.reordSeen)
	u32(224, tp.rcvOOOPack)
	u32(228, tp.sndWnd)
	u32(232, tp.rcvWnd)
	u32(236, 0)
	le.PutUint16(b[240:], uint16(tp.totalRTO))
	le.PutUint16(b[242:], uint16(tp.totalRTORecoveries))
	u32(244, uint32(tp.totalRTOTime))
	return b
}

// deliveryRate is the last sample, bytes a second.
func (tp *tcpSock) deliveryRate() uint64 {
	if tp.rateIntervalUs == 0 {
		return 0
	}
	return uint64(tp.rateDelivered) * uint64(tp.mssCache) * 1_000_000 / uint64(tp.rateIntervalUs)
}

// read returns the busy times in µs: all of it, and what the peer's window and the
// send buffer limited.
func (c *chrono) read(tp *tcpSock) (busy, rwnd, sndbuf uint64) {
	var total uint64
	var v [3]uint64
	for i := range v {
		v[i] = c.stat[i]
		if c.kind == i+1 {
			v[i] += tp.s.jiffies() - c.began
		}
		v[i] = uint64(tp.s.jiffiesToUsecs(int64(v[i])))
		total += v[i]
	}
	return total, v[1], v[2]
}

// optStats lays out the netlink attributes of SCM_TIMESTAMPING_OPT_STATS
// (tcp_get_timestamping_opt_stats).
func (tp *tcpSock) optStats(acked *skb) []byte {
	var p []byte
	le := binary.LittleEndian
	attr := func(typ int, value []byte) {
		p = le.AppendUint16(p, uint16(4+len(value)))
		p = le.AppendUint16(p, uint16(typ))
		p = append(p, value...)
		for len(p)%4 != 0 {
			p = append(p, 0)
		}
	}
	u64 := func(typ int, v uint64) { attr(typ, le.AppendUint64(nil, v)) }
	u32 := func(typ int, v uint32) { attr(typ, le.AppendUint32(nil, v)) }
	u8 := func(typ int, v byte) { attr(typ, []byte{v}) }
	busy, rwnd, sndbuf := tp.chrono.read(tp)
	u64(1, busy)
	u64(2, rwnd)
	u64(3, sndbuf)
	u64(4, uint64(tp.dataSegsOut))
	u64(5, uint64(tp.totalRetrans))
	u64(6, tp.pacingRate)
	u64(7, tp.deliveryRate())
	u32(8, tp.sndCwnd)
	u32(9, uint32(tp.reordering))
	u32(10, tp.rttMin.get())
	u8(11, byte(tp.retransmits))
	limited := byte(0)
	if tp.rateAppLimited {
		limited = 1
	}
	u8(12, limited)
	u32(15, tp.sndSsthresh)
	u32(16, tp.delivered)
	u32(17, tp.deliveredCE)
	u32(13, tp.writeSeq-tp.sndUna)
	u8(14, byte(tp.caState))
	u64(18, tp.bytesSent)
	u64(19, tp.bytesRetrans)
	u32(20, tp.dsackDups)
	u32(21, tp.reordSeen)
	u32(22, tp.srttUs>>3)
	attr(23, []byte{0, 0})
	u32(24, uint32(max(0, int32(tp.writeSeq-tp.sndNxt))))
	edt := time.Duration(0)
	if acked != nil {
		edt = acked.sentAt
	}
	u64(25, uint64(edt))
	if acked != nil {
		u8(26, 64)
	}
	u32(27, 0)
	return p
}
