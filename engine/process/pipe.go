package process

import (
	"tcpdrill/engine"
	"tcpdrill/engine/abi"
)

const (
	pageSize  = 4096
	pipeSlots = 16 // pages that a pipe has room for
)

// A pipeBuf is a page of a pipe, or a part of one that isn't its own.
type pipeBuf struct {
	data []byte
	own  bool // more can be put behind it
}

// A pipe is what both ends share.
type pipe struct {
	bufs             []pipeBuf
	wait             WaitQueue
	readers, writers int
}

// A pipeEnd is one end of a pipe.
type pipeEnd struct {
	*pipe
	writer bool
}

func (ps *Process) sysPipe(t *Task) (int64, abi.Errno) {
	flags := 0
	if t.call.Name == "pipe2" {
		flags = t.num(1)
	}
	if flags&^(abi.OCloexec|abi.ONonblock|abi.ODirect) != 0 {
		return -1, abi.EINVAL
	}
	if flags&abi.ODirect != 0 {
		return -1, t.No("pipe2 with O_DIRECT")
	}
	if t.null(0) {
		return -1, abi.EFAULT
	}
	p := &pipe{readers: 1, writers: 1}
	r, e := ps.addFD(&openFile{File: &pipeEnd{p, false}, flags: abi.ORdonly | flags&abi.ONonblock}, 0, flags&abi.OCloexec != 0)
	if e != 0 {
		return -1, e
	}
	w, e := ps.addFD(&openFile{File: &pipeEnd{p, true}, flags: abi.OWronly | flags&abi.ONonblock}, 0, flags&abi.OCloexec != 0)
	if e != 0 {
		ps.files[r] = nil
		return -1, e
	}
	le.PutUint32(t.arg(0).Buf, uint32(r))
	le.PutUint32(t.arg(0).Buf[4:], uint32(w))
	return 0, 0
}

func (p *pipe) full() bool { return len(p.bufs) >= pipeSlots }

func (p *pipe) readable() int {
	n := 0
	for _, b := range p.bufs {
		n += len(b.data)
	}
	return n
}

func (p *pipeEnd) Queue() *WaitQueue { return &p.wait }

func (p *pipeEnd) Poll() uint32 {
	mask := uint32(0)
	if !p.writer {
		if len(p.bufs) > 0 {
			mask |= abi.EpollIn | abi.EpollRdnorm
		}
		if p.writers == 0 {
			mask |= abi.EpollHup
		}
		return mask
	}
	if !p.full() {
		mask |= abi.EpollOut | abi.EpollWrnorm
	}
	if p.readers == 0 {
		mask |= abi.EpollErr
	}
	return mask
}

func (p *pipeEnd) Release(*Task) abi.Errno {
	if p.writer {
		p.writers--
	} else {
		p.readers--
	}
	p.wait.Wake(abi.EpollIn | abi.EpollOut | abi.EpollRdnorm | abi.EpollWrnorm | abi.EpollErr | abi.EpollHup)
	return 0
}

func (p *pipeEnd) Read(t *Task, iov [][]byte, nonblock bool) (int, abi.Errno) {
	if len(p.bufs) == 0 {
		switch {
		case p.writers == 0:
			return 0, 0
		case nonblock:
			return 0, abi.EAGAIN
		}
		return 0, t.Wait(&p.wait, engine.Forever)
	}
	wasFull := p.full()
	n := 0
	for _, b := range iov {
		for len(b) > 0 && len(p.bufs) > 0 {
			k := copy(b, p.bufs[0].data)
			b = b[k:]
			n += k
			p.consume(k)
		}
	}
	if wasFull && !p.full() {
		p.wait.Wake(abi.EpollOut | abi.EpollWrnorm)
	}
	return n, 0
}

// consume takes bytes off the front.
func (p *pipe) consume(n int) {
	for n > 0 {
		b := &p.bufs[0]
		k := min(n, len(b.data))
		b.data = b.data[k:]
		n -= k
		if len(b.data) == 0 {
			p.bufs = p.bufs[1:]
		}
	}
}

func (p *pipeEnd) Write(t *Task, iov [][]byte, nonblock bool) (int, abi.Errno) {
	all := total(iov)
	if all == 0 {
		return 0, 0
	}
	if p.readers == 0 {
		return t.Copied, firstError(t.Copied, abi.EPIPE)
	}
	wasEmpty := len(p.bufs) == 0
	rest := (&Message{Iov: iov}).After(t.Copied)
	// A little at the end of a page is put behind what is there.
	if n := len(p.bufs); n > 0 && t.Copied == 0 {
		last := &p.bufs[n-1]
		if tail := all % pageSize; last.own && tail > 0 && len(last.data)+tail <= pageSize {
			piece := rest.Take(tail)
			last.data = append(last.data[:len(last.data):len(last.data)], piece...)
			t.Copied += tail
		}
	}
	for t.Copied < all && !p.full() {
		piece := rest.Take(min(pageSize, all-t.Copied))
		p.bufs = append(p.bufs, pipeBuf{piece, true})
		t.Copied += len(piece)
	}
	if wasEmpty {
		p.wait.Wake(abi.EpollIn | abi.EpollRdnorm)
	}
	switch {
	case t.Copied == all:
		return all, 0
	case nonblock:
		return t.Copied, firstError(t.Copied, abi.EAGAIN)
	}
	return 0, t.Wait(&p.wait, engine.Forever)
}

// firstError is an error that counts only if nothing was done before it.
func firstError(n int, e abi.Errno) abi.Errno {
	if n > 0 {
		return 0
	}
	return e
}
