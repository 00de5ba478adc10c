package suite

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

// While the machine is late, only as many scripts run as always may.
func TestGateLate(t *testing.T) {
	var late atomic.Int64
	late.Store(int64(5 * time.Millisecond))
	g := newGate(func(time.Duration) time.Duration { return time.Duration(late.Load()) })
	var slept time.Duration
	g.sleep = func(_ context.Context, d time.Duration) {
		slept += d
		time.Sleep(d / 10)
		if slept > time.Second {
			late.Store(0)
		}
	}
	for range gateFloor {
		g.enter(context.Background(), 20)
	}
	if slept > time.Second {
		t.Fatalf("%v passed until %d scripts could run", slept, gateFloor)
	}
	g.enter(context.Background(), 20)
	if slept < time.Second {
		t.Fatal("another script ran while the machine was late")
	}
	if g.in != gateFloor+1 {
		t.Errorf("%d scripts run, want %d", g.in, gateFloor+1)
	}
}

// No more run than the limit, however calm the machine is, and one begins when
// another ends.
func TestGateLimit(t *testing.T) {
	g := newGate(nil)
	g.enter(context.Background(), 2)
	g.enter(context.Background(), 2)
	entered := make(chan bool)
	go func() {
		g.enter(context.Background(), 2)
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
	g.enter(context.Background(), 2)
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	if g.enter(ctx, 1) {
		t.Error("it began")
	}
}
