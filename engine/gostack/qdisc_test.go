package gostack

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine"
)

// tc reads the words that these tests need of tc's.
func tc(s *Stack, words string) error {
	w := strings.Fields(words)
	c := engine.QdiscChange{Change: engine.Change(w[0]), Dev: deviceName, Parent: w[1]}
	w = w[2:]
	if len(w) > 1 && w[0] == "handle" {
		c.Handle, w = w[1], w[2:]
	}
	if c.Parent == "ingress" || c.Parent == "clsact" {
		c.Kind = c.Parent
	}
	if len(w) > 0 {
		c.Kind, c.Options = w[0], w[1:]
	}
	return s.ChangeQdisc(c)
}

// TestChangeQdisc has what Linux answers, in this order.
func TestChangeQdisc(t *testing.T) {
	s := configured(t)
	for _, tt := range []struct{ words, err string }{
		{"add root pfifo limit 0", ""},
		{"add root pfifo limit 0", "file exists: Exclusivity flag on, cannot modify"},
		{"change root pfifo limit 3", ""},
		{"change root handle 77: fq limit 10", "file exists: NLM_F_REPLACE needed to override"},
		{"del root", ""},
		{"del root", "no such file or directory: Cannot delete qdisc with handle of zero"},
		{"add 1:1 pfifo", "no such file or directory: Failed to find specified qdisc"},
		{"add ingress", ""},
		{"add ingress", "file exists: Exclusivity flag on, cannot modify"},
		{"add clsact", "file exists: Exclusivity flag on, cannot modify"},
		{"del ingress", ""},
		{"change root pfifo limit 3", "no such file or directory: Qdisc not found. To create specify NLM_F_CREATE flag"},
		{"replace root noqueue", ""},
		{"replace root pfifo_fast", ""},
		{"replace root netem delay 1ms", "tc qdisc netem is not supported here"},
		{"replace root handle 1: pfifo limit 9", ""},
		{"add root handle 2: pfifo limit 9", "file exists: NLM_F_REPLACE needed to override"},
		{"replace root handle 1: fq", "invalid argument: Invalid qdisc name: must match existing qdisc"},
		{"replace root handle 1: pfifo limit 8", ""},
		{"del root handle 5:", "invalid argument: Invalid handle"},
		{"del root fq", "invalid argument: Invalid qdisc name: must match existing qdisc"},
		{"del root pfifo", ""},
		{"replace root mq", "operation not supported"},
		{"replace root fq limit 5 flow_limit 6 nopacing horizon 2s horizon_cap", ""},
		{"replace root pfifo limit x", "tc qdisc pfifo limit x is not supported here"},
	} {
		if got := errorText(tc(s, tt.words)); got != tt.err {
			t.Errorf("%s: error %q, want %q", tt.words, got, tt.err)
		}
	}
	q := s.dev.qdisc
	if q.kind != "fq" || q.limit != 5 || q.flowLimit != 6 || q.pacing || q.horizon != 2*time.Second || q.horizonDrop {
		t.Errorf("the last one is %+v", q)
	}
}

func TestFifo(t *testing.T) {
	for words, want := range map[string]bool{
		"noqueue": true, "pfifo": true, "pfifo limit 0": false, "pfifo limit 1": true, "pfifo_fast": true,
		"fq_codel": true, "bfifo limit 50": false, "bfifo limit 200": true, "fq limit 0": false, "fq": true,
	} {
		s := configured(t)
		if err := tc(s, "replace root "+words); err != nil {
			t.Fatal(err)
		}
		left := false
		p := &packet{
			captured: &engine.Captured{Data: make([]byte, 100)},
			left:     func(at time.Duration) { left = at == s.now },
		}
		got := s.devXmit(p)
		if got != want || left != want || len(s.sent) == 1 != want {
			t.Errorf("%s: taken %v, left %v, %d sent, want %v", words, got, left, len(s.sent), want)
		}
		if c, err := s.Counters(); err != nil || c.TxDropped != 0 {
			t.Errorf("%s: counters %+v, %v", words, c, err)
		}
	}
}

func TestTxQueueLen(t *testing.T) {
	s := configured(t)
	n := 0
	if err := s.ChangeLink(engine.LinkChange{Dev: deviceName, TxQueueLen: &n}); err != nil {
		t.Fatal(err)
	}
	if !s.devXmit(&packet{captured: &engine.Captured{}}) {
		t.Error("the queueing discipline dropped it")
	}
	if c, _ := s.Counters(); c.TxDropped != 1 {
		t.Errorf("counters %+v, want a drop", c)
	}
}

// TestFQ sends packets of several sockets.
func TestFQ(t *testing.T) {
	const ms = time.Millisecond
	s := configured(t)
	if err := tc(s, "add root fq flow_limit 2"); err != nil {
		t.Fatal(err)
	}
	start := s.now
	a, b := new(int), new(int)
	var trace []string
	send := func(name string, flow any, after time.Duration) {
		p := &packet{
			captured: &engine.Captured{}, flow: flow,
			left:    func(at time.Duration) { trace = append(trace, fmt.Sprintf("%s@%v", name, (at-start).Round(ms))) },
			dropped: func() { trace = append(trace, name+" lost") },
		}
		if after != 0 {
			p.edt = start + after
		}
		if !s.devXmit(p) {
			trace = append(trace, name+" refused")
		}
	}
	send("a1", a, 0)
	send("a2", a, 20*ms)
	send("a3", a, 10*ms) // before it
	send("a4", a, 30*ms) // one too many
	send("b1", b, 15*ms)
	send("n1", nil, 0)
	send("b2", b, 11*time.Second) // beyond the horizon
	s.WaitUntil(start + 100*ms)
	send("b3", b, 200*ms)
	if err := tc(s, "del root"); err != nil {
		t.Fatal(err)
	}
	s.WaitUntil(start + 300*ms)
	got := strings.Join(trace, ", ")
	want := "a1@0s, a4 refused, n1@0s, b2 refused, a3@10ms, b1@15ms, a2@20ms, b3 lost"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if len(s.sent) != 5 {
		t.Errorf("%d packets sent", len(s.sent))
	}
}

// TestFQTakesPacingOver checks that TCP learns of fq.
func TestFQTakesPacingOver(t *testing.T) {
	s := configured(t)
	if err := tc(s, "add root fq"); err != nil {
		t.Fatal(err)
	}
	tp := &tcpSock{}
	s.devXmit(&packet{captured: &engine.Captured{}, flow: tp})
	if tp.pacingStatus != pacingFQ {
		t.Errorf("pacing status %d", tp.pacingStatus)
	}
}
