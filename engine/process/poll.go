package process

import (
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
)

// sysPoll is poll and ppoll.
func (ps *Process) sysPoll(t *Task) (int64, abi.Errno) {
	fds := t.arg(0).Buf
	n := t.num(1)
	timeout := engine.Forever
	if t.call.Name == "ppoll" {
		if !t.null(2) {
			d, e := timespec(t.arg(2).Buf)
			if e != 0 {
				return -1, e
			}
			timeout = d
		}
	} else if ms := t.num(2); ms >= 0 {
		timeout = time.Duration(ms) * time.Millisecond
	}
	switch {
	case n < 0 || n > maxFiles:
		return -1, abi.EINVAL
	case len(fds) < n*abi.PollfdLen:
		return -1, abi.EFAULT
	}
	ready := int64(0)
	var queues []*WaitQueue
	for i := range n {
		p := fds[i*abi.PollfdLen:]
		mask, q := ps.pollOne(int(int32(le.Uint32(p))), uint32(le.Uint16(p[4:])))
		le.PutUint16(p[6:], uint16(mask))
		if mask != 0 {
			ready++
		}
		if q != nil {
			queues = append(queues, q)
		}
	}
	if ready > 0 || timeout == 0 || t.Expired() {
		return ready, 0
	}
	t.sleep(timeout)
	for _, q := range queues {
		t.Join(q)
	}
	return -1, Block
}

// pollOne returns what is true of a descriptor, of what is asked for.
func (ps *Process) pollOne(fd int, events uint32) (uint32, *WaitQueue) {
	if fd < 0 {
		return 0, nil
	}
	of := ps.fileAt(fd)
	if of == nil {
		return abi.EpollNval, nil
	}
	return of.Poll() & (events | abi.EpollErr | abi.EpollHup), of.Queue()
}
