package suite

import (
	"context"
	"testing"
	"time"
)

// laggard returns a gate of a machine that is late for so long, and a clock that only waiting
// for it moves on.
func laggard(ends time.Duration) (g *gate, passed func() time.Duration) {
	var now time.Duration
	g = newGate(func(time.Duration) time.Duration {
		if now < ends {
			return 5 * time.Millisecond
		}
		return 0
	})
	g.now = func() time.Time { return time.Unix(0, int64(now)) }
	g.sleep = func(_ context.Context, d time.Duration) { now += d }
	return g, func() time.Duration { return now }
}

// While the machine is late, only as many scripts run as always may; but not for longer than
// a part of the time.
func TestGateLate(t *testing.T) {
	g, passed := laggard(time.Hour)
	for range gateFloor {
		g.enter(context.Background(), most(20))
	}
	if d := passed(); d > gateFloor*gateSpacing {
		t.Fatalf("%v passed until %d scripts could run", d, gateFloor)
	}
	g.sleep(context.Background(), 10*time.Second) // they run
	before := passed()
	g.enter(context.Background(), most(20))
	if d := passed() - before; d < 900*time.Millisecond || d > 1200*time.Millisecond {
		t.Errorf("another script began after %v, want a tenth of 10 s", d)
	}
}

// Once it is no longer late, one begins at once.
func TestGateCalm(t *testing.T) {
	g, passed := laggard(10100 * time.Millisecond)
	for range gateFloor {
		g.enter(context.Background(), most(20))
	}
	g.sleep(context.Background(), 10*time.Second-passed())
	g.enter(context.Background(), most(20))
	if d := passed(); d != 10100*time.Millisecond {
		t.Errorf("another script began at %v, want 10.1 s", d)
	}
}

// No more run than the limit, however calm the machine is, and one begins when
// another ends.
func TestGateLimit(t *testing.T) {
	g := newGate(nil)
	g.enter(context.Background(), most(2))
	g.enter(context.Background(), most(2))
	entered := make(chan bool)
	go func() {
		g.enter(context.Background(), most(2))
		close(entered)
	}()
	select {
	case <-entered:
		t.Fatal("a third script began beside two")
	case <-time.After(20 * time.Millisecond):
	}
	g.leave()
	<-entered
}

// ^C ends the wait.
func TestGateInterrupted(t *testing.T) {
	g := newGate(nil)
	g.enter(context.Background(), most(2))
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	if g.enter(ctx, most(1)) {
		t.Error("it began")
	}
}

func most(n int) func() int { return func() int { return n } }
