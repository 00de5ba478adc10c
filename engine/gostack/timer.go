package gostack

import (
	"container/heap"
	"math"
	"time"
)

// Linux has two kinds of timers. Most of TCP's are on the timer wheel
// (kernel/time/timer.c): they are counted in jiffies and fire at a tick, and the
// farther away they are the more coarsely they are rounded, always up. Pacing and
// the compressed ACKs' timer are hrtimers, which fire when they say.

// A clock is the stack's time and its timers.
type clock struct {
	now  time.Duration
	tick time.Duration // a jiffy
	// phase is added to the number of ticks to get jiffies.
	phase  uint64
	queue  timerQueue
	seq    uint64 // of arming
	inTick bool   // timers of the wheel are being run
}

// jiffies returns the number of ticks so far.
func (c *clock) jiffies() uint64 { return uint64(c.now/c.tick) + c.phase }

// jiffyTime returns when a jiffy begins.
func (c *clock) jiffyTime(j uint64) time.Duration {
	return time.Duration(j-c.phase) * c.tick
}

// msecsToJiffies rounds up, as Linux does.
func (c *clock) msecsToJiffies(ms int64) int64 {
	return c.toJiffies(time.Duration(ms) * time.Millisecond)
}

// usecsToJiffies rounds up, as Linux does.
func (c *clock) usecsToJiffies(us int64) int64 {
	return c.toJiffies(time.Duration(us) * time.Microsecond)
}

func (c *clock) toJiffies(d time.Duration) int64 {
	return int64((d + c.tick - 1) / c.tick)
}

// jiffiesToUsecs is the length of so many ticks.
func (c *clock) jiffiesToUsecs(j int64) int64 {
	return int64(time.Duration(j) * c.tick / time.Microsecond)
}

// A timer is one of the wheel or, if it is started with startAt, an hrtimer. Its
// zero value with fn set is ready to use.
type timer struct {
	fn func()

	expires uint64        // jiffies: what was asked for
	at      time.Duration // when it fires
	level   int           // of the wheel; -1 for an hrtimer
	seq     uint64
	index   int // in the queue, from 1; 0: not pending
}

func (t *timer) pending() bool { return t.index > 0 }

// The wheel: 64 buckets to a level, each level eight times as coarse as the one
// before.
const (
	wheelBuckets = 64
	wheelShift   = 3
	wheelLevels  = 9
)

// wheelStart is how far away, in jiffies, the timers of a level are at least.
func wheelStart(level int) uint64 {
	return (wheelBuckets - 1) << ((level - 1) * wheelShift)
}

// bucket returns the level of the wheel on which a timer that is to fire at
// expires is put, and the jiffy at which it fires there.
func bucket(expires, now uint64) (level int, at uint64) {
	delta := expires - now
	if int64(delta) < 0 {
		return 0, now
	}
	for level < wheelLevels-1 && delta >= wheelStart(level+1) {
		level++
	}
	if last := wheelStart(wheelLevels) - 1; delta > last {
		expires = now + last
	}
	shift := level * wheelShift
	return level, (expires>>shift + 1) << shift
}

// modTimer (re)arms a timer of the wheel for a jiffy. It fires later than that:
// at the end of the bucket that it falls into.
func (c *clock) modTimer(t *timer, expires uint64) {
	if t.pending() && t.expires == expires {
		return
	}
	now := c.jiffies()
	if c.inTick {
		now++ // the wheel has moved on to the next bucket
	}
	level, at := bucket(expires, now)
	when := c.jiffyTime(at)
	if t.pending() && t.level == level && t.at == when {
		t.expires = expires // it stays where it is
		return
	}
	c.delTimer(t)
	t.expires, t.level, t.at = expires, level, when
	c.push(t)
}

// startAt (re)arms an hrtimer.
func (c *clock) startAt(t *timer, at time.Duration) {
	c.delTimer(t)
	t.level, t.at = -1, max(at, c.now)
	c.push(t)
}

func (c *clock) push(t *timer) {
	c.seq++
	t.seq = c.seq
	heap.Push(&c.queue, t)
}

// delTimer disarms a timer, if it is armed.
func (c *clock) delTimer(t *timer) {
	if t.pending() {
		heap.Remove(&c.queue, t.index-1)
	}
}

// next returns when the next timer fires.
func (c *clock) next() time.Duration {
	if len(c.queue) == 0 {
		return math.MaxInt64
	}
	return c.queue[0].at
}

// fire runs the timer that is due first and moves the time to it.
func (c *clock) fire() {
	t := heap.Pop(&c.queue).(*timer)
	c.now = max(c.now, t.at)
	c.inTick = t.level >= 0
	t.fn()
	c.inTick = false
}

// A timerQueue has the timers in the order in which they fire: hrtimers before
// the tick's; of the wheel's, coarser levels first, and in one bucket the one
// armed last.
type timerQueue []*timer

func (q timerQueue) Len() int { return len(q) }

func (q timerQueue) Less(i, j int) bool {
	a, b := q[i], q[j]
	switch {
	case a.at != b.at:
		return a.at < b.at
	case (a.level < 0) != (b.level < 0):
		return a.level < 0
	case a.level < 0:
		return a.seq < b.seq
	case a.level != b.level:
		return a.level > b.level
	}
	return a.seq > b.seq
}

func (q timerQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i+1, j+1
}

// Push implements heap.Interface.
func (q *timerQueue) Push(x any) {
	t := x.(*timer)
	*q = append(*q, t)
	t.index = len(*q)
}

// Pop implements heap.Interface.
func (q *timerQueue) Pop() any {
	old := *q
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	t.index = 0
	return t
}
