package gostack

import (
	"math"
	"testing"
	"time"
)

// congestionSock is as much of a socket as a congestion control looks at.
func congestionSock(cwnd uint32) *tcpSock {
	s := &Stack{}
	s.tick = time.Millisecond
	s.now = 40 * time.Second
	s.dev.gsoMaxSize = 65536
	tp := &tcpSock{sndCwnd: cwnd, sndSsthresh: tcpInfiniteSsthresh, sndCwndClamp: math.MaxUint32, cwndLimited: true}
	tp.s = s
	tp.tcpMstamp = s.now
	return tp
}

func (tp *tcpSock) pass(d time.Duration) {
	tp.s.now += d
	tp.tcpMstamp = tp.s.now
}

func TestCubeRoot(t *testing.T) {
	for _, x := range []uint64{0, 1, 2, 3, 7, 10, 99, 1000, 12345, 2642244, 2642245} {
		if got := cubeRoot(x * x * x); got != x {
			t.Errorf("of %d³: %d", x, got)
		}
		if x > 0 {
			if got := cubeRoot(x*x*x - 1); got != x-1 {
				t.Errorf("of %d³-1: %d", x, got)
			}
		}
	}
	if got := cubeRoot(math.MaxUint64); got != 2642245 {
		t.Errorf("of the largest number: %d", got)
	}
}

// RFC 9438, 4.2: the window is back where it was after K seconds,
// K = ((1-β) W / C)^(1/3), is flat there, and goes on upward.
func TestCubicFunction(t *testing.T) {
	tp := congestionSock(1000)
	c := newCubic().(*cubic)
	c.init(tp)
	tp.sndSsthresh = c.ssthresh(tp)
	tp.sndCwnd = tp.sndSsthresh
	if tp.sndCwnd != 700 {
		t.Fatalf("reduced to %d, want 700", tp.sndCwnd)
	}
	c.startEpoch(tp.sndCwnd, 1, tp.s.jiffies())
	k := math.Cbrt(0.3 * 1000 / 0.4)
	if got := float64(c.k) / 1024; math.Abs(got-k) > 0.01 {
		t.Errorf("K is %.3f s, want %.3f", got, k)
	}
	for _, sec := range []float64{0, 2, 5, k, 12, 20} {
		want := 0.4*math.Pow(sec-k, 3) + 1000
		if got := float64(c.at(uint64(sec * 1024))); math.Abs(got-want) > 0.002*want {
			t.Errorf("W(%.1f) is %.0f, want %.0f", sec, got, want)
		}
	}
}

// The window really follows the function, with a round trip of 100 ms.
func TestCubicFollows(t *testing.T) {
	tp := congestionSock(1000)
	c := newCubic().(*cubic)
	c.init(tp)
	tp.sndSsthresh = c.ssthresh(tp)
	tp.sndCwnd = tp.sndSsthresh
	began := tp.s.now
	for tp.s.now-began < 15*time.Second {
		for n := tp.sndCwnd; n > 0; n-- {
			c.congAvoid(tp, 0, 1)
			tp.pass(100 * time.Millisecond / time.Duration(tp.sndCwnd))
		}
		sec := (tp.s.now - began).Seconds()
		want := 0.4*math.Pow(sec-math.Cbrt(0.3*1000/0.4), 3) + 1000
		if got := float64(tp.sndCwnd); math.Abs(got-want) > 0.02*want {
			t.Fatalf("after %.1f s it is %.0f, want %.0f", sec, got, want)
		}
	}
}

// A second loss before the window got back lets the origin go down.
func TestFastConvergence(t *testing.T) {
	tp := congestionSock(100)
	c := newCubic().(*cubic)
	c.init(tp)
	c.ssthresh(tp)
	if c.lastMaxCwnd != 100 {
		t.Errorf("after the first loss: %d", c.lastMaxCwnd)
	}
	tp.sndCwnd = 80
	if got := c.ssthresh(tp); got != 56 || c.lastMaxCwnd != 68 {
		t.Errorf("after the second: %d, origin %d; want 56, 68", got, c.lastMaxCwnd)
	}
	tp.sndCwnd = 2
	if got := c.ssthresh(tp); got != 2 {
		t.Errorf("the smallest: %d", got)
	}
}

// Time in which nothing is in flight doesn't make the window grow.
func TestCubicIdle(t *testing.T) {
	tp := congestionSock(50)
	tp.sndSsthresh = 50
	c := newCubic().(*cubic)
	c.init(tp)
	c.congAvoid(tp, 0, 1)
	epoch := c.epochStart
	tp.pass(time.Second)
	tp.lsndtime = tp.s.jiffies()
	tp.pass(3 * time.Second)
	c.cwndEvent(tp, caEventCwndRestart)
	if c.epochStart != epoch {
		t.Error("another event moved the epoch")
	}
	c.cwndEvent(tp, caEventTxStart)
	if got := c.epochStart - epoch; got != 3000 {
		t.Errorf("the epoch moved by %d jiffies, want 3000", got)
	}
	c.cwndEvent(tp, caEventTxStart)
	if c.epochStart != tp.s.jiffies() {
		t.Error("an epoch must not begin in the future")
	}
}

// At the timeout all begins anew, but what HyStart learns of the round.
func TestCubicLoss(t *testing.T) {
	tp := congestionSock(50)
	c := newCubic().(*cubic)
	c.init(tp)
	c.ssthresh(tp)
	c.delayMin, c.found = 1000, true
	tp.sndNxt = 77
	c.setState(tp, tcpCaRecovery)
	if c.lastMaxCwnd != 50 || !c.found {
		t.Error("recovery reset it")
	}
	c.setState(tp, tcpCaLoss)
	if c.lastMaxCwnd != 0 || c.found || c.delayMin != 0 || c.endSeq != 77 {
		t.Errorf("%+v", c)
	}
}

func TestUndo(t *testing.T) {
	for _, c := range []congestion{newCubic(), newReno()} {
		tp := congestionSock(7)
		tp.priorCwnd = 20
		if got := c.undoCwnd(tp); got != 20 {
			t.Errorf("%s: %d, want 20", c.name(), got)
		}
		tp.sndCwnd = 30
		if got := c.undoCwnd(tp); got != 30 {
			t.Errorf("%s: %d, want 30", c.name(), got)
		}
	}
}

// A round of ACKs: n of them, one every gap, with a round trip of rtt.
func hystartRound(tp *tcpSock, c *cubic, n int, gap, rtt time.Duration) {
	tp.sndUna, tp.sndNxt = tp.sndNxt+1, tp.sndNxt+1000
	for range n {
		c.pktsAcked(tp, 1, rtt.Microseconds())
		tp.pass(gap)
	}
}

// HyStart: an ACK train of more than half of the round trip ends slow start.
func TestHystartTrain(t *testing.T) {
	for _, tt := range []struct {
		name   string
		cwnd   uint32
		gap    time.Duration
		n      int
		pacing int
		found  bool
	}{
		{"long", 16, time.Millisecond, 23, pacingNone, true}, // 20 ms and a bit for GRO
		{"short", 16, time.Millisecond, 20, pacingNone, false},
		{"gaps", 16, 3 * time.Millisecond, 100, pacingNone, false},
		{"a small window", 15, time.Millisecond, 50, pacingNone, false},
		{"paced, short", 16, time.Millisecond, 40, pacingNeeded, false},
		{"paced, long", 16, time.Millisecond, 43, pacingNeeded, true},
	} {
		tp := congestionSock(tt.cwnd)
		tp.pacingRate = 1e6
		tp.pacingStatus = tt.pacing
		c := newCubic().(*cubic)
		c.init(tp)
		hystartRound(tp, c, tt.n, tt.gap, 40*time.Millisecond)
		if c.found != tt.found || c.found != (tp.sndSsthresh == tt.cwnd) {
			t.Errorf("%s: found %v, threshold %d", tt.name, c.found, tp.sndSsthresh)
		}
	}
}

// HyStart: eight longer round trips end slow start; by an eighth, 4 ms at least.
func TestHystartDelay(t *testing.T) {
	for _, tt := range []struct {
		name        string
		first, next time.Duration
		n           int
		found       bool
	}{
		{"much longer", 80 * time.Millisecond, 91 * time.Millisecond, 9, true},
		{"too few", 80 * time.Millisecond, 91 * time.Millisecond, 8, false},
		{"a bit longer", 80 * time.Millisecond, 90 * time.Millisecond, 20, false},
		{"short, 4 ms more", 8 * time.Millisecond, 12 * time.Millisecond, 20, false},
		{"short, 5 ms more", 8 * time.Millisecond, 13 * time.Millisecond, 20, true},
		{"long, 17 ms more", 800 * time.Millisecond, 817 * time.Millisecond, 20, true},
	} {
		tp := congestionSock(20)
		c := newCubic().(*cubic)
		c.init(tp)
		hystartRound(tp, c, 20, 10*time.Microsecond, tt.first)
		tp.pass(tt.first)
		hystartRound(tp, c, tt.n, 10*time.Microsecond, tt.next)
		if c.found != tt.found {
			t.Errorf("%s: found %v", tt.name, c.found)
		}
	}
}

// Nothing is learnt of round trips in the first second after a reduction.
func TestDelayAfterReduction(t *testing.T) {
	tp := congestionSock(50)
	tp.sndSsthresh = 50
	c := newCubic().(*cubic)
	c.init(tp)
	c.congAvoid(tp, 0, 1)
	tp.pass(999 * time.Millisecond)
	c.pktsAcked(tp, 1, 1000)
	if c.delayMin != 0 {
		t.Error("too early")
	}
	tp.pass(time.Millisecond)
	c.pktsAcked(tp, 1, -1)
	if c.delayMin != 0 {
		t.Error("no round trip was measured")
	}
	c.pktsAcked(tp, 1, 1000)
	if c.delayMin != 1000 {
		t.Errorf("got %d", c.delayMin)
	}
}
