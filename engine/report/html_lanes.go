package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tcpdrill/engine"
	"tcpdrill/golden"
)

// Traces of a script are drawn in the time of the reference, so that what is the same
// stands side by side: an event that is as late as it may be stands where the
// reference's does.

// lanes makes lanes of what stacks did, the reference's first. All events that stand
// side by side in some comparison are of one group, which takes the place of a line;
// groups says which. A stack with no comparison has a lane of its own times.
func lanes(r golden.Result) (out []Lane, groups map[*golden.Event]int) {
	g := groupsOf(r)
	for i, s := range r.Stacks {
		b := laneBuilder{
			groups: g, says: map[*golden.Event][]golden.Difference{},
			lane: Lane{Command: "compare -v", Bad: map[int]bool{}, Notes: map[int][]string{}},
		}
		switch {
		case s.Comparison != nil:
			b.compared(s.Comparison)
		case s.Trace != nil:
			b.alone(s.Trace, i == 0)
		}
		out = append(out, b.lane)
	}
	return out, g
}

// groupsOf numbers events, from 1: those that belong together have the same number.
func groupsOf(r golden.Result) map[*golden.Event]int {
	parent := map[*golden.Event]*golden.Event{}
	var root func(e *golden.Event) *golden.Event
	root = func(e *golden.Event) *golden.Event {
		if p := parent[e]; p != nil && p != e {
			parent[e] = root(p)
			return parent[e]
		}
		return e
	}
	var all []*golden.Event
	for _, s := range r.Stacks {
		if s.Trace != nil {
			for i := range s.Trace.Events {
				all = append(all, &s.Trace.Events[i])
			}
		}
		if s.Comparison == nil {
			continue
		}
		for _, row := range sideBySide(s.Comparison) {
			both := slices.Concat(row.Ref, row.Own)
			for _, e := range both[1:] {
				parent[root(e)] = root(both[0])
			}
		}
	}
	numbers, groups := map[*golden.Event]int{}, map[*golden.Event]int{}
	for _, e := range all {
		first := root(e)
		if numbers[first] == 0 {
			numbers[first] = len(numbers) + 1
		}
		groups[e] = numbers[first]
	}
	return groups
}

// sideBySide are the rows of a comparison, in which what code blocks read stands side
// by side too: in order.
func sideBySide(c *golden.Comparison) []golden.Row {
	var read []*golden.Event
	for i := range c.Own.Events {
		if e := &c.Own.Events[i]; e.Kind == golden.State {
			read = append(read, e)
		}
	}
	rows := slices.Clone(c.Rows)
	for i, r := range rows {
		if len(read) > 0 && len(r.Ref) == 1 && r.Ref[0].Kind == golden.State {
			rows[i].Own, read = read[:1], read[1:]
		}
	}
	return slices.DeleteFunc(rows, func(r golden.Row) bool { return len(r.Ref)+len(r.Own) == 0 })
}

// A laneBuilder makes the lane of one stack.
type laneBuilder struct {
	lane   Lane
	groups map[*golden.Event]int
	says   map[*golden.Event][]golden.Difference
}

// alone draws the reference, or a trace that is compared with nothing: what that sent
// is neither the same nor not.
func (b *laneBuilder) alone(t *golden.Trace, reference bool) {
	for i := range t.Events {
		e := &t.Events[i]
		kind := entryKind(e)
		if kind == engine.EntryMatch && !reference {
			kind = engine.EntryOther
		}
		b.add(e, kind, e.At, false, nil)
	}
}

// compared draws what a stack did, and what it didn't though the reference did.
func (b *laneBuilder) compared(c *golden.Comparison) {
	rowOf := map[*golden.Event]*golden.Row{}
	rows := sideBySide(c)
	for i := range rows {
		for _, e := range rows[i].Own {
			rowOf[e] = &rows[i]
		}
	}
	for _, d := range c.Differences {
		if e := d.Event(); e != nil {
			b.says[e] = append(b.says[e], d)
		}
	}
	b.did(c.Own, rowOf)
	b.didNot(c, rows)
}

// did draws what a stack did.
func (b *laneBuilder) did(t *golden.Trace, rowOf map[*golden.Event]*golden.Row) {
	var shift, last time.Duration // by how much later than the reference's an input came
	for i := range t.Events {
		e := &t.Events[i]
		row := rowOf[e]
		if row == nil {
			continue
		}
		at := max(last, e.At-shift)
		if n := slices.Index(row.Own, e); len(row.Ref) > n && !slices.Contains(row.Differ, golden.Times) {
			at = row.Ref[n].At
			if e.Kind != golden.Sent && e.Kind != golden.State {
				shift = e.At - at
			}
		}
		last = max(last, at)
		n := len(b.lane.Entries)
		b.own(row, e, at)
		if later := shift.Abs(); e.Kind == golden.Sent && len(b.lane.Notes[n]) > 0 && later >= time.Millisecond {
			b.lane.Notes[n] = append(b.lane.Notes[n], fmt.Sprintf("at %s: its inputs came %.1f ms %s", tenths(e.At), later.Seconds()*1000, sooner(shift)))
		}
	}
}

// didNot draws what the reference did and a stack didn't, and where a run stops or goes
// on.
func (b *laneBuilder) didNot(c *golden.Comparison, rows []golden.Row) {
	for _, row := range rows {
		if len(row.Own) > 0 || len(row.Differ) == 0 {
			continue // nobody looked for so long, or it doesn't count
		}
		for _, e := range row.Ref {
			b.add(e, engine.EntryMissing, e.At, true, b.says[e])
		}
	}
	for _, d := range c.Differences {
		if d.Event() == nil {
			b.lane.Bad[0] = true
			b.lane.Entries = append(b.lane.Entries, engine.Entry{At: d.At, Kind: engine.EntryCommand, Text: d.Text})
		}
	}
}

// sooner is a word for a shift.
func sooner(shift time.Duration) string {
	if shift < 0 {
		return "earlier"
	}
	return "later"
}

// own draws what a stack did: as it is where the reference did the same.
func (b *laneBuilder) own(row *golden.Row, e *golden.Event, at time.Duration) {
	kind := entryKind(e)
	var notes []golden.Difference
	for _, with := range [][]*golden.Event{row.Ref, row.Own} {
		for _, of := range with {
			notes = append(notes, b.says[of]...)
		}
	}
	if e != row.Own[0] {
		notes = nil // said already
	}
	differs := len(row.Differ) > 0
	switch {
	case e.Kind != golden.Sent:
	case differs && len(row.Ref) == 0:
		kind = engine.EntryExtra
	case differs:
		kind = engine.EntryWrong
	case len(row.Ref) == 0:
		kind = engine.EntryOther // it doesn't count
	}
	b.add(e, kind, at, differs, notes)
}

// entryKind is what an event is drawn as.
func entryKind(e *golden.Event) engine.EntryKind {
	switch e.Kind {
	case golden.Call:
		return engine.EntryCall
	case golden.Inject:
		return engine.EntryInject
	case golden.Command:
		return engine.EntryCommand
	case golden.State:
		return engine.EntryCode
	}
	if e.Segment.Other {
		return engine.EntryOther
	}
	return engine.EntryMatch
}

// add draws an event.
func (b *laneBuilder) add(e *golden.Event, kind engine.EntryKind, at time.Duration, differs bool, notes []golden.Difference) {
	entry := engine.Entry{At: at, Line: b.groups[e], Kind: kind, Text: e.Text}
	switch {
	case e.Kind == golden.State:
		entry.Text = strings.ReplaceAll(e.Text, ", ", "\n")
	case e.Segment != nil:
		entry.GSO = e.Segment.GSO
		if !e.Segment.Other {
			entry.Cause = e.Segment.Cause
		}
	case e.Note != "":
		entry.Text += " // " + e.Note
	}
	if differs && e.Segment == nil {
		b.lane.Bad[entry.Line] = true
	}
	n := len(b.lane.Entries)
	b.lane.Entries = append(b.lane.Entries, entry)
	for _, text := range golden.Brief(notes) {
		b.lane.Notes[n] = append(b.lane.Notes[n], "≠ "+text)
	}
	if e.Kind == golden.Call && e.Blocks {
		name, _, _ := strings.Cut(e.Text, "(")
		b.lane.Entries = append(b.lane.Entries, engine.Entry{
			At: at + e.End - e.At, Line: entry.Line, Kind: engine.EntryReturn, Text: name + " returns " + cmp.Or(e.Result, "nothing"),
		})
	}
}
