package kernels

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A Scratch is a folder in the cache that belongs to this process. If the
// process is killed, the next one that needs a scratch folder removes it.
type Scratch struct {
	Dir  string
	lock *os.File
}

// NewScratch makes a scratch folder.
func NewScratch(kind string) (*Scratch, error) {
	cache, err := Dir()
	if err != nil {
		return nil, err
	}
	run := filepath.Join(cache, "run")
	if err := os.MkdirAll(run, 0o700); err != nil {
		return nil, err
	}
	// One process at a time makes folders and looks for those that nobody has.
	all, err := lock(filepath.Join(run, ".lock"), unix.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer all.Close()
	prune(run)
	dir, err := os.MkdirTemp(run, kind+"-")
	if err != nil {
		return nil, err
	}
	own, err := lock(lockName(dir), unix.LOCK_EX|unix.LOCK_NB)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return &Scratch{Dir: dir, lock: own}, nil
}

func lockName(dir string) string { return filepath.Join(dir, "lock") }

// lock opens and locks a file, until it is closed.
func lock(name string, how int) (*os.File, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), how); err != nil {
		f.Close()
		return nil, &os.PathError{Op: "lock", Path: name, Err: err}
	}
	return f, nil
}

// prune removes the folders of processes that are gone.
func prune(run string) {
	entries, _ := os.ReadDir(run)
	for _, e := range entries {
		if dir := filepath.Join(run, e.Name()); e.IsDir() {
			if f, err := lock(lockName(dir), unix.LOCK_EX|unix.LOCK_NB); err == nil {
				os.RemoveAll(dir)
				f.Close()
			}
		}
	}
}

// Remove removes the folder.
func (s *Scratch) Remove() error {
	defer s.lock.Close()
	// What takes time first; the lock is what keeps others away.
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if name := filepath.Join(s.Dir, e.Name()); name != s.lock.Name() {
			err = errors.Join(err, os.RemoveAll(name))
		}
	}
	all, lockErr := lock(filepath.Join(filepath.Dir(s.Dir), ".lock"), unix.LOCK_EX)
	if lockErr != nil {
		return errors.Join(err, lockErr)
	}
	defer all.Close()
	return errors.Join(err, os.RemoveAll(s.Dir))
}
