package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const tmp = "/tmp"

// mounts is a worker's view of the file system.
type mounts struct {
	realTmp int // an O_PATH descriptor
}

// privateMounts makes the worker's mounts its own: an empty /tmp, and /proc
// and /sys that show its namespaces. The latter two may be refused to a user
// namespace in a container that covers parts of them; then /proc/sys/net and
// /proc/self/net still show the worker's network, and only /sys/class/net and
// process ids are the host's.
func privateMounts() (*mounts, error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("making mounts private: %w", err)
	}
	const plain = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	unix.Mount("proc", "/proc", "proc", plain, "")
	unix.Mount("sysfs", "/sys", "sysfs", plain, "")

	dir, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	m := &mounts{}
	m.realTmp, err = unix.Open(tmp, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: tmp, Err: err}
	}
	if err := unix.Mount("tcpdrill", tmp, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777"); err != nil {
		return nil, fmt.Errorf("mounting a private %s: %w", tmp, err)
	}
	return m, m.keep(dir)
}

// keep makes a path that lies under the real /tmp visible in the private one:
// all of the real one's entry that leads to it, so that "../.." works.
func (m *mounts) keep(path string) error {
	path = filepath.Clean(path)
	if path == tmp {
		return m.keepAll()
	}
	rest, under := strings.CutPrefix(path, tmp+"/")
	if !under {
		return nil
	}
	entry, _, _ := strings.Cut(rest, "/")
	return m.keepEntry(entry)
}

// keepAll shows all that is in the real /tmp now. What is added there stays
// private. What can't be shown isn't the script's: others' mounts, say.
func (m *mounts) keepAll() error {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/self/fd/%d", m.realTmp))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() && !e.Type().IsRegular() {
			continue // others' sockets and the like
		}
		m.keepEntry(e.Name())
	}
	return nil
}

func (m *mounts) keepEntry(entry string) error {
	source := fmt.Sprintf("/proc/self/fd/%d/%s", m.realTmp, entry)
	target := filepath.Join(tmp, entry)
	info, err := os.Stat(source)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // whoever needs it will say so
	}
	if err != nil {
		return err
	}
	if info.IsDir() {
		err = os.Mkdir(target, 0o755)
	} else {
		var f *os.File
		if f, err = os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644); err == nil {
			err = f.Close()
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return nil // kept already
	}
	if err != nil {
		return err
	}
	if err := unix.Mount(source, target, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("showing %s in the private %s: %w", target, tmp, err)
	}
	return nil
}
