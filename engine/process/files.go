package process

import (
	"path"
	"strings"

	"tcpdrill/engine/abi"
)

// Files in memory.

// A fileTree has the files of /tmp, which are the run's own, by their names.
type fileTree map[string]*memory

// A memory is a regular file's contents.
type memory struct{ data []byte }

// PutFile implements engine.FileKeeper.
func (ps *Process) PutFile(name string, data []byte) {
	if ps.tree == nil {
		ps.tree = fileTree{}
	}
	ps.tree[path.Clean(name)] = &memory{append([]byte(nil), data...)}
}

// RemoveFile implements engine.FileKeeper.
func (ps *Process) RemoveFile(name string) bool {
	_, ok := ps.tree[path.Clean(name)]
	delete(ps.tree, path.Clean(name))
	return ok
}

func (ps *Process) sysOpen(t *Task) (int64, abi.Errno) {
	if t.null(0) {
		return -1, abi.EFAULT
	}
	name := string(t.arg(0).Buf)
	if i := strings.IndexByte(name, 0); i >= 0 {
		name = name[:i]
	}
	flags := t.num(1)
	f, e := ps.openName(t, name, flags)
	if e != 0 {
		return -1, e
	}
	const kept = abi.OAccmode | abi.OAppend | abi.ONonblock | abi.ODirect | abi.ONoatime | abi.OSync | abi.ODsync
	fd, e := ps.addFD(&openFile{File: f, flags: flags & kept}, 0, flags&abi.OCloexec != 0)
	return int64(fd), e
}

func (ps *Process) openName(t *Task, name string, flags int) (File, abi.Errno) {
	if name == "" {
		return nil, abi.ENOENT
	}
	clean := path.Clean(name)
	switch {
	case flags&(abi.OTmpfile|abi.OPath) != 0:
		return nil, t.No("open with O_TMPFILE, O_PATH or O_DIRECTORY")
	case clean == "/dev/null":
		return nullFile{}, 0
	case clean == "/dev/zero":
		return zeroFile{}, 0
	case clean == "/tmp":
		if flags&(abi.OCreat|abi.OAccmode) != 0 {
			return nil, abi.EISDIR
		}
		return nil, t.No("opening a directory")
	case path.Dir(clean) != "/tmp":
		return nil, t.No("opening " + name + ": there are no files but those of /tmp")
	}
	m, found := ps.tree[clean]
	switch {
	case strings.HasSuffix(name, "/") && found:
		return nil, abi.ENOTDIR
	case found && flags&(abi.OCreat|abi.OExcl) == abi.OCreat|abi.OExcl:
		return nil, abi.EEXIST
	case !found && flags&abi.OCreat == 0:
		return nil, abi.ENOENT
	case !found:
		ps.PutFile(clean, nil)
		m = ps.tree[clean]
	case flags&abi.OTrunc != 0:
		m.data = nil
	}
	return &regularFile{memory: m, appends: flags&abi.OAppend != 0}, 0
}

// always is a file that is ready at any time, and for epoll no file at all.
type always struct{}

func (always) Poll() uint32            { return abi.EpollIn | abi.EpollOut | abi.EpollRdnorm | abi.EpollWrnorm }
func (always) Queue() *WaitQueue       { return nil }
func (always) Release(*Task) abi.Errno { return 0 }

type nullFile struct{ always }

func (nullFile) Read(*Task, [][]byte, bool) (int, abi.Errno)          { return 0, 0 }
func (nullFile) Write(_ *Task, iov [][]byte, _ bool) (int, abi.Errno) { return total(iov), 0 }

// A zeroFile is /dev/zero.
type zeroFile struct{ nullFile }

func (zeroFile) Read(_ *Task, iov [][]byte, _ bool) (int, abi.Errno) {
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

func (f *regularFile) Read(_ *Task, iov [][]byte, _ bool) (int, abi.Errno) {
	n := 0
	for _, b := range iov {
		k := copy(b, f.readAt(f.at, len(b)))
		f.at += int64(k)
		n += k
	}
	return n, 0
}

func (f *regularFile) Write(_ *Task, iov [][]byte, _ bool) (int, abi.Errno) {
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
