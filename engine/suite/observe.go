package suite

import "tcpdrill/engine/report"

// An Event says that a task begins or, with its result, that it ended. A task that
// is interrupted does not end.
type Event struct {
	Index  int // of the task among all
	Task   Task
	Result *report.Run // nil if it begins
}

func (r *Runner) observe(e Event) {
	if r.Observe != nil {
		r.Observe(e)
	}
}
