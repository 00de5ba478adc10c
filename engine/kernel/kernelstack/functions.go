package kernelstack

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/causes"
	"tcpdrill/engine/kernel"
	"tcpdrill/engine/kernel/tracefs"
)

// tracer is what traces the kernel's functions, nil if that isn't wanted.
var tracer atomic.Pointer[tracefs.Tracer]

// TraceFunctions has the kernel say of each packet, from now on until stop is called, by
// which of its functions it was sent. The error says what is missing for that.
func TraceFunctions() (stop func(), err error) {
	t, err := tracefs.Start(kernel.Device)
	if err != nil {
		return nil, err
	}
	tracer.Store(t)
	return func() {
		tracer.Store(nil)
		t.Close()
	}, nil
}

// A packet passes the capture just before it passes the tracepoint. After is by how much
// at most: the packet is copied meanwhile, and an interrupt may come. Before makes up for
// two clocks.
const (
	after  = 60 * time.Microsecond
	before = 3 * time.Microsecond
)

// A sent is a packet of a run: when it was sent, by CLOCK_MONOTONIC, and how long it is.
type sent struct {
	at     time.Duration
	length int
}

// explain fills in the functions that sent the packets of a run, and causes that follow
// from them.
func explain(o *engine.Outcome) {
	t := tracer.Load()
	if t == nil {
		return
	}
	traced, whole := t.Between(o.Start-time.Second, o.Start+o.Duration+time.Second)
	if !whole {
		o.Warnings = append(o.Warnings, engine.Failure{
			Verdict: engine.Inconclusive, Summary: "by which functions packets were sent isn't known: the kernel had no room to say it",
		})
		return
	}
	var all []sent
	for _, e := range o.Timeline {
		if e.Length > 0 {
			all = append(all, sent{o.Start + e.At, e.Length})
		}
	}
	found := match(all, traced)
	why := map[sent]string{}
	for i := range o.Timeline {
		e := &o.Timeline[i]
		key := sent{o.Start + e.At, e.Length}
		if s := found[key]; s != nil {
			e.Functions, e.Cause = s.Functions, causes.OfFunctions(s.Functions, e.Cause, e.Maybe)
			why[key] = e.Cause
		}
	}
	for i := range o.Packets {
		p := &o.Packets[i]
		if cause, ok := why[sent{o.Start + p.At, len(p.Data)}]; ok {
			p.Cause = cause
		}
	}
}

// match finds packets of a run among those that were traced, which are all that were sent
// on the machine through devices of one name: by length and time. What may be another
// script's isn't taken.
func match(all []sent, traced []tracefs.Sending) map[sent]*tracefs.Sending {
	all = slices.Clone(all)
	slices.SortFunc(all, func(a, b sent) int { return cmp.Compare(a.at, b.at) })
	near := func(p sent) (list []*tracefs.Sending) {
		from, _ := slices.BinarySearchFunc(traced, p.at-before, func(s tracefs.Sending, t time.Duration) int { return cmp.Compare(s.At, t) })
		for i := from; i < len(traced) && traced[i].At <= p.at+after; i++ {
			if traced[i].Length == p.length {
				list = append(list, &traced[i])
			}
		}
		return list
	}
	found := map[sent]*tracefs.Sending{}
	taken := map[*tracefs.Sending]bool{}
	for _, p := range slices.Compact(all) { // pieces of one packet
		for _, s := range near(p) {
			if !taken[s] {
				found[p], taken[s] = s, true
				break
			}
		}
	}
	for p, s := range found {
		for _, other := range near(p) {
			if !taken[other] && !slices.Equal(other.Functions, s.Functions) {
				delete(found, p)
			}
		}
	}
	return found
}
