package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"tcpdrill/engine"
	"tcpdrill/engine/report"
	"tcpdrill/engine/stacks"
	"tcpdrill/engine/suite"
	"tcpdrill/golden"
)

// A player plays scripts to stacks, to their end.
type player struct {
	console  *console
	rc       *runCommand
	k        *kong.Context
	jobs, hz int
}

// play plays tasks to one stack, or looks them up if it is a recording.
func (p *player) play(name string, tasks []suite.Task) ([]golden.StackResult, error) {
	out := make([]golden.StackResult, len(tasks))
	if _, err := os.Stat(name); err == nil && !isStack(name) {
		rec, err := golden.Open(name)
		if err != nil {
			return nil, err
		}
		for i, t := range tasks {
			out[i] = golden.StackResult{Stack: rec.Name, Verdict: engine.Unsupported, Why: "not recorded"}
			if trace := rec.Of(t.Name, string(t.Version)); trace != nil {
				out[i] = golden.StackResult{Stack: trace.Stack, Verdict: trace.Verdict, Why: trace.Why, Trace: trace}
			}
		}
		return out, nil
	}
	traces, err := p.traces(name, tasks)
	for i, t := range traces {
		if t != nil {
			out[i] = golden.StackResult{Stack: t.Stack, Verdict: t.Verdict, Why: t.Why, Trace: t}
		}
	}
	return out, err
}

// isStack reports whether a name is a stack's, also where there is a folder of that name.
func isStack(name string) bool {
	kind, _, _ := strings.Cut(name, ":")
	kind, _, _ = strings.Cut(kind, "+")
	return slices.Contains([]string{"auto", "kernel", "gostack", "netstack", "uml", "passt", "slirp"}, kind)
}

// An interruption says where ^C ended a run.
type interruption struct{ script, stack string }

func (i *interruption) Error() string {
	return fmt.Sprintf("interrupted at %s on %s", i.script, i.stack)
}

// say tells it, and returns the exit status.
func (i *interruption) say(c *console) error {
	fmt.Fprintf(c.stderr, "tcpdrill: %v\n", i)
	return exitStatus(130)
}

// traces plays tasks to one stack and returns what it did, of each task. If the error is
// an *interruption, those that are missing are nil.
func (p *player) traces(name string, tasks []suite.Task) ([]*golden.Trace, error) {
	st, err := p.open(name)
	if st == nil {
		return nil, err
	}
	lanes, err := suite.Lanes(p.console.ctx, st, name, p.jobs, len(tasks))
	if err != nil {
		return nil, err
	}
	r := p.rc.runner(p.k)
	r.Reruns, r.Plain = 3, true
	r.Settings = append(r.Settings, engine.Setting{Name: "keep_going"})
	r.Note = func(stack, note string) { fmt.Fprintf(p.console.stderr, "tcpdrill: %s: %s\n", stack, note) }
	var bar *live
	if tty := p.console.terminal(); tty != nil {
		bar = newLive(tty, p.console.stderr, nil)
		r.Observe = bar.observe
		bar.Begin(len(tasks))
	}
	type key struct {
		script  string
		version engine.IPVersion
	}
	at := map[key]int{}
	for i, t := range tasks {
		at[key{t.Name, t.Version}] = i
	}
	out := make([]*golden.Trace, len(tasks))
	settings := settingTexts(p.rc.Preset, p.rc.settings(p.k))
	interrupted := r.Run(p.console.ctx, lanes, tasks, func(one report.Run) {
		if bar != nil {
			bar.Run(one)
		}
		out[at[key{one.Script, one.IPVersion}]] = golden.New(golden.Run{
			Script: one.Script, IPVersion: one.IPVersion, Stack: one.Stack, Version: stacks.Version(st),
			Settings: settings, Virtual: one.Virtual,
		}, one.Outcome)
	})
	if bar != nil {
		bar.End(report.Total{Tally: report.Tally{}})
	}
	for i, t := range tasks {
		out[i] = out[at[key{t.Name, t.Version}]] // of what was named twice
	}
	if interrupted != "" {
		return out, &interruption{interrupted, name}
	}
	return out, nil
}

// open opens a stack.
func (p *player) open(name string) (stacks.Stack, error) {
	if name == "gostack" {
		return (&goStackFlags{HZ: p.hz}).open(name)
	}
	return stacks.Open(name)
}

// settingTexts writes options as a command line has them.
func settingTexts(preset string, settings []engine.Setting) []string {
	var out []string
	if preset != "" {
		out = append(out, "--preset="+preset)
	}
	for _, s := range settings {
		text := "--" + strings.ReplaceAll(s.Name, "_", "-")
		if s.HasValue {
			text += "=" + s.Value
		}
		out = append(out, text)
	}
	return out
}

// stackFolder is what the folder of a stack's traces is called: kernels' by their series.
func stackFolder(name, version string) string {
	if name == "kernel" || name == "auto" {
		if _, number, ok := strings.Cut(version, "Linux "); ok {
			parts := strings.SplitN(number, ".", 3)
			if len(parts) > 1 {
				return "kernel-" + parts[0] + "." + strings.TrimRight(parts[1], ",")
			}
		}
	}
	return strings.NewReplacer(":", "-", string(filepath.Separator), "-", "+", "-").Replace(name)
}
