package process

import (
	"tcpdrill/engine"
	"tcpdrill/engine/abi"
)

// An openFile is what descriptors that were made by dup share (struct file).
type openFile struct {
	File
	flags int // O_*
	refs  int // descriptors, and calls on their way
	fds   int // descriptors
	items []*epollItem
}

// nonblock reports whether calls don't wait.
func (of *openFile) nonblock() bool { return of.flags&abi.ONonblock != 0 }

const (
	firstFD  = 3 // as where a program has its standard files
	maxFiles = 1024
)

// fileAt returns what a descriptor stands for, or nil.
func (ps *Process) fileAt(fd int) *openFile {
	if fd < 0 || fd >= len(ps.files) {
		return nil
	}
	return ps.files[fd]
}

// freeFD returns the lowest descriptor from least on that stands for nothing.
func (ps *Process) freeFD(least int) int {
	fd := max(least, firstFD)
	for fd < len(ps.files) && ps.files[fd] != nil {
		fd++
	}
	return fd
}

// addFD makes a descriptor.
func (ps *Process) addFD(of *openFile, least int, cloexec bool) (int, abi.Errno) {
	fd := ps.freeFD(least)
	if fd >= maxFiles {
		return -1, abi.EMFILE
	}
	for len(ps.files) <= fd {
		ps.files = append(ps.files, nil)
	}
	ps.files[fd] = of
	of.refs++
	of.fds++
	ps.cloexec[fd] = cloexec
	return fd, 0
}

// putFile gives up what a call held. If the descriptor was closed meanwhile, this
// is when the file goes.
func (ps *Process) putFile(of *openFile) {
	if of.refs--; of.refs > 0 {
		return
	}
	ps.closeFile(&Task{ps: ps, call: &engine.Call{Name: "close"}}, of)
}

// closeFile lets a file go to which no descriptor is left. It may block.
func (ps *Process) closeFile(t *Task, of *openFile) abi.Errno {
	if t.prog.closing == nil {
		t.prog.closing = of
		ps.epollForget(of)
	}
	return of.Release(t)
}

func (ps *Process) sysClose(t *Task) (int64, abi.Errno) {
	of := t.prog.closing
	if of == nil {
		fd := t.num(0)
		if of = ps.fileAt(fd); of == nil {
			return -1, abi.EBADF
		}
		ps.files[fd] = nil
		of.fds--
		if of.refs--; of.refs > 0 {
			return 0, 0
		}
	}
	if ps.closeFile(t, of) == Block {
		return -1, Block
	}
	return 0, 0 // whatever went wrong, as in Linux
}

func (ps *Process) sysDup(t *Task) (int64, abi.Errno) {
	of, e := t.file(0)
	if e != 0 {
		return -1, e
	}
	fd, e := ps.addFD(of, 0, false)
	return int64(fd), e
}

func (ps *Process) sysFcntl(t *Task) (int64, abi.Errno) {
	of, e := t.file(0)
	if e != 0 {
		return -1, e
	}
	fd, cmd, arg := t.num(0), t.num(1), t.num(2)
	switch cmd {
	case abi.FDupfd, abi.FDupfdCloexec:
		if arg < 0 || arg >= maxFiles {
			return -1, abi.EINVAL
		}
		n, e := ps.addFD(of, arg, cmd == abi.FDupfdCloexec)
		return int64(n), e
	case abi.FGetfd:
		if ps.cloexec[fd] {
			return abi.FdCloexec, 0
		}
		return 0, 0
	case abi.FSetfd:
		ps.cloexec[fd] = arg&abi.FdCloexec != 0
		return 0, 0
	case abi.FGetfl:
		return int64(of.flags), 0
	case abi.FSetfl:
		const settable = abi.OAppend | abi.ONonblock | abi.ODirect | abi.ONoatime
		if arg&abi.OAsync != 0 {
			return -1, t.No("fcntl with O_ASYNC")
		}
		f, isFile := of.File.(*regularFile)
		if arg&abi.ODirect != 0 && !isFile {
			return -1, abi.EINVAL
		}
		if isFile {
			f.appends = arg&abi.OAppend != 0
		}
		of.flags = of.flags&^settable | arg&settable
		return 0, 0
	case abi.FGetpipeSz:
		if _, ok := of.File.(*pipeEnd); ok {
			return pipeSlots * pageSize, 0
		}
		return -1, abi.EBADF
	}
	if name := OptionName("F_", int64(cmd)); name != "" {
		return -1, t.No("fcntl " + name)
	}
	return -1, abi.EINVAL
}

// File returns what a descriptor stands for; nil if it stands for nothing.
func (ps *Process) File(fd int) File {
	of := ps.fileAt(fd)
	if of == nil {
		return nil
	}
	return of.File
}
