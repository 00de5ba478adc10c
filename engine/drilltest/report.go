package drilltest

import (
	"bytes"
	"fmt"
	"testing"

	"tcpdrill/engine"
	"tcpdrill/engine/report"
)

// report waits for a subtest's result and says in its log what there is to say.
func (s *subtest) report(t *testing.T, c *config) {
	r := <-s.result
	switch {
	case r.run != nil:
		c.verdict(t, *r.run)
	case r.skip != "":
		fmt.Fprintf(t.Output(), "%s: %s\n", s.task.Name, r.skip)
		t.SkipNow()
	case r.err != nil:
		fmt.Fprintf(t.Output(), "%s: %v\n", s.task.Name, r.err)
		t.FailNow()
	default:
		fmt.Fprintf(t.Output(), "%s: not run to its end: the tests' time (-timeout) is nearly over\n", s.task.Name)
		t.FailNow()
	}
}

// verdict makes a run's verdict the test's. It is logged without our own file and line:
// those of the script come first.
func (c *config) verdict(t *testing.T, r report.Run) {
	var b bytes.Buffer // the log gets it in one piece
	if r.Reruns > 0 {
		fmt.Fprintf(&b, "run %d times: the harness was late\n", r.Reruns+1)
	}
	v := r.Outcome.Verdict
	switch {
	case v != engine.Pass:
		report.Failure(&b, r, testing.Verbose())
	case testing.Verbose():
		report.Pass(&b, r)
	default:
		report.Warnings(&b, r)
	}
	t.Output().Write(b.Bytes())
	switch {
	case v == engine.Pass:
	case v == engine.Unsupported, v == engine.Inconclusive && c.skipLate:
		t.SkipNow()
	default:
		t.FailNow()
	}
}
