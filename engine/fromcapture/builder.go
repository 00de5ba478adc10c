package fromcapture

import (
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"

	"tcpdrill/engine/wire"
)

// A builder makes a script of a connection.
type builder struct {
	numbers
	segments []*segment
	v6       bool
	active   bool          // the stack's end connected
	partial  bool          // the handshake isn't in the capture
	sack     bool          // of a partial one: SACK is used
	accECN   bool          // AE, CWR and ECE are a counter
	fastOpen bool          // the stack took data on the SYN
	ecn      bool          // the stack's packets have ECN marks
	tlp      bool          // the stack may send tail loss probes: SACK was agreed on
	mss      uint32        // payload of the stack's full segments
	rtt      time.Duration // of the handshake
	ownSYN   *wire.TCP
	peerSYN  *wire.TCP

	writes    map[int]*write
	held      map[int]*write // by the segment after which the application writes what is held back
	closeAt   int            // the segment with the FIN, before which the application closed; -1
	halfClose bool
	unread    []bool // by segment: the application reads nothing yet

	// As the script goes on:
	steps        []step
	accepted     bool
	closed       bool // the application has no descriptor any more
	shut         bool // FIN is sent
	noDelay      bool
	quickACKsOff bool
	in           incoming
	uncork       map[int]bool    // segments after which TCP_CORK is over
	vals         map[uint32]bool // timestamps sent, as the script has them
	scaledTS     bool            // an echo is of none of them
	strange      int             // packets with options that the language has no words for
	skipped      int

	notes []string
}

// A step is a line of the script.
type step struct {
	at     time.Duration
	text   string
	remark string
	exact  bool // it is no matter of the stack's how soon it comes
}

func newBuilder(c *connection, local netip.AddrPort) *builder {
	b := &builder{segments: c.segments, v6: local.Addr().Is6(), vals: map[uint32]bool{}, uncork: map[int]bool{}}
	for _, s := range b.segments {
		s.inbound = s.dst == local
		if !s.inbound && s.packet.TOS()&3 != 0 {
			b.ecn = true
		}
	}
	b.judgeChecksums()
	b.prepare()
	return b
}

// note notes what people should know, at the top of the script.
func (b *builder) note(format string, args ...any) {
	b.notes = append(b.notes, strings.Map(printable, fmt.Sprintf(format, args...)))
}

// printable keeps a comment on one line.
func printable(c rune) rune {
	if c < ' ' || c == 0x7f {
		return '_'
	}
	return c
}

func (b *builder) add(at time.Duration, text, remark string) {
	b.steps = append(b.steps, step{at: at, text: text, remark: remark})
}

// fd is the connection's descriptor in the script.
func (b *builder) fd() int {
	if b.active {
		return 3
	}
	return 4
}

// call adds a system call on the connection.
func (b *builder) call(at time.Duration, remark, format string, args ...any) {
	b.add(at, fmt.Sprintf(format, args...), "guess: "+remark)
}

// build makes all steps.
func (b *builder) build() {
	b.writes = b.planWrites()
	b.planClose(b.writes)
	b.planReads()
	var start time.Duration
	if len(b.segments) > 0 {
		start = b.segments[0].at
	}
	b.open(start)
	for i := 0; i < len(b.segments); {
		switch s := b.segments[i]; {
		case s.tcp() == nil:
			b.icmp(s)
			i++
		case s.inbound:
			b.inject(i)
			i++
		default:
			i = b.expect(i)
		}
	}
	if b.skipped > 0 {
		b.note("Left out: %s that the language has no words for.", count(b.skipped, "packet"))
	}
	if b.strange > 0 {
		b.note("%s had options that the language has no words for: nop is in their place, or <...>.", count(b.strange, "packet"))
	}
}

// open adds the calls before the first packet, and a handshake if the capture has
// none.
func (b *builder) open(at time.Duration) {
	switch {
	case b.active:
		b.add(at, "socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3", "guess: a client")
		b.maxSeg(at)
		b.add(at, "connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)", "")
		b.accepted = true
		return
	case b.refused():
		return // nobody listens
	}
	b.add(at, "socket(..., SOCK_STREAM, IPPROTO_TCP) = 3", "guess: a server")
	b.add(at, "setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0", "")
	b.maxSeg(at)
	b.add(at, "bind(3, ..., ...) = 0", "")
	b.add(at, "listen(3, 1) = 0", "")
	if b.partial {
		b.note("The capture begins after the handshake, which is made up; so is the scale of windows. Timestamps are left out.")
		sack := ""
		if b.sack {
			sack = "nop,nop,sackOK,"
		}
		b.add(at, fmt.Sprintf("< S 0:0(0) win 65535 <mss %d,%snop,wscale 7>", b.mss, sack), "made up")
		b.add(at, "> S. 0:0(0) ack 1 <...>", "")
		b.add(at, "< . 1:1(0) ack 1 win 512", "")
		b.accept(at)
	}
}

// refused reports whether the first answer to the other end's SYN is a RST.
func (b *builder) refused() bool {
	for _, s := range b.segments {
		if !s.inbound && s.tcp() != nil {
			return s.has(wire.RST)
		}
	}
	return false
}

func (b *builder) accept(at time.Duration) {
	if !b.accepted && !b.refused() {
		b.accepted = true
		b.call(at, "as soon as it can", "accept(3, ..., ...) = 4")
	}
}

// packet adds a packet, unless its sequence numbers go around: the language's end at
// 2^32. It reports whether it did.
func (b *builder) packet(s step, p *wire.Packet) bool {
	var seq uint32
	n := 0
	if t := p.TCP(); t != nil {
		seq, n = t.Seq, len(p.Payload)
	} else if q := p.Quoted(); q != nil {
		seq, n = q.Seq, q.PayloadLen
	}
	if uint64(seq)+uint64(n) > math.MaxUint32 {
		b.skipped++
		return false
	}
	b.steps = append(b.steps, s)
	return true
}

// inject adds a segment of the other end.
func (b *builder) inject(i int) {
	s := b.segments[i]
	if !s.badSum {
		b.delayACKs(i)
	}
	p, unknown := b.script(s)
	if unknown {
		b.strange++
	}
	if _, ecr, ok := p.TCP().Timestamp(); ok && s.has(wire.ACK) && !b.vals[ecr] {
		b.scaledTS = true
	}
	text := wire.Format(p, wire.FormatOptions{ECN: p.TOS()&3 != 0, ACE: b.accECN && !s.has(wire.SYN)})
	if n := b.joined(s); n > 0 {
		text += fmt.Sprintf(" gso %d", n)
	}
	if s.badSum {
		text += " badsum"
	}
	if !b.packet(step{at: s.at, text: "< " + text, exact: true}, p) || s.badSum {
		return
	}
	refused := b.soon(i) && !b.segments[i+1].inbound && b.segments[i+1].has(wire.RST)
	if s.has(wire.ACK) && !s.has(wire.SYN) && !s.has(wire.RST) && !refused {
		b.accept(s.at)
	}
	b.in.add(b.seq(s), s)
	if !b.soon(i) {
		b.read(i, "at once")
	}
}

// soon reports whether the next packet follows at once.
func (b *builder) soon(i int) bool {
	return i+1 < len(b.segments) && b.segments[i+1].at-b.segments[i].at <= together
}

// icmp adds a message about the connection.
func (b *builder) icmp(s *segment) {
	q := s.packet.Quoted()
	if !s.inbound || q == nil {
		b.skipped++
		return
	}
	p := s.packet.Clone()
	q = p.Quoted()
	q.SetSeq(q.Seq - b.localISN)
	text := "< " + wire.Format(p, wire.FormatOptions{})
	if s.badSum {
		text += " badsum"
	}
	b.packet(step{at: s.at, text: text, exact: true}, p)
}

// expect adds a segment of the stack, with those that follow in the same burst, and
// the calls before it. It returns the first segment that it left.
func (b *builder) expect(i int) (next int) {
	s := b.segments[i]
	w := b.writes[i]
	if w != nil {
		b.accept(s.at)
		b.read(i, "before the answer")
		b.write(s.at, w)
	}
	b.abort(i)
	if i == b.closeAt {
		b.close(i)
	}
	acks := s.has(wire.ACK) && !s.has(wire.SYN) && !s.has(wire.RST)
	if acks && (b.in.segments > 1 || i > 0 && b.unread[i-1]) {
		b.read(i, "which lets the ACK go")
	}
	next = b.burst(i)
	b.segment(i, next)
	if w := b.held[next-1]; w != nil {
		b.write(s.at, w)
	}
	if b.uncork[next-1] {
		b.call(s.at, "what was held back is sent", "setsockopt(%d, SOL_TCP, TCP_CORK, [0], 4) = 0", b.fd())
	}
	if acks {
		b.in.segments = 0
		b.read(next-1, "what is acknowledged")
	}
	return next
}

// segment adds an expectation of the segments from i up to next as one.
func (b *builder) segment(i, next int) {
	p, unknown := b.script(b.segments[next-1])
	first := b.segments[i]
	t := p.TCP()
	t.Seq = b.seq(first)
	t.Flags = t.Flags&^wire.CWR | first.tcp().Flags&wire.CWR
	n := 0
	for _, s := range b.segments[i:next] {
		n += s.payload()
	}
	p.Payload = zeros[:n]
	if val, _, ok := t.Timestamp(); ok {
		b.vals[val] = true
	}
	if unknown {
		b.strange++
	}
	// A cookie is the stack's own.
	anyOptions := unknown || t.Option(wire.OptFastOpen) != nil && !b.active
	if anyOptions {
		t.Options = nil
	}
	text := wire.Format(p, wire.FormatOptions{ECN: b.ecn, ACE: b.accECN && t.Flags&wire.SYN == 0, NoWindow: true})
	if anyOptions {
		text += " <...>"
	}
	b.packet(step{at: first.at, text: "> " + text}, p)
}

// burst returns the first segment behind those that the engine would glue together
// with segment i: then it is no matter how the stack cuts them.
func (b *builder) burst(i int) (next int) {
	s := b.segments[i]
	total := s.payload()
	next = i + 1
	for total > 0 && next < len(b.segments) {
		prev, g := b.segments[next-1], b.segments[next]
		if g.inbound || g.tcp() == nil || g.payload() == 0 || b.writes[next] != nil || next == b.closeAt ||
			g.at-s.at > together || total+g.payload() > maxGlued ||
			prev.payload() != s.payload() || g.payload() > s.payload() ||
			!continues(prev, g) {
			break
		}
		total += g.payload()
		next++
	}
	return next
}

// maxGlued is how much fits into a line.
const maxGlued = 60000

// continues reports whether g is what comes after prev, with the same header but for
// PSH, FIN and CWR.
func continues(prev, g *segment) bool {
	const free = wire.PSH | wire.FIN | wire.CWR
	a, b := prev.tcp(), g.tcp()
	_, aEcho, _ := a.Timestamp()
	_, bEcho, _ := b.Timestamp()
	return a.Seq+uint32(prev.payload()) == b.Seq && a.Flags&^free == b.Flags&^free && a.Flags&wire.FIN == 0 &&
		a.Ack == b.Ack && a.Window == b.Window && a.HeaderLen == b.HeaderLen && aEcho == bEcho && a.Urgent == b.Urgent &&
		prev.packet.TOS() == g.packet.TOS()
}
