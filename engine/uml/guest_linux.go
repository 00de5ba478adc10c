package uml

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"tcpdrill/engine/frame"
	"tcpdrill/engine/kernel"
	"tcpdrill/engine/kernel/kernelstack"
)

// Main runs a worker if this process is one, a guest if it is its init, or a
// reaper, and then doesn't return. Call it first thing in main, and in TestMain.
func Main() {
	if os.Getenv(reaperEnv) != "" {
		reap(os.Stdin)
		os.Exit(0)
	}
	kernelstack.Main()
	folder := os.Getenv(guestEnv)
	if os.Getpid() != 1 || folder == "" {
		return
	}
	os.Unsetenv(guestEnv) // workers, too, are the first of their namespace
	err := serve(folder)
	// The kernel dies with its init, and says so on the console.
	fmt.Fprintf(os.Stderr, "tcpdrill: %v\n", err)
	os.Exit(1)
}

// serve does one task after the other, for ever.
func serve(folder string) error {
	if err := guestMounts(); err != nil {
		return err
	}
	frames, err := openLine(framesLine)
	if err != nil {
		return err
	}
	gate, err := openLine(gateLine)
	if err != nil {
		return err
	}
	if _, err := openLine(progressLine); err != nil { // which workers use
		return err
	}
	h := hello{Release: release(), Virtual: kernel.TimeIsVirtual()}
	h.Err = errorText(loadTun(h.Release))
	b, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := frames.send(frameHello, b); err != nil {
		return err
	}
	for n := 1; ; n++ {
		// Until the host opens the gate, time stands still.
		if _, err := gate.Write(make([]byte, gateSize)); err != nil {
			return err
		}
		var t task
		b, err := os.ReadFile(taskName(folder, n))
		if err == nil {
			err = json.Unmarshal(b, &t)
		}
		if err != nil {
			return err
		}
		t.inherit()
		err = work(t.Job, func(msg []byte) { _ = frames.send(frameMessage, msg) })
		if err := frames.send(frameDone, []byte(errorText(err))); err != nil {
			return err
		}
	}
}

// work runs a job in a worker and waits until the worker is gone: what it does
// as it goes mustn't fall into the next script.
func work(job kernel.Job, onMessage func([]byte)) error {
	w, err := kernel.Start(context.Background())
	if err != nil {
		return err
	}
	err = w.Run(job, onMessage)
	if err != nil {
		w.Kill()
	}
	w.Wait()
	waitForOrphans()
	return err
}

// waitForOrphans waits for the children that init inherits.
func waitForOrphans() {
	for {
		if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); pid <= 0 && err != unix.EINTR {
			return
		}
	}
}

// inherit makes this process's environment that which workers are to have.
func (t *task) inherit() {
	os.Clearenv()
	for _, kv := range t.Env {
		name, value, _ := strings.Cut(kv, "=")
		os.Setenv(name, value)
	}
	os.Setenv(kernelstack.ProgressEnv, progressLine)
	if os.Chdir(t.Dir) != nil {
		os.Chdir("/") // a folder that only shows on the host: /proc/self
	}
}

// guestMounts makes a system of the host's root: a /proc, /sys and /dev of the
// guest's. The root stays read-only, and so does the host's /tmp, over which
// each worker mounts one of its own.
func guestMounts() error {
	shm, shmErr := unix.Open("/dev/shm", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	for _, m := range []struct{ fstype, target string }{
		{"proc", "/proc"},
		{"sysfs", "/sys"},
		{"devtmpfs", "/dev"},
	} {
		if err := unix.Mount(m.fstype, m.target, m.fstype, 0, ""); err != nil && err != unix.EBUSY {
			return fmt.Errorf("mounting %s: %w", m.target, err)
		}
	}
	// What a kernel or the host's root lacks, scripts can do without.
	unix.Mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, "")
	if shmErr == nil {
		// Scripts may lie there.
		os.Mkdir("/dev/shm", 0o1777)
		unix.Mount(fmt.Sprintf("/proc/self/fd/%d", shm), "/dev/shm", "", unix.MS_BIND|unix.MS_REC, "")
		unix.Close(shm)
	}
	// Else every namespace gets a device of each kind of tunnel.
	os.WriteFile("/proc/sys/net/core/fb_tunnels_only_for_init_net", []byte("1"), 0)
	os.Mkdir("/dev/pts", 0o755)
	unix.Mount("devpts", "/dev/pts", "devpts", 0, "")
	os.Symlink("/proc/self/fd", "/dev/fd")
	os.Symlink("/proc/self/fd/0", "/dev/stdin")
	os.Symlink("/proc/self/fd/1", "/dev/stdout")
	os.Symlink("/proc/self/fd/2", "/dev/stderr")
	return nil
}

// Where the modules of a kernel are that wasn't built by us: where modprobe looks
// for them, and where Debian's user-mode-linux has them.
const (
	modulesDir    = "/lib/modules"
	umlModulesDir = "/usr/lib/uml/modules"
)

// loadTun loads the tun driver where it is a module, and shows modprobe the
// others, which the kernel loads as it needs them.
func loadTun(release string) error {
	if _, err := os.Stat("/sys/class/misc/tun"); err == nil {
		return nil
	}
	dirs := []string{filepath.Join(umlModulesDir, release), filepath.Join(modulesDir, release)}
	// In place of the host's, which aren't for this kernel. Where there is no
	// such folder, modprobe is no use.
	if _, err := os.Stat(dirs[0]); err == nil && unix.Mount("modules", modulesDir, "tmpfs", 0, "mode=755") == nil {
		if os.Mkdir(dirs[1], 0o755) == nil {
			unix.Mount(dirs[0], dirs[1], "", unix.MS_BIND, "")
		}
	}
	for _, dir := range dirs {
		name := filepath.Join(dir, "kernel/drivers/net/tun.ko")
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		defer f.Close()
		if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil {
			return fmt.Errorf("loading %s: %w", name, err)
		}
		return nil
	}
	return fmt.Errorf("this kernel has no tun driver, and there is no module of it in %s", strings.Join(dirs, " or "))
}

// release returns the kernel's version.
func release() string {
	var u unix.Utsname
	unix.Uname(&u)
	return unix.ByteSliceToString(u.Release[:])
}

// A line is a serial line, raw. Writing is a plain system call, which Go's
// poller has no part in. Nothing is read: with time travel, a line whose reader
// is behind once stops for good (line_throttle frees the interrupt).
type line int

func openLine(name string) (line, error) {
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, &os.PathError{Op: "open", Path: name, Err: err}
	}
	t, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err == nil {
		t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
		t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
		err = unix.IoctlSetTermios(fd, unix.TCSETS, t)
	}
	if err != nil {
		return 0, &os.PathError{Op: "making raw", Path: name, Err: err}
	}
	return line(fd), nil
}

// Write implements io.Writer.
func (l line) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		n, err := unix.Write(int(l), b[done:])
		if err != nil && err != unix.EINTR {
			return done, os.NewSyscallError("write", err)
		}
		done += max(n, 0)
	}
	return done, nil
}

func (l line) send(kind frame.Kind, payload []byte) error {
	_, err := l.Write(frame.Append(nil, kind, payload))
	return err
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
