package kernelstack

import (
	"context"
	"os"
	"testing"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/kernel"
)

func TestMain(m *testing.M) {
	Main()
	os.Exit(m.Run())
}

// A script with nothing to wait for.
const nothing = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <...>
+0 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
`

func open(t testing.TB) *Stack {
	t.Helper()
	s, err := Open()
	if err == nil {
		err = s.Ready(context.Background())
	}
	if err != nil {
		if os.Getenv("TCPDRILL_REQUIRE_KERNEL") != "" {
			t.Fatalf("the kernel can't be drilled: %v", err)
		}
		t.Skipf("the kernel can't be drilled: %v", err)
	}
	t.Cleanup(func() {
		s.Close()
		kernel.WaitAll()
	})
	return s
}

func TestRun(t *testing.T) {
	s := open(t)
	for _, tt := range []struct {
		script  string
		verdict engine.Verdict
	}{
		{nothing, engine.Pass},
		{nothing + "+0 close(4) = -1 EBADF (Bad file descriptor)\n", engine.Fail},
		{"0 `no-such-program`\n", engine.Unsupported},
		{"0 `false`\n", engine.Fail},
		{"`false`\n" + nothing, engine.Error},
		{"0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 psp_rx_assoc(3, [1]) = 0\n", engine.Unsupported},
		{"--so_filename=\"x.so\"\n" + nothing, engine.Unsupported},
	} {
		o, err := s.Run(context.Background(), drill.NewJob("test.pkt", []byte(tt.script), nil))
		if err != nil {
			t.Fatal(err)
		}
		if o.Verdict != tt.verdict {
			t.Errorf("%s, want %s: %+v\n%s", o.Verdict, tt.verdict, o.Failures, tt.script)
		}
	}
}

// A call that doesn't return is a failure at its line, a while after the timeout.
func TestStuck(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 6 s")
	}
	s := open(t)
	timeout := []engine.Setting{{Name: "timeout", Value: "100ms", HasValue: true}}
	o, err := s.Run(context.Background(), drill.NewJob("test.pkt", []byte(nothing+"+0 read(4, ..., 10) = 10\n"), timeout))
	if err != nil {
		t.Fatal(err)
	}
	if f := o.Failures[0]; o.Verdict != engine.Fail || f.Line != 8 || f.Summary != "read hasn't returned after 100ms (--timeout)" {
		t.Errorf("%s, line %d: %s", o.Verdict, f.Line, f.Summary)
	}
	if len(o.Timeline) != 8 {
		t.Errorf("the timeline has %d entries, want 8", len(o.Timeline))
	}
}

// A context that ends ends the run.
func TestCancel(t *testing.T) {
	s := open(t)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.Run(ctx, drill.NewJob("test.pkt", []byte(nothing+"+100 close(4) = 0\n"), nil))
	if err != context.Canceled {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}

// What a program that has a worker ready waits for a verdict.
func BenchmarkVerdict(b *testing.B) {
	s := open(b)
	job := drill.NewJob("test.pkt", []byte(nothing), nil)
	for b.Loop() {
		o, err := s.Run(context.Background(), job)
		if err != nil || o.Verdict != engine.Pass {
			b.Fatal(err, o)
		}
		b.StopTimer()
		kernel.WaitAll() // the worker has no device any more
		if err := s.Ready(context.Background()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
