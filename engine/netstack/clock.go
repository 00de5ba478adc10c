package netstack

import (
	"container/heap"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"

	"tcpdrill/engine"
)

// epoch is the wall-clock time at the stack's time 0: fixed, as all is here.
const epoch = 1_700_000_000 * time.Second

// A clock is the stack's time and its timers. Timers that are due at the same moment
// fire in the order in which they were armed. It is armed by the processor's goroutine,
// too; only the engine's moves it.
type clock struct {
	mu    sync.Mutex
	now   time.Duration
	queue timerQueue
	seq   uint64 // of arming
}

var _ tcpip.Clock = (*clock)(nil)

// Now implements tcpip.Clock.
func (c *clock) Now() time.Time {
	at := epoch + c.at()
	return time.Unix(0, int64(at))
}

// NowMonotonic implements tcpip.Clock.
func (c *clock) NowMonotonic() tcpip.MonotonicTime {
	return tcpip.MonotonicTime{}.Add(c.at())
}

// AfterFunc implements tcpip.Clock. f is called by whoever moves the time.
func (c *clock) AfterFunc(d time.Duration, f func()) tcpip.Timer {
	t := &timer{c: c, f: f}
	t.Reset(d)
	return t
}

func (c *clock) at() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// next returns when the next timer is due, engine.Forever if none is armed.
func (c *clock) next() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return engine.Forever
	}
	return c.queue[0].at
}

// advance moves the time on to t, past no timer.
func (c *clock) advance(t time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = max(c.now, t)
}

// fire moves the time on to the next timer and runs it.
func (c *clock) fire() {
	c.mu.Lock()
	t := heap.Pop(&c.queue).(*timer)
	c.now = max(c.now, t.at)
	c.mu.Unlock()
	t.f()
}

// A timer is one of the clock's.
type timer struct {
	c     *clock
	f     func()
	at    time.Duration
	seq   uint64
	index int // in the queue, from 1; 0: not armed
}

// Stop implements tcpip.Timer.
func (t *timer) Stop() bool {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	return t.stop()
}

func (t *timer) stop() bool {
	if t.index == 0 {
		return false
	}
	heap.Remove(&t.c.queue, t.index-1)
	return true
}

// Reset implements tcpip.Timer.
func (t *timer) Reset(d time.Duration) {
	c := t.c
	c.mu.Lock()
	defer c.mu.Unlock()
	t.stop()
	t.at = c.now + max(d, 0)
	if t.at < c.now {
		t.at = engine.Forever // d is longer than there is time
	}
	t.seq = c.seq
	c.seq++
	heap.Push(&c.queue, t)
}

// A timerQueue is a heap of timers by when they are due.
type timerQueue []*timer

func (q timerQueue) Len() int { return len(q) }

func (q timerQueue) Less(i, j int) bool {
	if q[i].at != q[j].at {
		return q[i].at < q[j].at
	}
	return q[i].seq < q[j].seq
}

func (q timerQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i+1, j+1
}

func (q *timerQueue) Push(x any) {
	t := x.(*timer)
	*q = append(*q, t)
	t.index = len(*q)
}

func (q *timerQueue) Pop() any {
	old := *q
	t := old[len(old)-1]
	*q = old[:len(old)-1]
	t.index = 0
	return t
}
