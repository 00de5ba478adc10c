package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"tcpdrill/engine"
)

// HTML writes a page that has all results, their charts and their scripts. It is
// one file which refers to no other, written at the end.
func HTML(w io.Writer) Writer { return newHTML(w) }

func newHTML(w io.Writer) *htmlWriter {
	return &htmlWriter{w: w, now: time.Now, charts: newPool(), sources: newPool(), ids: map[string]bool{}, results: []htmlResult{}}
}

// An htmlWriter gathers results for a page.
type htmlWriter struct {
	w      io.Writer
	now    func() time.Time
	script string // what the page's program does beside, in tests

	results         []htmlResult
	charts, sources *pool // the same script in several IP versions often has the same
	ids             map[string]bool
}

func (h *htmlWriter) Run(r Run) {
	s := readSource(r.Script, r.Source)
	one := htmlResultOf(r, s)
	one.Source = h.sources.add(s)
	one.Chart = h.charts.add(NewChart(Lane{Entries: r.Outcome.Timeline, Bad: s.bad(r.Outcome)}))
	one.ID = h.id(r)
	h.results = append(h.results, one)
}

func (h *htmlWriter) Begin(int) {}

// id is the name by which a link finds a result: the script's, with what tells it
// from others of the same name.
func (h *htmlWriter) id(r Run) string {
	id := r.Script
	for _, more := range []string{string(r.IPVersion), r.Stack} {
		if h.ids[id] {
			id += "@" + more
		}
	}
	for n := 2; h.ids[id]; n++ {
		id = fmt.Sprintf("%s@%s@%s@%d", r.Script, r.IPVersion, r.Stack, n)
	}
	h.ids[id] = true
	return id
}

func (h *htmlWriter) End(all Total) {
	page := htmlPage{
		Results: h.results, Tally: tallied(all.Tally), Total: all.Tally.Total(),
		Interrupted: all.Interrupted,
		Started:     h.now().Add(-all.Took), Took: all.Took,
		Stacks:    distinct(h.results, func(r htmlResult) string { return r.Stack }),
		Versions:  distinct(h.results, func(r htmlResult) string { return r.IPVersion }),
		Data:      htmlData{h.results, h.charts.items, h.sources.items, chartSizes},
		htmlFrame: newFrame([]string{"theme.css", "chart.css", "page.css"}, "chart.js", "list.js", "link.js", "page.js").with(h.script),
	}
	for _, r := range h.results {
		page.Reruns += r.Reruns
	}
	page.write(h.w, "page.html", page)
}

// An htmlPage is what the template is about.
type htmlPage struct {
	htmlFrame
	Results          []htmlResult
	Tally            []verdictCount
	Total, Reruns    int
	Interrupted      string
	Started          time.Time
	Took             time.Duration
	Stacks, Versions []string
	Data             htmlData
}

// htmlData is what the page's program is about.
type htmlData struct {
	Results []htmlResult      `json:"results"`
	Charts  []json.RawMessage `json:"charts"`
	Sources []json.RawMessage `json:"sources"`
	Sizes   htmlSizes         `json:"sizes"`
}

// A verdictCount is how many runs came out in one way.
type verdictCount struct {
	Verdict, Word string
	Count         int
}

// tallied lists a tally in the order in which it is shown.
func tallied(t Tally) (out []verdictCount) {
	for _, v := range []verdictCount{
		{Verdict: string(engine.Pass), Word: "passed"},
		{Verdict: string(engine.Fail), Word: "failed"},
		{Verdict: string(engine.Error), Word: "with errors"},
		{Verdict: string(engine.Inconclusive), Word: "inconclusive"},
		{Verdict: string(engine.Unsupported), Word: "unsupported"},
	} {
		if v.Count = t[engine.Verdict(v.Verdict)]; v.Count > 0 {
			out = append(out, v)
		}
	}
	return out
}

// distinct lists what results have, each once, in order of appearance.
func distinct(results []htmlResult, of func(htmlResult) string) (out []string) {
	for _, r := range results {
		if s := of(r); !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
