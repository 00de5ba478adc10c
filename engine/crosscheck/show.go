package crosscheck

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tcpdrill/engine"
	"tcpdrill/golden"
)

// A line is an entry of one or both of two timelines.
type line struct {
	at    time.Duration
	who   string // "" for both
	sign  string
	text  string
	cause string
}

// Show writes two timelines as one: what was injected and called, and what the
// stacks sent, once where they agree.
func Show(w io.Writer, c *Comparison, ours, theirs *engine.Outcome, ourName, theirName string, tol Tolerance) {
	var lines []line
	for _, e := range theirs.Timeline {
		switch e.Kind {
		case engine.EntryInject:
			lines = append(lines, line{e.At, "", "<", e.Text, ""})
		case engine.EntryCall:
			lines = append(lines, line{e.At, "", " ", e.Text + "  → " + e.Result, ""})
		}
	}
	lastAt := time.Duration(0)
	for i := range max(len(c.Ours), len(c.Theirs)) {
		if i < len(c.Ours) && i < len(c.Theirs) {
			a, b := c.Ours[i], c.Theirs[i]
			late := max(tol.Fixed, time.Duration(tol.Percent/100*float64(b.At-lastAt)))
			lastAt = b.At
			if fieldDiffers(a, b, late) == "" {
				lines = append(lines, line{b.At, "", ">", withGSO(b), a.Cause})
				continue
			}
		}
		if i < len(c.Theirs) {
			lines = append(lines, line{c.Theirs[i].At, theirName, ">", withGSO(c.Theirs[i]), c.Theirs[i].Cause})
		}
		if i < len(c.Ours) {
			lines = append(lines, line{c.Ours[i].At, ourName, ">", withGSO(c.Ours[i]), c.Ours[i].Cause})
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return cmp.Compare(a.at, b.at) })
	width := max(len(ourName), len(theirName))
	for _, l := range lines {
		cause := ""
		if l.cause != "" {
			cause = "  (" + l.cause + ")"
		}
		fmt.Fprintf(w, "%9.4f %-*s %s %s%s\n", l.at.Seconds(), width, l.who, l.sign, l.text, cause)
	}
	for _, d := range []*Difference{c.Segments, c.Calls, c.State} {
		if d != nil {
			fmt.Fprintf(w, "%s\n    %s\n", d.Class, d.Detail)
		}
	}
	if a, b := strings.TrimSpace(ours.Output), strings.TrimSpace(theirs.Output); a != b {
		fmt.Fprintf(w, "%s printed\n%s\n%s printed\n%s\n", theirName, b, ourName, a)
	}
}

func withGSO(s golden.Segment) string {
	if s.GSO > 0 {
		return fmt.Sprintf("%s  (gso_size %d)", s.Text, s.GSO)
	}
	return s.Text
}
