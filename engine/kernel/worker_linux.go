package kernel

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"tcpdrill/engine/frame"
)

// workerEnv marks a worker. Its value says whether it makes a device.
const (
	workerEnv  = "TCPDRILL_WORKER"
	workerMark = "1"
	bareMark   = "bare"
	savedEnv   = "TCPDRILL_SAVED_" // before the names of workerRuntime
)

// workerRuntime is what a worker's Go runtime is told through its environment,
// where it costs nothing, whereas the same by calls stops the world.
var workerRuntime = []struct{ name, value string }{
	{"GOGC", "off"},
	{"GOMEMLIMIT", "1GiB"}, // then it does collect: late is better than dead
	// Beside the timed threads, each of which keeps one: for commands.
	{"GOMAXPROCS", "16"},
	// Else threads that sleep in raw system calls would be woken by a signal
	// every 10 ms, to be preempted.
	{"GODEBUG", "asyncpreemptoff=1"},
}

// workerSocket is the descriptor by which a worker talks to its parent.
const workerSocket = 3

// Main runs the worker if this process is one, and then doesn't return. Call
// it first thing in main, and in TestMain.
func Main() {
	canaryMain()
	w := &worker{}
	switch os.Getenv(workerEnv) {
	case workerMark:
		w.open, w.runner = New, runner
	case bareMark:
		w.open, w.runner = NewBare, bareRunner
	default:
		return
	}
	if os.Getpid() != 1 {
		// It would mount a /tmp of its own and set the network up, for everybody.
		fmt.Fprintf(os.Stderr, "%s is set: it is for processes that have namespaces of their own\n", workerEnv)
		os.Exit(2)
	}
	// Commands see the parent's environment.
	os.Unsetenv(workerEnv)
	for _, v := range workerRuntime {
		if saved, ok := os.LookupEnv(savedEnv + v.name); ok {
			os.Unsetenv(savedEnv + v.name)
			os.Setenv(v.name, saved)
		} else {
			os.Unsetenv(v.name)
		}
	}
	if err := w.run(); err != nil {
		w.send(frameFailed, []byte(err.Error()))
	}
	w.flush()
	// The kernel closes the device; the parent doesn't wait for that.
	os.Exit(0)
}

// worker is a worker's own side.
type worker struct {
	open   func() (*Target, error)
	runner Runner
	queued []byte // frames that the socket didn't take yet
}

func (w *worker) run() error {
	if w.runner == nil {
		return errors.New("no Runner is registered")
	}
	unix.CloseOnExec(workerSocket)
	// If the parent dies, so do we. It did this already, but the kernel
	// forgets it when exec changes credentials.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl PR_SET_PDEATHSIG", err)
	}
	var mounts *mounts
	mounted := make(chan error, 1)
	go func() {
		var err error
		mounts, err = privateMounts()
		mounted <- err
	}()
	t, err := w.open() // mostly waits
	if err = errors.Join(err, <-mounted); err != nil {
		return err
	}
	w.send(frameReady, nil)
	socket := socketReader{}
	for {
		kind, payload, err := frame.Read(socket)
		if err != nil {
			return err // the parent is gone, or wants us no more
		}
		switch kind {
		case framePaths:
			for path := range strings.SplitSeq(strings.TrimSuffix(string(payload), "\x00"), "\x00") {
				if err := mounts.keep(path); err != nil {
					return err
				}
			}
		case frameProcessor:
			cpu, err := strconv.Atoi(string(payload))
			if err != nil {
				return err
			}
			t.processor = &cpu
		case frameJob:
			var text string
			if err := w.runner(t, payload, func(msg []byte) { w.send(frameMessage, msg) }); err != nil {
				text = err.Error()
			}
			w.send(frameDone, []byte(text))
			return nil
		default:
			return fmt.Errorf("unexpected frame %q", kind)
		}
	}
}

// send queues a frame and sends what the socket takes at once: the parent may
// be slow, and we are on time.
func (w *worker) send(kind frame.Kind, payload []byte) {
	w.queued = frame.Append(w.queued, kind, payload)
	w.write(unix.MSG_DONTWAIT)
}

// flush sends what is queued.
func (w *worker) flush() { w.write(0) }

func (w *worker) write(flags uintptr) {
	for len(w.queued) > 0 {
		n, _, errno := unix.RawSyscall6(unix.SYS_SENDTO, workerSocket,
			uintptr(unsafe.Pointer(&w.queued[0])), uintptr(len(w.queued)),
			flags|unix.MSG_NOSIGNAL, 0, 0)
		switch errno {
		case 0:
			w.queued = w.queued[n:]
		case unix.EINTR:
		case unix.EAGAIN:
			return
		default:
			os.Exit(1) // nobody listens any more
		}
	}
}

// socketReader reads from the parent. The thread sleeps outside Go's
// scheduler's sight until there is a job.
type socketReader struct{}

func (socketReader) Read(b []byte) (int, error) {
	for {
		n, err := unix.Read(workerSocket, b)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return 0, os.NewSyscallError("read", err)
		case n == 0:
			os.Exit(0) // the parent wants us no more, or is gone
		}
		return n, nil
	}
}
