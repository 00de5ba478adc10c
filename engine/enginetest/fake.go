// Package enginetest has a target for tests of the engine: a stack that does
// what the test says, in virtual time.
package enginetest

import (
	"slices"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/wire"
)

// A Fake is a stack made of functions. Its zero value succeeds at every call
// and sends nothing. Time passes only while the engine waits.
type Fake struct {
	engine.Host // nil: scripts with commands need a shell that doesn't ask it

	// OnCall answers a system call. It may Send packets, and it may take time
	// by moving Time. If nil, calls return 0.
	OnCall func(f *Fake, c *engine.Call) engine.Result
	// OnBegin answers a call that blocks: what it returns, and when.
	OnBegin func(f *Fake, c *engine.Call) (engine.Result, time.Duration)
	// OnInject sees each packet that is injected.
	OnInject func(f *Fake, p *wire.Packet)
	// Late is how much too late every wait ends, as on a busy machine.
	Late time.Duration
	// Lag is how long after it was sent a packet is received.
	Lag time.Duration
	// Kept is how long what the stack sends was kept from running before (Captured.Late).
	Kept time.Duration
	// Lost is what the link's counters say when the run is over.
	Lost engine.LinkCounters

	Time     time.Duration
	Injected []*wire.Packet
	queue    []*engine.Captured // by time
	counted  bool
}

var _ engine.Target = (*Fake)(nil)

// SendAt makes the stack send a packet at a time.
func (f *Fake) SendAt(at time.Duration, p *wire.Packet) {
	b, err := p.Marshal(wire.MarshalOptions{})
	if err != nil {
		panic(err)
	}
	c := &engine.Captured{Data: b, Time: at, Late: f.Kept}
	i, _ := slices.BinarySearchFunc(f.queue, at+1, func(c *engine.Captured, t time.Duration) int { return int(c.Time - t) })
	f.queue = slices.Insert(f.queue, i, c)
}

// Name implements engine.Target.
func (f *Fake) Name() string { return "fake" }

// Now implements engine.Clock.
func (f *Fake) Now() time.Duration { return f.Time }

// WaitUntil implements engine.Clock.
func (f *Fake) WaitUntil(t time.Duration) {
	if f.Time < t {
		f.Time = t + f.Late
	}
}

// Start implements engine.Clock.
func (f *Fake) Start(quiet bool) time.Duration { return f.Time }

// Finish implements engine.Clock.
func (f *Fake) Finish() {}

// Wall implements engine.Clock.
func (f *Fake) Wall(t time.Duration) time.Duration { return t }

// Virtual implements engine.Clock.
func (f *Fake) Virtual() bool { return true }

// Tick implements engine.Clock.
func (f *Fake) Tick() time.Duration { return 0 }

// Call implements engine.Sockets.
func (f *Fake) Call(c *engine.Call) engine.Result {
	if f.OnCall == nil {
		return engine.Result{}
	}
	return f.OnCall(f, c)
}

// Begin implements engine.Sockets.
func (f *Fake) Begin(c *engine.Call) engine.Pending {
	p := &pending{f: f}
	if f.OnBegin != nil {
		p.res, p.at = f.OnBegin(f, c)
	}
	return p
}

type pending struct {
	f   *Fake
	res engine.Result
	at  time.Duration
}

func (p *pending) Wait(until time.Duration) bool {
	if p.at > until {
		p.f.Time = max(p.f.Time, until)
		return false
	}
	p.f.Time = max(p.f.Time, p.at)
	return true
}

func (p *pending) Result() (engine.Result, time.Duration) { return p.res, p.at }

// Inject implements engine.Link.
func (f *Fake) Inject(b []byte, _ engine.GSO) error {
	p, err := wire.Parse(b)
	if err != nil {
		return err
	}
	f.Injected = append(f.Injected, p)
	if f.OnInject != nil {
		f.OnInject(f, p)
	}
	return nil
}

// Receive implements engine.Link.
func (f *Fake) Receive(until time.Duration) (*engine.Captured, error) {
	if len(f.queue) > 0 && f.queue[0].Time <= until {
		c := f.queue[0]
		f.queue = f.queue[1:]
		f.Time = max(f.Time, c.Time+f.Lag)
		return c, nil
	}
	if until != engine.Forever {
		f.Time = max(f.Time, until)
	}
	return nil, nil
}

// Counters implements engine.Link.
func (f *Fake) Counters() (engine.LinkCounters, error) {
	if f.counted {
		return f.Lost, nil
	}
	f.counted = true // the first time is before the script starts
	return engine.LinkCounters{}, nil
}
