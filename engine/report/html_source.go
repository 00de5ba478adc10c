package report

import (
	"strings"

	"tcpdrill/engine"
	"tcpdrill/script"
)

// A source is a script as the page shows it, with what it says where.
type source struct {
	Text string `json:"text"`
	// Spans are the first and last lines of events that take more than one.
	Spans [][2]int `json:"spans,omitempty"`

	events []span // in order
	lines  int
}

// A span is the lines of an event.
type span struct {
	first, last int
	code        bool
}

// What became of a line. In a page they are letters, and signs on the screen.
const (
	lineNone    = '.' // no event begins there
	linePassed  = 'p'
	lineFailed  = 'f'
	lineStopped = 's' // nothing can be said from here on
	lineWarned  = 'w'
	lineNot     = 'n' // not reached
	lineUnread  = 'u' // code that wasn't evaluated
)

// readSource reads a script. Of one with syntax errors no line is an event.
func readSource(name string, text []byte) *source {
	s := &source{Text: string(text), lines: strings.Count(string(text), "\n") + 1}
	parsed, err := script.Parse(name, text, nil)
	if err != nil {
		return s
	}
	for _, ev := range parsed.Events {
		e := span{ev.Pos.Line, max(ev.Pos.Line, ev.EndPos.Line), ev.Code != nil}
		s.events = append(s.events, e)
		if e.last > e.first {
			s.Spans = append(s.Spans, [2]int{e.first, e.last})
		}
	}
	return s
}

// event is the index of the event that a line is of, -1 if of none.
func (s *source) event(line int) int {
	for i, e := range s.events {
		if e.first <= line && line <= e.last {
			return i
		}
	}
	return -1
}

// bad are the first lines of events that the stack didn't do as they say.
func (s *source) bad(o *engine.Outcome) map[int]bool {
	bad := map[int]bool{}
	for _, f := range o.Failures {
		if i := s.event(f.Line); i >= 0 {
			bad[s.events[i].first] = true
		}
	}
	return bad
}

// states says what became of each line.
func (s *source) states(r Run) string {
	o := r.Outcome
	reached := -1
	for _, e := range o.Timeline {
		reached = max(reached, s.event(e.Line))
	}
	for _, f := range o.Failures {
		reached = max(reached, s.event(f.Line))
	}
	if o.Verdict == engine.Pass && r.Differs == "" {
		reached = len(s.events)
	}
	states := []rune(strings.Repeat(string(lineNone), s.lines))
	set := func(line int, state rune) {
		if line > 0 && line <= len(states) {
			states[line-1] = state
		}
	}
	checked := s.checked(o)
	for i, e := range s.events {
		state := linePassed
		switch {
		case i > reached:
			state = lineNot
		case e.code && i >= checked:
			state = lineUnread
		}
		set(e.first, state)
	}
	for _, f := range o.Warnings {
		set(f.Line, lineWarned)
	}
	for _, f := range o.Failures {
		switch f.Verdict {
		case engine.Inconclusive, engine.Unsupported:
			set(f.Line, lineStopped)
		default:
			set(f.Line, lineFailed)
		}
	}
	return string(states)
}

// checked is the index of the first event whose code wasn't evaluated: that happens
// after the run, if nothing failed, and up to what fails.
func (s *source) checked(o *engine.Outcome) int {
	if len(o.Failures) == 0 {
		return len(s.events)
	}
	for _, f := range o.Failures {
		if i := s.event(f.Line); i >= 0 && s.events[i].code {
			return i + 1
		}
	}
	return 0
}
