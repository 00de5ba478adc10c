package kernelstack

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/kernel"
)

// canary is the process's canary, nil if there can't be one.
var canary = sync.OnceValue(func() *kernel.Canary {
	c, err := kernel.StartCanary()
	if err != nil {
		return nil
	}
	return c
})

// Watch begins to watch how late the machine is, which takes a while to be known.
func Watch() { canary() }

// home is the processor for scripts, nil if none was chosen.
var home atomic.Pointer[int]

// Gather has scripts run where the stack's timers are least often late, and all else
// elsewhere, as far as it is ours. It takes about a tenth of a second, once.
func Gather(ctx context.Context) {
	c := canary()
	if c == nil || home.Load() != nil {
		return
	}
	if cpu, ok := c.Home(ctx); ok {
		home.Store(&cpu)
	}
}

// Late returns how late a processor of this machine was, at worst, in the last d.
// It is kept for some seconds at least. Where it isn't known it is 0.
func Late(d time.Duration) time.Duration {
	c := canary()
	if c == nil {
		return 0
	}
	now := c.Now()
	return c.Late(now-d, now)
}

// doubt makes failures of the stack inconclusive during which the machine was late by
// more than is allowed: so may the stack have been.
func doubt(o *engine.Outcome) {
	c := canary()
	if c == nil {
		return
	}
	for i := range o.Failures {
		f := &o.Failures[i]
		if f.Verdict != engine.Fail || f.Window == nil {
			continue
		}
		w := f.Window
		late := c.Late(o.Start+w.From, o.Start+w.To)
		if late <= w.Allowed {
			continue
		}
		f.Verdict = engine.Inconclusive
		f.Notes = append(f.Notes, fmt.Sprintf("a processor of this machine was %.1f ms late meanwhile, and so may the stack have been",
			float64(late.Microseconds())/1000))
		if i == 0 && o.Verdict == engine.Fail {
			o.Verdict = f.Verdict
		}
	}
}
