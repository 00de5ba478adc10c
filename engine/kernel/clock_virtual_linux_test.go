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

// The logical time is that of waits and of steps, and the kernel's isn't before.
func TestLogicalTime(t *testing.T) {
	c, err := newClock()
	if err != nil {
		t.Fatal(err)
	}
	c.virtual = true // the kernel's clock goes on by itself, which does no harm here
	want := c.read() + time.Millisecond
	check := func(what string) {
		t.Helper()
		if c.Now() != want || c.read() < want {
			t.Errorf("after %s it is %v, by the kernel %v; want %v", what, c.Now(), c.read(), want)
		}
	}
	c.WaitUntil(want)
	check("a wait")
	c.step(callStep)
	c.step(injectStep)
	want += callStep + injectStep
	check("two steps")
	c.catchUp(want + 50*time.Microsecond)
	check("a call that didn't sleep")
	want += time.Millisecond
	c.WaitUntil(want - time.Millisecond/2)
	c.WaitUntil(want)
	c.catchUp(want - time.Second)
	check("a time that has passed")
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
