package golden

import (
	"fmt"
	"slices"
	"strconv"
)

// flagNames are the flags that two segments may differ in.
var flagNames = map[byte]string{'P': "PSH", 'F': "FIN", 'S': "SYN", 'R': "RST", '.': "ACK", 'U': "URG", 'E': "ECE", 'W': "CWR", 'A': "AE"}

// flags says which flags differ: those of the last, as each but the last of several
// has none that matter.
func (c *comparer) flags(row *Event, a, b *Segment) {
	if a.Flags == b.Flags {
		return
	}
	for _, f := range []byte("FSRPUEWA.") {
		if a.has(f) == b.has(f) || f == 'P' && (a.Len == 0) != (b.Len == 0) {
			continue // a FIN that has data has the data's PSH
		}
		group := flagNames[f] + " on "
		if a.has(f) {
			group = "no " + group
		}
		apart := slices.ContainsFunc(c.ownSent, func(e *Event) bool { return e.Segment.has('F') && e.Segment.End() == a.End() })
		if f == 'F' && a.has('F') && b.Len > 0 && apart {
			group = "FIN not merged with "
		}
		c.differ(Difference{What: Flags, At: a.At, row: row, Text: group + place(b), group: group, place: place(b)})
	}
}

// header compares the other fields.
func (c *comparer) header(d Difference, a, b *Segment) {
	say := func(w What, own, ref string) {
		if own == "" {
			own = "none"
		}
		if ref == "" {
			ref = "none"
		}
		one := d
		one.What, one.group = w, string(w)
		one.Text = fmt.Sprintf("%s on %s where %s has %s", own, place(b), c.ref.Stack, ref)
		c.differ(one)
	}
	if a.Seq != b.Seq && a.End() == a.Seq && !a.Fresh() {
		say(Acks, fmt.Sprintf("sequence number %d", b.Seq), strconv.FormatUint(uint64(a.Seq), 10))
	}
	if a.Ack != b.Ack {
		say(Acks, ackText(b), ackText(a))
	}
	if a.ECN != b.ECN {
		say(ECN, b.ECN, a.ECN)
	}
	if a.Urgent != b.Urgent {
		say(Urgent, b.Urgent, a.Urgent)
	}
	if a.Options != b.Options {
		say(Opts, optText(b.Options), optText(a.Options))
	}
	if (a.GSO > 0 || b.GSO > 0) && a.GSO != b.GSO && a.Len == b.Len {
		if a.GSO > 0 && b.GSO > 0 || a.Len > max(a.GSO, b.GSO) {
			say(GSO, gsoText(b.GSO), gsoText(a.GSO))
		}
	}
	if wa, wb := window(a, c.refScale), window(b, c.ownScl); wa != wb {
		say(Window, fmt.Sprintf("win %d", wb), strconv.Itoa(wa))
	}
	if c.timestamps(a, b) {
		say(TS, fmt.Sprintf("TS val %d ecr %d", b.Val, b.Ecr), fmt.Sprintf("%d %d", a.Val, a.Ecr))
	}
}

func ackText(s *Segment) string {
	if s.Ack == "" {
		return ""
	}
	return "ack " + s.Ack
}

func gsoText(size int) string {
	if size == 0 {
		return "no gso_size"
	}
	return fmt.Sprintf("gso_size %d", size)
}

func optText(options string) string {
	if options == "" {
		return "no options"
	}
	return "<" + options + ">"
}

// window is what a segment offers, in bytes.
func window(s *Segment, scale int) int {
	n, _ := strconv.Atoi(s.Window)
	if s.has('S') {
		return n
	}
	return n << scale
}

// timestamps reports whether they differ. A value may be off by as much as times
// may, in milliseconds, as Linux counts them (RFC 7323, section 5.4).
func (c *comparer) timestamps(a, b *Segment) bool {
	if a.Val < 0 || b.Val < 0 {
		return false // the options differ
	}
	if a.Ecr != b.Ecr {
		return true
	}
	if c.opt.Exact {
		return a.Val != b.Val
	}
	off := b.Val - a.Val - c.shift[a].Milliseconds()
	slack := (b.At - a.At - c.shift[a]).Abs().Milliseconds() + c.slack[a].Milliseconds() + 1
	return max(off, -off) > slack
}
