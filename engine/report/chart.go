package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"tcpdrill/engine"
)

// A Lane is what happened on one stack: a chart draws lanes side by side, on one
// axis of time.
type Lane struct {
	Entries []engine.Entry
	// Bad are lines of the script that the stack didn't do as they say.
	Bad map[int]bool
}

// A Chart is a time-sequence chart, laid out: time runs down, and no two rows of a
// lane overlap. It says how high things are, in units of a pixel; how wide, and
// what they look like, is up to who draws it.
type Chart struct {
	Lanes  int   `json:"lanes"`
	Height int   `json:"h"`
	Rows   []Row `json:"rows"`
}

// A Row is one thing in a chart.
type Row struct {
	// Kind is an engine.EntryKind, rowGap or rowCut.
	Kind string `json:"k"`
	Lane int    `json:"n,omitempty"`
	// Time is a mark on the axis, where time has gone on since the row before.
	Time string `json:"t,omitempty"`
	Line int    `json:"l,omitempty"` // of the script; 0 for none
	Y    int    `json:"y"`
	H    int    `json:"h"`
	// Text is the label, cut into lines of at most labelWidth characters.
	Text []string `json:"s"`
	Bad  bool     `json:"bad,omitempty"`
}

// Kinds of rows that are no entries of a timeline.
const (
	rowGap = "gap" // time in which nothing happens, compressed
	rowCut = "cut" // entries that were left out
)

// Sizes. A label as wide as labelWidth fits between the two ends of a chart on a
// phone, so that labels are cut the same for all screens.
const (
	labelWidth  = 44
	labelLines  = 12 // at most
	lineHeight  = 15
	arrowHeight = 13 // below its label
	callHeight  = 5
	gapHeight   = 30
	gapFrom     = 200 * time.Millisecond
	chartHead   = 400 // entries of a long timeline that are drawn: the first
	chartTail   = 600 // and the last, where the failure is
)

// NewChart lays out lanes.
func NewChart(lanes ...Lane) Chart {
	c := Chart{Lanes: len(lanes), Rows: []Row{}}
	rest := make([][]item, len(lanes))
	for i, l := range lanes {
		rest[i] = l.items()
	}
	y, last := 0, time.Duration(-1)
	for {
		at, ok := earliest(rest)
		if !ok {
			break
		}
		switch d := at - last; {
		case last < 0:
		case d >= gapFrom:
			c.Rows = append(c.Rows, Row{Kind: rowGap, Y: y, H: gapHeight, Text: []string{"… " + length(d) + " …"}})
			y += gapHeight
		default:
			y += space(d)
		}
		last = at
		bottom, mark := y, tenths(at)
		for i := range rest {
			below := y
			for len(rest[i]) > 0 && rest[i][0].at == at {
				it := rest[i][0]
				rest[i] = rest[i][1:]
				row := it.row
				row.Lane, row.Time, row.Y = i, mark, below
				c.Rows = append(c.Rows, row)
				below += row.H
				mark = ""
			}
			bottom = max(bottom, below)
		}
		y = bottom
	}
	c.Height = y
	return c
}

// An item is a row that has no place yet.
type item struct {
	at  time.Duration // in whole tenths of a millisecond, as times are printed
	row Row
}

// items makes rows of entries, without the middle of a timeline that is too long.
func (l Lane) items() (out []item) {
	entries := slices.Clone(l.Entries)
	slices.SortStableFunc(entries, func(a, b engine.Entry) int { return cmp.Compare(a.At, b.At) })
	left := len(entries) - chartHead - chartTail
	for i, e := range entries {
		at := e.At.Round(time.Millisecond / 10)
		switch {
		case left <= 0 || i < chartHead || i >= chartHead+left:
			out = append(out, item{at, l.row(e)})
		case i == chartHead:
			out = append(out, item{at, Row{Kind: rowCut, H: gapHeight, Text: cutText(entries[i : i+left])}})
		}
	}
	return out
}

// cutText says what was left out.
func cutText(entries []engine.Entry) []string {
	off := 0
	for _, e := range entries {
		if e.Kind == engine.EntryWrong || e.Kind == engine.EntryMissing {
			off++
		}
	}
	text := fmt.Sprintf("… %d entries left out: see run -v …", len(entries))
	if off > 0 {
		text = fmt.Sprintf("… %d entries left out, %d wrong: run -v …", len(entries), off)
	}
	return []string{text}
}

// row is an entry as a row.
func (l Lane) row(e engine.Entry) Row {
	r := Row{Kind: string(e.Kind), Line: e.Line}
	text := e.Text
	switch e.Kind {
	case engine.EntryInject, engine.EntryMatch, engine.EntryWrong, engine.EntryMissing, engine.EntryExtra, engine.EntryOther:
		text = strings.TrimSpace(kinds[e.Kind]) + " " + strings.TrimSpace(text)
		if e.Kind == engine.EntryMissing {
			text = "! nothing sent for: " + strings.TrimSpace(e.Text)
		}
		if e.GSO > 0 {
			text += fmt.Sprintf(" (gso_size\u00a0%d)", e.GSO)
		}
		if e.Cause != "" {
			text += " (" + e.Cause + ")"
		}
		r.H = arrowHeight
	default:
		r.Bad, r.H = l.Bad[e.Line], callHeight
		if r.Bad {
			text = "✗ " + text
		}
		if r.Bad && e.Result != "" {
			text += " → " + e.Result
		}
		for _, v := range e.Read {
			text += "\n" + v.Name + " = " + v.Value
		}
	}
	r.Text = wrap(text, labelWidth)
	if n := len(r.Text) - labelLines; n > 0 {
		r.Text = append(r.Text[:labelLines-1], fmt.Sprintf("… %d more lines", n+1))
	}
	r.H += len(r.Text) * lineHeight
	return r
}

// earliest is the time of the first item of all.
func earliest(rest [][]item) (at time.Duration, ok bool) {
	for _, items := range rest {
		if len(items) > 0 && (!ok || items[0].at < at) {
			at, ok = items[0].at, true
		}
	}
	return at, ok
}

// space is the room between two instants: the more the longer, by orders of
// magnitude.
func space(d time.Duration) int {
	return int(6 * math.Log10(max(1, float64(d)/float64(100*time.Microsecond))))
}

// length is how long a gap is.
func length(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.0f ms", d.Seconds()*1000)
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}

// wrap cuts a text into lines of at most width characters, after a blank or a comma
// where there is one. What follows the first line of a line is indented.
func wrap(text string, width int) (out []string) {
	const indent = "  "
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		rest := []rune(strings.Map(visible, strings.ReplaceAll(strings.TrimRight(line, " \t\r"), "\t", "    ")))
		pad := ""
		for {
			n := fits(rest, width-len(pad))
			if n == len(rest) {
				out = append(out, pad+string(rest))
				break
			}
			cut := n
			for i := n; i > n/2; i-- {
				if rest[i] == ' ' || rest[i-1] == ' ' || rest[i-1] == ',' {
					cut = i
					break
				}
			}
			out = append(out, pad+strings.TrimRight(string(rest[:cut]), " "))
			rest = []rune(strings.TrimLeft(string(rest[cut:]), " "))
			pad = indent
		}
	}
	return out
}

// fits is how many characters take up at most width columns, one at least.
func fits(text []rune, width int) int {
	columns := 0
	for i, c := range text {
		columns++
		if c >= 0x1100 { // may be twice as wide
			columns++
		}
		if columns > width && i > 0 {
			return i
		}
	}
	return len(text)
}

// visible is a character that can be drawn.
func visible(c rune) rune {
	if unicode.IsGraphic(c) {
		return c
	}
	return '\uFFFD'
}
