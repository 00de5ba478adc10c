package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/diff"

	"tcpdrill/engine/suite"
	"tcpdrill/script"
)

type fmtCommand struct {
	List  bool     `short:"l" help:"Print the names of the files whose layout differs."`
	Diff  bool     `short:"d" help:"Print differences instead of the result."`
	Write bool     `short:"w" help:"Write the result to the file instead of printing it."`
	Paths []string `arg:"" name:"path" help:"Scripts, or folders searched for *.pkt."`
}

// Run formats each script.
func (f *fmtCommand) Run(c *console) error {
	files, err := suite.Find(f.Paths)
	if err != nil {
		return err
	}
	bad := 0
	for _, name := range files {
		if err := f.file(c, name); err != nil {
			var e *script.Error
			if !errors.As(err, &e) {
				return err
			}
			bad++
		}
	}
	if bad > 0 {
		return exitStatus(exitError)
	}
	return nil
}

// file formats one script. Errors in the script itself are printed here.
func (f *fmtCommand) file(c *console, name string) error {
	src, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	out, err := script.Format(name, src)
	if err != nil {
		var list script.ErrorList
		if !errors.As(err, &list) || len(list) == 0 {
			return err
		}
		fmt.Fprint(c.stderr, list.Render(src))
		return list[0]
	}
	if !f.List && !f.Diff && !f.Write {
		_, err := c.stdout.Write(out)
		return err
	}
	if bytes.Equal(src, out) {
		return nil
	}
	if f.List {
		fmt.Fprintln(c.stdout, name)
	}
	if f.Diff {
		c.stdout.Write(diff.Diff(name+".orig", src, name, out))
	}
	if !f.Write {
		return nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	return replaceFile(name, out, info.Mode().Perm())
}

// replaceFile writes a file so that nothing is lost whatever happens: beside
// the old one first, then in its place.
func replaceFile(name string, data []byte, mode os.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), ".tcpdrill-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if e := tmp.Chmod(mode); err == nil {
		err = e
	}
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
