package tracefs

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// A tracer leaves nothing behind, and takes away what another has left that was killed,
// but not what somebody uses.
func TestCleansUp(t *testing.T) {
	first, err := Start("tun0")
	if err != nil {
		t.Skip(err)
	}
	mounted := fmt.Sprintf("/proc/self/fd/%d/instances", first.mount.Fd())
	instances := func() (names []string) {
		all, _ := filepath.Glob(mounted + "/" + instancePrefix + "*")
		for _, path := range all {
			names = append(names, filepath.Base(path))
		}
		return names
	}
	own := filepath.Base(first.dir)
	left := fmt.Sprintf("%s/%sleft-%d", mounted, instancePrefix, os.Getpid())
	if err := os.Mkdir(left, 0o700); err != nil {
		t.Fatal(err)
	}
	second, err := Start("tun0")
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	seen := false
	for _, name := range instances() {
		seen = seen || name == own
		if name == filepath.Base(left) || name == filepath.Base(second.dir) {
			t.Errorf("%s is still there", name)
		}
	}
	if !seen {
		t.Error("what was in use is gone")
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
}
