package kernel

import (
	"context"
	"runtime"
	"slices"
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

// The canary tells that it was kept from waking, while it is and afterwards.
func TestCanary(t *testing.T) {
	c, err := StartCanary()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
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
	c, err := StartCanary()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
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
