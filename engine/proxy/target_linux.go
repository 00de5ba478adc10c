package proxy

import (
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
	"tcpdrill/engine/kernel"
)

// A target is one proxy, between the host that this process's namespaces are and the
// harness as its guest. All methods belong to one goroutine.
type target struct {
	*kernel.Target // calls, clock, and commands
	kind           Kind
	guest          guest
	program        *program
	queue          []*engine.Captured // not yet received
}

var (
	_ engine.Target   = (*target)(nil)
	_ engine.Relay    = (*target)(nil)
	_ engine.Executor = (*target)(nil)
)

// open sets the host's network up as a script wants it and starts the proxy.
func open(t *kernel.Target, kind Kind, path string, cfg *engine.Config) (*target, error) {
	n := &cfg.Net
	if err := n.Check(); err != nil {
		return nil, err
	}
	switch {
	case n.AnyIP:
		return nil, &engine.UnsupportedError{What: "--is_anyip on " + string(kind)}
	case n.Capture == engine.CapturePacket:
		return nil, &engine.UnsupportedError{What: "--capture=packet on " + string(kind)}
	}
	if err := setUpHost(n); err != nil {
		return nil, err
	}
	router, err := routerOf(kind, n)
	if err != nil {
		return nil, err
	}
	p := &target{Target: t, kind: kind, guest: guest{mac: guestMAC, addr: n.RemoteIP, router: router}}
	begin := startPasst
	if kind == Slirp {
		begin = startSlirp
	}
	if p.program, err = begin(path, n, cfg.ConnectPort, router); err != nil {
		return nil, err
	}
	return p, p.meet()
}

// routerOf is the address of the guest's router: the second of its network, which is where
// libslirp has it. It must be neither end's.
func routerOf(kind Kind, n *engine.NetConfig) (netip.Addr, error) {
	if kind == Slirp && n.RemoteIP.Is6() {
		return slirpRouter6, nil
	}
	bits := guestPrefix
	if n.RemoteIP.Is6() {
		bits = 64
	}
	network := netip.PrefixFrom(n.RemoteIP, bits).Masked()
	router := network.Addr().Next().Next()
	if router == n.RemoteIP || network.Contains(n.LocalIP) {
		return router, &engine.UnsupportedError{What: fmt.Sprintf("a guest at %s beside its router %s and the host at %s", n.RemoteIP, router, n.LocalIP)}
	}
	return router, nil
}

// slirpRouter6 is the router that libslirp is in IPv6, wherever the guest is.
var slirpRouter6 = netip.MustParseAddr("fd00::2")

// meet finds the router, by which the proxy gets to know the guest, too. Once it answers
// it is ready.
func (t *target) meet() error {
	for until := t.Now() + patience; t.Now() < until; {
		if err := t.program.send(t.guest.ask()); err != nil {
			return err
		}
		again := t.Now() + time.Second
		for t.Now() < again {
			if err := t.collect(); err != nil {
				return err
			}
			if t.guest.via != (hwAddr{}) {
				return nil
			}
			if _, err := t.Await(t.program.socket, again); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("%s: %w", t.program.cmd.Path, errNoAnswer)
}

// Start implements engine.Clock. The proxy is what is drilled, and is to be as much on time
// as we are.
func (t *target) Start(quiet bool) time.Duration {
	t.Beside(t.program.cmd.Process.Pid, true)
	return t.Target.Start(quiet)
}

// Finish implements engine.Clock.
func (t *target) Finish() {
	t.Target.Finish()
	t.Beside(t.program.cmd.Process.Pid, false)
}

// Name implements engine.Target.
func (t *target) Name() string { return string(t.kind) }

// Relays implements engine.Relay: who accepts a guest's connection sees the proxy's
// socket.
func (t *target) Relays() bool { return true }

// Close ends the proxy. A worker needn't: it goes with the process.
func (t *target) Close() error { return unix.Close(t.program.socket) }

// collect receives what the proxy has sent, and answers what is the link's own affair.
func (t *target) collect() error {
	frames, err := t.program.receive()
	now, late := t.Now(), time.Duration(0)
	if len(frames) > 0 {
		late = t.program.waited()
	}
	for _, f := range frames {
		packet, answer := t.guest.receive(f)
		if packet != nil {
			t.queue = append(t.queue, &engine.Captured{Data: packet, Time: now, Late: late})
		}
		if answer != nil {
			if err := t.program.send(answer); err != nil {
				return err
			}
		}
	}
	return err
}

// Inject implements engine.Link.
func (t *target) Inject(p []byte, gso engine.GSO) error {
	if gso.Type != engine.GSONone {
		return &engine.UnsupportedError{What: "injecting joined segments (--mss) on " + t.Name()}
	}
	if err := t.program.send(t.guest.frame(p)); err != nil {
		return err
	}
	return t.settle()
}

// Receive implements engine.Link.
func (t *target) Receive(until time.Duration) (*engine.Captured, error) {
	for {
		if len(t.queue) > 0 {
			c := t.queue[0]
			t.queue = t.queue[1:]
			return c, nil
		}
		ready, err := t.Await(t.program.socket, until)
		if err != nil || !ready {
			return nil, err
		}
		if err := t.collect(); err != nil {
			return nil, err
		}
	}
}

// WaitUntil implements engine.Clock. What the proxy sends meanwhile is received as it
// comes: that is its time.
func (t *target) WaitUntil(at time.Duration) {
	for t.Now() < at {
		ready, err := t.Await(t.program.socket, at)
		if err == nil && ready {
			err = t.collect()
		}
		if err != nil {
			t.Target.WaitUntil(at)
			return
		}
	}
}

// Counters implements engine.Link: nothing counts what a proxy drops.
func (t *target) Counters() (engine.LinkCounters, error) { return engine.LinkCounters{}, nil }
