package update

import (
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/script"
)

// A time has the form of the one in its place, and as many decimals as it needs.
func TestTimeText(t *testing.T) {
	ms := func(n float64) time.Duration { return time.Duration(n * float64(time.Millisecond)) }
	for _, tt := range []struct {
		was       string
		at, since float64 // ms
		tolerance float64
		want      string
	}{
		{"+0", 240, 40, 25, "+.2"},
		{"+.2", 100, 100, 4, "+0"},
		{"+.2", 100.4, 100, 4, "+0"},
		{"+.2", 103, 100, 4, "+.003"},
		{"+.2", 99, 100, 4, "+0"}, // within the tolerance
		{"+0", 90, 100, 4, "*"},   // before what it counts from
		{"+.2", 90, 100, 4, "*"},  // nor can that be said otherwise
		{"+0.200", 412.3, 0, 50, "+0.412"},
		{"+0.2", 412.3, 0, 50, "+0.4"}, // within what an RTO may be off
		{"+.2", 1000.2, 0, 125, "+1"},
		{"+.04", 51.26, 0, 6, "+.05"},
		{"+.04", 51.26, 0, 0.1, "+.0513"}, // never finer than tenths of milliseconds
		{"+.123456", 51.2678, 0, 4, "+.051268"},
		{"1", 312.3, 0, 4, "0.312"},
		{"1.5", 1713, 0, 4, "1.713"},
		{".5", 713, 0, 90, ".7"},
		{"+.1~+.2", 400, 0, 50, "+.35~+.45"},
		{"+.1~+.2", 20, 0, 4, "+0~+.1"},
		{"+.04~+.048", 31.3, 0, 4, "+.027~+.035"},
		{"+.04~+.048", 20, 100, 4, "*"},
		{"1~1.5", 3000, 0, 400, "2.8~3.3"},
	} {
		s, err := script.Parse("test.pkt", []byte(tt.was+" > . 1:1(0) ack 1\n"), nil)
		if err != nil {
			t.Fatal(err)
		}
		got := timeText(&s.Events[0].Time, &engine.Seen{At: ms(tt.at), Since: ms(tt.since), Tolerance: ms(tt.tolerance)})
		if got != tt.want {
			t.Errorf("%s, %v ms after %v: got %s, want %s", tt.was, tt.at, tt.since, got, tt.want)
		}
	}
}
