package suite

import (
	"bytes"
	"fmt"
	"strings"

	"tcpdrill/engine"
	"tcpdrill/engine/report"
	"tcpdrill/engine/stacks"
	"tcpdrill/script"
)

// Difference returns the header by which a script says that it differs on a stack, nil
// if it has none.
func Difference(name string, source []byte, stack script.Stack) *script.Difference {
	if !bytes.Contains(source, []byte("Differs on")) {
		return nil // as nearly all: nothing has to be parsed
	}
	s, err := script.Parse(name, source, nil)
	if err != nil {
		return nil // it can't be run either
	}
	ds, _ := script.Differences(s)
	return script.DiffersOn(ds, stack)
}

// named is a stack as scripts name it.
func named(st stacks.Stack) script.Stack {
	return script.Stack{Name: st.Name(), Version: func() string { return stacks.Version(st) }}
}

// keptOff is the outcome of a script that says that it isn't for a stack, nil if it may run.
func keptOff(ds []*script.Difference, stack script.Stack) *engine.Outcome {
	d := script.KeptOff(ds, stack)
	if d == nil {
		return nil
	}
	return &engine.Outcome{Verdict: engine.Unsupported, Failures: []engine.Failure{{
		Verdict: engine.Unsupported, Line: d.Pos.Line, Column: d.Pos.Column,
		Summary: fmt.Sprintf("it runs on %s only: %s", strings.Join(d.Stacks, ", "), d.Reason),
	}}}
}

// expectDifference settles the verdict of a script that says that it differs on the
// stack it was run on: to fail there is what was expected, and to pass isn't. What
// could not be run, or was late, says nothing of either.
func expectDifference(one *report.Run, stack script.Stack) {
	o := one.Outcome
	if o.Verdict != engine.Pass && o.Verdict != engine.Fail {
		return
	}
	d := Difference(one.Script, one.Source, stack)
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
