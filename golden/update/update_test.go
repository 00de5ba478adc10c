package update_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/txtar"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/stacks"
	"tcpdrill/golden/update"
	"tcpdrill/script"
)

// rewrite runs a script on the built-in stack until nothing more is rewritten.
func rewrite(t *testing.T, name string, source []byte) (*update.File, *engine.Outcome) {
	t.Helper()
	f := update.New(name, source, nil)
	for {
		job := drill.NewJob(name, f.Source, []engine.Setting{{Name: "keep_going"}})
		o, err := (&stacks.GoStack{}).Run(context.Background(), job)
		if err != nil {
			t.Fatal(err)
		}
		if !f.Revise(o) {
			return f, o
		}
	}
}

// Each archive has a script before and after, and what is left to do by hand. UPDATE=1
// rewrites what they have to be.
func TestRewrite(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no archives", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			f, o := rewrite(t, "test.pkt", a.Files[0].Data)
			left := fmt.Sprintf("verdict: %s\n", o.Verdict)
			for _, p := range f.Left() {
				left += fmt.Sprintf("%d:%d: %s\n", p.Line, p.Column, p.Text)
			}
			if os.Getenv("UPDATE") != "" {
				a.Files[1].Data, a.Files[2].Data = f.Source, []byte(left)
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got, want := string(f.Source), string(a.Files[1].Data); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if want := string(a.Files[2].Data); left != want {
				t.Errorf("got\n%s\nwant\n%s", left, want)
			}
		})
	}
}

// What is made wrong in a script that passes is put right again, and nothing else is
// touched.
func TestRestored(t *testing.T) {
	examples, err := filepath.Glob("../../examples/*/*.pkt")
	if err != nil || len(examples) == 0 {
		t.Fatal("no examples", err)
	}
	done := 0
	for _, name := range examples {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		s, err := script.Parse(name, source, nil)
		if err != nil {
			t.Fatal(err)
		}
		if ds, _ := script.Differences(s); script.KeptOff(ds, script.Stack{Name: "gostack"}) != nil {
			continue
		}
		if f, o := rewrite(t, name, source); o.Verdict != engine.Pass || f.Changed() {
			continue // it is for another stack
		}
		for _, ev := range s.Events {
			if ev.Packet == nil || ev.Packet.TCP == nil || ev.Packet.Direction != script.Outbound {
				continue
			}
			done++
			restored(t, name, source, ev)
		}
	}
	t.Logf("%d lines", done)
	if done == 0 {
		t.Error("no example passes on gostack")
	}
}

// restored makes a line of a script wrong in several ways.
func restored(t *testing.T, name string, source []byte, ev *script.Event) {
	with := func(from, to script.Position, text string) []byte {
		return []byte(string(source[:from.Offset]) + text + string(source[to.Offset:]))
	}
	check := func(what string, wrong []byte) {
		t.Helper()
		f, o := rewrite(t, name, wrong)
		if o.Verdict != engine.Pass || string(f.Source) != string(source) {
			t.Errorf("%s:%d: %s: %s\n%s", name, ev.Pos.Line, what, o.Verdict, diff.Diff("was", source, "is", f.Source))
		}
	}
	p := ev.Packet.TCP
	if p.Ack != nil {
		check("ack", with(p.Ack.Pos, p.Ack.EndPos, "7"+p.Ack.Text))
	}
	flags := p.FlagsAt()
	check("flags", with(flags.Pos, flags.EndPos, "U"+p.FlagsText()))
	if ev.Time.Kind == script.Relative && ev.Time.Start == 0 {
		start := ev.Time.Pos
		start.Offset--
		check("time", with(start, ev.Time.EndPos, "+.7"))
	}
	// A line of a packet that nobody sends becomes a comment.
	bogus := "+0 > . 77001:77101(100) ack 1"
	f, _ := rewrite(t, name, with(ev.Pos, ev.Pos, bogus+"\n   "))
	want := with(ev.Pos, ev.Pos, "// not sent: "+bogus+"\n   ")
	if string(f.Source) != string(want) {
		t.Errorf("%s:%d: a line more\n%s", name, ev.Pos.Line, diff.Diff("want", want, "got", f.Source))
	}
}

// An inconclusive run shows nothing, nor does what else isn't a statement about the stack.
func TestInconclusive(t *testing.T) {
	const source = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n+0 close(3) = 1\n"
	fail := engine.Failure{Verdict: engine.Fail, Seen: &engine.Seen{Event: 1, Start: 57, End: 58, Text: "0"}}
	late := fail
	late.Verdict = engine.Inconclusive
	for _, tt := range []struct {
		verdict  engine.Verdict
		failures []engine.Failure
		again    bool
	}{
		{engine.Fail, []engine.Failure{fail}, true},
		{engine.Inconclusive, []engine.Failure{late, fail}, false},
		{engine.Inconclusive, []engine.Failure{{Verdict: engine.Inconclusive}, fail}, false},
		{engine.Unsupported, nil, false},
		{engine.Error, nil, false},
		{engine.Pass, nil, false},
	} {
		f := update.New("test.pkt", []byte(source), nil)
		if again := f.Revise(&engine.Outcome{Verdict: tt.verdict, Failures: tt.failures}); again != tt.again || f.Changed() != again {
			t.Errorf("%s: again %v, changed %v", tt.verdict, again, f.Changed())
		}
	}
}

// A comment to the end of the line needs one.
func TestNoLineEnd(t *testing.T) {
	const handshake = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 1000
+0 > S. 0:0(0) ack 1 <...>
`
	f, o := rewrite(t, "test.pkt", []byte(handshake+"+0 > R 7:7(0)"))
	if want := handshake + "/* not sent: +0 > R 7:7(0) */"; o.Verdict != engine.Pass || string(f.Source) != want {
		t.Errorf("%s: got\n%s", o.Verdict, f.Source)
	}
}
