package suite

import (
	"bytes"
	"fmt"

	"tcpdrill/engine"
	"tcpdrill/engine/report"
	"tcpdrill/script"
)

// expectDifference settles the verdict of a script that says that it differs on the
// stack it was run on: to fail there is what was expected, and to pass isn't. What
// could not be run, or was late, says nothing of either.
func expectDifference(one *report.Run) {
	o := one.Outcome
	if o.Verdict != engine.Pass && o.Verdict != engine.Fail || !bytes.Contains(one.Source, []byte("Differs on")) {
		return
	}
	s, err := script.Parse(one.Script, one.Source, nil)
	if err != nil {
		return // it couldn't have been run
	}
	ds, _ := script.Differences(s)
	d := script.DiffersOn(ds, one.Stack)
	switch {
	case d == nil:
	case o.Verdict == engine.Fail:
		one.Differs = d.Reason
		o.Verdict = engine.Pass
		o.Warnings = append(o.Failures, o.Warnings...)
		o.Failures = nil
	default:
		o.Verdict = engine.Fail
		o.Failures = []engine.Failure{{
			Verdict: engine.Fail, Line: d.Pos.Line, Column: d.Pos.Column,
			Summary: fmt.Sprintf("it passes, but its header says that it differs on %s: %s", one.Stack, d.Reason),
		}}
	}
}
