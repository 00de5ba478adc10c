package tracefs

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A Tracer records what is sent through devices of one name, in all network namespaces.
//
// Tracepoints are the machine's. It has an instance of its own, a ring buffer with its own
// settings, so that nobody's tracing is changed, and takes it away again. What one has
// left that was killed the next one takes away.
type Tracer struct {
	mount *os.File // tracefs, which need not be mounted anywhere for this
	dir   string   // the instance
	held  *os.File // the same, locked: somebody is using it
	pipe  *os.File

	mu     sync.Mutex
	parser *parser
	read   []Sending     // about in the order of time
	lost   time.Duration // until then some may be missing; 0: none
	buf    []byte

	stop chan struct{}
	done sync.WaitGroup
}

const (
	instancePrefix = "tcpdrill-"
	// bufferSize is that of each processor's ring, in KiB: thousands of packets.
	bufferSize = 1024
	// period is how often it is emptied.
	period = 50 * time.Millisecond
	// kept is how many packets are remembered.
	kept = 1 << 17
)

// Start begins to trace. The error says what is missing.
func Start(device string) (*Tracer, error) {
	t := &Tracer{buf: make([]byte, 64<<10), stop: make(chan struct{})}
	t.parser = newParser(t.take, func() { t.lost = now() })
	err := t.open(device)
	if err != nil {
		t.remove()
		return nil, err
	}
	t.done.Go(t.run)
	return t, nil
}

func (t *Tracer) open(device string) error {
	mount, err := mountDetached()
	if err != nil {
		return err
	}
	t.mount = mount
	instances := fmt.Sprintf("/proc/self/fd/%d/instances", mount.Fd())
	clean(instances)
	if err := t.makeInstance(instances); err != nil {
		return fmt.Errorf("tracefs: %w", err)
	}
	const event = "events/net/net_dev_start_xmit/"
	filter := fmt.Sprintf("name == \"%s\"", device)
	for _, s := range []struct{ file, text string }{
		{"trace_clock", "mono"},
		{"buffer_size_kb", fmt.Sprint(bufferSize)},
		{event + "filter", filter},
		{event + "trigger", "stacktrace if " + filter},
		{event + "enable", "1"},
		{"events/timer/timer_expire_entry/enable", "1"},
		{"events/timer/timer_expire_exit/enable", "1"},
	} {
		if err := os.WriteFile(filepath.Join(t.dir, s.file), []byte(s.text), 0); err != nil {
			return fmt.Errorf("tracefs: %s: %w", s.file, errors.Unwrap(err))
		}
	}
	fd, err := unix.Open(filepath.Join(t.dir, "trace_pipe"), unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("tracefs: trace_pipe: %w", err)
	}
	t.pipe = os.NewFile(uintptr(fd), "trace_pipe")
	return nil
}

// makeInstance makes an instance and locks it.
func (t *Tracer) makeInstance(instances string) error {
	for {
		t.dir = filepath.Join(instances, fmt.Sprintf("%s%d-%d", instancePrefix, os.Getpid(), now()))
		if err := os.Mkdir(t.dir, 0o700); err != nil {
			t.dir = ""
			return err
		}
		held, err := os.Open(t.dir)
		if err == nil {
			err = unix.Flock(int(held.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		}
		if err == nil {
			_, err = os.Stat(t.dir)
		}
		if err == nil {
			t.held = held
			return nil
		}
		if held != nil {
			held.Close()
		}
		// Somebody who took it for one that was left has taken it away, or is about to.
		if unix.Rmdir(t.dir); !errors.Is(err, fs.ErrNotExist) && err != unix.EWOULDBLOCK {
			t.dir = ""
			return err
		}
	}
}

// mountDetached mounts tracefs where nobody sees it, since Linux 5.2.
func mountDetached() (*os.File, error) {
	fd, err := unix.Fsopen("tracefs", unix.FSOPEN_CLOEXEC)
	if err == nil {
		defer unix.Close(fd)
		err = unix.FsconfigCreate(fd)
	}
	mount := -1
	if err == nil {
		mount, err = unix.Fsmount(fd, unix.FSMOUNT_CLOEXEC, 0)
	}
	switch {
	case err == nil:
		return os.NewFile(uintptr(mount), "tracefs"), nil
	case errors.Is(err, unix.EPERM):
		return nil, errors.New("tracefs: only root may trace the kernel, outside of user namespaces")
	case errors.Is(err, unix.ENODEV):
		return nil, errors.New("this kernel has no tracefs")
	}
	return nil, fmt.Errorf("tracefs: %w", err)
}

// clean removes instances that nobody has locked any more.
func clean(instances string) {
	all, _ := os.ReadDir(instances)
	for _, e := range all {
		if !strings.HasPrefix(e.Name(), instancePrefix) {
			continue
		}
		dir := filepath.Join(instances, e.Name())
		f, err := os.Open(dir)
		if err != nil {
			continue
		}
		free := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
		f.Close()
		if free {
			unix.Rmdir(dir)
		}
	}
}

// run empties the ring until the tracer is closed.
func (t *Tracer) run() {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-t.stop:
			return
		case <-tick.C:
			t.mu.Lock()
			t.drain()
			t.mu.Unlock()
		}
	}
}

// drain reads all there is.
func (t *Tracer) drain() {
	for {
		n, err := unix.Read(int(t.pipe.Fd()), t.buf)
		if n <= 0 || err != nil {
			return
		}
		t.parser.parse(t.buf[:n])
	}
}

func (t *Tracer) take(s Sending) {
	if len(t.read) == kept {
		t.read = append(t.read[:0], t.read[kept/2:]...)
	}
	t.read = append(t.read, s)
}

// Between returns what was sent from a time to another, by CLOCK_MONOTONIC, in order, and
// whether that is all.
func (t *Tracer) Between(from, to time.Duration) ([]Sending, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.drain()
	var out []Sending
	for i := len(t.read) - 1; i >= 0; i-- {
		s := t.read[i]
		if s.At >= from && s.At <= to {
			out = append(out, s)
		}
		// Of two processors what is read later may be older, by what was read between.
		if s.At < from-time.Second {
			break
		}
	}
	slices.SortFunc(out, func(a, b Sending) int { return cmp.Compare(a.At, b.At) })
	return out, from > t.lost
}

// Close ends tracing and takes the instance away.
func (t *Tracer) Close() error {
	close(t.stop)
	t.done.Wait()
	return t.remove()
}

func (t *Tracer) remove() (err error) {
	for _, f := range []*os.File{t.pipe, t.held} {
		if f != nil {
			f.Close()
		}
	}
	if t.dir != "" {
		err = unix.Rmdir(t.dir)
	}
	if t.mount != nil {
		t.mount.Close()
	}
	return err
}

func now() time.Duration {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return time.Duration(ts.Nano())
}
