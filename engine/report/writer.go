package report

import (
	"time"

	"tcpdrill/engine"
)

// A Writer writes a suite's results as they come, in one format.
type Writer interface {
	Run(Run)
	// End is called once, after the last: with how many came out how, and the time
	// that the whole took. There may be none.
	End(Tally, time.Duration)
}

// Both writes each result with two writers.
func Both(a, b Writer) Writer { return both{a, b} }

type both struct{ a, b Writer }

func (w both) Run(r Run) {
	w.a.Run(r)
	w.b.Run(r)
}

func (w both) End(t Tally, took time.Duration) {
	w.a.End(t, took)
	w.b.End(t, took)
}

// A Tally is how many runs came out how.
type Tally map[engine.Verdict]int

// Total is how many runs there were.
func (t Tally) Total() (n int) {
	for _, k := range t {
		n += k
	}
	return n
}
