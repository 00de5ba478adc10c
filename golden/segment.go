package golden

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tcpdrill/engine"
)

// A Segment is a packet of a trace: what a stack sent, in script numbers.
type Segment struct {
	At    time.Duration // script time
	Text  string        // in script notation
	Cause string        // why it was sent; "" if the stack doesn't say
	GSO   int           // gso_size of a super-segment; 0 for others

	ECN        string // "ect0"; "" for none
	Flags      string
	Seq        uint32
	Len        int
	Ack        string // "" for none
	Window     string
	Urgent     string
	Options    string // without timestamps
	Val, Ecr   int64  // -1 for none
	Unreadable bool   // not TCP: compared as text

	Kind  string // "data", "retransmission", "ack", "FIN", …
	On    string // what came before: "ack", "write", "timer", …
	Other bool   // of another connection than the one under test
}

var (
	tcpText = regexp.MustCompile(`^(?:\[(\w+)\] )?([FSRPUEWA.]+|-) (\d+):\d+\((\d+)\)(?: ack (\d+))?(?: win (\d+))?(?: urg (\d+))?(?: <(.*)>)?$`)
	tsText  = regexp.MustCompile(`TS val (\d+) ecr (\d+)`)
)

// readSegment takes apart the text of a sent packet.
func readSegment(at time.Duration, text, cause string, gso int) Segment {
	s := Segment{At: at, Text: text, Cause: cause, GSO: gso, Val: -1, Ecr: -1}
	m := tcpText.FindStringSubmatch(text)
	if m == nil {
		s.Unreadable = true
		s.Kind = "other"
		return s
	}
	seq, _ := strconv.ParseUint(m[3], 10, 32)
	s.ECN, s.Flags, s.Seq = m[1], m[2], uint32(seq)
	s.Len, _ = strconv.Atoi(m[4])
	s.Ack, s.Window, s.Urgent = m[5], m[6], m[7]
	if t := tsText.FindStringSubmatch(m[8]); t != nil {
		s.Val, _ = strconv.ParseInt(t[1], 10, 64)
		s.Ecr, _ = strconv.ParseInt(t[2], 10, 64)
	}
	s.Options = tsText.ReplaceAllString(m[8], "TS")
	return s
}

// End returns the sequence number after the segment.
func (s Segment) End() uint32 {
	n := uint32(s.Len)
	for _, f := range s.Flags {
		if f == 'F' || f == 'S' {
			n++
		}
	}
	return s.Seq + n
}

// Fresh reports whether it answers a SYN that begins a connection beside the
// script's: its number is drawn at random.
func (s Segment) Fresh() bool { return s.Flags == "S." && s.Seq != 0 }

// Segments returns what a stack sent on the connection under test in a run.
func Segments(o *engine.Outcome) []Segment {
	var c classifier
	var out []Segment
	for _, e := range o.Timeline {
		switch e.Kind {
		case engine.EntryInject:
			c.input(e.At, injected(e.Text))
		case engine.EntryCall:
			name, _, _ := strings.Cut(e.Text, "(")
			c.input(e.At, name)
		case engine.EntryMatch, engine.EntryExtra, engine.EntryWrong:
			s := readSegment(e.At, e.Text, e.Cause, e.GSO)
			c.classify(&s)
			out = append(out, s)
		}
	}
	return out
}

// A classifier says what segments are and what they came after.
type classifier struct {
	last    time.Duration
	on      string
	highest uint32
	seen    bool
}

// input tells of what was done to the stack.
func (c *classifier) input(at time.Duration, what string) { c.last, c.on = at, what }

// classify fills in Kind and On.
func (c *classifier) classify(s *Segment) {
	s.On = c.on
	if s.At > c.last+time.Millisecond/2 || c.on == "" {
		s.On = "timer"
	}
	if s.Unreadable || s.Other {
		return
	}
	if !c.seen {
		c.seen, c.highest = true, s.Seq
	}
	s.Kind = kindOf(*s, c.highest)
	if before(c.highest, s.End()) {
		c.highest = s.End()
	}
}

// injected says what a packet of the other end is.
func injected(text string) string {
	m := tcpText.FindStringSubmatch(text)
	switch {
	case m == nil:
		return "icmp"
	case strings.Contains(m[2], "R"):
		return "reset"
	case strings.Contains(m[2], "S"):
		return "syn"
	case strings.Contains(m[2], "F"):
		return "fin"
	case m[4] != "0":
		return "data"
	case strings.Contains(m[8], "sack"):
		return "sack"
	}
	return "ack"
}

func kindOf(s Segment, highest uint32) string {
	has := func(f string) bool { return strings.Contains(s.Flags, f) }
	again := s.End() != s.Seq && before(s.Seq, highest)
	switch {
	case has("R"):
		return "RST"
	case has("S") && again:
		return "SYN again"
	case has("S"):
		return "SYN"
	case has("F") && again:
		return "FIN again"
	case has("F"):
		return "FIN"
	case again:
		return "retransmission"
	case s.Len > 0:
		return "data"
	case before(s.Seq, highest):
		return "probe"
	}
	return "ack"
}

// Eventful reports whether a run had a loss or a timer that expired: something
// was sent again, or without anything that brought it about.
func Eventful(segments []Segment) bool {
	return slices.ContainsFunc(segments, func(s Segment) bool {
		return s.On == "timer" || s.Kind == "retransmission" || s.Kind == "FIN again" || s.Kind == "SYN again"
	})
}

// before reports whether a comes before b, modulo 2^32 (RFC 9293, section 3.4).
func before(a, b uint32) bool { return int32(a-b) < 0 }

// Cut cuts super-segments as the wire would carry them.
func Cut(segments []Segment) []Segment {
	var out []Segment
	for _, s := range segments {
		if s.GSO <= 0 || s.Len <= s.GSO {
			s.GSO = 0
			out = append(out, s)
			continue
		}
		for off := 0; off < s.Len; off += s.GSO {
			w := s
			w.GSO, w.Seq, w.Len = 0, s.Seq+uint32(off), min(s.GSO, s.Len-off)
			if off+w.Len < s.Len {
				w.Flags = strings.NewReplacer("P", "", "F", "").Replace(s.Flags)
			}
			if off > 0 {
				w.Flags = strings.Replace(w.Flags, "W", "", 1)
			}
			out = append(out, w)
		}
	}
	return out
}
