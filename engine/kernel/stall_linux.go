package kernel

import (
	"bytes"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
	"tcpdrill/tun"
)

// A stall is a time in which the device's queue isn't read.
//
// The capture ring sees a packet before the device has it (dev_hard_start_xmit calls
// dev_queue_xmit_nit first), so also those that the device then drops. Which these
// are, the queue tells: what is in it when the stall is over wasn't dropped.
type stall struct {
	on      atomic.Bool
	readers atomic.Int32 // threads that read the queue
	over    event        // wakes the thread that reads when the engine doesn't
	since   int64        // wall-clock time, as stamps have it
	sent    []tun.Packet // captured since
}

var _ engine.StallingLink = (*Target)(nil)

// Stall implements engine.StallingLink.
func (l *link) Stall() error {
	if l.pinned {
		return &engine.UnsupportedError{What: "stalling the device's reader with --capture=packet, which has none,"}
	}
	l.step(callStep)
	l.stall.sent = nil
	l.stall.on.Store(true)
	for l.stall.readers.Load() > 0 {
		unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
	}
	// What was sent before is the reader's, whether or not it has come to it.
	l.stall.since = time.Now().UnixNano()
	for {
		more, err := l.device.Release()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		n := l.released.Add(1) - 1
		l.releasedAt[n%keptReleases].Store(int64(l.Now()))
	}
	l.collect(false)
	return nil
}

// Resume implements engine.StallingLink.
func (l *link) Resume() error {
	l.step(callStep)
	until, now := time.Now().UnixNano(), l.Now()
	var waited []tun.Packet
	buf := make([]byte, tun.HeaderLen+maxPacket)
	for {
		p, ok, err := l.device.Read(buf)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		waited = append(waited, p)
	}
	l.collect(false)
	sent := l.stall.sent
	l.stall.sent = nil
	i := 0
	for ; i < len(sent); i++ {
		switch p := sent[i]; {
		case len(waited) > 0 && bytes.Equal(p.Data, waited[0].Data):
			waited = waited[1:]
			c := l.captured(p, false)
			c.Time, c.Held = now, 0
			l.queue = append(l.queue, c)
			continue
		case p.Sent < until:
			l.received++ // dropped
			continue
		}
		break
	}
	// None of those is in the queue any more, and what held them was no capture of ours.
	l.held = l.received
	l.released.Store(l.received)
	l.last = now
	for ; i < len(sent); i++ { // sent since
		l.queue = append(l.queue, l.captured(sent[i], false))
	}
	l.stall.on.Store(false)
	l.stall.over.set()
	return l.drain()
}

// maxPacket is the size of the largest packet that IP's headers can tell.
const maxPacket = 1 << 16
