package report

import (
	"encoding/json"
	"fmt"
	"html"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine"
)

// nasty is a text that must not be read as markup anywhere.
const nasty = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u2028'\"`${x}&amp;<!--"

const htmlSource = `// What a script may say: ` + nasty + `
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
+0 %{
assert tcpi_snd_cwnd == 10
}%
+60 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+0 > P. 1001:2001(1000) ack 1
`

// htmlRuns are results of all kinds.
func htmlRuns() []Run {
	seconds := func(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
	timeline := []engine.Entry{
		{Line: 2, Kind: engine.EntryCall, Text: "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", Result: "3"},
		{Line: 3, Kind: engine.EntryInject, Text: "S 0:0(0) win 32792 <mss 1000,sackOK,TS val 100 ecr 0,nop,wscale 10>"},
		{Line: 4, Kind: engine.EntryMatch, Text: "S. 0:0(0) ack 1 win 65535 <mss 1460>", Cause: "synack"},
		{Line: 5, Kind: engine.EntryCode, Text: "%{\nassert tcpi_snd_cwnd == 10\n}%", Read: []engine.Reading{{Name: "tcpi_snd_cwnd", Value: "10"}}},
		{At: seconds(60), Line: 8, Kind: engine.EntryCall, Text: "write(4, ..., 1000) = 1000", Result: "1000"},
	}
	wrong := engine.Failure{Verdict: engine.Fail, Line: 9, Column: 4, Summary: "wrong packet: flags differ",
		Want:  []engine.Token{{Field: "time", Text: "60.0000"}, {Field: "direction", Text: ">"}, {Field: "flags", Text: "P.", Differ: true}, {Field: "seq", Text: "1:1001"}},
		Got:   []engine.Token{{Field: "time", Text: "60.0000"}, {Field: "direction", Text: ">"}, {Field: "flags", Text: ".", Differ: true}, {Field: "seq", Text: "1:1001"}, {Field: "win", Text: "win 64240"}},
		Notes: []string{"a note " + nasty}}
	missing := engine.Failure{Verdict: engine.Fail, Line: 10, Column: 4, Summary: "nothing was sent", Want: wrong.Want}
	more := func(e ...engine.Entry) []engine.Entry { return append(timeline[:len(timeline):len(timeline)], e...) }
	passed := &engine.Outcome{Verdict: engine.Pass, Duration: seconds(60), Timeline: more(
		engine.Entry{At: seconds(60), Line: 9, Kind: engine.EntryMatch, Text: "P. 1:1001(1000) ack 1", GSO: 1000, Cause: "write"},
		engine.Entry{At: seconds(60.04), Line: 10, Kind: engine.EntryMatch, Text: "P. 1001:2001(1000) ack 1"},
	)}
	failed := &engine.Outcome{Verdict: engine.Fail, Duration: seconds(60), Failures: []engine.Failure{wrong, missing}, Output: "it printed " + nasty, Timeline: more(
		engine.Entry{At: seconds(60), Line: 9, Kind: engine.EntryWrong, Text: ". 1:1001(1000) ack 1 win 64240", Cause: "write"},
		engine.Entry{At: seconds(60), Kind: engine.EntryOther, Text: "R 7:7(0) " + nasty},
		engine.Entry{At: seconds(60), Kind: engine.EntryExtra, Text: ". 2001:3001(1000) ack 1 win 64240"},
		engine.Entry{At: seconds(62), Line: 10, Kind: engine.EntryMissing, Text: "> P. 1001:2001(1000) ack 1"},
	)}
	late := &engine.Outcome{Verdict: engine.Pass, Duration: seconds(1), Warnings: []engine.Failure{{Verdict: engine.Fail, Line: 9, Column: 4, Summary: "win differs"}},
		Timeline: timeline,
		Lateness: engine.LatenessStats{Waits: 7, Worst: engine.Lateness{What: "wake-up", Line: 8, Due: seconds(60), Late: seconds(.0003)}, MaxReturn: seconds(.0001)}}
	bad := &engine.Outcome{Verdict: engine.Error, Failures: []engine.Failure{{Verdict: engine.Error, Line: 1, Column: 3, Summary: "unknown call sokcet"}}}
	return []Run{
		{Script: "tcp/pass.pkt", Source: []byte(htmlSource), Stack: "gostack", IPVersion: engine.IPv4, Outcome: passed, Virtual: true},
		{Script: "tcp/pass.pkt", Source: []byte(htmlSource), Stack: "gostack", IPVersion: engine.IPv6, Outcome: passed, Virtual: true},
		{Script: "tcp/fail.pkt", Source: []byte(htmlSource), Stack: "gostack", IPVersion: engine.IPv4, Outcome: failed, Virtual: true},
		{Script: "tcp/late.pkt", Source: []byte(htmlSource), Stack: "kernel", IPVersion: engine.IPv4, Outcome: late, Seconds: 1.5, Reruns: 2},
		{Script: "tcp/error" + nasty + ".pkt", Source: []byte("0 sokcet() = 3\n"), Stack: "gostack", IPVersion: engine.IPv4, Outcome: bad},
	}
}

// htmlOf is the page of results, with more for its program to do.
func htmlOf(runs []Run, more string) string {
	var b strings.Builder
	w := newHTML(&b)
	w.now = func() time.Time { return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) }
	w.script += more
	t := Tally{}
	for _, r := range runs {
		t[r.Outcome.Verdict]++
		w.Run(r)
	}
	w.End(Total{Tally: t, Took: 3 * time.Second})
	return b.String()
}

// dataOf is what a page's program is given.
func dataOf(t *testing.T, page string) (data struct {
	Results []htmlResult
	Charts  []Chart
	Sources []source
}) {
	t.Helper()
	text := regexp.MustCompile(`(?s)<script type="application/json" id="data">(.*?)</script>`).FindStringSubmatch(page)
	if text == nil {
		t.Fatal("there is no data in the page")
	}
	if err := json.Unmarshal([]byte(text[1]), &data); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestHTML(t *testing.T) {
	page := htmlOf(htmlRuns(), "")
	for _, want := range []string{
		"<title>tcpdrill: 5 run on gostack, kernel</title>",
		"3 passed", "1 failed", "1 with errors", `<time datetime="2026-05-01T11:59:57Z">`, "took 3.0 s", "2 reruns",
		`<option>ipv6</option>`, `<option>kernel</option>`,
		"line 9: wrong packet: flags differ (and 1 more)",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q isn't in the page", want)
		}
	}
	data := dataOf(t, page)
	var got []string
	for _, r := range data.Results {
		got = append(got, fmt.Sprint(r.ID, " ", r.Source, r.Chart, " ", r.Lines, " ", r.Time))
	}
	want := []string{
		"tcp/pass.pkt 0 0 .pppp..ppp. 60.00 s",
		"tcp/pass.pkt@ipv6 0 0 .pppp..ppp. 60.00 s",
		"tcp/fail.pkt 0 1 .pppu..pff. 60.00 s",
		"tcp/late.pkt 0 2 .pppp..pwp. 1.50 s",
		"tcp/error" + nasty + ".pkt 1 3 f. 0.00 s",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
	if got := fmt.Sprint(data.Sources[0].Spans); got != "[[5 7]]" {
		t.Errorf("spans: %s", got)
	}
	if got, want := strings.Join(data.Results[3].Harness, "; "), "at most 0.300 ms late in 7 waits (wake-up of line 8, due at 60.0000); the longest injection took 0.100 ms"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, c := range data.Charts {
		if c.Height > 0 {
			check(t, c)
		}
	}
}

// Whatever a script is called, says and prints, it stays text, and comes out as it was.
func TestHTMLEscapes(t *testing.T) {
	page := htmlOf(htmlRuns(), "")
	if n := strings.Count(page, "<script"); n != 5 {
		t.Errorf("%d scripts in the page, want 5", n)
	}
	for _, tag := range []string{"<img", "<!--", "alert(1)</script>"} {
		if strings.Contains(page, tag) {
			t.Errorf("%s is in the page", tag)
		}
	}
	data := dataOf(t, page)
	if got := data.Sources[0].Text; got != htmlSource {
		t.Errorf("the source came out as %q", got)
	}
	if got := data.Results[2].Output; got != "it printed "+nasty {
		t.Errorf("the output came out as %q", got)
	}
	// The program makes texts only of what it is given.
	for _, name := range []string{"chart.js", "list.js", "link.js", "page.js"} {
		if bad := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|DOMParser`).FindString(asset(name)); bad != "" {
			t.Errorf("%s has %s", name, bad)
		}
	}
}

// The page asks nobody for anything.
func TestHTMLAlone(t *testing.T) {
	page := htmlOf(htmlRuns(), "")
	policy := regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)
	if policy == nil {
		t.Fatal("there is no policy")
	}
	text := html.UnescapeString(policy[1])
	if !strings.HasPrefix(text, "default-src 'none'; img-src data:; style-src 'sha256-") || strings.Contains(text, "unsafe") {
		t.Errorf("the policy is %s", text)
	}
	for _, name := range []string{"theme.css", "chart.css", "page.css", "chart.js", "list.js", "link.js", "page.js"} {
		if !strings.Contains(page, asset(name)) || !strings.Contains(text, hashOf(asset(name))) {
			t.Errorf("%s isn't in the page, or the policy forbids it", name)
		}
	}
	outside := regexp.MustCompile(`https?://[^"' ]*|@import|url\(| style="| on[a-z]+="`)
	for _, found := range outside.FindAllString(page, -1) {
		if found != "http://www.w3.org/2000/svg" { // a name, not an address
			t.Errorf("the page has %q", found)
		}
	}
}

// A page of a part doesn't look like one of all.
func TestHTMLInterrupted(t *testing.T) {
	var b strings.Builder
	w := newHTML(&b)
	w.End(Total{Interrupted: "tcp/<next>.pkt", Took: time.Second})
	for _, want := range []string{"Interrupted at tcp/&lt;next&gt;.pkt", `{"results":[],"charts":[],"sources":[],`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q isn't in the page", want)
		}
	}
}

// What may be without end is cut, and says so.
func TestHTMLCut(t *testing.T) {
	o := &engine.Outcome{Verdict: engine.Fail, Output: strings.Repeat("é", htmlOutput)}
	for range htmlFailures + 7 {
		o.Failures = append(o.Failures, engine.Failure{Verdict: engine.Fail, Line: 2, Summary: "x"})
	}
	r := dataOf(t, htmlOf([]Run{{Script: "a.pkt", Source: []byte(htmlSource), Outcome: o}}, "")).Results[0]
	if len(r.Failures) != htmlFailures || r.LeftOut != 7 {
		t.Errorf("%d failures, %d left out", len(r.Failures), r.LeftOut)
	}
	if want := fmt.Sprintf("… %d bytes left out: see run -v …", htmlOutput); !strings.Contains(r.Output, want) {
		t.Errorf("%q isn't in the output", want)
	}
}

// Every text can be read on everything that may be behind it, in the light and in the
// dark, and every edge seen: WCAG 2.2's level AA.
func TestHTMLContrast(t *testing.T) {
	themes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(asset("theme.css"), -1)
	if len(themes) != 2 {
		t.Fatalf("%d themes, want 2", len(themes))
	}
	for i, theme := range themes {
		light := map[string]float64{}
		for _, v := range regexp.MustCompile(`--(\w+): #(\w+)`).FindAllStringSubmatch(theme[1], -1) {
			light[v[1]] = luminance(t, v[2])
		}
		for _, back := range []string{"back", "soft", "hover", "picked"} {
			for front, least := range map[string]float64{"text": 4.5, "muted": 4.5, "link": 4.5, "pass": 4.5, "fail": 4.5, "warn": 4.5, "in": 4.5, "strong": 3} {
				a, b := light[front]+.05, light[back]+.05
				if c := max(a, b) / min(a, b); c < least {
					t.Errorf("theme %d: %s on %s has a contrast of %.2f, want %.1f", i, front, back, c, least)
				}
			}
		}
	}
}

// luminance is a colour's relative luminance as WCAG has it.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	n, err := strconv.ParseUint(hex, 16, 24)
	if err != nil {
		t.Fatal(err)
	}
	linear := func(c uint64) float64 {
		f := float64(c&0xff) / 255
		if f <= 0.04045 {
			return f / 12.92
		}
		return math.Pow((f+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(n>>16) + 0.7152*linear(n>>8) + 0.0722*linear(n)
}
