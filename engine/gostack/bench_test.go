package gostack_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/gostack"
)

// handshake is how the scripts here begin: 4 is the connection.
const handshake = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
+0 > S. 0:0(0) ack 1 <mss 1460,nop,nop,sackOK,nop,wscale 7>
+.1 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
`

// repeat runs a script as often as the benchmark wants, parsing included, and
// reports how many make a second.
func repeat(b *testing.B, source string) {
	b.ReportAllocs()
	for b.Loop() {
		if o := runScript("bench.pkt", []byte(source)); o.Verdict != engine.Pass {
			b.Fatal(whyNot(o))
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "scripts/s")
}

// BenchmarkScript is a small script as most are.
func BenchmarkScript(b *testing.B) {
	repeat(b, handshake+`+0 write(4, ..., 1000) = 1000
+0 > P. 1:1001(1000) ack 1
+.1 < . 1:1(0) ack 1001 win 257
+0 close(4) = 0
+0 > F. 1001:1001(0) ack 1
+.1 < F. 1:1(0) ack 1002 win 257
+0 > . 1002:1002(0) ack 2
`)
}

// keepalive is a connection on which so many probes are answered.
func keepalive(probes, seconds int) string {
	var s strings.Builder
	s.WriteString(handshake)
	s.WriteString("+0 setsockopt(4, SOL_SOCKET, SO_KEEPALIVE, [1], 4) = 0\n")
	fmt.Fprintf(&s, "+0 setsockopt(4, SOL_TCP, TCP_KEEPIDLE, [%d], 4) = 0\n", seconds)
	// After a probe the timer waits this long, even if an answer comes.
	fmt.Fprintf(&s, "+0 setsockopt(4, SOL_TCP, TCP_KEEPINTVL, [%d], 4) = 0\n", seconds)
	for range probes {
		// As keepalive timers are far away, the wheel rounds them up.
		fmt.Fprintf(&s, "+%d~+%d.600 > . 0:0(0) ack 1\n+0 < . 1:1(0) ack 1 win 257\n", seconds, seconds)
	}
	return s.String()
}

// BenchmarkKeepalive shows that a script's cost follows its segments and not its
// time: an hour with 60 probes costs what a minute with 60 costs.
func BenchmarkKeepalive(b *testing.B) {
	for _, c := range []struct {
		name            string
		probes, seconds int
	}{
		{"1min/1probe", 1, 60},
		{"1min/60probes", 60, 1},
		{"60min/60probes", 60, 60},
	} {
		b.Run(c.name, func(b *testing.B) {
			repeat(b, keepalive(c.probes, c.seconds))
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*c.probes), "ns/probe")
		})
	}
}

// BenchmarkIdle is a connection on which nothing happens, for long or not.
func BenchmarkIdle(b *testing.B) {
	for _, d := range []time.Duration{time.Second, time.Hour} {
		b.Run(d.String(), func(b *testing.B) {
			repeat(b, handshake+fmt.Sprintf("+%d write(4, ..., 1000) = 1000\n+0 > P. 1:1001(1000) ack 1\n", int(d.Seconds())))
		})
	}
}

// A pausingStack stops where its script first closes: the engine closes all that
// is left when it is over.
type pausingStack struct {
	*gostack.Stack
	paused  bool
	stopped chan<- struct{}
	goOn    <-chan struct{}
}

// Begin implements engine.Sockets.
func (s *pausingStack) Begin(c *engine.Call) engine.Pending {
	s.pause(c)
	return s.Stack.Begin(c)
}

// Call implements engine.Sockets.
func (s *pausingStack) Call(c *engine.Call) engine.Result {
	s.pause(c)
	return s.Stack.Call(c)
}

func (s *pausingStack) pause(c *engine.Call) {
	if c.Name == "close" && !s.paused {
		s.paused = true
		s.stopped <- struct{}{}
		<-s.goOn
	}
}

// halfWay is a script that stops with much in flight, sent again, and received.
func halfWay() string {
	var s strings.Builder
	s.WriteString(handshake)
	for i := range 20 {
		fmt.Fprintf(&s, "+.01 < P. %d:%d(1000) ack 1 win 257\n*  > . 1:1(0) ack %d\n", 1+1000*i, 1001+1000*i, 1001+1000*i)
	}
	s.WriteString("+0 write(4, ..., 100000) = 100000\n+1 close(4) = 0\n")
	return s.String()
}

// heldBytes is what a running script holds: its own, the engine's and the stack's,
// as a mean of many that all stopped half-way.
func heldBytes(tb testing.TB, capture string) float64 {
	const scripts = 32
	settings := []engine.Setting{{Name: "capture", Value: capture, HasValue: true}, {Name: "keep_going"}}
	source := []byte(halfWay())
	before := heapAlloc()
	stopped, goOn := make(chan struct{}), make(chan struct{})
	done := make(chan *engine.Outcome)
	for range scripts {
		go func() {
			done <- drill.Run(drill.NewJob("held.pkt", source, settings), drill.Place{
				Open: func(cfg *engine.Config) (engine.Target, error) {
					s := gostack.New(gostack.Options{})
					return &pausingStack{Stack: s, stopped: stopped, goOn: goOn}, s.Configure(cfg.Net)
				},
			})
		}()
	}
	for range scripts {
		select {
		case <-stopped:
		case o := <-done:
			tb.Fatalf("the script ended before its close: %s", whyNot(o))
		}
	}
	held := float64(heapAlloc()-before) / scripts
	close(goOn)
	for range scripts {
		<-done
	}
	return held
}

// heapAlloc is how much memory is in use.
func heapAlloc() int64 {
	runtime.GC()
	runtime.GC() // what a pool held is gone only now
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkHeld reports the memory that a running script holds.
func BenchmarkHeld(b *testing.B) {
	for _, capture := range []string{"copy", "packet"} {
		b.Run(capture, func(b *testing.B) {
			var held float64
			for b.Loop() {
				held = heldBytes(b, capture)
			}
			b.ReportMetric(held, "bytes/script")
		})
	}
}

// Thousands of scripts may run at a time: none may hold more than 2 MB.
func TestHeld(t *testing.T) {
	for _, capture := range []string{"copy", "packet"} {
		if held := heldBytes(t, capture); held > 2<<20 {
			t.Errorf("capture=%s: a running script holds %.0f bytes", capture, held)
		}
	}
}

// kselftest is what `run --preset=kselftest` passes in IPv4.
func kselftest() []engine.Setting {
	settings := []engine.Setting{{Name: "send_omit_free"}}
	for _, s := range []string{
		"local_ip=192.168.0.1", "gateway_ip=192.168.0.1", "netmask_ip=255.255.0.0", "remote_ip=192.0.2.1",
		"define=TFO_COOKIE=3021b9d889017eeb", "define=TFO_COOKIE_ZERO=b7c12350a90dc8f5",
		"define=CODE=host_unreachable", "define=CMSG_LEVEL_IP=SOL_IP", "define=CMSG_TYPE_RECVERR=IP_RECVERR",
	} {
		name, value, _ := strings.Cut(s, "=")
		settings = append(settings, engine.Setting{Name: name, Value: value, HasValue: true})
	}
	return settings
}

// BenchmarkSuite runs all scripts of the folder $TCPDRILL_CORPUS on one processor.
func BenchmarkSuite(b *testing.B) {
	folder := os.Getenv("TCPDRILL_CORPUS")
	if folder == "" {
		b.Skip("TCPDRILL_CORPUS isn't set to a folder of scripts")
	}
	var scripts []savedScript
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".pkt" {
			return err
		}
		source, err := os.ReadFile(path)
		scripts = append(scripts, savedScript{path, source})
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	settings := kselftest()
	passed := 0
	for b.Loop() {
		passed = 0
		for _, s := range scripts {
			if runScript(s.name, s.source, settings...).Verdict == engine.Pass {
				passed++
			}
		}
	}
	b.ReportMetric(float64(passed), "passed")
	b.ReportMetric(float64(len(scripts)), "scripts")
}
