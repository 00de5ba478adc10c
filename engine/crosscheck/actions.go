package crosscheck

import (
	"fmt"
	"time"
)

// An action is one thing that happens in a script, by itself. It returns an
// event, or "" if it only sets something going.
type action func(*Peer) string

// small, record and bulk are writes of the sizes that matter: below a segment,
// about one, and many.
func small(p *Peer) string { return p.write(pick(p.dice, 1, 10, 100, p.mss/4, p.mss/2)) }

func record(p *Peer) string {
	return p.write(pick(p.dice, p.mss-12, p.mss-1, p.mss, p.mss+1, p.mss*3/2, 2*p.mss, 3*p.mss, 3*p.mss+10))
}

func bulk(p *Peer) string {
	return p.write(pick(p.dice, 4*p.mss, 5*p.mss, 8*p.mss, 10*p.mss, 12*p.mss+17, min(20*p.mss, 60000), min(40*p.mss, 100000)))
}

func more(p *Peer) string {
	return p.sendFlags(pick(p.dice, 1, 100, p.mss/2, p.mss, p.mss+100), "MSG_MORE")
}

func eor(p *Peer) string { return p.sendFlags(pick(p.dice, 100, p.mss/2, p.mss, 2*p.mss), "MSG_EOR") }

func urgent(p *Peer) string { return p.sendFlags(1, "MSG_OOB") }

func vector(p *Peer) string {
	a, b := p.between(1, p.mss), p.between(1, 2*p.mss)
	p.app.written += a + b
	return p.call("writev", fmt.Sprintf(", [{..., %d}, {..., %d}], 2", a, b))
}

// burst writes several small pieces in a row.
func burst(p *Peer) string {
	gap := pick(p.dice, grain, ms(1), ms(5))
	for i := range p.between(2, 5) {
		p.after(time.Duration(i+1)*gap, func() string { return small(p) })
	}
	return small(p)
}

// corked sets TCP_CORK, writes, and takes it away, or forgets to for a while.
func corked(p *Peer) string {
	gap := pick(p.dice, grain, ms(2), ms(30), ms(150), ms(250), ms(900))
	n := p.between(1, 4)
	for i := range n {
		p.after(time.Duration(i+1)*grain, func() string { return pick(p.dice, small, record)(p) })
	}
	p.after(time.Duration(n+1)*grain+gap, func() string { return p.tcpOption("TCP_CORK", 0) })
	return p.tcpOption("TCP_CORK", 1)
}

// moreThenLast sends pieces with MSG_MORE and the last one without.
func moreThenLast(p *Peer) string {
	gap := pick(p.dice, grain, ms(2), ms(250))
	p.after(gap, func() string { return pick(p.dice, more, small)(p) })
	p.later(2*gap, small)
	return more(p)
}

func nodelay(p *Peer) string  { return p.tcpOption("TCP_NODELAY", p.IntN(2)) }
func quickack(p *Peer) string { return p.tcpOption("TCP_QUICKACK", p.IntN(2)) }
func cork(p *Peer) string     { return p.tcpOption("TCP_CORK", p.IntN(2)) }

// knob sets one of the options that are set rarely.
func knob(p *Peer) string {
	switch p.IntN(10) {
	case 0:
		return p.tcpOption("TCP_NOTSENT_LOWAT", pick(p.dice, 1, 2000, 100000))
	case 1:
		return p.tcpOption("TCP_USER_TIMEOUT", pick(p.dice, 300, 2000, 10000))
	case 2:
		return p.option("SOL_SOCKET", "SO_SNDBUF", pick(p.dice, 2000, 20000, 200000), 4)
	case 3:
		return p.option("SOL_SOCKET", "SO_RCVBUF", pick(p.dice, 2000, 20000, 200000), 4)
	case 4:
		cc := pick(p.dice, "cubic", "reno")
		return p.call("setsockopt", fmt.Sprintf(", SOL_TCP, TCP_CONGESTION, %q, %d", cc, len(cc)))
	case 5:
		return p.tcpOption("TCP_WINDOW_CLAMP", pick(p.dice, 3000, 10000, 50000))
	case 6:
		return p.tcpOption("TCP_THIN_LINEAR_TIMEOUTS", 1)
	case 7:
		return p.option("SOL_SOCKET", "SO_RCVLOWAT", pick(p.dice, 1, 3000, 30000), 4)
	case 8:
		return p.tcpOption("TCP_LINGER2", pick(p.dice, 1, 3, -1))
	default:
		return p.call("getsockopt", ", SOL_SOCKET, SO_ERROR, ..., ...")
	}
}

// keepalive turns keepalives on, with short times.
func keepalive(p *Peer) string {
	p.after(grain, func() string { return p.tcpOption("TCP_KEEPIDLE", p.between(1, 4)) })
	p.after(2*grain, func() string { return p.tcpOption("TCP_KEEPINTVL", p.between(1, 3)) })
	p.after(3*grain, func() string { return p.tcpOption("TCP_KEEPCNT", p.between(2, 9)) })
	return p.option("SOL_SOCKET", "SO_KEEPALIVE", 1, 4)
}

func readSome(p *Peer) string { return p.read() }

// fill has the other end use up the window, and the application read late.
func fill(p *Peer) string {
	p.later(pick(p.dice, ms(5), ms(60), ms(300), ms(700)), readAll)
	return p.send(min(p.snd.window-int(p.snd.next-p.snd.una), 18000), pick(p.dice, 0, grain))
}

func readAll(p *Peer) string { return p.call("read", ", ..., 200000") }

// shrinkBuffer gives the stack a small receive buffer.
func shrinkBuffer(p *Peer) string {
	return p.option("SOL_SOCKET", "SO_RCVBUF", pick(p.dice, 2500, 4000, 8000, 16000, 30000), 4)
}

func shutdownWrite(p *Peer) string {
	if !p.mayEnd() {
		return record(p)
	}
	p.app.shut = true
	return p.call("shutdown", ", SHUT_WR")
}

func closeIt(p *Peer) string {
	if !p.mayEnd() {
		return record(p)
	}
	return p.close()
}

// abort closes with a RST.
func abort(p *Peer) string {
	if !p.mayEnd() {
		return bulk(p)
	}
	p.later(grain, (*Peer).close)
	return p.call("setsockopt", ", SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8")
}

// peerSmall and peerBulk have the other end send.
func peerSmall(p *Peer) string { return p.send(pick(p.dice, 1, 10, 100, 500, 1000), 0) }

func peerBulk(p *Peer) string {
	return p.send(pick(p.dice, 1460, 2920, 3000, 5000, 10000, 15000), pick(p.dice, 0, grain, ms(1), ms(3)))
}

// request has the other end ask and the application answer.
func request(p *Peer) string {
	wait := pick(p.dice, ms(1), ms(1), ms(5), ms(45), ms(210))
	p.later(wait, readSome)
	if p.chance(80) {
		p.later(wait+pick(p.dice, grain, ms(1), ms(30)), pick(p.dice, action(small), record, bulk))
	}
	return p.send(pick(p.dice, 1, 100, 500, 1460, 2500), grain)
}

// outage loses everything for a while; it begins with a write.
func outage(p *Peer) string {
	p.net.dropUntil = p.now + pick(p.dice, ms(5), p.rtt, 2*p.rtt, ms(300), ms(700), ms(1500), ms(4000))
	return pick(p.dice, action(small), record, bulk)(p)
}

// dropFew loses the next few segments with data.
func dropFew(p *Peer) string {
	p.net.dropNext = pick(p.dice, 1, 1, 1, 2, 3, 5, 9)
	return pick(p.dice, action(record), bulk, bulk)(p)
}

// mute loses the other end's ACKs for a while.
func mute(p *Peer) string {
	p.rcv.mute = p.now + pick(p.dice, ms(30), 2*p.rtt, ms(300), ms(900))
	return pick(p.dice, action(small), record, bulk)(p)
}

// spike delays what is under way, so that timers expire for nothing.
func spike(p *Peer) string {
	p.net.late = pick(p.dice, p.rtt/2, 2*p.rtt, ms(150), ms(250), ms(400), ms(800))
	p.net.lateUntil = p.now + pick(p.dice, ms(1), p.rtt, ms(200), ms(500))
	return pick(p.dice, action(record), bulk)(p)
}

// shut closes the other end's window for a while.
func shut(p *Peer) string {
	if p.rcv.closedFor {
		return ""
	}
	p.rcv.closedFor = true
	p.after(pick(p.dice, ms(100), ms(300), ms(800), ms(2500), ms(5000)), func() string {
		p.rcv.closedFor, p.rcv.unread = false, 0
		return p.packet(".", p.snd.next, 0)
	})
	p.later(pick(p.dice, grain, ms(5)), pick(p.dice, action(small), record, bulk))
	return p.packet(".", p.snd.next, 0)
}

// resize changes the other end's buffer.
func resize(p *Peer) string {
	p.window = pick(p.dice, 0, 500, p.mss, 2*p.mss, 10000, 65535, 300000)
	if p.window == 0 {
		p.window = 1
	}
	return p.packet(".", p.snd.next, 0)
}

func peerFin(p *Peer) string { return p.fin() }
