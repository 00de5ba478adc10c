package engine_test

import (
	"slices"
	"strings"
	"testing"

	"tcpdrill/engine"
	"tcpdrill/engine/wire"
)

// A stalling server drops a packet with each write while its reader is stalled, and
// otherwise if it is to.
type stallingServer struct {
	*server
	stalled, always bool
	counters        engine.LinkCounters
}

func newStallingServer(always bool) *stallingServer {
	s := &stallingServer{always: always}
	s.server = newServer(func(*server, int) {
		if s.stalled || s.always {
			s.counters.TxDropped++
		}
	})
	s.counters.TxDropped = 3 // from before the script
	return s
}

func (s *stallingServer) Counters() (engine.LinkCounters, error) { return s.counters, nil }

func (s *stallingServer) Stall() error {
	s.stalled = true
	return nil
}

func (s *stallingServer) Resume() error {
	s.stalled = false
	return nil
}

func TestDevice(t *testing.T) {
	const write = "+0 write(4, ..., 10) = 10\n"
	for _, tt := range []struct {
		name, script string
		always       bool
		verdict      engine.Verdict
		summary      string
	}{
		{"drops that were asked for", "+0 device stall\n" + write + write + "+0 device tx_dropped 2\n+0 device resume\n" + write + "+0 device tx_dropped 2\n+0 device rx_dropped 0\n",
			false, engine.Pass, ""},
		{"a stall that doesn't end", "+0 device stall\n" + write, false, engine.Pass, ""},
		{"another number", "+0 device stall\n" + write + "+0 device tx_dropped 2\n", false, engine.Fail, "tx_dropped differs"},
		{"drops that nobody asked for", write, true, engine.Inconclusive, "1 in the device's queue"},
		{"drops of a short queue", "+0 `ip link set dev tun0 txqueuelen 1`\n" + write, true, engine.Pass, ""},
		{"drops outside of a stall", "+0 `ip link set dev tun0 txqueuelen 1`\n+0 device stall\n" + write + "+0 device resume\n" + write, true,
			engine.Inconclusive, "1 in the device's queue while its reader wasn't stalled"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := runScript(t, newStallingServer(tt.always), handshake+tt.script)
			if o.Verdict != tt.verdict || len(o.Failures) > 0 && !strings.HasSuffix(o.Failures[0].Summary, tt.summary) {
				t.Errorf("got %s %+v, want %s %s", o.Verdict, o.Failures, tt.verdict, tt.summary)
			}
		})
	}
	o := runScript(t, newServer(nil), handshake+"+0 device stall\n")
	if o.Verdict != engine.Unsupported {
		t.Errorf("without a reader to stall: %s", o.Verdict)
	}
}

// What a mismatch of a counter shows, and what the script would have to say.
func TestDeviceCounter(t *testing.T) {
	text := handshake + "+0 device tx_dropped 12\n"
	o := runScript(t, newServer(nil), text)
	f := o.Failures[0]
	tokens := func(list []engine.Token) string {
		var words []string
		for _, token := range list {
			words = append(words, token.Text)
		}
		return strings.Join(words, " ")
	}
	if want, got := tokens(f.Want), tokens(f.Got); want != "device tx_dropped 12" || got != "device tx_dropped 0" {
		t.Errorf("want %q, got %q", want, got)
	}
	if s := f.Seen; s == nil || text[s.Start:s.End] != "12" || s.Text != "0" {
		t.Errorf("seen %+v", s)
	}
	if e := o.Timeline[len(o.Timeline)-1]; e.Kind != engine.EntryDevice || !slices.Equal(e.Read, []engine.Reading{{Name: "tx_dropped", Value: "0"}}) {
		t.Errorf("entry %+v", e)
	}
}

// What is injected as joined segments says so, and has its checksum left out as it was
// checked; one that is to be wrong is there, and wrong.
func TestInjectJoined(t *testing.T) {
	for _, tt := range []struct {
		line     string
		settings []engine.Setting
		size     int
		unfilled bool
		wrong    bool
	}{
		{line: "< P. 1:3001(3000) ack 1 win 1000 gso 1000", size: 1000, unfilled: true, wrong: true},
		{line: "< P. 1:3001(3000) ack 1 win 1000 gso 1000 badsum", size: 1000, wrong: true},
		{line: "< P. 1:3001(3000) ack 1 win 1000", settings: []engine.Setting{set("mss", "1460")}, size: 1460},
		{line: "< P. 1:3001(3000) ack 1 win 1000 gso 1000", settings: []engine.Setting{set("mss", "1460")}, size: 1000, unfilled: true, wrong: true},
		{line: "< P. 1:1001(1000) ack 1 win 1000 badsum", wrong: true},
		{line: "< P. 1:1001(1000) ack 1 win 1000"},
	} {
		s := &joinedServer{server: newServer(nil)}
		if o := runScript(t, s, handshake+"+0 "+tt.line+"\n+0 close(4) = 0\n", tt.settings...); o.Verdict != engine.Pass {
			t.Errorf("%s: %s %+v", tt.line, o.Verdict, o.Failures)
		}
		g := s.gso[2] // after SYN and ACK
		if g.Size != tt.size || (g.Type == engine.GSOTCPv4) != (tt.size > 0) || g.NeedsChecksum != tt.unfilled || s.ok[2] == tt.wrong {
			t.Errorf("%s: %+v, checksum right: %v", tt.line, g, s.ok[2])
		}
	}
}

// A joined server keeps what says how packets are injected.
type joinedServer struct {
	*server
	gso []engine.GSO
	ok  []bool
}

func (s *joinedServer) Inject(b []byte, gso engine.GSO) error {
	s.gso, s.ok = append(s.gso, gso), append(s.ok, wire.ChecksumOK(b))
	return s.server.Inject(b, gso)
}
