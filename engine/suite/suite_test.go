package suite

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/report"
	"tcpdrill/engine/stacks"
)

// A script of so many seconds.
func task(name string, seconds int) Task {
	return Task{Name: name, Version: engine.IPv4, Source: fmt.Appendf(nil,
		"0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+%d close(3) = 0\n", seconds)}
}

// The longest script begins first, whatever times are made of.
func TestLongestFirst(t *testing.T) {
	tasks := []Task{
		task("short", 1), task("long", 5),
		{Name: "absolute", Source: []byte("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n3 close(3) = 0\n+.5 close(3) = 0\n")},
		{Name: "wrong", Source: []byte("0 socket(\n")},
		task("short too", 1),
	}
	got, _ := longestFirst(tasks)
	if want := []int{1, 2, 0, 4, 3}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A pretended stack in real time, on which a script is inconclusive so often.
type lateStack struct {
	mu   *sync.Mutex
	left map[string]int
	// barely is for how many runs, of those that pass, they do barely.
	barely map[string]int
	runs   *[]string
	then   func(runs int)
}

func (lateStack) Name() string                { return "pretended" }
func (lateStack) Prepare() error              { return nil }
func (lateStack) Ready(context.Context) error { return nil }
func (lateStack) Virtual() bool               { return false }
func (lateStack) Note() string                { return "" }
func (lateStack) Close() error                { return nil }
func (s lateStack) Run(_ context.Context, job *drill.Job) (*engine.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.runs = append(*s.runs, job.Name)
	if s.then != nil {
		s.then(len(*s.runs))
	}
	if s.left[job.Name] == 0 {
		o := &engine.Outcome{Verdict: engine.Pass}
		if s.barely[job.Name] > 0 {
			s.barely[job.Name]--
			o.Barely = "by luck"
		}
		return o, nil
	}
	s.left[job.Name]--
	return &engine.Outcome{Verdict: engine.Inconclusive, Failures: []engine.Failure{{Verdict: engine.Inconclusive}}}, nil
}

// What was inconclusive is run again, so often and no more; results come in the order of the tasks and say how often that was.
func TestReruns(t *testing.T) {
	var runs []string
	st := lateStack{mu: new(sync.Mutex), runs: &runs, left: map[string]int{"a": 1, "b": 9}}
	var got []string
	r := &Runner{Reruns: 3}
	missing := r.Run(context.Background(), []stacks.Stack{st, st}, []Task{task("a", 3), task("b", 2), task("c", 1)}, func(one report.Run) {
		got = append(got, fmt.Sprintf("%s %s %d", one.Script, one.Outcome.Verdict, one.Reruns))
	})
	if want := []string{"a pass 1", "b inconclusive 3", "c pass 0"}; !slices.Equal(got, want) || missing != "" {
		t.Errorf("got %v, want %v; missing %q", got, want, missing)
	}
	slices.Sort(runs)
	if want := []string{"a", "a", "b", "b", "b", "b", "c"}; !slices.Equal(runs, want) {
		t.Errorf("ran %v, want %v", runs, want)
	}
}

// What passed barely is run again, too, but passes if that never changes.
func TestBarely(t *testing.T) {
	var runs []string
	st := lateStack{mu: new(sync.Mutex), runs: &runs, left: map[string]int{}, barely: map[string]int{"a": 1, "b": 9}}
	var got []string
	r := &Runner{Reruns: 3}
	r.Run(context.Background(), []stacks.Stack{st, st}, []Task{task("a", 3), task("b", 2), task("c", 1)}, func(one report.Run) {
		got = append(got, fmt.Sprintf("%s %s %d", one.Script, one.Outcome.Verdict, one.Reruns))
	})
	if want := []string{"a pass 1", "b pass 3", "c pass 0"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A stack on which a script's runs end like this, one after the other.
type scriptedStack struct {
	lateStack
	ends map[string][]engine.Outcome
}

func (s scriptedStack) Run(_ context.Context, job *drill.Job) (*engine.Outcome, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*s.runs = append(*s.runs, job.Name)
	end := s.ends[job.Name][0]
	s.ends[job.Name] = s.ends[job.Name][1:]
	return &end, nil
}

// What passed barely did pass, unless a run fails; and whether it did is not what the
// script expects of the stack.
func TestAfterBarely(t *testing.T) {
	barely := engine.Outcome{Verdict: engine.Pass, Barely: "by luck"}
	pass := engine.Outcome{Verdict: engine.Pass}
	late := engine.Outcome{Verdict: engine.Inconclusive, Failures: []engine.Failure{{Verdict: engine.Inconclusive}}}
	fail := engine.Outcome{Verdict: engine.Fail, Failures: []engine.Failure{{Verdict: engine.Fail}}}
	const differs = "// Differs on pretended: it is another stack.\n"
	for _, tt := range []struct {
		header string
		ends   []engine.Outcome
		want   string
	}{
		{"", []engine.Outcome{barely, late, late, late}, "pass 3"},
		{"", []engine.Outcome{late, barely, late, pass}, "pass 3"},
		{"", []engine.Outcome{barely, fail}, "fail 1"},
		{differs, []engine.Outcome{fail}, "pass 0"},
		{differs, []engine.Outcome{barely, fail}, "pass 1"},
		{differs, []engine.Outcome{barely, pass}, "fail 1"},
	} {
		var runs []string
		st := scriptedStack{lateStack{mu: new(sync.Mutex), runs: &runs}, map[string][]engine.Outcome{"a": tt.ends}}
		one := task("a", 1)
		one.Source = append([]byte(tt.header), one.Source...)
		r := &Runner{Reruns: 3}
		r.Run(context.Background(), []stacks.Stack{st}, []Task{one}, func(one report.Run) {
			if got := fmt.Sprintf("%s %d", one.Outcome.Verdict, one.Reruns); got != tt.want {
				t.Errorf("%q, %d runs: got %s, want %s", tt.header, len(tt.ends), got, tt.want)
			}
		})
		if len(runs) != len(tt.ends) {
			t.Errorf("%q: %d runs, want %d", tt.header, len(runs), len(tt.ends))
		}
	}
}

// A run that is interrupted says from where on results are missing, and loses none
// that is there.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var runs []string
	st := lateStack{mu: new(sync.Mutex), runs: &runs, then: func(n int) {
		if n == 5 {
			cancel()
		}
	}}
	var got []string
	r := &Runner{}
	tasks := []Task{task("short", 1), task("long", 5)}
	tasks = append(tasks, slices.Repeat([]Task{task("more", 0)}, 10)...)
	missing := r.Run(ctx, []stacks.Stack{st}, tasks, func(one report.Run) { got = append(got, one.Script) })
	if missing != "more" || len(got) != 4 || len(runs) != 5 {
		t.Errorf("missing %q; %d results of %d runs", missing, len(got), len(runs))
	}
}

// If so many can't run at a time, no stack stays open.
func TestLanesClosed(t *testing.T) {
	st := &closes{}
	if _, err := Lanes(context.Background(), st, "pretended", 2, 2); err == nil || !st.closed {
		t.Errorf("%v; closed: %v", err, st.closed)
	}
}

type closes struct {
	lateStack
	closed bool
}

func (c *closes) Close() error { c.closed = true; return nil }

// A failure that may be due to how exact the harness was is one if it comes again.
func TestConfirm(t *testing.T) {
	delicate := func(line int, field string) *engine.Outcome {
		return &engine.Outcome{Verdict: engine.Inconclusive, Failures: []engine.Failure{{
			Verdict: engine.Inconclusive, Line: line, Delicate: true, Want: []engine.Token{{Field: field, Differ: true}},
		}}}
	}
	for _, tt := range []struct {
		before, now *engine.Outcome
		want        engine.Verdict
	}{
		{delicate(3, "seq"), delicate(3, "seq"), engine.Fail},
		{delicate(3, "seq"), delicate(3, "win"), engine.Inconclusive},
		{delicate(3, "seq"), delicate(4, "seq"), engine.Inconclusive},
		{&engine.Outcome{Verdict: engine.Inconclusive}, delicate(3, "seq"), engine.Inconclusive},
		{delicate(3, "seq"), &engine.Outcome{Verdict: engine.Pass}, engine.Pass},
	} {
		confirm(tt.before, tt.now)
		if tt.now.Verdict != tt.want {
			t.Errorf("got %s, want %s", tt.now.Verdict, tt.want)
		}
	}
}

// A revised script is run again, and so is each of its runs that is inconclusive, of which
// who revises learns nothing; only the last result is emitted.
func TestRevise(t *testing.T) {
	var runs []string
	st := lateStack{mu: new(sync.Mutex), runs: &runs, left: map[string]int{"a": 2}}
	tasks := []Task{task("a", 1), task("b", 1)}
	var mu sync.Mutex
	asked := map[int]int{}
	r := &Runner{Reruns: 3, Revise: func(i int, one report.Run) ([]byte, bool) {
		mu.Lock()
		defer mu.Unlock()
		if one.Outcome.Verdict != engine.Pass {
			t.Errorf("%s: %s", one.Script, one.Outcome.Verdict)
		}
		asked[i]++
		return append(one.Source, '\n'), asked[i] < 3
	}}
	var got []string
	r.Run(context.Background(), []stacks.Stack{st}, tasks, func(one report.Run) {
		got = append(got, fmt.Sprintf("%s %d", one.Script, len(one.Source)-len(task(one.Script, 1).Source)))
	})
	if want := []string{"a 2", "b 2"}; !slices.Equal(got, want) || len(runs) != 8 {
		t.Errorf("got %v, want %v; ran %v", got, want, runs)
	}
	if string(tasks[0].Source) != string(task("a", 1).Source) {
		t.Error("the caller's tasks were changed")
	}
}
