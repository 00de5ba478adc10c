package gostack

import (
	"path"
	"strings"

	"tcpdrill/engine"
)

// An openFile is what descriptors that were made by dup share (struct file).
type openFile struct {
	file
	flags int // O_*
	refs  int // descriptors, and calls on their way
	fds   int // descriptors
	items []*epollItem
}

// nonblock reports whether calls don't wait.
func (of *openFile) nonblock() bool { return of.flags&oNonblock != 0 }

const (
	firstFD  = 3 // as where a program has its standard files
	maxFiles = 1024
)

// fileAt returns what a descriptor stands for, or nil.
func (s *Stack) fileAt(fd int) *openFile {
	if fd < 0 || fd >= len(s.files) {
		return nil
	}
	return s.files[fd]
}

// freeFD returns the lowest descriptor from least on that stands for nothing.
func (s *Stack) freeFD(least int) int {
	fd := max(least, firstFD)
	for fd < len(s.files) && s.files[fd] != nil {
		fd++
	}
	return fd
}

// addFD makes a descriptor.
func (s *Stack) addFD(of *openFile, least int, cloexec bool) (int, errno) {
	fd := s.freeFD(least)
	if fd >= maxFiles {
		return -1, emfile
	}
	for len(s.files) <= fd {
		s.files = append(s.files, nil)
	}
	s.files[fd] = of
	of.refs++
	of.fds++
	s.process.cloexec[fd] = cloexec
	return fd, 0
}

// putFile gives up what a call held. If the descriptor was closed meanwhile, this
// is when the file goes.
func (s *Stack) putFile(of *openFile) {
	if of.refs--; of.refs > 0 {
		return
	}
	s.closeFile(&task{s: s, call: &engine.Call{Name: "close"}}, of)
}

// closeFile lets a file go to which no descriptor is left. It may block.
func (s *Stack) closeFile(t *task, of *openFile) errno {
	if t.prog.closing == nil {
		t.prog.closing = of
		s.epollForget(of)
	}
	return of.release(t)
}

func (s *Stack) sysClose(t *task) (int64, errno) {
	of := t.prog.closing
	if of == nil {
		fd := t.num(0)
		if of = s.fileAt(fd); of == nil {
			return -1, ebadf
		}
		s.files[fd] = nil
		of.fds--
		if of.refs--; of.refs > 0 {
			return 0, 0
		}
	}
	if s.closeFile(t, of) == eblock {
		return -1, eblock
	}
	return 0, 0 // whatever went wrong, as in Linux
}

func (s *Stack) sysDup(t *task) (int64, errno) {
	of, e := t.file(0)
	if e != 0 {
		return -1, e
	}
	fd, e := s.addFD(of, 0, false)
	return int64(fd), e
}

func (s *Stack) sysFcntl(t *task) (int64, errno) {
	of, e := t.file(0)
	if e != 0 {
		return -1, e
	}
	fd, cmd, arg := t.num(0), t.num(1), t.num(2)
	switch cmd {
	case fDupfd, fDupfdCloexec:
		if arg < 0 || arg >= maxFiles {
			return -1, einval
		}
		n, e := s.addFD(of, arg, cmd == fDupfdCloexec)
		return int64(n), e
	case fGetfd:
		if s.process.cloexec[fd] {
			return fdCloexec, 0
		}
		return 0, 0
	case fSetfd:
		s.process.cloexec[fd] = arg&fdCloexec != 0
		return 0, 0
	case fGetfl:
		return int64(of.flags), 0
	case fSetfl:
		const settable = oAppend | oNonblock | oDirect | oNoatime
		if arg&oAsync != 0 {
			return -1, t.no("fcntl with O_ASYNC")
		}
		f, isFile := of.file.(*regularFile)
		if arg&oDirect != 0 && !isFile {
			return -1, einval
		}
		if isFile {
			f.appends = arg&oAppend != 0
		}
		of.flags = of.flags&^settable | arg&settable
		return 0, 0
	case fGetpipeSz:
		if _, ok := of.file.(*pipeEnd); ok {
			return pipeSlots * pageSize, 0
		}
		return -1, ebadf
	}
	if name := optionName("F_", int64(cmd)); name != "" {
		return -1, t.no("fcntl " + name)
	}
	return -1, einval
}

// Files in memory.

// A fileTree has the files of /tmp, which are the run's own, by their names.
type fileTree map[string]*memory

// A memory is a regular file's contents.
type memory struct{ data []byte }

// PutFile implements engine.FileKeeper.
func (s *Stack) PutFile(name string, data []byte) {
	if s.process.files == nil {
		s.process.files = fileTree{}
	}
	s.process.files[path.Clean(name)] = &memory{append([]byte(nil), data...)}
}

// RemoveFile implements engine.FileKeeper.
func (s *Stack) RemoveFile(name string) bool {
	_, ok := s.process.files[path.Clean(name)]
	delete(s.process.files, path.Clean(name))
	return ok
}

func (s *Stack) sysOpen(t *task) (int64, errno) {
	if t.null(0) {
		return -1, efault
	}
	name := string(t.arg(0).Buf)
	if i := strings.IndexByte(name, 0); i >= 0 {
		name = name[:i]
	}
	flags := t.num(1)
	f, e := s.openName(t, name, flags)
	if e != 0 {
		return -1, e
	}
	const kept = oAccmode | oAppend | oNonblock | oDirect | oNoatime | oSync | oDsync
	fd, e := s.addFD(&openFile{file: f, flags: flags & kept}, 0, flags&oCloexec != 0)
	return int64(fd), e
}

func (s *Stack) openName(t *task, name string, flags int) (file, errno) {
	if name == "" {
		return nil, enoent
	}
	clean := path.Clean(name)
	switch {
	case flags&(oTmpfile|oPath) != 0:
		return nil, t.no("open with O_TMPFILE, O_PATH or O_DIRECTORY")
	case clean == "/dev/null":
		return nullFile{}, 0
	case clean == "/dev/zero":
		return zeroFile{}, 0
	case clean == "/tmp":
		if flags&(oCreat|oAccmode) != 0 {
			return nil, eisdir
		}
		return nil, t.no("opening a directory")
	case path.Dir(clean) != "/tmp":
		return nil, t.no("opening " + name + ": there are no files but those of /tmp")
	}
	m, found := s.process.files[clean]
	switch {
	case strings.HasSuffix(name, "/") && found:
		return nil, enotdir
	case found && flags&(oCreat|oExcl) == oCreat|oExcl:
		return nil, eexist
	case !found && flags&oCreat == 0:
		return nil, enoent
	case !found:
		s.PutFile(clean, nil)
		m = s.process.files[clean]
	case flags&oTrunc != 0:
		m.data = nil
	}
	return &regularFile{memory: m, appends: flags&oAppend != 0}, 0
}

// always is a file that is ready at any time, and for epoll no file at all.
type always struct{}

func (always) poll() uint32        { return epollIn | epollOut | epollRdnorm | epollWrnorm }
func (always) queue() *waitQueue   { return nil }
func (always) release(*task) errno { return 0 }

type nullFile struct{ always }

func (nullFile) read(*task, [][]byte, bool) (int, errno)          { return 0, 0 }
func (nullFile) write(_ *task, iov [][]byte, _ bool) (int, errno) { return total(iov), 0 }

// A zeroFile is /dev/zero.
type zeroFile struct{ nullFile }

func (zeroFile) read(_ *task, iov [][]byte, _ bool) (int, errno) {
	for _, b := range iov {
		clear(b)
	}
	return total(iov), 0
}

// A seekable is a file that has places in it.
type seekable interface {
	// readAt returns at most n bytes from a place.
	readAt(at int64, n int) []byte
	position() *int64
}

func (zeroFile) readAt(_ int64, n int) []byte { return make([]byte, n) }
func (zeroFile) position() *int64             { return new(int64) }

// A regularFile is a file in memory that is open.
type regularFile struct {
	always
	*memory
	at      int64
	appends bool // O_APPEND
}

func (f *regularFile) position() *int64 { return &f.at }

func (f *regularFile) readAt(at int64, n int) []byte {
	if at < 0 || at >= int64(len(f.data)) {
		return nil
	}
	return f.data[at:][:min(n, len(f.data)-int(at))]
}

func (f *regularFile) read(_ *task, iov [][]byte, _ bool) (int, errno) {
	n := 0
	for _, b := range iov {
		k := copy(b, f.readAt(f.at, len(b)))
		f.at += int64(k)
		n += k
	}
	return n, 0
}

func (f *regularFile) write(_ *task, iov [][]byte, _ bool) (int, errno) {
	if f.appends {
		f.at = int64(len(f.data))
	}
	n := 0
	for _, b := range iov {
		if need := f.at + int64(len(b)); need > int64(len(f.data)) {
			f.data = append(f.data, make([]byte, need-int64(len(f.data)))...)
		}
		copy(f.data[f.at:], b)
		f.at += int64(len(b))
		n += len(b)
	}
	return n, 0
}

// Pipes.

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
	wait             waitQueue
	readers, writers int
}

// A pipeEnd is one end of a pipe.
type pipeEnd struct {
	*pipe
	writer bool
	s      *Stack
}

func (s *Stack) sysPipe(t *task) (int64, errno) {
	flags := 0
	if t.call.Name == "pipe2" {
		flags = t.num(1)
	}
	if flags&^(oCloexec|oNonblock|oDirect) != 0 {
		return -1, einval
	}
	if flags&oDirect != 0 {
		return -1, t.no("pipe2 with O_DIRECT")
	}
	if t.null(0) {
		return -1, efault
	}
	p := &pipe{readers: 1, writers: 1}
	r, e := s.addFD(&openFile{file: &pipeEnd{p, false, s}, flags: oRdonly | flags&oNonblock}, 0, flags&oCloexec != 0)
	if e != 0 {
		return -1, e
	}
	w, e := s.addFD(&openFile{file: &pipeEnd{p, true, s}, flags: oWronly | flags&oNonblock}, 0, flags&oCloexec != 0)
	if e != 0 {
		s.files[r] = nil
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

func (p *pipeEnd) queue() *waitQueue { return &p.wait }

func (p *pipeEnd) poll() uint32 {
	mask := uint32(0)
	if !p.writer {
		if len(p.bufs) > 0 {
			mask |= epollIn | epollRdnorm
		}
		if p.writers == 0 {
			mask |= epollHup
		}
		return mask
	}
	if !p.full() {
		mask |= epollOut | epollWrnorm
	}
	if p.readers == 0 {
		mask |= epollErr
	}
	return mask
}

func (p *pipeEnd) release(*task) errno {
	if p.writer {
		p.writers--
	} else {
		p.readers--
	}
	p.s.wake(&p.wait, epollIn|epollOut|epollRdnorm|epollWrnorm|epollErr|epollHup)
	return 0
}

func (p *pipeEnd) read(t *task, iov [][]byte, nonblock bool) (int, errno) {
	if len(p.bufs) == 0 {
		switch {
		case p.writers == 0:
			return 0, 0
		case nonblock:
			return 0, eagain
		}
		return 0, t.wait(&p.wait, engine.Forever)
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
		p.s.wake(&p.wait, epollOut|epollWrnorm)
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

func (p *pipeEnd) write(t *task, iov [][]byte, nonblock bool) (int, errno) {
	all := total(iov)
	if all == 0 {
		return 0, 0
	}
	if p.readers == 0 {
		return t.copied, firstError(t.copied, epipe)
	}
	wasEmpty := len(p.bufs) == 0
	rest := (&message{iov: iov}).skip(t.copied)
	// A little at the end of a page is put behind what is there.
	if n := len(p.bufs); n > 0 && t.copied == 0 {
		last := &p.bufs[n-1]
		if tail := all % pageSize; last.own && tail > 0 && len(last.data)+tail <= pageSize {
			piece := rest.take(tail)
			last.data = append(last.data[:len(last.data):len(last.data)], piece...)
			t.copied += tail
		}
	}
	for t.copied < all && !p.full() {
		piece := rest.take(min(pageSize, all-t.copied))
		p.bufs = append(p.bufs, pipeBuf{piece, true})
		t.copied += len(piece)
	}
	if wasEmpty {
		p.s.wake(&p.wait, epollIn|epollRdnorm)
	}
	switch {
	case t.copied == all:
		return all, 0
	case nonblock:
		return t.copied, firstError(t.copied, eagain)
	}
	return 0, t.wait(&p.wait, engine.Forever)
}

// firstError is an error that counts only if nothing was done before it.
func firstError(n int, e errno) errno {
	if n > 0 {
		return 0
	}
	return e
}

// skip returns a copy of a message from the n-th byte on.
func (m *message) skip(n int) *message {
	c := &message{iov: append([][]byte(nil), m.iov...)}
	for n > 0 {
		k := min(n, len(c.iov[0]))
		c.iov[0] = c.iov[0][k:]
		n -= k
		if len(c.iov[0]) == 0 {
			c.iov = c.iov[1:]
		}
	}
	return c
}

// Moving data without copying it through the script's memory.

// sysSendfile moves a file's pages to a socket or a pipe by way of a pipe of 16
// pages (splice_direct_to_actor), which shows in how the sends are cut.
func (s *Stack) sysSendfile(t *task) (int64, errno) {
	in, e := t.file(1)
	if e != 0 || in.flags&oAccmode == oWronly {
		return -1, ebadf
	}
	f, canSeek := in.file.(seekable)
	offset := t.arg(2).Offset
	if offset != nil {
		if !canSeek {
			return -1, espipe
		}
		if *offset < 0 {
			return -1, einval
		}
	}
	out, e := t.file(0)
	if e != 0 || out.flags&oAccmode == oRdonly {
		return -1, ebadf
	}
	if t.arg(3).Int < 0 {
		return -1, einval
	}
	if !canSeek {
		return -1, einval // what is read and can't be written must not be lost
	}
	if out.flags&oAppend != 0 {
		return -1, einval
	}
	at := f.position()
	if offset != nil {
		at = offset
	}
	want := int(min(t.arg(3).Int, 0x7ffff000))
	for t.prog.done < want {
		left := want - t.prog.done
		pages := pagesOf(f, *at, left)
		_, toPipe := out.file.(*pipeEnd)
		n := 0
		for _, p := range pages {
			n += len(p)
		}
		if n == 0 {
			if t.prog.done > 0 {
				s.spliceEOF(out)
			}
			break
		}
		moved, e := s.spliceOut(t, out, pages, n < left)
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
func (t *task) moved(e errno) (int64, errno) {
	if e == eblock || e == eunsupported || t.prog.done == 0 {
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
func (s *Stack) spliceEOF(out *openFile) {
	if f, ok := out.file.(interface{ spliceEOF() }); ok {
		f.spliceEOF()
	}
}

// spliceOut hands pages to a file.
func (s *Stack) spliceOut(t *task, out *openFile, pages [][]byte, more bool) (int, errno) {
	switch f := out.file.(type) {
	case socket:
		if t.prog.msg == nil {
			m := &message{iov: pages, flags: msgSplicePages, nonblock: out.nonblock()}
			if more {
				m.flags |= msgMore
			}
			t.prog.msg = m
		}
		return f.sendmsg(t, t.prog.msg)
	case *pipeEnd:
		return f.addPages(t, pages, out.nonblock())
	}
	return out.write(t, pages, out.nonblock())
}

// addPages puts pages into a pipe as they are, as many as fit.
func (p *pipeEnd) addPages(t *task, pages [][]byte, nonblock bool) (int, errno) {
	switch {
	case p.readers == 0:
		return 0, epipe
	case p.full() && nonblock:
		return 0, eagain
	case p.full():
		return 0, t.wait(&p.wait, engine.Forever)
	}
	n := 0
	for _, b := range pages {
		if p.full() {
			break
		}
		p.bufs = append(p.bufs, pipeBuf{data: b})
		n += len(b)
	}
	p.s.wake(&p.wait, epollIn|epollRdnorm)
	return n, 0
}

// sysSplice moves data from or to a pipe.
func (s *Stack) sysSplice(t *task) (int64, errno) {
	n, flags := int(t.arg(4).Int), t.num(5)
	switch {
	case n == 0:
		return 0, 0
	case flags&^(spliceFMove|spliceFNonblock|spliceFMore|spliceFGift) != 0:
		return -1, einval
	}
	in, e := t.file(0)
	if e != 0 {
		return -1, e
	}
	out, e := t.file(2)
	if e != 0 {
		return -1, e
	}
	if in.flags&oAccmode == oWronly || out.flags&oAccmode == oRdonly {
		return -1, ebadf
	}
	if n < 0 {
		return -1, einval
	}
	from, fromPipe := in.file.(*pipeEnd)
	to, toPipe := out.file.(*pipeEnd)
	offIn, offOut := t.arg(1).Offset, t.arg(3).Offset
	if offIn != nil && (fromPipe || !seeks(in)) || offOut != nil && (toPipe || !seeks(out)) {
		return -1, espipe
	}
	nonblock := flags&spliceFNonblock != 0
	switch {
	case fromPipe && toPipe:
		if from.pipe == to.pipe {
			return -1, einval
		}
		return s.splicePipes(t, from, to, n, nonblock || in.nonblock() || out.nonblock())
	case fromPipe:
		if offOut != nil {
			return -1, t.no("splice to an offset of a file")
		}
		if out.flags&oAppend != 0 {
			return -1, einval
		}
		return s.spliceFromPipe(t, from, out, n, flags)
	case toPipe:
		return s.spliceToPipe(t, in, to, offIn, n, nonblock || out.nonblock())
	}
	return -1, einval
}

func seeks(of *openFile) bool {
	_, ok := of.file.(seekable)
	return ok
}

// splicePipes moves what is in one pipe to another.
func (s *Stack) splicePipes(t *task, from, to *pipeEnd, n int, nonblock bool) (int64, errno) {
	switch {
	case to.readers == 0:
		return -1, epipe
	case len(from.bufs) == 0 && from.writers == 0:
		return 0, 0
	case len(from.bufs) > 0 && !to.full():
	case nonblock:
		return -1, eagain
	case len(from.bufs) == 0:
		return -1, t.wait(&from.wait, engine.Forever)
	default:
		return -1, t.wait(&to.wait, engine.Forever)
	}
	moved := 0
	for moved < n && len(from.bufs) > 0 && !to.full() {
		b := from.bufs[0].data
		b = b[:min(len(b), n-moved)]
		from.consume(len(b))
		to.bufs = append(to.bufs, pipeBuf{data: b})
		moved += len(b)
	}
	s.wake(&from.wait, epollOut|epollWrnorm)
	s.wake(&to.wait, epollIn|epollRdnorm)
	return int64(moved), 0
}

// spliceFromPipe hands a pipe's pages on (splice_to_socket).
func (s *Stack) spliceFromPipe(t *task, from *pipeEnd, out *openFile, n, flags int) (int64, errno) {
	for t.prog.done < n {
		if t.prog.msg == nil && len(from.bufs) == 0 {
			switch {
			case from.writers == 0 || t.prog.done > 0:
				return int64(t.prog.done), 0
			case flags&spliceFNonblock != 0:
				return -1, eagain
			}
			return -1, t.wait(&from.wait, engine.Forever)
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
		more := flags&spliceFMore != 0 || left > 0 && behind > 0
		moved, e := s.spliceOut(t, out, pages, more)
		if e != 0 {
			return t.moved(e)
		}
		t.prog.msg = nil
		t.prog.done += moved
		wasFull := from.full()
		from.consume(moved)
		if wasFull && !from.full() {
			s.wake(&from.wait, epollOut|epollWrnorm)
		}
		t.again()
		if moved == 0 {
			break
		}
	}
	return int64(t.prog.done), 0
}

// spliceToPipe fills a pipe from a file or a socket.
func (s *Stack) spliceToPipe(t *task, in *openFile, to *pipeEnd, offset *int64, n int, nonblock bool) (int64, errno) {
	switch {
	case to.readers == 0:
		return -1, epipe
	case to.full() && nonblock:
		return -1, eagain
	case to.full():
		return -1, t.wait(&to.wait, engine.Forever)
	}
	n = min(n, (pipeSlots-len(to.bufs))*pageSize)
	if f, ok := in.file.(seekable); ok {
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
	so, ok := in.file.(socket)
	if !ok {
		return -1, einval
	}
	tp, ok := so.(*tcpSock)
	if !ok {
		return -1, t.no("splice from a socket that isn't TCP's")
	}
	// It ends at urgent data, and returns nothing right before it.
	if tp.urgData != 0 && !tp.oobinline && !before(tp.urgSeq, tp.copiedSeq) && !tp.receiveQueue.empty() {
		if n = min(n, int(tp.urgSeq-tp.copiedSeq)); n == 0 {
			return 0, 0
		}
	}
	buf := make([]byte, n)
	m := &message{iov: [][]byte{buf}, nonblock: nonblock || in.nonblock()}
	got, e := so.recvmsg(t, m)
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
