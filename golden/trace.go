// Package golden keeps what TCP stacks did: traces of runs, as text that a person
// can read in a diff, and what differs between two of them.
package golden

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"tcpdrill/engine"
	"tcpdrill/script"
	"tcpdrill/script/linux"
)

// A Trace is what one stack did when a script was played to it.
type Trace struct {
	Script    string // the script's file
	IPVersion engine.IPVersion
	Stack     string   // by the name it is opened by: "kernel", "uml:6.12"
	Version   string   // "Linux 6.12.9, HZ=250"
	Settings  []string // options of the command line: "--mss=1000"
	Verdict   engine.Verdict
	Why       string        // it isn't a pass: the first failure
	Tick      time.Duration // of the stack's timer; 0 if it has none
	Virtual   bool          // the stack's time is virtual, so that times are exact
	// Tolerance is how far times may be off by the script's own options.
	Tolerance time.Duration
	Until     time.Duration // for how long the stack was watched
	Events    []Event       // in order
}

// A Kind is what an event is.
type Kind string

// Kinds of events. Inputs are calls, injections and commands, a stall of the device's
// reader among these: the script's doing.
const (
	Call    Kind = "call"
	Inject  Kind = "inject"
	Command Kind = "command"
	Sent    Kind = "sent"  // a packet of the stack
	State   Kind = "state" // what a code block read of the socket, or a counter of the device
)

// An Event is one thing that happened.
type Event struct {
	At   time.Duration // script time
	Kind Kind
	// Text is it as a line of a script has it, behind the time. Of a call it ends with
	// what the call returned.
	Text    string
	Result  string        // of a call: "1000", "-1 EAGAIN"; "" if it hasn't returned
	Blocks  bool          // of a call: it returns at End
	End     time.Duration // script time
	Note    string        // what else of a call isn't as the script says
	Segment *Segment      // of what was sent
	Line    int           // of the script, or of the file that it was read from; 0 if of none
}

// input reports whether the event is the script's doing, not the stack's.
func (e *Event) input() bool { return e.Kind == Call || e.Kind == Inject || e.Kind == Command }

// A Run says what a trace is of.
type Run struct {
	Script    string
	IPVersion engine.IPVersion
	Stack     string
	Version   string
	Settings  []string
	Virtual   bool
}

// New makes the trace of a run, which is to be one that went on to the script's end
// (--keep-going).
func New(run Run, o *engine.Outcome) *Trace {
	t := &Trace{
		Script: run.Script, IPVersion: run.IPVersion, Stack: run.Stack, Version: release(run.Version),
		Settings: run.Settings, Virtual: run.Virtual,
		Tolerance: o.Tolerance, Verdict: o.Verdict, Tick: o.Tick, Until: o.Duration,
	}
	if o.Verdict != engine.Pass && len(o.Failures) > 0 {
		f := o.Failures[0]
		t.Why = strings.Join(strings.Fields(f.Summary), " ")
		switch {
		case f.Line > 0 && f.Verdict == engine.Error: // somebody has to go there
			t.Why = fmt.Sprintf("%s:%d:%d: %s", run.Script, f.Line, f.Column, t.Why)
		case f.Line > 0:
			t.Why = fmt.Sprintf("line %d: %s", f.Line, t.Why)
		}
	}
	calls := map[int]int{} // where the call of a line is among the events
	texts := map[int]string{}
	for _, e := range o.Timeline {
		ev := Event{At: e.At, Line: e.Line, Text: strings.Join(strings.Fields(e.Text), " ")}
		switch e.Kind {
		case engine.EntryCall:
			ev.Kind = Call
			texts[e.Line] = ev.Text
			ev.Text, ev.Result = withResult(ev.Text, e.Result)
			calls[e.Line] = len(t.Events)
		case engine.EntryReturn:
			if i, ok := calls[e.Line]; ok {
				c := &t.Events[i]
				c.Blocks, c.End = true, e.At
				c.Text, c.Result = withResult(texts[e.Line], e.Result)
			}
			continue
		case engine.EntryInject:
			ev.Kind = Inject
		case engine.EntryCommand:
			ev.Kind, ev.Text = Command, strings.TrimSpace(e.Text) // blanks may mean something
		case engine.EntryCode, engine.EntryDevice:
			switch {
			case len(e.Read) > 0:
				ev.Kind, ev.Text = State, readings(e.Read)
			case e.Kind == engine.EntryDevice:
				ev.Kind = Command
			default:
				continue
			}
		case engine.EntryMatch, engine.EntryWrong, engine.EntryExtra, engine.EntryOther:
			ev.Kind = Sent
			s := readSegment(e.At, ev.Text, e.Cause, e.GSO)
			s.Other = e.Kind == engine.EntryOther
			ev.Segment = &s
		default:
			continue
		}
		t.Events = append(t.Events, ev)
	}
	t.noteCalls(o.Failures, calls)
	t.classify()
	return t
}

// release is a kernel's version without what its builder added: "Linux 6.18.44, HZ=250".
func release(version string) string {
	if m := builders.FindStringSubmatchIndex(version); m != nil {
		return version[:m[2]] + version[m[3]:]
	}
	return version
}

var builders = regexp.MustCompile(`^Linux \d+[\d.]*(-[^, ]+)`)

// noteCalls notes what calls returned through memory other than the script says, and
// those that the stack hasn't got.
func (t *Trace) noteCalls(failures []engine.Failure, calls map[int]int) {
	for _, f := range failures {
		i, ok := calls[f.Line]
		if !ok {
			continue
		}
		e := &t.Events[i]
		switch {
		case f.Verdict == engine.Unsupported && e.Result == "":
			e.Note = noteRefused
		case f.Verdict != engine.Fail && f.Verdict != engine.Inconclusive, len(f.Got) != 1:
		case f.Got[0].Field == "result", f.Got[0].Field == "errno":
		case strings.HasSuffix(f.Got[0].Field, " ptr"), strings.HasSuffix(f.Got[0].Field, " fd"): // a live descriptor
		default:
			if e.Note != "" {
				e.Note += ", "
			}
			e.Note += f.Got[0].Field + " = " + f.Got[0].Text
		}
	}
}

// classify says of each segment what it is and what it came after.
func (t *Trace) classify() {
	slices.SortStableFunc(t.Events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
	var c classifier
	for i := range t.Events {
		switch e := &t.Events[i]; e.Kind {
		case Inject:
			c.input(e.At, injected(e.Text))
		case Call:
			name, _, _ := strings.Cut(e.Text, "(")
			c.input(e.At, name)
		case Sent:
			c.classify(e.Segment)
		}
	}
}

// readings writes what a code block read.
func readings(read []engine.Reading) string {
	var values []string
	for _, r := range read {
		values = append(values, r.Name+" = "+r.Value)
	}
	return strings.Join(values, ", ")
}

// withResult is a call with what it returned in place of what the script expects,
// and that alone. A descriptor keeps the script's number: what it is live says
// nothing.
func withResult(text, result string) (whole, returned string) {
	s, err := script.Parse("", []byte("0 "+text+"\n"), nil)
	if err != nil || len(s.Events) != 1 || s.Events[0].Call == nil {
		return text, result
	}
	call := s.Events[0].Call
	start, _ := call.Result.Span()
	from, to := call.NamePos.Offset-len("0 "), start.Offset-len("0 ")
	switch {
	case result == "":
		return text[from:to] + "...", ""
	case makesFD(call.Name) && !strings.HasPrefix(result, "-") && !strings.HasPrefix(text[to:], "-"):
		return text[from:], text[to:]
	}
	return text[from:to] + inFull(result), result
}

// inFull is a result as a script has it, an error with its words.
func inFull(result string) string {
	_, name, failed := strings.Cut(result, " ")
	if n, ok := linux.Errno(name); failed && ok {
		return fmt.Sprintf("%s (%s)", result, linux.Strerror(n))
	}
	return result
}

// makesFD reports whether a call returns a descriptor.
func makesFD(call string) bool {
	switch call {
	case "socket", "accept", "accept4", "dup", "open", "epoll_create", "epoll_create1":
		return true
	}
	return false
}
