package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"tcpdrill/engine"
	"tcpdrill/engine/report"
	"tcpdrill/engine/suite"
	"tcpdrill/golden"
)

// goldenCommand keeps what stacks did, and says later what they do otherwise.
type goldenCommand struct {
	Record goldenRecord `cmd:"" help:"Write what a stack does with scripts, a file each."`
	Check  goldenCheck  `cmd:"" help:"Play the scripts of recorded traces again and say what changed."`
}

type goldenRecord struct {
	Stack     string        `default:"auto" placeholder:"NAME" help:"As for run."`
	Dir       string        `default:"golden/traces" placeholder:"DIR" help:"Where the traces go, in a folder for each stack (golden/traces)."`
	IPVersion []string      `name:"ip-version" placeholder:"V,…" help:"As for run."`
	Preset    string        `placeholder:"kselftest" help:"As for run."`
	Jobs      int           `short:"j" placeholder:"N" help:"As for run."`
	Timeout   time.Duration `placeholder:"DURATION" help:"As for run (180s)."`
	drillFlags
	Paths []string `arg:"" name:"path" help:"Scripts, or folders searched for *.pkt."`
}

// Run records.
func (g *goldenRecord) Run(c *console, k *kong.Context) error {
	p := &player{
		console: c, jobs: g.Jobs, k: k,
		rc: &runCommand{IPVersion: g.IPVersion, Preset: g.Preset, drillFlags: g.drillFlags, Paths: g.Paths},
	}
	tasks, err := p.rc.tasks()
	if err != nil {
		return err
	}
	name := g.Stack
	traces, err := p.traces(name, tasks)
	var stopped *interruption
	if err != nil && !errors.As(err, &stopped) {
		return err
	}
	written, same := 0, 0
	tally := report.Tally{}
	for _, t := range traces {
		if t == nil {
			continue // interrupted
		}
		tally[t.Verdict]++
		if t.Verdict != engine.Pass && t.Verdict != engine.Fail {
			fmt.Fprintf(c.stderr, "tcpdrill: %s: not recorded: %s: %s\n", t.Script, t.Verdict, t.Why)
			continue
		}
		file := filepath.Join(g.Dir, stackFolder(t.Stack, t.Version), filepath.FromSlash(golden.Name(t.Script, t.IPVersion)))
		if old, err := golden.Load(file); err == nil {
			t = golden.Renew(old, t)
		} else if !errors.Is(err, os.ErrNotExist) {
			fmt.Fprintf(c.stderr, "tcpdrill: recorded anew: %v\n", err)
		}
		changed, err := golden.Save(file, t)
		if err != nil {
			return err
		}
		if changed {
			written++
			fmt.Fprintln(c.stdout, file)
		} else {
			same++
		}
	}
	fmt.Fprintf(c.stdout, "%d written, %d as they were\n", written, same)
	if stopped != nil {
		return stopped.say(c)
	}
	delete(tally, engine.Fail) // a script that fails is recorded like others
	if written+same > 0 {
		tally[engine.Pass]++
	}
	return status(tally)
}

type goldenCheck struct {
	Verbose bool     `short:"v" help:"Show the traces side by side where they differ."`
	Jobs    int      `short:"j" placeholder:"N" help:"As for run."`
	Paths   []string `arg:"" name:"path" help:"Traces, or folders searched for *.trace."`
}

// A checked trace is what was recorded and what there is now.
type checkedTrace struct {
	file     string
	recorded *golden.Trace
	now      *golden.Trace
}

// Run checks.
func (g *goldenCheck) Run(c *console) error {
	files, err := golden.Find(g.Paths, golden.Ext)
	if err != nil {
		return err
	}
	var all []*checkedTrace
	for _, f := range files {
		t, err := golden.Load(f)
		if err != nil {
			return err
		}
		all = append(all, &checkedTrace{file: f, recorded: t})
	}
	if err := g.play(c, all, g.Jobs); err != nil {
		return err
	}
	again, err := g.playAgain(c, all)
	if err != nil {
		return err
	}
	tally := report.Tally{}
	findings := 0
	for _, t := range all {
		v := g.say(c, t)
		if v == "" {
			findings++
			v = engine.Pass
		}
		tally[v]++
	}
	fmt.Fprintf(c.stdout, "%d traces: %d as recorded", len(all), tally[engine.Pass]-findings)
	for _, n := range []struct {
		n    int
		text string
	}{
		{tally[engine.Fail], "changed"},
		{findings, "of another series of the kernel"},
		{tally[engine.Error], "with errors"},
		{tally[engine.Inconclusive], "inconclusive"},
		{tally[engine.Unsupported], "that can't be played here"},
	} {
		if n.n > 0 {
			fmt.Fprintf(c.stdout, ", %d %s", n.n, n.text)
		}
	}
	fmt.Fprintln(c.stdout)
	if again > 0 {
		fmt.Fprintf(c.stdout, "%d played again, since only times differed and the machine may have been late\n", again)
	}
	return status(tally)
}

// tries is how often a script is played again, one at a time, of which only times differ
// on a stack in real time. Verdicts allow for a late machine, traces can't.
const tries = 3

// playAgain plays those scripts again, and returns how many there were.
func (g *goldenCheck) playAgain(c *console, all []*checkedTrace) (int, error) {
	late := func(t *checkedTrace) bool {
		if t.now.Verdict != engine.Pass && t.now.Verdict != engine.Fail {
			return false
		}
		d := golden.Check(t.recorded, t.now).Differences
		return !t.now.Virtual && len(d) > 0 && !slices.ContainsFunc(d, func(d golden.Difference) bool {
			return d.What != golden.Times && d.What != golden.TS
		})
	}
	some := slices.DeleteFunc(slices.Clone(all), func(t *checkedTrace) bool { return !late(t) })
	n := len(some)
	for range tries {
		if len(some) == 0 {
			break
		}
		if err := g.play(c, some, 1); err != nil {
			return n, err
		}
		some = slices.DeleteFunc(some, func(t *checkedTrace) bool { return !late(t) })
	}
	return n, nil
}

// play plays the scripts again: those of a stack with the same options together.
func (g *goldenCheck) play(c *console, all []*checkedTrace, jobs int) error {
	groups := map[string][]*checkedTrace{}
	var order []string
	for _, t := range all {
		key := t.recorded.Stack + "\n" + strings.Join(t.recorded.Settings, "\n")
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], t)
	}
	for _, key := range order {
		var stopped *interruption
		switch err := playGroup(c, groups[key], jobs); {
		case errors.As(err, &stopped):
			return stopped.say(c)
		case err != nil: // the others can be checked all the same
			for _, t := range groups[key] {
				t.now = &golden.Trace{Verdict: engine.Error, Why: err.Error()}
			}
		}
	}
	return nil
}

// playGroup plays scripts of one stack again. A script that isn't there any more is an
// error of its own.
func playGroup(c *console, group []*checkedTrace, jobs int) error {
	first := group[0].recorded
	p, err := playerFor(c, first.Settings)
	if err != nil {
		return err
	}
	p.jobs = jobs
	var tasks []suite.Task
	var of []*checkedTrace
	for _, t := range group {
		src, err := os.ReadFile(t.recorded.Script)
		if err != nil {
			t.now = &golden.Trace{Verdict: engine.Error, Why: "its script: " + err.Error()}
			continue
		}
		tasks = append(tasks, suite.Task{Name: t.recorded.Script, Source: src, Version: t.recorded.IPVersion})
		of = append(of, t)
	}
	traces, err := p.traces(first.Stack, tasks)
	if err != nil {
		return err
	}
	for i, t := range traces {
		of[i].now = t
	}
	return nil
}

// say says what changed, and returns it as a verdict; "" for a finding: what another
// series of the kernel does otherwise.
func (g *goldenCheck) say(c *console, t *checkedTrace) engine.Verdict {
	now := t.now
	if now.Verdict != engine.Pass && now.Verdict != engine.Fail {
		fmt.Fprintf(c.stdout, "%s: %s: %s\n", t.file, now.Verdict, now.Why)
		return now.Verdict
	}
	diff := golden.Check(t.recorded, now)
	if diff.Agree() {
		return engine.Pass
	}
	same := golden.SameSeries(t.recorded, now)
	if same {
		fmt.Fprintf(c.stdout, "%s: %s does something else than recorded\n", t.file, now.Stack)
	} else {
		fmt.Fprintf(c.stdout, "%s: recorded on %s; %s does something else\n", t.file, t.recorded.Version, now.Version)
	}
	for _, line := range golden.Brief(diff.Differences) {
		fmt.Fprintf(c.stdout, "    %s\n", line)
	}
	if g.Verbose {
		golden.SideBySide(c.stdout, diff)
	}
	if !same {
		return ""
	}
	return engine.Fail
}

// playerFor returns a player with the options that a trace was recorded with.
func playerFor(c *console, settings []string) (*player, error) {
	var cli struct {
		Run runCommand `cmd:""`
	}
	parser, err := kong.New(&cli, kong.Exit(func(int) {}))
	if err != nil {
		return nil, err
	}
	args := append([]string{"run"}, slices.Clone(settings)...)
	k, err := parser.Parse(append(args, "unused.pkt"))
	if err != nil {
		return nil, fmt.Errorf("its options: %w", err)
	}
	return &player{console: c, rc: &cli.Run, k: k}, nil
}
