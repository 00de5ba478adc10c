package uml

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"tcpdrill/engine/frame"
	"tcpdrill/engine/kernel"
	"tcpdrill/engine/spawn"
	"tcpdrill/engine/uml/kernels"
)

// guestMemory is what a guest thinks it has. The host gives it what it uses.
// tcp_init makes the maximum of tcp_rmem smaller on machines with less.
const guestMemory = "1G"

// bootTime is how long a guest may take from its start to its hello; 0.1 s
// will do on an idle machine.
const bootTime = 60 * time.Second

// boots counts guests, to spread them over the processors, beside other
// processes' guests.
var boots atomic.Int64

// A guest is a running kernel, seen from the host.
type guest struct {
	process *os.Process
	scratch *kernels.Scratch
	console *os.File // in memory
	frames  *os.File // frames from it
	tasks   int      // given to it so far
	gate    gate
	said    hello // its first words; empty before

	progress progress
	gone     chan struct{} // closed when the process has ended
	state    *os.ProcessState
}

// boot starts a kernel; greet waits until it can have jobs.
func boot(program string) (*guest, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	scratch, err := kernels.NewScratch("guest")
	if err != nil {
		return nil, err
	}
	for _, path := range []string{self, scratch.Dir} {
		if strings.ContainsAny(path, "\"\n") {
			scratch.Remove()
			return nil, fmt.Errorf("%q: a kernel can't be told of a path with such characters", path)
		}
	}
	g := &guest{scratch: scratch, gone: make(chan struct{}), progress: progress{end: make(chan struct{})}}
	if err := g.start(program, self); err != nil {
		g.close()
		scratch.Remove()
		return nil, fmt.Errorf("starting %s: %w", program, err)
	}
	tellReaper('+', g.process.Pid)
	go g.bury()
	return g, nil
}

// bury waits for the end of the process and clears up after it.
func (g *guest) bury() {
	g.state, _ = g.process.Wait()
	g.kill() // what is left of the group
	tellReaper('-', g.process.Pid)
	// Else we might wait for it for ever.
	g.gate.f.Close()
	g.frames.SetReadDeadline(time.Now().Add(5 * time.Second))
	g.scratch.Remove()
	close(g.gone)
}

// start starts the process with its pipes.
func (g *guest) start(program, self string) error {
	var theirs []*os.File
	defer func() {
		for _, f := range theirs {
			f.Close()
		}
	}()
	pipe := func(ours, other **os.File) (err error) {
		*ours, *other, err = os.Pipe()
		return err
	}
	var framesOut, gateOut, progressOut, progressIn *os.File
	out, err := unix.MemfdCreate("console", unix.MFD_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("memfd_create", err)
	}
	g.console = os.NewFile(uintptr(out), "console")
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	theirs = append(theirs, null)
	err = errors.Join(
		pipe(&g.frames, &framesOut),
		pipe(&g.gate.f, &gateOut),
		pipe(&progressIn, &progressOut),
	)
	theirs = append(theirs, framesOut, gateOut, progressOut)
	if err == nil {
		err = g.gate.shut(gateOut)
	}
	if err != nil {
		return err
	}
	go g.progress.follow(progressIn)
	// On one processor: each system call in the guest goes back and forth
	// between two threads, which takes 7 µs there, and 85 µs across two.
	g.process, err = spawn.StartOn(os.Getpid()+int(boots.Add(1)), program, guestArgs(program, self, g.scratch.Dir), &os.ProcAttr{
		// The kernel's memory is a file there, and nothing else is needed.
		Env:   []string{"TMPDIR=" + g.scratch.Dir, "HOME=" + g.scratch.Dir, "PATH=/usr/bin:/bin"},
		Dir:   g.scratch.Dir,
		Files: []*os.File{null, g.console, g.console, framesOut, gateOut, progressOut},
		Sys:   &syscall.SysProcAttr{},
	})
	if err == nil {
		// A kernel that panics dumps core, its memory included.
		unix.Prlimit(g.process.Pid, unix.RLIMIT_CORE, &unix.Rlimit{}, nil)
	}
	return err
}

// guestArgs is a kernel's command line. The descriptors are those of start.
func guestArgs(program, self, dir string) []string {
	return []string{
		program,
		"mem=" + guestMemory,
		"root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro",
		"devtmpfs.mount=0", // the host's /dev/shm is to be found first
		"init=" + quoted(self),
		"time-travel=inf-cpu",
		"con=null", "con0=null,fd:2", "console=tty0",
		"ssl0=null,fd:3", "ssl1=null,fd:4", "ssl2=null,fd:5",
		// Below the working directory, since a socket's path must be short.
		"uml_dir=.", "umid=uml",
		// A bug that the kernel survives is one all the same.
		"oops=panic", "panic_on_warn=0",
		guestEnv + "=" + quoted(dir),
	}
}

// quoted is a value on a kernel's command line, where more bytes than one would
// think are blanks.
func quoted(s string) string { return `"` + s + `"` }

// greet waits for the guest's hello.
func (g *guest) greet(ctx context.Context) error {
	defer context.AfterFunc(ctx, g.kill)()
	late := time.AfterFunc(bootTime, g.kill)
	defer late.Stop()
	kind, payload, err := frame.Read(g.frames)
	if err != nil {
		g.kill()
		<-g.gone
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("the kernel ended before it could have jobs: %v\n%s", g.state, g.lastWords(0))
	}
	var h hello
	if kind != frameHello {
		return fmt.Errorf("unexpected frame %q from the guest", kind)
	}
	if err := json.Unmarshal(payload, &h); err != nil {
		return err
	}
	if h.Err != "" {
		return errors.New(h.Err)
	}
	g.said = h
	return nil
}

// give gives the guest its next task. Its time stands still until then.
func (g *guest) give(job kernel.Job) error {
	dir, err := os.Getwd()
	if err != nil {
		dir = "/" // it has been removed
	}
	b, err := json.Marshal(task{Env: os.Environ(), Dir: dir, Job: job})
	if err != nil {
		return err
	}
	os.Remove(taskName(g.scratch.Dir, g.tasks))
	g.tasks++
	if err := os.WriteFile(taskName(g.scratch.Dir, g.tasks), b, 0o600); err != nil {
		return err
	}
	return g.gate.open()
}

// kill ends the guest: all of its processes, which are a group. It does no harm
// to one that has ended.
func (g *guest) kill() {
	if !g.ended() { // else the number may be another's by now
		unix.Kill(-g.process.Pid, unix.SIGKILL)
	}
}

// ended reports whether the guest has.
func (g *guest) ended() bool {
	select {
	case <-g.gone:
		return true
	default:
		return false
	}
}

// close closes what leads to the guest.
func (g *guest) close() {
	for _, f := range []*os.File{g.frames, g.gate.f} {
		if f != nil {
			f.Close()
		}
	}
}

// consoleSize returns how much is on the console.
func (g *guest) consoleSize() int64 {
	info, err := g.console.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

// consoleFrom returns the console's text from an offset, of what is long only
// the end.
func (g *guest) consoleFrom(offset int64) []byte {
	const most = 64 << 10
	offset = max(offset, g.consoleSize()-most)
	b, _ := io.ReadAll(io.NewSectionReader(g.console, offset, most))
	return b
}

// lastWords returns the last lines on the console after an offset.
func (g *guest) lastWords(offset int64) string {
	const lines = 30
	all := bytes.Split(bytes.TrimSpace(g.consoleFrom(offset)), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}

// A gate is a pipe of one page, always full: to pass, the guest writes a page,
// which blocks it, its time included, until the host has taken out the one
// before.
type gate struct{ f *os.File }

// shut fills the pipe for the first time; other is its end for writing.
func (g gate) shut(other *os.File) error {
	if _, err := unix.FcntlInt(other.Fd(), unix.F_SETPIPE_SZ, gateSize); err != nil {
		return os.NewSyscallError("fcntl F_SETPIPE_SZ", err)
	}
	_, err := other.Write(make([]byte, gateSize))
	return err
}

// open lets the guest pass once.
func (g gate) open() error {
	_, err := io.ReadFull(g.f, make([]byte, gateSize))
	return err
}

// progress is the last that a guest said of what it is at.
type progress struct {
	mu   sync.Mutex
	last []byte
	when time.Time
	end  chan struct{} // closed when nothing more comes
}

// follow reads progress to its end, a JSON object a line.
func (p *progress) follow(f *os.File) {
	defer close(p.end)
	defer f.Close()
	var rest []byte
	buf := make([]byte, 4096)
	for {
		n, err := f.Read(buf)
		rest = append(rest, buf[:n]...)
		if end := bytes.LastIndexByte(rest, '\n'); end >= 0 {
			line := rest[:end]
			if start := bytes.LastIndexByte(line, '\n'); start >= 0 {
				line = line[start+1:]
			}
			p.set(bytes.Clone(line))
			rest = append(rest[:0], rest[end+1:]...)
		}
		if err != nil {
			return
		}
	}
}

func (p *progress) set(line []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.when = line, time.Now()
}

func (p *progress) get() ([]byte, time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last, p.when
}

// programName returns what a kernel is called: the name it was built under, or
// its path.
func programName(name string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) {
		return filepath.Abs(name)
	}
	return kernels.Program(name)
}
