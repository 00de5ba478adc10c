package kernel

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
)

func init() {
	jobs["start"] = startJob
	jobs["latency"] = latencyJob
	jobs["priority"] = priorityJob
}

func startJob(t *Target, arg string, emit func([]byte)) error {
	for range 5 {
		begun := t.Now()
		start := t.Start(false)
		now := t.Now()
		late := now - start
		phase := (start + t.monotonic) % t.tick
		switch {
		case late < 0:
			return fmt.Errorf("Start returned %v before the start", -late)
		case start-begun > 40*t.tick: // more tries than it makes
			return fmt.Errorf("Start took %v", start-begun)
		}
		emit(fmt.Appendf(nil, "phase %v late %v took %v, tick %v", phase, late, start-begun, t.tick))
	}
	return nil
}

// A script starts a quarter of a millisecond after a tick's edge, as
// CLOCK_MONOTONIC_COARSE shows it. On a kernel older than 6.3 the edges are
// elsewhere, but always in the same place.
func TestStart(t *testing.T) {
	needKernel(t)
	out, err := run(t, "start")
	t.Log("\n" + out)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(out), "\n") {
		phase, err := time.ParseDuration(strings.Fields(line)[1])
		if err != nil {
			t.Fatal(err)
		}
		if phase < 200*time.Microsecond || phase > 350*time.Microsecond {
			t.Logf("a tick isn't a multiple of its length here: %v", phase)
		}
	}
}

// Waits end on time, and never early.
func TestWait(t *testing.T) {
	c, err := newClock()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []time.Duration{-time.Second, 0, time.Microsecond, 1500 * time.Microsecond, 10 * time.Millisecond} {
		until := c.Now() + d
		c.WaitUntil(until)
		late := c.Now() - until
		// The machine may be busy; not so much, on any.
		if late < 0 || late > max(-d, 0)+200*time.Millisecond {
			t.Errorf("waited for %v: late by %v", d, late)
		}
	}
}

func TestWallClock(t *testing.T) {
	c, err := newClock()
	if err != nil {
		t.Fatal(err)
	}
	now := c.Now()
	stamp := time.Now().UnixNano()
	if off := (c.Wall(now) - time.Duration(stamp)).Abs(); off > 50*time.Millisecond {
		t.Errorf("wall clock is off by %v", off)
	}
	got := c.fromWall(stamp, now, c.Now())
	if got < now || got > c.Now() {
		t.Errorf("a stamp of just now, %v, is at %v", now, got)
	}
	// Somebody set the clock back by an hour in the middle of the run.
	c.wall += time.Hour
	now = c.Now()
	stamp = time.Now().UnixNano()
	got = c.fromWall(stamp, now, c.Now())
	if got < now-time.Millisecond || got > c.Now() {
		t.Errorf("after a step, a stamp of just now, %v, is at %v", now, got)
	}
	if off := (c.Wall(now) - time.Duration(stamp)).Abs(); off > 50*time.Millisecond {
		t.Errorf("after a step, the wall clock is off by %v", off)
	}
}

// latencies are what latencyJob measures.
type latencies struct {
	Wait []time.Duration // from the end of a wait to the wake-up
	Ring []time.Duration // from a packet's stamp to Receive's return
}

// latencyJob waits for deadlines, and for ACKs that the stack delays by its
// own timer.
func latencyJob(t *Target, arg string, emit func([]byte)) error {
	if err := t.Configure(net4(engine.CaptureCopy)); err != nil {
		return err
	}
	t.Start(true)
	fd, err := listen(t)
	if err != nil {
		return err
	}
	p, err := connect(t, fd)
	if err != nil {
		return err
	}
	var l latencies
	at := t.Start(false)
	seq := uint32(1)
	for range 40 {
		at += 15 * time.Millisecond
		t.WaitUntil(at)
		l.Wait = append(l.Wait, t.Now()-at)
		if err := t.Inject(segment(ack|psh, seq, p.isn+1, nil, []byte("x")), engine.GSO{}); err != nil {
			return err
		}
		seq++
		c, err := next(t)
		if err != nil {
			return err
		}
		l.Ring = append(l.Ring, t.Now()-c.Time)
		if now := t.Now(); now > at {
			at = now
		}
	}
	b, err := json.Marshal(l)
	emit(b)
	return err
}

// A table of how late we wake, and of how little that matters for packets,
// whose times are the kernel's.
func TestLatency(t *testing.T) {
	needKernel(t)
	for _, busy := range []int{0, runtime.NumCPU()} {
		var stop atomic.Bool
		for range busy {
			go func() {
				for !stop.Load() {
				}
			}()
		}
		out, err := run(t, "latency")
		stop.Store(true)
		if err != nil {
			t.Fatal(err)
		}
		var l latencies
		if err := json.Unmarshal([]byte(out), &l); err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			what string
			d    []time.Duration
		}{{"deadline to wake-up", l.Wait}, {"stamp to wake-up", l.Ring}} {
			slices.Sort(row.d)
			n := len(row.d)
			t.Logf("%d busy threads, %-20s median %8v  90%% %8v  max %8v", busy, row.what, row.d[n/2], row.d[n*9/10], row.d[n-1])
			if row.d[0] < 0 {
				t.Errorf("%s: %v early", row.what, -row.d[0])
			}
		}
	}
}

func priorityJob(t *Target, arg string, emit func([]byte)) error {
	if err := t.Configure(net4(engine.CaptureCopy)); err != nil {
		return err
	}
	t.Start(false)
	slack, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		return err
	}
	attr, err := unix.SchedGetAttr(0, 0)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	_, err = t.Exec(context.Background(), &engine.ExecCommand{
		// The 41st field of stat, the policy (proc(5)).
		Args:   []string{"/bin/sh", "-c", "cut -d' ' -f41 /proc/self/stat"},
		Stdout: &out, Stderr: &out,
	})
	t.Finish()
	after, _ := unix.SchedGetAttr(0, 0)
	emit(fmt.Appendf(nil, "slack %d policy %d command %s after %d", slack, attr.Policy, bytes.TrimSpace(out.Bytes()), after.Policy))
	return err
}

// On the timeline the stack's user is on time; its commands are like any.
func TestPriority(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		out, err := run(t, "priority")
		want := fmt.Sprintf("slack 1 policy %d command 0 after 0\n", unix.SCHED_FIFO)
		if runtime.NumCPU() == 1 || !privileged() || alwaysUserNamespace {
			want = strings.Replace(want, "policy 1", "policy 0", 1)
		}
		// The kernel tells real-time threads no slack.
		if out = strings.Replace(out, "slack 0", "slack 1", 1); out != want || err != nil {
			t.Errorf("got %q, %v; want %q", out, err, want)
		}
	})
}
