package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"tcpdrill/engine"
)

// HTML writes a page that has all results, their charts and their scripts. It is
// one file which refers to no other, written at the end.
func HTML(w io.Writer) Writer { return newHTML(w) }

func newHTML(w io.Writer) *htmlWriter {
	return &htmlWriter{w: w, now: time.Now, script: asset("page.js"), charts: newPool(), sources: newPool(), ids: map[string]bool{}, results: []htmlResult{}}
}

// An htmlWriter gathers results for a page.
type htmlWriter struct {
	w   io.Writer
	now func() time.Time
	// The program of the page.
	script string

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
		Stacks:   distinct(h.results, func(r htmlResult) string { return r.Stack }),
		Versions: distinct(h.results, func(r htmlResult) string { return r.IPVersion }),
		Data:     htmlData{h.results, h.charts.items, h.sources.items, htmlSizes{labelWidth, lineHeight, arrowHeight}},
		Style:    template.CSS(asset("page.css")),
		Chart:    template.JS(asset("chart.js")),
		Script:   template.JS(h.script),
	}
	for _, r := range h.results {
		page.Reruns += r.Reruns
	}
	// Nothing but what is in the page may be loaded or run, whatever a script or its
	// output says.
	page.Policy = fmt.Sprintf("default-src 'none'; img-src data:; style-src %s; script-src %s %s; base-uri 'none'; form-action 'none'",
		hashOf(string(page.Style)), hashOf(string(page.Chart)), hashOf(string(page.Script)))
	if err := htmlTemplate().Execute(h.w, page); err != nil {
		// Of what is written into the page nothing can fail but the writing itself,
		// which whoever opened the file is told of too.
		fmt.Fprintf(h.w, "\n%s\n", template.HTMLEscapeString(err.Error()))
	}
}

// An htmlPage is what the template is about.
type htmlPage struct {
	Results          []htmlResult
	Tally            []verdictCount
	Total, Reruns    int
	Interrupted      string
	Started          time.Time
	Took             time.Duration
	Stacks, Versions []string
	Data             htmlData
	Policy           string
	Style            template.CSS
	Chart, Script    template.JS
}

// htmlData is what the page's program is about.
type htmlData struct {
	Results []htmlResult      `json:"results"`
	Charts  []json.RawMessage `json:"charts"`
	Sources []json.RawMessage `json:"sources"`
	Sizes   htmlSizes         `json:"sizes"`
}

// htmlSizes are sizes that a chart is laid out with.
type htmlSizes struct {
	Label int `json:"label"` // characters in a line of a label
	Line  int `json:"line"`
	Arrow int `json:"arrow"`
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

// A pool keeps values, equal ones once.
type pool struct {
	items []json.RawMessage
	at    map[string]int
}

func newPool() *pool { return &pool{items: []json.RawMessage{}, at: map[string]int{}} }

// add returns the value's index.
func (p *pool) add(v any) int {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // it consists of strings and numbers
	}
	i, ok := p.at[string(b)]
	if !ok {
		i = len(p.items)
		p.at[string(b)] = i
		p.items = append(p.items, b)
	}
	return i
}

//go:embed html
var htmlFiles embed.FS

// asset is a part of the page.
func asset(name string) string {
	b, err := htmlFiles.ReadFile("html/" + name)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// hashOf is by what a content security policy knows a text.
func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

var htmlTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"join":    strings.Join,
		"icon":    func(verdict string) string { return verdictIcons[engine.Verdict(verdict)] },
		"seconds": func(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) },
	}).Parse(asset("page.html")))
})

// verdictIcons tell verdicts apart where colours don't.
var verdictIcons = map[engine.Verdict]string{
	engine.Pass: "✓", engine.Fail: "✗", engine.Error: "!",
	engine.Inconclusive: "?", engine.Unsupported: "–",
}
