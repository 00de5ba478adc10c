package report

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/golden"
)

// traceOf makes a trace of lines.
func traceOf(t *testing.T, stack, verdict, lines string) *golden.Trace {
	t.Helper()
	trace, err := golden.Read("a.trace", []byte("// tcpdrill trace\n// ip-version: ipv4\n// stack: "+stack+
		"\n// version: Version <"+stack+">\n// tolerance: 4ms\n// verdict: "+verdict+"\n// until: 9.0000\n\n"+lines))
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

const handshake = `0.0000 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
0.0000 < S 0:0(0) win 32792 <mss 1000>
0.0000 > S. 0:0(0) ack 1 win 64240 <mss 1460> cause "synack"
0.0200 < . 1:1(0) ack 1 win 257
0.0200 accept(3, ..., ...) = 4
`

// compared are scripts on three stacks, with differences of all kinds that a chart
// marks.
func compared(t *testing.T) (out []golden.Result) {
	t.Helper()
	add := func(script string, traces ...*golden.Trace) {
		var runs []golden.StackResult
		for i, trace := range traces {
			r := golden.StackResult{Stack: fmt.Sprint("stack", i), Verdict: engine.Unsupported, Why: "not recorded"}
			if trace != nil {
				r = golden.StackResult{Stack: trace.Stack, Verdict: trace.Verdict, Why: trace.Why, Trace: trace}
			}
			runs = append(runs, r)
		}
		out = append(out, golden.NewResult(script, engine.IPv4, runs, golden.Options{}))
	}
	ref := handshake + `0.0200 write(4, ..., 2000) = 2000
0.0200 > P. 1:2001(2000) ack 1 win 502 gso 1000 cause "write"
// state: 0.0300 tcpi_snd_cwnd = 10, tcpi_ca_state = 0
0.0700 > P. 1001:2001(1000) ack 1 win 502 cause "tlp"
0.1000...0.4000 read(4, ..., 10) = 10
`
	own := handshake + `0.0230 write(4, ..., 2000) = 2000
0.0230 > . 1:1001(1000) ack 1 win 502
0.0230 > . 1001:2001(1000) ack 1 win 502
// state: 0.0300 tcpi_snd_cwnd = 9, tcpi_ca_state = 0
0.0900 > . 7:7(0) ack 1 win 502
0.1000...0.4000 read(4, ..., 10) = -1 ECONNRESET (Connection reset by peer)
// other: 0.5000 > R 1:1(0) win 0
`
	add("tcp/same.pkt", traceOf(t, "stack0", "pass", handshake), traceOf(t, "stack1", "pass", strings.ReplaceAll(handshake, "0.0200", "0.0220")), traceOf(t, "stack2", "pass", handshake))
	add("tcp/differs.pkt", traceOf(t, "stack0", "pass", ref), traceOf(t, "stack1", "fail: line 9: it differs", own), traceOf(t, "stack2", "pass", ref))
	add("tcp/stops"+nasty+".pkt", traceOf(t, "stack0", "pass", ref), traceOf(t, "stack1", "fail: "+strings.ReplaceAll(nasty, "\u2028", ""), handshake), nil)
	add("tcp/differs.pkt", traceOf(t, "stack0", "error: a bad line", handshake), traceOf(t, "stack1", "pass", handshake), traceOf(t, "stack2", "pass", handshake))
	return out
}

// compareOf is the page of a comparison, with more for its program to do.
func compareOf(results []golden.Result, more string) string {
	var b strings.Builder
	p := newCompare(results, golden.Options{Ignore: []golden.What{golden.Window}}, time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	p.htmlFrame = p.with(more)
	p.write(&b)
	return b.String()
}

// comparedData is what the page's program is given.
func comparedData(t *testing.T, page string) (data struct {
	Stacks  []string
	Results []compareResult
	Charts  []Chart
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

func TestCompareHTML(t *testing.T) {
	page := compareOf(compared(t), "")
	for _, want := range []string{
		"<title>tcpdrill: stack0, stack1, stack2 compared</title>", "<strong>4 scripts</strong>", "1 the same on all", "2 differ", "1 not compared",
		"<strong>stack1</strong> (Version &lt;stack1&gt;): the same as stack0 in 1 of 3", "<strong>stack0</strong> (Version &lt;stack0&gt;): the reference",
		"2026-05-01 12:00:00 UTC</time>; not counted: win", `<option value="missing">missing (2)</option>`, `<option>stack2</option>`, "= same", "not recorded", "also sends",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q isn't in the page", want)
		}
	}
	if strings.Contains(page, "<option>stack0</option>") {
		t.Error("the reference can be chosen")
	}
	data := comparedData(t, page)
	var got []string
	for _, r := range data.Results {
		line := r.ID
		for _, c := range r.Stacks {
			line += fmt.Sprintf(" %s/%s/%d", c.Verdict, c.State, c.Count)
		}
		got = append(got, line)
	}
	want := []string{
		"tcp/same.pkt pass/reference/0 pass/same/0 pass/same/0",
		"tcp/differs.pkt pass/reference/0 fail/differs/7 pass/same/0",
		"tcp/stops" + nasty + ".pkt pass/reference/0 fail/differs/4 unsupported/apart/0",
		"tcp/differs.pkt@ipv4 error/reference/0 pass/apart/0 pass/apart/0",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
	for _, c := range data.Charts {
		if c.Lanes != 3 {
			t.Errorf("%d lanes", c.Lanes)
		}
		check(t, c)
	}
}

// rowsOf lists what a lane of a chart has.
func rowsOf(c Chart, lane int) string {
	var out []string
	for _, r := range c.Rows {
		if r.Lane == lane && r.Kind != rowGap {
			text := r.Kind + ": " + strings.Join(r.Text, " ")
			for _, n := range r.Notes {
				text += " | " + n
			}
			out = append(out, text)
		}
	}
	return strings.Join(out, "\n")
}

// A lane says of each row whether it is as the reference's, and if not, what differs.
func TestLanes(t *testing.T) {
	sides, groups := lanes(compared(t)[1])
	c := NewChart(sides...)
	want := `call: socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
inject: < S 0:0(0) win 32792 <mss 1000>
match: > S. 0:0(0) ack 1 win 64240 <mss 1460>   (synack)
inject: < . 1:1(0) ack 1 win 257
call: accept(3, ..., ...) = 4
call: write(4, ..., 2000) = 2000
wrong: !> . 1:1001(1000) ack 1 win 502 | ≠ no PSH on 1001:2001 | ≠ 1:2001 leaves as 1000 + 1000 where stack0 |   has one segment | at 0.0230: its inputs came 3.0 ms later
wrong: !> . 1001:2001(1000) ack 1 win 502
code: ✗ tcpi_snd_cwnd = 9 tcpi_ca_state = 0 | ≠ tcpi_snd_cwnd = 9 where stack0 has 10
missing: ! P. 1001:2001(1000) ack 1 win 502 (tlp) | ≠ no retransmission of 1001:2001 (tlp)
extra: ?> . 7:7(0) ack 1 win 502 | ≠ also sends probe below 8 | at 0.0900: its inputs came 3.0 ms later
call: ✗ read(4, ..., 10) = -1 ECONNRESET   (Connection reset by peer) | ≠ read = -1 ECONNRESET where stack0 has 10
return: ✗ read returns -1 ECONNRESET
extra: ?> R 1:1(0) win 0 | ≠ also sends packet of another connection: |   R 1:1(0) win 0`
	if got := rowsOf(c, 1); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if a, b := rowsOf(c, 0), rowsOf(c, 2); a != b || strings.Contains(a, "≠") || strings.Contains(a, "wrong") {
		t.Errorf("the reference\n%s\nand one that does the same\n%s", a, b)
	}
	// What belongs together has the same number, and stands at the same height if it
	// was done at the same time.
	y := map[int][]int{}
	for _, r := range c.Rows {
		if r.Kind == string(engine.EntryCall) || r.Kind == string(engine.EntryInject) {
			y[r.Line] = append(y[r.Line], r.Y)
		}
	}
	if len(y) != 6 {
		t.Errorf("%d calls and injections, want 6", len(y))
	}
	for l, all := range y {
		if len(all) != 3 || len(slices.Compact(all)) != 1 {
			t.Errorf("group %d stands at %v", l, all)
		}
	}
	if len(groups) == 0 {
		t.Error("no groups")
	}
}

// A run that stops says so where it does; what isn't compared isn't said to be the same.
func TestLanesApart(t *testing.T) {
	all := compared(t)
	sides, _ := lanes(all[2])
	if got := rowsOf(NewChart(sides...), 1); !strings.Contains(got, "command: ✗ stops before write(4, ..., 2000) = 2000") {
		t.Errorf("got\n%s", got)
	}
	if len(sides[2].Entries) != 0 {
		t.Error("something happened on a stack that wasn't drilled")
	}
	sides, _ = lanes(all[3])
	if got := rowsOf(NewChart(sides...), 1); strings.Contains(got, "match") || !strings.Contains(got, "other: - S.") {
		t.Errorf("got\n%s", got)
	}
}

// Whatever is in traces stays text; the page asks nobody for anything.
func TestCompareHTMLEscapes(t *testing.T) {
	page := compareOf(compared(t), "")
	if n := strings.Count(page, "<script"); n != 5 {
		t.Errorf("%d scripts in the page, want 5", n)
	}
	for _, tag := range []string{"<img", "<!--", "alert(1)</script>", "unsafe"} {
		if strings.Contains(page, tag) {
			t.Errorf("%s is in the page", tag)
		}
	}
	for _, name := range []string{"theme.css", "chart.css", "page.css", "compare.css", "chart.js", "list.js", "link.js", "compare.js"} {
		if !strings.Contains(page, asset(name)) {
			t.Errorf("%s isn't in the page", name)
		}
	}
	outside := regexp.MustCompile(`https?://[^"' ]*|@import|url\(| style="| on[a-z]+="|innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|DOMParser`)
	for _, found := range outside.FindAllString(page, -1) {
		if found != "http://www.w3.org/2000/svg" { // a name, not an address
			t.Errorf("the page has %q", found)
		}
	}
}

// What may be without end is cut, and says so.
func TestCompareHTMLCut(t *testing.T) {
	var ref, own strings.Builder
	ref.WriteString(handshake)
	own.WriteString(handshake)
	for i := range 1500 {
		fmt.Fprintf(&ref, "%.4f > P. %d:%d(10) ack 1 win 502\n", 0.03+float64(i)/1000, 1+10*i, 11+10*i)
		fmt.Fprintf(&own, "%.4f > P. %d:%d(10) ack 2 win 502\n%.4f write(4, ..., 1) = %d\n", 0.03+float64(i)/1000, 1+10*i, 11+10*i, 0.03+float64(i)/1000, i)
	}
	runs := func() []golden.StackResult {
		return []golden.StackResult{
			{Stack: "a", Verdict: engine.Pass, Trace: traceOf(t, "a", "pass", ref.String())},
			{Stack: "b", Verdict: engine.Pass, Trace: traceOf(t, "b", "pass", own.String())},
		}
	}
	result := golden.NewResult("long.pkt", engine.IPv4, runs(), golden.Options{})
	for i := range 60 {
		d := golden.Difference{What: golden.Calls, Text: fmt.Sprint("more ", i)}
		result.Stacks[1].Comparison.Differences = append(result.Stacks[1].Comparison.Differences, d)
	}
	data := comparedData(t, compareOf([]golden.Result{result}, ""))
	c := data.Results[0].Stacks[1]
	if len(c.Says) != htmlStatements || c.LeftOut == 0 {
		t.Errorf("%d statements, %d left out", len(c.Says), c.LeftOut)
	}
	if n := len(c.Lines); n != htmlHead+htmlTail+1 || !strings.Contains(c.Lines[htmlHead].Text, "lines left out: see compare -v") {
		t.Errorf("%d lines, %q", n, c.Lines[htmlHead].Text)
	}
	if n := len(c.Listed()); n != htmlListed+1 {
		t.Errorf("%d statements in the table", n)
	}
	if n := len(data.Charts[0].Rows); n > 2*(chartHead+chartTail+2) {
		t.Errorf("%d rows in the chart", n)
	}
}

// Nothing compared is a page too.
func TestCompareHTMLEmpty(t *testing.T) {
	page := compareOf(nil, "")
	if !strings.Contains(page, `{"stacks":[],"results":[],"charts":[],`) {
		t.Error("lists are missing")
	}
}
