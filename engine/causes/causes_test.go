package causes

import (
	"fmt"
	"net/netip"
	"testing"

	"tcpdrill/engine"
	"tcpdrill/engine/wire"
)

var (
	here  = netip.MustParseAddrPort("192.168.0.1:8080")
	there = netip.MustParseAddrPort("192.0.2.1:40000")
)

// A scene plays a run into a book.
type scene struct {
	t    *testing.T
	book *Book
	sent []*engine.Captured
	n    map[string]int // counters
}

func newScene(t *testing.T) *scene {
	s := &scene{t: t, book: New(), n: map[string]int{}}
	s.count()
	return s
}

// count moves counters on and reads them.
func (s *scene) count(names ...string) {
	for _, name := range names {
		s.n[name]++
	}
	head, values := "TcpExt:", "TcpExt:"
	for _, name := range []string{
		"DelayedACKs", "TCPLossProbes", "TCPTimeouts", "TCPFastRetrans", "TCPSlowStartRetrans",
		"TCPChallengeACK", "TCPKeepAlive", "TCPWinProbe",
	} {
		head += " " + name
		values += fmt.Sprintf(" %d", s.n[name])
	}
	s.book.Read([]byte(head + "\n" + values + "\nIpExt: InOctets\nIpExt: 7\n"))
}

func (s *scene) segment(from, to netip.AddrPort, flags wire.TCPFlags, seq, ack uint32, size int) []byte {
	p := &wire.Packet{
		Layers: []wire.Layer{
			&wire.IPv4{TTL: 64, Src: from.Addr(), Dst: to.Addr()},
			&wire.TCP{SrcPort: from.Port(), DstPort: to.Port(), Seq: seq, Ack: ack, Flags: flags, Window: 1000},
		},
		Payload: make([]byte, size),
	}
	b, err := p.Marshal(wire.MarshalOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}

// send has the stack send while e is being done, nil for nothing.
func (s *scene) send(e *Event, flags wire.TCPFlags, seq, ack uint32, size int) {
	c := &engine.Captured{Data: s.segment(here, there, flags, seq, ack, size)}
	s.sent = append(s.sent, c)
	s.book.Sent(c, e)
}

// inject gives the stack a segment.
func (s *scene) inject(flags wire.TCPFlags, seq, ack uint32, size int) *Event {
	e := &Event{Packet: s.segment(there, here, flags, seq, ack, size)}
	s.book.Do(e)
	return e
}

// call has it do a call.
func (s *scene) call(name string) *Event {
	e := &Event{Call: name}
	s.book.Do(e)
	return e
}

// accept does the handshake.
func (s *scene) accept() {
	s.send(s.inject(wire.SYN, 1000, 0, 0), wire.SYN|wire.ACK, 5000, 1001, 0)
	s.inject(wire.ACK, 1001, 5001, 0)
}

// write writes and sends, of which the kernel keeps nothing back.
func (s *scene) write(seq uint32, size int) {
	s.send(s.call("write"), wire.PSH|wire.ACK, seq, 1001, size)
	s.book.Unsent(&Unsent{Local: here, Remote: there})
}

// want compares the causes of all that was sent.
func (s *scene) want(causes ...string) {
	s.t.Helper()
	s.book.Settle()
	var got []string
	for _, c := range s.sent {
		got = append(got, c.Cause)
	}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", causes) {
		s.t.Errorf("\n got %q\nwant %q", got, causes)
	}
}

func TestCalls(t *testing.T) {
	s := newScene(t)
	s.accept()
	s.write(5001, 100)
	s.send(s.call("close"), wire.FIN|wire.ACK, 5101, 1001, 0)
	s.count()
	s.want(synAck, write, fin)
}

func TestTimers(t *testing.T) {
	for _, tt := range []struct {
		counters []string
		want     string
	}{
		{[]string{"TCPLossProbes"}, tlp},
		{[]string{"TCPTimeouts"}, rto},
		{[]string{"TCPFastRetrans"}, rack},
		{nil, ""},
		{[]string{"TCPLossProbes", "TCPTimeouts"}, ""}, // one of them sent something else
	} {
		s := newScene(t)
		s.accept()
		s.write(5001, 100)
		s.count()
		s.send(nil, wire.PSH|wire.ACK, 5001, 1001, 100)
		s.count(tt.counters...)
		s.want(synAck, write, tt.want)
	}
}

// Of two that were sent between two readings each is known, or neither.
func TestBurst(t *testing.T) {
	for _, tt := range []struct {
		counters []string
		want     string
	}{
		{[]string{"TCPTimeouts", "TCPTimeouts"}, rto},
		{[]string{"TCPTimeouts", "TCPLossProbes"}, ""},
		{[]string{"TCPLossProbes", "TCPLossProbes"}, tlp},
	} {
		s := newScene(t)
		s.accept()
		s.write(5001, 100)
		s.count()
		s.send(nil, wire.PSH|wire.ACK, 5001, 1001, 100)
		s.send(nil, wire.PSH|wire.ACK, 5001, 1001, 100)
		s.count(tt.counters...)
		s.want(synAck, write, tt.want, tt.want)
	}
}

// A timer that fired during a call may have sent what the call seems to have sent.
func TestTimerInCall(t *testing.T) {
	s := newScene(t)
	s.accept()
	s.write(5001, 100)
	s.count("TCPLossProbes")
	s.want(synAck, "")
}

func TestAcknowledgments(t *testing.T) {
	s := newScene(t)
	s.accept()
	s.send(s.inject(wire.ACK, 1001, 5001, 100), wire.ACK, 5001, 1101, 0)
	s.send(s.inject(wire.ACK, 1201, 5001, 100), wire.ACK, 5001, 1101, 0) // ahead
	s.send(s.inject(wire.ACK, 1001, 5001, 100), wire.ACK, 5001, 1101, 0) // old
	s.inject(wire.ACK, 1101, 5001, 100)                                  // fills the gap
	s.count()
	s.send(nil, wire.ACK, 5001, 1301, 0)
	s.count("DelayedACKs")
	s.send(s.inject(wire.RST|wire.ACK, 1400, 5001, 0), wire.ACK, 5001, 1301, 0)
	s.count("TCPChallengeACK")
	s.want(synAck, ackNow, dupAck, dupAck, delack, challenge)
}

func TestHeld(t *testing.T) {
	for _, tt := range []struct {
		unsent Unsent
		want   string
	}{
		{Unsent{Bytes: 50, MSS: 1000, Cwnd: 10, InFlight: 1, Window: 1000}, nagle},
		{Unsent{Bytes: 50, MSS: 1000, Cwnd: 10, InFlight: 1, Window: 1000, Corked: true}, cork},
		{Unsent{Bytes: 50, MSS: 1000, Cwnd: 1, InFlight: 1, Window: 1000}, ack},
		{Unsent{Bytes: 50, MSS: 1000, Cwnd: 10, InFlight: 1, Window: 100}, ack},
		{Unsent{Bytes: 50, MSS: 1000, Cwnd: 10, InFlight: 1, Window: 1000, NoDelay: true}, ""},
	} {
		s := newScene(t)
		s.accept()
		s.write(5001, 100)
		s.call("write")
		u := tt.unsent
		u.Local, u.Remote, u.WindowKnown = here, there, true
		s.book.Unsent(&u)
		s.count()
		s.send(s.inject(wire.ACK, 1001, 5101, 0), wire.PSH|wire.ACK, 5101, 1001, 50)
		s.count()
		s.want(synAck, write, tt.want)
	}
}

// A FIN that waited may be close's or shutdown's: then TIME-WAIT or the socket itself
// answers the peer's.
func TestFinThatWaited(t *testing.T) {
	for _, tt := range []struct {
		calls []string
		want  string
	}{
		{[]string{"close"}, timeWait},
		{[]string{"shutdown"}, ackNow},
		{[]string{"shutdown", "close"}, ""},
	} {
		s := newScene(t)
		s.accept()
		s.write(5001, 100)
		for _, name := range tt.calls {
			s.call(name)
		}
		s.send(s.inject(wire.ACK, 1001, 5101, 0), wire.FIN|wire.ACK, 5101, 1001, 0)
		s.inject(wire.ACK, 1001, 5102, 0)
		s.send(s.inject(wire.FIN|wire.ACK, 1001, 5102, 0), wire.ACK, 5102, 1002, 0)
		s.count()
		s.want(synAck, write, fin, tt.want)
	}
}

// Whoever sends segments later or for others makes their causes unknown.
func TestVoid(t *testing.T) {
	s := newScene(t)
	s.accept()
	s.book.Void()
	s.count()
	s.send(s.call("close"), wire.FIN|wire.ACK, 5001, 1001, 0)
	s.count()
	s.want("", fin)

	s = newScene(t)
	s.accept()
	s.book.Defer()
	s.count()
	s.want("")
}

func BenchmarkReading(b *testing.B) {
	s := newScene(&testing.T{})
	s.count("TCPTimeouts")
	text := s.book.records[len(s.book.records)-1].counters
	for b.Loop() {
		s.book.reader.read(text)
	}
}
