package drilltest_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tcpdrill/engine/drilltest"
	"tcpdrill/engine/kernel"
)

func needKernel(t *testing.T) {
	t.Helper()
	if err := kernel.Available(); err != nil {
		if os.Getenv("TCPDRILL_REQUIRE_KERNEL") != "" {
			t.Fatalf("the kernel can't be drilled: %v", err)
		}
		t.Skipf("the kernel can't be drilled: %v", err)
	}
}

// The kernel's stack, with what packetdrill's runners pass.
func TestKernel(t *testing.T) {
	drilltest.Run(t, "testdata/tcp", drilltest.Stack("kernel"), drilltest.Preset("kselftest"),
		drilltest.IPVersions("ipv4", "ipv4-mapped-ipv6"))
}

// Of several stacks each has its subtests.
func TestStacks(t *testing.T) {
	needKernel(t)
	out, failed := run(t, "kernel", "-test.v")
	if failed {
		t.Error("failed")
	}
	contains(t, out, "--- PASS: TestInner/nagle.pkt/ipv4/kernel", "--- PASS: TestInner/nodelay.pkt/ipv4/gostack")
}

// Where the kernel can't be drilled, it is skipped, or the built-in stack takes its place,
// which is said; both are failures if the kernel is required.
func TestNoKernel(t *testing.T) {
	// No namespaces are left to have, of those that a worker needs.
	unshare := []string{"--user", "--map-root-user", "/bin/sh", "-c", `echo 0 >/proc/sys/user/max_net_namespaces && exec "$0" "$@"`}
	if err := exec.Command("unshare", append(slices.Clone(unshare), "true")...).Run(); err != nil {
		t.Skipf("unshare: %v", err)
	}
	for _, tt := range []struct {
		name, require string
		failed        bool
		want          []string
	}{
		{"kernel", "", false, []string{"--- SKIP: TestInner/nagle.pkt/ipv4/kernel", "nothing can be drilled here: ", "--- PASS: TestInner/nagle.pkt/ipv4/gostack"}},
		{"auto", "", false, []string{"--- PASS: TestInner/nagle.pkt/ipv4", "gostack: the built-in stack, which is like Linux, since the kernel can't be drilled here: "}},
		{"kernel", "1", true, []string{"--- FAIL: TestInner/nagle.pkt/ipv4/kernel", "nagle.pkt: TCPDRILL_REQUIRE_KERNEL is set: ", "--- PASS: TestInner/nagle.pkt/ipv4/gostack"}},
		{"auto", "1", true, []string{"--- FAIL: TestInner/nagle.pkt/ipv4", "nagle.pkt: TCPDRILL_REQUIRE_KERNEL is set: "}},
	} {
		inner := command(t, tt.name, "-test.v")
		cmd := exec.Command("unshare", slices.Concat(unshare, inner.Args)...)
		cmd.Env = append(inner.Env, "TCPDRILL_REQUIRE_KERNEL="+tt.require)
		out, failed := outcome(cmd)
		if failed != tt.failed {
			t.Errorf("%s, required %q: failed: %v", tt.name, tt.require, failed)
		}
		contains(t, out, tt.want...)
	}
}

// -short skips what takes longer than the test says.
func TestShort(t *testing.T) {
	needKernel(t)
	out, failed := run(t, "endless", "-test.v", "-test.short")
	if failed {
		t.Error("failed")
	}
	contains(t, out, "--- SKIP: TestInner/endless.pkt/ipv4 (…)\n", "endless.pkt: takes 1m0s, too long for -short\n")
}

// A script that doesn't end before -timeout would end the process is said to.
func TestTimeout(t *testing.T) {
	needKernel(t)
	out, failed := run(t, "endless", "-test.timeout=4s")
	if !failed {
		t.Error("passed")
	}
	contains(t, out, "--- FAIL: TestInner/endless.pkt/ipv4 (…)\n", "endless.pkt: not run to its end: the tests' time (-timeout) is nearly over\n")
	if strings.Contains(out, "panic") {
		t.Error(out)
	}
}

// ^C leaves no process behind.
func TestInterrupt(t *testing.T) {
	needKernel(t)
	cmd := command(t, "endless")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "began: ") {
	}
	var workers []int
	for range 100 {
		if workers = children(cmd.Process.Pid); len(workers) >= 2 { // with the canary
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	cmd.Process.Signal(os.Interrupt)
	cmd.Wait()
	if len(workers) < 2 {
		t.Fatalf("processes: %v", workers)
	}
	for _, pid := range workers {
		for i := 0; unix.Kill(pid, 0) == nil && !dead(pid); i++ {
			if i == 300 {
				t.Fatalf("process %d is still there", pid)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// children lists the processes that a process has started.
func children(pid int) (pids []int) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, f := range files {
		b, _ := os.ReadFile(f)
		for _, field := range strings.Fields(string(b)) {
			if n, err := strconv.Atoi(field); err == nil {
				pids = append(pids, n)
			}
		}
	}
	return pids
}

// dead reports whether a process has ended, but nobody has asked for its status.
func dead(pid int) bool {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, state, _ := bytes.Cut(b, []byte(") "))
	return bytes.HasPrefix(state, []byte("Z"))
}
