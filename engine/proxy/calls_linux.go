package proxy

import (
	"time"

	"tcpdrill/engine"
)

// settleFor is how long the proxy is waited for after each thing that is done.
const settleFor = 5 * time.Millisecond

// settleStep is how long we sleep before we look again whether it is done: we may have
// priority over it, and the same processor.
const settleStep = 20 * time.Microsecond

// settle waits until the proxy has done what it has to do by now: it has taken in all
// frames, and sleeps. What a script does in a row thereby reaches it one by one, on every
// run: two writes may else come to it as one. It takes some tens of microseconds. A proxy
// that has its time taken from it is not waited for long, as time is real.
func (t *target) settle() error {
	for until := t.Now() + settleFor; t.program.busy() && t.Now() < until; {
		ready, err := t.Await(t.program.socket, t.Now()+settleStep)
		if err == nil && ready {
			err = t.collect()
		}
		if err != nil {
			return err
		}
	}
	return t.collect()
}

// refuse says so of a call that can't lead to the guest.
func (t *target) refuse(c *engine.Call) error {
	if c.Name == "connect" && t.kind == Slirp && t.guest.addr.Is6() {
		return &engine.UnsupportedError{What: "connect() in IPv6 on slirp, which forwards no ports of it,"}
	}
	return nil
}

// Call implements engine.Sockets.
func (t *target) Call(c *engine.Call) engine.Result {
	if err := t.refuse(c); err != nil {
		return engine.Result{Ret: -1, Err: err}
	}
	r := t.Target.Call(c)
	t.settle() // an error comes again when something is received
	return r
}

// Begin implements engine.Sockets.
func (t *target) Begin(c *engine.Call) engine.Pending {
	if err := t.refuse(c); err != nil {
		return &refused{engine.Result{Ret: -1, Err: err}, t.Now()}
	}
	p := t.Target.Begin(c)
	t.settle()
	return p
}

// refused is a call that wasn't begun.
type refused struct {
	result engine.Result
	at     time.Duration
}

// Wait implements engine.Pending.
func (r *refused) Wait(time.Duration) bool { return true }

// Result implements engine.Pending.
func (r *refused) Result() (engine.Result, time.Duration) { return r.result, r.at }
