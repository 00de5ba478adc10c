package kernelstack

import (
	"testing"
	"time"

	"tcpdrill/engine"
)

// What a stack does while the machine is late may not be what it would do.
func TestDoubt(t *testing.T) {
	const ms = time.Millisecond
	window := engine.Window{From: 10 * ms, To: 20 * ms, Allowed: 2 * ms}
	for _, tt := range []struct {
		name    string
		at, by  time.Duration // the machine was late
		fails   bool
		verdict engine.Verdict
		barely  bool
	}{
		{"a failure", 0, 0, true, engine.Fail, false},
		{"by little", 115 * ms, 2 * ms, true, engine.Fail, false},
		{"by much", 115 * ms, 3 * ms, true, engine.Inconclusive, false},
		{"before", 105 * ms, 3 * ms, true, engine.Fail, false},
		{"early", 0, 0, false, engine.Pass, false},
		{"early, late by little", 115 * ms, 2 * ms, false, engine.Pass, false},
		{"early, late by much", 115 * ms, 3 * ms, false, engine.Pass, true},
		{"early, late before", 105 * ms, 3 * ms, false, engine.Pass, false},
	} {
		o := &engine.Outcome{Start: 100 * ms, Verdict: engine.Pass}
		if tt.fails {
			o.Verdict = engine.Fail
			o.Failures = []engine.Failure{{Verdict: engine.Fail, Window: &window}}
		} else {
			o.Early = []engine.Early{{Line: 7, Off: 2 * ms, Window: window}}
		}
		doubt(o, func(from, to time.Duration) time.Duration {
			if from <= tt.at && tt.at <= to {
				return tt.by
			}
			return 0
		})
		if o.Verdict != tt.verdict || (o.Barely != "") != tt.barely {
			t.Errorf("%s: %s, %q", tt.name, o.Verdict, o.Barely)
		}
	}
}
