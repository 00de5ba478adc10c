// Package proxy drills user-mode TCP proxies: programs that end a guest's TCP
// connections themselves and go on with sockets of the host, so that a virtual
// machine or a container has a network that takes no privilege.
//
// The harness is the guest. It speaks Ethernet to the program, and a script's calls are
// real ones on the host's side, in a network namespace where the script's local address
// is the host's and its remote address the guest's. What a script sees is what a guest
// sees: the segments that the proxy makes of what the host's sockets do.
package proxy

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tcpdrill/engine/kernel"
)

// A Kind is a program that can be drilled.
type Kind string

// The kinds.
const (
	Passt Kind = "passt"
	Slirp Kind = "slirp" // libslirp, which is QEMU's user network, in slirp4netns
)

// Kinds are all kinds, in the order in which they are listed.
var Kinds = []Kind{Passt, Slirp}

// program is what a kind's program is called, and where it comes from.
func (k Kind) program() (name, get string) {
	if k == Slirp {
		return "slirp4netns", "it is in Debian's, Ubuntu's and Fedora's package slirp4netns"
	}
	return "passt", "it is in Debian's, Ubuntu's and Fedora's package passt"
}

// parse takes a stack's name apart: "passt", or "passt:/path/to/binary".
func parse(name string) (kind Kind, path string, ok bool) {
	first, path, given := strings.Cut(name, ":")
	for _, k := range Kinds {
		if string(k) == first && (!given || path != "") {
			return k, path, true
		}
	}
	return "", "", false
}

// Is reports whether a stack's name is a proxy's.
func Is(name string) bool {
	_, _, ok := parse(name)
	return ok
}

// find returns the path of a kind's program, which may have been given. The error says
// what to install.
func find(kind Kind, given string) (string, error) {
	name, get := kind.program()
	if given != "" {
		path, err := exec.LookPath(given)
		if err == nil {
			path, err = filepath.Abs(path)
		}
		return path, err
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is not installed: %s", name, get)
	}
	return path, nil
}

// A Found is what is known of a kind's program.
type Found struct {
	Kind    Kind
	Version string
	Err     error // it can't be drilled here: why, and what to do about it
}

// Available looks for the programs of all kinds.
func Available() []Found {
	var all []Found
	for _, k := range Kinds {
		f := Found{Kind: k}
		path, err := find(k, "")
		if err == nil {
			f.Version = version(k, path)
			err = workers()
		}
		f.Err = err
		all = append(all, f)
	}
	return all
}

// workers says whether there can be the processes in which proxies run.
var workers = sync.OnceValue(func() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	w, err := kernel.StartBare(ctx)
	if err != nil {
		return err
	}
	defer w.Kill()
	return w.Ready()
})

// version asks a program which release it is.
func version(kind Kind, path string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	out, _ := exec.CommandContext(ctx, path, "--version").Output() // stderr has complaints
	if kind == Slirp {
		return slirpVersion(string(out))
	}
	line, _, _ := strings.Cut(string(out), "\n")
	number := strings.TrimSpace(strings.TrimPrefix(line, "passt"))
	if number == "" || number == "unknown version" {
		return "passt, which doesn't say its version" + packaged(ctx, path)
	}
	return "passt " + number
}

// packaged returns which package a program is of that doesn't know its version itself, ""
// where that isn't known either. Debian builds passt so.
func packaged(ctx context.Context, path string) string {
	owner, err := exec.CommandContext(ctx, "dpkg-query", "--search", path).Output()
	if err != nil {
		return ""
	}
	name, _, _ := strings.Cut(string(owner), ":")
	out, err := exec.CommandContext(ctx, "dpkg-query", "--show", "--showformat=${Version}", name).Output()
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (Debian's package %s)", out)
}

// slirpVersion reads slirp4netns's answer, whose lines are "slirp4netns version 1.2.0" and
// "libslirp: 4.7.0", among others.
func slirpVersion(text string) string {
	var parts []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if v, ok := strings.CutPrefix(line, "slirp4netns version "); ok {
			parts = append(parts, "slirp4netns "+v)
		}
		if v, ok := strings.CutPrefix(line, "libslirp: "); ok {
			parts = append(parts, "libslirp "+v)
		}
	}
	return strings.Join(parts, ", ")
}
