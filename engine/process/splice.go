package process

import (
	"tcpdrill/engine"
	"tcpdrill/engine/abi"
)

// Moving data without copying it through the script's memory.

// sysSendfile moves a file's pages to a socket or a pipe by way of a pipe of 16
// pages (splice_direct_to_actor), which shows in how the sends are cut.
func (ps *Process) sysSendfile(t *Task) (int64, abi.Errno) {
	in, e := t.file(1)
	if e != 0 || in.flags&abi.OAccmode == abi.OWronly {
		return -1, abi.EBADF
	}
	f, canSeek := in.File.(seekable)
	offset := t.arg(2).Offset
	if offset != nil {
		if !canSeek {
			return -1, abi.ESPIPE
		}
		if *offset < 0 {
			return -1, abi.EINVAL
		}
	}
	out, e := t.file(0)
	if e != 0 || out.flags&abi.OAccmode == abi.ORdonly {
		return -1, abi.EBADF
	}
	if t.arg(3).Int < 0 {
		return -1, abi.EINVAL
	}
	if !canSeek {
		return -1, abi.EINVAL // what is read and can't be written must not be lost
	}
	if out.flags&abi.OAppend != 0 {
		return -1, abi.EINVAL
	}
	at := f.position()
	if offset != nil {
		at = offset
	}
	want := int(min(t.arg(3).Int, 0x7ffff000))
	for t.prog.done < want {
		left := want - t.prog.done
		pages := pagesOf(f, *at, left)
		_, toPipe := out.File.(*pipeEnd)
		n := 0
		for _, p := range pages {
			n += len(p)
		}
		if n == 0 {
			if t.prog.done > 0 {
				ps.spliceEOF(out)
			}
			break
		}
		moved, e := ps.spliceOut(t, out, pages, n < left)
		if e != 0 {
			return t.moved(e)
		}
		t.prog.msg = nil
		t.prog.done += moved
		*at += int64(moved)
		t.again()
		if moved < n || toPipe {
			break // a pipe is filled once
		}
	}
	return int64(t.prog.done), 0
}

// moved is the result of a call that moves bytes in several steps.
func (t *Task) moved(e abi.Errno) (int64, abi.Errno) {
	if e == Block || e == Unsupported || t.prog.done == 0 {
		return -1, e
	}
	return int64(t.prog.done), 0
}

// pagesOf reads as much of a file as fits into a pipe, cut at the file's pages.
func pagesOf(f seekable, at int64, n int) [][]byte {
	var pages [][]byte
	for len(pages) < pipeSlots && n > 0 {
		p := f.readAt(at, min(n, pageSize-int(at%pageSize)))
		if len(p) == 0 {
			break
		}
		pages = append(pages, p)
		at += int64(len(p))
		n -= len(p)
	}
	return pages
}

// spliceEOF tells a socket that what MSG_MORE announced doesn't come.
func (ps *Process) spliceEOF(out *openFile) {
	if f, ok := out.File.(EOFSplicer); ok {
		f.SpliceEOF()
	}
}

// spliceOut hands pages to a file.
func (ps *Process) spliceOut(t *Task, out *openFile, pages [][]byte, more bool) (int, abi.Errno) {
	switch f := out.File.(type) {
	case Socket:
		if t.prog.msg == nil {
			m := &Message{Iov: pages, Flags: abi.MsgSplicePages, Nonblock: out.nonblock()}
			if more {
				m.Flags |= abi.MsgMore
			}
			t.prog.msg = m
		}
		return f.Sendmsg(t, t.prog.msg)
	case *pipeEnd:
		return f.addPages(t, pages, out.nonblock())
	}
	return out.Write(t, pages, out.nonblock())
}

// addPages puts pages into a pipe as they are, as many as fit.
func (p *pipeEnd) addPages(t *Task, pages [][]byte, nonblock bool) (int, abi.Errno) {
	switch {
	case p.readers == 0:
		return 0, abi.EPIPE
	case p.full() && nonblock:
		return 0, abi.EAGAIN
	case p.full():
		return 0, t.Wait(&p.wait, engine.Forever)
	}
	n := 0
	for _, b := range pages {
		if p.full() {
			break
		}
		p.bufs = append(p.bufs, pipeBuf{data: b})
		n += len(b)
	}
	p.wait.Wake(abi.EpollIn | abi.EpollRdnorm)
	return n, 0
}

// sysSplice moves data from or to a pipe.
func (ps *Process) sysSplice(t *Task) (int64, abi.Errno) {
	n, flags := int(t.arg(4).Int), t.num(5)
	switch {
	case n == 0:
		return 0, 0
	case flags&^(abi.SpliceFMove|abi.SpliceFNonblock|abi.SpliceFMore|abi.SpliceFGift) != 0:
		return -1, abi.EINVAL
	}
	in, e := t.file(0)
	if e != 0 {
		return -1, e
	}
	out, e := t.file(2)
	if e != 0 {
		return -1, e
	}
	if in.flags&abi.OAccmode == abi.OWronly || out.flags&abi.OAccmode == abi.ORdonly {
		return -1, abi.EBADF
	}
	if n < 0 {
		return -1, abi.EINVAL
	}
	from, fromPipe := in.File.(*pipeEnd)
	to, toPipe := out.File.(*pipeEnd)
	offIn, offOut := t.arg(1).Offset, t.arg(3).Offset
	if offIn != nil && (fromPipe || !seeks(in)) || offOut != nil && (toPipe || !seeks(out)) {
		return -1, abi.ESPIPE
	}
	nonblock := flags&abi.SpliceFNonblock != 0
	switch {
	case fromPipe && toPipe:
		if from.pipe == to.pipe {
			return -1, abi.EINVAL
		}
		return ps.splicePipes(t, from, to, n, nonblock || in.nonblock() || out.nonblock())
	case fromPipe:
		if offOut != nil {
			return -1, t.No("splice to an offset of a file")
		}
		if out.flags&abi.OAppend != 0 {
			return -1, abi.EINVAL
		}
		return ps.spliceFromPipe(t, from, out, n, flags)
	case toPipe:
		return ps.spliceToPipe(t, in, to, offIn, n, nonblock || out.nonblock())
	}
	return -1, abi.EINVAL
}

func seeks(of *openFile) bool {
	_, ok := of.File.(seekable)
	return ok
}

// splicePipes moves what is in one pipe to another.
func (ps *Process) splicePipes(t *Task, from, to *pipeEnd, n int, nonblock bool) (int64, abi.Errno) {
	switch {
	case to.readers == 0:
		return -1, abi.EPIPE
	case len(from.bufs) == 0 && from.writers == 0:
		return 0, 0
	case len(from.bufs) > 0 && !to.full():
	case nonblock:
		return -1, abi.EAGAIN
	case len(from.bufs) == 0:
		return -1, t.Wait(&from.wait, engine.Forever)
	default:
		return -1, t.Wait(&to.wait, engine.Forever)
	}
	moved := 0
	for moved < n && len(from.bufs) > 0 && !to.full() {
		b := from.bufs[0].data
		b = b[:min(len(b), n-moved)]
		from.consume(len(b))
		to.bufs = append(to.bufs, pipeBuf{data: b})
		moved += len(b)
	}
	from.wait.Wake(abi.EpollOut | abi.EpollWrnorm)
	to.wait.Wake(abi.EpollIn | abi.EpollRdnorm)
	return int64(moved), 0
}

// spliceFromPipe hands a pipe's pages on (splice_to_socket).
func (ps *Process) spliceFromPipe(t *Task, from *pipeEnd, out *openFile, n, flags int) (int64, abi.Errno) {
	for t.prog.done < n {
		if t.prog.msg == nil && len(from.bufs) == 0 {
			switch {
			case from.writers == 0 || t.prog.done > 0:
				return int64(t.prog.done), 0
			case flags&abi.SpliceFNonblock != 0:
				return -1, abi.EAGAIN
			}
			return -1, t.Wait(&from.wait, engine.Forever)
		}
		var pages [][]byte
		left := n - t.prog.done
		behind := 0
		for _, b := range from.bufs {
			if left == 0 || len(pages) == pipeSlots {
				behind++
				continue
			}
			p := b.data[:min(left, len(b.data))]
			pages = append(pages, p)
			left -= len(p)
		}
		more := flags&abi.SpliceFMore != 0 || left > 0 && behind > 0
		moved, e := ps.spliceOut(t, out, pages, more)
		if e != 0 {
			return t.moved(e)
		}
		t.prog.msg = nil
		t.prog.done += moved
		wasFull := from.full()
		from.consume(moved)
		if wasFull && !from.full() {
			from.wait.Wake(abi.EpollOut | abi.EpollWrnorm)
		}
		t.again()
		if moved == 0 {
			break
		}
	}
	return int64(t.prog.done), 0
}

// spliceToPipe fills a pipe from a file or a socket.
func (ps *Process) spliceToPipe(t *Task, in *openFile, to *pipeEnd, offset *int64, n int, nonblock bool) (int64, abi.Errno) {
	switch {
	case to.readers == 0:
		return -1, abi.EPIPE
	case to.full() && nonblock:
		return -1, abi.EAGAIN
	case to.full():
		return -1, t.Wait(&to.wait, engine.Forever)
	}
	n = min(n, (pipeSlots-len(to.bufs))*pageSize)
	if f, ok := in.File.(seekable); ok {
		at := f.position()
		if offset != nil {
			at = offset
		}
		pages := pagesOf(f, *at, n)
		if len(pages) == 0 {
			return 0, 0
		}
		moved, e := to.addPages(t, pages[:min(len(pages), pipeSlots-len(to.bufs))], true)
		*at += int64(moved)
		return count(moved, e)
	}
	so, ok := in.File.(Socket)
	if !ok {
		return -1, abi.EINVAL
	}
	f, ok := so.(Splicer)
	if !ok {
		return -1, t.No("splice from a socket that isn't TCP's")
	}
	if n = f.SpliceMost(n); n == 0 {
		return 0, 0
	}
	buf := make([]byte, n)
	m := &Message{Iov: [][]byte{buf}, Nonblock: nonblock || in.nonblock()}
	got, e := so.Recvmsg(t, m)
	if e != 0 {
		return -1, e
	}
	var pages [][]byte
	for rest := buf[:got]; len(rest) > 0; {
		k := min(len(rest), pageSize)
		pages = append(pages, rest[:k])
		rest = rest[k:]
	}
	if got == 0 {
		return 0, 0
	}
	return count(to.addPages(t, pages, true))
}
