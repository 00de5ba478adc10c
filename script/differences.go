package script

import (
	"regexp"
	"slices"
	"strings"
)

// A Difference says that a script is expected not to pass on some stacks, and why. It
// is a header of the comment at a script's top, which ends where the comment has an
// empty line or the next header:
//
//	// Differs on netstack, passt 0.0~git20230309: they have no delayed ACK (RFC
//	// 9293, section 3.8.6.3).
//
// Or it says, alike, that a script is for some stacks only, and not to be run on others:
//
//	// Runs on passt, slirp: it is about what a proxy does to its guest.
type Difference struct {
	Range
	Only bool // it says on which stacks the script runs
	// Stacks are as it names them: "kernel", "uml" for all kernels in virtual time,
	// "uml:6.12"; with a version "kernel 6.12".
	Stacks []string
	Reason string
}

// How headers begin.
const (
	differsOn = "Differs on"
	runsOn    = "Runs on"
)

// A Stack is one that a script may name.
type Stack struct {
	Name    string        // "kernel", "uml:6.12"
	Version func() string // "Linux 6.12.9, HZ=250"; nil if it has none
}

// On reports whether d is about a stack.
func (d *Difference) On(stack Stack) bool {
	kind, _, _ := strings.Cut(stack.Name, ":")
	return slices.ContainsFunc(d.Stacks, func(name string) bool {
		name, version, _ := strings.Cut(name, " ")
		return (name == stack.Name || name == kind) &&
			(version == "" || stack.Version != nil && hasVersion(stack.Version(), version))
	})
}

// hasVersion reports whether a text has a version in it, whole or up to where a part of it
// ends: 6.1 is in "Linux 6.1.9" and "v6.1-rc2", and not in "Linux 6.12".
func hasVersion(text, version string) bool {
	return regexp.MustCompile(`(^|[^0-9A-Za-z])v?` + regexp.QuoteMeta(version) + `($|[^0-9A-Za-z])`).MatchString(text)
}

// DiffersOn returns the first of ds by which a script is expected not to pass on a stack,
// nil if there is none.
func DiffersOn(ds []*Difference, stack Stack) *Difference {
	for _, d := range ds {
		if !d.Only && d.On(stack) {
			return d
		}
	}
	return nil
}

// KeptOff returns the one of ds by which a script is not to be run on a stack, nil if it
// may.
func KeptOff(ds []*Difference, stack Stack) (off *Difference) {
	for _, d := range ds {
		switch {
		case d.Only && d.On(stack):
			return nil
		case d.Only && off == nil:
			off = d
		}
	}
	return off
}

// Differences returns the headers by which a script says on which stacks it is
// expected not to pass, or runs, and what is wrong with them. They stand before the first
// line that is neither empty nor a comment. packetdrill takes them for what they are
// to it, comments.
func Differences(s *Script) ([]*Difference, ErrorList) {
	var ds []*Difference
	var errs ErrorList
	var h header
	add := func() {
		if h.text == "" {
			return
		}
		if d, err := h.difference(); err != nil {
			errs = append(errs, err)
		} else {
			ds = append(ds, d)
		}
		h = header{}
	}
	for _, c := range s.Comments {
		if c.Pos.Offset >= s.Pos.Offset {
			break
		}
		text, ok := strings.CutPrefix(c.Text, "//")
		blank := len(text) - len(strings.TrimLeft(text, " \t"))
		text = strings.TrimSpace(text)
		starts := ok && begins(text) != ""
		if starts || !ok || text == "" || len(h.at) > 0 && c.Pos.Line != h.at[len(h.at)-1].Line+1 {
			add()
		}
		if starts || h.text != "" && ok && text != "" {
			pos := c.Pos
			pos.Offset += len("//") + blank
			pos.Column += len("//") + blank
			h.line(pos, text)
		}
	}
	add()
	return ds, errs
}

// begins returns the words with which a comment's line begins a header, "" if it doesn't.
func begins(text string) string {
	for _, words := range []string{differsOn, runsOn} {
		rest, ok := strings.CutPrefix(text, words)
		if ok && (rest == "" || strings.ContainsAny(rest[:1], " \t:")) {
			return words
		}
	}
	return ""
}

// A header is the text of one, its lines joined, with the place of each byte.
type header struct {
	text string
	at   []Position
}

// line adds a line that stands at pos.
func (h *header) line(pos Position, text string) {
	if h.text != "" {
		h.text += " "
		h.at = append(h.at, h.after(len(h.at)-1))
	}
	h.text += text
	for range len(text) {
		h.at = append(h.at, pos)
		pos.Offset++
		pos.Column++
	}
}

// after is the place after a byte.
func (h *header) after(i int) Position {
	pos := h.at[i]
	pos.Offset++
	pos.Column++
	return pos
}

// place is where the text from one byte up to another one stands; if that is nothing,
// where the byte before it ends.
func (h *header) place(from, to int) Range {
	if from >= to {
		end := h.after(from - 1)
		return Range{end, end}
	}
	return Range{h.at[from], h.after(to - 1)}
}

// stackName is what stacks are called, maybe with a version.
var stackName = regexp.MustCompile(`^[a-z][a-z0-9_-]*(:[^\s,:]+)?( [^\s,:]*[0-9][^\s,:]*)?$`)

// difference reads a header.
func (h *header) difference() (*Difference, *Error) {
	words := begins(h.text)
	why := "why the script differs"
	detail := "A script that differs on some stacks has at its top a line such as // Differs on gostack, uml:6.12: why."
	if words == runsOn {
		why = "why it doesn't run on others"
		detail = "A script that is for some stacks only has at its top a line such as // Runs on passt, slirp: why."
	}
	fail := func(from, to int, summary string) (*Difference, *Error) {
		r := h.place(from, to)
		return nil, &Error{Pos: r.Pos, End: r.EndPos, Summary: summary, Detail: detail, Late: true}
	}
	d := &Difference{Range: h.place(0, len(h.text)), Only: words == runsOn}
	// A colon in a name is followed by the rest of it.
	end := strings.Index(h.text+" ", ": ")
	if end < 0 {
		return fail(0, len(h.text), "got the end of the header, want a colon and "+why)
	}
	for from := len(words); from <= end; {
		to := end
		if n := strings.IndexByte(h.text[from:end], ','); n >= 0 {
			to = from + n
		}
		written := strings.TrimSpace(h.text[from:to])
		name := strings.Join(strings.Fields(written), " ")
		switch start := from + strings.Index(h.text[from:to], written); {
		case name == "":
			return fail(to, to+1, "got "+h.text[to:to+1]+", want the name of a stack")
		case !stackName.MatchString(name):
			return fail(start, start+len(written), "got "+name+", want the name of a stack")
		}
		d.Stacks = append(d.Stacks, name)
		from = to + 1
	}
	d.Reason = strings.TrimSpace(h.text[end+1:])
	if d.Reason == "" {
		return fail(end+1, end+1, "got the end of the header, want "+why)
	}
	return d, nil
}
