package crosscheck

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
	At    time.Duration
	Text  string
	Cause string
	GSO   int

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

	Kind string // "data", "retransmission", "ack", "FIN", …
	On   string // what came before: "ack", "write", "timer", …
}

var (
	tcpText = regexp.MustCompile(`^(?:\[(\w+)\] )?([FSRPUEWA.]+|-) (\d+):\d+\((\d+)\)(?: ack (\d+))?(?: win (\d+))?(?: urg (\d+))?(?: <(.*)>)?$`)
	tsText  = regexp.MustCompile(`TS val (\d+) ecr (\d+)`)
)

// readSegment takes apart the text of a sent packet.
func readSegment(e engine.Entry) Segment {
	s := Segment{At: e.At, Text: e.Text, Cause: e.Cause, GSO: e.GSO, Val: -1, Ecr: -1}
	m := tcpText.FindStringSubmatch(e.Text)
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

// end returns the sequence number after the segment.
func (s Segment) end() uint32 {
	n := uint32(s.Len)
	for _, f := range s.Flags {
		if f == 'F' || f == 'S' {
			n++
		}
	}
	return s.Seq + n
}

// fresh reports whether it answers a SYN that begins a connection beside the
// script's: its number is drawn at random.
func (s Segment) fresh() bool { return s.Flags == "S." && s.Seq != 0 }

// Segments returns what a stack sent in a run.
func Segments(o *engine.Outcome) []Segment {
	var out []Segment
	last, on := time.Duration(0), "nothing"
	highest := uint32(0)
	for _, e := range o.Timeline {
		switch e.Kind {
		case engine.EntryInject:
			last, on = e.At, injected(e.Text)
		case engine.EntryCall:
			name, _, _ := strings.Cut(e.Text, "(")
			last, on = e.At, name
		case engine.EntryMatch, engine.EntryExtra, engine.EntryWrong:
			s := readSegment(e)
			s.On = on
			if s.At > last+time.Millisecond/2 || on == "nothing" {
				s.On = "timer"
			}
			if !s.Unreadable {
				s.Kind = kindOf(s, highest)
				if before(highest, s.end()) {
					highest = s.end()
				}
			}
			out = append(out, s)
		}
	}
	return out
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
	again := s.end() != s.Seq && before(s.Seq, highest)
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

// cut cuts super-segments as the wire would carry them.
func cut(segments []Segment) []Segment {
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
