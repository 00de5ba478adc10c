package report

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"tcpdrill/engine"
)

// entries makes a timeline of lines such as "0.1 match . 1:1(0) ack 1".
func entries(t *testing.T, lines ...string) (out []engine.Entry) {
	t.Helper()
	for i, l := range lines {
		f := strings.SplitN(l, " ", 3)
		at, err := time.ParseDuration(f[0] + "s")
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, engine.Entry{At: at, Line: i + 1, Kind: engine.EntryKind(f[1]), Text: f[2]})
	}
	return out
}

// check reports rows that overlap or are too small for their label.
func check(t *testing.T, c Chart) {
	t.Helper()
	below := make([]int, c.Lanes)
	for _, r := range c.Rows {
		if r.Y < below[r.Lane] {
			t.Errorf("row %q at %d: the one above ends at %d", r.Text, r.Y, below[r.Lane])
		}
		if r.H < len(r.Text)*lineHeight {
			t.Errorf("row %q: %d is too little for its label", r.Text, r.H)
		}
		for _, l := range r.Text {
			if n := utf8.RuneCountInString(l); n > labelWidth {
				t.Errorf("label %q is %d characters wide, more than %d", l, n, labelWidth)
			}
		}
		below[r.Lane] = r.Y + r.H
		if r.Kind == rowGap { // it goes through all lanes
			for i := range below {
				below[i] = r.Y + r.H
			}
		}
	}
	if bottom := slices.Max(below); c.Height != bottom {
		t.Errorf("the chart is %d high, its rows end at %d", c.Height, bottom)
	}
}

// kindsOf lists the rows' kinds, each with its time.
func kindsOf(c Chart) string {
	var out []string
	for _, r := range c.Rows {
		out = append(out, strings.TrimSpace(r.Kind+" "+r.Time))
	}
	return strings.Join(out, ", ")
}

func TestChart(t *testing.T) {
	c := NewChart(Lane{Entries: entries(t,
		"0 call socket(..., SOCK_STREAM, IPPROTO_TCP) = 3",
		"0.00001 inject S 0:0(0) win 32792 <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>",
		"0.0001 match S. 0:0(0) ack 1 win 65535",
		"0.1 wrong . 1:1(0) ack 1",
		"60.1 missing P. 1:1001(1000) ack 1",
		"60.1 extra P. 1001:2001(1000) ack 1",
		"60.1 other R 1:1(0)",
		"60.1 code %{ assert tcpi_snd_cwnd == 10 }%",
	)})
	check(t, c)
	want := "call 0.0000, inject, match 0.0001, wrong 0.1000, gap, missing 60.1000, extra, other, code"
	if got := kindsOf(c); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	for i, want := range []string{1: "< S 0:0(0) win 32792", 2: "> S. 0:0(0)", 3: "!> . 1:1(0)", 4: "… 60.0 s …", 5: "! nothing sent for: P. 1:1001(1000)", 6: "?> P. 1001", 7: "- R 1:1(0)"} {
		if !strings.HasPrefix(c.Rows[i].Text[0], want) {
			t.Errorf("row %d: got %q, want %q", i, c.Rows[i].Text[0], want)
		}
	}
	if near, far := c.Rows[2].Y-c.Rows[1].Y-c.Rows[1].H, c.Rows[3].Y-c.Rows[2].Y-c.Rows[2].H; near != 0 || far <= near || far > gapHeight {
		t.Errorf("0.1 ms takes %d and 100 ms %d", near, far)
	}
}

// What happens on two stacks at the same time stands at the same height.
func TestChartLanes(t *testing.T) {
	c := NewChart(
		Lane{Entries: entries(t, "0 inject S 0:0(0)", "0 match S. 0:0(0) ack 1", "0.3 match . 1:1(0) ack 1")},
		Lane{Entries: entries(t, "0 inject S 0:0(0)", "0.04 extra . 1:1(0) ack 1", "0.3 match . 1:1(0) ack 1")},
	)
	check(t, c)
	if want, got := "inject 0.0000, inject, match, extra 0.0400, gap, match 0.3000, match", kindsOf(c); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if a, b := c.Rows[0], c.Rows[1]; a.Y != b.Y || b.Lane != 1 {
		t.Errorf("the first packets stand at %d and %d", a.Y, b.Y)
	}
	if a, b := c.Rows[5], c.Rows[6]; a.Y != b.Y {
		t.Errorf("the last packets stand at %d and %d", a.Y, b.Y)
	}
}

// Of a long timeline both ends are drawn, and it says how much is missing.
func TestChartCut(t *testing.T) {
	var long []engine.Entry
	for i := range 5000 {
		e := engine.Entry{At: time.Duration(i) * time.Millisecond, Kind: engine.EntryMatch, Line: i, Text: ". 1:1(0) ack 1"}
		if i == 2000 {
			e.Kind = engine.EntryWrong
		}
		long = append(long, e)
	}
	c := NewChart(Lane{Entries: long})
	check(t, c)
	if n := len(c.Rows); n > chartHead+chartTail+2 {
		t.Errorf("%d rows", n)
	}
	cut := slices.IndexFunc(c.Rows, func(r Row) bool { return r.Kind == rowCut })
	if want := "… 4000 entries left out, 1 wrong: run -v …"; cut != chartHead || c.Rows[cut].Text[0] != want {
		t.Errorf("row %d: got %q, want %q", cut, c.Rows[cut].Text, want)
	}
	if last := c.Rows[len(c.Rows)-1]; last.Line != 4999 {
		t.Errorf("the last row is of line %d", last.Line)
	}
}

func TestChartCalls(t *testing.T) {
	c := NewChart(Lane{Bad: map[int]bool{7: true}, Entries: []engine.Entry{
		{Kind: engine.EntryCall, Line: 7, Text: "read(4, ..., 1000) = 1000", Result: "-1 EAGAIN"},
		{Kind: engine.EntryCode, Line: 8, Text: "%{\nassert tcpi_snd_cwnd == 10\n}%", Read: []engine.Reading{{Name: "tcpi_snd_cwnd", Value: "9"}}},
		{Kind: engine.EntryMatch, Line: 9, Text: "P. 1:2001(2000) ack 1", GSO: 1000, Cause: "write"},
		{Kind: engine.EntryExtra, Text: "fragment udp 0:1480(1480) mf", FragmentID: 7},
	}})
	check(t, c)
	for i, want := range []string{
		"✗ read(4, ..., 1000) = 1000 → -1 EAGAIN",
		"%{|assert tcpi_snd_cwnd == 10|}%|tcpi_snd_cwnd = 9",
		"> P. 1:2001(2000) ack 1 (gso_size\u00a01000)|  (write)",
		"?> fragment udp 0:1480(1480) mf (id\u00a07)",
	} {
		if got := strings.Join(c.Rows[i].Text, "|"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestWrap(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "",
		"a b":                            "a b",
		"0123456789 abc":                 "0123456789|  abc",
		"<mss 1460,nop,nop,sackOK>":      "<mss 1460,|  nop,nop,|  sackOK>",
		"01234567890123456789":           "0123456789|  01234567|  89",
		"a\n\tb\r\n":                     "a|    b",
		"\x00\x1b[31m\u202e":             "\uFFFD\uFFFD[31m\uFFFD",
		strings.Repeat("漢", 7):           "漢漢漢漢漢|  漢漢",
		"see </script><script>alert(1)~": "see </scri|  pt><scri|  pt>alert|  (1)~",
	} {
		if got := strings.Join(wrap(text, 10), "|"); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestLength(t *testing.T) {
	for d, want := range map[time.Duration]string{200 * time.Millisecond: "200 ms", 60 * time.Second: "60.0 s"} {
		if got := length(d); got != want {
			t.Errorf("%v: got %s, want %s", d, got, want)
		}
	}
	if got := fmt.Sprint(space(0), space(time.Millisecond), space(100*time.Millisecond)); got != "0 6 18" {
		t.Errorf("space: %s", got)
	}
}
