package crosscheck

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tcpdrill/engine"
	"tcpdrill/golden"
)

// A Tolerance is how far two stacks may be apart in time.
type Tolerance struct {
	// Fixed is a jiffy, where both have the same ones.
	Fixed time.Duration
	// Percent is a part of the time since the event before, as packetdrill has it.
	Percent float64
}

// A Difference is where two runs part.
type Difference struct {
	Class  string // what it is counted under
	Detail string
	At     time.Duration
}

// A Comparison is what two runs of one script have in common.
type Comparison struct {
	// Segments is the first difference in what was sent; nil: it is the same.
	// It alone says whether the stacks agree.
	Segments *Difference
	// Calls and State are the first differences in what calls returned and
	// TCP_INFO said.
	Calls, State *Difference

	Ours, Theirs []golden.Segment
}

// Agree reports whether the stacks sent the same.
func (c *Comparison) Agree() bool { return c.Segments == nil }

// Compare compares a run with the one it should be like.
func Compare(ours, theirs *engine.Outcome, tol Tolerance) *Comparison {
	c := &Comparison{Ours: golden.Segments(ours), Theirs: golden.Segments(theirs)}
	switch {
	case theirs.Verdict != engine.Pass:
		c.Segments = verdictDiffers("reference", theirs)
	case ours.Verdict != engine.Pass:
		c.Segments = verdictDiffers("stack", ours)
	default:
		c.Segments = segmentsDiffer(c.Ours, c.Theirs, tol)
		if c.Segments != nil && segmentsDiffer(golden.Cut(c.Ours), golden.Cut(c.Theirs), tol) == nil {
			c.Segments.Class = "super-segments cut elsewhere"
		}
		c.Calls = callsDiffer(ours, theirs)
		c.State = statesDiffer(ours.Output, theirs.Output)
	}
	return c
}

// verdictDiffers says that a script didn't run to its end.
func verdictDiffers(who string, o *engine.Outcome) *Difference {
	d := &Difference{Class: fmt.Sprintf("the %s's verdict: %s", who, o.Verdict)}
	if len(o.Failures) > 0 {
		f := o.Failures[0]
		d.Detail = fmt.Sprintf("line %d: %s", f.Line, f.Summary)
		if o.Verdict == engine.Unsupported {
			_, what, ok := strings.Cut(f.Summary, "`: ") // of a command
			if !ok {
				what = f.Summary
			}
			d.Class += ": " + what
		}
	}
	return d
}

// segmentsDiffer finds the first difference.
func segmentsDiffer(ours, theirs []golden.Segment, tol Tolerance) *Difference {
	lastAt := time.Duration(0)
	for i := range max(len(ours), len(theirs)) {
		switch {
		case i >= len(ours):
			return difference("missing", theirs[i], nil, &theirs[i])
		case i >= len(theirs):
			return difference("extra", ours[i], &ours[i], nil)
		}
		a, b := ours[i], theirs[i]
		late := max(tol.Fixed, time.Duration(tol.Percent/100*float64(b.At-lastAt)))
		lastAt = b.At
		field := fieldDiffers(a, b, late)
		if field == "" {
			continue
		}
		if sameBytes(a, b) {
			return difference(field, b, &a, &b)
		}
		switch found, later := where(ours[i+1:], b), where(theirs[i+1:], a); {
		case found >= 0 && (later < 0 || found <= later):
			return difference("extra", a, &a, &b)
		case later >= 0:
			return difference("missing", b, &a, &b)
		}
		return difference(field, b, &a, &b)
	}
	return nil
}

// sameBytes reports whether two segments stand for the same part of the stream.
func sameBytes(a, b golden.Segment) bool {
	if a.Fresh() && b.Fresh() {
		return true
	}
	return a.Unreadable == b.Unreadable && a.Seq == b.Seq && a.End() == b.End()
}

// horizon is how far ahead a segment is looked for.
const horizon = 8

// where finds a segment like one among the next few.
func where(in []golden.Segment, like golden.Segment) int {
	for i, s := range in[:min(len(in), horizon)] {
		if sameBytes(s, like) && s.Ack == like.Ack && s.Unreadable == like.Unreadable {
			return i
		}
	}
	return -1
}

// fieldDiffers names the first thing in which two segments differ, "" if in
// none.
func fieldDiffers(a, b golden.Segment, tol time.Duration) string {
	ticks := int64((tol + time.Millisecond - 1) / time.Millisecond)
	switch {
	case a.Unreadable || b.Unreadable:
		if a.Text != b.Text {
			return "other packet"
		}
	case a.Seq != b.Seq && !(a.Fresh() && b.Fresh()):
		return "sequence"
	case a.Len != b.Len:
		return "length"
	case a.Flags != b.Flags:
		return "flags"
	case a.Ack != b.Ack:
		return "acknowledgment"
	case a.At-b.At > tol || b.At-a.At > tol:
		return "time"
	case a.Window != b.Window:
		return "window"
	case a.Urgent != b.Urgent:
		return "urgent pointer"
	case a.Options != b.Options || a.Ecr != b.Ecr:
		return "options"
	case a.Val-b.Val > ticks || b.Val-a.Val > ticks:
		return "timestamp"
	case a.ECN != b.ECN:
		return "ecn"
	case a.GSO != b.GSO:
		return "gso_size"
	}
	if a.At-b.At > tol || b.At-a.At > tol {
		return "time"
	}
	return ""
}

// difference makes one of a segment that stands for it, and the two traces'.
func difference(what string, s golden.Segment, ours, theirs *golden.Segment) *Difference {
	on := "after " + s.On
	if s.On == "timer" {
		on = "by a timer"
	}
	d := &Difference{Class: fmt.Sprintf("%s: %s %s", what, s.Kind, on), At: s.At}
	text := func(s *golden.Segment) string {
		switch {
		case s == nil:
			return "nothing"
		case s.Cause != "":
			return fmt.Sprintf("%.4f %s (%s)", s.At.Seconds(), s.Text, s.Cause)
		}
		return fmt.Sprintf("%.4f %s", s.At.Seconds(), s.Text)
	}
	d.Detail = fmt.Sprintf("got %s, want %s", text(ours), text(theirs))
	return d
}

// callsDiffer finds the first call that returned something else.
func callsDiffer(ours, theirs *engine.Outcome) *Difference {
	a, b := calls(ours), calls(theirs)
	for i := range min(len(a), len(b)) {
		if a[i].Result != b[i].Result {
			name, _, _ := strings.Cut(b[i].Text, "(")
			return &Difference{Class: "call: " + name, At: b[i].At,
				Detail: fmt.Sprintf("%.4f %s: got %s, want %s", b[i].At.Seconds(), b[i].Text, a[i].Result, b[i].Result)}
		}
	}
	return nil
}

func calls(o *engine.Outcome) []engine.Entry {
	var out []engine.Entry
	for _, e := range o.Timeline {
		// Descriptors are the system's own numbers.
		if e.Kind == engine.EntryCall && !strings.HasPrefix(e.Text, "socket(") && !strings.HasPrefix(e.Text, "accept(") {
			out = append(out, e)
		}
	}
	return out
}

// statesDiffer finds the first field of TCP_INFO that was printed otherwise.
func statesDiffer(ours, theirs string) *Difference {
	a, b := stateLines(ours), stateLines(theirs)
	for i := range min(len(a), len(b)) {
		backoff := 0
		for j := range min(len(a[i]), len(b[i])) {
			name, value, _ := strings.Cut(b[i][j], "=")
			if name == "backoff" {
				backoff, _ = strconv.Atoi(value)
			}
			if a[i][j] == b[i][j] || name == "rto" && nearTimeout(a[i][j], value, backoff) {
				continue
			}
			return &Difference{Class: "state: " + name,
				Detail: fmt.Sprintf("print %s: got %s, want %s", b[i][1], a[i][j], b[i][j])}
		}
	}
	if len(a) != len(b) {
		return &Difference{Class: "state: prints", Detail: fmt.Sprintf("got %d, want %d", len(a), len(b))}
	}
	return nil
}

// stateLines are the words of the lines that state blocks print.
func stateLines(output string) [][]string {
	var out [][]string
	for line := range strings.Lines(output) {
		if words := strings.Fields(line); len(words) > 2 && words[0] == "state" {
			out = append(out, words)
		}
	}
	return out
}

// nearTimeout compares retransmission timeouts, of which the first may be a jiffy
// off.
func nearTimeout(a, value string, backoff int) bool {
	m, _ := strconv.Atoi(strings.TrimPrefix(a, "rto="))
	n, _ := strconv.Atoi(value)
	return max(m-n, n-m) <= 1000<<min(backoff, 16)
}
