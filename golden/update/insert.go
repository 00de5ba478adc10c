package update

import (
	"bytes"
	"strings"
	"time"

	"tcpdrill/engine"
	"tcpdrill/script"
)

// Lines for packets that no line expected: where they go, and what they say.

// insert puts lines for packets that no line expected where they were sent, before one
// that had them instead of its own; they say of their packets what that says of its.
func (r *round) insert(line *script.Event, seen *engine.Seen, pieces []piece) {
	at, since := r.place(pieces[0], line, seen)
	where, head, tail := r.newLine(at)
	text := ""
	for i, p := range pieces {
		if p.packet == nil {
			r.leaveAt(line.Pos.Offset, "a packet was sent before it that can't be written in a script: "+p.text)
			return
		}
		if other, _ := r.place(p, line, seen); i > 0 && other != at {
			break // it has its own round
		}
		when := timeOfNew(line, p.at, &since, seen)
		text += head(when) + " " + script.FormatPacket(likeLine(p, line.Packet)) + tail
	}
	r.add(group{at: where, says: "packets are sent before it", edits: []edit{{where, where, text}}})
}

// newLine says where a line goes that comes before an event: right below the line of the
// one before it. head makes what it begins with, up to its time, and tail is how it ends.
func (r *round) newLine(before int) (where int, head func(when string) string, tail string) {
	ev := r.src.Events[before]
	neighbours := []*script.Event{ev}
	where = lineStart(r.src.Source, ev.Pos.Offset)
	if before > 0 {
		last := r.src.Events[before-1]
		neighbours = []*script.Event{last, ev}
		if end := last.EndPos.Offset; r.endsLine(end) {
			where = end + bytes.IndexByte(r.src.Source[end:], '\n') + 1
		} else if _, alone := r.indent(ev); !alone {
			return ev.Pos.Offset, func(when string) string { return when }, " "
		}
	}
	for _, n := range neighbours {
		indent, alone := r.indent(n)
		switch {
		case !alone || n.Time.Kind == script.RelativeRange || n.Time.Kind == script.AbsoluteRange:
			continue
		case indent == "" || strings.Contains(indent, "\t"):
			return where, func(when string) string { return indent + when }, "\n"
		}
		// A column of times ends where this one does.
		column := len(indent) + n.Time.EndPos.Offset - n.Time.Pos.Offset
		return where, func(when string) string { return strings.Repeat(" ", max(0, column-len(when))) + when }, "\n"
	}
	return where, func(when string) string { return when }, "\n"
}

// place returns the number of the event before which a packet was sent that was seen at a
// line, and what a relative time counts from there. If a line there would delay what the
// script does next, whose times aren't to be touched, it is the line itself, and the
// packet came before what it counts from.
func (r *round) place(p piece, line *script.Event, seen *engine.Seen) (event int, since time.Duration) {
	before := -1
	for _, e := range r.outcome.Timeline {
		if e.Sent == p.number {
			break
		}
		if i := r.eventOf(e, seen.Event); i >= 0 {
			before, since = i, e.At
		}
	}
	next := r.src.Events[before+1]
	switch {
	case before+1 == seen.Event, line.Time.Kind == script.Absolute, line.Time.Kind == script.AbsoluteRange:
		return seen.Event, seen.Since
	case next.Time.Kind == script.Relative && !expected(next) && p.at-since > seen.Tolerance/4:
		return seen.Event, seen.Since
	}
	return before + 1, since
}

// eventOf returns which of the first so many events an entry of the timeline is of; of
// several alike on one line the last; -1 if it is of none.
func (r *round) eventOf(e engine.Entry, most int) int {
	found := -1
	for i, ev := range r.src.Events[:most] {
		is := false
		switch e.Kind {
		case engine.EntryMatch, engine.EntryWrong:
			is = expected(ev)
		case engine.EntryInject:
			is = ev.Packet != nil && !expected(ev)
		case engine.EntryCall:
			is = ev.Call != nil
		case engine.EntryCommand:
			is = ev.Command != nil
		case engine.EntryCode:
			is = ev.Code != nil
		case engine.EntryDevice:
			is = ev.Device != nil
		}
		if is && ev.Pos.Line == e.Line {
			found = i
		}
	}
	return found
}

// timeOfNew is the time of a new line: absolute, if the one behind it has such a time. since is
// what relative ones count from, and becomes what the next one counts from.
func timeOfNew(line *script.Event, at time.Duration, since *time.Duration, seen *engine.Seen) string {
	t := script.Time{Kind: script.Relative, StartText: "0"}
	if k := line.Time.Kind; k == script.Absolute || k == script.AbsoluteRange {
		t.Kind = script.Absolute
	} else if at < *since && at >= *since-seen.Tolerance {
		at = *since
	}
	text := timeText(&t, &engine.Seen{At: at, Since: *since, Tolerance: seen.Tolerance})
	*since = max(*since, at)
	return text
}

// likeLine is a packet that was sent, of which as much is said as a line says of its own.
func likeLine(p piece, line *script.Packet) *script.Packet {
	k := *p.packet
	k.Direction = script.Outbound
	switch {
	case line.IP == nil:
		k.IP = nil
	case k.IP == nil && line.IP.ECN != script.ECNNone && line.IP.ECN != script.ECNAsTOS:
		k.IP = &script.IPInfo{Square: line.IP.Square, ECN: script.NoECN}
	}
	if k.TCP == nil {
		return &k
	}
	t := *k.TCP
	k.TCP = &t
	if line.TCP == nil || line.TCP.Window == nil {
		t.Window = nil
	}
	if line.TCP != nil && line.TCP.AnyOptions {
		t.AnyOptions, t.Options = true, nil
	}
	if line.TCP != nil && line.TCP.Cause != nil && p.cause != "" {
		t.Cause = &script.StringPart{Text: p.cause}
	}
	return &k
}
