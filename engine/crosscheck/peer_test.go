package crosscheck_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine/crosscheck"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/wire"
)

// eager is a stack that sends what is written at once, and sends it again after
// 300 ms. It knows nothing else.
func makeUp(t *testing.T, id crosscheck.ID, eager bool) string {
	t.Helper()
	p := crosscheck.NewPeer(id)
	next := uint32(1)
	for range 5000 {
		at, ok := p.Next()
		if !ok {
			return p.Script()
		}
		line := p.Event()
		if !eager || !strings.Contains(line, "write(") && !strings.Contains(line, "send(") {
			continue
		}
		w := &wire.Packet{
			Layers: []wire.Layer{
				&wire.IPv4{Src: netip.MustParseAddr("192.168.0.1"), Dst: netip.MustParseAddr("192.0.2.1")},
				&wire.TCP{Seq: next, Ack: 1, Flags: wire.ACK | wire.PSH, Window: 500},
			},
			Payload: make([]byte, 3000),
		}
		next += 3000
		p.Sent(at+20*time.Microsecond, w, 1000)
		if then, ok := p.Next(); ok && then > at+time.Millisecond*300 {
			p.Sent(at+300*time.Millisecond, w, 1000)
		}
	}
	t.Fatalf("script %v has no end:\n%s", id, p.Script())
	return ""
}

// The same ID gives the same script, and each one is a script.
func TestScripts(t *testing.T) {
	for _, eager := range []bool{false, true} {
		seen := map[string]bool{}
		for i := range uint64(200) {
			id := crosscheck.ID{Seed: 7, Index: i}
			text := makeUp(t, id, eager)
			if again := makeUp(t, id, eager); again != text {
				t.Fatalf("%v isn't the same twice:\n%s\n%s", id, text, again)
			}
			seen[text] = true
			if _, _, err := drill.NewJob("x.pkt", []byte(text), nil).Load(); err != nil {
				t.Fatalf("%v: %v\n%s", id, err, text)
			}
			setUp := crosscheck.NewPeer(id).Script()
			if !strings.HasPrefix(text, setUp) {
				t.Fatalf("%v doesn't begin with its handshake", id)
			}
			if n := strings.Count(text[len(setUp):], "\n"); n < 20 {
				t.Errorf("%v has %d events", id, n)
			}
		}
		if len(seen) != 200 {
			t.Errorf("%d different scripts of 200", len(seen))
		}
	}
}

// Events are in the first half of a millisecond, far from the stack's jiffies, and
// never at a round time.
func TestTimes(t *testing.T) {
	for i := range uint64(50) {
		id := crosscheck.ID{Seed: 8, Index: i}
		text := makeUp(t, id, true)[len(crosscheck.NewPeer(id).Script()):]
		last := time.Duration(0)
		for line := range strings.Lines(text) {
			field, _, _ := strings.Cut(line, " ")
			at, err := time.ParseDuration(field + "s")
			if err != nil {
				t.Fatal(err)
			}
			if over := at % time.Millisecond; over > 400*time.Microsecond || at%(100*time.Microsecond) == 0 {
				t.Errorf("%v: %s", id, line)
			}
			if at <= last {
				t.Errorf("%v: %v comes after %v", id, at, last)
			}
			last = at
		}
	}
}

func TestGeneration(t *testing.T) {
	if g := crosscheck.Generation(); len(g) != 12 || g != crosscheck.Generation() {
		t.Errorf("generation %q", g)
	}
}
