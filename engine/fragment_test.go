package engine_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/wire"
)

// cut makes the fake stack send a segment of 1000 bytes as two IP fragments, of 500 bytes
// of data and what is left.
func cut(s *server, _ int) {
	ip := &wire.IPv4{TTL: 64, ID: 4711, MF: true, Src: netip.MustParseAddr("192.168.0.1"), Dst: netip.MustParseAddr("192.0.2.1")}
	t := &wire.TCP{SrcPort: s.local, DstPort: s.remote, Seq: s.isn, Ack: s.peer, Flags: wire.ACK | wire.PSH, Window: 1000}
	s.SendAt(s.Time, &wire.Packet{Layers: []wire.Layer{ip, t}, Payload: make([]byte, 500)})
	last := *ip
	last.MF, last.FragOffset = false, 520
	s.SendAt(s.Time, &wire.Packet{Layers: []wire.Layer{&last, &wire.Unknown{Protocol: 6}}, Payload: make([]byte, 500)})
}

// A fragment is said to be one, wherever a line expects something else, and never taken for
// a part of what is expected.
func TestFragments(t *testing.T) {
	const write = "+0 write(4, ..., 1000) = 1000\n"
	const first = "it is an IPv4 fragment: 520 bytes of TCP at offset 0, more follow (MF), id 4711; it begins P. 1:501(500) ack 1 win 1000"
	for _, tt := range []struct {
		name, script string
		writes       func(*server, int)
		summary      string // none: it passes
		note         string
	}{
		{"a segment expected", write + "+0 > P. 1:1001(1000) ack 1\n", cut, "wrong packet: an IP fragment", first},
		{"what the first has of it expected", write + "+0 > P. 1:501(500) ack 1\n", cut, "wrong packet: an IP fragment", first},
		{"the stream expected", write + "+0 > P. 1:1001(1000) ack 1 stream\n", cut, "wrong packet: an IP fragment", first},
		{"an ACK on the way", write + "+0 > . 1001:1001(0) ack 1 stream\n", cut, "wrong packet: an IP fragment", first},
		{"behind a part of it", write + "+0 > P. 1:2001(2000) ack 1\n", func(s *server, n int) {
			s.send(0, wire.ACK, 0, 500)
			cut(s, n)
		}, "segment 2 of those sent for this line doesn't continue the one before: an IP fragment", first},
		{"fragments expected", write + "+0 > fragment tcp 0:520(520) mf\n+0 > fragment tcp 520:1020(500)\n", cut, "", ""},
		{"others expected", write + "+0 > fragment tcp 0:520(520) mf\n+0 > fragment tcp 520:1020(500) mf\n", cut,
			"wrong packet: an IP fragment", "it is an IPv4 fragment: 500 bytes of TCP at offset 520, the last, id 4711"},
		{"with another header", write + "+0 > [ttl 63] fragment tcp 0:520(520) mf\n", cut, "wrong packet: ip differs", ""},
		{"but none comes", write + "+0 > fragment tcp 0:520(520) mf\n", func(s *server, n int) { s.send(0, wire.ACK, 0, n) },
			"wrong packet: protocol differs", "it isn't an IP fragment"},
	} {
		o := runScript(t, newServer(tt.writes), handshake+tt.script)
		if tt.summary == "" {
			if o.Verdict != engine.Pass {
				t.Errorf("%s: %s %+v", tt.name, o.Verdict, o.Failures)
			}
			continue
		}
		if o.Verdict != engine.Fail || o.Failures[0].Summary != tt.summary {
			t.Errorf("%s: %s %+v", tt.name, o.Verdict, o.Failures)
			continue
		}
		if notes := o.Failures[0].Notes; tt.note != "" && !slices.Contains(notes, tt.note) {
			t.Errorf("%s: notes %q", tt.name, notes)
		}
	}
}

// Fragments that no line is about stand in the timeline, as the socket's.
func TestFragmentsExtra(t *testing.T) {
	o := runScript(t, newServer(cut), handshake+"+0 write(4, ..., 1000) = 1000\n+.1 close(4) = 0\n")
	var got []string
	for _, e := range o.Timeline {
		if e.FragmentID > 0 {
			got = append(got, string(e.Kind)+" "+e.Text)
		}
		if e.FragmentID > 0 && (e.FragmentID != 4711 || e.At != 100*time.Millisecond) {
			t.Errorf("%+v", e)
		}
	}
	want := "extra fragment tcp 0:520(520) mf, extra fragment tcp 520:1020(500)"
	if strings.Join(got, ", ") != want || o.Verdict != engine.Pass {
		t.Errorf("%s %q", o.Verdict, got)
	}
}
