package golden

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"tcpdrill/engine"
	"tcpdrill/script"
)

// A trace as text is a script, of absolute times: what was done to the stack, and
// what it did. What the language has no words for is in comments: first the header,
// a "name: value" a line, then what was read of the socket's state and packets of
// other connections, where they happened.

// Names of the header's lines, and of comments on the timeline.
const (
	headTrace     = "tcpdrill trace"
	headScript    = "script"
	headIPVersion = "ip-version"
	headStack     = "stack"
	headVersion   = "version"
	headSetting   = "option"
	headTick      = "tick"
	headTolerance = "tolerance"
	headVerdict   = "verdict"
	headUntil     = "until"
	noteOther     = "other"
	noteState     = "state"
	noteWaits     = "hasn't returned"
	noteRefused   = "isn't supported"
	notVirtual    = "real time"
)

// Bytes is the trace as text. Its script is named as it is seen from the folder dir.
func (t *Trace) Bytes(dir string) []byte {
	var b bytes.Buffer
	t.write(&b, dir)
	return b.Bytes()
}

func (t *Trace) write(w io.Writer, dir string) {
	head := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "// %s: %s\n", name, strings.ReplaceAll(value, "\n", " "))
		}
	}
	fmt.Fprintf(w, "// %s\n", headTrace)
	head(headScript, t.scriptFrom(dir))
	head(headIPVersion, string(t.IPVersion))
	head(headStack, t.Stack)
	head(headVersion, t.Version)
	for _, s := range t.Settings {
		head(headSetting, s)
	}
	if t.Tick > 0 {
		head(headTick, t.Tick.String())
	}
	if !t.Virtual {
		head("clock", notVirtual)
	}
	head(headTolerance, t.Tolerance.String())
	verdict := string(t.Verdict)
	if t.Why != "" {
		verdict += ": " + t.Why
	}
	head(headVerdict, verdict)
	head(headUntil, t.seconds(t.Until))
	fmt.Fprintln(w)
	for i := range t.Events {
		fmt.Fprintln(w, t.line(&t.Events[i]))
	}
}

// scriptFrom names the script as it is seen from a folder.
func (t *Trace) scriptFrom(dir string) string {
	from, err := filepath.Abs(dir)
	if err != nil {
		return t.Script
	}
	name, err := filepath.Abs(t.Script)
	if err != nil {
		return t.Script
	}
	if rel, err := filepath.Rel(from, name); err == nil {
		return filepath.ToSlash(rel)
	}
	return t.Script
}

// seconds prints a time: to a tenth of a millisecond, and to a millisecond where
// time is real and more would differ from run to run.
func (t *Trace) seconds(d time.Duration) string {
	if !t.Virtual {
		return fmt.Sprintf("%.3f", d.Round(time.Millisecond).Seconds())
	}
	return fmt.Sprintf("%.4f", d.Round(time.Millisecond/10).Seconds())
}

// line is an event as a line.
func (t *Trace) line(e *Event) string {
	at := t.seconds(e.At)
	if e.Blocks {
		at += "..." + t.seconds(e.End)
	}
	switch e.Kind {
	case State:
		return fmt.Sprintf("// %s: %s %s", noteState, at, e.Text)
	case Command:
		return at + " " + e.Text
	case Inject:
		return at + " < " + e.Text
	case Call:
		text := at + " " + e.Text
		switch {
		case e.Result == "":
			text += " // " + cmp.Or(e.Note, noteWaits)
		case e.Note != "":
			text += " // " + e.Note
		}
		return text
	}
	text := fmt.Sprintf("%s > %s", at, e.Text)
	if e.Segment.GSO > 0 {
		text += fmt.Sprintf(" gso %d", e.Segment.GSO)
	}
	other := e.Segment.Other
	if e.Segment.Cause != "" && !other {
		// Only segments can have one.
		if why := fmt.Sprintf(" cause %q", e.Segment.Cause); !e.Segment.Unreadable || parses(text+why) {
			text += why
		}
	}
	if !other && e.Segment.Unreadable {
		other = !parses(text)
	}
	if other {
		text = fmt.Sprintf("// %s: %s", noteOther, text)
	}
	return text
}

// parses reports whether a line is one of the language.
func parses(line string) bool {
	_, err := script.Parse("", []byte("0 socket(..., SOCK_STREAM, 0) = 3\n"+line+"\n"), nil)
	return err == nil
}

// Name is what the file of a script's trace is called, below the folder of a stack's:
// the script's own name, with the IP version if that isn't the usual one.
func Name(scriptFile string, v engine.IPVersion) string {
	name := filepath.ToSlash(filepath.Clean(scriptFile))
	for strings.HasPrefix(name, "../") {
		name = strings.TrimPrefix(name, "../")
	}
	name = strings.TrimPrefix(name, "/")
	name = strings.TrimSuffix(name, ".pkt")
	if v != engine.IPv4 {
		name += "." + string(v)
	}
	return name + Ext
}

// Ext is how names of files with traces end.
const Ext = ".trace"
