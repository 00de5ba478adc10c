package spawn

import (
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// output starts a shell and returns what it printed.
func output(t *testing.T, start func(name string, argv []string, attr *os.ProcAttr) (*os.Process, error), script string) string {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p, err := start(sh, []string{"sh", "-c", script}, &os.ProcAttr{Files: []*os.File{nil, w, os.Stderr}, Sys: &syscall.SysProcAttr{}})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	p.Wait()
	return strings.TrimSpace(string(b))
}

// A process may run on one processor only; this one still on all.
func TestStartOn(t *testing.T) {
	var before, after unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	const list = "grep Cpus_allowed_list: /proc/self/status | cut -f2"
	seen := map[string]bool{}
	for n := range before.Count() {
		cpus := output(t, func(name string, argv []string, attr *os.ProcAttr) (*os.Process, error) {
			return StartOn(n, name, argv, attr)
		}, list)
		if seen[cpus] || strings.ContainsAny(cpus, ",-") {
			t.Errorf("number %d runs on %s, after %v", n, cpus, seen)
		}
		seen[cpus] = true
	}
	var all string
	if all = output(t, Start, list); before.Count() > 1 && !strings.ContainsAny(all, ",-") {
		t.Errorf("others run on %s", all)
	}
	if err := unix.SchedGetaffinity(0, &after); err != nil || after != before {
		t.Errorf("this process may run on %v, %v; before: %v", after, err, before)
	}
}

// A process has a group of its own, so that ^C doesn't reach it.
func TestGroup(t *testing.T) {
	group := output(t, Start, "cut -d' ' -f5 /proc/$$/stat; echo $$")
	pgid, pid, _ := strings.Cut(group, "\n")
	if pgid != pid {
		t.Errorf("process %s is in group %s", pid, pgid)
	}
}
