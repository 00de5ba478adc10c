package update

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"tcpdrill/engine"
	"tcpdrill/script"
)

// A round is what one run says of a script.
type round struct {
	src     *script.Script
	symbols map[string]bool
	origins []int
	outcome *engine.Outcome
	defines script.Defines

	groups []group
	left   []Place
	notes  []note
}

func newRound(f *File, o *engine.Outcome) (*round, error) {
	s, err := script.Parse(f.Name, f.Source, f.symbols)
	if err != nil {
		return nil, err
	}
	r := &round{src: s, outcome: o, origins: f.origins, defines: f.symbols, symbols: map[string]bool{}}
	for symbol := range f.symbols {
		r.symbols[symbol] = true
	}
	for _, o := range s.Options {
		if symbol, _, ok := strings.Cut(o.Value, "="); ok && o.Name == "define" {
			r.symbols[symbol] = true
		}
	}
	return r, nil
}

// look goes through the failures, up to the first after which the run would have gone
// on otherwise if the script had been right.
func (r *round) look() {
	for _, f := range r.outcome.Failures {
		if f.Verdict != engine.Fail {
			return // it says nothing of the stack
		}
		if f.Seen == nil || f.Seen.Event < 0 || f.Seen.Event >= len(r.src.Events) {
			r.leave(Place{f.Line, f.Column, oneLine(f.Summary)})
			if r.decides(f) {
				return
			}
			continue
		}
		ev := r.src.Events[f.Seen.Event]
		var last bool
		switch {
		case ev.Packet != nil:
			last = r.packet(ev, f.Seen)
		case ev.Call != nil:
			last = r.call(ev, f.Seen)
		case ev.Device != nil:
			r.add(group{
				at: ev.Device.Pos.Offset, says: "the counter is " + f.Seen.Text,
				edits: []edit{{f.Seen.Start, f.Seen.End, f.Seen.Text}},
			})
		}
		if last {
			return
		}
	}
}

// decides reports whether what follows a failure depends on it that isn't rewritten: not
// on what a call returned in memory, nor on what code found.
func (r *round) decides(f engine.Failure) bool {
	if len(f.Want) > 0 {
		return f.Want[0].Field == "result"
	}
	return !slices.ContainsFunc(r.src.Events, func(ev *script.Event) bool {
		return ev.Code != nil && ev.Code.Pos.Line <= f.Line && f.Line <= ev.Code.EndPos.Line
	})
}

// packet rewrites an expected packet, and reports whether what follows it depends on it.
func (r *round) packet(ev *script.Event, seen *engine.Seen) (last bool) {
	if seen.Packet == "" {
		r.commentOut(ev)
		return true
	}
	got := r.parsed(strings.TrimPrefix(seen.Packet, "> "))
	before, drop := r.align(ev, seen, got)
	switch {
	case len(before) > 0:
		r.insert(ev, seen, before)
		return true
	case drop:
		r.commentOut(ev)
		return true
	case got == nil:
		r.leaveAt(ev.Packet.Pos.Offset, "what was sent can't be written in a script: "+seen.Packet)
		return true
	}
	edits, why := r.fields(ev, got, seen)
	for _, w := range why {
		r.leaveAt(ev.Packet.Pos.Offset, w)
	}
	r.add(group{at: ev.Packet.Pos.Offset, says: "the packet is another", edits: edits})
	return r.incomplete(ev, seen)
}

// incomplete reports whether the stack sent more for a line than can stand for it, or
// less and was waited for.
func (r *round) incomplete(ev *script.Event, seen *engine.Seen) bool {
	pieces := 0
	for _, e := range r.outcome.Timeline {
		if e.Line != ev.Pos.Line {
			continue
		}
		if e.Kind == engine.EntryMissing {
			return true
		}
		if e.Kind == engine.EntryWrong && e.Sent >= seen.First {
			pieces++
		}
	}
	return pieces > seen.Pieces
}

// call rewrites what a system call returned, or when, and reports whether what follows
// depends on it.
func (r *round) call(ev *script.Event, seen *engine.Seen) (last bool) {
	if slices.Contains(seen.Fields, "time") {
		c := ev.Call
		from := ev.Time.EndPos.Offset
		head := string(r.src.Source[from:c.NamePos.Offset])
		dots := strings.Index(head, "...")
		at := strings.Index(head[max(dots, 0):], c.EndText) + dots
		if dots < 0 || at < dots || seen.At < seen.Since {
			r.leaveAt(c.NamePos.Offset, "it didn't return when the script says")
			return false
		}
		text := secondsText(seen.At-seen.Since, c.EndText, ev.Time.Kind == script.Relative, seen.Tolerance/4)
		r.add(group{at: c.NamePos.Offset, says: "it returns at " + text, edits: []edit{{from + at, from + at + len(c.EndText), text}}})
		return false
	}
	if seen.Start < 0 || seen.End < seen.Start || seen.End > len(r.src.Source) {
		return false
	}
	old := string(r.src.Source[seen.Start:seen.End])
	failed, fails := strings.HasPrefix(old, "-1"), strings.HasPrefix(seen.Text, "-1")
	r.add(group{
		at: seen.Start, says: fmt.Sprintf("it is %s and not %s", seen.Text, old),
		edits: []edit{{seen.Start, seen.End, seen.Text}}, fails: fails && !failed,
	})
	return fails != failed
}

// add adds edits and reports whether it did: not if they can't be made, or change nothing.
func (r *round) add(g group) bool {
	g.edits = slices.DeleteFunc(g.edits, func(e edit) bool { return string(r.src.Source[e.start:e.end]) == e.text })
	if len(g.edits) == 0 {
		return false
	}
	for _, e := range g.edits {
		if at, why := r.refuse(e); why != "" {
			r.leaveAt(at, fmt.Sprintf("%s; it would be %s", why, e.text))
			return false
		}
	}
	source, _ := apply(r.src.Source, r.origins, []group{g})
	if _, err := script.Parse(r.src.Name, source, r.defines); err != nil {
		r.leaveAt(g.at, "can't be rewritten: "+g.says)
		return false
	}
	r.groups = append(r.groups, g)
	return true
}

// refuse says why an edit can't be made, and where: what it replaces isn't all its own.
func (r *round) refuse(e edit) (at int, why string) {
	for _, c := range r.src.Comments {
		if c.Pos.Offset < e.end && e.start < c.EndPos.Offset {
			return c.Pos.Offset, "a comment stands in what is to be rewritten"
		}
	}
	for _, g := range r.groups {
		for _, other := range g.edits {
			if other.start < e.end && e.start < other.end {
				return e.start, "it is rewritten otherwise already"
			}
		}
	}
	text := r.src.Source[e.start:e.end]
	for at := 0; at < len(text); {
		if text[at] == '"' {
			if n := bytes.IndexByte(text[at+1:], '"'); n >= 0 {
				at += n + 1
			}
			at++
			continue
		}
		end := at
		for end < len(text) && isWordByte(text[end]) {
			end++
		}
		if word := string(text[at:end]); r.symbols[word] {
			return e.start + at, word + " is a symbol, defined elsewhere"
		}
		at = max(end, at+1)
	}
	return 0, ""
}

func isWordByte(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
}

// leave notes what isn't rewritten, once.
func (r *round) leave(p Place) {
	if !slices.Contains(r.left, p) {
		r.left = append(r.left, p)
	}
}

func (r *round) leaveAt(at int, text string) {
	line, column := position(r.src.Source, at)
	r.leave(Place{line, column, text})
}

// parsed is a packet in script notation, or nil if that can't be read.
func (r *round) parsed(text string) *script.Packet {
	s, err := script.Parse(r.src.Name, []byte("0 > "+text+"\n"), nil)
	if err != nil {
		return nil
	}
	return s.Events[0].Packet
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
