package update

// Lines as a whole: comments instead of them, and the blanks before what they begin with.

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"tcpdrill/script"
)

// notSent stands before an expected packet that is commented out.
const notSent = "not sent: "

// commentOut makes a comment of an expected packet: what is to become of it people
// decide.
func (r *round) commentOut(ev *script.Event) {
	src := r.src.Source
	start, end := ev.Pos.Offset, ev.EndPos.Offset
	g := group{at: start, says: "the packet isn't sent"}
	switch {
	case bytes.Contains(src[start:end], []byte("*/")), bytes.Contains(src[start:end], []byte("\n")) && bytes.Contains(src[start:end], []byte("//")):
		r.leaveAt(start, "it isn't sent; it can't be commented out, since a comment stands in it")
		return
	case r.endsLine(end) && !bytes.Contains(src[start:end], []byte("\n")):
		g.edits = []edit{{start, start, "// " + notSent}}
	case r.endsLine(end) && len(bytes.TrimSpace(src[lineStart(src, start):start])) == 0:
		g.edits = []edit{{start, start, "// " + notSent}}
		for at := start; ; {
			n := bytes.IndexByte(src[at:end], '\n')
			if n < 0 {
				break
			}
			at += n + 1
			text := at + len(src[at:end]) - len(bytes.TrimLeft(src[at:end], " \t"))
			g.edits = append(g.edits, edit{text, text, "// "})
		}
	default: // something else follows on its line
		g.edits = []edit{{start, start, "/* " + notSent}, {end, end, " */"}}
	}
	if d := r.earlier(ev); r.add(g) && d > 0 {
		line, column := position(src, start)
		r.notes = append(r.notes, note{r.origins[line-1], column, fmt.Sprintf(
			"without this packet what the script does next comes up to %v earlier, its time being relative", d)})
	}
}

// earlier is how much earlier what the script does next comes without a packet that is
// expected before it.
func (r *round) earlier(ev *script.Event) time.Duration {
	i := slices.Index(r.src.Events, ev)
	if ev.Time.Kind != script.Relative && ev.Time.Kind != script.RelativeRange || i+1 == len(r.src.Events) {
		return 0
	}
	next := r.src.Events[i+1]
	if expected(next) || next.Time.Kind != script.Relative {
		return 0
	}
	return ev.Time.Start
}

// endsLine reports whether nothing but a comment that ends with it follows on a line, and
// the line has an end: a comment needs one.
func (r *round) endsLine(at int) bool {
	src := r.src.Source
	n := bytes.IndexByte(src[at:], '\n')
	if n < 0 {
		return false
	}
	end := at + n
	for _, c := range r.src.Comments {
		if c.Pos.Offset >= at && c.Pos.Offset < end {
			if len(bytes.TrimSpace(src[at:c.Pos.Offset])) > 0 || c.EndPos.Offset > end {
				return false
			}
			at = c.EndPos.Offset
		}
	}
	return len(bytes.TrimSpace(src[at:end])) == 0
}

// timeEdit puts another time before an event, so that it ends in the same column if there
// are blanks before it.
func (r *round) timeEdit(ev *script.Event, text string) edit {
	start, end := ev.Time.Pos.Offset, ev.Time.EndPos.Offset
	longer := len(text) - (end - start)
	indent, _ := r.indent(ev)
	switch blanks := len(indent); {
	case blanks == 0 || strings.Trim(indent, " ") != "":
	case longer < 0:
		text = strings.Repeat(" ", -longer) + text
	default:
		start -= min(longer, blanks)
	}
	return edit{start, end, text}
}

// indent returns what stands before an event on its line, and whether these are blanks.
func (r *round) indent(ev *script.Event) (text string, blank bool) {
	text = string(r.src.Source[lineStart(r.src.Source, ev.Pos.Offset):ev.Pos.Offset])
	return text, strings.Trim(text, " \t") == ""
}

// lineStart is where the line begins that an offset lies in.
func lineStart(src []byte, at int) int { return bytes.LastIndexByte(src[:at], '\n') + 1 }

// expected reports whether an event is a packet that the stack is to send.
func expected(ev *script.Event) bool {
	return ev.Packet != nil && ev.Packet.Direction == script.Outbound
}
