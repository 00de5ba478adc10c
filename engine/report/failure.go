// Package report writes outcomes for people: one printer for failures,
// verbose runs and timelines. Its packets are in script notation.
package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tcpdrill/engine"
)

// A Run is what a report is about.
type Run struct {
	Script    string // the file's name, as the user gave it
	Source    []byte
	Stack     string
	IPVersion engine.IPVersion
	Outcome   *engine.Outcome

	Seconds float64 // spent on it, by the machine's clock
	Virtual bool    // the stack's time is
	Reruns  int     // how often it was run again, as the harness was late
	Repeat  int     // which run of the same it is, from 1; 0 if it is run once

	// Differs is why the script was expected not to pass on this stack, if it didn't:
	// then the verdict is a pass, and what failed is among the warnings.
	Differs string

	// Detail is all that there is to say of a run that was read back from JSONL.
	Detail string
}

// name is what a run is called in a report.
func (r Run) name() string {
	again := ""
	if r.Repeat > 0 {
		again = fmt.Sprintf(", run %d", r.Repeat)
	}
	return fmt.Sprintf("%s (%s, %s%s)", r.Script, r.Stack, r.IPVersion, again)
}

// first returns the failure that decided the verdict, if there is one.
func (r Run) first() (f engine.Failure, ok bool) {
	if len(r.Outcome.Failures) == 0 {
		return f, false
	}
	return r.Outcome.Failures[0], true
}

// brief is a run's verdict in a line: "line 5: wrong packet: win differs". It is
// "" if it passed.
func (r Run) brief() string {
	f, ok := r.first()
	if !ok {
		return ""
	}
	s := strings.Join(strings.Fields(f.Summary), " ")
	if f.Line > 0 {
		s = fmt.Sprintf("line %d: %s", f.Line, s)
	}
	return s
}

// timelineTail is how much of a timeline a failure shows.
const timelineTail = 24

// Failure writes a run that didn't pass: each failure at its place in the
// script, what was expected over what was seen, and the timeline so far. With
// whole the timeline is not cut to its end.
func Failure(w io.Writer, r Run, whole bool) {
	o := r.Outcome
	if r.Detail != "" {
		fmt.Fprintln(w, r.Detail)
		return
	}
	for i, f := range o.Failures {
		failure(w, r, f, label(f.Verdict, o.Verdict))
		if i == 0 {
			Timeline(w, o, whole)
		}
	}
	Warnings(w, r)
	output(w, o)
}

// Pass writes all there is to say of a run that passed.
func Pass(w io.Writer, r Run) {
	if r.Differs != "" {
		fmt.Fprintf(w, "  %s\n", r.differs())
	}
	Timeline(w, r.Outcome, true)
	if b := r.Outcome.Barely; b != "" {
		fmt.Fprintf(w, "  passed barely: %s\n", b)
	}
	warnings(w, r)
	output(w, r.Outcome)
}

// differs says that a run differs as its script expects it, and why.
func (r Run) differs() string { return "differs as expected: " + r.Differs }

// Warnings writes the mismatches of a run that its script lets pass. Of a script that
// differs as it says nobody need look at them.
func Warnings(w io.Writer, r Run) {
	if r.Differs == "" {
		warnings(w, r)
	}
}

func warnings(w io.Writer, r Run) {
	for _, f := range r.Outcome.Warnings {
		failure(w, r, f, warningLabel(r))
	}
}

// warningLabel is what a run's warnings are called.
func warningLabel(r Run) string {
	if r.Differs != "" {
		return "as expected: "
	}
	return "warning: "
}

// failure writes one failure.
func failure(w io.Writer, r Run, f engine.Failure, label string) {
	fmt.Fprintf(w, "%s: %s%s\n", place(r.Script, f), label, f.Summary)
	lines := bytes.Split(r.Source, []byte("\n"))
	if f.Line > 0 && f.Line <= len(lines) {
		sourceLine(w, string(lines[f.Line-1]), f.Line, f.Column)
	}
	sides(w, f)
	for _, n := range f.Notes {
		fmt.Fprintf(w, "  note  %s\n", strings.ReplaceAll(n, "\n", "\n        "))
	}
}

// output writes what code and commands printed.
func output(w io.Writer, o *engine.Outcome) {
	if out := strings.TrimRight(o.Output, "\n"); out != "" {
		fmt.Fprintf(w, "  the script printed:\n    %s\n", strings.ReplaceAll(out, "\n", "\n    "))
	}
}

// place is "file:line:column", as much of it as is known.
func place(name string, f engine.Failure) string {
	switch {
	case f.Line == 0:
		return name
	case f.Column == 0:
		return fmt.Sprintf("%s:%d", name, f.Line)
	}
	return fmt.Sprintf("%s:%d:%d", name, f.Line, f.Column)
}

func label(v, first engine.Verdict) string {
	switch {
	case v == engine.Fail && first == engine.Fail, v == engine.Error:
		return ""
	}
	return string(v) + ": "
}

// sourceLine shows a line of the script with a caret under the column (1 is
// the first byte).
func sourceLine(w io.Writer, line string, number, column int) {
	line = strings.TrimRight(line, "\r")
	fmt.Fprintf(w, "%5d | %s\n", number, line)
	if c := caret(line, column); c != "" {
		fmt.Fprintf(w, "      | %s\n", c)
	}
}

// caret is what stands below a line to point at a column, "" if it has none. Tabs
// stay tabs, so that it stands right whatever their width.
func caret(line string, column int) string {
	if column < 1 || column > len(line)+1 {
		return ""
	}
	return strings.Map(func(c rune) rune {
		if c == '\t' {
			return c
		}
		return ' '
	}, line[:column-1]) + "^"
}

// sides shows what was expected over what was seen. Tokens of the same field
// stand in the same column; those that differ are marked.
func sides(w io.Writer, f engine.Failure) {
	if len(f.Want) == 0 && len(f.Got) == 0 {
		return
	}
	var want, got, marks strings.Builder
	for _, p := range pairs(f.Want, f.Got) {
		a, b := p.want, p.got
		n := max(utf8.RuneCountInString(a.Text), utf8.RuneCountInString(b.Text))
		mark := " "
		if a.Differ || b.Differ {
			mark = "^"
		}
		sep := " "
		if a.Field == "length" || b.Field == "length" || strings.HasPrefix(a.Field+b.Field, "option ") && a.Field != "option 0" && b.Field != "option 0" {
			sep = "" // follows what is before it
		}
		fmt.Fprintf(&want, "%s%-*s", sep, n, a.Text)
		fmt.Fprintf(&got, "%s%-*s", sep, n, b.Text)
		marks.WriteString(sep)
		marks.WriteString(strings.Repeat(mark, n))
	}
	fmt.Fprintf(w, "  want %s\n", strings.TrimRight(want.String(), " "))
	if len(f.Got) == 0 {
		fmt.Fprintf(w, "  got   nothing\n")
		return
	}
	fmt.Fprintf(w, "  got  %s\n", strings.TrimRight(got.String(), " "))
	if m := strings.TrimRight(marks.String(), " "); m != "" {
		fmt.Fprintf(w, "       %s\n", m)
	}
}

// A pair is what was expected and what was seen of one field; either may be empty.
type pair struct{ want, got engine.Token }

// pairs puts tokens of the same field together.
func pairs(a, b []engine.Token) (out []pair) {
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(a) == 0:
			out = append(out, pair{got: b[0]})
			b = b[1:]
		case len(b) == 0:
			out = append(out, pair{want: a[0]})
			a = a[1:]
		case a[0].Field == b[0].Field:
			out = append(out, pair{a[0], b[0]})
			a, b = a[1:], b[1:]
		case has(b, a[0].Field):
			out = append(out, pair{got: b[0]})
			b = b[1:]
		default:
			out = append(out, pair{want: a[0]})
			a = a[1:]
		}
	}
	return out
}

func has(toks []engine.Token, field string) bool {
	for _, t := range toks {
		if t.Field == field {
			return true
		}
	}
	return false
}

// kinds are the signs that entries of the timeline bear.
var kinds = map[engine.EntryKind]string{
	engine.EntryInject:  " <",
	engine.EntryMatch:   " >",
	engine.EntryWrong:   "!>",
	engine.EntryMissing: "! ",
	engine.EntryExtra:   "?>",
	engine.EntryOther:   " -",
}

// Timeline writes what happened: when, at which line of the script, what.
// Packets bear < (injected), > (sent and expected), !> (sent and wrong), ?>
// (sent and not expected) or - (of another socket).
func Timeline(w io.Writer, o *engine.Outcome, whole bool) {
	entries := o.Timeline
	if len(entries) == 0 {
		return
	}
	fmt.Fprintf(w, "  timeline\n")
	if n := len(entries) - timelineTail; n > 0 && !whole {
		fmt.Fprintf(w, "    … %d earlier, see -v\n", n)
		entries = entries[n:]
	}
	for _, e := range entries {
		fmt.Fprintf(w, "    %s\n", Entry(e))
	}
}

// Entry is one entry of a timeline as a line of text.
func Entry(e engine.Entry) string {
	line := "     "
	if e.Line > 0 {
		line = fmt.Sprintf("%5d", e.Line)
	}
	text := e.Text
	if e.Kind == engine.EntryMissing {
		text = "nothing sent for: " + text
	}
	if e.GSO > 0 {
		text += fmt.Sprintf("  (super-segment, gso_size %d)", e.GSO)
	}
	if e.FragmentID > 0 {
		text += fmt.Sprintf("  (id %d)", e.FragmentID)
	}
	if e.Cause != "" {
		text += "  (" + e.Cause + ")"
	}
	sign := kinds[e.Kind]
	if sign == "" {
		sign = "  "
	}
	if len(e.Functions) > 0 {
		text += "\n" + functions(e)
	}
	return strings.TrimRight(fmt.Sprintf("%9s %s %s %s", tenths(e.At), line, sign, strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", 23))), " ")
}

// functions are those of the kernel that sent a packet, as they called each other.
func functions(e engine.Entry) string {
	names := slices.Clone(e.Functions)
	slices.Reverse(names)
	return "by " + strings.Join(names, " > ")
}

// tenths prints a time in seconds to a tenth of a millisecond.
func tenths(d time.Duration) string { return fmt.Sprintf("%.4f", d.Seconds()) }
