package kernel

import (
	"encoding/binary"
	"os"
	"runtime"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
)

// onTime is for a script's timeline only: it gives all threads of this process a
// real-time priority, if that is permitted, and moves them to one processor, if one
// was chosen (see Canary). Without it scripts are later, and the engine knows by how
// much. Threads that are made later inherit both. What a script does before and after
// must not keep other scripts from being on time.
//
// All threads: after 10 ms Go's scheduler wants a goroutine to let others run,
// and it takes another thread to find out that there are no others. While
// that had normal priority, a call was 90 ms late beside busy processes.
func (t *timeline) onTime() {
	if t.mayHurry() {
		everyThread(func(tid int) error { return setScheduler(tid, unix.SCHED_FIFO) })
	}
	if t.processor == nil || unix.SchedGetaffinity(0, &t.before) != nil {
		return
	}
	var one unix.CPUSet
	one.Set(*t.processor)
	everyThread(func(tid int) error { return unix.SchedSetaffinity(tid, &one) })
}

// mayHurry reports whether anything may have a real-time priority. With one CPU that could
// make the machine unresponsive. Where one was chosen there are others, though this process
// may have been kept to one of them.
func (t *timeline) mayHurry() bool { return runtime.NumCPU() > 1 || t.processor != nil }

// over takes both away again.
func (t *timeline) over() {
	everyThread(func(tid int) error { return setScheduler(tid, unix.SCHED_NORMAL) })
	if t.before.Count() > 0 {
		everyThread(func(tid int) error { return unix.SchedSetaffinity(tid, &t.before) })
	}
}

// A timeline is where a script's runs.
type timeline struct {
	processor *int        // nil: anywhere
	before    unix.CPUSet // where the process ran before; empty: it hasn't been moved
}

// everyThread does something to all threads of this process, if that is permitted.
func everyThread(do func(tid int) error) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, task := range tasks {
		// A thread may have ended meanwhile.
		if tid, err := strconv.Atoi(task.Name()); err != nil || do(tid) == unix.EPERM {
			return
		}
	}
}

// setScheduler sets a thread's scheduling policy; real-time ones come with the
// lowest priority. Thread 0 is the calling one.
func setScheduler(tid int, policy uintptr) error {
	param := struct{ priority int32 }{1}
	if policy == unix.SCHED_NORMAL || policy == unix.SCHED_IDLE {
		param.priority = 0
	}
	_, _, errno := unix.RawSyscall(unix.SYS_SCHED_SETSCHEDULER, uintptr(tid), policy, uintptr(unsafe.Pointer(&param)))
	if errno != 0 {
		return errno
	}
	return nil
}

// withNormalChildren calls start, which starts a process that isn't to have
// our priority, and is to run where this one did before.
func withNormalChildren(before *unix.CPUSet, start func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if isRealTime() {
		setScheduler(0, unix.SCHED_FIFO|unix.SCHED_RESET_ON_FORK)
		defer setScheduler(0, unix.SCHED_FIFO)
	}
	defer moveTo(before)()
	return start()
}

// offTimeline does what keeps the kernel busy for milliseconds, with normal priority and
// where this process ran before its timeline: nobody can interrupt that, and others'
// timelines are where ours is.
func offTimeline(before *unix.CPUSet, do func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if isRealTime() {
		setScheduler(0, unix.SCHED_NORMAL)
		defer setScheduler(0, unix.SCHED_FIFO)
	}
	defer moveTo(before)()
	do()
}

// isRealTime reports whether the calling thread has a real-time priority.
func isRealTime() bool {
	attr, err := unix.SchedGetAttr(0, 0)
	return err == nil && attr.Policy == unix.SCHED_FIFO
}

// moveTo moves the calling thread to where it was before, if it has been moved, until back
// is called.
func moveTo(before *unix.CPUSet) (back func()) {
	var here unix.CPUSet
	if before == nil || before.Count() == 0 || unix.SchedGetaffinity(0, &here) != nil {
		return func() {}
	}
	unix.SchedSetaffinity(0, before)
	return func() { unix.SchedSetaffinity(0, &here) }
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
			if left := until - c.read(); left > 0 {
				ts = unix.NsecToTimespec(int64(beforeSlack(left)))
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
		case c.read() >= until:
			c.advance(until)
			return false, nil
		}
	}
}

// beforeSlack returns how long to ask poll to wait so that it doesn't wait
// longer than left. It takes a thousandth more than it is asked for, or five for
// niced processes (select_estimate_accuracy), unless the thread has real-time
// priority; what remains is waited for in another step.
func beforeSlack(left time.Duration) time.Duration {
	if left < time.Millisecond {
		return left
	}
	return left - left/128
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
