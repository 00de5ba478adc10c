package golden

import (
	"math"
	"time"
)

// Two traces are laid side by side by what their segments carry and by their order,
// not by lines: of all the ways to do so, the one in which the least has to be said.
// It is found as the cheapest path through a table of both, as diff programs do. A
// step pairs two segments, or two runs of segments that carry the same bytes in
// different cuts, or passes one that is in one trace only.

// A pair is a step: a[a0:a1] stands beside b[b0:b1]; one of them may be empty.
type pair struct{ a0, a1, b0, b1 int }

// What it costs that things differ. One segment more on one side costs gapCost, so
// that two segments which have less in common than two gaps stay apart.
const (
	gapCost    = 0.5
	cutCost    = 0.25 // the same bytes in other cuts
	lengthCost = 0.5
	againCost  = 0.2 // one is sent again, the other for the first time
	flagsCost  = 0.2
	ackCost    = 0.15
	ackOnlyAck = 0.85 // of segments that do nothing but acknowledge
	seqOnlyAck = 0.1
	optCost    = 0.05
	windowCost = 0.02
	timeCost   = 0.1
	never      = math.MaxFloat32
)

// mostCells bounds the table. Beyond it only what is near the diagonal is looked at.
const mostCells = 16 << 20

// An aligner aligns two lists of segments.
type aligner struct {
	a, b  []*Segment
	later func(a, b *Segment) time.Duration
}

// align returns the pairs, in order. later is by how much a segment of the second
// comes later than one of the first, as far as that is more than can be.
func align(a, b []*Segment, later func(a, b *Segment) time.Duration) []pair {
	al := aligner{a, b, later}
	// What is alike at both ends needs no table.
	head := 0
	for head < min(len(a), len(b)) && al.alike(head, head) {
		head++
	}
	tail := 0
	for tail < min(len(a), len(b))-head && al.alike(len(a)-1-tail, len(b)-1-tail) {
		tail++
	}
	var pairs []pair
	for i := range head {
		pairs = append(pairs, pair{i, i + 1, i, i + 1})
	}
	pairs = append(pairs, al.between(head, len(a)-tail, head, len(b)-tail)...)
	for i := len(a) - tail; i < len(a); i++ {
		j := i - len(a) + len(b)
		pairs = append(pairs, pair{i, i + 1, j, j + 1})
	}
	return pairs
}

// alike reports whether two segments are the same but for what is of no weight.
func (al *aligner) alike(i, j int) bool {
	a, b := al.a[i], al.b[j]
	return a.Unreadable == b.Unreadable && a.Seq == b.Seq && a.End() == b.End() && al.cost(a, b) <= optCost+windowCost &&
		(!a.Unreadable || a.Text == b.Text)
}

// between aligns a[a0:a1] with b[b0:b1].
func (al *aligner) between(a0, a1, b0, b1 int) []pair {
	part := aligner{al.a[:a1], al.b[:b1], al.later}
	t := newTable(a1-a0, b1-b0)
	// From the end, so that following the table from its start gives the path.
	for i := t.n; i >= 0; i-- {
		for j := t.last(i); j >= t.first(i); j-- {
			if i < t.n && j < t.m {
				if di, dj, cost := part.group(a0+i, b0+j); di > 0 {
					t.step(i, j, di, dj, cost)
				}
			}
			t.step(i, j, 1, 0, gapCost)
			t.step(i, j, 0, 1, gapCost)
		}
	}
	var pairs []pair
	for i, j := 0, 0; i < t.n || j < t.m; {
		c := t.at(i, j)
		if c == nil || c.di == 0 && c.dj == 0 { // outside of what was looked at
			return append(pairs, pair{a0 + i, a1, b0 + j, b0 + j}, pair{a1, a1, b0 + j, b1})
		}
		p := pair{a0 + i, a0 + i + int(c.di), b0 + j, b0 + j + int(c.dj)}
		pairs = append(pairs, p)
		i, j = i+int(c.di), j+int(c.dj)
	}
	return pairs
}

// A table has, for what is left of two lists from the i-th and the j-th on, what it
// costs at least to say how it differs, and the first step of doing so.
type table struct {
	n, m, width int
	cells       []cell
}

type cell struct {
	cost   float32
	di, dj int16
}

// newTable makes the table of two lists of n and m. If it would be too large, it has
// only what is near the diagonal.
func newTable(n, m int) *table {
	t := &table{n: n, m: m, width: m + 1}
	if (n+1)*(m+1) > mostCells {
		t.width = min(m+1, max(128, mostCells/(n+1)))
	}
	t.cells = make([]cell, (n+1)*t.width)
	for i := range t.cells {
		t.cells[i].cost = never
	}
	t.at(n, m).cost = 0
	return t
}

// first and last are the columns that row i has.
func (t *table) first(i int) int {
	if t.width == t.m+1 {
		return 0
	}
	return min(max(0, i*t.m/max(t.n, 1)-t.width/2), t.m+1-t.width)
}

func (t *table) last(i int) int { return t.first(i) + t.width - 1 }

// at returns a cell, nil if the table hasn't got it.
func (t *table) at(i, j int) *cell {
	if i > t.n || j > t.m || j < t.first(i) || j > t.last(i) {
		return nil
	}
	return &t.cells[i*t.width+j-t.first(i)]
}

// step takes a step from a cell, if it is cheaper than those before.
func (t *table) step(i, j, di, dj int, cost float64) {
	from, to := t.at(i, j), t.at(i+di, j+dj)
	if to == nil || to.cost == never || cost >= never {
		return
	}
	if total := to.cost + float32(cost); total < from.cost {
		*from = cell{total, int16(di), int16(dj)}
	}
}

// longestCut is how many segments may stand for the same bytes as some others.
const longestCut = 256

// group returns how many segments from a[i] and from b[j] on belong together, and
// what that costs; 0 if they don't.
func (al *aligner) group(i, j int) (di, dj int, cost float64) {
	a, b := al.a[i], al.b[j]
	if a.Unreadable || b.Unreadable {
		if a.Unreadable != b.Unreadable {
			return 0, 0, never
		}
		if a.Text != b.Text {
			return 1, 1, .8
		}
		return 1, 1, al.timeCost(a, b)
	}
	if a.Fresh() && b.Fresh() || a.Seq == b.Seq && a.End() == b.End() {
		return 1, 1, al.cost(a, b)
	}
	aBytes, bBytes := a.End() != a.Seq, b.End() != b.Seq
	switch {
	case !aBytes && !bBytes:
		return 1, 1, al.cost(a, b) + seqOnlyAck
	case aBytes != bBytes || a.Seq != b.Seq:
		return 0, 0, never
	}
	if a.has('S') != b.has('S') {
		return 0, 0, never
	}
	if di, dj := al.sameBytes(i, j); di > 0 && !a.has('S') {
		last, with := al.a[i+di-1], al.b[j+dj-1]
		cost := cutCost + al.timeCost(a, b) + al.timeCost(last, with)
		if again(a) != again(b) {
			cost += againCost
		}
		return di, dj, cost
	}
	return 1, 1, al.cost(a, b) + lengthCost
}

// sameBytes finds two runs of segments, from a[i] and b[j] on, that carry the same
// bytes.
func (al *aligner) sameBytes(i, j int) (di, dj int) {
	di, dj = 1, 1
	for {
		endA, endB := al.a[i+di-1].End(), al.b[j+dj-1].End()
		switch {
		case endA == endB:
			return di, dj
		case before(endA, endB):
			if !continues(al.a, i+di, endA) {
				return 0, 0
			}
			di++
		default:
			if !continues(al.b, j+dj, endB) {
				return 0, 0
			}
			dj++
		}
		if di+dj > longestCut {
			return 0, 0
		}
	}
}

// continues reports whether the segment at i goes on where the one before ended.
func continues(in []*Segment, i int, end uint32) bool {
	return i < len(in) && in[i].Seq == end && in[i].End() != end && !in[i].Unreadable
}

// again reports whether a segment was sent before.
func again(s *Segment) bool {
	return s.Kind == "retransmission" || s.Kind == "FIN again" || s.Kind == "SYN again"
}

// cost is what it costs that two segments stand side by side.
func (al *aligner) cost(a, b *Segment) float64 {
	if a.has('S') != b.has('S') || a.has('R') != b.has('R') {
		return never
	}
	cost := al.timeCost(a, b)
	if again(a) != again(b) {
		cost += againCost
	}
	if a.Flags != b.Flags {
		cost += flagsCost
	}
	if a.Ack != b.Ack {
		if a.End() == a.Seq && !a.has('R') {
			cost += ackOnlyAck
		} else {
			cost += ackCost
		}
	}
	if a.Options != b.Options {
		cost += optCost
	}
	if a.Window != b.Window {
		cost += windowCost
	}
	return cost
}

// timeCost is more the further two are apart, but never so much that the same
// segment is taken for two.
func (al *aligner) timeCost(a, b *Segment) float64 {
	d := max(al.later(a, b), -al.later(a, b))
	if d == 0 {
		return 0
	}
	return timeCost + min(.25, d.Seconds()/4)
}

func (s *Segment) has(flag byte) bool {
	for i := range len(s.Flags) {
		if s.Flags[i] == flag {
			return true
		}
	}
	return false
}
