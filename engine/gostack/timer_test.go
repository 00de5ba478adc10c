package gostack

import (
	"slices"
	"testing"
	"time"
)

// wheelClock is a clock in the middle of a jiffy, as a script's begin is.
func wheelClock(phase uint64) *clock {
	return &clock{tick: time.Millisecond, phase: phase, now: wheelPhase*time.Millisecond + time.Millisecond/2}
}

// run fires all timers.
func (c *clock) run() {
	for len(c.queue) > 0 {
		c.fire()
	}
}

// firesAfter returns how many jiffies after now a timer fires that is to fire after
// so many.
func firesAfter(phase, jiffies uint64) uint64 {
	c := wheelClock(phase)
	var at uint64
	began := c.jiffies()
	c.modTimer(&timer{fn: func() { at = c.jiffies() }}, began+jiffies)
	c.run()
	return at - began
}

// The level is chosen by how far away it is: 63 jiffies, then eight times as many
// each time (kernel/time/timer.c has the table).
func TestWheelLevels(t *testing.T) {
	for level, start := range []uint64{0, 63, 504, 4032, 32256, 258048, 2064384, 16515072, 132120576} {
		if got, _ := bucket(1000+start, 1000); got != level {
			t.Errorf("%d jiffies away: on level %d, want %d", start, got, level)
		}
		if start > 0 {
			if got, _ := bucket(1000+start-1, 1000); got != level-1 {
				t.Errorf("%d jiffies away: on level %d, want %d", start-1, got, level-1)
			}
		}
	}
	// What has passed fires at the next tick; the farthest is as far as the wheel goes.
	if level, at := bucket(990, 1000); level != 0 || at != 1000 {
		t.Errorf("in the past: on level %d at %d", level, at)
	}
	level, at := bucket(1<<40, 1000)
	if last := uint64(1000 + 63<<24); level != 8 || at < last || at > last+1<<24 {
		t.Errorf("too far away: on level %d at %d", level, at)
	}
}

// It fires at the end of its bucket, so never early and at most one granule late.
func TestWheelRoundsUp(t *testing.T) {
	for _, c := range []struct{ after, want uint64 }{
		{0, 1}, {1, 2}, {40, 41}, {62, 63}, // a jiffy is never whole when it is armed
		{63, 64}, {64, 72}, {200, 208}, {207, 208}, {208, 216}, {503, 504},
		{504, 512}, {512, 576}, {1000, 1024},
		{4032, 4096}, {4096, 4608}, {60000, 61440},
	} {
		if got := firesAfter(0, c.after); got != c.want {
			t.Errorf("armed for %d jiffies, it fires after %d, want %d", c.after, got, c.want)
		}
	}
	for after := range uint64(40000) {
		level, _ := bucket(after, 0)
		if late := firesAfter(77, after) - after; late < 1 || late > 1<<(level*wheelShift) {
			t.Fatalf("armed for %d jiffies, it fires %d late", after, late)
		}
	}
}

// Buckets end at multiples of their size in absolute jiffies, so that the phase
// decides when the same timer fires.
func TestWheelPhase(t *testing.T) {
	for _, c := range []struct{ phase, after, want uint64 }{
		{0, 200, 208}, {1, 200, 207}, {7, 200, 201}, {8, 200, 208},
		{0, 1000, 1024}, {23, 1000, 1001}, {24, 1000, 1064},
		{5, 10, 11}, // single jiffies have none
	} {
		if got := firesAfter(c.phase, c.after); got != c.want {
			t.Errorf("phase %d: %d jiffies take %d, want %d", c.phase, c.after, got, c.want)
		}
		if got := firesAfter(c.phase+wheelPhase, c.after); got != c.want {
			t.Errorf("phase %d and a turn: %d jiffies take %d, want %d", c.phase, c.after, got, c.want)
		}
	}
}

// Ticks of other lengths are rounded up to.
func TestJiffies(t *testing.T) {
	for _, c := range []struct {
		hz         int
		ms, us     int64
		ofMs, ofUs int64
	}{
		{1000, 200, 1001, 200, 2},
		{250, 200, 4001, 50, 2},
		{250, 201, 4000, 51, 1},
		{100, 201, 1, 21, 1},
	} {
		k := clock{tick: time.Second / time.Duration(c.hz)}
		if got := k.msecsToJiffies(c.ms); got != c.ofMs {
			t.Errorf("HZ=%d: %d ms are %d jiffies, want %d", c.hz, c.ms, got, c.ofMs)
		}
		if got := k.usecsToJiffies(c.us); got != c.ofUs {
			t.Errorf("HZ=%d: %d µs are %d jiffies, want %d", c.hz, c.us, got, c.ofUs)
		}
		if got := k.jiffiesToUsecs(3); got != 3_000_000/int64(c.hz) {
			t.Errorf("HZ=%d: 3 jiffies are %d µs", c.hz, got)
		}
	}
}

// The order of firing: hrtimers before the tick's, as they were started; of the
// wheel's, coarser levels first, as they are collected from the top; and in one
// bucket the one that was armed last, as it is put at the head of the list.
func TestTimerOrder(t *testing.T) {
	c := wheelClock(0)
	var got []string
	named := func(name string) *timer { return &timer{fn: func() { got = append(got, name) }} }
	began := c.jiffies()
	far, first, second := named("level 1"), named("first"), named("second")
	hr, hrToo := named("hrtimer"), named("hrtimer 2")
	c.modTimer(far, began+70) // fires at 72
	c.modTimer(named("later"), began+79)
	c.now = c.jiffyTime(began + 20)
	c.modTimer(first, began+71)
	c.modTimer(second, began+71)
	c.startAt(hr, c.jiffyTime(began+72))
	c.startAt(hrToo, c.jiffyTime(began+72))
	c.run()
	want := []string{"hrtimer", "hrtimer 2", "level 1", "second", "first", "later"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// An hrtimer fires when it says, and at once if that has passed.
func TestHrtimer(t *testing.T) {
	c := wheelClock(0)
	var at []time.Duration
	fn := func() { at = append(at, c.now) }
	soon := c.now + 1234*time.Nanosecond
	c.startAt(&timer{fn: fn}, soon)
	c.startAt(&timer{fn: fn}, c.now-time.Second)
	began := c.now
	c.run()
	if want := []time.Duration{began, soon}; !slices.Equal(at, want) {
		t.Errorf("fired at %v, want %v", at, want)
	}
}

// Arming again for the same bucket leaves a timer where it is in the list; for
// another it goes to the head there. Disarmed, it doesn't fire.
func TestModTimer(t *testing.T) {
	c := wheelClock(0)
	var got []string
	named := func(name string) *timer { return &timer{fn: func() { got = append(got, name) }} }
	began := c.jiffies()
	a, b, gone := named("a"), named("b"), named("gone")
	c.modTimer(a, began+200)
	c.modTimer(b, began+201)
	c.modTimer(gone, began+100)
	c.modTimer(a, began+203) // the same bucket
	c.delTimer(gone)
	c.delTimer(gone)
	if gone.pending() || !a.pending() {
		t.Error("pending is wrong")
	}
	c.run()
	if want := []string{"b", "a"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}

	got = nil
	began = c.jiffies()
	c.modTimer(a, began+400)
	c.modTimer(b, began+200)
	c.modTimer(a, began+200)
	c.run()
	if want := []string{"a", "b"}; !slices.Equal(got, want) {
		t.Errorf("moved to another bucket: got %q, want %q", got, want)
	}
}

// While a tick's timers run, the wheel has moved on: a timer armed for now fires a
// jiffy later than it would otherwise.
func TestTimerArmedInTick(t *testing.T) {
	c := wheelClock(0)
	var at []uint64
	began := c.jiffies()
	next := &timer{fn: func() { at = append(at, c.jiffies()-began) }}
	c.modTimer(&timer{fn: func() {
		at = append(at, c.jiffies()-began)
		c.modTimer(next, c.jiffies())
	}}, began+4)
	c.run()
	if want := []uint64{5, 6}; !slices.Equal(at, want) {
		t.Errorf("fired after %v jiffies, want %v", at, want)
	}
}
