package report

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine"
)

// someRuns are one of each verdict.
func someRuns() []Run {
	of := func(script string, v engine.Verdict, line int, summary string) Run {
		o := &engine.Outcome{Verdict: v, Duration: 20 * time.Millisecond}
		if summary != "" {
			o.Failures = []engine.Failure{{Verdict: v, Line: line, Column: 4, Summary: summary}}
		}
		return Run{Script: script, Stack: "kernel", IPVersion: engine.IPv4, Outcome: o, Seconds: 0.25}
	}
	return []Run{
		of("psh/a.pkt", engine.Pass, 0, ""),
		of("psh/b.pkt", engine.Fail, 12, "wrong packet: win differs"),
		of("nagle/c.pkt", engine.Error, 2, "unknown option #1"),
		of("nagle/d.pkt", engine.Unsupported, 3, "no such sysctl"),
		of("nagle/e.pkt", engine.Inconclusive, 7, "the harness was late"),
	}
}

// written is what a writer makes of runs.
func written(w Writer, b *bytes.Buffer, runs []Run, interrupted string) string {
	t := Total{Tally: Tally{}, Took: 1500 * time.Millisecond, Interrupted: interrupted}
	w.Begin(len(runs))
	for _, r := range runs {
		w.Run(r)
		t.Add(r)
	}
	w.End(t)
	return b.String()
}

// Nothing but a pass and what can't run is ok, and names hold no hash.
func TestTAP(t *testing.T) {
	var b bytes.Buffer
	got := written(TAP(&b), &b, someRuns(), "")
	want := `KTAP version 1
1..5
ok 1 psh/a.pkt (kernel, ipv4)
# psh/b.pkt:12:4: wrong packet: win differs
not ok 2 psh/b.pkt (kernel, ipv4) # line 12: wrong packet: win differs
# nagle/c.pkt:2:4: unknown option #1
not ok 3 nagle/c.pkt (kernel, ipv4) # ERROR line 2: unknown option _1
# nagle/d.pkt:3:4: unsupported: no such sysctl
ok 4 nagle/d.pkt (kernel, ipv4) # SKIP line 3: no such sysctl
# nagle/e.pkt:7:4: inconclusive: the harness was late
not ok 5 nagle/e.pkt (kernel, ipv4) # INCONCLUSIVE line 7: the harness was late
# Totals: pass:1 fail:1 xfail:0 xpass:0 skip:1 error:2
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// What was interrupted can't be taken for the whole.
func TestInterrupted(t *testing.T) {
	var b bytes.Buffer
	if got := written(TAP(&b), &b, someRuns()[:1], "psh/b.pkt"); !strings.HasSuffix(got, "\nBail out! interrupted at psh/b.pkt\n") {
		t.Errorf("TAP:\n%s", got)
	}
	b.Reset()
	if got := written(JUnit(&b), &b, someRuns()[:1], "psh/b.pkt"); !strings.Contains(got, `<error type="interrupted" message="interrupted at psh/b.pkt: 1 of 1 were run">`) {
		t.Errorf("JUnit:\n%s", got)
	}
}

func TestJUnit(t *testing.T) {
	runs := someRuns()
	runs[0].Outcome.Output = "a \x01 & \xff b\n"
	runs[1].Repeat = 2
	var b bytes.Buffer
	text := written(JUnit(&b), &b, runs, "")
	type result struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Detail  string `xml:",chardata"`
	}
	type testcase struct {
		Name  string  `xml:"name,attr"`
		Class string  `xml:"classname,attr"`
		File  string  `xml:"file,attr"`
		Line  int     `xml:"line,attr"`
		Time  float64 `xml:"time,attr"`
		Fail  *result `xml:"failure"`
		Error *result `xml:"error"`
		Skip  *result `xml:"skipped"`
		Out   string  `xml:"system-out"`
	}
	var got struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Errors   int `xml:"errors,attr"`
		Suites   []struct {
			Name  string     `xml:"name,attr"`
			Tests int        `xml:"tests,attr"`
			Skip  int        `xml:"skipped,attr"`
			Cases []testcase `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	if got.Tests != 5 || got.Failures != 1 || got.Errors != 2 || len(got.Suites) != 2 {
		t.Fatalf("%d tests, %d failures, %d errors, %d suites", got.Tests, got.Failures, got.Errors, len(got.Suites))
	}
	psh, nagle := got.Suites[0], got.Suites[1]
	if psh.Name != "psh (kernel)" || psh.Tests != 2 || nagle.Name != "nagle (kernel)" || nagle.Skip != 1 {
		t.Errorf("%+v", got.Suites)
	}
	if a := psh.Cases[0]; a.Out != "a \uFFFD & \uFFFD b\n" || a.Fail != nil || a.Error != nil || a.Skip != nil || a.Time != 0.25 {
		t.Errorf("%+v", a)
	}
	b2 := psh.Cases[1]
	if b2.Name != "b.pkt (kernel, ipv4, run 2)" || b2.Class != "psh" || b2.File != "psh/b.pkt" || b2.Line != 12 {
		t.Errorf("%+v", b2)
	}
	for i, c := range []struct {
		got  *result
		want result
	}{
		{b2.Fail, result{"fail", "line 12: wrong packet: win differs", "psh/b.pkt:12:4: wrong packet: win differs"}},
		{nagle.Cases[0].Error, result{"error", "line 2: unknown option #1", "nagle/c.pkt:2:4: unknown option #1"}},
		{nagle.Cases[1].Skip, result{"unsupported", "line 3: no such sysctl", "nagle/d.pkt:3:4: unsupported: no such sysctl"}},
		{nagle.Cases[2].Error, result{"inconclusive", "line 7: the harness was late", "nagle/e.pkt:7:4: inconclusive: the harness was late"}},
	} {
		if c.got == nil || *c.got != c.want {
			t.Errorf("%d: got %+v, want %+v", i, c.got, c.want)
		}
	}
}

func TestClass(t *testing.T) {
	for script, want := range map[string]string{
		"a.pkt": "tcpdrill", "./a.pkt": "tcpdrill", "x/y/a.pkt": "x.y", "../x/a.pkt": "x", "../a.pkt": "tcpdrill", "/x/y/a.pkt": "x.y",
	} {
		if got := class(script); got != want {
			t.Errorf("%s: got %s, want %s", script, got, want)
		}
	}
}

func TestGitHub(t *testing.T) {
	runs := someRuns()
	runs[1].Outcome.Failures[0].Notes = []string{"100 %"}
	runs[1].Outcome.Timeline = []engine.Entry{{Text: "not here"}}
	var b bytes.Buffer
	got := written(GitHub(&b, ""), &b, runs, "")
	want := `::error file=psh/b.pkt,line=12,col=4,title=FAIL psh/b.pkt (kernel%2C ipv4)::psh/b.pkt:12:4: wrong packet: win differs%0A  note  100 %25
::error file=nagle/c.pkt,line=2,col=4,title=ERROR nagle/c.pkt (kernel%2C ipv4)::nagle/c.pkt:2:4: unknown option #1
::warning file=nagle/e.pkt,line=7,col=4,title=inconclusive nagle/e.pkt (kernel%2C ipv4)::nagle/e.pkt:7:4: inconclusive: the harness was late
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// The end of a report groups what failed of the same.
func TestCauses(t *testing.T) {
	of := func(script string, v engine.Verdict, line int, summary string) Run {
		r := someRuns()[1]
		r.Script, r.Outcome = script, &engine.Outcome{Verdict: v, Failures: []engine.Failure{{Verdict: v, Line: line, Summary: summary}}}
		return r
	}
	runs := []Run{
		of("a.pkt", engine.Inconclusive, 9, "write due at 0.2 came 9.0 ms late: the harness was late, not the stack"),
		of("b.pkt", engine.Fail, 5, "nothing was sent: expected a packet at 0.1 and waited until 2.1"),
		of("c.pkt", engine.Fail, 6, "wrong packet: win differs"),
		of("d.pkt", engine.Fail, 7, "nothing was sent: expected a packet at 0.2 and waited until 2.2"),
		of("d.pkt", engine.Fail, 7, "nothing was sent: expected a packet at 0.2 and waited until 2.2"),
		of("e.pkt", engine.Unsupported, 1, "no call foo"),
	}
	runs[0].Reruns, runs[2].Reruns = 3, 2
	var b bytes.Buffer
	got := written(Text(&b, TextOptions{}), &b, runs, "")
	_, got, _ = strings.Cut(got, "by cause:\n")
	want := `  nothing was sent — 2 scripts: b.pkt:5, d.pkt:7
  wrong packet: win differs — 1 script: c.pkt:6
  inconclusive: write due at 0.2 came 9.0 ms late: the harness was late, not the stack — 1 script: a.pkt:9
2 scripts were run again, 5 times in all, as the harness was late
6 run in 1.5 s: 4 failed, 1 inconclusive, 1 unsupported
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	b.Reset()
	if got := written(Text(&b, TextOptions{}), &b, runs[1:2], ""); strings.Contains(got, "by cause") {
		t.Errorf("one failure needs no groups:\n%s", got)
	}
}

// On a terminal nobody has to look at what passed; what couldn't run is listed once.
func TestBrief(t *testing.T) {
	var b bytes.Buffer
	got := written(Text(&b, TextOptions{Brief: true, Colour: true}), &b, append(someRuns()[:2], someRuns()[3]), "")
	want := "\x1b[31mFAIL \x1b[0m psh/b.pkt (kernel, ipv4) 0.25 s\n" + `psh/b.pkt:12:4: wrong packet: win differs
by cause:
  unsupported: no such sysctl — 1 script: nagle/d.pkt:3
3 run in 1.5 s: 1 passed, 1 failed, 1 unsupported
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	b.Reset()
	if got := written(Text(&b, TextOptions{Brief: true}), &b, someRuns()[:1], ""); !strings.HasPrefix(got, "ok    psh/a.pkt (kernel, ipv4) 0.25 s\n") {
		t.Errorf("a script that was run alone isn't shown:\n%s", got)
	}
}

func TestRepeats(t *testing.T) {
	var runs []Run
	for i := range 3 {
		for _, r := range someRuns()[:2] {
			r.Repeat = i + 1
			runs = append(runs, r)
		}
	}
	runs[1].Outcome = runs[0].Outcome
	var b bytes.Buffer
	got := written(Text(&b, TextOptions{}), &b, runs, "")
	_, got, _ = strings.Cut(got, "by script:\n")
	want := `  psh/b.pkt (kernel, ipv4): 1 passed, 2 failed
  1 passed each time
6 run in 1.5 s: 4 passed, 2 failed
`
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// A script that differs as it says passes. Who wants to know more is told why, and
// what differs.
func TestDiffers(t *testing.T) {
	runs := someRuns()[:2]
	r := &runs[1]
	r.Differs = "it is another stack #2"
	r.Outcome.Verdict, r.Outcome.Warnings, r.Outcome.Failures = engine.Pass, r.Outcome.Failures, nil
	r.Outcome.Timeline = []engine.Entry{{Line: 1, Text: "close(3) = 0"}}
	for _, tt := range []struct {
		name string
		of   func(*bytes.Buffer) Writer
		want string
	}{
		{"text", func(b *bytes.Buffer) Writer { return Text(b, TextOptions{}) }, `ok    psh/a.pkt (kernel, ipv4) 0.25 s
ok    psh/b.pkt (kernel, ipv4) 0.25 s
2 run in 1.5 s: 2 passed, 1 of them differs as expected
`},
		{"brief", func(b *bytes.Buffer) Writer { return Text(b, TextOptions{Brief: true}) }, `2 run in 1.5 s: 2 passed, 1 of them differs as expected
`},
		{"verbose", func(b *bytes.Buffer) Writer { return Text(b, TextOptions{Verbose: true}) }, `ok    psh/a.pkt (kernel, ipv4) 0.25 s
ok    psh/b.pkt (kernel, ipv4) 0.25 s
  differs as expected: it is another stack #2
  timeline
       0.0000     1    close(3) = 0
psh/b.pkt:12:4: as expected: wrong packet: win differs
2 run in 1.5 s: 2 passed, 1 of them differs as expected
`},
		{"tap", func(b *bytes.Buffer) Writer { return TAP(b) }, `KTAP version 1
1..2
ok 1 psh/a.pkt (kernel, ipv4)
ok 2 psh/b.pkt (kernel, ipv4) # XFAIL it is another stack _2
# Totals: pass:1 fail:0 xfail:1 xpass:0 skip:0 error:0
`},
		{"jsonl", func(b *bytes.Buffer) Writer { return JSONL(b, 0) }, `{"script":"psh/a.pkt","stack":"kernel","ip_version":"ipv4","verdict":"pass","line":0,"seconds":0.25,"stack_seconds":0.02,"reruns":0,"detail":""}
{"script":"psh/b.pkt","stack":"kernel","ip_version":"ipv4","verdict":"pass","line":0,"seconds":0.25,"stack_seconds":0.02,"reruns":0,"detail":"","differs":"it is another stack #2"}
`},
		{"github", func(b *bytes.Buffer) Writer { return GitHub(b, "") }, ""},
	} {
		var b bytes.Buffer
		if got := written(tt.of(&b), &b, runs, ""); got != tt.want {
			t.Errorf("%s: got:\n%s\nwant:\n%s", tt.name, got, tt.want)
		}
	}
	var b bytes.Buffer
	if got := written(JUnit(&b), &b, runs, ""); !strings.Contains(got, "<system-err>differs as expected: it is another stack #2\n</system-err>") || !strings.Contains(got, `failures="0"`) {
		t.Errorf("JUnit:\n%s", got)
	}
	b.Reset()
	if got := written(HTML(&b), &b, runs, ""); !strings.Contains(got, `<span class="why">differs as expected: it is another stack #2</span>`) || !strings.Contains(got, `"differs":"it is another stack #2"`) {
		t.Errorf("HTML:\n%s", got)
	}
	r.Differs = "they differ"
	runs = append(runs, *r)
	b.Reset()
	if got := written(Text(&b, TextOptions{}), &b, runs, ""); !strings.HasSuffix(got, ": 3 passed, 2 of them differ as expected\n") {
		t.Errorf("two:\n%s", got)
	}
}

// Who looks closely is told what was nearly too late.
func TestBarely(t *testing.T) {
	runs := someRuns()[:1]
	runs[0].Outcome.Barely = "the packet of line 5 came 3.95 ms late, of 4.0 ms allowed"
	for _, verbose := range []bool{false, true} {
		var b bytes.Buffer
		got := written(Text(&b, TextOptions{Verbose: verbose}), &b, runs, "")
		if strings.Contains(got, "  passed barely: the packet of line 5 came 3.95 ms late, of 4.0 ms allowed\n") != verbose {
			t.Errorf("verbose: %v:\n%s", verbose, got)
		}
	}
}

// What JSONL writes can be read back, and is then written as it was.
func TestReadJSONL(t *testing.T) {
	runs := someRuns()
	runs[1].Repeat, runs[4].Reruns = 2, 3
	runs[0].Differs = "why"
	var b, again bytes.Buffer
	text := written(JSONL(&b, 20), &b, runs, "")
	results, err := ReadJSONL(strings.NewReader(text), "a.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var back []Run
	for i, r := range results {
		back = append(back, r.Run)
		if want := runs[i].Outcome.Failures; len(want) > 0 {
			f, _ := r.first()
			if f.Line != want[0].Line || f.Column != want[0].Column || f.Summary != want[0].Summary {
				t.Errorf("got %+v, want %+v", f, want[0])
			}
		}
		if r.Whole != 20 {
			t.Errorf("of %d runs", r.Whole)
		}
	}
	if got := written(JSONL(&again, 20), &again, back, ""); got != text {
		t.Errorf("got:\n%s\nwant:\n%s", got, text)
	}
}

func TestReadJSONLBad(t *testing.T) {
	const good = `{"script":"a.pkt","stack":"kernel","ip_version":"ipv4","verdict":"pass"}` + "\n"
	for text, want := range map[string]string{
		good + `{"script":"b.pkt","sta`:               `a.jsonl:2: not a result: unexpected end of JSON input`,
		"\n" + `{"verdict":"pass"}`:                   `a.jsonl:2: not a result: there is no script`,
		`{"script":"a.pkt","verdict":"well"}`:         `a.jsonl:1: not a result: want a verdict, got "well"`,
		good + good + `{"script":1,"verdict":"pass"}`: `a.jsonl:3: not a result: json: cannot unmarshal number into Go struct field jsonlLine.script of type string`,
	} {
		if _, err := ReadJSONL(strings.NewReader(text), "a.jsonl"); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// What isn't in a packet's own text stands behind it.
func TestEntry(t *testing.T) {
	for _, tt := range []struct {
		entry engine.Entry
		want  string
	}{
		{engine.Entry{Line: 4, Kind: engine.EntryMatch, Text: "P. 1:2001(2000) ack 1", GSO: 1000, Cause: "write"},
			"     4  > P. 1:2001(2000) ack 1  (super-segment, gso_size 1000)  (write)"},
		{engine.Entry{Kind: engine.EntryExtra, Text: "fragment udp 0:1480(1480) mf", FragmentID: 4711},
			"       ?> fragment udp 0:1480(1480) mf  (id 4711)"},
	} {
		if got := Entry(tt.entry); !strings.HasSuffix(got, tt.want) {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
