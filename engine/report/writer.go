package report

import (
	"time"

	"tcpdrill/engine"
)

// A Writer writes a suite's results as they come, in one format.
type Writer interface {
	// Begin is called once, before the first: with how many runs there will be.
	Begin(total int)
	Run(Run)
	// End is called once, after the last. There may be none.
	End(Total)
}

// A Total is what is known of a suite at its end.
type Total struct {
	Tally
	Differ      int           // of those that passed: their scripts say that they differ on their stacks
	Took        time.Duration // the whole
	Interrupted string        // the first script without a result, if it was
}

// Add counts a run.
func (t *Total) Add(r Run) {
	if t.Tally == nil {
		t.Tally = Tally{}
	}
	t.Tally[r.Outcome.Verdict]++
	if r.Differs != "" {
		t.Differ++
	}
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

// Tee writes to several, in their order.
func Tee(writers ...Writer) Writer { return tee(writers) }

type tee []Writer

func (t tee) Begin(total int) {
	for _, w := range t {
		w.Begin(total)
	}
}

func (t tee) Run(r Run) {
	for _, w := range t {
		w.Run(r)
	}
}

func (t tee) End(all Total) {
	for _, w := range t {
		w.End(all)
	}
}
