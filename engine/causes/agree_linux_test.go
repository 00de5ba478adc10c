package causes_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/gostack"
	"tcpdrill/engine/kernel"
	"tcpdrill/engine/kernel/kernelstack"
	"tcpdrill/engine/uml"
)

func TestMain(m *testing.M) {
	uml.Main()
	os.Exit(m.Run())
}

// longest is how long a script may take in real time.
const longest = 15 * time.Second

// A stack runs jobs.
type stack interface {
	Virtual() bool
	Ready(context.Context) error
	Run(context.Context, *drill.Job) (*engine.Outcome, error)
	Close() error
}

// TestKernelAgrees runs scripts on the built-in stack and on the host's kernel: of each
// segment that both send the causes must be the same, where the kernel's is known.
func TestKernelAgrees(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	t.Cleanup(kernel.WaitAll)
	var stacks []stack
	for range 16 { // they wait most of the time
		s, err := kernelstack.Open()
		if err == nil {
			err = s.Ready(t.Context())
		}
		if err != nil {
			if os.Getenv("TCPDRILL_REQUIRE_KERNEL") != "" {
				t.Fatalf("the kernel can't be drilled: %v", err)
			}
			t.Skipf("the kernel can't be drilled: %v", err)
		}
		stacks = append(stacks, s)
	}
	agree(t, stacks, 0.85)
}

// TestUMLAgrees is the same with the kernel that $TCPDRILL_UML names.
func TestUMLAgrees(t *testing.T) {
	name := os.Getenv("TCPDRILL_UML")
	if name == "" {
		t.Skip("$TCPDRILL_UML names no kernel")
	}
	s, err := uml.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	agree(t, []stack{s}, 0.85)
}

// agree compares what a kernel says with what the built-in stack says. At least share of
// the segments must have a cause.
func agree(t *testing.T, stacks []stack, share float64) {
	n := tally{unknown: map[string]int{}}
	names := make(chan string)
	var lanes sync.WaitGroup
	for _, s := range stacks {
		lanes.Go(func() {
			defer s.Close()
			for name := range names {
				n.script(t, s, name)
			}
		})
	}
	for _, pattern := range []string{"../../examples/*/*.pkt", "../gostack/testdata/tcp/*.pkt"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Errorf("%s: %v", pattern, err)
		}
		for _, name := range found {
			names <- name
		}
	}
	close(names)
	lanes.Wait()
	t.Logf("%d of %d segments have a cause; %d are the built-in stack's, too, %d of which have a cause, and it is another for %d",
		n.known, n.all, n.same, n.sameKnown, n.differ)
	for word, count := range n.unknown {
		t.Logf("unknown: %3d %s", count, word)
	}
	if float64(n.known) < share*float64(n.all) {
		t.Errorf("less than %.0f%% have a cause", 100*share)
	}
}

// A tally counts segments.
type tally struct {
	sync.Mutex
	all, known              int
	same, sameKnown, differ int
	unknown                 map[string]int // by the built-in stack's cause
}

func (n *tally) script(t *testing.T, s stack, name string) {
	source, err := os.ReadFile(name)
	if err != nil {
		t.Error(err)
		return
	}
	ours := builtIn(name, source)
	if ours.Duration > longest && !s.Virtual() {
		return
	}
	theirs, err := s.Run(t.Context(), drill.NewJob(name, source, nil))
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	n.Lock()
	defer n.Unlock()
	n.compare(t, name, sent(ours), sent(theirs))
}

func (n *tally) compare(t *testing.T, name string, ours, theirs []engine.Entry) {
	for _, e := range theirs {
		n.all++
		if e.Cause != "" {
			n.known++
		}
	}
	var shift time.Duration
	for i := range min(len(ours), len(theirs)) {
		a, b := ours[i], theirs[i]
		if shape(a.Text) != shape(b.Text) {
			return // what follows isn't the same either
		}
		off := b.At - a.At - shift
		shift += off
		if off.Abs() > time.Millisecond/2 && !(timers[a.Cause] && (timers[b.Cause] || b.Cause == "")) {
			continue // it is sent for another reason
		}
		n.same++
		switch {
		case b.Cause == "":
			n.unknown[a.Cause]++
			if testing.Verbose() {
				t.Logf("unknown: %s:%d: %.4f %s: %s", filepath.Base(name), b.Line, b.At.Seconds(), b.Text, a.Cause)
			}
		case b.Cause != a.Cause && exceptions[filepath.Base(name)] == b.Cause:
		case b.Cause != a.Cause:
			n.differ++
			t.Errorf("%s:%d: %.4f %s: %s, not %s", name, b.Line, b.At.Seconds(), b.Text, b.Cause, a.Cause)
			fallthrough
		default:
			n.sameKnown++
		}
	}
}

// exceptions are causes that the built-in stack gives another name, with the reason.
var exceptions = map[string]string{
	"ofo-holes.pkt": "compressed-ack", // the fourth: newer kernels don't send that at once
}

// timers are the causes of what timers send, which tick otherwise in each kernel.
var timers = map[string]bool{
	"tlp": true, "rto": true, "delack": true, "probe": true, "keepalive": true, "rack": true,
	"cork-timer": true, "syn-timer": true, "compressed-ack": true, "pacing": true,
}

// variable is what may differ between stacks that do the same.
var variable = regexp.MustCompile(` win \d+|TS val \d+ ecr \d+|mss \d+|F[OE]\S*( \w+)?`)

func shape(text string) string { return strings.TrimSpace(variable.ReplaceAllString(text, "")) }

// sent returns the segments of a run.
func sent(o *engine.Outcome) []engine.Entry {
	var list []engine.Entry
	for _, e := range o.Timeline {
		switch e.Kind {
		case engine.EntryMatch, engine.EntryExtra, engine.EntryWrong, engine.EntryOther:
			if e.Sent > 0 || e.Kind == engine.EntryOther {
				list = append(list, e)
			}
		}
	}
	return list
}

func builtIn(name string, source []byte) *engine.Outcome {
	return drill.Run(drill.NewJob(name, source, nil), drill.Place{
		PID: 1,
		Open: func(cfg *engine.Config) (engine.Target, error) {
			s := gostack.New(gostack.Options{})
			return s, s.Configure(cfg.Net)
		},
	})
}
