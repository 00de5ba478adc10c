package suite

import (
	"context"
	"fmt"
	"runtime"

	"tcpdrill/engine/stacks"
)

// Lanes returns stacks for Runner.Run: first, which was opened by name, and others beside
// it, as many as jobs says; 0: as many as can run without being late. There are no
// more than tasks. If the stack can't be drilled, the first script that needs it says so.
// If there is an error, all are closed.
func Lanes(ctx context.Context, first stacks.Stack, name string, jobs, tasks int) (lanes []stacks.Stack, err error) {
	opened := []stacks.Stack{first}
	defer func() {
		if err != nil {
			for _, st := range opened {
				st.Close()
			}
		}
	}()
	n := jobs
	if n != 1 && tasks > 1 {
		ready := first.Ready(ctx) == nil
		switch {
		case n == 0 && ready && first.Virtual():
			n = runtime.NumCPU()
		case n == 0 && ready && stacks.Lateness(first) != nil:
			n = MostAtATime
		case n == 0:
			n = 1
		case !ready || !first.Virtual() && stacks.Lateness(first) == nil:
			return nil, fmt.Errorf("-j %d: on %s scripts run one at a time, since nothing says when it is late", jobs, first.Name())
		}
	}
	for len(opened) < min(n, tasks) {
		st, err := stacks.Another(first, name)
		if st == nil {
			return nil, err
		}
		opened = append(opened, st)
	}
	return opened, nil
}
