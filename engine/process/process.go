// Package process is the process whose system calls a script makes, for stacks that
// are Go code in virtual time: its descriptors, files in memory, pipes, poll and epoll
// sets, capabilities, and calls that sleep. It behaves as Linux's does; what the stack
// has to bring are its sockets.
//
// A process and all that belongs to it is used by one goroutine.
package process

import (
	"time"

	"tcpdrill/engine/abi"
)

// A Machine is what a process runs on: a stack with its clock.
type Machine interface {
	// Now returns the time.
	Now() time.Duration
	// SocketDeadline returns when a socket's timeout (SO_RCVTIMEO) ends that starts
	// now.
	SocketDeadline(timeout time.Duration) time.Duration
	// Alarm has f called at a time, and returns what stops it. Unless it is precise,
	// it is for a socket's timeout, and may be as late as the machine's timers are.
	Alarm(at time.Duration, precise bool, f func()) (stop func())
	// NewSocket makes a socket of a family, type and protocol that are numbers which
	// Linux knows.
	NewSocket(t *Task, family, typ, protocol int) (Socket, abi.Errno)
}

// A Process has descriptors and makes calls.
type Process struct {
	machine  Machine
	files    []*openFile // by descriptor
	runnable []*Task
	caps     capSets
	cloexec  map[int]bool // by descriptor
	tree     fileTree
}

// Init makes a process ready. It starts with all capabilities and without files.
func (ps *Process) Init(m Machine) {
	*ps = Process{machine: m, caps: capSets{effective: allCaps, permitted: allCaps}, cloexec: map[int]bool{}}
}

// capSets are the capabilities of the script's process.
type capSets struct{ effective, permitted, inheritable uint64 }

const allCaps = 1<<(abi.CapLastCap+1) - 1

// Capable reports whether the script may do what needs a capability (CAP_*).
func (ps *Process) Capable(number int) bool {
	return ps.caps.effective&(1<<number) != 0
}

// A progress is what a system call has found out before it sleeps, so that it goes
// on from there: descriptors may be closed meanwhile.
type progress struct {
	held    []heldFile
	closing *openFile // close(2): the descriptor is gone already
	msg     *Message  // of a call that sends or receives one
	done    int       // messages of an array; bytes moved by sendfile and splice
	until   time.Duration
}

// A heldFile is what a call's argument was found to stand for.
type heldFile struct {
	arg int
	of  *openFile
}
