package gostack

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
)

// A packet is one on its way to the device.
type packet struct {
	captured *engine.Captured
	// edt is the earliest time at which it may leave; 0 for now.
	edt time.Duration
	// flow is the socket that it is from; nil for none.
	flow any
	// left is called when it leaves for the device, dropped if it is thrown away
	// after it was taken. Both may be nil.
	left    func(at time.Duration)
	dropped func()
	// gone is called when the reader has taken it, or the device dropped it: nobody
	// refers to its data any more. It may be nil.
	gone func()

	seq uint64 // in fq: of its arrival
}

// A qdisc is the device's queueing discipline. The device takes packets at once,
// so that only fq ever keeps any.
type qdisc struct {
	kind   string
	handle uint16 // major; 0: nobody asked for this one
	limit  int    // packets; of bfifo, bytes; noLimit

	// fq's.
	flowLimit   int // packets of one socket
	pacing      bool
	horizon     time.Duration // what is to leave later than in this time …
	horizonDrop bool          // … is dropped, or else is put there
	flows       []*fqFlow     // those with packets, in the order in which they got them
	queued      int
	arrived     uint64
}

// A fqFlow is the packets of one socket that wait.
type fqFlow struct {
	flow    any
	packets []*packet
}

const noLimit = math.MaxInt

// fqSlack is how late fq's timer may be: it is armed with so much slack.
const fqSlack = 10 * time.Microsecond

// qdiscs are the kinds that there are.
var qdiscs = []string{"noqueue", "pfifo", "bfifo", "pfifo_head_drop", "pfifo_fast", "fq", "fq_codel"}

// knownQdisc reports whether the stack has a queueing discipline.
func knownQdisc(kind string) bool { return slices.Contains(qdiscs, kind) }

// newQdisc makes one with Linux's defaults.
func (s *Stack) newQdisc(kind string) qdisc {
	q := qdisc{kind: kind, limit: noLimit}
	switch kind {
	case "pfifo", "pfifo_head_drop":
		q.limit = s.dev.txqlen
	case "bfifo":
		q.limit = s.dev.txqlen * s.dev.mtu
	case "fq_codel":
		q.limit = 10240
	case "fq":
		q.limit, q.flowLimit, q.pacing = 10000, 100, true
		q.horizon, q.horizonDrop = 10*time.Second, true
	}
	return q
}

// setQdisc replaces the queueing discipline. What waits in the old one is lost.
func (s *Stack) setQdisc(q qdisc) {
	s.purgeQdisc()
	s.dev.qdisc = q
}

// purgeQdisc drops what waits.
func (s *Stack) purgeQdisc() {
	q := &s.dev.qdisc
	flows := q.flows
	q.flows, q.queued = nil, 0
	s.delTimer(&s.dev.fqTimer)
	for _, f := range flows {
		for _, p := range f.packets {
			if p.dropped != nil {
				p.dropped()
			}
		}
	}
}

// devXmit hands a packet to the device through its queueing discipline
// (dev_queue_xmit). It returns false if that dropped it.
func (s *Stack) devXmit(p *packet) bool {
	if !s.dev.up {
		return false
	}
	q := &s.dev.qdisc
	switch q.kind {
	case "fq":
		return s.fqEnqueue(p)
	case "bfifo":
		// One that has room for a full packet is passed by while it is empty.
		if n := len(p.captured.Data); q.limit < s.dev.mtu && n > q.limit {
			return false
		}
	default:
		if q.limit == 0 {
			return false
		}
	}
	s.hardXmit(p)
	return true
}

// hardXmit gives a packet to the device (tun_net_xmit). A reader that reads takes it
// at once. A queue of no length drops it, but whoever captures sees it before.
func (s *Stack) hardXmit(p *packet) {
	d := &s.dev
	waits := d.stalled && len(d.queue) < d.txqlen
	switch {
	case waits:
		d.queue = append(d.queue, p)
	case d.stalled:
		d.txDropped++
	default:
		p.captured.Time = s.now
		s.sent = append(s.sent, p.captured)
		if d.txqlen == 0 {
			d.txDropped++
		}
	}
	if p.left != nil {
		p.left(s.now) // for the stack it is sent, whatever becomes of it (skb_orphan)
	}
	if !waits {
		p.isGone()
	}
}

// isGone says that the packet's data is referenced no more.
func (p *packet) isGone() {
	if p.gone != nil {
		p.gone()
	}
}

// Stall implements engine.StallingLink.
func (s *Stack) Stall() error {
	if s.pinned {
		return &engine.UnsupportedError{What: "stalling the device's reader with --capture=packet, which has none,"}
	}
	s.dev.stalled = true
	return nil
}

// Resume implements engine.StallingLink.
func (s *Stack) Resume() error {
	d := &s.dev
	d.stalled = false
	queue := d.queue
	d.queue = nil
	for _, p := range queue {
		p.captured.Time = s.now
		s.sent = append(s.sent, p.captured)
		p.isGone()
	}
	return nil
}

// shortenQueue drops what finds no room in the device's queue after a change of its
// length. Nobody counts that (tun_queue_resize).
func (d *device) shortenQueue() {
	for len(d.queue) > d.txqlen {
		last := len(d.queue) - 1
		d.queue[last].isGone()
		d.queue = d.queue[:last]
	}
}

// fqEnqueue takes a packet and sends what may leave by now.
func (s *Stack) fqEnqueue(p *packet) bool {
	q := &s.dev.qdisc
	if q.queued >= q.limit {
		return false
	}
	if q.horizon > 0 && p.edt > s.now+q.horizon {
		if q.horizonDrop {
			return false
		}
		p.edt = s.now + q.horizon
	}
	// From now on TCP leaves pacing to fq.
	if tp, ok := p.flow.(*tcpSock); ok && q.pacing {
		tp.pacingStatus = pacingFQ
	}
	q.arrived++
	p.seq = q.arrived
	var f *fqFlow
	if i := slices.IndexFunc(q.flows, func(f *fqFlow) bool { return f.flow == p.flow }); i >= 0 {
		f = q.flows[i]
	}
	switch {
	case f == nil && p.edt <= s.now:
		// Nothing of its own is before it. What else is due leaves first.
		s.fqRun()
		s.hardXmit(p)
		return true
	case f == nil:
		f = &fqFlow{flow: p.flow}
		q.flows = append(q.flows, f)
	}
	if len(f.packets) >= q.flowLimit {
		if len(f.packets) == 0 {
			q.flows = q.flows[:len(q.flows)-1]
		}
		return false
	}
	// A flow's packets leave in the order of their times.
	i := len(f.packets)
	for i > 0 && f.packets[i-1].edt > p.edt {
		i--
	}
	f.packets = slices.Insert(f.packets, i, p)
	q.queued++
	s.fqRun()
	return true
}

// fqRun sends what may leave, in the order in which it may, and arms the timer for
// the rest.
func (s *Stack) fqRun() {
	q := &s.dev.qdisc
	for len(q.flows) > 0 {
		at := 0
		for i, f := range q.flows {
			a, b := f.packets[0], q.flows[at].packets[0]
			if a.edt < b.edt || a.edt == b.edt && a.seq < b.seq {
				at = i
			}
		}
		f := q.flows[at]
		p := f.packets[0]
		if p.edt > s.now {
			s.startAt(&s.dev.fqTimer, p.edt+fqSlack)
			return
		}
		f.packets = f.packets[1:]
		if len(f.packets) == 0 {
			q.flows = slices.Delete(q.flows, at, at+1)
		}
		q.queued--
		s.hardXmit(p)
	}
	s.delTimer(&s.dev.fqTimer)
}

// Counters implements engine.Link.
func (s *Stack) Counters() (engine.LinkCounters, error) {
	return engine.LinkCounters{TxDropped: s.dev.txDropped}, nil
}

// ChangeQdisc implements engine.Host.
func (s *Stack) ChangeQdisc(c engine.QdiscChange) error {
	if err := checkDevice(c.Dev); err != nil {
		return err
	}
	switch c.Parent {
	case "root":
		return s.changeRootQdisc(c)
	case "ingress", "clsact":
		return s.changeIngress(c)
	}
	if _, _, ok := parseHandle(c.Parent); !ok {
		return abi.Refuse(abi.EINVAL)
	}
	return abi.RefuseSaying(abi.ENOENT, "Failed to find specified qdisc")
}

// changeIngress adds or removes a hook for filters on what comes in. There are no
// filters, so that it does nothing.
func (s *Stack) changeIngress(c engine.QdiscChange) error {
	there := s.dev.ingress
	switch {
	case c.Change == engine.Delete && there == "":
		return abi.RefuseSaying(abi.ENOENT, "Cannot find specified qdisc on specified device")
	case c.Change == engine.Delete && there != c.Parent:
		return abi.RefuseSaying(abi.EINVAL, "Invalid qdisc name: must match existing qdisc")
	case c.Change == engine.Delete:
		s.dev.ingress = ""
	case c.Change == engine.Add && there != "":
		return abi.RefuseSaying(abi.EEXIST, "Exclusivity flag on, cannot modify")
	case c.Change == engine.Modify && there == "":
		return abi.RefuseSaying(abi.ENOENT, "Qdisc not found. To create specify NLM_F_CREATE flag")
	default:
		s.dev.ingress = c.Parent
	}
	return nil
}

// parseHandle reads "1:", "1" or "1:2", in hexadecimal.
func parseHandle(h string) (major, minor uint16, ok bool) {
	a, b, _ := strings.Cut(h, ":")
	if b == "" {
		b = "0"
	}
	x, err := strconv.ParseUint(a, 16, 16)
	y, err2 := strconv.ParseUint(b, 16, 16)
	return uint16(x), uint16(y), err == nil && err2 == nil
}

// firstHandle is the first that the kernel gives to who names none.
const firstHandle = 0x8001

func (s *Stack) changeRootQdisc(c engine.QdiscChange) error {
	var handle uint16
	if c.Handle != "" {
		major, minor, ok := parseHandle(c.Handle)
		if !ok || minor != 0 {
			return abi.Refuse(abi.EINVAL)
		}
		handle = major
	}
	q := &s.dev.qdisc
	if c.Change == engine.Delete {
		switch {
		case handle != 0 && handle != q.handle:
			return abi.RefuseSaying(abi.EINVAL, "Invalid handle")
		case c.Kind != "" && c.Kind != q.kind:
			return abi.RefuseSaying(abi.EINVAL, "Invalid qdisc name: must match existing qdisc")
		case q.handle == 0:
			return abi.RefuseSaying(abi.ENOENT, "Cannot delete qdisc with handle of zero")
		}
		s.setQdisc(s.newQdisc(s.sysctl.coreDefaultQdisc))
		return nil
	}
	// The one that came by itself doesn't count as being there.
	there := q.handle != 0
	same := there && (handle == 0 || handle == q.handle)
	switch {
	case same && c.Change == engine.Add:
		return abi.RefuseSaying(abi.EEXIST, "Exclusivity flag on, cannot modify")
	case there && !same && c.Change != engine.Replace:
		return abi.RefuseSaying(abi.EEXIST, "NLM_F_REPLACE needed to override")
	case !there && c.Change == engine.Modify:
		return abi.RefuseSaying(abi.ENOENT, "Qdisc not found. To create specify NLM_F_CREATE flag")
	case c.Kind == "mq":
		return abi.Refuse(abi.EOPNOTSUPP) // the device has one queue
	case !knownQdisc(c.Kind):
		return &engine.UnsupportedError{What: "tc qdisc " + c.Kind}
	case same && c.Kind != q.kind && (c.Change == engine.Modify || handle != 0):
		return abi.RefuseSaying(abi.EINVAL, "Invalid qdisc name: must match existing qdisc")
	}
	if same && c.Kind == q.kind {
		// What isn't said stays, but for fifos, which know one thing only.
		changed := *q
		if strings.HasSuffix(c.Kind, "fifo") || c.Kind == "pfifo_head_drop" {
			changed.limit = s.newQdisc(c.Kind).limit
		}
		if err := changed.setOptions(c.Options); err != nil {
			return err
		}
		*q = changed
		return nil
	}
	n := s.newQdisc(c.Kind)
	if err := n.setOptions(c.Options); err != nil {
		return err
	}
	n.handle = handle
	for h := uint16(firstHandle); n.handle == 0; h++ {
		if h != q.handle {
			n.handle = h
		}
	}
	s.setQdisc(n)
	return nil
}

// setOptions sets what tc's words say.
func (q *qdisc) setOptions(words []string) error {
	all := words
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		ok := true
		switch q.kind + " " + word {
		case "fq pacing", "fq nopacing":
			q.pacing = word == "pacing"
			continue
		case "fq horizon_drop", "fq horizon_cap":
			q.horizonDrop = word == "horizon_drop"
			continue
		case "fq_codel ecn", "fq_codel noecn":
			continue // it never queues, so it never marks
		}
		arg := ""
		if len(words) > 0 {
			arg, words = words[0], words[1:]
		}
		n, err := strconv.ParseUint(arg, 0, 32)
		switch q.kind + " " + word {
		case "pfifo limit", "bfifo limit", "pfifo_head_drop limit", "fq limit", "fq_codel limit":
			q.limit = int(n)
		case "fq flow_limit":
			q.flowLimit = int(n)
		case "fq quantum", "fq initial_quantum", "fq_codel flows", "fq_codel quantum":
			// Whose turn it is matters only where several have something to send.
		case "fq horizon":
			q.horizon, ok = parseTCTime(arg)
			err = nil
		default:
			ok = false
		}
		if !ok || err != nil {
			return &engine.UnsupportedError{What: "tc qdisc " + q.kind + " " + strings.Join(all, " ")}
		}
	}
	return nil
}

// parseTCTime reads a time as tc does: "10s", "20ms", "30us" or microseconds.
func parseTCTime(s string) (time.Duration, bool) {
	number := strings.TrimRight(s, "msecu")
	unit := time.Microsecond
	switch s[len(number):] {
	case "", "us", "usec", "usecs":
	case "ms", "msec", "msecs":
		unit = time.Millisecond
	case "s", "sec", "secs":
		unit = time.Second
	default:
		return 0, false
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || f < 0 || f > 1e9 {
		return 0, false
	}
	return time.Duration(f * float64(unit)), true
}
