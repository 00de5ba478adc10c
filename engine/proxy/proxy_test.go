package proxy

import (
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	for name, want := range map[string]string{
		"passt": "passt ", "slirp": "slirp ", "passt:/opt/passt": "passt /opt/passt", "slirp:x:y": "slirp x:y",
		"passt:": "", "pasta": "", "": "", "slirp4netns": "",
	} {
		kind, path, ok := parse(name)
		if got := string(kind) + " " + path; ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v", name, got, ok)
		}
	}
}

// A program that isn't there is named with what to install.
func TestMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, k := range Kinds {
		program, _ := k.program()
		s, err := Open(string(k))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Ready(t.Context()); err == nil || !strings.HasPrefix(err.Error(), program+" is not installed: ") || !strings.HasSuffix(err.Error(), "package "+program) {
			t.Errorf("%s: %v", k, err)
		}
		if s.Version() != "" {
			t.Errorf("%s has a version: %s", k, s.Version())
		}
	}
	for _, f := range Available() {
		if f.Err == nil {
			t.Errorf("%s is available", f.Kind)
		}
	}
	s, _ := Open("passt:/nonexistent")
	if err := s.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "/nonexistent") {
		t.Error(err)
	}
}

func TestSlirpVersion(t *testing.T) {
	const text = "slirp4netns version 1.2.0\ncommit: 656041d45cfca7a4176f6b7eed9e4fe6c11e8383\nlibslirp: 4.7.0\nlibseccomp: 2.5.4\n"
	if got, want := slirpVersion(text), "slirp4netns 1.2.0, libslirp 4.7.0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
