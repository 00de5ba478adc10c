package golden

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What is what two traces differ in.
type What string

// Kinds of differences, the weightiest first.
const (
	Script  What = "script"  // one run was of another script, or ended early
	Calls   What = "calls"   // what a call returned
	Missing What = "missing" // a segment that only the reference sends
	Extra   What = "extra"   // a segment that the reference doesn't send
	Cuts    What = "cut"     // the same bytes in other segments
	Flags   What = "flags"
	Times   What = "time"
	Acks    What = "ack"
	ECN     What = "ecn"
	Urgent  What = "urg"
	Opts    What = "options"
	GSO     What = "gso" // super-segments that are the same on the wire
	Window  What = "win" // in bytes, scaled
	TS      What = "ts"  // timestamps
	States  What = "state"
	Others  What = "other" // packets of other connections, and what isn't TCP
	Causes  What = "cause"
)

// Whats lists all kinds, the weightiest first.
var Whats = []What{Script, Calls, Missing, Extra, Cuts, Flags, Times, Acks, ECN, Urgent, Opts, GSO, Window, TS, States, Others, Causes}

func rank(w What) int { return slices.Index(Whats, w) }

// A Difference is one thing that differs, said of the other stack.
type Difference struct {
	What What
	// Text is the shortest true statement: "PSH on 1001:2001".
	Text string
	At   time.Duration // script time, of the reference where it did something
	// Those of several that have the same group are told together, by their places:
	// "PSH on " of 1001:2001 and 3001:4001.
	group, place string
	row          *Event
}

// Event returns what differs: one of the reference's events, of what the reference
// doesn't do one of the other's; nil if a run stops or goes on.
func (d Difference) Event() *Event { return d.row }

// pair says in what segments differ that stand side by side.
func (c *comparer) pair(ref, own []*Event) {
	switch {
	case len(own) == 0:
		for _, e := range ref {
			c.missing(e)
		}
		return
	case len(ref) == 0:
		for _, e := range own {
			c.extra(e)
		}
		return
	case len(ref) > 1 || len(own) > 1:
		c.cut(ref, own)
	case ref[0].Segment.Len != own[0].Segment.Len && !ref[0].Segment.Unreadable:
		c.length(ref[0], own[0])
	}
	a, b := ref[0].Segment, own[0].Segment
	lastA, lastB := ref[len(ref)-1].Segment, own[len(own)-1].Segment
	at := Difference{At: a.At, row: ref[0]}
	onTime := false
	if d := c.later(a, b); d != 0 {
		c.time(ref[0], b, d)
	} else if d := c.later(lastA, lastB); d != 0 {
		c.time(ref[len(ref)-1], lastB, d)
	} else {
		onTime = true
	}
	if a.Unreadable || b.Unreadable {
		if a.Text != b.Text {
			at.What, at.Text = Others, fmt.Sprintf("%s where %s sends %s", b.Text, c.ref.Stack, a.Text)
			c.differ(at)
		}
		return
	}
	if len(ref) > 1 || len(own) > 1 { // CWR is on the first of a super-segment
		wa, wb := Cut([]Segment{*lastA}), Cut([]Segment{*lastB})
		c.flags(ref[0], &wa[len(wa)-1], &wb[len(wb)-1])
	} else {
		c.flags(ref[0], lastA, lastB)
	}
	c.header(at, lastA, lastB)
	if onTime && a.Cause != "" && b.Cause != "" && a.Cause != b.Cause {
		at.What, at.group = Causes, "cause"
		at.Text = fmt.Sprintf("sends %s because of %s where %s says %s", place(b), b.Cause, c.ref.Stack, a.Cause)
		c.differ(at)
	}
}

// place names a segment by its range.
func place(s *Segment) string {
	switch {
	case s.Unreadable:
		return s.Text
	case s.has('S') && s.Len > 0:
		return fmt.Sprintf("the SYN with %d bytes", s.Len)
	case s.has('S'):
		return map[bool]string{true: "the SYN-ACK", false: "the SYN"}[s.Ack != ""]
	case s.has('R'):
		return "the RST"
	case s.Len == 0 && s.has('F'):
		return "the FIN"
	case s.Len == 0:
		return "ACK " + s.Ack
	}
	return fmt.Sprintf("%d:%d", s.Seq, s.Seq+uint32(s.Len))
}

// because is why the reference sent a segment, as far as anyone says.
func (c *comparer) because(s *Segment) string {
	if s.Cause != "" {
		return s.Cause
	}
	return c.why[s]
}

// inWords is a cause in parentheses.
func inWords(cause string) string {
	if cause == "" {
		return ""
	}
	return " (" + cause + ")"
}

// noun is what a segment is called, to say that it is or isn't there.
func noun(s *Segment) string {
	data := fmt.Sprintf("%d:%d", s.Seq, s.Seq+uint32(s.Len))
	switch {
	case s.Other:
		return "packet of another connection: " + s.Text
	case s.Unreadable:
		return s.Text
	case s.Kind == "retransmission":
		return "retransmission of " + data
	case s.Kind == "probe":
		return "probe below " + strconv.FormatUint(uint64(s.Seq)+1, 10)
	case s.Kind == "FIN again":
		return "retransmission of the FIN"
	case s.Kind == "SYN again":
		return "retransmission of " + place(s)
	case s.Len == 0 && (s.has('S') || s.has('R') || s.has('F')):
		return strings.TrimPrefix(place(s), "the ")
	case s.Len == 0:
		return "ACK " + s.Ack
	}
	return data
}

// missing says that only the reference sent something.
func (c *comparer) missing(e *Event) {
	s := e.Segment
	if s.At+c.shift[s]+c.slack[s] > c.own.Until && !c.opt.Exact {
		return // nobody looked for so long
	}
	d := Difference{What: Missing, At: s.At, row: e, group: "no " + s.Kind, place: noun(s)}
	d.Text = "no " + noun(s) + inWords(c.because(s))
	if sends(c.ownSent, s) {
		d.Text = "one " + noun(s) + " less" + inWords(c.because(s))
	}
	if s.Other {
		d.What = Others
	}
	c.differ(d)
}

// extra says that the reference doesn't send something.
func (c *comparer) extra(e *Event) {
	s := e.Segment
	slack := max(c.ref.Tolerance, c.own.Tolerance) + max(wheelStep(c.ref.Tick, s.At), wheelStep(c.own.Tick, s.At))
	if s.At+slack > c.ref.Until+c.shiftAtEnd() && !c.opt.Exact {
		return
	}
	d := Difference{What: Extra, At: s.At, row: e, group: "also " + s.Kind, place: noun(s)}
	d.Text = fmt.Sprintf("also sends %s%s", noun(s), inWords(s.Cause))
	if sends(c.refSent, s) {
		d.Text = "one " + noun(s) + " more" + inWords(s.Cause)
	}
	if s.Other {
		d.What = Others
	}
	c.differ(d)
}

// sends reports whether among some segments there is one that is called the same.
func sends(events []*Event, s *Segment) bool {
	return slices.ContainsFunc(events, func(e *Event) bool { return noun(e.Segment) == noun(s) })
}

// shiftAtEnd is by how much later the other's last input came.
func (c *comparer) shiftAtEnd() time.Duration {
	shift := time.Duration(0)
	for i, j := range c.inputs {
		if j >= 0 {
			shift = c.ownIn[j].At - c.refIn[i].At
		}
	}
	return max(0, shift)
}

// cut says how the same bytes were cut.
func (c *comparer) cut(ref, own []*Event) {
	a, b := segments(ref), segments(own)
	first, last := a[0], a[len(a)-1]
	d := Difference{What: Cuts, At: first.At, row: ref[0]}
	whole := fmt.Sprintf("%d:%d", first.Seq, last.Seq+uint32(last.Len))
	wireA, wireB := Cut(values(a)), Cut(values(b))
	c.innerPush(ref[0], wireA, wireB)
	if sameLengths(wireA, wireB) {
		d.What = GSO
		d.Text = fmt.Sprintf("%s leaves as %s where %s has %s", whole, cuts(b), c.ref.Stack, cuts(a))
		if sameHeaders(wireA, wireB) {
			d.Text += ", the same on the wire"
		}
		c.differ(d)
		return
	}
	lastA, lastB := a[len(a)-1], b[len(b)-1]
	switch {
	case len(a) == 1 && len(b) == 2 && lastA.has('F') && lastB.has('F') && lastB.Len == 0:
		d.Text = "FIN not merged with " + whole
	case len(a) == 2 && len(b) == 1 && lastB.has('F') && lastA.has('F') && lastA.Len == 0:
		d.Text = "FIN merged with " + whole
	default:
		verb := ""
		if again(first) {
			verb = "retransmits "
		}
		d.Text = fmt.Sprintf("%s%s as %s where %s sends %s", verb, whole, cuts(b), c.ref.Stack, cuts(a))
	}
	c.differ(d)
}

// innerPush says that PSH is on a segment, not the last, where the reference has none
// at that byte.
func (c *comparer) innerPush(row *Event, ref, own []Segment) {
	for i, b := range own[:len(own)-1] {
		if own[i+1].Len == 0 {
			break // it is the last that has data
		}
		there := slices.ContainsFunc(ref, func(a Segment) bool { return a.End() == b.End() && a.has('P') })
		if b.has('P') && !there {
			c.differ(Difference{What: Flags, At: b.At, row: row, Text: "PSH on " + place(&b), group: "PSH on ", place: place(&b)})
		}
	}
	for i, a := range ref[:len(ref)-1] {
		if ref[i+1].Len == 0 {
			break
		}
		without := slices.ContainsFunc(own[:len(own)-1], func(b Segment) bool { return a.End() == b.End() && !b.has('P') })
		if a.has('P') && without {
			c.differ(Difference{What: Flags, At: a.At, row: row, Text: "no PSH on " + place(&a), group: "no PSH on ", place: place(&a)})
		}
	}
}

func values(in []*Segment) []Segment {
	out := make([]Segment, len(in))
	for i, s := range in {
		out[i] = *s
	}
	return out
}

func sameHeaders(a, b []Segment) bool {
	return slices.EqualFunc(a, b, func(x, y Segment) bool {
		return x.Flags == y.Flags && x.Ack == y.Ack && x.ECN == y.ECN && x.Options == y.Options
	})
}

func sameLengths(a, b []Segment) bool {
	return slices.EqualFunc(a, b, func(x, y Segment) bool { return x.Seq == y.Seq && x.Len == y.Len })
}

// cuts says how long segments are: "one segment", "1448 + 552", "7 segments of 100".
func cuts(in []*Segment) string {
	if len(in) == 1 {
		return "one segment"
	}
	if n := len(in); n > 4 {
		same := true
		for _, s := range in {
			same = same && s.Len == in[0].Len
		}
		if same {
			return fmt.Sprintf("%d segments of %d", n, in[0].Len)
		}
		return fmt.Sprintf("%d segments, the first of %d", n, in[0].Len)
	}
	var parts []string
	for _, s := range in {
		text := strconv.Itoa(s.Len)
		if s.Len == 0 && s.has('F') {
			text = "FIN"
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " + ")
}

// length says that segments begin at the same byte and don't end at the same.
func (c *comparer) length(ref, own *Event) {
	a, b := ref.Segment, own.Segment
	verb := "sends"
	if again(a) {
		verb = "retransmits"
	}
	c.differ(Difference{What: Cuts, At: a.At, row: ref, group: verb + " other bytes",
		Text: fmt.Sprintf("%s %s where %s %s %s", verb, place(b), c.ref.Stack, verb, place(a))})
}

// time says that a segment came earlier or later.
func (c *comparer) time(ref *Event, b *Segment, d time.Duration) {
	a := ref.Segment
	verb := "sends "
	if a.Kind == "retransmission" {
		verb = "retransmits "
	}
	text := verb + place(a) + " " + laterText(d)
	switch why := c.because(a); {
	case why != "" && b.Cause != "" && why != b.Cause:
		text += fmt.Sprintf(": %s, not %s", b.Cause, why)
	case b.Cause != "":
		text += inWords(b.Cause)
	case why != "":
		text += fmt.Sprintf(" than %s's %s", c.ref.Stack, why)
	}
	what := Times
	if a.Other {
		what, text = Others, "on another connection "+text
	}
	c.differ(Difference{What: what, At: a.At, row: ref, Text: text, group: "time"})
}

// laterText is a difference in time in words.
func laterText(d time.Duration) string {
	word := "later"
	if d < 0 {
		d, word = -d, "earlier"
	}
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms %s", d.Seconds()*1000, word)
	case d < 10*time.Second:
		return fmt.Sprintf("%.0f ms %s", d.Seconds()*1000, word)
	}
	return fmt.Sprintf("%.1f s %s", d.Seconds(), word)
}
