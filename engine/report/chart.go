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
	// Notes are what more is said of an entry, by its index.
	Notes map[int][]string
	// Command is what shows all of a timeline that is too long; "" for run -v.
	Command string
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
	// Line is the script's, 0 for none. In lanes that are compared, rows that belong
	// together have the same.
	Line int `json:"l,omitempty"`
	Y    int `json:"y"`
	H    int `json:"h"`
	// Text is the label, cut into lines of at most labelWidth characters.
	Text  []string `json:"s"`
	Notes []string `json:"d,omitempty"` // below the label
	Bad   bool     `json:"bad,omitempty"`
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
		now := make([][]Row, len(rest))
		for i := range rest {
			for len(rest[i]) > 0 && rest[i][0].at == at {
				now[i] = append(now[i], rest[i][0].row)
				rest[i] = rest[i][1:]
			}
		}
		y = stand(now, y)
		var rows []Row
		for i := range now {
			for _, row := range now[i] {
				row.Lane = i
				rows = append(rows, row)
			}
		}
		// From top to bottom, as whoever draws it may cut it between two.
		slices.SortStableFunc(rows, func(a, b Row) int { return a.Y - b.Y })
		rows[0].Time = tenths(at)
		c.Rows = append(c.Rows, rows...)
	}
	c.Height = y
	return c
}

// stand puts the rows of one instant below y, those of each lane under each other, and
// returns where they end. Rows of the same line of the script stand at the same height
// in all lanes, as far as they are in the same order.
func stand(lanes [][]Row, y int) (bottom int) {
	bottom = y
	least := map[int]int{} // of a line
	for range 3 * len(lanes) {
		moved := false
		for _, rows := range lanes {
			below := y
			seen := map[int]bool{}
			for i := range rows {
				r := &rows[i]
				r.Y = below
				if l := r.Line; l > 0 && !seen[l] && len(lanes) > 1 {
					seen[l] = true
					r.Y = max(r.Y, least[l])
					moved = moved || r.Y > least[l]
					least[l] = r.Y
				}
				below = r.Y + r.H
			}
			bottom = max(bottom, below)
		}
		if !moved {
			break
		}
	}
	return bottom
}

// An item is a row that has no place yet.
type item struct {
	at  time.Duration // in whole tenths of a millisecond, as times are printed
	row Row
}

// items makes rows of entries, without the middle of a timeline that is too long.
func (l Lane) items() (out []item) {
	order := make([]int, len(l.Entries))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(l.Entries[a].At, l.Entries[b].At) })
	left := len(order) - chartHead - chartTail
	for i, n := range order {
		at := l.Entries[n].At.Round(time.Millisecond / 10)
		switch {
		case left <= 0 || i < chartHead || i >= chartHead+left:
			out = append(out, item{at, l.row(n)})
		case i == chartHead:
			out = append(out, item{at, Row{Kind: rowCut, H: gapHeight, Text: l.cutText(order[i : i+left])}})
		}
	}
	return out
}

// cutText says what was left out.
func (l Lane) cutText(left []int) []string {
	off := 0
	for _, n := range left {
		kind := l.Entries[n].Kind
		if kind == engine.EntryWrong || kind == engine.EntryMissing || len(l.Notes[n]) > 0 {
			off++
		}
	}
	command := cmp.Or(l.Command, "run -v")
	text := fmt.Sprintf("… %d entries left out: see %s …", len(left), command)
	if off > 0 {
		text = fmt.Sprintf("… %d entries left out, %d wrong: %s …", len(left), off, command)
	}
	return []string{text}
}

// row is the entry with an index as a row.
func (l Lane) row(n int) Row {
	e := l.Entries[n]
	r := Row{Kind: string(e.Kind), Line: e.Line}
	text := e.Text
	switch e.Kind {
	case engine.EntryInject, engine.EntryMatch, engine.EntryWrong, engine.EntryMissing, engine.EntryExtra, engine.EntryOther:
		text = strings.TrimSpace(kinds[e.Kind]) + " " + strings.TrimSpace(text)
		if e.Kind == engine.EntryMissing && len(l.Notes[n]) == 0 {
			text = "! nothing sent for: " + strings.TrimSpace(e.Text)
		}
		if e.GSO > 0 {
			text += fmt.Sprintf(" (gso_size\u00a0%d)", e.GSO)
		}
		if e.FragmentID > 0 {
			text += fmt.Sprintf(" (id\u00a0%d)", e.FragmentID)
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
	if len(e.Functions) > 0 {
		r.Notes = wrap(functions(e), labelWidth)
	}
	for _, note := range l.Notes[n] {
		r.Notes = append(r.Notes, wrap(note, labelWidth)...)
	}
	r.H += (len(r.Text) + len(r.Notes)) * lineHeight
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
