package kernel

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// NewBare makes a target without a device: the calls, the clock and the host of
// this process's namespaces, for a target that has a link of its own. Of the link's
// methods none may be called.
func NewBare() (*Target, error) {
	t := &Target{}
	t.pinned = true // there is nothing to drain
	return t, t.init()
}

// Await waits on the target's clock until a descriptor can be read, or the
// deadline, and reports which.
func (t *Target) Await(fd int, until time.Duration) (bool, error) {
	return t.poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, until)
}

// Beside gives a process that a script's timeline depends on the same priority as that,
// from Start to Finish, if it is permitted.
func (t *Target) Beside(pid int, on bool) {
	policy := uintptr(unix.SCHED_NORMAL)
	if on {
		policy = unix.SCHED_FIFO
	}
	if t.mayHurry() {
		_ = setScheduler(pid, policy) // without it scripts are later, and we know by how much
	}
}

// Asleep reports whether a process sleeps on whose /proc/…/stat a file is open.
func Asleep(stat *os.File) (bool, error) { return asleep(stat.Fd()) }
