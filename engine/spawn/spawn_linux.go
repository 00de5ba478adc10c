package spawn

import (
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// requests carries work to the thread that starts all processes. A process is
// killed when the thread that started it ends (not the process), so it is one
// that never does.
var requests = sync.OnceValue(func() chan<- func() {
	c := make(chan func())
	go func() {
		runtime.LockOSThread()
		// Children inherit it. Normal threads' timers may be 50 µs late, to
		// save power.
		unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
		for f := range c {
			f()
		}
	}()
	return c
})

// StartOn is Start with the process bound to one of the processors that this one
// may use, the nth modulo their number.
func StartOn(n int, name string, argv []string, attr *os.ProcAttr) (p *os.Process, err error) {
	do(func() {
		var all unix.CPUSet
		if unix.SchedGetaffinity(0, &all) == nil {
			one := nth(&all, n)
			if unix.SchedSetaffinity(0, &one) == nil {
				defer unix.SchedSetaffinity(0, &all)
			}
		}
		p, err = start(name, argv, attr)
	})
	return p, err
}

// nth returns the nth processor of a set, modulo their number.
func nth(all *unix.CPUSet, n int) unix.CPUSet {
	var one unix.CPUSet
	n %= all.Count()
	for cpu := 0; ; cpu++ {
		if !all.IsSet(cpu) {
			continue
		}
		if n == 0 {
			one.Set(cpu)
			return one
		}
		n--
	}
}

// Start is os.StartProcess, with a process group of its own (a ^C at the
// terminal is for this process to handle) and SIGKILL when this one ends.
// attr.Sys must not be nil.
func Start(name string, argv []string, attr *os.ProcAttr) (p *os.Process, err error) {
	do(func() { p, err = start(name, argv, attr) })
	return p, err
}

func start(name string, argv []string, attr *os.ProcAttr) (*os.Process, error) {
	attr.Sys.Pdeathsig = syscall.SIGKILL
	attr.Sys.Setpgid = true
	return os.StartProcess(name, argv, attr)
}

// do runs f on the thread that starts processes.
func do(f func()) {
	done := make(chan struct{})
	requests() <- func() {
		f()
		close(done)
	}
	<-done
}
