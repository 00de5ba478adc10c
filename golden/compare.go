package golden

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Options say what counts as a difference.
type Options struct {
	// Exact: times have to be the same to a tenth of a millisecond. Otherwise they may
	// be off by the traces' tolerance and the steps of the stacks' timers.
	Exact bool
	// Ignore names kinds of differences that don't count.
	Ignore []What
}

// A Comparison is how one trace differs from another, the reference.
type Comparison struct {
	Ref, Own    *Trace
	Rows        []Row // side by side, in order
	Differences []Difference
}

// Agree reports whether there is no difference.
func (c *Comparison) Agree() bool { return len(c.Differences) == 0 }

// Compare says how traces of the same script differ from a reference.
//
// A stack that did the same as the reference and says why explains the reference's
// segments, if that doesn't say itself.
func Compare(ref *Trace, others []*Trace, opt Options) []*Comparison {
	var out []*Comparison
	var all []*comparer
	why := map[*Segment]string{}
	for _, own := range others {
		c := newComparer(ref, own, opt)
		c.pairUp()
		for _, p := range c.pairs {
			if p.a1 == p.a0+1 && p.b1 == p.b0+1 {
				a, b := c.refSent[p.a0].Segment, c.ownSent[p.b0].Segment
				if b.Cause != "" && a.Cause == "" && c.later(a, b) == 0 && a.Kind == b.Kind && why[a] == "" {
					why[a] = b.Cause
				}
			}
		}
		all = append(all, c)
	}
	for _, c := range all {
		c.why = why
		out = append(out, c.compare())
	}
	return out
}

// A comparer compares one trace with the reference.
type comparer struct {
	ref, own *Trace
	opt      Options
	out      *Comparison

	refIn, ownIn     []*Event       // inputs
	inputs           []int          // of each of the reference's, which of the other's it is; -1: none
	rowOf            map[*Event]int // where an event is among the rows
	refSent, ownSent []*Event       // on the connection under test
	pairs            []pair         // of what was sent
	// On other connections: in what order those are told apart from the one under test
	// says nothing.
	refOther, ownOther []*Event
	otherPairs         []pair
	// Of each of the reference's segments: by how much the other stack's inputs came
	// later there, and how far off the other's may be.
	shift, slack     map[*Segment]time.Duration
	refScale, ownScl int
	why              map[*Segment]string
}

func newComparer(ref, own *Trace, opt Options) *comparer {
	c := &comparer{
		ref: ref, own: own, opt: opt, out: &Comparison{Ref: ref, Own: own},
		rowOf: map[*Event]int{}, shift: map[*Segment]time.Duration{}, slack: map[*Segment]time.Duration{},
		refScale: ref.windowScale(), ownScl: own.windowScale(),
	}
	c.refIn, c.refSent, c.refOther = ref.split()
	c.ownIn, c.ownSent, c.ownOther = own.split()
	return c
}

// split returns inputs, and what was sent on the connection under test and others.
func (t *Trace) split() (in, sent, other []*Event) {
	for i := range t.Events {
		switch e := &t.Events[i]; {
		case e.input():
			in = append(in, e)
		case e.Kind == Sent && e.Segment.Other:
			other = append(other, e)
		case e.Kind == Sent:
			sent = append(sent, e)
		}
	}
	return in, sent, other
}

// pairUp finds out what belongs together.
func (c *comparer) pairUp() {
	var shift, cum time.Duration
	var last time.Duration // the last input, or what a timer sent after it
	c.inputs = pairInputs(c.refIn, c.ownIn)
	inputs := 0
	for i := range c.ref.Events {
		e := &c.ref.Events[i]
		switch {
		case e.input():
			if i := c.inputs[inputs]; i >= 0 {
				shift = c.ownIn[i].At - e.At
			}
			inputs++
			last, cum = e.At, 0
		case e.Kind == Sent:
			if gap := e.At - last; gap > time.Millisecond {
				cum += max(wheelStep(c.ref.Tick, gap), wheelStep(c.own.Tick, gap))
				last = e.At
			}
			c.shift[e.Segment] = shift
			c.slack[e.Segment] = max(c.ref.Tolerance, c.own.Tolerance) + cum
		}
	}
	c.pairs = align(segments(c.refSent), segments(c.ownSent), c.later)
	c.otherPairs = c.pairOthers()
}

// pairInputs finds the reference's inputs among the other's. Both are of one script, but
// an input that can't be made, as it is an answer to what didn't come, is left out.
func pairInputs(ref, own []*Event) []int {
	pairs := make([]int, len(ref))
	next := 0
	for i, a := range ref {
		pairs[i] = -1
		for j := next; j < len(own); j++ {
			if a.Kind == own[j].Kind && withoutResult(a.Text) == withoutResult(own[j].Text) {
				pairs[i], next = j, j+1
				break
			}
		}
	}
	return pairs
}

// pairOthers pairs what was sent on other connections: which of them a packet is of
// isn't known, so it is paired with the first that is the same, wherever that is.
func (c *comparer) pairOthers() (pairs []pair) {
	taken := make([]bool, len(c.ownOther))
	for i, a := range c.refOther {
		p := pair{i, i + 1, 0, 0}
		for j, b := range c.ownOther {
			if !taken[j] && a.Text == b.Text {
				taken[j] = true
				p.b0, p.b1 = j, j+1
				break
			}
		}
		pairs = append(pairs, p)
	}
	for j := range c.ownOther {
		if !taken[j] {
			pairs = append(pairs, pair{0, 0, j, j + 1})
		}
	}
	return pairs
}

func segments(events []*Event) []*Segment {
	out := make([]*Segment, len(events))
	for i, e := range events {
		out[i] = e.Segment
	}
	return out
}

// wheelStep is by how much a timer that was set for d may be late by nature: Linux's
// timer wheel has steps of 1, 8, 64 … ticks, the longer the time (kernel/time/timer.c).
func wheelStep(tick, d time.Duration) time.Duration {
	if tick <= 0 {
		return 0
	}
	step := tick
	for level := 63 * tick; d >= level; level *= 8 {
		step *= 8
	}
	return step
}

// later is by how much b came later than a, 0 if that is within what can be.
func (c *comparer) later(a, b *Segment) time.Duration {
	if c.opt.Exact {
		return b.At.Round(time.Millisecond/10) - a.At.Round(time.Millisecond/10)
	}
	d := b.At - a.At - c.shift[a]
	if max(d, -d) <= c.slack[a] {
		return 0
	}
	return d
}

// compare goes through both traces and says what differs.
func (c *comparer) compare() *Comparison {
	c.rows()
	c.calls()
	c.states()
	for _, p := range c.pairs {
		c.pair(c.refSent[p.a0:p.a1], c.ownSent[p.b0:p.b1])
	}
	for _, p := range c.otherPairs {
		c.pair(c.refOther[p.a0:p.a1], c.ownOther[p.b0:p.b1])
	}
	c.ends()
	c.out.Differences = slices.DeleteFunc(c.out.Differences, func(d Difference) bool {
		return slices.Contains(c.opt.Ignore, d.What)
	})
	for i := range c.out.Rows {
		c.out.Rows[i].Differ = slices.DeleteFunc(c.out.Rows[i].Differ, func(w What) bool { return slices.Contains(c.opt.Ignore, w) })
	}
	slices.SortStableFunc(c.out.Differences, func(a, b Difference) int { return rank(a.What) - rank(b.What) })
	return c.out
}

// differ notes a difference in what stands side by side.
func (c *comparer) differ(d Difference) {
	c.out.Differences = append(c.out.Differences, d)
	if i, ok := c.rowOf[d.row]; ok {
		if r := &c.out.Rows[i]; !slices.Contains(r.Differ, d.What) {
			r.Differ = append(r.Differ, d.What)
		}
	}
}

// windowScale is by how many bits windows are shifted (RFC 7323, section 2.2): none
// unless both ends have said so.
func (t *Trace) windowScale() int {
	theirs, ours := false, -1
	for _, e := range t.Events {
		if e.Kind == Inject && strings.HasPrefix(strings.TrimLeft(e.Text, "[]()abcdefghijklmnopqrstuvwxyz0123456789, "), "S") {
			theirs = theirs || strings.Contains(e.Text, "wscale ")
		}
		if e.Kind == Sent && e.Segment.has('S') && ours < 0 {
			if _, rest, ok := strings.Cut(e.Segment.Options, "wscale "); ok {
				fmt.Sscanf(rest, "%d", &ours)
			}
		}
	}
	if !theirs || ours < 0 {
		return 0
	}
	return ours
}
