package kernel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tcpdrill/engine"
)

// jobs is what the tests' workers can do, by name. An argument follows it
// after a blank.
var jobs = map[string]func(t *Target, arg string, emit func([]byte)) error{}

func TestMain(m *testing.M) {
	Register(func(t *Target, job []byte, emit func([]byte)) error {
		name, arg, _ := strings.Cut(string(job), " ")
		return jobs[name](t, arg, emit)
	})
	Main()
	code := m.Run()
	WaitAll()
	os.Exit(code)
}

var available = sync.OnceValue(Available)

// needKernel skips a test where the kernel can't be drilled, unless the tests
// run where it must be.
func needKernel(t testing.TB) {
	t.Helper()
	err := available()
	switch {
	case err != nil && os.Getenv("TCPDRILL_REQUIRE_KERNEL") != "":
		t.Fatal(err)
	case err != nil:
		t.Skip(err)
	}
}

// run runs a job and returns what it emitted.
func run(t testing.TB, job string, paths ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	w, err := Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err = w.Run(Job{Payload: []byte(job), Paths: paths}, func(msg []byte) {
		out.Write(msg)
		out.WriteByte('\n')
	})
	return out.String(), err
}

// everywhere runs a test as it is and in a user namespace.
func everywhere(t *testing.T, f func(t *testing.T)) {
	needKernel(t)
	t.Run("as is", f)
	t.Run("user namespace", func(t *testing.T) {
		alwaysUserNamespace = true
		defer func() { alwaysUserNamespace = false }()
		if err := Available(); err != nil {
			t.Skip(err)
		}
		f(t)
	})
}

// net4 is the network that packetdrill sets up for the kernel's selftests.
func net4(capture engine.CaptureMode) engine.NetConfig {
	return engine.NetConfig{
		LocalIP:      netip.MustParseAddr("192.168.0.1"),
		LocalPrefix:  16,
		RemoteIP:     netip.MustParseAddr("192.0.2.1"),
		RemotePrefix: netip.MustParsePrefix("192.0.2.0/24"),
		GatewayIP:    netip.MustParseAddr("192.168.0.2"),
		Capture:      capture,
	}
}

// net6 is the same over IPv6.
var net6 = engine.NetConfig{
	LocalIP:      netip.MustParseAddr("fd3d:0a0b:17d6::1"),
	LocalPrefix:  48,
	RemoteIP:     netip.MustParseAddr("fd3d:fa7b:d17d::1"),
	RemotePrefix: netip.MustParsePrefix("fd3d:fa7b:d17d::/48"),
	GatewayIP:    netip.MustParseAddr("fd3d:0a0b:17d6:8888::1"),
	MTU:          1520,
}

func init() {
	jobs["environment"] = func(t *Target, arg string, emit func([]byte)) error {
		say := func(format string, args ...any) { emit(fmt.Appendf(nil, format, args...)) }
		say("pid %d", os.Getpid())
		for _, name := range []string{"GOGC", "GODEBUG", "GOMAXPROCS", workerEnv} {
			v, set := os.LookupEnv(name)
			say("%s %v %s", name, set, v)
		}
		tmp, err := os.ReadDir("/tmp")
		if err != nil {
			return err
		}
		for _, e := range tmp {
			say("tmp %s", e.Name())
		}
		if b, err := os.ReadFile(arg); err != nil {
			say("read: %v", err)
		} else {
			say("read %s", b)
		}
		if err := os.WriteFile("/tmp/tcpdrill-kernel-test", nil, 0o644); err != nil {
			return err
		}
		if err := os.WriteFile("/proc/sys/net/ipv4/tcp_retries2", []byte("3"), 0); err != nil {
			return err
		}
		out, err := exec.Command("/bin/sh", "-c", "echo sh $PPID").Output()
		say("%s", bytes.TrimSpace(out))
		return err
	}
	jobs["fail"] = func(t *Target, arg string, emit func([]byte)) error { return errors.New(arg) }
	jobs["panic"] = func(t *Target, arg string, emit func([]byte)) error { panic(arg) }
	jobs["sleep"] = func(t *Target, arg string, emit func([]byte)) error {
		cmd := exec.Command("/bin/sleep", "100") // a process that nobody waits for
		if err := cmd.Start(); err != nil {
			return err
		}
		emit([]byte("sleeping"))
		t.WaitUntil(engine.Forever)
		return nil
	}
	jobs["nothing"] = func(t *Target, arg string, emit func([]byte)) error { return nil }
	jobs["configure"] = func(t *Target, arg string, emit func([]byte)) error {
		return t.Configure(net4(engine.CaptureCopy))
	}
	jobs["flood"] = func(t *Target, arg string, emit func([]byte)) error {
		for i := range 1000 {
			emit(append(make([]byte, 10_000), byte(i)))
		}
		return nil
	}
}

// A worker has a /tmp, processes, sysctls of its own, and the parent's
// environment.
func TestEnvironment(t *testing.T) {
	everywhere(t, func(t *testing.T) {
		t.Setenv("GOGC", "50")
		dir, err := os.MkdirTemp("/tmp", "tcpdrill-kernel-test-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		file := filepath.Join(dir, "sub", "file")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("content"), 0o644); err != nil {
			t.Fatal(err)
		}
		retries, err := os.ReadFile("/proc/sys/net/ipv4/tcp_retries2")
		if err != nil {
			t.Fatal(err)
		}
		out, err := run(t, "environment "+file, filepath.Dir(file))
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			"pid 1", "GOGC true 50", "GODEBUG false ", "GOMAXPROCS false ", workerEnv + " false ",
			"tmp " + filepath.Base(dir), "read content", "sh 1", "",
		}
		// Where the tests themselves were built under /tmp, that is shown too.
		var got []string
		for line := range strings.SplitSeq(out, "\n") {
			if !strings.HasPrefix(line, "tmp go-build") && line != "tmp "+topOfWorkingDir(t) {
				got = append(got, line)
			}
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("got\n%q\nwant\n%q", got, want)
		}
		if _, err := os.Stat("/tmp/tcpdrill-kernel-test"); err == nil {
			t.Error("the worker's file is in the real /tmp")
		}
		if b, _ := os.ReadFile("/proc/sys/net/ipv4/tcp_retries2"); !bytes.Equal(b, retries) {
			t.Errorf("the worker changed our sysctl from %s to %s", retries, b)
		}
	})
}

func topOfWorkingDir(t *testing.T) string {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	rest, _ := strings.CutPrefix(dir, "/tmp/")
	top, _, _ := strings.Cut(rest, "/")
	return top
}

// A script in /tmp itself sees its neighbours.
func TestKeepTmp(t *testing.T) {
	needKernel(t)
	f, err := os.CreateTemp("/tmp", "tcpdrill-kernel-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(f.Name())
	if _, err := f.WriteString("neighbour"); err != nil {
		t.Fatal(err)
	}
	out, err := run(t, "environment "+f.Name(), "/tmp")
	if err != nil || !strings.Contains(out, "read neighbour\n") {
		t.Errorf("%s%v", out, err)
	}
}

func TestWorkerErrors(t *testing.T) {
	needKernel(t)
	if _, err := run(t, "fail some reason"); err == nil || err.Error() != "some reason" {
		t.Errorf("fail: %v", err)
	}
	_, err := run(t, "panic out of cheese")
	if err == nil || !strings.Contains(err.Error(), "the worker died: exit status 2\npanic: out of cheese") {
		t.Errorf("panic: %v", err)
	}
}

// More than the socket takes at once, to a slow parent.
func TestEmit(t *testing.T) {
	needKernel(t)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	w, err := Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = w.Run(Job{Payload: []byte("flood")}, func(msg []byte) {
		if n == 0 {
			time.Sleep(50 * time.Millisecond)
		}
		if len(msg) != 10_001 || msg[10_000] != byte(n) {
			t.Fatalf("message %d is wrong", n)
		}
		n++
	})
	if n != 1000 || err != nil {
		t.Errorf("%d messages, %v", n, err)
	}
}

func TestCancel(t *testing.T) {
	needKernel(t)
	ctx, cancel := context.WithCancel(context.Background())
	w, err := Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	err = w.Run(Job{Payload: []byte("sleep")}, func([]byte) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	w.Wait()
}

// A worker and its commands die with the parent, however that dies. The
// parent is this test again, as a process of its own.
func TestParentKilled(t *testing.T) {
	const marker = "TCPDRILL_TEST_PARENT"
	if os.Getenv(marker) != "" {
		w, err := Start(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		w.Run(Job{Payload: []byte("sleep")}, func([]byte) { fmt.Println("\nworker", w.Pid()) })
		return
	}
	needKernel(t)
	cmd := exec.Command(os.Args[0], "-test.run=^TestParentKilled$", "-test.v")
	cmd.Env = append(os.Environ(), marker+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	var seen []byte
	for b := make([]byte, 4096); pid == 0; {
		n, err := out.Read(b)
		seen = append(seen, b[:n]...)
		if _, after, ok := bytes.Cut(seen, []byte("\nworker ")); ok {
			if number, _, ok := bytes.Cut(after, []byte("\n")); ok {
				pid, _ = strconv.Atoi(string(number))
			}
		}
		if err != nil {
			t.Fatalf("%v: %s", err, seen)
		}
	}
	netns, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		t.Fatal(err)
	}
	if n := processesIn(t, netns); n != 2 {
		t.Errorf("%d processes in the worker's namespace, want worker and command", n)
	}
	cmd.Process.Kill()
	cmd.Wait()
	// The kernel needs its time for the device.
	deadline := time.Now().Add(5 * time.Second)
	for processesIn(t, netns) > 0 {
		if time.Now().After(deadline) {
			t.Fatal("processes are left")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func processesIn(t *testing.T, netns string) (n int) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		if ns, _ := os.Readlink(filepath.Join(dir, "ns/net")); ns == netns {
			n++
		}
	}
	return n
}

func TestExplain(t *testing.T) {
	err := explain(fmt.Errorf("starting: %w", unix.EPERM))
	if !errors.Is(err, unix.EPERM) || !strings.Contains(err.Error(), "root") {
		t.Errorf("got %v", err)
	}
	if err := explain(unix.ENOMEM); err != unix.ENOMEM {
		t.Errorf("got %v", err)
	}
}

// From asking to the answer: with a worker started for the purpose, and with
// one that waited.
func BenchmarkWorker(b *testing.B) {
	needKernel(b)
	for _, job := range []string{"nothing", "configure"} {
		b.Run(job+"/cold", func(b *testing.B) {
			for b.Loop() {
				if _, err := run(b, job); err != nil {
					b.Fatal(err)
				}
			}
			WaitAll()
		})
		b.Run(job+"/waiting", func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				w, err := Start(context.Background())
				if err != nil {
					b.Fatal(err)
				}
				time.Sleep(30 * time.Millisecond)
				b.StartTimer()
				if err := w.Run(Job{Payload: []byte(job)}, nil); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				w.Wait()
				b.StartTimer()
			}
		})
	}
}
