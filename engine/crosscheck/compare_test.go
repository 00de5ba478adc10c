package crosscheck

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/golden"
)

// outcome makes a run of lines "milliseconds kind text", for kinds <, > and call.
func outcome(t *testing.T, text string) *engine.Outcome {
	t.Helper()
	o := &engine.Outcome{Verdict: engine.Pass}
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSpace(line), " ", 3)
		at, err := time.ParseDuration(f[0] + "ms")
		if err != nil {
			t.Fatal(err)
		}
		e := engine.Entry{At: at, Text: f[2]}
		switch f[1] {
		case "<":
			e.Kind = engine.EntryInject
		case ">":
			e.Kind = engine.EntryExtra
		default:
			e.Kind = engine.EntryCall
			e.Text, e.Result, _ = strings.Cut(f[2], " → ")
		}
		o.Timeline = append(o.Timeline, e)
	}
	return o
}

const trace = `100 < S 0:0(0) win 1000 <mss 1000,sackOK,TS val 1 ecr 0>
100 > S. 0:0(0) ack 1 win 64240 <mss 1460,sackOK,TS val 100 ecr 1>
120 < . 1:1(0) ack 1 win 1000 <nop,nop,TS val 20 ecr 100>
130 call write(4, ..., 2000) = ... → 2000
130 > P. 1:2001(2000) ack 1 win 502 <nop,nop,TS val 130 ecr 20>
150 < . 1:1(0) ack 1 win 1000 <nop,nop,sack 1001:2001>
171.5 > . 1:1001(1000) ack 1 win 502 <nop,nop,TS val 172 ecr 20>
190 < P. 1:11(10) ack 2001 win 1000
230.5 > . 2001:2001(0) ack 11 win 502 <nop,nop,TS val 231 ecr 20>
240 > F. 2001:2001(0) ack 11 win 502
`

func TestCompare(t *testing.T) {
	jiffy := Tolerance{Fixed: time.Millisecond}
	for _, tt := range []struct {
		old, new string // in the trace
		class    string // "" if they agree
	}{
		{"", "", ""},
		{"171.5 >", "172.4 >", ""},
		{"TS val 172", "TS val 173", ""},
		{"171.5 >", "173.5 >", "time: retransmission by a timer"},
		{"win 502 <nop,nop,TS val 231", "win 501 <nop,nop,TS val 231", "window: ack by a timer"},
		{"P. 1:2001(2000)", ". 1:2001(2000)", "flags: data after write"},
		{"TS val 172 ecr 20", "TS val 172 ecr 21", "options: retransmission by a timer"},
		{"TS val 172 ecr 20", "TS val 176 ecr 20", "timestamp: retransmission by a timer"},
		{"> . 1:1001(1000)", "> . 1001:2001(1000)", "sequence: retransmission by a timer"},
		{"> . 1:1001(1000)", "> . 1:901(900)", "length: retransmission by a timer"},
		{"F. 2001:2001(0) ack 11", "F. 2001:2001(0) ack 12", "acknowledgment: FIN by a timer"},
		{"171.5 > . 1:1001(1000) ack 1 win 502 <nop,nop,TS val 172 ecr 20>\n", "", "missing: retransmission by a timer"},
		{"240 > F. 2001:2001(0) ack 11 win 502\n", "", "missing: FIN by a timer"},
		{"190 <", "172 > . 1001:2001(1000) ack 1 win 502\n190 <", "extra: retransmission by a timer"},
		{"win 64240 <mss", "win 64000 <mss", "window: SYN after syn"},
	} {
		ours := strings.Replace(trace, tt.old, tt.new, 1)
		if tt.old != "" && ours == trace {
			t.Fatalf("%q isn't there", tt.old)
		}
		c := Compare(outcome(t, ours), outcome(t, trace), jiffy)
		got := ""
		if c.Segments != nil {
			got = c.Segments.Class
		}
		if got != tt.class {
			t.Errorf("%q for %q: %q, want %q", tt.new, tt.old, got, tt.class)
		}
		if !golden.Eventful(c.Theirs) {
			t.Error("nothing happens in it")
		}
	}
}

func TestCompareSuperSegments(t *testing.T) {
	a, b := outcome(t, trace), outcome(t, strings.Replace(trace,
		"130 > P. 1:2001(2000)", "130 > . 1:1001(1000) ack 1 win 502 <nop,nop,TS val 130 ecr 20>\n130 > P. 1001:2001(1000)", 1))
	a.Timeline[4].GSO = 1000
	if c := Compare(a, b, Tolerance{Fixed: time.Millisecond}); c.Agree() || c.Segments.Class != "super-segments cut elsewhere" {
		t.Errorf("%+v", c.Segments)
	}
}

func TestCompareTolerance(t *testing.T) {
	late := strings.Replace(trace, "230.5 >", "236 >", 1)
	late = strings.Replace(late, "TS val 231", "TS val 237", 1)
	if c := Compare(outcome(t, late), outcome(t, trace), Tolerance{Fixed: 4 * time.Millisecond}); c.Agree() {
		t.Error("5.5 ms are 4")
	}
	// An eighth of the 59 ms since the segment before.
	if c := Compare(outcome(t, late), outcome(t, trace), Tolerance{Fixed: 4 * time.Millisecond, Percent: 12.5}); !c.Agree() {
		t.Errorf("%+v", c.Segments)
	}
}

func TestCompareCallsAndState(t *testing.T) {
	a := outcome(t, strings.Replace(trace, "→ 2000", "→ -1 EPIPE", 1))
	b := outcome(t, trace)
	a.Output = "state 1 ca_state=0 backoff=1 rto=440000 snd_cwnd=10\n"
	b.Output = "state 1 ca_state=0 backoff=1 rto=442000 snd_cwnd=11\n"
	c := Compare(a, b, Tolerance{})
	if !c.Agree() {
		t.Errorf("%+v", c.Segments)
	}
	if c.Calls == nil || c.Calls.Class != "call: write" {
		t.Errorf("%+v", c.Calls)
	}
	if c.State == nil || c.State.Class != "state: snd_cwnd" {
		t.Errorf("%+v", c.State)
	}
}

func TestCompareVerdicts(t *testing.T) {
	a, b := outcome(t, trace), outcome(t, trace)
	a.Verdict = engine.Unsupported
	a.Failures = []engine.Failure{{Verdict: engine.Unsupported, Line: 2, Summary: "sysctl tcp_x=3 is not supported here"}}
	want := "the stack's verdict: unsupported: sysctl tcp_x=3 is not supported here"
	if c := Compare(a, b, Tolerance{}); c.Agree() || c.Segments.Class != want {
		t.Errorf("%+v", c.Segments)
	}
}

func TestSummary(t *testing.T) {
	var s Summary
	same := Compare(outcome(t, trace), outcome(t, trace), Tolerance{})
	other := Compare(outcome(t, strings.Replace(trace, "win 501", "win 1", 1)), outcome(t, trace), Tolerance{})
	other.Segments = &Difference{Class: "window: ack by a timer", Detail: "got this, want that"}
	same.Ours[1].Cause, same.Ours[2].Cause = "rto", "rto"
	s.Add(0, "loss", 25, same)
	s.Add(1, "loss", 22, other)
	s.Add(2, "loss", 30, same)
	var b bytes.Buffer
	s.Write(&b)
	for _, want := range []string{
		"3 scripts of at least 22 events, 15 segments: 2 agree (66.67 %)",
		"  rto                        2   66.7 %          4",
		"      1  window: ack by a timer (--show=1)\n         got this, want that",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

// What Show prints has each difference, with the stacks' names.
func TestShow(t *testing.T) {
	a, b := outcome(t, strings.Replace(trace, "171.5 >", "179.5 >", 1)), outcome(t, trace)
	c := Compare(a, b, Tolerance{Fixed: time.Millisecond})
	var out bytes.Buffer
	Show(&out, c, a, b, "gostack", "uml:6.12", Tolerance{Fixed: time.Millisecond})
	for _, want := range []string{
		"   0.1715 uml:6.12 > . 1:1001(1000)",
		"   0.1795 gostack  > . 1:1001(1000)",
		"   0.1300            write(4, ..., 2000) = ...  → 2000",
		"time: retransmission by a timer\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
