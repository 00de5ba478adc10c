package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tcpdrill/engine"
	"tcpdrill/engine/crosscheck"
	"tcpdrill/engine/uml/kernels"
)

// A crosscheckCache keeps what a kernel did with the scripts made up on it: a
// kernel does the same each time, and takes a hundred times as long as gostack.
type crosscheckCache struct{ dir string }

// newCrosscheckCache returns the cache of a stack, nil if there is to be none:
// only a kernel in virtual time stays the same.
func newCrosscheckCache(dir, stack string) (*crosscheckCache, error) {
	name, ok := strings.CutPrefix(stack, "uml:")
	if dir == "" || !ok {
		return nil, nil
	}
	program := name
	if !strings.Contains(name, "/") {
		var err error
		if program, err = kernels.Program(name); err != nil {
			return nil, err
		}
	}
	info, err := os.Stat(program)
	if err != nil {
		return nil, err
	}
	c := &crosscheckCache{filepath.Join(dir, fmt.Sprintf("%s-%d-%s-%s", filepath.Base(name), info.Size(),
		info.ModTime().UTC().Format("20060102T150405"), crosscheck.Generation()))}
	return c, os.MkdirAll(c.dir, 0o777)
}

func (c *crosscheckCache) path(id crosscheck.ID) string {
	return filepath.Join(c.dir, fmt.Sprintf("%d-%d.json.gz", id.Seed, id.Index))
}

// get returns a run, nil if it isn't there.
func (c *crosscheckCache) get(id crosscheck.ID) *engine.Outcome {
	if c == nil {
		return nil
	}
	f, err := os.Open(c.path(id))
	if err != nil {
		return nil
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil
	}
	o := new(engine.Outcome)
	if json.NewDecoder(z).Decode(o) != nil || o.Improvised == "" {
		return nil
	}
	return o
}

// put keeps a run. It is there as a whole or not at all.
func (c *crosscheckCache) put(id crosscheck.ID, o *engine.Outcome) error {
	if c == nil {
		return nil
	}
	f, err := os.CreateTemp(c.dir, "new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	z := gzip.NewWriter(f)
	err = json.NewEncoder(z).Encode(o)
	if e := z.Close(); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), c.path(id))
	}
	return err
}
