package gostack

import "testing"

// Slow start uses up what was acknowledged as far as the threshold and leaves the
// rest to congestion avoidance.
func TestSlowStart(t *testing.T) {
	for _, tt := range []struct {
		cwnd, ssthresh, clamp, acked uint32
		want, left                   uint32
	}{
		{10, 100, 1000, 3, 13, 0},
		{10, 12, 1000, 5, 12, 3},
		{10, 100, 11, 5, 11, 0},
	} {
		tp := congestionSock(tt.cwnd)
		tp.sndSsthresh, tp.sndCwndClamp = tt.ssthresh, tt.clamp
		if left := tp.slowStart(tt.acked); tp.sndCwnd != tt.want || left != tt.left {
			t.Errorf("%+v: window %d, left %d", tt, tp.sndCwnd, left)
		}
	}
}

func TestCongAvoidAI(t *testing.T) {
	tp := congestionSock(10)
	for i := range 10 {
		if tp.sndCwnd != 10 {
			t.Fatalf("grew after %d", i)
		}
		tp.congAvoidAI(10, 1)
	}
	if tp.sndCwnd != 11 || tp.sndCwndCnt != 0 {
		t.Errorf("window %d, count %d", tp.sndCwnd, tp.sndCwndCnt)
	}
	tp.congAvoidAI(10, 25)
	if tp.sndCwnd != 13 || tp.sndCwndCnt != 5 {
		t.Errorf("window %d, count %d", tp.sndCwnd, tp.sndCwndCnt)
	}
	tp.congAvoidAI(3, 1) // what was saved up makes one
	if tp.sndCwnd != 14 || tp.sndCwndCnt != 1 {
		t.Errorf("window %d, count %d", tp.sndCwnd, tp.sndCwndCnt)
	}
}

// Reno grows by one a round trip, and not at all if the window isn't used.
func TestReno(t *testing.T) {
	tp := congestionSock(10)
	c := newReno()
	if got := c.ssthresh(tp); got != 5 {
		t.Errorf("half of 10 is %d", got)
	}
	tp.sndSsthresh = 10
	for range 10 {
		c.congAvoid(tp, 0, 1)
	}
	if tp.sndCwnd != 11 {
		t.Errorf("window %d", tp.sndCwnd)
	}
	tp.cwndLimited = false
	for range 50 {
		c.congAvoid(tp, 0, 1)
	}
	if tp.sndCwnd != 11 {
		t.Errorf("window %d", tp.sndCwnd)
	}
	tp.sndCwnd, tp.sndSsthresh, tp.cwndLimited = 8, 10, true
	c.congAvoid(tp, 0, 4) // 2 of them up to the threshold
	if tp.sndCwnd != 10 || tp.sndCwndCnt != 2 {
		t.Errorf("window %d, count %d", tp.sndCwnd, tp.sndCwndCnt)
	}
}
