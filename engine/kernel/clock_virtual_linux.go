package kernel

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// TimeIsVirtual reports whether this kernel's time stands still but for sleeps:
// that of User Mode Linux with time-travel=inf-cpu. There a clock read costs a
// quarter of a microsecond and nothing else costs anything, however long it
// really takes. Nobody may spin: time wouldn't pass.
func TimeIsVirtual() bool {
	b, err := os.ReadFile("/sys/devices/system/clocksource/clocksource0/current_clocksource")
	return err == nil && string(bytes.TrimSpace(b)) == "time-travel-clock"
}

// quietRuntime keeps Go's own thread that looks after the others (sysmon, which
// wakes up at least every 10 ms while a timed thread keeps its processor) from
// waking up on its own account: that would make virtual time cost something. It
// wakes up with others' timers.
//
// It is the first thread that the runtime starts, so that its number is the
// lowest after the process's. Others must not be lazy: they sleep for
// microseconds before they take over each other's work.
func quietRuntime() {
	tasks, _ := os.ReadDir("/proc/self/task")
	sysmon := 0
	for _, task := range tasks {
		if tid, err := strconv.Atoi(task.Name()); err == nil && tid != os.Getpid() && (sysmon == 0 || tid < sysmon) {
			sysmon = tid
		}
	}
	// It is a thread's own setting, though /proc doesn't list threads. If it
	// can't be changed, scripts take longer.
	_ = writeSysctl(fmt.Sprintf("/proc/%d/timerslack_ns", sysmon), strconv.Itoa(int(lazy)))
}

// lazy is how much too late, in virtual time, that thread may be woken.
const lazy = 60 * time.Second

// In virtual time Now is a logical time. It is when the last wait ended, and a
// fixed number of microseconds for each thing that was done since; and the
// kernel's clock, which moves with each reading, is made to show it when the next
// is done. So what is done is done at the same time on every run, however often
// Go's runtime looks at the clock, and a round trip takes a little longer than
// the script says, as on a real machine: never just less, which TCP takes for
// something else (RACK and HyStart do).

// What a thing takes that is done.
const (
	callStep   = 5 * time.Microsecond  // a system call
	injectStep = 20 * time.Microsecond // a packet that comes in
)

// advance says that the logical time is at least t.
func (c *clock) advance(t time.Duration) {
	if c.virtual && t > c.Now() {
		c.logical.Store(int64(t))
	}
}

// step moves the time on by what the next thing takes.
func (c *clock) step(d time.Duration) {
	if c.virtual {
		c.WaitUntil(c.Now() + d)
	}
}

// letOthers lets threads go on that something has just woken: time stands still
// until all of them sleep again, so that what they do is done before what comes
// next, on every run.
func (c *clock) letOthers() {
	if c.blocked > 0 {
		c.step(callStep)
	}
}

// catchUp follows the kernel's clock, which has come to t, if something slept.
func (c *clock) catchUp(t time.Duration) {
	const slept = 100 * time.Microsecond
	if c.virtual && t > c.Now()+slept {
		c.advance(t)
	}
}

// wakeUp is how long it takes in virtual time to be woken by a packet. In real
// time it takes as long (docs/timing.md), which matters: TCP has as little
// faith in a round trip that is shorter than the shortest so far as in one that
// took none, and answers that a script gives at once to what was sent at once
// must stay the fastest.
const wakeUp = 40 * time.Microsecond

// clockRead is what reading the clock costs (TIMER_MULTIPLIER in arch/um).
const clockRead = 256 * time.Nanosecond

// wheelPhase is how many jiffies lie between moments that are alike to the
// kernel's timer wheel. It rounds a timer that is 64 jiffies away or more up to
// a multiple of 8 in absolute jiffies, one that is 512 away to a multiple of 64,
// and so on: this is 8^5, right for timers up to 34 minutes away at HZ=1000.
const wheelPhase = 1 << 15

// startInPhase returns in the middle of a jiffy whose number is a multiple of
// wheelPhase: however many scripts ran before in this kernel, its timers are
// rounded alike. Waiting for that, up to 33 s at HZ=1000, costs nothing.
//
// The middle, since what scripts do at whole milliseconds is then as far from
// ticks as can be; and a reading of the clock later, since the readings that what is
// done costs add up to about a microsecond: TCP counts in whole ones, and a round trip
// mustn't be one longer or shorter for that.
func (c *clock) startInPhase() time.Duration {
	now := c.read() + c.monotonic
	// Jiffies are counted at multiples of the tick.
	edge := now.Truncate(c.tick)
	ahead := wheelPhase - time.Duration(c.jiffies(edge)%wheelPhase)
	start := edge + ahead*c.tick + c.tick/2 + clockRead - c.monotonic
	c.WaitUntil(start)
	return start
}

// StartDelay is how long Start may take in virtual time.
func (c *clock) StartDelay() time.Duration {
	if !c.virtual {
		return 0
	}
	return (wheelPhase + 1) * c.tick
}

// jiffies returns the number of the jiffy that begins at edge, CLOCK_MONOTONIC.
func (c *clock) jiffies(edge time.Duration) uint64 {
	// Jiffies begin 300 s before their lower 32 bits overflow (INITIAL_JIFFIES)
	// and are counted from the clock, which begins at 0.
	n := uint64(edge/c.tick) - uint64(300*time.Second/c.tick)
	b, err := os.ReadFile("/proc/timer_list")
	if err != nil {
		return n
	}
	// Unless the kernel says otherwise. It says both numbers one after the
	// other: a tick may come between.
	now, ok1 := numberAfter(b, "\nnow at ")
	jiffies, ok2 := numberAfter(b, "\njiffies: ")
	if !ok1 || !ok2 {
		return n
	}
	read := jiffies + uint64(edge/c.tick) - now/uint64(c.tick)
	if off := int32(read - n); off >= -2 && off <= 2 { // of 32 bits, as jiffies are
		return n
	}
	return read
}

// numberAfter returns the number that follows what.
func numberAfter(b []byte, what string) (uint64, bool) {
	_, rest, found := bytes.Cut(b, []byte(what))
	if !found {
		return 0, false
	}
	digits := 0
	for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
		digits++
	}
	n, err := strconv.ParseUint(string(rest[:digits]), 10, 64)
	return n, err == nil
}
