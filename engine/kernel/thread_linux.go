package kernel

import (
	"encoding/binary"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
)

// timedThread makes the calling goroutine's thread one that is woken on time.
// What isn't permitted is left out: without it scripts are later, and the
// engine knows by how much.
func timedThread() {
	runtime.LockOSThread()
	// Normal threads' timers may be 50 µs late to save power.
	unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	// With one CPU a real-time thread could make the machine unresponsive.
	if runtime.NumCPU() > 1 {
		param := struct{ priority int32 }{1}
		// Commands and Go's own threads stay normal.
		unix.RawSyscall(unix.SYS_SCHED_SETSCHEDULER, 0,
			unix.SCHED_FIFO|unix.SCHED_RESET_ON_FORK, uintptr(unsafe.Pointer(&param)))
	}
}

// lockMemory keeps the process's pages from being swapped out, if permitted.
// They are brought in as they are used: all at once would take longer than a
// script.
func lockMemory() {
	unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT)
}

// poll waits on the clock c until one of the descriptors is ready or the
// deadline has come, and reports whether one is ready.
func (c *clock) poll(fds []unix.PollFd, until time.Duration) (bool, error) {
	for {
		var ts unix.Timespec
		var timeout *unix.Timespec
		if until != engine.Forever {
			if left := until - c.Now(); left > 0 {
				ts = unix.NsecToTimespec(int64(left))
			}
			timeout = &ts
		}
		n, _, errno := unix.RawSyscall6(unix.SYS_PPOLL,
			uintptr(unsafe.Pointer(unsafe.SliceData(fds))), uintptr(len(fds)),
			uintptr(unsafe.Pointer(timeout)), 0, 0, 0)
		switch {
		case errno == unix.EINTR:
			continue
		case errno != 0:
			return false, os.NewSyscallError("ppoll", errno)
		case n > 0:
			return true, nil
		case c.Now() >= until:
			return false, nil
		}
	}
}

// An event is an eventfd: a flag that a thread can sleep on.
type event int

func newEvent() (event, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	return event(fd), os.NewSyscallError("eventfd", err)
}

// set sets the flag.
func (e event) set() {
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], 1)
	unix.RawSyscall(unix.SYS_WRITE, uintptr(e), uintptr(unsafe.Pointer(&b)), 8)
}

// wait sleeps until the flag is set, and clears it.
func (e event) wait() {
	var b [8]byte
	for {
		_, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(e), uintptr(unsafe.Pointer(&b)), 8)
		if errno != unix.EINTR {
			return
		}
	}
}
