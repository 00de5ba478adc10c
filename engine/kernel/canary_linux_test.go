package kernel

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// eventually waits for something, but not for ever.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 1000 {
		if is() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("after 10 s: not %s", what)
}

// startCanary starts one for a test.
func startCanary(t *testing.T) *Canary {
	t.Helper()
	c, err := StartCanary()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// The canary tells that it was kept from waking, while it is and afterwards.
func TestCanary(t *testing.T) {
	c := startCanary(t)
	eventually(t, "awake", func() bool { return c.rings[0].ticks.Load() > 0 })
	start := c.Now()
	const much = 100 * time.Millisecond
	late := func() bool { return c.Late(start, c.Now()) > much }
	c.process.Signal(syscall.SIGSTOP)
	eventually(t, "late while it is stopped", late)
	stopped := c.Now()
	c.process.Signal(syscall.SIGCONT)
	eventually(t, "awake again", func() bool { return time.Duration(c.rings[0].next.Load()) > stopped })
	if late := c.Late(start, stopped); late < much {
		t.Errorf("afterwards: %v late", late)
	}
	if late := c.Late(start-time.Hour, start-time.Hour+time.Second); late > 0 {
		t.Errorf("before it lived: %v late", late)
	}
}

// It chooses a processor, which other processes are then kept from.
func TestCanaryHome(t *testing.T) {
	if runtime.NumCPU() == 1 {
		t.Skip("one processor is no choice")
	}
	c := startCanary(t)
	cpu, ok := c.Home(context.Background())
	if !ok || !slices.Contains(c.cpus, cpu) {
		t.Fatalf("got %d, %v of %v", cpu, ok, c.cpus)
	}
	for i, r := range c.rings {
		t.Logf("processor %d: %d of %d ticks late", c.cpus[i], r.slow.Load(), r.ticks.Load())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if again, ok := c.Home(ctx); ok && again != cpu {
		t.Errorf("another processor later: %d", again)
	}
}

// The processor for scripts doesn't go idle, until nobody wants it awake any more.
func TestStayAwake(t *testing.T) {
	if runtime.NumCPU() == 1 || hasQuota() {
		t.Skip("no processor is kept awake here")
	}
	c := startCanary(t)
	cpu, ok := c.Home(context.Background())
	if !ok {
		t.Fatal("no processor was chosen")
	}
	awake := c.rings[c.home.Load()].awake.Load
	first, second := c.StayAwake(), c.StayAwake()
	first()
	first()
	if n := awake(); n != 1 {
		t.Fatalf("%d want it awake, not one", n)
	}
	time.Sleep(20 * time.Millisecond) // it is looked at every 10
	// A busy machine may have begun late, or moved us: a third may be lost. Without the
	// thread nearly all is idle here.
	before := idle(t, cpu)
	time.Sleep(300 * time.Millisecond)
	if d := idle(t, cpu) - before; d > 10 {
		t.Errorf("it was idle for %d of 30 hundredths of a second", d)
	}
	second()
	if n := awake(); n != 0 {
		t.Errorf("%d want it awake, though nobody does", n)
	}
}

// idle is for how many hundredths of a second a processor was, of /proc/stat.
func idle(t *testing.T, cpu int) int {
	t.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 4 && fields[0] == fmt.Sprintf("cpu%d", cpu) {
			n, err := strconv.Atoi(fields[4])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("/proc/stat has no processor %d", cpu)
	return 0
}
