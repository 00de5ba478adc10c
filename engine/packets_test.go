package engine_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine/wire"
)

// Packets are kept only if that is asked for, in the order in which they crossed,
// each with the line that it is of.
func TestKeepPackets(t *testing.T) {
	writes := func(s *server, n int) {
		s.send(10*time.Millisecond, wire.ACK, 0, 500)
		s.send(10*time.Millisecond, wire.ACK|wire.PSH, 500, 500)
		s.send(12*time.Millisecond, wire.ACK, 1000, 0)
	}
	text := handshake + `+0 write(4, ..., 1000) = 1000
+.015 < . 1:1(0) ack 501 win 1000
+0 > P. 1:1001(1000) ack 1 win 999
`
	if o := runScript(t, newServer(writes), text); o.Packets != nil {
		t.Errorf("%d packets were kept", len(o.Packets))
	}
	o := runScript(t, newServer(writes), text, set("keep_packets"))
	var got strings.Builder
	for _, p := range o.Packets {
		way := ">"
		if p.Inbound {
			way = "<"
		}
		w, err := wire.Parse(p.Data)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "%v %s %d bytes, %s %v, %v\n", p.At, way, len(w.Payload), p.Kind, p.Lines, time.Unix(0, int64(p.Wall)).UTC().Format("2006 05.000"))
	}
	want := `0s < 0 bytes, inject [4], 2000 00.000
0s > 0 bytes, match [5], 2000 00.000
100ms < 0 bytes, inject [6], 2000 00.100
110ms > 500 bytes, wrong [10], 2000 00.110
110ms > 500 bytes, wrong [10], 2000 00.110
112ms > 0 bytes, extra [], 2000 00.112
115ms < 0 bytes, inject [9], 2000 00.115
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}
