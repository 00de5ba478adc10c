package golden

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tcpdrill/engine"
	"tcpdrill/script"
)

// Read reads a trace from the text of a file. The error is a script.ErrorList, with
// places, for what isn't a script, or says which line is no part of a trace.
func Read(name string, src []byte) (*Trace, error) {
	s, err := script.Parse(name, src, nil)
	if err != nil {
		return nil, err
	}
	r := &reader{name: name, src: string(src), t: &Trace{Virtual: true}, notes: map[int]string{}}
	if len(s.Comments) == 0 || comment(s.Comments[0]) != headTrace {
		return nil, fmt.Errorf("%s:1: not a trace: the first line is to be // %s", name, headTrace)
	}
	for _, c := range s.Comments[1:] {
		if err := r.comment(c); err != nil {
			return nil, err
		}
	}
	for _, ev := range s.Events {
		if err := r.event(ev); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(r.t.Events, func(a, b Event) int { return cmp.Compare(a.Line, b.Line) })
	r.t.classify()
	return r.t, nil
}

// A reader is the reading of one trace.
type reader struct {
	name  string
	src   string
	t     *Trace
	notes map[int]string // behind a line's event
}

// comment is a comment without its slashes.
func comment(c *script.Comment) string { return strings.TrimSpace(strings.TrimPrefix(c.Text, "//")) }

func (r *reader) fail(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", r.name, line, fmt.Sprintf(format, args...))
}

// comment reads a line of the header, or what is on the timeline as a comment.
func (r *reader) comment(c *script.Comment) error {
	text := comment(c)
	lineStart := strings.LastIndexByte(r.src[:c.Pos.Offset], '\n') + 1
	if strings.TrimSpace(r.src[lineStart:c.Pos.Offset]) != "" {
		r.notes[c.Pos.Line] = text
		return nil
	}
	name, value, ok := strings.Cut(text, ": ")
	if !ok {
		return nil // somebody's own
	}
	var err error
	t := r.t
	switch name {
	case headScript:
		t.Script = filepath.Join(filepath.Dir(r.name), filepath.FromSlash(value))
	case headIPVersion:
		t.IPVersion = engine.IPVersion(value)
	case headStack:
		t.Stack = value
	case headVersion:
		t.Version = value
	case headSetting:
		t.Settings = append(t.Settings, value)
	case headTick:
		t.Tick, err = time.ParseDuration(value)
	case headTolerance:
		t.Tolerance, err = time.ParseDuration(value)
	case "clock":
		t.Virtual = value != notVirtual
	case headVerdict:
		v, why, _ := strings.Cut(value, ": ")
		t.Verdict, t.Why = engine.Verdict(v), why
	case headUntil:
		t.Until, err = parseSeconds(value)
	case noteState:
		return r.state(c.Pos.Line, value)
	case noteOther:
		return r.other(c.Pos.Line, value)
	}
	if err != nil {
		return r.fail(c.Pos.Line, "%s: %v", name, err)
	}
	return nil
}

func parseSeconds(text string) (time.Duration, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("want seconds, got %s", text)
	}
	return time.Duration(f*1e9 + .5).Round(time.Microsecond), nil
}

func (r *reader) state(line int, value string) error {
	at, text, _ := strings.Cut(value, " ")
	d, err := parseSeconds(at)
	if err != nil {
		return r.fail(line, "%v", err)
	}
	r.t.Events = append(r.t.Events, Event{At: d, Kind: State, Text: text, Line: line})
	return nil
}

var gsoClause = regexp.MustCompile(` gso (\d+)$`)

// cutGSO takes the gso_size from the end of a packet's text.
func cutGSO(text string) (rest string, gso int) {
	m := gsoClause.FindStringSubmatchIndex(text)
	if m == nil {
		return text, 0
	}
	gso, _ = strconv.Atoi(text[m[2]:m[3]])
	return text[:m[0]], gso
}

// other reads a packet of another connection.
func (r *reader) other(line int, value string) error {
	value, gso := cutGSO(value)
	at, text, ok := strings.Cut(value, " > ")
	d, err := parseSeconds(at)
	if err != nil || !ok {
		return r.fail(line, "want a time, > and a packet, got %s", value)
	}
	s := readSegment(d, text, "", gso)
	s.Other = true
	r.t.Events = append(r.t.Events, Event{At: d, Kind: Sent, Text: text, Segment: &s, Line: line})
	return nil
}

// event reads what is on the timeline.
func (r *reader) event(ev *script.Event) error {
	if ev.Time.Kind != script.Absolute {
		return r.fail(ev.Pos.Line, "a trace has times since its start only")
	}
	e := Event{At: ev.Time.Start, Line: ev.Pos.Line}
	switch note := r.notes[ev.Pos.Line]; {
	case ev.Call != nil:
		_, end := ev.Call.Span()
		e.Kind, e.Text, e.Note = Call, strings.Join(strings.Fields(r.src[ev.Call.NamePos.Offset:end.Offset]), " "), note
		if e.Note == noteWaits || e.Note == noteRefused {
			e.Note = strings.TrimPrefix(e.Note, noteWaits)
			break
		}
		e.Blocks, e.End = ev.Call.Blocking, ev.Call.End
		start, _ := ev.Call.Result.Span()
		e.Result = strings.Join(strings.Fields(r.src[start.Offset:end.Offset]), " ")
		if strings.HasPrefix(e.Result, "-") {
			e.Result, _, _ = strings.Cut(e.Result, " (")
		}
	case ev.Command != nil:
		// As it stands: blanks may mean something to it.
		e.Kind, e.Text = Command, "`"+ev.Command.Line+"`"
	case ev.Device != nil:
		e.Kind, e.Text = Command, r.text(ev.Device)
	case ev.Packet != nil && ev.Packet.Direction == script.Inbound:
		e.Kind, e.Text = Inject, strings.TrimPrefix(r.text(ev.Packet), "< ")
	case ev.Packet != nil:
		e.Kind = Sent
		cause := ""
		text := strings.TrimPrefix(r.text(ev.Packet), "> ")
		if p := ev.Packet.TCP; p != nil && p.Cause != nil {
			cause = p.Cause.Text
			text = strings.TrimSuffix(text, fmt.Sprintf(" cause %q", cause))
		}
		text, gso := cutGSO(text)
		s := readSegment(e.At, text, cause, gso)
		e.Text, e.Segment = text, &s
	default:
		return r.fail(ev.Pos.Line, "a trace has calls, packets and commands only")
	}
	r.t.Events = append(r.t.Events, e)
	return nil
}

// text is a part of the trace, on one line.
func (r *reader) text(n script.Node) string {
	start, end := n.Span()
	return strings.Join(strings.Fields(r.src[start.Offset:end.Offset]), " ")
}
