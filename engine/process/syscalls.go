package process

import (
	"encoding/binary"
	"maps"
	"slices"

	"tcpdrill/engine"
	"tcpdrill/engine/abi"
)

// le is the byte order of a script's memory.
var le = binary.LittleEndian

// syscalls are the calls by name. A call returns Block to be made again.
var syscalls map[string]func(*Process, *Task) (int64, abi.Errno)

func init() {
	syscalls = map[string]func(*Process, *Task) (int64, abi.Errno){
		"socket": (*Process).sysSocket, "bind": (*Process).sysBind, "listen": (*Process).sysListen,
		"accept": (*Process).sysAccept, "accept4": (*Process).sysAccept, "connect": (*Process).sysConnect,
		"shutdown": (*Process).sysShutdown, "getsockname": (*Process).sysGetsockname,
		"getpeername": (*Process).sysGetpeername,
		"read":        (*Process).sysRead, "readv": (*Process).sysRead, "write": (*Process).sysWrite, "writev": (*Process).sysWrite,
		"recv": (*Process).sysRecvfrom, "recvfrom": (*Process).sysRecvfrom, "send": (*Process).sysSendto, "sendto": (*Process).sysSendto,
		"recvmsg": (*Process).sysRecvmsg, "sendmsg": (*Process).sysSendmsg,
		"recvmmsg": (*Process).sysRecvmmsg, "sendmmsg": (*Process).sysSendmmsg,
		"close": (*Process).sysClose, "dup": (*Process).sysDup, "fcntl": (*Process).sysFcntl, "ioctl": (*Process).sysIoctl,
		"getsockopt": (*Process).sysGetsockopt, "setsockopt": (*Process).sysSetsockopt, "cap_set": (*Process).sysCapSet,
		"poll": (*Process).sysPoll, "ppoll": (*Process).sysPoll,
		"epoll_create": (*Process).sysEpollCreate, "epoll_create1": (*Process).sysEpollCreate,
		"epoll_ctl": (*Process).sysEpollCtl, "epoll_wait": (*Process).sysEpollWait,
		"open": (*Process).sysOpen, "pipe": (*Process).sysPipe, "pipe2": (*Process).sysPipe,
		"splice": (*Process).sysSplice, "sendfile": (*Process).sysSendfile,
	}
}

// Calls returns the names of the calls that there are, sorted.
func Calls() []string { return slices.Sorted(maps.Keys(syscalls)) }

// syscall makes a call, or makes it again after it slept.
func (ps *Process) syscall(t *Task) (int64, abi.Errno) {
	f, ok := syscalls[t.call.Name]
	if !ok {
		return -1, t.No("system call " + t.call.Name)
	}
	ret, e := f(ps, t)
	if e == Block {
		return -1, e
	}
	for _, h := range t.prog.held {
		ps.putFile(h.of)
	}
	t.prog.held = nil
	return ret, e
}

// Arguments. One that isn't there is 0.

func (t *Task) arg(i int) *engine.Arg {
	if i >= len(t.call.Args) {
		return &engine.Arg{}
	}
	return &t.call.Args[i]
}

// num is an argument that is an int in C.
func (t *Task) num(i int) int { return int(int32(t.arg(i).Int)) }

// null reports whether an argument is a null pointer.
func (t *Task) null(i int) bool {
	a := t.arg(i)
	return a.Buf == nil && a.Iov == nil && a.Msg == nil && a.Msgs == nil && a.Epoll == nil && a.Offset == nil
}

// file returns what the descriptor in an argument stands for. The call holds it
// until its end.
func (t *Task) file(i int) (*openFile, abi.Errno) {
	for _, h := range t.prog.held {
		if h.arg == i {
			return h.of, 0
		}
	}
	of := t.ps.fileAt(t.num(i))
	if of == nil {
		return nil, abi.EBADF
	}
	of.refs++
	t.prog.held = append(t.prog.held, heldFile{i, of})
	return of, 0
}

// socket returns the socket in an argument.
func (t *Task) socket(i int) (Socket, *openFile, abi.Errno) {
	of, e := t.file(i)
	if e != 0 {
		return nil, nil, e
	}
	so, ok := of.File.(Socket)
	if !ok {
		return nil, nil, abi.ENOTSOCK
	}
	return so, of, 0
}
