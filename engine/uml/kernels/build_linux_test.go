package kernels

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// tree makes a folder with some of a kernel tree's files.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const makefile = "# SPDX\nVERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 9\nEXTRAVERSION = -rc1\nNAME = Baby Opossum Posse\n"

func TestVersionOf(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string // or the error's beginning
	}{
		{"a tree", map[string]string{"Makefile": makefile, "arch/um/Kconfig": ""}, "6.12.9-rc1"},
		{"no tree", map[string]string{"README": ""}, "not the source of a Linux kernel"},
		{"another's tree", map[string]string{"Makefile": "all:\n", "arch/um/Kconfig": ""}, "its Makefile gives no version"},
		{"built in place", map[string]string{"Makefile": makefile, "arch/um/Kconfig": "", ".config": ""}, "this tree was configured in place"},
	} {
		k, err := versionOf(tree(t, tt.files))
		got := k.Version
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestBadBuilds(t *testing.T) {
	cache(t)
	for _, tt := range []struct {
		build Build
		want  string
	}{
		{Build{Source: "no-such-tree"}, "stat no-such-tree: no such file or directory"},
		{Build{Source: ".", HZ: 24}, "HZ 24: want 100 to 1000"},
		{Build{Source: ".", Name: "../x"}, `name "../x": want one word, without slashes`},
	} {
		if _, err := tt.build.Run(context.Background()); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
	t.Setenv("PATH", t.TempDir())
	_, err := Build{Source: "."}.Run(context.Background())
	const want = "building a kernel needs make, gcc, ld, strip, flex, bison, bc, perl: on Debian, `apt-get install make gcc"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A build that fails, and one that is interrupted, leave nothing.
func TestFailedBuilds(t *testing.T) {
	for _, tool := range tools {
		if _, err := exec.LookPath(tool.program); err != nil {
			t.Skip(err)
		}
	}
	dir := cache(t)
	files := map[string]string{"Makefile": makefile + "allnoconfig:\n\t@echo 'no such luck'; exit 1\n", "arch/um/Kconfig": "", "Kconfig": "#\nmainmenu \"x\"\n"}
	_, err := Build{Source: tree(t, files)}.Run(context.Background())
	if err == nil || !strings.HasPrefix(err.Error(), "make allnoconfig: exit status 2\n") || !strings.Contains(err.Error(), "no such luck") {
		t.Errorf("got %v", err)
	}
	files["Makefile"] = makefile + "allnoconfig:\n\t@sleep 1000 & sleep 1000\n"
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := (Build{Source: tree(t, files)}).Run(ctx); err != context.DeadlineExceeded {
		t.Errorf("got %v, want the context's error", err)
	}
	if time.Since(began) > 100*time.Second {
		t.Errorf("it took %v", time.Since(began))
	}
	if left := folders(t, filepath.Join(dir, "run")); left != nil {
		t.Errorf("left: %v", left)
	}
	if got := names(t); got != nil {
		t.Errorf("kernels: %q", got)
	}
}

// Folders of processes that are gone are removed, others not.
func TestScratch(t *testing.T) {
	dir := cache(t)
	mine, err := NewScratch("test")
	if err != nil {
		t.Fatal(err)
	}
	run := filepath.Join(dir, "run")
	killed := filepath.Join(run, "killed")
	if err := os.Mkdir(killed, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(lockName(killed), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := NewScratch("test")
	if err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string]bool{mine.Dir: true, other.Dir: true, killed: false} {
		if _, err := os.Stat(folder); (err == nil) != want {
			t.Errorf("%s is there: %v", folder, !want)
		}
	}
	for _, s := range []*Scratch{mine, other} {
		if err := s.Remove(); err != nil {
			t.Error(err)
		}
	}
	if left := folders(t, run); left != nil {
		t.Errorf("left: %v", left)
	}
}

// Folders that are made at the same time don't get into each other's way.
func TestScratchAtOnce(t *testing.T) {
	dir := cache(t)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			for range 10 {
				s, err := NewScratch("test")
				if err != nil {
					t.Error(err)
					return
				}
				if err := os.WriteFile(filepath.Join(s.Dir, "file"), nil, 0o600); err != nil {
					t.Error(err)
				}
				if err := s.Remove(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if left := folders(t, filepath.Join(dir, "run")); left != nil {
		t.Errorf("left: %v", left)
	}
}

// folders lists the folders of a folder.
func folders(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Error(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out
}
