package engine

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tcpdrill/engine/wire"
	"tcpdrill/script"
	"tcpdrill/script/linux"
)

// A Seen is what the stack did where an event of the script expects something else:
// what the script would have to say not to be wrong there. It is for those who rewrite
// scripts, and speaks of their parts, not in sentences.
type Seen struct {
	Event int // of the script's events, from 0

	// Of a packet, and of the return of a call that blocks: which of its parts differ,
	// named as tokens are ("flags", "option 0", "time"). None if nothing was sent.
	Fields []string `json:",omitempty"`
	// Packet is what was sent, in script notation and whole: those segments that
	// could stand for the line together, as one. Its numbers in the timeline are
	// First and the Pieces-1 that follow.
	Packet string `json:",omitempty"`
	First  int    `json:",omitempty"`
	Pieces int    `json:",omitempty"`
	Cause  string `json:",omitempty"`
	// At is when it happened, by the script's time, or was to, if nothing was sent. A
	// relative time counts from Since; Tolerance is how far off a script's time may be
	// that says At.
	At, Since, Tolerance time.Duration

	// Of what a call returned: the bytes of the source, from Start to before End, that
	// would have to read Text.
	Start, End int    `json:",omitempty"`
	Text       string `json:",omitempty"`
}

// seenPacket is what is seen of the packet of the event at hand, of which those pieces
// were sent that make up whole.
func (r *runner) seenPacket(p *script.Packet, whole *segment, pieces []*segment, fields []string) *Seen {
	show := ipOptions(p.IP)
	show.ACE = p.TCP != nil && p.TCP.ACE > 0
	text := "> " + wire.Format(whole.packet, show)
	if n := whole.size(); n > 0 && p.GSO() != nil {
		text += fmt.Sprintf(" gso %d", n)
	}
	return &Seen{
		Event: r.count, Fields: fields, Packet: text,
		First: pieces[0].number, Pieces: len(pieces), Cause: whole.cause(),
		At: whole.at, Since: r.offset, Tolerance: r.tolerance(whole.at, r.lastAt),
	}
}

// seenPart is seenPacket of segments that are less than the script's packet: all that
// came, or all before one that doesn't continue them.
func (r *runner) seenPart(p *script.Packet, want *wire.Packet, got []*segment) *Seen {
	if len(got) == 0 {
		return &Seen{Event: r.count, At: max(r.at, r.end)}
	}
	whole := glue(got)
	diffs := diffList{{field: "length"}}
	if w, g := want.TCP(), whole.packet.TCP(); p.TCP != nil && w != nil && g != nil {
		diffs.tcp(p.TCP, w, g)
		r.diffOptions(&diffs, p.TCP, w, g)
	}
	if _, ok := r.checkTime(r.event.Time.Kind, r.at, r.end, whole.at, r.lastAt, ""); !ok {
		diffs = append(diffs, fieldDiff{field: "time"})
	}
	return r.seenPacket(p, whole, got, fieldsOf(diffs))
}

// fieldsOf lists the fields that differ, each once.
func fieldsOf(diffs []fieldDiff) (fields []string) {
	for _, d := range diffs {
		if !slices.Contains(fields, d.field) {
			fields = append(fields, d.field)
		}
	}
	return fields
}

// seenValue is what a mismatch says that the script would have to say, nil if the
// language can't, or if that isn't for the harness to say.
func (r *runner) seenValue(ev *script.Event, m Mismatch) *Seen {
	if m.Text == "" {
		return nil
	}
	node := m.Place
	if node == nil {
		node = m.Node
	}
	start, end := node.Span()
	return &Seen{Event: r.indexOf(ev), Start: start.Offset, End: end.Offset, Text: m.Text}
}

// indexOf returns the number of an event of the script.
func (r *runner) indexOf(ev *script.Event) int { return slices.Index(r.script.Events, ev) }

// resultPlace is all that stands behind a call's '=': its result, an error with its
// name, and the words behind it.
func resultPlace(c *script.Call) script.Range {
	start, _ := c.Result.Span()
	return script.Range{Pos: start, EndPos: c.EndPos}
}

// resultSource is what a script says behind the '=' for a result.
func (b *callBuilder) resultSource(value int32, errno int) string {
	if value >= 0 && b.showFlags != "" {
		return fmt.Sprintf("%#x (flags %s)", value, strings.ReplaceAll(linux.Flags(int64(value), b.showFlags), "|", " "))
	}
	return b.resultText(value, errno)
}

// note is what reports say behind a number or name, and scripts can't.
var note = regexp.MustCompile(` \([^)]*\)`)
