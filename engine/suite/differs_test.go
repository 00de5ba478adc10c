package suite

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/report"
	"tcpdrill/engine/stacks"
)

// A pretended stack that has one verdict.
type verdictStack struct {
	name    string
	verdict engine.Verdict
}

func (s verdictStack) Name() string              { return s.name }
func (verdictStack) Prepare() error              { return nil }
func (verdictStack) Ready(context.Context) error { return nil }
func (verdictStack) Virtual() bool               { return true }
func (verdictStack) Note() string                { return "" }
func (verdictStack) Close() error                { return nil }
func (s verdictStack) Run(context.Context, *drill.Job) (*engine.Outcome, error) {
	o := &engine.Outcome{Verdict: s.verdict}
	if s.verdict != engine.Pass {
		o.Failures = []engine.Failure{{Verdict: s.verdict, Line: 4, Column: 4, Summary: "something"}}
	}
	return o, nil
}

// Where a script says that it differs, to fail is right and to pass isn't. Other
// verdicts, and other stacks, are as they are.
func TestDifferences(t *testing.T) {
	source := []byte(`// A script.
//
// Differs on netstack, uml: it is another stack.
0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
`)
	const passes = "line 3:4: it passes, but its header says that it differs on %s: it is another stack."
	for _, tt := range []struct {
		stack, option string
		verdict, want engine.Verdict
		why           string
	}{
		{"netstack", "", engine.Fail, engine.Pass, "differs: it is another stack."},
		{"uml:6.12", "", engine.Fail, engine.Pass, "differs: it is another stack."},
		{"netstack", "", engine.Pass, engine.Fail, fmt.Sprintf(passes, "netstack")},
		{"uml:6.12", "", engine.Pass, engine.Fail, fmt.Sprintf(passes, "uml:6.12")},
		{"netstack", "", engine.Unsupported, engine.Unsupported, "line 4:4: something"},
		{"netstack", "", engine.Error, engine.Error, "line 4:4: something"},
		{"netstack", "", engine.Inconclusive, engine.Inconclusive, "line 4:4: something"},
		{"kernel", "", engine.Fail, engine.Fail, "line 4:4: something"},
		{"kernel", "", engine.Pass, engine.Pass, ""},
		{"netstack", "dry_run", engine.Fail, engine.Pass, ""},
	} {
		r := &Runner{}
		if tt.option != "" {
			r.Settings = []engine.Setting{{Name: tt.option}}
		}
		task := Task{Name: "a.pkt", Source: source, Version: engine.IPv4}
		r.Run(context.Background(), []stacks.Stack{verdictStack{tt.stack, tt.verdict}}, []Task{task}, func(one report.Run) {
			why := ""
			if one.Differs != "" {
				why = "differs: " + one.Differs
				if w := one.Outcome.Warnings; len(w) != 1 || w[0].Summary != "something" {
					t.Errorf("%+v: what differs isn't said: %+v", tt, w)
				}
			}
			for _, f := range one.Outcome.Failures {
				why += fmt.Sprintf("line %d:%d: %s", f.Line, f.Column, f.Summary)
			}
			if one.Outcome.Verdict != tt.want || why != tt.why {
				t.Errorf("%+v: got %s, %q", tt, one.Outcome.Verdict, why)
			}
		})
		// Who asks for one run wants the stack's own verdict.
		if one, ok := r.One(context.Background(), verdictStack{tt.stack, tt.verdict}, task); !ok || tt.option == "" && one.Outcome.Verdict != tt.verdict {
			t.Errorf("%+v: One says %s", tt, one.Outcome.Verdict)
		}
	}
}

// A script isn't run where it says that it isn't for the stack.
func TestKeptOff(t *testing.T) {
	task := Task{Name: "a.pkt", Source: []byte("// Runs on passt, slirp: they are proxies.\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"), Version: engine.IPv4}
	for stack, want := range map[string]engine.Verdict{"passt": engine.Fail, "kernel": engine.Unsupported} {
		one, ok := new(Runner).One(context.Background(), verdictStack{stack, engine.Fail}, task)
		if !ok || one.Outcome.Verdict != want {
			t.Fatalf("%s: %+v", stack, one.Outcome)
		}
		const why = "it runs on passt, slirp only: they are proxies."
		if f := one.Outcome.Failures[0]; stack == "kernel" && (f.Summary != why || f.Line != 1) {
			t.Errorf("line %d: %s", f.Line, f.Summary)
		}
	}
}

// A header that can't be read is an error at its place, on every stack.
func TestBadDifference(t *testing.T) {
	task := Task{Name: "a.pkt", Source: []byte("// Differs on : why\n0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"), Version: engine.IPv4}
	r := &Runner{}
	r.Run(context.Background(), []stacks.Stack{verdictStack{"kernel", engine.Pass}}, []Task{task}, func(one report.Run) {
		f := one.Outcome.Failures
		if one.Outcome.Verdict != engine.Error || len(f) != 1 || f[0].Line != 1 || f[0].Column != 15 || !strings.Contains(f[0].Summary, "want the name of a stack") {
			t.Errorf("%s: %+v", one.Outcome.Verdict, f)
		}
	})
}
