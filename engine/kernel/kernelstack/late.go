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
// elsewhere, as far as it is ours, and keeps that processor from going idle until part is called.
// It takes about a tenth of a second, once.
func Gather(ctx context.Context) (part func()) {
	c := canary()
	if c == nil {
		return func() {}
	}
	if home.Load() == nil {
		cpu, ok := c.Home(ctx)
		if !ok {
			return func() {}
		}
		home.Store(&cpu)
	}
	return c.StayAwake()
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
// more than is allowed: so may the stack have been. What it sent early it may have sent too
// early otherwise. late says how late the machine was between two times of the target's.
func doubt(o *engine.Outcome, late func(from, to time.Duration) time.Duration) {
	for i := range o.Failures {
		f := &o.Failures[i]
		if f.Verdict != engine.Fail || f.Window == nil {
			continue
		}
		by := lateIn(o, f.Window, late)
		if by <= f.Window.Allowed {
			continue
		}
		f.Verdict = engine.Inconclusive
		f.Notes = append(f.Notes, fmt.Sprintf("a processor of this machine was %.1f ms late meanwhile, and so may the stack have been", millis(by)))
		if i == 0 && o.Verdict == engine.Fail {
			o.Verdict = f.Verdict
		}
	}
	for _, e := range o.Early {
		by := lateIn(o, &e.Window, late)
		if by > e.Window.Allowed && o.Verdict == engine.Pass && o.Barely == "" {
			o.Barely = fmt.Sprintf("the packet of line %d was %.2f ms early, of %.1f ms allowed, and a processor of this machine was %.2f ms late meanwhile",
				e.Line, millis(e.Off), millis(e.Off+e.Window.Allowed), millis(by))
		}
	}
}

func lateIn(o *engine.Outcome, w *engine.Window, late func(from, to time.Duration) time.Duration) time.Duration {
	return late(o.Start+w.From, o.Start+w.To)
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
