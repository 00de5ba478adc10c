package report

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"tcpdrill/engine"
)

// How much of what may be without end is in the page.
const (
	htmlFailures = 50
	htmlOutput   = 64 << 10 // bytes
)

// An htmlResult is a result as the page's program wants it.
type htmlResult struct {
	ID        string        `json:"id"`
	Script    string        `json:"script"`
	Stack     string        `json:"stack"`
	IPVersion string        `json:"ip"`
	Verdict   string        `json:"verdict"`
	Icon      string        `json:"icon"`
	Seconds   float64       `json:"seconds"` // of the stack's time, if that is virtual
	Time      string        `json:"time"`
	Virtual   bool          `json:"virtual,omitempty"`
	Reruns    int           `json:"reruns,omitempty"`
	Differs   string        `json:"differs,omitempty"` // why that was expected
	Source    int           `json:"source"`
	Chart     int           `json:"chart"`
	Lines     string        `json:"lines"` // a lineState for each line of the source
	Failures  []htmlFailure `json:"failures,omitempty"`
	Warnings  []htmlFailure `json:"warnings,omitempty"`
	LeftOut   int           `json:"leftout,omitempty"` // failures and warnings
	Read      []htmlReading `json:"read,omitempty"`
	Output    string        `json:"output,omitempty"`
	Harness   []string      `json:"harness,omitempty"`
}

// An htmlFailure is a failure or a warning.
type htmlFailure struct {
	Place   string      `json:"place"`
	Label   string      `json:"label,omitempty"` // what it is, if it isn't a failure
	Summary string      `json:"summary"`
	Line    int         `json:"line,omitempty"`
	Text    string      `json:"text,omitempty"` // the line's
	Caret   string      `json:"caret,omitempty"`
	Fields  []htmlField `json:"fields,omitempty"`
	Nothing bool        `json:"nothing,omitempty"` // nothing was got
	Notes   []string    `json:"notes,omitempty"`
}

// An htmlField is one field of a packet or a call, expected and seen.
type htmlField struct {
	Name   string `json:"name"`
	Want   string `json:"want"`
	Got    string `json:"got"`
	Differ bool   `json:"differ,omitempty"`
}

// An htmlReading is what a code block saw of the socket's state.
type htmlReading struct {
	Line int    `json:"line"`
	At   string `json:"at"`
	Text string `json:"text"`
}

// Summary is what the table says of a result.
func (r htmlResult) Summary() string {
	switch {
	case r.Differs != "":
		return Run{Differs: r.Differs}.differs()
	case len(r.Failures) == 0:
		return ""
	}
	f := r.Failures[0]
	summary := f.Summary
	if f.Line > 0 {
		summary = fmt.Sprintf("line %d: %s", f.Line, summary)
	}
	if n := len(r.Failures) - 1; n > 0 {
		summary += fmt.Sprintf(" (and %d more)", n)
	}
	return summary
}

func htmlResultOf(r Run, s *source) htmlResult {
	o := r.Outcome
	one := htmlResult{
		Script: r.Script, Stack: r.Stack, IPVersion: string(r.IPVersion),
		Verdict: string(o.Verdict), Icon: verdictIcons[o.Verdict],
		Seconds: round(r.Seconds, 1e3), Virtual: r.Virtual, Reruns: r.Reruns, Differs: r.Differs,
		Lines: s.states(r), Output: shortened(o.Output, htmlOutput),
	}
	if r.Virtual {
		one.Seconds = round(o.Duration.Seconds(), 1e4)
	}
	one.Time = fmt.Sprintf("%.2f s", one.Seconds)
	for i, f := range o.Failures {
		if i >= htmlFailures {
			one.LeftOut++
			continue
		}
		one.Failures = append(one.Failures, htmlFailureOf(r, f, label(f.Verdict, o.Verdict)))
	}
	for i, f := range o.Warnings {
		if i >= htmlFailures {
			one.LeftOut++
			continue
		}
		one.Warnings = append(one.Warnings, htmlFailureOf(r, f, warningLabel(r)))
	}
	for _, e := range o.Timeline {
		if len(e.Read) > 0 {
			var values []string
			for _, v := range e.Read {
				values = append(values, v.Name+" = "+v.Value)
			}
			one.Read = append(one.Read, htmlReading{e.Line, tenths(e.At), strings.Join(values, ", ")})
		}
	}
	one.Harness = harness(r)
	return one
}

func htmlFailureOf(r Run, f engine.Failure, label string) htmlFailure {
	one := htmlFailure{
		Place: place(r.Script, f), Label: label, Summary: f.Summary, Line: f.Line, Notes: f.Notes,
		Nothing: len(f.Want) > 0 && len(f.Got) == 0,
	}
	if lines := bytes.Split(r.Source, []byte("\n")); f.Line > 0 && f.Line <= len(lines) {
		one.Text = strings.TrimRight(string(lines[f.Line-1]), "\r")
		one.Caret = caret(one.Text, f.Column)
	}
	for _, p := range pairs(f.Want, f.Got) {
		name := p.want.Field
		if name == "" {
			name = p.got.Field
		}
		one.Fields = append(one.Fields, htmlField{name, p.want.Text, p.got.Text, p.want.Differ || p.got.Differ})
	}
	return one
}

// harness is how well the harness itself did, in real time.
func harness(r Run) (out []string) {
	o := r.Outcome
	if l := o.Lateness; !r.Virtual && l.Waits > 0 {
		text := fmt.Sprintf("never late in %d waits", l.Waits)
		if w := l.Worst; w.Late > 0 {
			text = fmt.Sprintf("at most %.3f ms late in %d waits (%s of line %d, due at %s)",
				w.Late.Seconds()*1000, l.Waits, w.What, w.Line, tenths(w.Due))
		}
		out = append(out, text)
		if l.MaxReturn > 0 {
			out = append(out, fmt.Sprintf("the longest injection took %.3f ms", l.MaxReturn.Seconds()*1000))
		}
	}
	for _, c := range []struct {
		n    uint64
		text string
	}{
		{o.Counters.TxDropped, "%d packets of the stack dropped by the device"},
		{o.Counters.CaptureDropped, "%d packets of the stack not captured"},
		{o.Counters.RxDropped, "%d injected packets dropped by the device"},
	} {
		if c.n > 0 {
			out = append(out, fmt.Sprintf(c.text, c.n))
		}
	}
	return out
}

// shortened is a text without its middle, if it is longer than most bytes.
func shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}
	head, tail := most/2, len(text)-most/2
	for head > 0 && !utf8.RuneStart(text[head]) {
		head--
	}
	for tail < len(text) && !utf8.RuneStart(text[tail]) {
		tail++
	}
	return fmt.Sprintf("%s\n… %d bytes left out: see run -v …\n%s", text[:head], tail-head, text[tail:])
}
