// Package update rewrites what a script expects to what a stack was seen to do: only
// what differs, in the script's own layout, and never what the script itself does.
//
// It goes run by run. What one run shows is rewritten up to the first thing after which
// the rest would be different anyway, and the script is run again:
//
//	file.go     a script between its runs; what has become of its lines
//	round.go    what one run says, failure by failure
//	align.go    which packet is which: whether a line's packet has changed, wasn't
//	            sent, or has another before it
//	packet.go   the parts of a packet; options.go, time.go
//	lines.go    lines that are commented out; insert.go, new ones
package update

import (
	"bytes"
	"fmt"
	"slices"

	"tcpdrill/engine"
	"tcpdrill/script"
)

// maxRounds is how often a script is run at most. Each run but the last rewrites
// something, so that only a stack that does something else each time needs more.
const maxRounds = 100

// A File is a script that is rewritten, run by run.
type File struct {
	Name     string
	Original []byte
	Source   []byte // as it is now; what is to be run

	symbols script.Defines // of the command line
	origins []int          // by line of Source: which line it was of Original; -1 for new ones
	rounds  int
	ran     map[string]bool // sources
	over    bool            // nothing more is rewritten

	// What the last rewriting began with, and what it did, to take it back.
	before        []byte
	beforeOrigins []int
	groups        []group
	errors        map[mistake]bool // that there were before

	left  []Place // by the last run
	notes []note
}

// A Place is a place in the script and what is to be said of it.
type Place struct {
	Line, Column int // from 1; column 0: the whole line
	Text         string
}

// A mistake is an error of the script, and at which line of Original.
type mistake struct {
	origin int
	text   string
}

// A note is about a line, whatever number that has in the end.
type note struct {
	origin, column int
	text           string
}

// New returns a script that is to be rewritten. symbols are those of the command line.
func New(name string, source []byte, symbols script.Defines) *File {
	f := &File{Name: name, Original: source, Source: source, symbols: symbols, ran: map[string]bool{}}
	for i := range bytes.Count(source, []byte("\n")) + 1 {
		f.origins = append(f.origins, i)
	}
	return f
}

// Revise rewrites the source to what a run of it showed, and reports whether it is to
// be run again. The run is to go on after a mismatch (--keep-going), and an inconclusive
// one shows nothing.
func (f *File) Revise(o *engine.Outcome) (again bool) {
	f.left = nil
	f.rounds++
	f.ran[string(f.Source)] = true
	switch {
	case o.Verdict == engine.Error && f.blamed(o):
		f.takeBack(o)
		return true
	case o.Verdict != engine.Fail:
		return false
	}
	r, err := newRound(f, o)
	if err != nil {
		return false // it could be run, so it can be parsed
	}
	r.look()
	f.left = r.left
	if f.over || len(r.groups) == 0 {
		return false
	}
	if f.rounds == maxRounds {
		f.left = append(f.left, Place{1, 0, fmt.Sprintf("rewritten %d times, and the stack still did something else", maxRounds-1)})
		return false
	}
	source, origins := apply(f.Source, f.origins, r.groups)
	if f.ran[string(source)] {
		f.left = append(f.left, Place{1, 0, "the stack doesn't do the same each time"})
		return false
	}
	f.errors = map[mistake]bool{}
	for _, failure := range o.Failures {
		if failure.Verdict == engine.Error {
			f.errors[f.mistake(failure)] = true
		}
	}
	f.before, f.beforeOrigins, f.groups = f.Source, f.origins, r.groups
	f.Source, f.origins = source, origins
	f.notes = append(f.notes, r.notes...)
	return true
}

// blamed reports whether what was rewritten last is why the script has an error: one that
// is new, or a call that fails now and that the rest needed.
func (f *File) blamed(o *engine.Outcome) bool {
	if len(f.groups) == 0 || len(o.Failures) == 0 {
		return false
	}
	return f.groups[len(f.groups)-1].fails || !f.errors[f.mistake(o.Failures[0])]
}

// mistake is an error that a run found.
func (f *File) mistake(failure engine.Failure) mistake {
	m := mistake{-1, failure.Summary}
	if i := failure.Line - 1; i >= 0 && i < len(f.origins) {
		m.origin = f.origins[i]
	}
	return m
}

// takeBack undoes the last thing that was rewritten, since the script has an error with
// it, such as a descriptor that isn't opened any more. That is for people to mend.
func (f *File) takeBack(o *engine.Outcome) {
	last := len(f.groups) - 1
	why := fmt.Sprintf("then line %d has an error: %s", o.Failures[0].Line, o.Failures[0].Summary)
	line, column := position(f.before, f.groups[last].at)
	f.notes = append(f.notes, note{f.beforeOrigins[line-1], column, f.groups[last].says + ", but " + why})
	f.Source, f.origins = apply(f.before, f.beforeOrigins, f.groups[:last])
	f.groups, f.over = nil, true
}

// Changed reports whether there is something to write.
func (f *File) Changed() bool { return !bytes.Equal(f.Original, f.Source) }

// Left is what differs and isn't rewritten, and what people must know of what is.
func (f *File) Left() []Place {
	left := slices.Clone(f.left)
	for _, n := range f.notes {
		if i := slices.Index(f.origins, n.origin); i >= 0 && n.origin >= 0 {
			left = append(left, Place{i + 1, n.column, n.text})
		}
	}
	slices.SortStableFunc(left, func(a, b Place) int { return a.Line - b.Line })
	return left
}

// A Change is a line that isn't what it was.
type Change struct {
	Line     int    // of the new source, from 1
	Old, New string // Old is "" for a line that is new
}

// Changes lists the lines that aren't what they were.
func (f *File) Changes() (changes []Change) {
	old, now := bytes.Split(f.Original, []byte("\n")), bytes.Split(f.Source, []byte("\n"))
	for i, origin := range f.origins {
		switch {
		case origin < 0:
			changes = append(changes, Change{Line: i + 1, New: string(now[i])})
		case !bytes.Equal(old[origin], now[i]):
			changes = append(changes, Change{i + 1, string(old[origin]), string(now[i])})
		}
	}
	return changes
}

// A group of edits is what is done about one failure: all of them or none.
type group struct {
	at    int    // where, in the source
	says  string // what, in words: "the result is -1 EAGAIN"
	edits []edit
	fails bool // a call does now, and didn't
}

// An edit puts text in the place of source[start:end].
type edit struct {
	start, end int
	text       string
}

// apply makes the edits of some groups, none of which overlap.
func apply(source []byte, origins []int, groups []group) ([]byte, []int) {
	var edits []edit
	for _, g := range groups {
		edits = append(edits, g.edits...)
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return a.start - b.start })
	var out []byte
	lines := slices.Clone(origins)
	at, added := 0, 0
	for _, e := range edits {
		out = append(out, source[at:e.start]...)
		out = append(out, e.text...)
		at = e.end
		// Only new lines have a line's end, and they stand before a line.
		line, _ := position(source, e.start)
		for range bytes.Count([]byte(e.text), []byte("\n")) {
			lines = slices.Insert(lines, line-1+added, -1)
			added++
		}
	}
	return append(out, source[at:]...), lines
}

// position returns the line and column, from 1, of an offset.
func position(source []byte, at int) (line, column int) {
	before := source[:at]
	return bytes.Count(before, []byte("\n")) + 1, at - bytes.LastIndexByte(before, '\n')
}
