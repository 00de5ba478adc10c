package kernel

import (
	"os"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// clock is CLOCK_MONOTONIC, counted from when it was made. It is read through
// Go's time package, which asks the vDSO rather than the kernel.
type clock struct {
	timeline
	epoch     time.Time
	monotonic time.Duration // CLOCK_MONOTONIC at the epoch
	wall      time.Duration // CLOCK_REALTIME since 1970 at the epoch
	tick      time.Duration // of the kernel's timer

	virtual   bool          // it stands still but for sleeps
	logical   atomic.Int64  // the time then
	blocked   int           // calls that other threads are in
	busyUntil time.Duration // when the kernel has settled after the set-up
}

func newClock() (*clock, error) {
	var res unix.Timespec
	if err := unix.ClockGetres(unix.CLOCK_MONOTONIC_COARSE, &res); err != nil {
		return nil, os.NewSyscallError("clock_getres", err)
	}
	c := &clock{epoch: time.Now(), tick: time.Duration(res.Nano()), virtual: TimeIsVirtual()}
	c.monotonic = c.readMonotonic()
	c.wall, _ = c.wallOffset()
	return c, nil
}

// readMonotonic returns CLOCK_MONOTONIC at the epoch, from the reading that
// took least.
func (c *clock) readMonotonic() time.Duration {
	best, at := time.Duration(1<<62), time.Duration(0)
	for range 5 {
		before := c.read()
		m := clockGettime(unix.CLOCK_MONOTONIC)
		after := c.read()
		if after-before < best {
			best = after - before
			at = m - before - best/2
		}
	}
	return at
}

// wallOffset returns what must be added to the clock to get CLOCK_REALTIME,
// and how far off that may be.
func (c *clock) wallOffset() (offset, within time.Duration) {
	within = 1 << 62
	for range 3 {
		before := c.read()
		w := time.Duration(time.Now().UnixNano())
		after := c.read()
		if after-before < within {
			within = after - before
			offset = w - before - within/2
		}
	}
	return offset, within
}

func clockGettime(id uintptr) time.Duration {
	var ts unix.Timespec
	unix.RawSyscall(unix.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&ts)), 0)
	return time.Duration(ts.Nano())
}

// Now implements engine.Clock.
func (c *clock) Now() time.Duration {
	if c.virtual {
		return time.Duration(c.logical.Load())
	}
	return c.read()
}

// read reads the kernel's clock.
func (c *clock) read() time.Duration { return time.Since(c.epoch) }

// spin is how long before a deadline a sleep ends. From one of 100 ms a thread of real-time
// priority comes back 25 to 60 µs late, sometimes 200 µs: the processor was idle, or
// its caches belonged to others. Such lateness adds up where times are relative, and is in
// every round trip that the stack measures.
const spin = 100 * time.Microsecond

// sleepEnd returns when a sleep has to end for WaitUntil to return at t.
func (c *clock) sleepEnd(t time.Duration) time.Duration {
	if c.virtual {
		return t
	}
	return t - spin
}

// WaitUntil implements engine.Clock.
func (c *clock) WaitUntil(t time.Duration) {
	if until := c.sleepEnd(t); c.Now() < until {
		c.poll(nil, until) // can't fail: there is no descriptor, and the time is valid
	}
	for !c.virtual && c.Now() < t {
		// To let others run at the same priority meanwhile was tried (sched_yield): what
		// they have to do at that moment takes longer than what is left.
	}
}

// Virtual implements engine.Clock.
func (c *clock) Virtual() bool { return c.virtual }

// Tick implements engine.Clock.
func (c *clock) Tick() time.Duration { return c.tick }

// Wall implements engine.Clock.
func (c *clock) Wall(t time.Duration) time.Duration { return t + c.wall }

// fromWall turns a packet's time stamp into the target's time. now and earlier
// are times between which it must lie.
//
// Both clocks are slewed alike, so the offset holds until somebody sets the
// wall clock. A stamp from after that is told by lying outside.
func (c *clock) fromWall(stamp int64, earlier, now time.Duration) time.Duration {
	// A little, since the offset isn't known better, and clocks of two CPUs
	// may differ.
	const slop = 20 * time.Microsecond
	t := time.Duration(stamp) - c.wall
	if t >= earlier-slop && t <= now+slop {
		return min(t, now)
	}
	offset, _ := c.wallOffset()
	if u := time.Duration(stamp) - offset; u >= earlier-slop && u <= now+slop {
		c.wall = offset
		return min(u, now)
	}
	return t
}

// startPhase is how far inside a tick a script starts. Its times are mostly whole
// milliseconds, and all that it does comes some hundredths of a millisecond later than
// what was before, never earlier: the nearer to a tick's beginning it starts, the farther
// it stays from the next millisecond, where a timer fires a tick later or a packet's time
// is just outside the tolerance. packetdrill has 250 µs (JIFFY_OFFSET_USECS).
const startPhase = 100 * time.Microsecond

// settleTime is for how long setting up a device and a namespace keeps the
// kernel awake: RCU runs one grace period after the other. Meanwhile jiffies
// are counted on whichever CPU does that work; a timer of the stack on another
// CPU may look at them just before they are counted, and fire a tick late.
// packetdrill, which spins for ten ticks of times(2) before it starts, is over
// it by then.
const settleTime = 100 * time.Millisecond

// Start implements engine.Clock. It returns at a tick's edge and startPhase.
//
// packetdrill spins through ten changes of times(2) to find an edge. Since
// Linux 6.3 edges are where CLOCK_MONOTONIC is a multiple of the tick
// (tick_setup_device aligns them, so that each CPU's are the same): we wait for
// one and watch CLOCK_MONOTONIC_COARSE move there. If it doesn't, a tick must
// be watched out for.
func (c *clock) Start(quiet bool) time.Duration {
	if c.virtual {
		return c.startInPhase()
	}
	if quiet {
		c.WaitUntil(c.busyUntil)
	}
	c.onTime()
	// A tick may be seen late, or we may be woken late: other scripts are on the same
	// processor. To spin for whole ticks would keep it from them, and have them spin, too;
	// that is for kernels whose edges are elsewhere.
	const tries = 4
	seen, elsewhere := false, 0
	for i := 0; i < 5*tries && (seen || elsewhere < tries); i++ {
		edge, where := c.expectedEdge()
		switch {
		case where == edgeExpected && c.reach(edge+startPhase):
			return edge + startPhase
		case where == edgeExpected:
			seen = true
		case where == edgeElsewhere:
			elsewhere++
		}
	}
	for i := 0; i < tries && !seen && elsewhere == tries; i++ {
		if edge := c.spinToEdge(); c.reach(edge + startPhase) {
			return edge + startPhase
		}
	}
	return c.Now()
}

// Finish implements engine.Clock.
func (c *clock) Finish() {
	if !c.virtual {
		c.over()
	}
}

// Monotonic returns CLOCK_MONOTONIC at a time of the target's.
func (c *clock) Monotonic(t time.Duration) time.Duration { return c.monotonic + t }

// reach waits for a start and reports whether it wasn't missed.
func (c *clock) reach(start time.Duration) bool {
	const late = 100 * time.Microsecond // then much of the tick's beginning is over
	c.WaitUntil(start)
	return c.Now()-start < late
}

// watch is how far around its expected time an edge is looked for.
const watch = 50 * time.Microsecond

// An edgePlace is where an edge was seen.
type edgePlace int

const (
	edgeMissed    edgePlace = iota // it wasn't looked for in time
	edgeExpected                   // where it should be
	edgeElsewhere                  // not there
)

// expectedEdge waits for the next edge where it should be and reports whether it was seen
// there: when the tick was counted, some microseconds after it was due.
func (c *clock) expectedEdge() (edge time.Duration, where edgePlace) {
	now := c.Now() + c.monotonic
	next := (now + 2*watch).Truncate(c.tick) + c.tick - c.monotonic
	c.WaitUntil(next - watch)
	if c.Now() > next-watch/5 {
		return 0, edgeMissed
	}
	at := c.spinUntil(next + 2*watch)
	if at > next-watch/5 && at < next+2*watch {
		return next, edgeExpected
	}
	return 0, edgeElsewhere
}

// spinToEdge watches for an edge for two ticks at most.
func (c *clock) spinToEdge() time.Duration { return c.spinUntil(c.Now() + 2*c.tick) }

// spinUntil returns when CLOCK_MONOTONIC_COARSE moved, or else the deadline.
func (c *clock) spinUntil(deadline time.Duration) time.Duration {
	first := clockGettime(unix.CLOCK_MONOTONIC_COARSE)
	for {
		moved := clockGettime(unix.CLOCK_MONOTONIC_COARSE) != first
		now := c.Now()
		if moved || now >= deadline {
			return now
		}
	}
}
