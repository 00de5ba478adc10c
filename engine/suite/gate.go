package suite

import (
	"context"
	"sync"
	"time"
)

// A gate lets scripts begin in real time. They mostly wait, so many can run at a time,
// as long as none of them is late: what decides is how late the machine is.
type gate struct {
	late   func(d time.Duration) time.Duration  // how late the machine was in the last d
	sleep  func(context.Context, time.Duration) // for tests
	now    func() time.Time
	mu     sync.Mutex
	in     int
	began  time.Time     // when the first did
	last   time.Time     // when one began
	held   time.Duration // for how long scripts waited for the machine
	heldAt time.Time     // when that was last counted: many may wait
}

// MostAtATime is how many scripts are run at a time at most in real time if nobody says
// how many. More gain nothing, as the longest script takes as long; and all timelines are
// in the same phase of a tick, so that more would get into each other's way.
const MostAtATime = 24

const (
	// gateSpacing is what is between two scripts' beginnings, so that their bursts
	// don't coincide: setting one up keeps a processor busy for some milliseconds.
	gateSpacing = 3 * time.Millisecond
	// gateLate is how late the machine may be for another script to begin. The
	// tolerance is 4 ms.
	gateLate = time.Millisecond
	// gateLook is how often it is looked whether another script may begin.
	gateLook = time.Millisecond
	// gateMemory is for how long it is remembered that it was.
	gateMemory = 30 * time.Millisecond
	// gateShare is for which part of all the time scripts wait for the machine at most. If
	// that doesn't help, it isn't they that make it late: another machine has its processors.
	gateShare = 0.1
	// gateFloor is how many scripts may run whatever the machine does: else a busy
	// machine would never do any.
	gateFloor = 4
)

func newGate(late func(time.Duration) time.Duration) *gate {
	return &gate{late: late, sleep: sleep, now: time.Now}
}

// enter waits until a script may begin beside fewer than most says, and reports whether it
// may: not if ctx ended.
func (g *gate) enter(ctx context.Context, most func() int) bool {
	for ctx.Err() == nil {
		if g.try(most()) {
			return true
		}
		g.sleep(ctx, gateLook)
	}
	return false
}

func (g *gate) try(most int) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if g.in >= most || now.Sub(g.last) < gateSpacing {
		return false
	}
	if g.began.IsZero() {
		g.began = now
	}
	if g.in >= gateFloor && g.late != nil && g.late(gateMemory) >= gateLate && float64(g.held) < gateShare*float64(now.Sub(g.began)) {
		if now.Sub(g.heldAt) >= gateLook {
			g.held += gateLook
			g.heldAt = now
		}
		return false
	}
	g.in++
	g.last = now
	return true
}

// leave says that a script has ended.
func (g *gate) leave() {
	g.mu.Lock()
	g.in--
	g.mu.Unlock()
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
