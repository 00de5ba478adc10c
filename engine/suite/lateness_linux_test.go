package suite

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/kernel"
	"tcpdrill/engine/kernel/kernelstack"
	"tcpdrill/engine/report"
	"tcpdrill/engine/stacks"
)

func TestMain(m *testing.M) {
	kernelstack.Main()
	os.Exit(m.Run())
}

// The script of BenchmarkLateness injects so many segments, one each lateEvery from
// lateFirst on.
const (
	lateCount = 200
	lateEvery = 5 * time.Millisecond
	lateFirst = 100 * time.Millisecond
)

// handshake is what comes before, with so many packets injected and sent.
const (
	handshake = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <...>
+.01 < . 1:1(0) ack 1 win 257
+0 accept(3, ..., ...) = 4
+0 < P. 1:2(1) ack 1 win 257
+0 > . 1:1(0) ack 2
`
	handshakeIn, handshakeOut = 3, 2
)

// due is when the ith segment is to be injected.
func due(i int) time.Duration { return lateFirst + time.Duration(i)*lateEvery }

// lateScript injects segments that the stack has acknowledged already: it says so
// again at once, without a timer. All times are absolute, so that both programs have the
// same schedule: a relative one counts from when the packet before was dealt with, which
// hides what was late before, and which packetdrill doesn't tell.
func lateScript() []byte {
	b := []byte(handshake)
	for i := range lateCount {
		at := due(i).Seconds()
		b = fmt.Appendf(b, "%.3f < P. 1:2(1) ack 1 win 257\n%.3f > . 1:1(0) ack 2\n", at, at)
	}
	return b
}

// defaultTolerance is both programs'. wideTolerance lets a run go on however late it is: a run
// that ended there would hide how late it would have been.
const (
	defaultTolerance = 4 * time.Millisecond
	wideTolerance    = 100 * time.Second
)

// A lateRun is what a run tells of its packets: their script times.
type lateRun struct{ injected, sent []time.Duration }

// lateRow is what several runs tell.
type lateRow struct {
	late   []time.Duration // from when a segment was due to its injection
	answer []time.Duration // from an injection to the time stamp of what the stack sent
	runs   int
	passed int
	took   time.Duration // all runs together
}

// add adds a run. It passes if it came to its end and no packet was off by more than the
// tolerance.
func (r *lateRow) add(one lateRun) {
	r.runs++
	in, out := one.injected[min(handshakeIn, len(one.injected)):], one.sent[min(handshakeOut, len(one.sent)):]
	passes := len(in) == lateCount && len(out) == lateCount
	for i := range min(len(in), len(out)) {
		r.late = append(r.late, in[i]-due(i))
		r.answer = append(r.answer, out[i]-in[i])
		passes = passes && in[i]-due(i) <= defaultTolerance && out[i]-due(i) <= defaultTolerance
	}
	if passes {
		r.passed++
	}
}

// String is the end of a line of the table.
func (r *lateRow) String() string {
	var b strings.Builder
	for _, d := range [][]time.Duration{r.late, r.answer} {
		slices.Sort(d)
		for _, percent := range []int{50, 99, 100} {
			if len(d) == 0 {
				b.WriteString(" – |")
				continue
			}
			fmt.Fprintf(&b, " %.2f |", d[min(len(d)*percent/100, len(d)-1)].Seconds()*1000)
		}
	}
	fmt.Fprintf(&b, " %d of %d | %.1f s |", r.passed, r.runs, r.took.Seconds())
	return b.String()
}

// Prints a table for docs/timing.md: how late packetdrill and tcpdrill inject, and what
// time stamps say of the stack's answers; with scripts one at a time and many, on a
// machine that is idle and on one where all processors are busy. $TCPDRILL_PACKETDRILL or
// $PATH says where packetdrill is; it needs root.
func BenchmarkLateness(b *testing.B) {
	if testing.Short() {
		b.Skip("takes a minute")
	}
	programs := []struct {
		name string
		runs func(n, runs int) []lateRun // nil: there is no such program
	}{
		// tcpdrill comes second, and scripts beside each other after those that run alone: from
		// then on its canary runs, and keeps a processor from going idle.
		{"packetdrill", packetdrillRunner(b)},
		{"tcpdrill", func(n, runs int) []lateRun { return tcpdrillRuns(b, n, runs) }},
	}
	atATime := []int{1, 16, 32}
	for b.Loop() {
		load, _ := os.ReadFile("/proc/loadavg")
		rows := map[string]*lateRow{}
		key := func(program string, n int, busy bool) string { return fmt.Sprint(program, n, busy) }
		for _, p := range programs {
			for _, n := range atATime {
				for _, busy := range []bool{false, true} {
					if p.runs != nil {
						rows[key(p.name, n, busy)] = lateness(b, busy, func() []lateRun { return p.runs(n, max(n, 4)) })
					}
				}
			}
		}
		fmt.Printf("\n%d processors, load before: %s\n", runtime.NumCPU(), load)
		fmt.Println("| processors | scripts at a time | program | late: median | 99 % | max | answer: median | 99 % | max | passed | took |")
		fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|")
		for _, busy := range []bool{false, true} {
			for _, n := range atATime {
				for _, p := range programs {
					if row := rows[key(p.name, n, busy)]; row != nil {
						fmt.Printf("| %s | %d | %s |%s\n", map[bool]string{false: "idle", true: "busy"}[busy], n, p.name, row)
					}
				}
			}
		}
	}
}

// lateness measures a line of the table.
func lateness(b *testing.B, busy bool, do func() []lateRun) *lateRow {
	if busy {
		defer keepBusy(b)()
	}
	time.Sleep(500 * time.Millisecond) // what ended before is over, and what began has got going
	began := time.Now()
	var row lateRow
	for _, one := range do() {
		row.add(one)
	}
	row.took = time.Since(began)
	return &row
}

// keepBusy starts a loop for each processor, in a process of normal priority, until end
// is called.
func keepBusy(b *testing.B) (end func()) {
	var loops []*exec.Cmd
	for range runtime.NumCPU() {
		loop := exec.Command("/bin/sh", "-c", "while :; do :; done")
		loop.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := loop.Start(); err != nil {
			b.Fatal(err)
		}
		loops = append(loops, loop)
	}
	return func() {
		for _, loop := range loops {
			loop.Process.Kill()
			loop.Wait()
		}
	}
}

// tcpdrillRuns runs the script so often, n at a time.
func tcpdrillRuns(b *testing.B, n, runs int) (all []lateRun) {
	defer kernel.WaitAll()
	var lanes []stacks.Stack
	for range n {
		lanes = append(lanes, &kernelstack.Stack{})
	}
	tasks := Repeat([]Task{{Name: "lateness.pkt", Source: lateScript(), Version: engine.IPv4}}, runs)
	r := &Runner{Settings: []engine.Setting{{Name: "tolerance_usecs", Value: fmt.Sprint(wideTolerance.Microseconds()), HasValue: true}}}
	r.Run(context.Background(), lanes, tasks, func(one report.Run) {
		if one.Outcome.Verdict != engine.Pass {
			b.Logf("tcpdrill: %s: %+v", one.Outcome.Verdict, one.Outcome.Failures)
		}
		var run lateRun
		for _, e := range one.Outcome.Timeline {
			switch e.Kind {
			case engine.EntryInject:
				run.injected = append(run.injected, e.At)
			case engine.EntryMatch, engine.EntryWrong:
				run.sent = append(run.sent, e.At)
			}
		}
		all = append(all, run)
	})
	return all
}

// packetdrillRunner returns what runs packetdrill, nil if that can't be.
func packetdrillRunner(b *testing.B) func(n, runs int) []lateRun {
	program, err := exec.LookPath(cmp.Or(os.Getenv("TCPDRILL_PACKETDRILL"), "packetdrill"))
	if err == nil && os.Geteuid() != 0 {
		err = os.ErrPermission
	}
	if err != nil {
		b.Logf("without packetdrill: %v", err)
		return nil
	}
	return func(n, runs int) []lateRun { return packetdrillRuns(b, program, n, runs) }
}

// packetdrillRuns runs the script so often, n at a time: processes that are started
// together, each in a network namespace of its own.
func packetdrillRuns(b *testing.B, program string, n, runs int) []lateRun {
	dir := b.TempDir()
	name := filepath.Join(dir, "lateness.pkt")
	if err := os.WriteFile(name, lateScript(), 0o666); err != nil {
		b.Fatal(err)
	}
	all := make([]lateRun, runs)
	for i := 0; i < runs; i += n {
		var running sync.WaitGroup
		for j := range n {
			running.Go(func() { all[i+j] = packetdrillRun(b, program, name, fmt.Sprint(name, i+j)) })
		}
		running.Wait()
	}
	return all
}

// verbosePacket is what packetdrill prints of a packet: before it is injected, with the
// time; and when it was sniffed, with its time stamp.
var verbosePacket = regexp.MustCompile(`(?m)^(inbound injected|outbound sniffed) packet: +(\d+\.\d+) `)

func packetdrillRun(b *testing.B, program, name, output string) (run lateRun) {
	out, err := os.Create(output) // a pipe would have us wake up meanwhile
	if err != nil {
		b.Error(err)
		return run
	}
	defer out.Close()
	var stderr bytes.Buffer
	cmd := exec.Command(program, "--verbose", fmt.Sprintf("--tolerance_usecs=%d", wideTolerance.Microseconds()), name)
	cmd.Stdout, cmd.Stderr = out, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Run(); err != nil {
		b.Logf("packetdrill: %v: %s", err, stderr.Bytes())
	}
	text, err := os.ReadFile(output)
	if err != nil {
		b.Error(err)
	}
	for _, m := range verbosePacket.FindAllStringSubmatch(string(text), -1) {
		at, _ := time.ParseDuration(m[2] + "s")
		if m[1] == "inbound injected" {
			run.injected = append(run.injected, at)
		} else {
			run.sent = append(run.sent, at)
		}
	}
	return run
}
