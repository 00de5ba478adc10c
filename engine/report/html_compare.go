package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"tcpdrill/engine"
	"tcpdrill/golden"
)

// CompareHTML writes a page that has what became of scripts on several stacks, of which
// the first is the reference: what differs, and charts in which the stacks stand side by
// side. It is one file which refers to no other. What opt says not to count isn't marked.
func CompareHTML(w io.Writer, results []golden.Result, opt golden.Options) {
	newCompare(results, opt, time.Now()).write(w)
}

// How much of what may be without end is in the page, of one stack and script.
const (
	htmlListed     = 3  // statements in the table
	htmlStatements = 50 // and on the script's page
	htmlHead       = 400
	htmlTail       = 600 // lines of two traces
)

// A comparePage is what the template is about.
type comparePage struct {
	htmlFrame
	Stacks   []compareStack // the reference first
	Whats    []whatCount
	Results  []compareResult
	Agree    int // scripts on which all do the same
	Differ   int
	Apart    int // nothing could be compared
	Versions []string
	Ignored  []string
	Made     time.Time
	Data     compareData
}

// A compareStack is what is known of a stack.
type compareStack struct {
	Name, Version string
	Compared      int // scripts
	Same          int
	SameVerdict   int // though the traces differ
}

// A whatCount is in how many scripts there is a kind of difference.
type whatCount struct {
	What  string
	Count int
}

// compareData is what the page's program is about.
type compareData struct {
	Stacks  []string          `json:"stacks"`
	Results []compareResult   `json:"results"`
	Charts  []json.RawMessage `json:"charts"`
	Sizes   htmlSizes         `json:"sizes"`
}

// A compareResult is a script's result, as the page's program wants it.
type compareResult struct {
	ID        string        `json:"id"`
	Script    string        `json:"script"`
	IPVersion string        `json:"ip"`
	Differs   bool          `json:"differs,omitempty"`
	Stacks    []compareCell `json:"stacks"`
	Chart     int           `json:"chart"`
}

// A compareCell is what became of a script on one stack.
type compareCell struct {
	Verdict string `json:"verdict"`
	Icon    string `json:"icon"`
	// State is one of the cell states.
	State   string        `json:"state"`
	Count   int           `json:"count,omitempty"` // differences
	Says    []string      `json:"says,omitempty"`
	LeftOut int           `json:"leftout,omitempty"` // statements
	Whats   []golden.What `json:"whats,omitempty"`
	Lines   []compareLine `json:"lines,omitempty"`
}

// What a cell says of the stack and the reference.
const (
	cellReference = "reference"
	cellSame      = "same"
	cellDiffers   = "differs"
	cellApart     = "apart" // not compared
)

// A compareLine is a line of two traces that are written as one.
type compareLine struct {
	Sign    string `json:"s"`
	Text    string `json:"t"`
	Group   int    `json:"g,omitempty"` // of the chart's rows
	Differs string `json:"d,omitempty"`
}

// Words are what a cell's state is called.
func (c compareCell) Words() string {
	switch c.State {
	case cellSame:
		return "= same"
	case cellDiffers:
		return fmt.Sprintf("≠ %d differ", c.Count)
	case cellApart:
		return "not compared"
	}
	return "reference"
}

// Listed are the statements that the table has.
func (c compareCell) Listed() []string {
	if n := len(c.Says) + c.LeftOut - htmlListed; n > 0 {
		return append(c.Says[:htmlListed:htmlListed], fmt.Sprintf("and %d more", n))
	}
	return c.Says
}

// newCompare makes the page.
func newCompare(results []golden.Result, opt golden.Options, now time.Time) *comparePage {
	p := &comparePage{
		htmlFrame: newFrame([]string{"theme.css", "chart.css", "page.css", "compare.css"}, "chart.js", "list.js", "link.js", "compare.js"),
		Results:   []compareResult{}, Made: now,
	}
	for _, w := range opt.Ignore {
		p.Ignored = append(p.Ignored, string(w))
	}
	charts := newPool()
	whats := map[golden.What]int{}
	ids := map[string]bool{}
	for _, r := range results {
		p.count(r)
		one := compareResultOf(r)
		one.ID = one.Script
		if ids[one.ID] {
			one.ID += "@" + one.IPVersion
		}
		for n := 2; ids[one.ID]; n++ {
			one.ID = fmt.Sprintf("%s@%s@%d", one.Script, one.IPVersion, n)
		}
		ids[one.ID] = true
		sides, groups := lanes(r)
		one.Chart = charts.add(NewChart(sides...))
		var kinds []golden.What
		for i, s := range r.Stacks {
			if s.Comparison != nil && !s.Comparison.Agree() {
				one.Stacks[i].Lines = compareLines(s.Comparison, groups)
			}
			kinds = append(kinds, one.Stacks[i].Whats...)
		}
		slices.Sort(kinds)
		for _, w := range slices.Compact(kinds) {
			whats[w]++
		}
		p.Results = append(p.Results, one)
		if !slices.Contains(p.Versions, one.IPVersion) {
			p.Versions = append(p.Versions, one.IPVersion)
		}
	}
	for _, w := range golden.Whats {
		if whats[w] > 0 {
			p.Whats = append(p.Whats, whatCount{string(w), whats[w]})
		}
	}
	p.Data = compareData{p.names(), p.Results, charts.items, chartSizes}
	return p
}

// count adds a result to what is known of the stacks.
func (p *comparePage) count(r golden.Result) {
	switch {
	case !r.Agree():
		p.Differ++
	case r.Compared():
		p.Agree++
	default:
		p.Apart++
	}
	for i, s := range r.Stacks {
		if len(p.Stacks) <= i {
			p.Stacks = append(p.Stacks, compareStack{Name: s.Stack})
		}
		of := &p.Stacks[i]
		if of.Version == "" && s.Trace != nil {
			of.Version = s.Trace.Version
		}
		switch {
		case s.Comparison == nil:
			continue
		case s.Comparison.Agree():
			of.Same++
		case s.Verdict == r.Stacks[0].Verdict:
			of.SameVerdict++
		}
		of.Compared++
	}
}

// names are what the stacks are called.
func (p *comparePage) names() []string {
	names := []string{}
	for _, s := range p.Stacks {
		names = append(names, s.Name)
	}
	return names
}

// Title names all stacks.
func (p *comparePage) Title() string { return strings.Join(p.names(), ", ") }

// Others are the stacks that are compared with the first.
func (p *comparePage) Others() []compareStack { return p.Stacks[min(1, len(p.Stacks)):] }

func (p *comparePage) write(w io.Writer) { p.htmlFrame.write(w, "compare.html", p) }

// compareResultOf is a result as the page has it, without its traces.
func compareResultOf(r golden.Result) compareResult {
	one := compareResult{Script: r.Script, IPVersion: string(r.IPVersion), Differs: !r.Agree()}
	for i, s := range r.Stacks {
		c := compareCell{Verdict: string(s.Verdict), Icon: verdictIcons[s.Verdict], State: cellApart}
		switch {
		case s.Comparison == nil:
			if i == 0 {
				c.State = cellReference
			}
			if s.Why != "" && s.Verdict != engine.Pass && s.Verdict != engine.Fail {
				c.Says = []string{s.Why}
			}
		case s.Comparison.Agree():
			c.State = cellSame
		default:
			c.State, c.Count = cellDiffers, len(s.Comparison.Differences)
			c.Says = golden.Brief(s.Comparison.Differences)
			for _, d := range s.Comparison.Differences {
				if !slices.Contains(c.Whats, d.What) {
					c.Whats = append(c.Whats, d.What)
				}
			}
		}
		if n := len(c.Says) - htmlStatements; n > 0 {
			c.Says, c.LeftOut = c.Says[:htmlStatements], n
		}
		one.Stacks = append(one.Stacks, c)
	}
	return one
}

// compareLines are two traces as one, without the middle if they are too long.
func compareLines(c *golden.Comparison, groups map[*golden.Event]int) (out []compareLine) {
	all := c.Lines()
	left := len(all) - htmlHead - htmlTail
	if left > 0 {
		all = slices.Concat(all[:htmlHead], []golden.Line{{Sign: " ", Text: fmt.Sprintf("… %d lines left out: see compare -v …", left)}}, all[htmlHead+left:])
	}
	for _, l := range all {
		out = append(out, compareLine{l.Sign, l.Text, groups[l.Event], l.Differences()})
	}
	return out
}
