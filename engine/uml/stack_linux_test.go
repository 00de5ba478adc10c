package uml

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/report"
	"tcpdrill/engine/uml/kernels"
)

// runAndWait has the test's binary run a script for ever, to be killed.
const runAndWait = "TCPDRILL_TEST_RUN"

func TestMain(m *testing.M) {
	Main()
	if name := os.Getenv(runAndWait); name != "" {
		s, err := Open(name)
		if err == nil {
			_, err = s.Run(context.Background(), drill.NewJob("test.pkt", []byte("0 `env sh -c 'while :; do :; done'`\n"), nil))
		}
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// kernelName returns a kernel to test with: what $TCPDRILL_UML names, or one that
// was built.
func kernelName(t testing.TB) string {
	t.Helper()
	if name := os.Getenv("TCPDRILL_UML"); name != "" {
		return name
	}
	all, err := kernels.List()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Skip("no kernel has been built: tcpdrill kernel build SOURCE; or set $TCPDRILL_UML")
	}
	return all[0].Name
}

func open(t testing.TB) *Stack {
	t.Helper()
	s, err := Open(kernelName(t))
	if err == nil {
		err = s.Ready(context.Background())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func run(t testing.TB, s *Stack, script string, settings ...engine.Setting) *engine.Outcome {
	t.Helper()
	o, err := s.Run(context.Background(), drill.NewJob("test.pkt", []byte(script), settings))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func timeline(o *engine.Outcome) string {
	var b strings.Builder
	report.Timeline(&b, o, true)
	return b.String()
}

const handshake = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <...>
+.01 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
`

func TestVerdicts(t *testing.T) {
	s := open(t)
	if !s.Virtual() || s.Note() != "" {
		t.Errorf("its time is virtual: %v; %s", s.Virtual(), s.Note())
	}
	for _, tt := range []struct {
		script  string
		verdict engine.Verdict
		line    int
	}{
		{handshake, engine.Pass, 0},
		{handshake + "+0 close(4) = -1 EBADF (Bad file descriptor)\n", engine.Fail, 8},
		{handshake + "+60 write(4, ..., 10) = 10\n+0 > P. 1:11(10) ack 1\n+.21 > P. 1:11(10) ack 1\n", engine.Pass, 0},
		{"0 `no-such-program`\n", engine.Unsupported, 1},
		{"0 sokcet(..., SOCK_STREAM, IPPROTO_TCP) = 3\n", engine.Error, 1},
		{"0 `/bin/true`\n", engine.Pass, 0},
		{"0 `echo $PPID > /tmp/x`\n", engine.Pass, 0},
		{"0 `test ! -e /tmp/x`\n", engine.Pass, 0},
		{"0 `touch /root-is-read-only`\n", engine.Fail, 1},
		{"0 `test -d /proc/self && test -d /sys/class/net/tun0`\n", engine.Pass, 0},
	} {
		o := run(t, s, tt.script)
		line := 0
		if len(o.Failures) > 0 {
			line = o.Failures[0].Line
		}
		if o.Verdict != tt.verdict || line != tt.line {
			t.Errorf("%s at line %d, want %s at %d: %+v\n%s", o.Verdict, line, tt.verdict, tt.line, o.Failures, tt.script)
		}
	}
}

// The same script does the same to a tenth of a millisecond, whatever ran
// before it and whenever the guest was booted; tolerances can be 0.
func TestRepeats(t *testing.T) {
	const script = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000,nop,nop,sackOK>
+0 > S. 0:0(0) ack 1 <...>
+.01 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4
+.1 write(4, ..., 3000) = 3000
+0 > P. 1:3001(3000) ack 1
+.02 < . 1:1(0) ack 1001 win 32792
+.01~+.1 > P. 2001:3001(1000) ack 1
+.2~+1 > . 1001:2001(1000) ack 1
+.4~+2 > . 1001:2001(1000) ack 1
`
	var first string
	for range 2 {
		s := open(t)
		for i := range 4 {
			o := run(t, s, script, engine.Setting{Name: "tolerance_usecs", Value: "0", HasValue: true},
				engine.Setting{Name: "tolerance_percent", Value: "0", HasValue: true})
			if o.Verdict != engine.Pass {
				t.Fatal(o.Failures, timeline(o))
			}
			got := timeline(o)
			if first == "" {
				first = got
			}
			if got != first {
				t.Errorf("once\n%s\nand then\n%s", first, got)
			}
			if i == 1 {
				run(t, s, handshake+"+1.23456 `sleep 0.3`\n")
			}
		}
		s.Close()
	}
}

// What waits for ever is ended by its timeout, at its line.
func TestTimeout(t *testing.T) {
	s := open(t)
	timeout := engine.Setting{Name: "timeout", Value: "100s", HasValue: true}
	for _, tt := range []struct{ script, summary string }{
		{handshake + "* > . 1:1(0) ack 1\n", "nothing was sent: expected a packet at any time and waited until 100.0000 (--timeout)"},
		{handshake + "+0 read(4, ..., 10) = 10\n", "read hasn't returned after 1m40s (--timeout)"},
		{handshake + "+0 `sleep 1000`\n", "command `sleep 1000` hasn't ended after 1m40s (--timeout)"},
	} {
		began := time.Now()
		o := run(t, s, tt.script, timeout)
		f := o.Failures[0]
		if f.Line != 8 || f.Summary != tt.summary {
			t.Errorf("%s, line %d: %s; want %s", o.Verdict, f.Line, f.Summary, tt.summary)
		}
		if spent := time.Since(began); spent > 50*time.Second {
			t.Errorf("it took %v of the 100 s", spent)
		}
	}
}

// A guest that dies, hangs or runs out of memory is reported, and the next
// script has a guest.
func TestGuestTrouble(t *testing.T) {
	defer func(d time.Duration) { hangAfter = d }(hangAfter)
	hangAfter = 3 * time.Second
	s := open(t)
	for _, tt := range []struct{ name, command, summary, note string }{
		{"panic", "env sh -c 'echo c > /proc/sysrq-trigger'", "the guest's kernel died: Kernel panic - not syncing: sysrq triggered crash", "sysrq: Trigger a crash"},
		{"a loop", "env sh -c 'while :; do :; done'", "the guest hangs: nothing has happened for 3s", "hasn't ended"},
	} {
		o := run(t, s, handshake+"+0 `"+tt.command+"`\n")
		f := o.Failures[0]
		if o.Verdict != engine.Inconclusive || f.Line != 8 || f.Summary != tt.summary || !strings.Contains(strings.Join(f.Notes, "\n"), tt.note) {
			t.Errorf("%s: %s, line %d: %s %q", tt.name, o.Verdict, f.Line, f.Summary, f.Notes)
		}
		if o := run(t, s, handshake); o.Verdict != engine.Pass {
			t.Errorf("the script after %s: %s %+v", tt.name, o.Verdict, o.Failures)
		}
	}
}

func TestOutOfMemory(t *testing.T) {
	s := open(t)
	for _, command := range []string{
		"tail /dev/zero",      // a program
		"while :; do :; done", // ourselves, since a worker doesn't collect garbage
	} {
		o := run(t, s, handshake+"+0 `"+command+"`\n")
		if f := o.Failures[0]; o.Verdict != engine.Inconclusive || f.Summary != "the guest ran out of memory" || f.Line != 8 {
			t.Errorf("%s: %s, line %d: %s %q", command, o.Verdict, f.Line, f.Summary, f.Notes)
		}
		if s.guest != nil {
			t.Errorf("%s: the guest is used again", command)
		}
		if o := run(t, s, handshake); o.Verdict != engine.Pass {
			t.Errorf("the script after %s: %s %+v", command, o.Verdict, o.Failures)
		}
	}
}

// A guest that has died while it had nothing to do is no script's fault.
func TestIdleGuestDies(t *testing.T) {
	s := open(t)
	s.guest.kill()
	<-s.guest.gone
	if o := run(t, s, handshake); o.Verdict != engine.Pass {
		t.Errorf("%s %+v", o.Verdict, o.Failures)
	}
}

// A device that is down is no reason to spin.
func TestDeviceDown(t *testing.T) {
	s := open(t)
	o := run(t, s, handshake+"+0 `ip link set dev tun0 down`\n+1 `ip link set dev tun0 up`\n+1 close(4) = 0\n")
	if o.Verdict != engine.Pass || o.Duration < 2*time.Second {
		t.Errorf("%s after %v: %+v", o.Verdict, o.Duration, o.Failures)
	}
}

// The folder of a script can be read wherever it lies.
func TestFolders(t *testing.T) {
	s := open(t)
	for _, parent := range []string{"", "/dev/shm", "/var/tmp"} {
		dir, err := os.MkdirTemp(parent, "it's here ")
		if err != nil {
			continue
		}
		defer os.RemoveAll(dir)
		sub := filepath.Join(dir, "sub")
		if err := os.Mkdir(sub, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "set.sh"), []byte("#!/bin/sh\nsysctl -q net.ipv4.tcp_sack=0\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		script := "`../set.sh`\n0 `grep -q 0 /proc/sys/net/ipv4/tcp_sack`\n"
		o, err := s.Run(context.Background(), drill.NewJob(filepath.Join(sub, "test.pkt"), []byte(script), nil))
		if err != nil || o.Verdict != engine.Pass {
			t.Errorf("in %s: %v %+v", dir, err, o)
		}
	}
}

// A context that ends ends the run.
func TestCancel(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err := s.Run(ctx, drill.NewJob("test.pkt", []byte("0 `while :; do :; done`\n"), nil))
	if err != context.DeadlineExceeded {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
	if o := run(t, s, handshake); o.Verdict != engine.Pass {
		t.Errorf("the script after it: %s %+v", o.Verdict, o.Failures)
	}
}

func TestNoKernel(t *testing.T) {
	if _, err := Open("no-such-kernel"); err == nil {
		t.Error("there is a kernel with that name")
	}
	if _, err := Open("/no/such/kernel"); err == nil || !strings.Contains(err.Error(), "/no/such/kernel") {
		t.Errorf("%v", err)
	}
	s, err := Open("/bin/true")
	if err == nil {
		err = s.Ready(context.Background())
	}
	if err == nil || !strings.Contains(err.Error(), "/bin/true: the kernel ended before it could have jobs: exit status 0") {
		t.Errorf("a program that is no kernel: %v", err)
	}
}

// A reaper kills the groups that it was told of, but for those that are gone.
func TestReaper(t *testing.T) {
	start := func() *exec.Cmd {
		cmd := exec.Command("sleep", "100")
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		if err := cmd.Start(); err != nil {
			t.Skip(err)
		}
		return cmd
	}
	left, gone := start(), start()
	defer gone.Wait()
	defer gone.Process.Kill()
	reap(strings.NewReader(fmt.Sprintf("+%d\n+%d\nnonsense\n-%d\n", left.Process.Pid, gone.Process.Pid, gone.Process.Pid)))
	if err := left.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the group that was left: %v", err)
	}
	if err := gone.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the one that was said to be gone: %v", err)
	}
}

// However this process ends, it takes its guests along.
func TestParentKilled(t *testing.T) {
	name, err := programName(kernelName(t)) // the child has a cache of its own
	if err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), runAndWait+"="+name, "XDG_CACHE_HOME="+cache)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			t.Error(lines.Text())
		}
	}()
	// Its guest, by the folder on its command line, and the rest of the guest's
	// process group, which may have none.
	group := ""
	guests := func() (pids []string) {
		all, _ := filepath.Glob("/proc/[0-9]*/stat")
		for _, file := range all {
			pid := filepath.Base(filepath.Dir(file))
			b, err := os.ReadFile(file)
			_, rest, found := strings.Cut(string(b), ") ")
			fields := strings.Fields(rest) // state, parent, group …
			if err != nil || !found || len(fields) < 3 || fields[0] == "Z" {
				continue
			}
			cmdline, _ := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
			if group == "" && strings.Contains(string(cmdline), guestEnv+"="+`"`+cache) {
				group = fields[2]
			}
			if group != "" && fields[2] == group {
				pids = append(pids, pid)
			}
		}
		return pids
	}
	wait := func(what string, done func() bool) {
		t.Helper()
		for range 100 {
			if done() {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Errorf("after 10 s: %s: %v", what, guests())
	}
	wait("no guest", func() bool { return len(guests()) > 2 })
	cmd.Process.Signal(syscall.SIGKILL)
	cmd.Wait()
	wait("a guest is still there", func() bool { return len(guests()) == 0 })
	// What is left of it lies in the cache, and goes with the next guest.
	t.Setenv("XDG_CACHE_HOME", cache)
	s, err := kernels.NewScratch("test")
	if err != nil {
		t.Fatal(err)
	}
	s.Remove()
	if left, _ := filepath.Glob(filepath.Join(cache, "tcpdrill", "run", "*-*")); left != nil {
		t.Errorf("left: %v", left)
	}
}

// What a script takes of the machine's time in a guest that is there.
func BenchmarkScript(b *testing.B) {
	s := open(b)
	for b.Loop() {
		if o := run(b, s, handshake); o.Verdict != engine.Pass {
			b.Fatal(o.Failures)
		}
	}
}
