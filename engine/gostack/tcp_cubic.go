package gostack

import (
	"math"
	"math/bits"
	"time"
)

// CUBIC (RFC 9438) with HyStart, as Linux computes it: in integers, and with its
// time in units of 1/1024 s since the window was last reduced.
//
// The window W grows along a cubic function of the time t since then. Where it was
// before the reduction (the origin), the function is flat, and it gets there at K:
//
//	W(t) = C (t-K)³ + origin
//
// It isn't set to W(t). Instead, cnt says how many segments are to be acknowledged
// for each that is added, so that W(t) is reached within a round trip.
const (
	cubicHZ      = 10 // t is in units of 1/2^cubicHZ s
	cubicOne     = 1024
	cubicBeta    = 717     // the reduction: 0.7 of 1024
	cubicScale   = 41 * 10 // C is 0.4 of 1024
	cubicMaxCnt  = 20      // of the first epoch: 5 % a round trip at least
	cubicIdleCnt = 100     // above the function the window almost stands still
	cubicMinCnt  = 2       // it grows by half in a round trip at most
	cubicShift   = 10 + 3*cubicHZ
	// cubicFactor is 1/C, for K.
	cubicFactor = 1 << cubicShift / cubicScale
	// cubicFriendly is 8 (1+β)/3(1-β), by which Reno's growth is made as steep as
	// that of a Reno whose reduction is β.
	cubicFriendly = 8 * (cubicOne + cubicBeta) / 3 / (cubicOne - cubicBeta)
)

// HyStart ends slow start when the ACKs of a round trip come spread over as much
// time as half of the shortest round trip, or when round trips get longer. Times
// are in microseconds.
const (
	hystartLowWindow  = 16 // below it, never
	hystartAckDelta   = 2000
	hystartMinSamples = 8
	hystartDelayMin   = 4000
	hystartDelayMax   = 16000
)

type cubic struct {
	cnt         uint32
	lastMaxCwnd uint32 // before the last reduction
	lastCwnd    uint32 // of the last computation
	lastTime    uint64 // jiffies
	origin      uint32
	k           uint64 // 1/1024 s
	delayMin    int64  // the shortest round trip, µs; 0: none yet
	epochStart  uint64 // jiffies, when this cubic function began; 0: none
	ackCnt      uint32 // segments acknowledged that tcpCwnd hasn't grown for
	tcpCwnd     uint32 // what Reno's window would be

	found      bool  // HyStart has ended slow start
	sampleCnt  int   // round trips measured in this round
	roundStart int64 // µs
	endSeq     uint32
	lastAck    int64 // µs: the last of the ACKs that followed each other closely
	currRTT    int64 // the shortest of this round
}

func newCubic() congestion { return &cubic{} }

func (*cubic) name() string { return "cubic" }

func (c *cubic) init(tp *tcpSock) {
	c.reset()
	c.startRound(tp)
}

// reset forgets all but HyStart's round.
func (c *cubic) reset() {
	*c = cubic{sampleCnt: c.sampleCnt, roundStart: c.roundStart, endSeq: c.endSeq, lastAck: c.lastAck, currRTT: c.currRTT}
}

// startRound begins a round of HyStart.
func (c *cubic) startRound(tp *tcpSock) {
	c.roundStart = tp.mstampUs()
	c.lastAck = c.roundStart
	c.endSeq = tp.sndNxt
	c.currRTT = math.MaxInt64
	c.sampleCnt = 0
}

func (tp *tcpSock) mstampUs() int64 { return int64(tp.tcpMstamp / time.Microsecond) }

// cwndEvent leaves the time in which nothing was in flight out of the function,
// which would otherwise have grown meanwhile.
func (c *cubic) cwndEvent(tp *tcpSock, ev caEvent) {
	if ev != caEventTxStart || c.epochStart == 0 {
		return
	}
	now := tp.s.jiffies()
	if idle := int64(now - tp.lsndtime); idle > 0 {
		c.epochStart = min(c.epochStart+uint64(idle), now)
	}
}

// ssthresh begins a new function at the next acknowledgment, with its origin where
// the window is now.
func (c *cubic) ssthresh(tp *tcpSock) uint32 {
	c.epochStart = 0
	cwnd := tp.sndCwnd
	if cwnd < c.lastMaxCwnd {
		// It hasn't got back to where it was: another has come that needs room
		// (fast convergence).
		c.lastMaxCwnd = cwnd * (cubicOne + cubicBeta) / (2 * cubicOne)
	} else {
		c.lastMaxCwnd = cwnd
	}
	return max(cwnd*cubicBeta/cubicOne, 2)
}

func (c *cubic) setState(tp *tcpSock, state int) {
	if state == tcpCaLoss {
		c.reset()
		c.startRound(tp)
	}
}

func (*cubic) undoCwnd(tp *tcpSock) uint32 { return tp.renoUndoCwnd() }

func (c *cubic) congAvoid(tp *tcpSock, ack, acked uint32) {
	if !tp.isCwndLimited() {
		return
	}
	if tp.inSlowStart() {
		if acked = tp.slowStart(acked); acked == 0 {
			return
		}
	}
	c.update(tp, acked)
	tp.congAvoidAI(c.cnt, acked)
}

// update computes cnt (bictcp_update).
func (c *cubic) update(tp *tcpSock, acked uint32) {
	s, cwnd, now := tp.s, tp.sndCwnd, tp.s.jiffies()
	hz := uint64(time.Second / s.tick)
	c.ackCnt += acked
	// It is enough to do this 32 times a second, as long as the window is the same.
	if c.lastCwnd == cwnd && now-c.lastTime <= hz/32 {
		return
	}
	if c.epochStart == 0 || now != c.lastTime {
		c.lastCwnd, c.lastTime = cwnd, now
		if c.epochStart == 0 {
			c.startEpoch(cwnd, acked, now)
		}
		// Where the window is to be one round trip from now.
		t := now - c.epochStart + uint64(s.usecsToJiffies(c.delayMin))
		c.approach(cwnd, c.at(t<<cubicHZ/hz))
	}
	c.befriend(cwnd)
	c.cnt = max(c.cnt, cubicMinCnt)
}

// startEpoch begins a cubic function.
func (c *cubic) startEpoch(cwnd, acked uint32, now uint64) {
	c.epochStart = now
	c.ackCnt = acked
	c.tcpCwnd = cwnd
	c.k, c.origin = 0, cwnd
	if c.lastMaxCwnd > cwnd {
		c.k = cubeRoot(cubicFactor * uint64(c.lastMaxCwnd-cwnd))
		c.origin = c.lastMaxCwnd
	}
}

// at is the function's value at t.
func (c *cubic) at(t uint64) uint32 {
	if t < c.k {
		d := c.k - t
		return c.origin - uint32(cubicScale*d*d*d>>cubicShift)
	}
	d := t - c.k
	return c.origin + uint32(cubicScale*d*d*d>>cubicShift)
}

// approach sets cnt so that the window gets to the target within a round trip.
func (c *cubic) approach(cwnd, target uint32) {
	if target > cwnd {
		c.cnt = cwnd / (target - cwnd)
	} else {
		c.cnt = cubicIdleCnt * cwnd
	}
	if c.lastMaxCwnd == 0 {
		// Nothing was lost yet, so the function starts flat without a reason.
		c.cnt = min(c.cnt, cubicMaxCnt)
	}
}

// befriend makes the window grow at least as fast as Reno's would.
func (c *cubic) befriend(cwnd uint32) {
	perSegment := cwnd * cubicFriendly >> 3
	for c.ackCnt > perSegment {
		c.ackCnt -= perSegment
		c.tcpCwnd++
	}
	if c.tcpCwnd > cwnd {
		c.cnt = min(c.cnt, cwnd/(c.tcpCwnd-cwnd))
	}
}

// cubeRoot is the cube root, rounded down. Linux's own is off by up to a few
// thousandths, which moves K by some milliseconds where the function is flattest.
func cubeRoot(a uint64) uint64 {
	x := uint64(0)
	for bit := uint64(1) << (bits.Len64(a) / 3); bit > 0; bit >>= 1 {
		if y := x | bit; y <= 2642245 && y*y*y <= a { // the largest whose cube fits
			x = y
		}
	}
	return x
}

// pktsAcked measures round trips, for HyStart and for how far ahead update looks.
func (c *cubic) pktsAcked(tp *tcpSock, acked int, rttUs int64) {
	if rttUs < 0 {
		return
	}
	// Right after a reduction round trips say little.
	if c.epochStart != 0 && tp.s.jiffies()-c.epochStart < uint64(time.Second/tp.s.tick) {
		return
	}
	delay := max(rttUs, 1)
	if c.delayMin == 0 || delay < c.delayMin {
		c.delayMin = delay
	}
	if !c.found && tp.inSlowStart() {
		c.hystart(tp, delay)
	}
}

// hystart looks for the two signs that the path is full (hystart_update).
func (c *cubic) hystart(tp *tcpSock, delay int64) {
	if after(tp.sndUna, c.endSeq) {
		c.startRound(tp)
	}
	if tp.sndCwnd < hystartLowWindow {
		return
	}
	if now := tp.mstampUs(); now-c.lastAck <= hystartAckDelta {
		c.lastAck = now
		threshold := c.delayMin + hystartAckDelay(tp)
		if tp.pacingStatus == pacingNone {
			// With pacing the segments themselves leave over half a round trip.
			threshold >>= 1
		}
		if now-c.roundStart > threshold {
			c.end(tp)
		}
	}
	c.currRTT = min(c.currRTT, delay)
	if c.sampleCnt < hystartMinSamples {
		c.sampleCnt++
		return
	}
	if c.currRTT > c.delayMin+min(max(c.delayMin>>3, hystartDelayMin), hystartDelayMax) {
		c.end(tp)
	}
}

// end ends slow start.
func (c *cubic) end(tp *tcpSock) {
	c.found = true
	tp.sndSsthresh = tp.sndCwnd
}

// hystartAckDelay is how long the ACKs may be held up by GRO and TSO at the pacing
// rate: the time of four of the largest super-segments, a millisecond at most.
func hystartAckDelay(tp *tcpSock) int64 {
	if tp.pacingRate == 0 {
		return 0
	}
	return min(1000, int64(uint64(tp.gsoMaxSize())*4*1e6/tp.pacingRate))
}
