package crosscheck

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"

	"tcpdrill/golden"
)

// A Summary counts what comparisons found.
type Summary struct {
	Scripts, Agreed int
	Quiet           []uint64 // without a loss or an expired timer
	Segments        int
	Events          int // fewest in a script

	causes  map[string]*tally // by cause: scripts, and the first of them
	classes map[string]*tally
	aside   map[string]*tally // calls and state, of scripts that agree
	themes  map[string]*share
}

// A tally counts scripts and remembers some.
type tally struct {
	scripts  int
	segments int
	examples []uint64
	detail   string // of the first
}

type share struct{ agreed, scripts int }

// examplesKept is how many scripts a class names.
const examplesKept = 5

func note(m *map[string]*tally, key string, index uint64, detail string) *tally {
	if *m == nil {
		*m = map[string]*tally{}
	}
	t := (*m)[key]
	if t == nil {
		t = &tally{detail: detail}
		(*m)[key] = t
	}
	t.scripts++
	if len(t.examples) < examplesKept {
		t.examples = append(t.examples, index)
	}
	return t
}

// Add counts a comparison: of a script with so many events.
func (s *Summary) Add(index uint64, theme string, events int, c *Comparison) {
	s.Scripts++
	if s.Scripts == 1 || events < s.Events {
		s.Events = events
	}
	s.Segments += len(c.Theirs)
	if !golden.Eventful(c.Theirs) {
		s.Quiet = append(s.Quiet, index)
	}
	if s.themes == nil {
		s.themes = map[string]*share{}
	}
	sh := s.themes[theme]
	if sh == nil {
		sh = &share{}
		s.themes[theme] = sh
	}
	sh.scripts++
	if c.Agree() {
		s.Agreed++
		sh.agreed++
	} else {
		note(&s.classes, c.Segments.Class, index, c.Segments.Detail)
	}
	if c.Agree() {
		for _, d := range []*Difference{c.Calls, c.State} {
			if d != nil {
				note(&s.aside, d.Class, index, d.Detail)
			}
		}
	}
	seen := map[string]int{}
	for _, g := range c.Ours {
		if g.Cause != "" {
			seen[g.Cause]++
		}
	}
	for cause, n := range seen {
		note(&s.causes, cause, index, "").segments += n
	}
}

// Percent is how many of a hundred scripts agree.
func (s *Summary) Percent() float64 {
	if s.Scripts == 0 {
		return 0
	}
	return 100 * float64(s.Agreed) / float64(s.Scripts)
}

// Write writes the summary for people.
func (s *Summary) Write(w io.Writer) {
	fmt.Fprintf(w, "%d scripts of at least %d events, %d segments: %d agree (%.2f %%)\n", s.Scripts, s.Events, s.Segments, s.Agreed, s.Percent())
	if n := len(s.Quiet); n > 0 {
		fmt.Fprintf(w, "%d without a loss or an expired timer (%s)\n", n, numbers(s.Quiet[:min(n, examplesKept)]))
	}
	if len(s.causes) > 0 {
		fmt.Fprintf(w, "\ncauses of segments        scripts           segments\n")
		for _, k := range sorted(s.causes) {
			t := s.causes[k]
			fmt.Fprintf(w, "  %-20s %7d  %5.1f %%  %9d\n", k, t.scripts, 100*float64(t.scripts)/float64(s.Scripts), t.segments)
		}
	}
	if len(s.themes) > 0 {
		fmt.Fprintf(w, "\nthemes\n")
		for _, k := range slices.Sorted(maps.Keys(s.themes)) {
			sh := s.themes[k]
			fmt.Fprintf(w, "  %-20s %7d  %5.1f %% agree\n", k, sh.scripts, 100*float64(sh.agreed)/float64(sh.scripts))
		}
	}
	list := func(title string, m map[string]*tally) {
		if len(m) == 0 {
			return
		}
		fmt.Fprintf(w, "\n%s\n", title)
		for _, k := range sorted(m) {
			t := m[k]
			slices.Sort(t.examples)
			fmt.Fprintf(w, "  %5d  %s (%s)\n         %s\n", t.scripts, k, numbers(t.examples), t.detail)
		}
	}
	list("classes of difference, each script under its first", s.classes)
	list("calls and TCP_INFO in scripts whose segments agree", s.aside)
}

// sorted are the keys of tallies, the most frequent first.
func sorted(m map[string]*tally) []string {
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(m[b].scripts, m[a].scripts), cmp.Compare(a, b))
	})
}

func numbers(of []uint64) string {
	s := "--show="
	for i, n := range of {
		if i > 0 {
			s += ","
		}
		s += fmt.Sprint(n)
	}
	return s
}
