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
	n, m := len(al.a), len(al.b)
	band := m + 1
	if (n+1)*(m+1) > mostCells {
		band = max(64, mostCells/(2*(n+1)))
	}
	type cell struct {
		cost   float32
		di, dj int16
	}
	width := min(m+1, 2*band+1)
	low := func(i int) int { // first column of a row
		if width == m+1 {
			return 0
		}
		return min(max(0, i*m/max(n, 1)-band), m+1-width)
	}
	cells := make([]cell, (n+1)*width)
	at := func(i, j int) *cell {
		if j < low(i) || j >= low(i)+width {
			return nil
		}
		return &cells[i*width+j-low(i)]
	}
	for i := range cells {
		cells[i].cost = never
	}
	// From the end, so that following the table from its start gives the path.
	for i := n; i >= 0; i-- {
		for j := min(m, low(i)+width-1); j >= low(i); j-- {
			c := at(i, j)
			if i == n && j == m {
				c.cost = 0
				continue
			}
			try := func(di, dj int, cost float64) {
				to := at(i+di, j+dj)
				if to == nil || to.cost == never || cost >= never {
					return
				}
				if total := to.cost + float32(cost); total < c.cost {
					*c = cell{total, int16(di), int16(dj)}
				}
			}
			if i < n && j < m {
				if di, dj, cost := al.group(i, j); di > 0 {
					try(di, dj, cost)
				}
			}
			if i < n {
				try(1, 0, gapCost)
			}
			if j < m {
				try(0, 1, gapCost)
			}
		}
	}
	var pairs []pair
	for i, j := 0, 0; i < n || j < m; {
		c := at(i, j)
		if c == nil || c.di == 0 && c.dj == 0 { // outside of what was looked at
			pairs = append(pairs, pair{i, n, j, j}, pair{n, n, j, m})
			break
		}
		pairs = append(pairs, pair{i, i + int(c.di), j, j + int(c.dj)})
		i, j = i+int(c.di), j+int(c.dj)
	}
	return pairs
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
	if di, dj := al.sameBytes(i, j); di > 0 {
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
		if a.End() == a.Seq {
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
