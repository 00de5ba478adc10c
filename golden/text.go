package golden

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"tcpdrill/engine"
)

// TextOptions say how much Text writes.
type TextOptions struct {
	Verbose  bool // the traces side by side, of scripts on which stacks differ
	Versions bool // scripts were run in several IP versions
	// Different leaves out the rows of scripts on which all agree, and of those that could
	// be played to none.
	Different bool
}

// shown are the results that have a row.
func (o TextOptions) shown(results []Result) []Result {
	if !o.Different {
		return results
	}
	return slices.DeleteFunc(slices.Clone(results), func(r Result) bool {
		return r.Agree() && r.Compared() || !r.played()
	})
}

// Text writes a table: a row a script, a column a stack, and below each row what
// differs. Scripts on which all agree have a row and no more.
func Text(w io.Writer, results []Result, opt TextOptions) {
	if len(results) == 0 {
		return
	}
	shown := opt.shown(results)
	width := len("script")
	for _, r := range shown {
		width = max(width, len(r.name(opt.Versions)))
	}
	var columns []int
	for i, s := range results[0].Stacks {
		columns = append(columns, max(len(s.Stack), len("unsupported")))
		for _, r := range shown {
			columns[i] = max(columns[i], len(r.cell(i)))
		}
	}
	row := func(name string, cells []string) {
		line := fmt.Sprintf("%-*s", width, name)
		for i, c := range cells {
			line += fmt.Sprintf("  %-*s", columns[i], c)
		}
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
	var names []string
	for _, s := range results[0].Stacks {
		names = append(names, s.Stack)
	}
	row("", names)
	for _, r := range shown {
		var cells []string
		for i := range r.Stacks {
			cells = append(cells, r.cell(i))
		}
		row(r.name(opt.Versions), cells)
		for _, s := range r.Stacks {
			for _, line := range s.statements() {
				fmt.Fprintf(w, "    %s: %s\n", s.Stack, line)
			}
			if opt.Verbose && s.Comparison != nil && !s.Comparison.Agree() {
				fmt.Fprintln(w)
				SideBySide(w, s.Comparison)
				fmt.Fprintln(w)
			}
		}
	}
	fmt.Fprintln(w)
	summary(w, results)
}

// name is what a row is called.
func (r *Result) name(versions bool) string {
	if versions {
		return fmt.Sprintf("%s (%s)", r.Script, r.IPVersion)
	}
	return r.Script
}

// cell is what stands in a stack's column.
func (r *Result) cell(i int) string {
	s := &r.Stacks[i]
	switch {
	case i == 0 || s.Verdict != engine.Pass && s.Verdict != engine.Fail:
		return string(s.Verdict)
	case s.Comparison == nil:
		return string(s.Verdict)
	case s.Comparison.Agree():
		return string(s.Verdict) + ", same"
	}
	return fmt.Sprintf("%s, %d differ", s.Verdict, len(s.Comparison.Differences))
}

// statements says what differs, or why nothing can be said.
func (s *StackResult) statements() []string {
	switch {
	case s.Comparison != nil:
		return Brief(s.Comparison.Differences)
	case s.Verdict == engine.Pass || s.Verdict == engine.Fail:
		return nil
	case s.Why != "":
		return []string{s.Why}
	}
	return nil
}

// summary says on how many scripts stacks agree with the first, by folder if there
// are several, and which scripts have the same verdict though the traces differ.
func summary(w io.Writer, results []Result) {
	all := folders(results)
	stacks := results[0].Stacks
	if len(all) > 2 {
		tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		fmt.Fprintf(tw, "does as %s does\tscripts", stacks[0].Stack)
		for _, s := range stacks[1:] {
			fmt.Fprintf(tw, "\t%s", s.Stack)
		}
		fmt.Fprintln(tw)
		for _, f := range all {
			fmt.Fprintf(tw, "%s\t%d", f.name, f.scripts)
			for _, a := range f.stacks {
				fmt.Fprintf(tw, "\t%d of %d", a.agree, a.compared)
			}
			fmt.Fprintln(tw)
		}
		tw.Flush()
		fmt.Fprintln(w)
	}
	for i, s := range stacks[1:] {
		a := all[len(all)-1].stacks[i]
		fmt.Fprintf(w, "%s does the same as %s in %d of %d scripts", s.Stack, stacks[0].Stack, a.agree, a.compared)
		if n := len(results) - a.compared; n > 0 {
			fmt.Fprintf(w, "; %d could not be compared", n)
		}
		if a.sameVerdict > 0 {
			fmt.Fprintf(w, "; in %d the verdict is the same and the traces differ:", a.sameVerdict)
		}
		fmt.Fprintln(w)
		if a.sameVerdict > 0 {
			list(w, sameVerdict(results, i+1))
		}
	}
}

// list writes names, as many as fit on a line.
func list(w io.Writer, names []string) {
	const indent, width = "    ", 110
	line := ""
	for _, n := range names {
		if line != "" && len(line)+len(n)+2 > width {
			fmt.Fprintf(w, "%s%s,\n", indent, line)
			line = ""
		}
		if line != "" {
			line += ", "
		}
		line += n
	}
	fmt.Fprintf(w, "%s%s\n", indent, line)
}

// sameVerdict lists the scripts on which a stack, by its number, has the same verdict
// as the reference though the traces differ.
func sameVerdict(results []Result, stack int) []string {
	var names []string
	for _, r := range results {
		s := r.Stacks[stack]
		if s.Comparison != nil && !s.Comparison.Agree() && s.Verdict == r.Stacks[0].Verdict {
			names = append(names, r.Script)
		}
	}
	return names
}

// SideBySide writes two traces as one, as diff does: what both did once, what only
// the reference did with -, what only the other did with +.
func SideBySide(w io.Writer, c *Comparison) {
	fmt.Fprintf(w, "      --- %s %s\n      +++ %s %s\n", c.Ref.Stack, c.Ref.Version, c.Own.Stack, c.Own.Version)
	for _, l := range c.Lines() {
		line := fmt.Sprintf("      %s %s", l.Sign, l.Text)
		if d := l.Differences(); d != "" {
			line += "   ← " + d
		}
		fmt.Fprintln(w, line)
	}
}

// A Line is a line of two traces that are written as one.
type Line struct {
	Sign   string // " " for what both did, "-" for the reference, "+" for the other
	Text   string // of the event, as a trace has it
	Event  *Event
	Differ []What // in what the row differs, at its end
}

// Differences lists in what a line differs, the weightiest first.
func (l Line) Differences() string {
	var words []string
	for _, d := range slices.SortedFunc(slices.Values(l.Differ), func(a, b What) int { return cmp.Compare(rank(a), rank(b)) }) {
		words = append(words, string(d))
	}
	return strings.Join(words, ", ")
}

// Lines lays both traces out as one, in the order of the rows.
func (c *Comparison) Lines() []Line {
	var out []Line
	add := func(sign string, t *Trace, e *Event, differ []What) {
		out = append(out, Line{sign, t.line(e), e, differ})
	}
	for _, r := range c.Rows {
		if len(r.Differ) == 0 && (len(r.Ref) == len(r.Own) || len(r.Ref) > 0 && r.Ref[0].Kind == State) {
			for _, e := range r.Ref {
				add(" ", c.Ref, e, nil)
			}
			continue
		}
		for _, e := range r.Ref {
			add("-", c.Ref, e, nil)
		}
		for i, e := range r.Own {
			var differ []What
			if i == len(r.Own)-1 {
				differ = r.Differ
			}
			add("+", c.Own, e, differ)
		}
	}
	return out
}
