package suite

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"tcpdrill/engine"
	"tcpdrill/engine/report"
	"tcpdrill/engine/stacks"
)

// Who observes is told once of each task's begin and once of its end, with the
// result; results are emitted in the tasks' order.
func TestObserve(t *testing.T) {
	var tasks []Task
	for i := range 20 {
		tasks = append(tasks, Task{
			Name: fmt.Sprint(i), Source: []byte("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"), Version: engine.IPv4,
		})
	}
	tasks = Repeat(tasks, 2)
	var mu sync.Mutex
	began, ended := map[int]int{}, map[int]int{}
	r := &Runner{Observe: func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case e.Result == nil:
			began[e.Index]++
		case e.Result.Script != e.Task.Name || e.Result.Outcome.Verdict != engine.Pass || began[e.Index] != 1:
			t.Errorf("%d: %+v", e.Index, e.Result)
		default:
			ended[e.Index]++
		}
	}}
	n := 0
	r.Run(context.Background(), []stacks.Stack{&stacks.GoStack{}, &stacks.GoStack{}, &stacks.GoStack{}}, tasks, func(one report.Run) {
		if one.Script != tasks[n].Name || one.Repeat != n%2+1 {
			t.Errorf("%d: %s, run %d", n, one.Script, one.Repeat)
		}
		n++
	})
	for i := range tasks {
		if began[i] != 1 || ended[i] != 1 {
			t.Errorf("%d began %d times and ended %d times", i, began[i], ended[i])
		}
	}
}
