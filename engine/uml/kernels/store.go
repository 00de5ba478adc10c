// Package kernels builds Linux kernels that run as processes (User Mode Linux)
// and keeps them in the user's cache folder:
//
//	tcpdrill/kernels/NAME/linux       the program
//	tcpdrill/kernels/NAME/kernel.json what is known of it
//	tcpdrill/run/KIND-*/              scratch folders of builds and guests
package kernels

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A Kernel is one that was built.
type Kernel struct {
	Name    string    `json:"-"`       // of its folder: "6.12"
	Version string    `json:"version"` // "6.12.9"
	HZ      int       `json:"hz"`      // of its timer
	Virtual bool      `json:"virtual"` // its time can be
	Size    int64     `json:"-"`       // of the program, bytes
	Built   time.Time `json:"built"`
}

const (
	programName = "linux"
	infoName    = "kernel.json"
)

// Dir returns the folder where everything of ours is kept.
func Dir() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder for caches: %w", err)
	}
	return filepath.Join(dir, "tcpdrill"), nil
}

func kernelsDir() (string, error) {
	dir, err := Dir()
	return filepath.Join(dir, "kernels"), err
}

// List returns the kernels that were built, by name.
func List() ([]Kernel, error) {
	dir, err := kernelsDir()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Kernel
	for _, e := range entries {
		if k, err := read(dir, e.Name()); err == nil {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b Kernel) int { return compareNames(a.Name, b.Name) })
	return out, nil
}

// compareNames puts 6.9 before 6.12.
func compareNames(a, b string) int {
	for a != "" && b != "" {
		x, xs := number(a)
		y, ys := number(b)
		if xs != "" && ys != "" && (len(x) != len(a) || len(y) != len(b)) {
			if len(xs) != len(ys) {
				return len(xs) - len(ys)
			}
			if c := strings.Compare(xs, ys); c != 0 {
				return c
			}
			a, b = x, y
			continue
		}
		if a[0] != b[0] {
			return int(a[0]) - int(b[0])
		}
		a, b = a[1:], b[1:]
	}
	return len(a) - len(b)
}

// number cuts the digits off the front of s.
func number(s string) (rest, digits string) {
	rest = strings.TrimLeft(s, "0123456789")
	return rest, s[:len(s)-len(rest)]
}

func read(dir, name string) (Kernel, error) {
	k := Kernel{Name: name}
	info, err := os.Stat(filepath.Join(dir, name, programName))
	if err != nil {
		return k, err
	}
	k.Size = info.Size()
	b, err := os.ReadFile(filepath.Join(dir, name, infoName))
	if err != nil {
		return k, err
	}
	return k, json.Unmarshal(b, &k)
}

// Program returns the program of the kernel with a name. The error says which
// there are.
func Program(name string) (string, error) {
	dir, err := find(name)
	return filepath.Join(dir, programName), err
}

// find returns the folder of a kernel.
func find(name string) (string, error) {
	all, err := List()
	if err != nil {
		return "", err
	}
	var names []string
	for _, k := range all {
		if k.Name == name {
			dir, err := kernelsDir()
			return filepath.Join(dir, name), err
		}
		names = append(names, k.Name)
	}
	if len(names) == 0 {
		return "", fmt.Errorf("no kernel has been built: `tcpdrill kernel build SOURCE` builds %s from a kernel tree or tarball", name)
	}
	return "", fmt.Errorf("no kernel %s has been built; there is %s", name, strings.Join(names, ", "))
}

// Remove removes a kernel.
func Remove(name string) error {
	dir, err := find(name)
	if err != nil {
		return err
	}
	// Without it, what is left is no kernel.
	if err := os.Remove(filepath.Join(dir, infoName)); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// install makes a kernel of the program in a finished folder. If there is one of
// that name its files are replaced: whatever happens, there is one.
func install(folder string, k Kernel) error {
	b, err := json.MarshalIndent(k, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, infoName), append(b, '\n'), 0o644); err != nil {
		return err
	}
	dir, err := kernelsDir()
	if err != nil {
		return err
	}
	target := filepath.Join(dir, k.Name)
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	for _, name := range []string{programName, infoName} {
		if err := os.Rename(filepath.Join(folder, name), filepath.Join(target, name)); err != nil {
			return err
		}
	}
	return nil
}
