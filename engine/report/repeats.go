package report

import (
	"fmt"
	"io"

	"tcpdrill/engine"
)

// repeats are how the runs of each script came out that was run several times.
type repeats struct {
	tallies map[string]Tally
	order   []string // their keys
}

func (p *repeats) add(r Run) {
	if r.Repeat == 0 {
		return
	}
	r.Repeat = 0
	name := r.name()
	if p.tallies[name] == nil {
		if p.tallies == nil {
			p.tallies = map[string]Tally{}
		}
		p.tallies[name] = Tally{}
		p.order = append(p.order, name)
	}
	p.tallies[name][r.Outcome.Verdict]++
}

// write says of each script that didn't always pass how its runs came out, and
// counts the others.
func (p *repeats) write(w io.Writer) {
	if len(p.order) == 0 {
		return
	}
	fmt.Fprintln(w, "by script:")
	passed := 0
	for _, name := range p.order {
		t := p.tallies[name]
		if t[engine.Pass] == t.Total() {
			passed++
			continue
		}
		fmt.Fprintf(w, "  %s: %s\n", name, t.Counts())
	}
	if passed > 0 {
		fmt.Fprintf(w, "  %d passed each time\n", passed)
	}
}
