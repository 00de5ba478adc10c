package golden

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// A causeCount is why one stack says it sent its segments, beside what the reference
// says of those that both sent at the same time.
type causeCount struct {
	stack      string
	sent       int // by the stack, in scripts that were compared
	known      int // how many of them have a cause
	same       int // segments that both sent
	knownBoth  int // of which both say the cause
	agree      int // the same one
	refOf      map[string]*causeRow
	refUnknown int // of which the reference doesn't say it
}

// A causeRow is what a stack says of the segments that the reference gives one cause.
type causeRow struct {
	same, unknown int
	others        map[string]int
}

// CausesText writes, for each stack but the first, of how many of its segments it is known
// why they were sent, and how that agrees with what the first says of the same segments:
// those that stand side by side, are of the same bytes and were sent at the same time.
func CausesText(w io.Writer, results []Result) {
	if len(results) == 0 {
		return
	}
	ref := results[0].Stacks[0].Stack
	for i := 1; i < len(results[0].Stacks); i++ {
		n := countCauses(results, i)
		if n.sent == 0 {
			continue
		}
		fmt.Fprintf(w, "\nwhy %s sent its segments: known of %d of %d (%s)", n.stack, n.known, n.sent, percent(n.known, n.sent))
		fmt.Fprintf(w, "; %s sent %d of them, too, and of the %d of which both know it %d (%s) have the same cause\n\n",
			ref, n.same, n.knownBoth, n.agree, percent(n.agree, n.knownBoth))
		tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintf(tab, "%s\t%s: same\tunknown\tother\n", ref, n.stack)
		for _, word := range slices.Sorted(maps.Keys(n.refOf)) {
			r := n.refOf[word]
			var others []string
			for _, other := range slices.Sorted(maps.Keys(r.others)) {
				others = append(others, fmt.Sprintf("%d %s", r.others[other], other))
			}
			fmt.Fprintf(tab, "%s\t%d\t%d\t%s\n", word, r.same, r.unknown, strings.Join(others, ", "))
		}
		if n.refUnknown > 0 {
			fmt.Fprintf(tab, "unknown\t%d\t\t\n", n.refUnknown)
		}
		tab.Flush()
	}
}

// percent is a share, in percent.
func percent(n, of int) string {
	if of == 0 {
		return "none"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(n)/float64(of))
}

// countCauses counts those of the i-th stack.
func countCauses(results []Result, i int) *causeCount {
	n := &causeCount{stack: results[0].Stacks[i].Stack, refOf: map[string]*causeRow{}}
	for _, r := range results {
		c := r.Stacks[i].Comparison
		if c == nil {
			continue
		}
		for _, e := range c.Own.Events {
			if e.Kind == Sent {
				n.sent++
				if e.Segment.Cause != "" {
					n.known++
				}
			}
		}
		for _, row := range c.Rows {
			if len(row.Ref) == 1 && len(row.Own) == 1 && row.Ref[0].Kind == Sent && sameSending(row.Differ) {
				n.add(row.Ref[0].Segment, row.Own[0].Segment)
			}
		}
	}
	return n
}

// sameSending reports whether segments that differ so are the same ones, sent at the same
// time.
func sameSending(differ []What) bool {
	return !slices.ContainsFunc(differ, func(w What) bool {
		return w == Cuts || w == Times || w == Others || w == Flags || w == Acks
	})
}

func (n *causeCount) add(ref, own *Segment) {
	n.same++
	if ref.Cause == "" {
		n.refUnknown++
		return
	}
	r := n.refOf[ref.Cause]
	if r == nil {
		r = &causeRow{others: map[string]int{}}
		n.refOf[ref.Cause] = r
	}
	switch own.Cause {
	case ref.Cause:
		r.same++
		n.agree++
		n.knownBoth++
	case "":
		r.unknown++
	default:
		r.others[own.Cause]++
		n.knownBoth++
	}
}
