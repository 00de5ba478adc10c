package engine_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/wire"
)

// A failure says what the script would have to say: which parts of a packet differ, all of
// what was sent and when, and what stands behind a call's '='.
func TestSeen(t *testing.T) {
	const ms = time.Millisecond
	write := func(s *server, n int) {
		for at := 0; at < n; at += 1000 {
			s.send(10*ms, wire.ACK, uint32(at), min(1000, n-at))
		}
	}
	for _, tt := range []struct {
		name, script string
		text         string // of the source, that is to be another
		want         engine.Seen
	}{
		{
			name: "a packet", script: "+0 write(4, ..., 2000) = 2000\n+0 > P. 1:2001(2000) ack 1 win 9\n",
			want: engine.Seen{
				Event: 8, Fields: []string{"flags", "win", "time"}, Packet: "> . 1:2001(2000) ack 1 win 1000",
				First: 2, Pieces: 2, At: 110 * ms, Since: 100 * ms, Tolerance: 4 * ms,
			},
		},
		{
			name: "segments that don't continue", script: "+0 write(4, ..., 1500) = 1500\n+.01 > . 1:3001(3000) ack 1\n",
			want: engine.Seen{
				Event: 8, Fields: []string{"length"}, Packet: "> . 1:1001(1000) ack 1 win 1000",
				First: 2, Pieces: 1, At: 110 * ms, Since: 100 * ms, Tolerance: 4 * ms,
			},
		},
		{
			name: "nothing", script: "+0 write(4, ..., 0) = 0\n+.5 > . 1:3001(3000) ack 1\n",
			want: engine.Seen{Event: 8, At: 600 * ms},
		},
		{
			name: "a result", script: "+0 write(4, ..., 100) = 99\n", text: "99",
			want: engine.Seen{Event: 7, Text: "100"},
		},
		{
			name: "an error", script: "+0 close(4) = -1 EBADF (Bad file descriptor)\n", text: "-1 EBADF (Bad file descriptor)",
			want: engine.Seen{Event: 7, Text: "0"},
		},
	} {
		source := handshake + tt.script
		o := runScript(t, newServer(write), source)
		if len(o.Failures) == 0 || o.Failures[0].Seen == nil {
			t.Errorf("%s: %s %+v", tt.name, o.Verdict, o.Failures)
			continue
		}
		if tt.text != "" {
			tt.want.Start = strings.LastIndex(source, tt.text)
			tt.want.End = tt.want.Start + len(tt.text)
		}
		if got := *o.Failures[0].Seen; !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got\n%+v\nwant\n%+v", tt.name, got, tt.want)
		}
	}
}
