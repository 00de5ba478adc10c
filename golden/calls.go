package golden

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// calls compares what was done to the stacks, and what calls returned.
func (c *comparer) calls() {
	for i, a := range c.refIn {
		if i >= len(c.ownIn) {
			return // ends says so
		}
		b := c.ownIn[i]
		if a.Kind != b.Kind || withoutResult(a.Text) != withoutResult(b.Text) {
			c.differ(Difference{What: Script, At: a.At, row: a,
				Text: fmt.Sprintf("another script: %s where %s has %s", b.Text, c.ref.Stack, a.Text)})
			return
		}
		if a.Kind != Call {
			continue
		}
		name, _, _ := strings.Cut(a.Text, "(")
		d := Difference{What: Calls, At: a.At, row: a}
		switch {
		case a.Result == "" && b.Result != "":
			d.Text = fmt.Sprintf("%s returns %s; on %s it doesn't", name, b.Result, c.ref.Stack)
		case a.Result != "" && b.Result == "":
			d.Text = fmt.Sprintf("%s doesn't return", name)
		case a.Result != b.Result:
			d.Text = fmt.Sprintf("%s = %s where %s has %s", name, b.Result, c.ref.Stack, a.Result)
		case a.Note != b.Note:
			d.Text = fmt.Sprintf("%s: %s where %s has %s", name, orNothing(b.Note), c.ref.Stack, orNothing(a.Note))
		case a.Blocks && b.Blocks && c.returnsLater(a, b) != 0:
			d.Text = fmt.Sprintf("%s returns %s", name, laterText(c.returnsLater(a, b)))
		default:
			continue
		}
		c.differ(d)
	}
}

// returnsLater is by how much later a call that blocks returned.
func (c *comparer) returnsLater(a, b *Event) time.Duration {
	if c.opt.Exact {
		return b.End.Round(time.Millisecond/10) - a.End.Round(time.Millisecond/10)
	}
	d := (b.End - b.At) - (a.End - a.At)
	slack := max(c.ref.Tolerance, c.own.Tolerance) + max(wheelStep(c.ref.Tick, a.End-a.At), wheelStep(c.own.Tick, a.End-a.At))
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
			return
		}
		b := own[0]
		own = own[1:]
		if a.Text == b.Text {
			continue
		}
		var parts []string
		with := strings.Split(b.Text, ", ")
		for j, value := range strings.Split(a.Text, ", ") {
			if j < len(with) && with[j] != value && !c.nearly(with[j], value) {
				_, v, _ := strings.Cut(value, " = ")
				parts = append(parts, fmt.Sprintf("%s where %s has %s", with[j], c.ref.Stack, v))
			}
		}
		if len(parts) == 0 {
			continue
		}
		c.differ(Difference{What: States, At: a.At, row: a, Text: strings.Join(parts, ", ")})
	}
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

// nearly reports whether two readings are of a time, and as near as times have to be.
func (c *comparer) nearly(a, b string) bool {
	name, value, _ := strings.Cut(a, " = ")
	unit := readTimes[name]
	if unit == 0 || c.opt.Exact {
		return false
	}
	x, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return false
	}
	_, value, _ = strings.Cut(b, " = ")
	y, err := strconv.ParseInt(value, 10, 64)
	off := time.Duration(x-y) * unit
	return err == nil && off.Abs() <= max(c.ref.Tolerance, c.own.Tolerance)
}

// ends says that a run came to its end before the other.
func (c *comparer) ends() {
	if n := len(c.ownIn); n < len(c.refIn) {
		text := "stops before " + c.refIn[n].Text
		if c.own.Why != "" {
			text += ": " + c.own.Why
		}
		c.differ(Difference{What: Script, At: c.refIn[n].At, Text: text})
	} else if n := len(c.refIn); n < len(c.ownIn) {
		c.differ(Difference{What: Script, At: c.ownIn[n].At, Text: fmt.Sprintf("goes on where %s stops, before %s", c.ref.Stack, c.ownIn[n].Text)})
	}
}
