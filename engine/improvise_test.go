package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/wire"
)

// An acker writes once and acknowledges what comes, 20 ms later.
type acker struct {
	due     []time.Duration
	text    []string
	results []int64
}

func (a *acker) Sent(at time.Duration, p *wire.Packet, _ int) {
	t := p.TCP()
	at += 20 * time.Millisecond
	i, _ := slices.BinarySearch(a.due, at)
	a.due = slices.Insert(a.due, i, at)
	a.text = slices.Insert(a.text, i, fmt.Sprintf("< . 1:1(0) ack %d win 1000", t.Seq+uint32(len(p.Payload))))
}

func (a *acker) Next() (time.Duration, bool) {
	if len(a.due) == 0 {
		return 0, false
	}
	return a.due[0], true
}

func (a *acker) Event() string {
	s := fmt.Sprintf("%.6f %s", a.due[0].Seconds(), a.text[0])
	a.due, a.text = a.due[1:], a.text[1:]
	return s
}

func (a *acker) Returned(ret int64) { a.results = append(a.results, ret) }

func TestImprovise(t *testing.T) {
	s := newServer(func(s *server, n int) {
		for i := range n / 1000 {
			s.send(time.Duration(i)*time.Millisecond, wire.ACK, uint32(i*1000), 1000)
		}
	})
	im := &acker{due: []time.Duration{200 * time.Millisecond, 400 * time.Millisecond}, text: []string{"write(4, ..., 2000) = ...", "close(4) = ..."}}
	o := runWith(t, s, handshake, engine.Tools{Shell: &fakeShell{}, Improviser: im})
	if o.Verdict != engine.Pass {
		t.Fatalf("%+v", o.Failures)
	}
	var got []string
	for _, e := range o.Timeline {
		if e.At >= 200*time.Millisecond {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%.3f %s %s %s", e.At.Seconds(), e.Kind, e.Text, e.Result)))
		}
	}
	want := []string{
		"0.200 call write(4, ..., 2000) = ... 2000",
		"0.200 extra . 1:1001(1000) ack 1 win 1000",
		"0.201 extra . 1001:2001(1000) ack 1 win 1000",
		"0.220 inject . 1:1(0) ack 1001 win 1000",
		"0.221 inject . 1:1(0) ack 2001 win 1000",
		"0.400 call close(4) = ... 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// Those of the handshake are told, too.
	if n := len(im.results); n < 2 || im.results[n-2] != 2000 || im.results[n-1] != 0 {
		t.Errorf("results %v", im.results)
	}
}

// What isn't a script's line ends the run.
func TestImproviseNonsense(t *testing.T) {
	im := &acker{due: []time.Duration{200 * time.Millisecond}, text: []string{"< Q 1:1(0)"}}
	o := runWith(t, newServer(nil), handshake, engine.Tools{Shell: &fakeShell{}, Improviser: im})
	if o.Verdict != engine.Error || !strings.HasPrefix(o.Failures[0].Summary, "improvised: ") {
		t.Errorf("%s: %+v", o.Verdict, o.Failures)
	}
}
