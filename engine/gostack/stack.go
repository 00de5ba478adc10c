package gostack

import (
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/process"
)

// Options are what a stack is made with.
type Options struct {
	// HZ is how many ticks Linux's timer has a second; 0 stands for 1000.
	HZ int
	// Phase is the number of the jiffy, modulo 32768, in which a script starts.
	// The timer wheel rounds by it.
	Phase uint64
	// Faults are to be built in on purpose.
	Faults Faults
}

// A Stack is one machine's stack, made for one run of one script. All methods
// belong to one goroutine.
type Stack struct {
	clock
	faults Faults
	sysctl sysctls
	dev    device
	routes routes
	tcp    tcpState
	mib    mib

	process process.Process // that of the script
	ports   ports

	pinned bool // the link keeps what it was given
	sent   []*engine.Captured
}

var (
	_ engine.Target       = (*Stack)(nil)
	_ engine.StallingLink = (*Stack)(nil)
)

// epoch is the wall-clock time at the stack's time 0: fixed, as all is here.
const epoch = 1_700_000_000 * time.Second

// wheelPhase is how many jiffies lie between moments that are alike to the timer
// wheel, for timers of up to 34 minutes at HZ=1000.
const wheelPhase = 1 << 15

// New returns a stack as far as it can be made without knowing the script.
func New(o Options) *Stack {
	if o.HZ == 0 {
		o.HZ = 1000
	}
	s := &Stack{faults: o.Faults}
	s.tick = time.Second / time.Duration(o.HZ)
	s.phase = o.Phase % wheelPhase
	// A time of 0 stands for none in many places.
	s.now = wheelPhase*s.tick - s.tick/2
	s.process.Init(machine{s})
	s.initSysctls()
	s.initDevice()
	s.initTCP()
	return s
}

// Name implements engine.Target.
func (s *Stack) Name() string { return "gostack" }

// Now implements engine.Clock.
func (s *Stack) Now() time.Duration { return s.now }

// Virtual implements engine.Clock.
func (s *Stack) Virtual() bool { return true }

// Tick implements engine.Clock.
func (s *Stack) Tick() time.Duration { return s.tick }

// Wall implements engine.Clock.
func (s *Stack) Wall(t time.Duration) time.Duration { return epoch + t }

// Start implements engine.Clock: it returns in the middle of a jiffy, as far as
// can be from the ticks around the whole milliseconds at which scripts act.
func (s *Stack) Start(bool) time.Duration {
	ticks := time.Duration(wheelPhase)
	at := s.now.Truncate(ticks*s.tick) + ticks*s.tick + s.tick/2
	s.WaitUntil(at)
	return s.now
}

// Finish implements engine.Clock.
func (s *Stack) Finish() {}

// What a thing takes that is done: as long as in a kernel in virtual time
// (engine/kernel), so that round trips are alike.
const (
	callStep   = 5 * time.Microsecond  // a system call
	injectStep = 20 * time.Microsecond // a packet that comes in
	wakeUp     = 40 * time.Microsecond // waking up when a packet was sent
)

// WaitUntil implements engine.Clock.
func (s *Stack) WaitUntil(t time.Duration) {
	for len(s.queue) > 0 && s.clock.next() <= t {
		s.fireTimer()
	}
	s.now = max(s.now, t)
}

func (s *Stack) fireTimer() {
	s.fire()
	s.process.RunTasks()
}

// Begin implements engine.Sockets.
func (s *Stack) Begin(c *engine.Call) engine.Pending {
	s.WaitUntil(s.now + callStep)
	return &pending{s, s.process.Make(c)}
}

// Call implements engine.Sockets. A call that sleeps moves the time on.
func (s *Stack) Call(c *engine.Call) engine.Result {
	p := s.Begin(c).(*pending)
	for !p.t.Done() {
		if len(s.queue) == 0 {
			return engine.Result{Ret: -1, Err: engine.ErrStuck}
		}
		s.fireTimer()
	}
	return p.t.Result()
}

// A pending is a call that may sleep.
type pending struct {
	s *Stack
	t *task
}

// Wait implements engine.Pending.
func (p *pending) Wait(until time.Duration) bool {
	s := p.s
	for !p.t.Done() && len(s.queue) > 0 && s.clock.next() <= until {
		s.fireTimer()
	}
	if !p.t.Done() && until != engine.Forever {
		s.now = max(s.now, until)
	}
	return p.t.Done()
}

// Result implements engine.Pending.
func (p *pending) Result() (engine.Result, time.Duration) { return p.t.Result(), p.t.Ended() }

// Inject implements engine.Link.
func (s *Stack) Inject(p []byte, gso engine.GSO) error {
	s.WaitUntil(s.now + injectStep)
	s.receive(p, gso)
	s.process.RunTasks()
	return nil
}

// Receive implements engine.Link.
func (s *Stack) Receive(until time.Duration) (*engine.Captured, error) {
	waited := false
	for {
		if len(s.sent) > 0 {
			c := s.sent[0]
			s.sent = s.sent[1:]
			if waited {
				s.WaitUntil(c.Time + wakeUp)
			}
			return c, nil
		}
		if len(s.queue) == 0 || s.clock.next() > until {
			if until != engine.Forever {
				s.now = max(s.now, until)
			}
			return nil, nil
		}
		waited = true
		s.fireTimer()
	}
}
