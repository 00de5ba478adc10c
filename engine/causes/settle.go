package causes

// settle gives the packets of a span between two readings their causes.
func (b *Book) settle(span []record, d reading, known bool) {
	var all []*segment
	void := b.deferred || !known
	for _, r := range span {
		switch {
		case r.event != nil:
			b.last = r.event
			switch r.event.Call {
			case "close":
				b.closes++
			case "shutdown":
				b.shutdowns++
			}
			b.given(r.event)
		case r.unsent != nil:
			b.hold(r.unsent, d, known)
		case r.void:
			void = true
		case r.sent != nil:
			if g := b.sent(r); g != nil {
				all = append(all, g)
			}
		}
	}
	if void {
		for _, g := range all {
			g.c.Maybe = g.maybe
		}
		return
	}
	t := timers{d: d, paced: b.paced}
	for _, g := range all {
		if g.within == nil {
			t.add(g)
		}
	}
	t.settle()
	answers(all, &t)
	for _, g := range all {
		if g.c.Cause = g.word; g.word == "" {
			g.c.Maybe = g.maybe
		}
	}
}

// answers takes back the causes of segments sent in calls and on receipt of packets if the
// counters say that a timer may have sent one of them, and tells apart by the counters
// what looks alike.
func answers(all []*segment, t *timers) {
	var acks []*segment // of what came
	for _, g := range all {
		if g.within == nil {
			continue
		}
		switch g.kind {
		case kindAgain:
			if g.within.Packet != nil && !g.sending {
				g.word = t.recovery()
			}
			fallthrough
		case kindData, kindFin:
			if t.spareData {
				g.word = ""
			}
		case kindAck:
			if t.spareAcks {
				g.word = ""
			}
			if g.within.Packet != nil {
				acks = append(acks, g)
			}
		}
	}
	switch t.d["TCPChallengeACK"] {
	case 0:
	case int64(len(acks)):
		name(acks, challenge)
	default:
		name(acks, "")
	}
}

func name(list []*segment, word string) {
	for _, g := range list {
		g.word = word
	}
}

// timers are the segments of a span that were sent while nothing was done to the stack.
type timers struct {
	d     reading
	paced bool

	fresh, again, acks, below, syns []*segment
	asleep                          bool // a call slept that may have sent them

	// Counters have more than was seen to be sent by timers.
	spareData, spareAcks bool
}

func (t *timers) add(g *segment) {
	t.asleep = t.asleep || g.sending
	switch g.kind {
	case kindData, kindFin:
		t.fresh = append(t.fresh, g)
	case kindAgain:
		t.again = append(t.again, g)
	case kindAck:
		t.acks = append(t.acks, g)
	case kindBelow:
		t.below = append(t.below, g)
	case kindSynAgain:
		t.syns = append(t.syns, g)
	}
}

// settle gives them the causes that go with how often each timer did something.
func (t *timers) settle() {
	t.settleAcks()
	t.settleProbes()
	t.settleData()
}

func (t *timers) settleAcks() {
	n := t.d["DelayedACKs"]
	switch {
	case n == int64(len(t.acks)):
		name(t.acks, delack)
	case n == 0:
		for _, g := range t.acks {
			if g.gaps && !g.receiving {
				g.word = compressedAck
			}
		}
	}
	t.spareAcks = n > int64(len(t.acks))
}

func (t *timers) settleProbes() {
	win, alive := t.d["TCPWinProbe"], t.d["TCPKeepAlive"]
	switch n := int64(len(t.below)); {
	case win == n && alive == 0:
		name(t.below, probe)
	case alive == n && win == 0:
		name(t.below, keepalive)
	}
}

func (t *timers) settleData() {
	fresh, again, syns := int64(len(t.fresh)), int64(len(t.again)), int64(len(t.syns))
	probes, timeouts := t.d["TCPLossProbes"], t.d["TCPTimeouts"]
	t.spareData = probes+timeouts > fresh+again+syns
	if timeouts >= syns && (timeouts == syns || again == 0) {
		name(t.syns, synTimer)
	}
	timeouts -= syns
	switch {
	case timeouts < 0 || timeouts > 0 && syns > 0:
	case probes == fresh+again && timeouts == 0:
		name(t.fresh, tlp)
		name(t.again, tlp)
	case probes == 0 && timeouts == again && again > 0 && fresh == 0:
		name(t.again, rto)
	case probes == 0 && timeouts == 0 && !t.paced && !t.asleep:
		for _, g := range t.fresh {
			if g.hold == holdCork {
				g.word = corkTimer
			}
		}
		if fresh == 0 && t.d["TCPFastRetrans"] > 0 && t.d["TCPSlowStartRetrans"] == 0 {
			name(t.again, rack)
		}
	}
}

// recovery is why something is sent again when a packet has come.
func (t *timers) recovery() string {
	fast, slow := t.d["TCPFastRetrans"], t.d["TCPSlowStartRetrans"]
	for _, g := range t.again {
		if g.word == "" || g.word == rack {
			return ""
		}
	}
	switch {
	case fast > 0 && slow == 0:
		return fastRetransmit
	case slow > 0 && fast == 0:
		return lossRecovery
	}
	return ""
}
