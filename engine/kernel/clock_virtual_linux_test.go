package kernel

import (
	"os"
	"testing"
	"time"
)

// This machine's time isn't virtual, unless it is a guest's.
func TestTimeIsVirtual(t *testing.T) {
	b, err := os.ReadFile("/sys/devices/system/clocksource/clocksource0/current_clocksource")
	if err != nil {
		t.Skip(err)
	}
	if got, want := TimeIsVirtual(), string(b) == "time-travel-clock\n"; got != want {
		t.Errorf("got %v with clock source %s", got, b)
	}
}

// The logical time is that of waits, and the steps between them add up.
func TestLogicalTime(t *testing.T) {
	c, err := newClock()
	if err != nil {
		t.Fatal(err)
	}
	c.virtual = true // the kernel's clock goes on by itself, which does no harm here
	start := c.read() + time.Millisecond
	c.WaitUntil(start)
	if c.Now() != start || c.read() < start {
		t.Errorf("after a wait it is %v, by the kernel %v; want %v", c.Now(), c.read(), start)
	}
	c.step(callStep)
	c.step(injectStep)
	if c.Now() != start || c.read() < start+callStep+injectStep {
		t.Errorf("after two steps it is %v, by the kernel %v; want %v and %v more", c.Now(), c.read(), start, callStep+injectStep)
	}
	c.catchUp(start + callStep + injectStep + 50*time.Microsecond)
	if c.Now() != start {
		t.Errorf("after a call that didn't sleep it is %v, want %v", c.Now(), start)
	}
	c.catchUp(start + time.Second)
	if c.Now() != start+time.Second || c.steps != 0 {
		t.Errorf("after one that did it is %v and %v more, want %v", c.Now(), c.steps, start+time.Second)
	}
}

// Poll is never asked for so long that it could wait longer than is left.
func TestBeforeSlack(t *testing.T) {
	for left := 100 * time.Nanosecond; left < time.Hour; left *= 3 {
		ask := beforeSlack(left)
		// A niced process's slack, at most 100 ms (select_estimate_accuracy).
		slack := min(ask/200, 100*time.Millisecond)
		if left >= time.Millisecond && ask+slack > left || ask > left {
			t.Errorf("with %v left, it is asked for %v and may take %v more", left, ask, slack)
		}
		if ask < left/2 {
			t.Errorf("with %v left, it is asked for %v only", left, ask)
		}
	}
}

func TestNumberAfter(t *testing.T) {
	const list = "Timer List Version: v0.9\nnow at 1234693120 nsecs\n\njiffies: 4294668530\n"
	for what, want := range map[string]uint64{"\nnow at ": 1234693120, "\njiffies: ": 4294668530} {
		if got, ok := numberAfter([]byte(list), what); got != want || !ok {
			t.Errorf("%q: got %d, %v", what, got, ok)
		}
	}
	for _, what := range []string{"\nthen at ", "Timer "} {
		if _, ok := numberAfter([]byte(list), what); ok {
			t.Errorf("%q is followed by a number", what)
		}
	}
}
