package kernels

import (
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// A Scratch is a folder in the cache that belongs to this process. If the
// process is killed, the next one that needs a scratch folder removes it.
type Scratch struct {
	Dir  string
	lock *os.File
}

// young is how long a folder may lack a lock: its owner is about to take it.
const young = time.Minute

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
	prune(run)
	dir, err := os.MkdirTemp(run, kind+"-")
	if err != nil {
		return nil, err
	}
	lock, err := os.Create(lockName(dir))
	if err == nil {
		err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return &Scratch{Dir: dir, lock: lock}, nil
}

func lockName(dir string) string { return filepath.Join(dir, "lock") }

// prune removes the folders of processes that are gone.
func prune(run string) {
	entries, _ := os.ReadDir(run)
	for _, e := range entries {
		dir := filepath.Join(run, e.Name())
		lock, err := os.Open(lockName(dir))
		if err != nil {
			if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > young {
				os.RemoveAll(dir)
			}
			continue
		}
		if unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			os.RemoveAll(dir)
		}
		lock.Close()
	}
}

// Remove removes the folder.
func (s *Scratch) Remove() error {
	err := os.RemoveAll(s.Dir)
	s.lock.Close()
	return err
}
