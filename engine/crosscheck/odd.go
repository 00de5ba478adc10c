package crosscheck

import "fmt"

// odd is a segment that a well-behaved other end doesn't send.
func odd(p *Peer) string { return draw(p.dice, oddities)(p) }

var oddities []weighted[action]

func init() {
	// Here, since odd is one of the actions itself.
	oddities = []weighted[action]{
		{8, ackAgain}, {4, ackOld}, {4, ackUnsent}, {4, synAgain}, {4, rstInWindow}, {2, rstOutside},
		{4, dataOld}, {4, dataBeyond}, {4, dataOverlap}, {3, pawsFails}, {2, noTimestamp}, {3, keepaliveProbe},
		{2, peerUrgent}, {2, sackWrong}, {2, sackPart}, {2, resize}, {1, tooBig}, {1, unreachable}, {1, rstExact}, {2, ecnEcho},
	}
}

// raw writes a segment that says other than the other end knows.
func (p *Peer) raw(flags string, seq uint32, n int, ack uint32) string {
	return fmt.Sprintf("< %s %d:%d(%d) ack %d win %d%s", flags, seq, seq+uint32(n), n, ack, p.said(), p.optionText())
}

func ackAgain(p *Peer) string { return p.packet(".", p.snd.next, 0) }

func ackOld(p *Peer) string {
	back := uint32(pick(p.dice, 1, p.mss, 3*p.mss))
	if p.rcv.next < back+1 {
		back = p.rcv.next - 1
	}
	return p.raw(".", p.snd.next, 0, p.rcv.next-back)
}

func ackUnsent(p *Peer) string {
	return p.raw(".", p.snd.next, 0, p.net.highest+uint32(pick(p.dice, 1, 1000, 100000))+1)
}

func synAgain(p *Peer) string {
	if p.app.closed || p.rcv.reset || p.rcv.finned {
		return "" // it could begin a new connection, whose numbers nobody knows
	}
	return fmt.Sprintf("< S %d:%d(0) win 1000 <mss 1000>", p.snd.next, p.snd.next)
}

func rstInWindow(p *Peer) string {
	return fmt.Sprintf("< R %d:%d(0) win 0", p.snd.next+10, p.snd.next+10)
}

func rstOutside(p *Peer) string {
	at := p.snd.next + 1<<24
	return fmt.Sprintf("< R %d:%d(0) win 0", at, at)
}

func rstExact(p *Peer) string {
	if !p.mayEnd() {
		return rstInWindow(p)
	}
	p.rcv.reset = true
	return fmt.Sprintf("< R. %d:%d(0) ack %d win 0%s", p.snd.una, p.snd.una, p.rcv.next, p.setup.tsOption(p.now, p.rcv.tsRecent))
}

func dataOld(p *Peer) string {
	if p.snd.una < 100 {
		return ""
	}
	return p.data("P.", p.snd.una-50, 50)
}

func dataBeyond(p *Peer) string {
	return p.data("P.", p.snd.una+uint32(p.snd.window)+uint32(pick(p.dice, 0, 1000)), 100)
}

func dataOverlap(p *Peer) string {
	if p.snd.una < 100 || p.snd.closed {
		return ""
	}
	s := p.data("P.", p.snd.una-20, 60)
	if before(p.snd.next, p.snd.una+40) {
		p.snd.next = p.snd.una + 40
	}
	return s
}

func pawsFails(p *Peer) string {
	if !p.ts {
		return ackAgain(p)
	}
	n := pick(p.dice, 0, 10)
	return fmt.Sprintf("< . %d:%d(%d) ack %d win %d <nop,nop,TS val %d ecr %d>",
		p.snd.next, p.snd.next+uint32(n), n, p.rcv.next, p.said(), peerTS-3000, p.rcv.tsRecent)
}

func noTimestamp(p *Peer) string {
	return fmt.Sprintf("< . %d:%d(0) ack %d win %d", p.snd.next, p.snd.next, p.rcv.next, p.said())
}

func keepaliveProbe(p *Peer) string {
	return p.packet(".", p.snd.una-1, 0)
}

func peerUrgent(p *Peer) string {
	if p.snd.closed {
		return ""
	}
	seq := p.snd.next
	p.snd.next += 20
	return fmt.Sprintf("< UP. %d:%d(20) ack %d win %d urg %d%s", seq, seq+20, p.rcv.next, p.said(), p.between(1, 20), p.optionText())
}

// sackWrong reports data as received that was never sent, or was acknowledged.
func sackWrong(p *Peer) string {
	if !p.sack || p.rcv.next < 3 {
		return ""
	}
	left := pick(p.dice, p.net.highest+1000, p.rcv.next/2)
	return p.rawSACK(span{left, left + 500})
}

// sackPart reports a part of a segment.
func sackPart(p *Peer) string {
	if !p.sack || !before(p.rcv.next+200, p.net.highest) {
		return ""
	}
	left := p.rcv.next + uint32(p.between(1, int(p.net.highest-p.rcv.next)-100))
	return p.rawSACK(span{left, left + 100})
}

func (p *Peer) rawSACK(b span) string {
	opts := fmt.Sprintf("nop,nop,sack %d:%d", b.left, b.right)
	if p.ts {
		opts = p.tsText(p.now, p.rcv.tsRecent) + "," + opts
	}
	return fmt.Sprintf("< . %d:%d(0) ack %d win %d <%s>", p.snd.next, p.snd.next, p.rcv.next, p.said(), opts)
}

// tooBig says that the path takes smaller packets only.
func tooBig(p *Peer) string {
	if !before(p.rcv.next, p.net.highest) {
		return ""
	}
	what := "icmp unreachable frag_needed"
	if p.ipv6 {
		what = "icmp packet_too_big"
	}
	n := min(uint32(p.mss), p.net.highest-p.rcv.next)
	return fmt.Sprintf("< %s mtu %d [%d:%d(%d)]", what, pick(p.dice, 1300, 1400), p.rcv.next, p.rcv.next+n, n)
}

func unreachable(p *Peer) string {
	if !before(p.rcv.next, p.net.highest) || p.ipv6 {
		return ""
	}
	n := min(uint32(p.mss), p.net.highest-p.rcv.next)
	return fmt.Sprintf("< icmp unreachable host_unreachable [%d:%d(%d)]", p.rcv.next, p.rcv.next+n, n)
}

// ecnEcho says ECE in one ACK.
func ecnEcho(p *Peer) string { return p.raw("E.", p.snd.next, 0, p.rcv.next) }
