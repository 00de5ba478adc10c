package golden

import (
	"fmt"
	"testing"
	"time"
)

// stream makes n segments, each an acknowledgment after some data.
func stream(n int, lost func(i int) bool) []*Segment {
	var out []*Segment
	for i := range n {
		if lost(i) {
			continue
		}
		s := readSegment(time.Duration(i)*time.Millisecond, fmt.Sprintf("P. %d:%d(1000) ack 1 win 500", 1+i*1000, 1001+i*1000), "", 0)
		out = append(out, &s)
	}
	return out
}

func never0(*Segment, *Segment) time.Duration { return 0 }

// However long two traces are, each segment is in one pair, in order, and what is in
// both stands side by side.
func TestAlignLong(t *testing.T) {
	for _, n := range []int{10, 1000, 6000} {
		a := stream(n, func(i int) bool { return i%7 == 3 })
		b := stream(n, func(i int) bool { return i%11 == 5 })
		nextA, nextB, both := 0, 0, 0
		for _, p := range align(a, b, never0) {
			if p.a0 != nextA || p.b0 != nextB {
				t.Fatalf("%d: %+v follows %d %d", n, p, nextA, nextB)
			}
			nextA, nextB = p.a1, p.b1
			if p.a1 == p.a0+1 && p.b1 == p.b0+1 {
				if a[p.a0].Seq != b[p.b0].Seq {
					t.Fatalf("%d: %s beside %s", n, a[p.a0].Text, b[p.b0].Text)
				}
				both++
			}
		}
		want := 0
		for i := range n {
			if i%7 != 3 && i%11 != 5 {
				want++
			}
		}
		if nextA != len(a) || nextB != len(b) || both != want {
			t.Errorf("%d: ended at %d of %d and %d of %d; %d pairs, want %d", n, nextA, len(a), nextB, len(b), both, want)
		}
	}
}

func BenchmarkAlign(b *testing.B) {
	x := stream(2000, func(i int) bool { return i%7 == 3 })
	y := stream(2000, func(i int) bool { return i%11 == 5 })
	for b.Loop() {
		align(x, y, never0)
	}
}
