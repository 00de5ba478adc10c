package suite

import (
	"cmp"
	"slices"
	"time"

	"tcpdrill/script"
)

// longestFirst returns the order in which to start tasks that mostly wait, and how long each
// of them takes by its own times: a suite takes no less than its longest script, and that only
// if it is started early.
func longestFirst(tasks []Task) (order []int, takes []time.Duration) {
	order = make([]int, len(tasks))
	takes = make([]time.Duration, len(tasks))
	for i, t := range tasks {
		order[i], takes[i] = i, Estimate(t)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(takes[b], takes[a]) })
	return order, takes
}

// Estimate is how long a script's timeline is, by its own times. What can't be told
// from the script is left out: a command that sleeps, a packet that comes at any time.
func Estimate(t Task) time.Duration {
	s, _ := script.Parse(t.Name, t.Source, nil)
	if s == nil {
		return 0
	}
	var at time.Duration
	for _, e := range s.Events {
		switch e.Time.Kind {
		case script.Relative, script.RelativeRange:
			at += e.Time.Start
		case script.Absolute, script.AbsoluteRange:
			at = max(at, e.Time.Start)
		}
	}
	return at
}
