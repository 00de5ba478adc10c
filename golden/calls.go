package golden

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// calls compares what was done to the stacks, and what calls returned.
func (c *comparer) calls() {
	last := -1 // the last that both were given
	for i, j := range c.inputs {
		if j >= 0 {
			last = i
		}
	}
	for i, a := range c.refIn {
		if c.inputs[i] < 0 {
			switch {
			case i < last:
				c.differ(Difference{What: Script, At: a.At, row: a, Text: "isn't given " + a.Text})
				continue
			case len(c.ownIn) > c.taken():
				b := c.ownIn[c.taken()]
				c.differ(Difference{What: Script, At: a.At, row: a,
					Text: fmt.Sprintf("another script: %s where %s has %s", b.Text, c.ref.Stack, a.Text)})
			}
			return // ends says so
		}
		b := c.ownIn[c.inputs[i]]
		if a.Kind != Call {
			continue
		}
		name, _, _ := strings.Cut(a.Text, "(")
		d := Difference{What: Calls, At: a.At, row: a}
		switch {
		case a.Result == "" && b.Result != "":
			d.Text = fmt.Sprintf("%s returns %s; on %s it doesn't", name, b.Result, c.ref.Stack)
		case b.Note == noteRefused && a.Note != noteRefused:
			d.Text = name + " isn't supported"
		case a.Result != "" && b.Result == "":
			d.Text = fmt.Sprintf("%s doesn't return", name)
		case a.Result != b.Result:
			d.Text = fmt.Sprintf("%s = %s where %s has %s", name, b.Result, c.ref.Stack, a.Result)
		case a.Note != b.Note:
			d.Text = fmt.Sprintf("%s: %s where %s has %s", name, orNothing(b.Note), c.ref.Stack, orNothing(a.Note))
		case (a.Blocks || b.Blocks) && c.returnsLater(a, b) != 0:
			d.Text = fmt.Sprintf("%s returns %s", name, laterText(c.returnsLater(a, b)))
		default:
			continue
		}
		c.differ(d)
	}
}

// returnsLater is by how much later a call that blocks returned.
func (c *comparer) returnsLater(a, b *Event) time.Duration {
	endA, endB := max(a.At, a.End), max(b.At, b.End)
	if c.opt.Exact {
		return endB.Round(time.Millisecond/10) - endA.Round(time.Millisecond/10)
	}
	d := (endB - b.At) - (endA - a.At)
	slack := max(c.ref.Tolerance, c.own.Tolerance) + max(wheelStep(c.ref.Tick, endA-a.At), wheelStep(c.own.Tick, endA-a.At))
	if max(d, -d) <= slack {
		return 0
	}
	return d
}

func orNothing(note string) string {
	if note == "" {
		return "what the script says"
	}
	return note
}

// withoutResult is a call without what it returned.
func withoutResult(text string) string {
	if i := strings.LastIndex(text, ") = "); i >= 0 {
		return text[:i]
	}
	return text
}

// states compares what code blocks read.
func (c *comparer) states() {
	var own []*Event
	for i := range c.own.Events {
		if e := &c.own.Events[i]; e.Kind == State {
			own = append(own, e)
		}
	}
	for i := range c.ref.Events {
		a := &c.ref.Events[i]
		if a.Kind != State {
			continue
		}
		if len(own) == 0 {
			c.differ(Difference{What: States, At: a.At, row: a, Text: fmt.Sprintf("nothing read where %s has %s", c.ref.Stack, a.Text)})
			continue
		}
		b := own[0]
		own = own[1:]
		if text := c.stateDiffers(a, b); text != "" {
			c.differ(Difference{What: States, At: a.At, row: a, Text: text})
		}
	}
	for _, b := range own {
		c.differ(Difference{What: States, At: b.At, Text: fmt.Sprintf("%s where on %s nothing is read", b.Text, c.ref.Stack)})
	}
}

// stateDiffers says which readings differ, "" if none does.
func (c *comparer) stateDiffers(a, b *Event) string {
	if a.Text == b.Text {
		return ""
	}
	values := map[string]string{}
	for _, reading := range strings.Split(b.Text, ", ") {
		name, v, _ := strings.Cut(reading, " = ")
		values[name] = v
	}
	var parts []string
	for _, reading := range strings.Split(a.Text, ", ") {
		name, v, _ := strings.Cut(reading, " = ")
		own, there := values[name]
		delete(values, name)
		switch {
		case !there:
			parts = append(parts, fmt.Sprintf("no %s where %s has %s", name, c.ref.Stack, v))
		case own != v && !c.nearly(name, own, v):
			parts = append(parts, fmt.Sprintf("%s = %s where %s has %s", name, own, c.ref.Stack, v))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		parts = append(parts, fmt.Sprintf("%s = %s where %s has none", name, values[name], c.ref.Stack))
	}
	return strings.Join(parts, ", ")
}

// readTimes are times of TCP_INFO (microseconds, but for the last), of which the stack
// takes all or a part from its clock.
var readTimes = map[string]time.Duration{
	"tcpi_rtt": time.Microsecond, "tcpi_rttvar": time.Microsecond, "tcpi_min_rtt": time.Microsecond,
	"tcpi_rcv_rtt": time.Microsecond, "tcpi_rto": time.Microsecond, "tcpi_ato": time.Microsecond,
	"tcpi_busy_time": time.Microsecond, "tcpi_rwnd_limited": time.Microsecond, "tcpi_sndbuf_limited": time.Microsecond,
	"tcpi_last_data_sent": time.Millisecond, "tcpi_last_ack_sent": time.Millisecond,
	"tcpi_last_data_recv": time.Millisecond, "tcpi_last_ack_recv": time.Millisecond,
}

// nearly reports whether two values of a reading are of a time, and as near as times have
// to be.
func (c *comparer) nearly(name, a, b string) bool {
	unit := readTimes[name]
	if unit == 0 || c.opt.Exact {
		return false
	}
	x, errX := strconv.ParseInt(a, 10, 64)
	y, errY := strconv.ParseInt(b, 10, 64)
	off := time.Duration(x-y) * unit
	return errX == nil && errY == nil && off.Abs() <= max(c.ref.Tolerance, c.own.Tolerance)
}

// taken is how many of the other's inputs are up to the last that both were given.
func (c *comparer) taken() int { return max(-1, slices.Max(append([]int{-1}, c.inputs...))) + 1 }

// ends says that a run came to its end before the other.
func (c *comparer) ends() {
	n := len(c.refIn)
	for n > 0 && c.inputs[n-1] < 0 {
		n--
	}
	taken := c.taken()
	switch {
	case n < len(c.refIn) && taken == len(c.ownIn):
		text := "stops before " + c.refIn[n].Text
		if c.own.Why != "" {
			text += ": " + c.own.Why
		}
		c.differ(Difference{What: Script, At: c.refIn[n].At, Text: text})
	case n == len(c.refIn) && taken < len(c.ownIn):
		c.differ(Difference{What: Script, At: c.ownIn[taken].At, Text: fmt.Sprintf("goes on where %s stops, before %s", c.ref.Stack, c.ownIn[taken].Text)})
	}
}
