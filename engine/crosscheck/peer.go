package crosscheck

import (
	"container/heap"
	"strings"
	"time"

	"tcpdrill/engine/wire"
)

// A Peer makes up a script: it is the other end of the connection, the network
// between, and the application. It implements engine.Improviser.
type Peer struct {
	dice
	*setup
	script strings.Builder

	queue  agenda
	count  int           // of entries ever put there
	now    time.Duration // of the entry at hand
	last   time.Duration // of the last event
	off    time.Duration // of the next event, after the grain's start
	events int           // made up so far
	ended  bool
	prints int

	net network
	rcv receiver
	snd sender
	app app
}

// grain is the unit of events' times, to which some microseconds are added: stacks
// compare times with round numbers and parts of round trips, and what is then
// decided mustn't depend on the last microsecond. A script starts in the middle
// of a jiffy: an event in the first half of a millisecond is far from both edges.
const grain = 100 * time.Microsecond

// NewPeer returns the peer that makes up a script.
func NewPeer(id ID) *Peer {
	d := newDice(id)
	p := &Peer{dice: d, setup: newSetup(d)}
	text, at := p.setup.prefix(id)
	p.script.WriteString(text)
	p.now, p.last = at, at
	p.rcv.start(p)
	p.snd.start()
	if p.active {
		// The stack answers the SYN-ACK; that is nothing to acknowledge.
		p.rcv.tsRecent = firstTS
	}
	p.off = p.offset()
	if p.theme.fills {
		p.later(grain, shrinkBuffer)
	}
	p.after(p.think(), p.tick)
	return p
}

// Script returns what there is of the script so far.
func (p *Peer) Script() string { return p.script.String() }

// An entry is something that happens at a time. What it returns is an event of
// the script, "" for none.
type entry struct {
	at    time.Duration
	order int
	do    func() string
}

type agenda []entry

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].order < a[j].order
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(entry)) }
func (a *agenda) Pop() any {
	last := len(*a) - 1
	e := (*a)[last]
	*a = (*a)[:last]
	return e
}

// at has something happen at a time, after has it a while from now.
func (p *Peer) at(t time.Duration, do func() string) {
	p.count++
	heap.Push(&p.queue, entry{t, p.count, do})
}

func (p *Peer) after(d time.Duration, do func() string) { p.at(p.now+d, do) }

// later has an action happen a while from now.
func (p *Peer) later(d time.Duration, do action) { p.after(d, func() string { return do(p) }) }

// slot returns the first time from t on at which there may be an event.
func (p *Peer) slot(t time.Duration) time.Duration {
	t = p.grid(max(t, p.last+grain-p.off))
	if held := p.snd.held; held > 0 && t < held+ackHeld && (!p.clustered() || t > held+4*grain) {
		t = p.grid(held + ackHeld)
	}
	return t + p.off
}

// Next implements engine.Improviser.
func (p *Peer) Next() (time.Duration, bool) {
	if p.ended || len(p.queue) == 0 {
		return 0, false
	}
	return p.slot(p.queue[0].at), true
}

// Event implements engine.Improviser.
func (p *Peer) Event() string {
	e := heap.Pop(&p.queue).(entry)
	p.now = p.slot(e.at)
	what := e.do()
	if what == "" {
		return ""
	}
	p.events++
	p.last, p.off = p.now, p.offset()
	line := seconds(p.now) + " " + what
	p.script.WriteString(line + "\n")
	return line
}

// Returned implements engine.Improviser.
func (p *Peer) Returned(int64) {}

// Sent implements engine.Improviser.
func (p *Peer) Sent(at time.Duration, w *wire.Packet, gso int) {
	t := w.TCP()
	if t == nil {
		return
	}
	if at > p.last+time.Millisecond {
		p.net.expired++
	}
	if t.Flags&wire.RST != 0 {
		p.rcv.reset = true
		return
	}
	if t.Flags&wire.SYN != 0 {
		return // again: the handshake is over here
	}
	p.acked(t)
	n := len(w.Payload)
	if gso <= 0 {
		gso = max(n, 1)
	}
	for off := 0; ; off += gso {
		piece := min(gso, n-off)
		s := segment{
			seq: t.Seq + uint32(off), length: uint32(piece),
			fin: t.Flags&wire.FIN != 0 && off+piece == n,
			cwr: t.Flags&wire.CWR != 0,
			ect: w.TOS()&3 != 0,
		}
		s.tsVal, _, s.hasTS = t.Timestamp()
		p.carry(at, s)
		if off+gso >= n {
			return
		}
	}
}

// Theme names what the script is mostly about.
func (p *Peer) Theme() string { return p.theme.name }
