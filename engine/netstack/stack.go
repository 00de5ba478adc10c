package netstack

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/waiter"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
	"tcpdrill/engine/process"
	"tcpdrill/engine/wire"
)

// A Stack is one machine with netstack, made for one run of one script. All methods
// belong to one goroutine. It has to be closed.
type Stack struct {
	clock   clock
	link    link
	stack   *stack.Stack
	process process.Process // that of the script
	host
	sockets map[*socket]struct{} // those that weren't closed
	// lingering are those that are being closed. They are told of nothing any more:
	// they have to be looked at.
	lingering []*socket

	mu     sync.Mutex
	events []event // that nobody was told of yet
}

// An event is something that a socket's queue was notified of.
type event struct {
	so   *socket
	mask waiter.EventMask
}

var _ engine.Target = (*Stack)(nil)

// nicID is the number of the one device.
const nicID tcpip.NICID = 1

// startTime is the stack's time when it is made. netstack takes a time of 0 for none.
const startTime = time.Second

// oneProcessor guards GOMAXPROCS, which says how many processors a stack's TCP gets.
var oneProcessor sync.Mutex

// New returns a stack as far as it can be made without knowing the script.
func New() *Stack {
	s := &Stack{sockets: map[*socket]struct{}{}}
	s.clock.now = startTime
	options := stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6},
		Clock:              &s.clock,
		SecureRNG:          newSeededReader(),
		RandSource:         newSeededSource(),
	}
	oneProcessor.Lock()
	procs := runtime.GOMAXPROCS(1)
	s.stack = stack.New(options)
	runtime.GOMAXPROCS(procs)
	oneProcessor.Unlock()

	s.process.Init(machine{s})
	s.initHost()
	return s
}

// Close ends the stack: nothing of it is left running.
func (s *Stack) Close() {
	for so := range s.sockets {
		so.ep.Abort()
	}
	s.stack.Destroy()
}

// Name implements engine.Target.
func (s *Stack) Name() string { return "netstack" }

// Now implements engine.Clock.
func (s *Stack) Now() time.Duration { return s.clock.at() }

// Virtual implements engine.Clock.
func (s *Stack) Virtual() bool { return true }

// Tick implements engine.Clock: netstack's timers are exact.
func (s *Stack) Tick() time.Duration { return 0 }

// Wall implements engine.Clock.
func (s *Stack) Wall(t time.Duration) time.Duration { return epoch + t }

// Start implements engine.Clock: a whole second later, so that timestamps, which count
// milliseconds, have one phase.
func (s *Stack) Start(bool) time.Duration {
	s.WaitUntil(s.Now().Truncate(time.Second) + time.Second + time.Millisecond/2)
	return s.Now()
}

// Finish implements engine.Clock.
func (s *Stack) Finish() {}

// What a thing takes that is done: as long as with gostack, so that round trips are
// alike. Where no time passes between a segment and its acknowledgment, netstack's RACK
// takes segments for lost that were sent later in the same burst.
const (
	callStep   = 5 * time.Microsecond  // a system call
	injectStep = 20 * time.Microsecond // a packet that comes in
	wakeUp     = 40 * time.Microsecond // waking up when a packet was sent
)

// settle returns when the stack has done all that it does at this moment, and has the
// calls go on that were woken by it.
func (s *Stack) settle() {
	for {
		s.stack.Pause() // until the processor is idle
		s.stack.Resume()
		s.mu.Lock()
		events := s.events
		s.events = nil
		s.mu.Unlock()
		finished := slices.ContainsFunc(s.lingering, func(so *socket) bool { return !so.unfinished() })
		if len(events) == 0 && !finished {
			return
		}
		for _, e := range events {
			e.so.wait.Wake(e.mask.ToLinux())
		}
		lingering := s.lingering
		s.lingering = nil
		for _, so := range lingering {
			so.wait.Wake(abi.EpollHup)
		}
		s.process.RunTasks()
	}
}

// notify notes an event, on whatever goroutine.
func (s *Stack) notify(so *socket, mask waiter.EventMask) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, event{so, mask})
}

// WaitUntil implements engine.Clock.
func (s *Stack) WaitUntil(t time.Duration) {
	for next := s.clock.next(); next != engine.Forever && next <= t; next = s.clock.next() {
		s.fireTimer()
	}
	s.clock.advance(t)
}

func (s *Stack) fireTimer() {
	s.clock.fire()
	s.process.RunTasks()
	s.settle()
}

// Begin implements engine.Sockets.
func (s *Stack) Begin(c *engine.Call) engine.Pending {
	s.WaitUntil(s.Now() + callStep)
	t := s.process.Make(c)
	s.settle()
	return &pending{s, t}
}

// Call implements engine.Sockets. A call that sleeps moves the time on.
func (s *Stack) Call(c *engine.Call) engine.Result {
	p := s.Begin(c).(*pending)
	for !p.t.Done() {
		if s.clock.next() == engine.Forever {
			return engine.Result{Ret: -1, Err: engine.ErrStuck}
		}
		s.fireTimer()
	}
	return p.t.Result()
}

// A pending is a call that may sleep.
type pending struct {
	s *Stack
	t *process.Task
}

// Wait implements engine.Pending.
func (p *pending) Wait(until time.Duration) bool {
	s := p.s
	for next := s.clock.next(); !p.t.Done() && next != engine.Forever && next <= until; next = s.clock.next() {
		s.fireTimer()
	}
	if !p.t.Done() && until != engine.Forever {
		s.clock.advance(until)
	}
	return p.t.Done()
}

// Result implements engine.Pending.
func (p *pending) Result() (engine.Result, time.Duration) { return p.t.Result(), p.t.Ended() }

// Inject implements engine.Link.
func (s *Stack) Inject(p []byte, gso engine.GSO) error {
	if what := s.cannotAnswer(p); what != "" {
		return unsupported(what)
	}
	s.WaitUntil(s.Now() + injectStep)
	if gso.NeedsChecksum {
		p = wire.FillChecksum(p) // netstack checks each, unless the device says that it has checked all
	}
	s.link.inject(p)
	s.settle()
	return nil
}

// Receive implements engine.Link.
func (s *Stack) Receive(until time.Duration) (*engine.Captured, error) {
	waited := false
	for {
		if c := s.link.take(); c != nil {
			if waited {
				s.WaitUntil(c.Time + wakeUp)
			}
			return c, nil
		}
		next := s.clock.next()
		if next == engine.Forever || next > until {
			if until != engine.Forever {
				s.clock.advance(until)
			}
			return nil, nil
		}
		waited = true
		s.fireTimer()
	}
}

// Counters implements engine.Link.
func (s *Stack) Counters() (engine.LinkCounters, error) {
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	return engine.LinkCounters{TxDropped: s.link.dropped}, nil
}

var _ engine.StallingLink = (*Stack)(nil)

// Stall implements engine.StallingLink.
func (s *Stack) Stall() error {
	s.link.stall()
	return nil
}

// Resume implements engine.StallingLink.
func (s *Stack) Resume() error {
	s.link.resume()
	return nil
}

// A machine is the stack as its process sees it.
type machine struct{ s *Stack }

// Now implements process.Machine.
func (m machine) Now() time.Duration { return m.s.Now() }

// SocketDeadline implements process.Machine.
func (m machine) SocketDeadline(timeout time.Duration) time.Duration { return m.s.Now() + timeout }

// Alarm implements process.Machine.
func (m machine) Alarm(at time.Duration, _ bool, f func()) (stop func()) {
	t := m.s.clock.AfterFunc(at-m.s.Now(), f)
	return func() { t.Stop() }
}

// NewSocket implements process.Machine.
func (m machine) NewSocket(t *process.Task, family, _, protocol int) (process.Socket, abi.Errno) {
	switch protocol {
	case abi.IpprotoTCP:
	case abi.IpprotoUDP:
		return nil, t.No("a UDP socket")
	default:
		return nil, t.No("an ICMP datagram socket")
	}
	network := tcpip.NetworkProtocolNumber(ipv4.ProtocolNumber)
	if family == abi.AfInet6 {
		network = ipv6.ProtocolNumber
	}
	wq := &waiter.Queue{}
	ep, err := m.s.stack.NewEndpoint(tcp.ProtocolNumber, network, wq)
	if err != nil {
		return nil, errnoOf(err)
	}
	return m.s.newSocket(ep, wq, family), 0
}

// PutFile implements engine.FileKeeper.
func (s *Stack) PutFile(name string, data []byte) { s.process.PutFile(name, data) }

// RemoveFile implements engine.FileKeeper.
func (s *Stack) RemoveFile(name string) bool { return s.process.RemoveFile(name) }

var _ engine.FileKeeper = (*Stack)(nil)
