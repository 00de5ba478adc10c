package engine_test

import (
	"fmt"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/wire"
)

// A slowReasoner finds out later why packets were sent.
type slowReasoner struct {
	*server
	received []*engine.Captured
	cause    string
	asked    int
}

func (s *slowReasoner) Receive(until time.Duration) (*engine.Captured, error) {
	c, err := s.server.Receive(until)
	if c != nil {
		s.received = append(s.received, c)
	}
	return c, err
}

func (s *slowReasoner) Reason() {
	s.asked++
	for _, c := range s.received {
		c.Cause = s.cause
	}
}

// Who finds out later is asked where a line wants to know, and at the end.
func TestReasoner(t *testing.T) {
	for _, tt := range []struct {
		clause, cause string
		verdict       engine.Verdict
		asked         int
	}{
		{"", "write", engine.Pass, 1},
		{` cause "write"`, "write", engine.Pass, 2},
		{` cause "nagle"`, "write", engine.Fail, 3},
		{` cause "nagle"`, "", engine.Pass, 2},
	} {
		s := &slowReasoner{cause: tt.cause, server: newServer(func(s *server, n int) {
			s.send(0, wire.ACK|wire.PSH, 0, 1000)
		})}
		text := handshake + "+0 write(4, ..., 1000) = 1000\n+0 > P. 1:1001(1000) ack 1" + tt.clause + "\n"
		o := runScript(t, s, text, set("keep_packets"))
		if o.Verdict != tt.verdict || s.asked != tt.asked {
			t.Errorf("%q, %q: %s, asked %d times; want %s, %d", tt.clause, tt.cause, o.Verdict, s.asked, tt.verdict, tt.asked)
		}
		last := o.Timeline[len(o.Timeline)-1]
		if p := o.Packets[len(o.Packets)-1]; last.Cause != tt.cause || p.Cause != tt.cause {
			t.Errorf("%q: the timeline has %q, the packets %q", tt.cause, last.Cause, p.Cause)
		}
		if tt.verdict == engine.Fail {
			if f := o.Failures[0]; f.Seen == nil || f.Seen.Cause != tt.cause || fmt.Sprint(f.Seen.Fields) != "[cause]" {
				t.Errorf("seen %+v", f.Seen)
			}
		}
	}
}
