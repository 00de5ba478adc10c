package kernel

import (
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
	"tcpdrill/engine/causes"
	"tcpdrill/engine/wire"
	"tcpdrill/tun"
)

// keptReleases is for how many of the last packets it is known when they left
// the device's queue.
const keptReleases = 1 << 14

// link is the device and what is known of its packets. They are numbered from
// 0 as they are sent; the queue keeps their order.
type link struct {
	*clock
	reasoner
	device  *tun.Device
	capture *tun.Capture
	pinned  bool // the queue is never read
	fds     []unix.PollFd

	queue    []*engine.Captured // collected, not yet received
	received uint64             // packets taken out of the capture
	last     time.Duration      // when the last of them was sent
	sent     [keptReleases]time.Duration

	released   atomic.Uint64 // packets that left the queue
	releasedAt [keptReleases]atomic.Int64
	held       uint64 // packets before this one weren't held at the last capture

	stall stall
}

// drain releases what waits in the device's queue, so that the stack finds its
// packets unreferenced. Two threads may do so at once.
func (l *link) drain() error {
	if l.pinned {
		return nil
	}
	l.stall.readers.Add(1)
	defer l.stall.readers.Add(-1)
	for !l.stall.on.Load() {
		more, err := l.device.Release()
		if !more || err != nil {
			return err
		}
		n := l.released.Add(1) - 1
		l.releasedAt[n%keptReleases].Store(int64(l.Now()))
	}
	return nil
}

// drainAlways drains while the engine's thread is busy elsewhere. stop ends it.
func (l *link) drainAlways(stop event) {
	device := int32(l.device.FD())
	fds := []unix.PollFd{
		{Fd: device, Events: unix.POLLIN},
		{Fd: int32(stop), Events: unix.POLLIN},
		{Fd: int32(l.stall.over), Events: unix.POLLIN},
	}
	for {
		// poll passes by what is negative.
		if fds[0].Fd = device; l.stall.on.Load() {
			fds[0].Fd = -1
		}
		if _, err := l.poll(fds, engine.Forever); err != nil || fds[1].Revents != 0 {
			return
		}
		if fds[2].Revents != 0 {
			l.stall.over.wait()
		}
		if l.drain() != nil {
			return // the device is gone
		}
	}
}

// Inject implements engine.Link.
func (l *link) Inject(p []byte, gso engine.GSO) error {
	h, err := header(p, gso)
	if err != nil {
		return err
	}
	l.step(injectStep)
	what := &causes.Event{Packet: p}
	if !gso.NeedsChecksum && !wire.ChecksumOK(p) {
		what.Packet = nil // the stack drops it
	}
	l.do(what)
	if err := l.device.Inject(p, h); err != nil {
		return err
	}
	end := l.Now()
	l.letOthers()
	if err := l.drain(); err != nil {
		return err
	}
	l.collect(false)
	l.did(end)
	return nil
}

// collect takes what was captured out of the rings, which hold few
// super-segments: a script may look at its packets long after they were sent.
// during says that they were sent while we waited.
func (l *link) collect(during bool) {
	for {
		p, ok := l.next()
		if !ok {
			return
		}
		l.queue = append(l.queue, l.captured(p, during))
	}
}

// next returns the oldest packet of the capture whose fate is known: not one that was
// sent while the reader is stalled.
func (l *link) next() (tun.Packet, bool) {
	for {
		p, ok := l.capture.Next()
		if !ok || !l.stall.on.Load() || p.Sent < l.stall.since {
			return p, ok
		}
		l.stall.sent = append(l.stall.sent, p)
	}
}

// pollCapture waits until something is captured, or the deadline, and reports
// which.
func (l *link) pollCapture(until time.Duration) (bool, error) {
	for {
		ready, err := l.poll(l.fds, until)
		if err != nil || !ready || l.fds[0].Revents&unix.POLLIN != 0 {
			return ready, err
		}
		// The device has gone down (ENETDOWN). It may come up again.
		if _, err := unix.GetsockoptInt(int(l.fds[0].Fd), unix.SOL_SOCKET, unix.SO_ERROR); err != nil {
			return false, err
		}
	}
}

// WaitUntil implements engine.Clock.
func (l *link) WaitUntil(t time.Duration) {
	for {
		l.readBefore(t)
		l.reasonBefore(t)
		ready, err := l.pollCapture(l.sleepEnd(t))
		if err != nil || !ready {
			l.clock.WaitUntil(t)
			return
		}
		l.collect(true)
		if l.Now() >= t {
			return
		}
	}
}

// header makes an injected packet's virtio-net header. As in packetdrill,
// super-segments have checksums filled in and the kernel finds their headers.
func header(p []byte, gso engine.GSO) (tun.Header, error) {
	var h tun.Header
	switch gso.Type {
	case engine.GSONone:
	case engine.GSOTCPv4:
		h.GSOType = tun.GSOTCPv4
	case engine.GSOTCPv6:
		h.GSOType = tun.GSOTCPv6
	case engine.GSOUDP:
		h.GSOType = tun.GSOUDPL4
	default:
		return h, &engine.UnsupportedError{What: fmt.Sprintf("injecting GSO packets of type %d", gso.Type)}
	}
	h.GSOSize = uint16(gso.Size)
	if gso.ECN {
		h.GSOType |= tun.GSOECN
	}
	if gso.NeedsChecksum {
		start, offset, err := checksumPlace(p)
		if err != nil {
			return h, err
		}
		h.Flags, h.CsumStart, h.CsumOffset = tun.NeedsCsum, start, offset
	}
	return h, nil
}

// checksumPlace finds the transport header of a packet without extension
// headers, and the checksum in it.
func checksumPlace(p []byte) (start, offset uint16, err error) {
	protocol := -1
	switch {
	case len(p) >= 20 && p[0]>>4 == 4:
		start, protocol = uint16(p[0]&15)*4, int(p[9])
	case len(p) >= 40 && p[0]>>4 == 6:
		start, protocol = 40, int(p[6])
	}
	switch protocol {
	case unix.IPPROTO_TCP:
		return start, 16, nil
	case unix.IPPROTO_UDP:
		return start, 6, nil
	}
	return 0, 0, &engine.UnsupportedError{What: "leaving the checksum of such a packet to the stack"}
}

// Receive implements engine.Link.
func (l *link) Receive(until time.Duration) (*engine.Captured, error) {
	waited := false
	for {
		if len(l.queue) > 0 {
			c := l.queue[0]
			l.queue = l.queue[1:]
			return c, nil
		}
		if p, ok := l.next(); ok {
			c := l.captured(p, waited)
			if waited {
				l.advance(c.Time + wakeUp)
			}
			return c, nil
		}
		l.readBefore(until)
		var err error
		if waited, err = l.pollCapture(until); err != nil || !waited {
			return nil, err
		}
	}
}

// captured translates a packet and notes what of the stack's was held when it
// was sent: during a wait of ours, or before.
func (l *link) captured(p tun.Packet, during bool) *engine.Captured {
	c := &engine.Captured{Data: p.Data}
	switch {
	case !l.virtual:
		c.Time = l.fromWall(p.Sent, l.last, l.Now())
	case during:
		c.Time = time.Duration(p.Sent) - l.wall // nobody sets that clock
	default:
		c.Time = min(time.Duration(p.Sent)-l.wall, l.Now()) // what it does at once it has done now
	}
	switch p.Header.GSOType &^ tun.GSOECN {
	case tun.GSOTCPv4:
		c.GSO.Type = engine.GSOTCPv4
	case tun.GSOTCPv6:
		c.GSO.Type = engine.GSOTCPv6
	case tun.GSOUDPL4, tun.GSOUDP:
		c.GSO.Type = engine.GSOUDP
	}
	c.GSO.ECN = p.Header.GSOType&tun.GSOECN != 0
	c.GSO.NeedsChecksum = p.Header.Flags&tun.NeedsCsum != 0
	if c.GSO.Type != engine.GSONone {
		c.GSO.Size = int(p.Header.GSOSize)
	}
	c.Held = l.heldAt(c.Time)
	l.sent[l.received%keptReleases] = c.Time
	l.received++
	l.last = c.Time
	l.noteSent(c)
	return c
}

// heldAt returns for how long the oldest packet that was still queued at t had
// been so. Packets that are sent together are queued together for a moment.
func (l *link) heldAt(t time.Duration) time.Duration {
	if l.pinned {
		return 0
	}
	for released := l.released.Load(); l.held < l.received; l.held++ {
		if l.received-l.held >= keptReleases {
			continue
		}
		i := l.held % keptReleases
		if l.held >= released || time.Duration(l.releasedAt[i].Load()) > t {
			return t - l.sent[i]
		}
	}
	return 0
}

// Counters implements engine.Link.
func (l *link) Counters() (engine.LinkCounters, error) {
	c, err := l.device.Counters()
	if err != nil {
		return engine.LinkCounters{}, err
	}
	dropped, err := l.capture.Dropped()
	if err != nil {
		return engine.LinkCounters{}, err
	}
	return engine.LinkCounters{
		TxDropped:      c.TxDropped,
		CaptureDropped: dropped,
		RxDropped:      c.RxDropped,
	}, nil
}
