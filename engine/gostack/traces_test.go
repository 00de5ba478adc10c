package gostack_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/gostack"
)

// jiffy is how far a segment may be from where Linux sent it: the tick, and what
// was rounded when the trace was written down.
const jiffy = 1050 * time.Microsecond

// runScript runs a script on a new stack.
func runScript(name string, source []byte, settings ...engine.Setting) *engine.Outcome {
	return drill.Run(drill.NewJob(name, source, settings), drill.Place{
		PID: 1,
		Open: func(cfg *engine.Config) (engine.Target, error) {
			s := gostack.New(gostack.Options{})
			return s, s.Configure(cfg.Net)
		},
	})
}

// whyNot says why a script didn't pass.
func whyNot(o *engine.Outcome) string {
	if len(o.Failures) == 0 {
		return string(o.Verdict)
	}
	f := o.Failures[0]
	return fmt.Sprintf("%s: line %d: %s %s", f.Verdict, f.Line, f.Summary, strings.Join(f.Notes, "; "))
}

// A sentLine is a line of a trace: a segment that a stack sent.
type sentLine struct {
	at   time.Duration
	text string // as scripts have it, without the value of the time stamp
	val  int64  // of the time stamp
	gso  int
}

var tsVal = regexp.MustCompile(`TS val (\d+)`)

func newSentLine(at time.Duration, text string, gso int) sentLine {
	l := sentLine{at: at, gso: gso, text: tsVal.ReplaceAllString(text, "TS val …")}
	if m := tsVal.FindStringSubmatch(text); m != nil {
		l.val, _ = strconv.ParseInt(m[1], 10, 64)
	}
	return l
}

var traceLine = regexp.MustCompile(`^(\d+\.\d+) > (.*?)(?: gso (\d+))?$`)

// readTrace reads what was recorded.
func readTrace(t *testing.T, trace string) []sentLine {
	var lines []sentLine
	for line := range strings.Lines(trace) {
		m := traceLine.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			t.Fatalf("not a line of a trace: %s", line)
		}
		at, err := time.ParseDuration(m[1] + "s")
		if err != nil {
			t.Fatal(err)
		}
		gso, _ := strconv.Atoi(m[3])
		lines = append(lines, newSentLine(at, m[2], gso))
	}
	return lines
}

// sentLines returns what the stack sent in a run.
func sentLines(o *engine.Outcome) []sentLine {
	var lines []sentLine
	for _, e := range o.Timeline {
		switch e.Kind {
		case engine.EntryMatch, engine.EntryWrong, engine.EntryExtra:
			lines = append(lines, newSentLine(e.At, e.Text, e.GSO))
		}
	}
	return lines
}

// same reports whether two segments are the same but for a jiffy, by which the
// clock of the time stamps may be off too.
func (l sentLine) same(o sentLine) bool {
	off, ticks := l.at-o.at, l.val-o.val
	return l.text == o.text && l.gso == o.gso && -jiffy <= off && off <= jiffy && -1 <= ticks && ticks <= 1
}

func (l sentLine) String() string {
	if l.text == "" {
		return "nothing"
	}
	text := strings.Replace(l.text, "…", strconv.FormatInt(l.val, 10), 1)
	if l.gso > 0 {
		text += fmt.Sprintf(" gso %d", l.gso)
	}
	return fmt.Sprintf("%.4f > %s", l.at.Seconds(), text)
}

// TestTraces runs scripts that Linux 6.12 ran in virtual time: each segment must be
// the one that it sent then, in all its fields, and within a jiffy. With
// TCPDRILL_RECORD set to a tcpdrill that has that kernel, the traces are recorded
// again.
func TestTraces(t *testing.T) {
	files, err := filepath.Glob("testdata/linux-6.12/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no traces: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Files) != 2 || a.Files[0].Name != "script.pkt" || a.Files[1].Name != "trace" {
				t.Fatal("want script.pkt and trace")
			}
			if tool := os.Getenv("TCPDRILL_RECORD"); tool != "" {
				a.Files[1].Data = recordTrace(t, tool, a.Files[0].Data)
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want := readTrace(t, string(a.Files[1].Data))
			if len(want) == 0 {
				t.Fatal("the trace is empty")
			}
			o := runScript("script.pkt", a.Files[0].Data)
			if o.Verdict != engine.Pass {
				t.Fatal(whyNot(o))
			}
			got := sentLines(o)
			for i := range max(len(got), len(want)) {
				var g, w sentLine
				if i < len(got) {
					g = got[i]
				}
				if i < len(want) {
					w = want[i]
				}
				if !g.same(w) { // what follows can't be the same either
					t.Fatalf("segment %d:\n got %v\nwant %v", i+1, g, w)
				}
			}
		})
	}
}

var timelineLine = regexp.MustCompile(`^ +(\d+\.\d{4}) +(?:\d+ +)?\??> (.*?)(?:  \(super-segment, gso_size (\d+)\))?(?:  \([a-z-]+\))?$`)

// recordTrace returns what Linux sends.
func recordTrace(t *testing.T, tool string, script []byte) []byte {
	name := filepath.Join(t.TempDir(), "script.pkt")
	if err := os.WriteFile(name, script, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tool, "run", "-v", "--stack=uml:6.12", name).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var trace strings.Builder
	for line := range strings.Lines(string(out)) {
		m := timelineLine.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			continue
		}
		fmt.Fprintf(&trace, "%s > %s", m[1], m[2])
		if m[3] != "" {
			fmt.Fprintf(&trace, " gso %s", m[3])
		}
		trace.WriteByte('\n')
	}
	return []byte(trace.String())
}
