package kernel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
)

// Exec implements engine.Executor. Namespaces are the whole process's, so that
// it doesn't matter which thread starts the program.
func (h *host) Exec(ctx context.Context, c *engine.ExecCommand) (int, error) {
	path, err := lookPath(c)
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.Args = c.Args
	cmd.Env = c.Env
	cmd.Dir = c.Dir
	cmd.Stdin = c.Stdin

	// Output goes through files in memory: a pipe would have to be read to its
	// end, which doesn't come before a process in the background closes it.
	stdout := &output{w: c.Stdout}
	stderr := stdout
	if c.Stderr != c.Stdout {
		stderr = &output{w: c.Stderr}
	}
	for _, o := range []*output{stdout, stderr} {
		if err := o.open(); err != nil {
			return 0, err
		}
		defer o.close()
	}
	cmd.Stdout, cmd.Stderr = stdout.f, stderr.f

	if err = withNormalChildren(h.before, cmd.Start); err == nil {
		err = cmd.Wait()
	}
	copyErr := stdout.copy()
	if stderr != stdout {
		copyErr = errors.Join(copyErr, stderr.copy())
	}
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		status := exit.Sys().(syscall.WaitStatus)
		if status.Signaled() {
			return 128 + int(status.Signal()), copyErr
		}
		return status.ExitStatus(), copyErr
	}
	return 0, errors.Join(err, copyErr)
}

// defaultPath is where programs are looked for when there is no $PATH.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// lookPath finds the program in the $PATH that it will see.
func lookPath(c *engine.ExecCommand) (string, error) {
	name := c.Args[0]
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(c.Dir, name)
		}
		return name, executable(name)
	}
	path := defaultPath
	for _, nv := range c.Env {
		if v, ok := strings.CutPrefix(nv, "PATH="); ok {
			path = v
		}
	}
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(c.Dir, dir)
		}
		if file := filepath.Join(dir, name); executable(file) == nil {
			return file, nil
		}
	}
	return "", &os.PathError{Op: "exec", Path: name, Err: fs.ErrNotExist}
}

func executable(name string) error {
	var st unix.Stat_t
	err := unix.Stat(name, &st)
	if err == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR {
		err = unix.EACCES
	}
	if err == nil {
		err = unix.Access(name, unix.X_OK)
	}
	if err != nil {
		return &os.PathError{Op: "exec", Path: name, Err: err}
	}
	return nil
}

// An output is where a program writes: w itself if that is a file, else a file
// in memory, which is then copied to w.
type output struct {
	w      io.Writer
	f      *os.File
	memory bool
}

func (o *output) open() error {
	if o.f != nil {
		return nil
	}
	if f, ok := o.w.(*os.File); ok {
		o.f = f
		return nil
	}
	fd, err := unix.MemfdCreate("output", unix.MFD_CLOEXEC)
	if err != nil {
		return fmt.Errorf("a file for a command's output: %w", err)
	}
	o.f, o.memory = os.NewFile(uintptr(fd), "output"), true
	return nil
}

// copy copies what there is.
func (o *output) copy() error {
	if !o.memory || o.w == nil {
		return nil
	}
	// By position: one that still writes shares the file's offset.
	_, err := io.Copy(o.w, io.NewSectionReader(o.f, 0, math.MaxInt64))
	return err
}

func (o *output) close() {
	if o.memory {
		o.f.Close()
	}
}
