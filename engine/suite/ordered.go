package suite

import "tcpdrill/engine/report"

// ordered emits results in the order of the tasks, as soon as all before them are
// there. Its user sees to it that one is put at a time.
type ordered struct {
	tasks []Task
	runs  []*report.Run
	next  int // to be emitted
	emit  func(report.Run)
}

func newOrdered(tasks []Task, emit func(report.Run)) *ordered {
	return &ordered{tasks: tasks, runs: make([]*report.Run, len(tasks)), emit: emit}
}

func (o *ordered) put(i int, one report.Run) {
	o.runs[i] = &one
	for ; o.next < len(o.runs) && o.runs[o.next] != nil; o.next++ {
		o.emit(*o.runs[o.next])
		o.runs[o.next] = &report.Run{} // it may be large
	}
}

// missing returns the name of the first task without a result, "" if there is none;
// what was done after it is emitted now.
func (o *ordered) missing() (first string) {
	for i := o.next; i < len(o.runs); i++ {
		switch {
		case o.runs[i] != nil:
			o.emit(*o.runs[i])
		case first == "":
			first = o.tasks[i].Name
		}
	}
	return first
}
