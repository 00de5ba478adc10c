package crosscheck

import (
	"fmt"
	"time"
)

// An app is the application over the stack, and what drives the script.
type app struct {
	closed    bool // the descriptor is
	shut      bool // for writing
	written   int
	peerReads bool // the other end's application is about to read
	ending    bool
}

// tick does one thing and has the next done later.
func (p *Peer) tick() string {
	switch {
	case p.events >= p.setup.events && p.now >= p.span, p.events >= 3*p.setup.events, p.over() && p.events >= fewest:
		return p.finish()
	case p.over():
		p.after(p.think(), p.tick)
		return odd(p)
	case p.chance(6):
		p.after(p.think(), p.tick)
		return p.state()
	}
	p.after(p.think(), p.tick)
	th := p.theme
	switch {
	case (p.app.shut || p.app.closed) && p.chance(85):
		return draw(p.dice, halfClosed)(p)
	case p.chance(30):
		th = p.second
	}
	return draw(p.dice, th.actions)(p)
}

// fewest is how many events a script has at least, beside the handshake.
const fewest = 20

// over reports whether there is no connection any more.
func (p *Peer) over() bool {
	return p.rcv.reset || p.rcv.finned && p.snd.closed && p.app.closed
}

// mayEnd reports whether the connection may be ended now: not before something
// was lost or a timer has expired, and not when there is all of a script to come.
func (p *Peer) mayEnd() bool {
	return p.net.expired > 0 && p.events >= fewest/2 && (p.events >= fewest-4 || p.chance(25))
}

// think draws how long until the next thing is done.
func (p *Peer) think() time.Duration {
	return draw(p.dice, p.theme.pauses)
}

// finish ends the script: nothing happens any more but what timers bring about.
func (p *Peer) finish() string {
	if p.app.ending {
		return ""
	}
	p.app.ending = true
	tail := pick(p.dice, ms(20), ms(100), ms(300), ms(1000), ms(3000))
	last := func() string {
		p.ended = true
		p.queue = nil
		if p.app.closed {
			return p.packet(".", p.snd.next, 0)
		}
		return p.state()
	}
	if p.net.expired > 0 {
		p.after(tail, last)
		return ""
	}
	// Not without a loss or a timer that expires.
	p.net.dropUntil = time.Hour
	p.rcv.mute = time.Hour
	p.after(tail+ms(1500), last)
	return p.write(2 * p.mss)
}

// state prints what TCP_INFO says.
func (p *Peer) state() string {
	if p.app.closed {
		return ""
	}
	p.prints++
	return statePrint(p.prints)
}

// call writes a call on the connection's descriptor whose result is whatever
// the stack says.
func (p *Peer) call(name, rest string) string {
	if p.app.closed {
		return ""
	}
	return fmt.Sprintf("%s(%d%s) = ...", name, p.fd, rest)
}

func (p *Peer) write(n int) string {
	p.app.written += n
	return p.call("write", fmt.Sprintf(", ..., %d", max(n, 1)))
}

func (p *Peer) sendFlags(n int, flags string) string {
	p.app.written += n
	return p.call("send", fmt.Sprintf(", ..., %d, %s", max(n, 1), flags))
}

func (p *Peer) option(level, name string, value, size int) string {
	return p.call("setsockopt", fmt.Sprintf(", %s, %s, [%d], %d", level, name, value, size))
}

func (p *Peer) tcpOption(name string, value int) string {
	return p.option("SOL_TCP", name, value, 4)
}

func (p *Peer) read() string {
	return p.call("read", fmt.Sprintf(", ..., %d", pick(p.dice, 1, 100, 1000, 4000, 20000, 100000, 100000)))
}

func (p *Peer) close() string {
	s := p.call("close", "")
	p.app.closed = true
	return s
}
