package proxy

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/kernel"
	"tcpdrill/script"
)

func TestMain(m *testing.M) {
	Register()
	kernel.Main()
	os.Exit(m.Run())
}

// opened opens a proxy, if there is one here.
func opened(t *testing.T, kind Kind) *Stack {
	t.Helper()
	s, err := Open(string(kind))
	if err == nil {
		err = s.Ready(context.Background())
	}
	if err != nil {
		program := map[Kind]string{Passt: "passt", Slirp: "slirp4netns"}[kind]
		if _, missing := exec.LookPath(program); missing == nil && os.Getenv("TCPDRILL_REQUIRE_KERNEL") != "" {
			t.Fatalf("%s is installed and can't be drilled: %v", kind, err)
		}
		t.Skipf("%s can't be drilled: %v", kind, err)
	}
	t.Cleanup(func() {
		s.Close()
		kernel.WaitAll()
	})
	return s
}

// run runs a script in an IP version. Where the machine is late, it does so again.
func run(t *testing.T, s *Stack, name, text string, version engine.IPVersion) *engine.Outcome {
	t.Helper()
	var o *engine.Outcome
	for range 5 {
		var err error
		job := drill.NewJob(name, []byte(text), []engine.Setting{{Name: "ip_version", Value: string(version), HasValue: true}})
		if o, err = s.Run(context.Background(), job); err != nil {
			t.Fatal(err)
		}
		if o.Verdict != engine.Inconclusive {
			return o
		}
	}
	t.Skipf("the machine is late: %+v", o.Failures)
	return nil
}

// A connection that the host begins.
const active = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0
+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)
+0~+.01 > S 0:0(0) <...>
+.02 < S. 0:0(0) ack 1 win 32792 <mss 1000>
+.01 write(3, ..., 800) = 800
`

// A connection that the guest begins, to a listener of the host's.
const passive = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000>
+0~+.01 > S. 0:0(0) ack 1 <...>
+.02 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 100) = 100
+0~+.01 > . 1:101(100) ack 1 stream
+.01 < P. 1:101(100) ack 101 win 32792
+0~+.01 > . 101:101(0) ack 101
+0 read(4, ..., 1000) = 100
`

func TestRun(t *testing.T) {
	for _, kind := range Kinds {
		t.Run(string(kind), func(t *testing.T) {
			s := opened(t, kind)
			for name, text := range map[string]string{
				"active.pkt":  active + "* > . 1:1(0) ack 1\n* > P. 1:801(800) ack 1 stream\n",
				"passive.pkt": passive,
			} {
				if kind == Passt {
					text = strings.Replace(text, "* > . 1:1(0) ack 1\n* > P.", "* > .", 1) // as it has it, or later
				}
				for _, v := range []engine.IPVersion{engine.IPv4, engine.IPv4MappedV6, engine.IPv6} {
					o := run(t, s, name, text, v)
					want := engine.Pass
					if kind == Slirp && v == engine.IPv6 && name == "active.pkt" {
						want = engine.Unsupported
					}
					if o.Verdict != want {
						t.Errorf("%s, %s: %s, %+v", name, v, o.Verdict, o.Failures)
					}
				}
			}
		})
	}
}

// What can't be had says so.
func TestUnsupported(t *testing.T) {
	for _, kind := range Kinds {
		t.Run(string(kind), func(t *testing.T) {
			s := opened(t, kind)
			for _, text := range []string{
				"--mss=1000\n" + passive,
				"--is_anyip\n" + passive,
				"--remote_ip=192.0.2.2\n" + passive,
				"0 `ethtool -K tun0 tso off`\n",
				"0 `ip link set dev tun0 mtu 1200`\n",
			} {
				if o := run(t, s, "a.pkt", text, engine.IPv4); o.Verdict != engine.Unsupported {
					t.Errorf("%s: %s, %+v", text, o.Verdict, o.Failures)
				}
			}
		})
	}
}

// The examples pass on the releases that they are about, or differ as they say.
func TestExamples(t *testing.T) {
	names, err := filepath.Glob("../../examples/proxies/*.pkt")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for kind, release := range map[Kind]string{Passt: "0.0~git20230309.7c7625d", Slirp: "libslirp 4.7.0"} {
		t.Run(string(kind), func(t *testing.T) {
			s := opened(t, kind)
			if !strings.Contains(s.Version(), release) {
				t.Skipf("they are about %s, not %s", release, s.Version())
			}
			for _, name := range names {
				src, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				parsed, err := script.Parse(name, src, nil)
				if err != nil {
					t.Fatal(err)
				}
				ds, errs := script.Differences(parsed)
				stack := script.Stack{Name: string(kind), Version: s.Version}
				if len(errs) > 0 || script.KeptOff(ds, stack) != nil || script.KeptOff(ds, script.Stack{Name: "kernel"}) == nil {
					t.Errorf("%s: its headers: %v", name, errs)
				}
				want := engine.Pass
				if script.DiffersOn(ds, stack) != nil {
					want = engine.Fail
				}
				if o := run(t, s, name, string(src), engine.IPv4); o.Verdict != want {
					t.Errorf("%s: %s, want %s: %+v", name, o.Verdict, want, o.Failures)
				}
			}
		})
	}
}

// A proxy that ends in the middle of a script fails it.
func TestDied(t *testing.T) {
	for _, kind := range Kinds {
		t.Run(string(kind), func(t *testing.T) {
			s := opened(t, kind)
			// All processes of the namespace but the worker, which is its first.
			const kill = passive + "+.1 `kill -9 -1`\n"
			for _, text := range []string{
				kill + "+.1 < P. 101:201(100) ack 101 win 32792\n",
				kill + "* > . 101:101(0) ack 201\n",
			} {
				o := run(t, s, "a.pkt", text, engine.IPv4)
				if o.Verdict == engine.Unsupported {
					t.Skipf("%+v", o.Failures)
				}
				if o.Verdict != engine.Fail || !strings.Contains(o.Failures[0].Summary, "signal: killed") || o.Failures[0].Line != 15 {
					t.Errorf("%s: %+v", o.Verdict, o.Failures)
				}
			}
		})
	}
}

// A program that isn't a proxy.
func TestBroken(t *testing.T) {
	opened(t, Passt)
	for _, program := range []string{"/bin/true", "/bin/false"} {
		s, err := Open("passt:" + program)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		o := run(t, s, "a.pkt", passive, engine.IPv4)
		if o.Verdict != engine.Error || !strings.Contains(o.Failures[0].Summary, program) {
			t.Errorf("%s: %s, %+v", program, o.Verdict, o.Failures)
		}
	}
}

// When a run is ended, its worker is gone at once, and so is all that is in its process
// namespace.
func TestCancel(t *testing.T) {
	for _, kind := range Kinds {
		t.Run(string(kind), func(t *testing.T) {
			b, err := os.ReadFile(opened(t, kind).program)
			if err != nil {
				t.Skip(err)
			}
			// Others may use it, too: processes of this copy are ours.
			name, _ := kind.program()
			program := filepath.Join(t.TempDir(), name)
			if err := os.WriteFile(program, b, 0o755); err != nil {
				t.Fatal(err)
			}
			s, err := Open(string(kind) + ":" + program)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			result := make(chan error)
			go func() {
				_, err := s.Run(ctx, drill.NewJob("a.pkt", []byte("0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+100 close(3) = 0\n"), nil))
				result <- err
			}()
			await(t, "begun", func() bool { return running(t, program) == 1 })
			cancel()
			if err := <-result; err != context.Canceled {
				t.Errorf("got %v, want %v", err, context.Canceled)
			}
			await(t, "ended", func() bool { return running(t, program) == 0 })
		})
	}
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for began := time.Now(); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			t.Fatalf("the program hasn't %s", what)
		}
	}
}

// running counts the processes of a program.
func running(t *testing.T, program string) (n int) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if b, _ := os.ReadFile(l); strings.HasPrefix(string(b), program+"\x00") {
			n++
		}
	}
	return n
}
