package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"
	"time"

	"tcpdrill/engine"
)

// An htmlFrame is what pages have in common: they consist of one file, which loads and
// runs nothing but what is in it.
type htmlFrame struct {
	Styles  []htmlStyle
	Scripts []template.JS
}

// An htmlStyle is one of the page's style sheets. The page's program knows them by name.
type htmlStyle struct {
	Name string
	Text template.CSS
}

// newFrame makes a frame of parts of the page's files.
func newFrame(styles []string, scripts ...string) htmlFrame {
	var f htmlFrame
	for _, name := range styles {
		f.Styles = append(f.Styles, htmlStyle{name, template.CSS(asset(name))})
	}
	for _, name := range scripts {
		f.Scripts = append(f.Scripts, template.JS(asset(name)))
	}
	return f
}

// with adds to the page's program.
func (f htmlFrame) with(script string) htmlFrame {
	if script != "" {
		f.Scripts = append(f.Scripts, template.JS(script))
	}
	return f
}

// Policy is the page's content security policy. Nothing but what is in the page may be
// loaded or run, whatever a script or its output says.
func (f htmlFrame) Policy() string {
	styles, scripts := "", ""
	for _, s := range f.Styles {
		styles += " " + hashOf(string(s.Text))
	}
	for _, s := range f.Scripts {
		scripts += " " + hashOf(string(s))
	}
	return fmt.Sprintf("default-src 'none'; img-src data:; style-src%s; script-src%s; base-uri 'none'; form-action 'none'",
		styles, scripts)
}

// write writes a page, of which the frame is a part.
func (f htmlFrame) write(w io.Writer, name string, page any) {
	if err := htmlTemplates().ExecuteTemplate(w, name, page); err != nil {
		// Of what is written into the page nothing can fail but the writing itself,
		// which whoever opened the file is told of too.
		fmt.Fprintf(w, "\n%s\n", template.HTMLEscapeString(err.Error()))
	}
}

// htmlSizes are sizes that a chart is laid out with.
type htmlSizes struct {
	Label int `json:"label"` // characters in a line of a label
	Line  int `json:"line"`
	Arrow int `json:"arrow"`
}

var chartSizes = htmlSizes{labelWidth, lineHeight, arrowHeight}

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

var htmlTemplates = sync.OnceValue(func() *template.Template {
	t := template.New("").Funcs(template.FuncMap{
		"join":    strings.Join,
		"icon":    func(verdict string) string { return verdictIcons[engine.Verdict(verdict)] },
		"seconds": func(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) },
	})
	return template.Must(t.ParseFS(htmlFiles, "html/*.html"))
})

// verdictIcons tell verdicts apart where colours don't.
var verdictIcons = map[engine.Verdict]string{
	engine.Pass: "✓", engine.Fail: "✗", engine.Error: "!",
	engine.Inconclusive: "?", engine.Unsupported: "–",
}
