package kernels

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// cache makes an empty cache folder for a test.
func cache(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", dir) // Unix
	t.Setenv("HOME", dir)           // macOS
	t.Setenv("LocalAppData", dir)   // Windows
	cache, err := Dir()
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

// add installs a kernel that isn't one.
func add(t *testing.T, name, version string) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "finished")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, programName), []byte("x"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := install(folder, Kernel{Name: name, Version: version, HZ: 1000, Virtual: true, Built: time.Now()}); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T) []string {
	t.Helper()
	all, err := List()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, k := range all {
		out = append(out, k.Name+" "+k.Version)
	}
	return out
}

func TestStore(t *testing.T) {
	dir := cache(t)
	if got := names(t); got != nil {
		t.Errorf("in an empty cache: %q", got)
	}
	if _, err := Program("6.12"); err == nil || !strings.Contains(err.Error(), "tcpdrill kernel build") {
		t.Errorf("where there is none: %v", err)
	}
	for _, v := range []string{"6.12.9", "6.9.1", "6.12-hz100.0", "7.3.0"} {
		add(t, v[:strings.LastIndex(v, ".")], v)
	}
	add(t, "6.12", "6.12.10") // takes the other's place
	// What is half there, as by hand, is none.
	if err := os.MkdirAll(filepath.Join(dir, "kernels", "half"), 0o755); err != nil {
		t.Fatal(err)
	}
	want := []string{"6.9 6.9.1", "6.12 6.12.10", "6.12-hz100 6.12-hz100.0", "7.3 7.3.0"}
	if got := names(t); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	program, err := Program("6.12")
	if err != nil || program != filepath.Join(dir, "kernels", "6.12", "linux") {
		t.Errorf("%s, %v", program, err)
	}
	if _, err := Program("6.1"); err == nil || err.Error() != "no kernel 6.1 has been built; there is 6.9, 6.12, 6.12-hz100, 7.3" {
		t.Errorf("one that isn't there: %v", err)
	}
	if err := Remove("6.12"); err != nil {
		t.Error(err)
	}
	if err := Remove("6.12"); err == nil {
		t.Error("removed twice")
	}
	if got := names(t); len(got) != 3 {
		t.Errorf("after one was removed: %q", got)
	}
}
