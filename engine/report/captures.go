package report

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"tcpdrill/engine"
	"tcpdrill/engine/pcapng"
	"tcpdrill/engine/wire"
)

// Captures writes each run's packets to a file of its own below a folder, which
// is made.
func Captures(folder string) *CaptureWriter {
	return &CaptureWriter{folder: folder, used: map[string]bool{}}
}

// A CaptureWriter writes captures, one a run.
type CaptureWriter struct {
	folder string
	used   map[string]bool // names, in lower case: there are file systems for which that is the same
	err    error
}

// Begin does nothing.
func (c *CaptureWriter) Begin(int) {}

// Run writes a run's packets. It drops them then, for writers that keep outcomes.
func (c *CaptureWriter) Run(r Run) {
	if c.err == nil {
		c.err = c.write(r)
	}
	r.Outcome.Packets = nil
}

// End does nothing.
func (c *CaptureWriter) End(Total) {}

// Err returns the first error, after which no more is written.
func (c *CaptureWriter) Err() error { return c.err }

func (c *CaptureWriter) write(r Run) error {
	name := filepath.Join(c.folder, filepath.FromSlash(c.name(r)))
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(f)
	return errors.Join(writeCapture(b, r), b.Flush(), f.Close())
}

// name returns the name of a run's file: the script's path without what leads out
// of the folder, the stack and the IP version.
func (c *CaptureWriter) name(r Run) string {
	var parts []string
	for part := range strings.SplitSeq(path.Clean(filepath.ToSlash(r.Script)), "/") {
		if part != "" && part != "." && part != ".." {
			parts = append(parts, plain(part))
		}
	}
	if len(parts) == 0 {
		parts = []string{"script"}
	}
	stack := r.Stack
	if i := strings.LastIndexAny(stack, `/\`); i >= 0 {
		stack = stack[i+1:] // a kernel that was given by its path
	}
	base := strings.TrimSuffix(strings.Join(parts, "/"), ".pkt") + "." + plain(stack) + "." + string(r.IPVersion)
	name := base + ".pcapng"
	for n := 2; c.used[strings.ToLower(name)]; n++ {
		name = fmt.Sprintf("%s-%d.pcapng", base, n)
	}
	c.used[strings.ToLower(name)] = true
	return name
}

// plain replaces what not every file system takes in a name.
func plain(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || strings.ContainsRune(`<>:"\|?*`, c) {
			return '_'
		}
		return c
	}, s)
}

// writeCapture writes a run's packets as pcapng.
func writeCapture(w *bufio.Writer, r Run) error {
	out, err := pcapng.NewWriter(w, pcapng.Section{
		OS:          runtime.GOOS + "/" + runtime.GOARCH,
		Application: "tcpdrill",
		Comment:     sectionComment(r),
		Interface:   "tun0",
		Description: "device of the stack under test: " + r.Stack,
		Link:        pcapng.Raw,
	})
	for i := range r.Outcome.Packets {
		if err != nil {
			return err
		}
		p := &r.Outcome.Packets[i]
		c := pcapng.Packet{Time: p.Wall, Data: p.Data, Direction: pcapng.Outbound, Comment: packetComment(r.Outcome, p)}
		if p.Inbound {
			c.Direction = pcapng.Inbound
		}
		if p.GSO.NeedsChecksum {
			c.Data = wire.FillChecksum(p.Data)
		}
		err = out.Packet(c)
	}
	return err
}

// sectionComment says which run it was and how it ended.
func sectionComment(r Run) string {
	text := fmt.Sprintf("%s (%s, %s): %s", r.Script, r.Stack, r.IPVersion, r.Outcome.Verdict)
	for _, f := range r.Outcome.Failures {
		text += "\n" + place(r.Script, f) + ": " + f.Summary
	}
	return text
}

// packetComment says which line a packet is of, and what is wrong with it.
func packetComment(o *engine.Outcome, p *engine.Packet) string {
	text := map[engine.EntryKind]string{
		engine.EntryInject: "injected",
		engine.EntryMatch:  "expected, matches",
		engine.EntryWrong:  "not as expected",
		engine.EntryExtra:  "no line expected this",
		engine.EntryOther:  "of no socket that the script is about",
	}[p.Kind]
	if p.Kind == engine.EntryWrong {
		if f := failureOf(o, p.Lines); f != nil {
			text = f.Summary + differences(f)
		}
	}
	if len(p.Lines) > 0 {
		text = linesText(p.Lines) + ": " + text
	}
	if p.GSO.Type != engine.GSONone && p.GSO.Size > 0 {
		what := "super-segment"
		if p.Inbound {
			what = "joined segments"
		}
		text += fmt.Sprintf("; %s, gso_size %d", what, p.GSO.Size)
	}
	if w, err := wire.Parse(p.Data); err == nil && w.Fragment() != nil {
		text += "; an IP fragment"
	}
	if p.Cause != "" {
		text += "; cause: " + p.Cause
	}
	return text
}

// linesText returns "line 12", or "lines 12, 13" of a packet that was cut for
// several.
func linesText(lines []int) string {
	text := "line"
	if len(lines) > 1 {
		text = "lines"
	}
	for i, n := range lines {
		if i > 0 {
			text += ","
		}
		text += fmt.Sprintf(" %d", n)
	}
	return text
}

// failureOf returns what failed at one of the lines, or was let pass there.
func failureOf(o *engine.Outcome, lines []int) *engine.Failure {
	for _, list := range [][]engine.Failure{o.Failures, o.Warnings} {
		for i := range list {
			for _, n := range lines {
				if list[i].Line == n {
					return &list[i]
				}
			}
		}
	}
	return nil
}

// differences returns what was wanted and what came, of each field that differs.
func differences(f *engine.Failure) (text string) {
	got := map[string]string{}
	for _, t := range f.Got {
		got[t.Field] = t.Text
	}
	sep := ": "
	for _, t := range f.Want {
		if t.Differ && got[t.Field] != t.Text {
			text += fmt.Sprintf("%swant %s got %s", sep, orNothing(t.Text), orNothing(got[t.Field]))
			sep = ", "
		}
		delete(got, t.Field)
	}
	for _, t := range f.Got {
		if _, only := got[t.Field]; only && t.Differ {
			text += fmt.Sprintf("%swant nothing got %s", sep, t.Text)
			sep = ", "
		}
	}
	return text
}

func orNothing(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}
