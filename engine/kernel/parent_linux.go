package kernel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"tcpdrill/engine/frame"
	"tcpdrill/engine/spawn"
	"tcpdrill/tun"
)

// A Worker is the process that runs one job. It may be started long before
// the job is known.
type Worker struct {
	ctx     context.Context
	process *os.Process
	socket  *os.File
	output  *os.File // what it writes to its standard output and error
	state   *os.ProcessState
	ready   bool          // it has said so
	gone    chan struct{} // closed when the process has ended
}

// Kinds of frames between parent and worker.
const (
	framePaths     frame.Kind = 'p' // to the worker: Job.Paths, each ended by 0
	frameProcessor frame.Kind = 'c' // to the worker: Job.Processor, in decimal
	frameJob       frame.Kind = 'j' // to the worker: Job.Payload
	frameReady     frame.Kind = 'r' // from the worker: it waits for its job
	frameMessage   frame.Kind = 'm' // from the worker: emitted
	frameDone      frame.Kind = 'd' // from the worker: the runner returned; its error's text
	frameFailed    frame.Kind = 'f' // from the worker: it could not be set up; why
)

// live is the workers whose processes haven't ended.
var live sync.WaitGroup

// Start starts a worker, which sets itself up while it waits for its job. It
// is killed when ctx ends.
//
// The error says what is missing here and what to do about it.
func Start(ctx context.Context) (*Worker, error) {
	if err := tun.Available(); err != nil {
		return nil, err
	}
	return start(ctx, workerMark)
}

// StartBare starts a worker that makes no device: see NewBare.
func StartBare(ctx context.Context) (*Worker, error) { return start(ctx, bareMark) }

func start(ctx context.Context, mark string) (*Worker, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	w := &Worker{ctx: ctx, gone: make(chan struct{})}
	if err := w.start(mark); err != nil {
		return nil, explain(fmt.Errorf("starting a worker: %w", err))
	}
	stop := context.AfterFunc(ctx, w.Kill)
	live.Add(1)
	go func() {
		defer live.Done()
		w.state, _ = w.process.Wait()
		stop()
		close(w.gone)
	}()
	return w, nil
}

func (w *Worker) start(mark string) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "worker")
	defer theirs.Close()
	unix.SetNonblock(pair[0], true) // Go waits for it in its poller
	w.socket = os.NewFile(uintptr(pair[0]), "worker")
	// In memory, so that nobody needs to read it while the worker lives.
	out, err := unix.MemfdCreate("worker", unix.MFD_CLOEXEC)
	if err != nil {
		w.socket.Close()
		return os.NewSyscallError("memfd_create", err)
	}
	w.output = os.NewFile(uintptr(out), "worker's output")
	null, err := os.Open(os.DevNull)
	if err == nil {
		defer null.Close()
		attr := &os.ProcAttr{
			Env:   workerEnviron(mark),
			Files: []*os.File{null, w.output, w.output, theirs},
			Sys:   namespaces(),
		}
		w.process, err = spawn.Start("/proc/self/exe", os.Args[:1], attr)
	}
	if err != nil {
		w.socket.Close()
		w.output.Close()
	}
	return err
}

func workerEnviron(mark string) []string {
	env := []string{workerEnv + "=" + mark}
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		ours := false
		for _, v := range workerRuntime {
			if v.name == name {
				env = append(env, savedEnv+kv)
				ours = true
			}
		}
		if !ours {
			env = append(env, kv)
		}
	}
	for _, v := range workerRuntime {
		env = append(env, v.name+"="+v.value)
	}
	return env
}

// namespaces says in which namespaces a worker lives. With one for processes
// it takes along all that its commands left running, however it ends.
func namespaces() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID,
	}
	if !privileged() || alwaysUserNamespace {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	return attr
}

// alwaysUserNamespace is for tests: root can do without.
var alwaysUserNamespace = false

// privileged reports whether the process may make namespaces and devices as it
// is, without a user namespace.
func privileged() bool {
	var data [2]unix.CapUserData
	if err := unix.Capget(capHeader(), &data[0]); err != nil {
		return false
	}
	const need = 1<<unix.CAP_SYS_ADMIN | 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_NET_RAW
	return data[0].Effective&need == need
}

// Pid returns the worker's process id, as its parent sees it.
func (w *Worker) Pid() int { return w.process.Pid }

// Ready waits until the worker has set itself up as far as it can without a
// job. The error says why it can't, and what to do about it.
func (w *Worker) Ready() error {
	if w.ready {
		return nil
	}
	kind, payload, err := frame.Read(w.socket)
	switch {
	case err != nil:
		return w.died(err)
	case kind == frameFailed:
		return fmt.Errorf("setting up a worker: %s", payload)
	case kind != frameReady:
		w.Kill()
		return fmt.Errorf("worker: unexpected frame %q", kind)
	}
	w.ready = true
	return nil
}

// Run gives the worker its job and returns when it is done; the process then
// ends by itself. onMessage is called for each message as it comes. The error
// is the Runner's, or says how the worker failed. A worker runs one job.
func (w *Worker) Run(job Job, onMessage func(msg []byte)) error {
	defer w.socket.Close()
	var b []byte
	if len(job.Paths) > 0 {
		b = frame.Append(b, framePaths, []byte(strings.Join(job.Paths, "\x00")))
	}
	if job.Processor != nil {
		b = frame.Append(b, frameProcessor, strconv.AppendInt(nil, int64(*job.Processor), 10))
	}
	b = frame.Append(b, frameJob, job.Payload)
	if _, err := w.socket.Write(b); err != nil && !errors.Is(err, unix.EPIPE) {
		w.Kill()
		return fmt.Errorf("worker: %w", err)
	}
	if err := w.Ready(); err != nil {
		return err
	}
	for {
		kind, payload, err := frame.Read(w.socket)
		if err != nil {
			return w.died(err)
		}
		switch kind {
		case frameMessage:
			onMessage(payload)
		case frameDone:
			if len(payload) > 0 {
				return errors.New(string(payload))
			}
			return nil
		default:
			w.Kill()
			return fmt.Errorf("worker: unexpected frame %q", kind)
		}
	}
}

// died says how a worker ended that didn't say so itself.
func (w *Worker) died(err error) error {
	w.Kill() // no socket, no use
	<-w.gone
	if ctxErr := context.Cause(w.ctx); ctxErr != nil {
		return ctxErr
	}
	if err != io.EOF && !errors.Is(err, unix.ECONNRESET) {
		return fmt.Errorf("worker: %w", err)
	}
	return fmt.Errorf("the worker died: %v%s", w.state, w.lastWords())
}

// lastWords returns the beginning of what the worker wrote: if it panicked,
// that is the reason.
func (w *Worker) lastWords() string {
	const most = 8 << 10
	b := make([]byte, most)
	n, _ := w.output.ReadAt(b, 0)
	if b = bytes.TrimSpace(b[:n]); len(b) == 0 {
		return ""
	}
	return "\n" + string(b)
}

// Kill ends the worker. It does no harm to one that has ended.
func (w *Worker) Kill() { w.process.Kill() }

// Wait waits until the worker's process has ended.
func (w *Worker) Wait() { <-w.gone }

// WaitAll waits until the processes of all workers have ended: those that
// have run their jobs do so by themselves, some tens of milliseconds later.
// Others must be killed.
func WaitAll() { live.Wait() }
