//go:build amd64

package linux

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestValuesAreThoseOfUnix(t *testing.T) {
	for name, want := range unixValues {
		if got, ok := Value(name); !ok || got != want {
			t.Errorf("Value(%q) = %d, %v; x/sys/unix has %d", name, got, ok, want)
		}
	}
}

func TestErrnosAreThoseOfUnix(t *testing.T) {
	for n := 1; n < 200; n++ {
		want := unix.ErrnoName(syscall.Errno(n))
		if want == "" {
			continue
		}
		if got := ErrnoName(n); got != want {
			t.Errorf("ErrnoName(%d) = %q, want %q", n, got, want)
		}
		if got, ok := Errno(want); !ok || got != n {
			t.Errorf("Errno(%q) = %d, %v, want %d", want, got, ok, n)
		}
	}
}
