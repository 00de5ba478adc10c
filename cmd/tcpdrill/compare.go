package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"tcpdrill/engine"
	"tcpdrill/engine/report"
	"tcpdrill/golden"
)

// compareCommand plays scripts to several stacks and says where they part.
type compareCommand struct {
	Stack     []string      `placeholder:"NAME" sep:"none" help:"A stack, or a recording: a .trace file or a folder of them. Give it once for each; the first is the reference."`
	IPVersion []string      `name:"ip-version" placeholder:"V,…" help:"As for run."`
	Preset    string        `placeholder:"kselftest" help:"As for run."`
	Ignore    []string      `placeholder:"WHAT,…" help:"What doesn't count as a difference: ${whats}."`
	Format    string        `default:"text" enum:"text,markdown,jsonl" help:"text, markdown or jsonl."`
	Output    string        `short:"o" placeholder:"FILE" help:"Where the table goes; standard output by default."`
	HTML      string        `name:"html" placeholder:"FILE" help:"Write a page with what differs, charts and traces, too."`
	Only      string        `enum:",different" default:"" placeholder:"different" help:"different: leave out scripts on which all stacks agree."`
	Causes    bool          `help:"Say, too, of how many segments it is known why they were sent, and how often stacks agree in that. With --format=text."`
	Verbose   bool          `short:"v" help:"Show the traces side by side, of scripts on which stacks differ."`
	Jobs      int           `short:"j" placeholder:"N" help:"As for run."`
	Timeout   time.Duration `placeholder:"DURATION" help:"As for run (180s): a call of a script that has gone wrong may never return."`
	HZ        int           `name:"hz" placeholder:"N" help:"Frequency of gostack's timer: 100, 250 or 1000 (the default)."`
	functionsFlag
	drillFlags
	Paths []string `arg:"" name:"path" help:"Scripts, folders searched for *.pkt, or .trace files to compare with the first of them."`
}

// Run plays all scripts to all stacks, one stack after the other.
func (cc *compareCommand) Run(c *console, k *kong.Context) error {
	opt, err := cc.options()
	if err != nil {
		return err
	}
	stop, err := cc.functionsFlag.start(cc.Stack...)
	if err != nil {
		return err
	}
	defer stop()
	out, err := c.openOutput(cc.Output)
	if err != nil {
		return err
	}
	defer out.close()
	page := &output{}
	if cc.HTML != "" {
		if page, err = c.openOutput(cc.HTML); err != nil {
			return err
		}
		defer page.close()
	}
	results, err := cc.results(c, k, opt)
	var stopped *interruption
	if err != nil && !errors.As(err, &stopped) {
		return err
	}
	if err := cc.write(out, results); err != nil {
		return err
	}
	if cc.HTML != "" {
		told := results
		if cc.Only == "different" {
			told = slices.DeleteFunc(slices.Clone(results), func(r golden.Result) bool { return r.Agree() })
		}
		report.CompareHTML(page, told, opt)
	}
	for _, o := range []*output{out, page} {
		if err := o.close(); err != nil {
			return err
		}
	}
	if stopped != nil {
		return stopped.say(c)
	}
	return compareStatus(results)
}

// results compares what there is to be compared.
func (cc *compareCommand) results(c *console, k *kong.Context, opt golden.Options) ([]golden.Result, error) {
	traces := 0
	for _, p := range cc.Paths {
		if strings.HasSuffix(p, golden.Ext) {
			traces++
		}
	}
	switch {
	case traces > 0 && (traces < len(cc.Paths) || len(cc.Stack) > 0 || traces < 2):
		return nil, fmt.Errorf("compare: want two or more %s files and no --stack, or scripts; a recording stands for a stack with --stack=FILE%s", golden.Ext, golden.Ext)
	case traces > 0:
		return compareFiles(cc.Paths, opt)
	case len(cc.Stack) < 2:
		return nil, fmt.Errorf("compare: want --stack two times or more, the reference first")
	}
	return cc.live(c, k, opt)
}

// options checks what isn't to count.
func (cc *compareCommand) options() (golden.Options, error) {
	var opt golden.Options
	for _, name := range cc.Ignore {
		w := golden.What(name)
		if !slices.Contains(golden.Whats, w) {
			return opt, fmt.Errorf("--ignore: want some of %s, got %s", whats(), name)
		}
		opt.Ignore = append(opt.Ignore, w)
	}
	return opt, nil
}

// whats lists what stacks can differ in.
func whats() string {
	var names []string
	for _, w := range golden.Whats {
		names = append(names, string(w))
	}
	return strings.Join(names, ", ")
}

// compareFiles compares recorded traces with the first.
func compareFiles(files []string, opt golden.Options) ([]golden.Result, error) {
	var runs []golden.StackResult
	for _, f := range files {
		t, err := golden.Load(f)
		if err != nil {
			return nil, err
		}
		runs = append(runs, golden.StackResult{Stack: t.Stack, Verdict: t.Verdict, Why: t.Why, Trace: t})
	}
	first := runs[0].Trace
	for i := range runs {
		for j := range i {
			if runs[i].Stack == runs[j].Stack {
				runs[i].Stack = files[i] // of the same stack at another time
				runs[i].Trace.Stack = files[i]
			}
		}
	}
	return []golden.Result{golden.NewResult(first.Script, first.IPVersion, runs, opt)}, nil
}

// live plays the scripts.
func (cc *compareCommand) live(c *console, k *kong.Context, opt golden.Options) ([]golden.Result, error) {
	p := &player{
		console: c, jobs: cc.Jobs, hz: cc.HZ,
		rc: &runCommand{IPVersion: cc.IPVersion, Preset: cc.Preset, drillFlags: cc.drillFlags, Paths: cc.Paths},
		k:  k,
	}
	tasks, err := p.rc.tasks()
	if err != nil {
		return nil, err
	}
	runs := make([][]golden.StackResult, len(tasks))
	var stopped *interruption
	for _, name := range cc.Stack {
		one, err := p.play(name, tasks)
		if err != nil && !errors.As(err, &stopped) {
			return nil, err
		}
		for i := range tasks {
			tellApart(runs[i], &one[i], name)
			runs[i] = append(runs[i], one[i])
		}
		if stopped != nil {
			break
		}
	}
	var results []golden.Result
	for i, t := range tasks {
		// Of an interrupted comparison there is what more than one stack has done.
		if n := len(runs[i]); stopped != nil && (n < 2 || runs[i][n-1].Trace == nil) {
			continue
		}
		results = append(results, golden.NewResult(t.Name, t.Version, runs[i], opt))
	}
	if stopped != nil {
		return results, stopped
	}
	return results, nil
}

// tellApart calls a stack by what it was asked for as, if another is called the same: one
// of both is a recording.
func tellApart(before []golden.StackResult, s *golden.StackResult, as string) {
	if !slices.ContainsFunc(before, func(b golden.StackResult) bool { return b.Stack == s.Stack }) {
		return
	}
	s.Stack = as
	if s.Trace != nil {
		t := *s.Trace
		t.Stack = as
		s.Trace = &t
	}
}

// write writes the table.
func (cc *compareCommand) write(out *output, results []golden.Result) error {
	opt := golden.TextOptions{Verbose: cc.Verbose, Versions: len(cc.IPVersion) > 1, Different: cc.Only == "different"}
	switch cc.Format {
	case "jsonl":
		return golden.JSONL(out, results)
	case "markdown":
		golden.Markdown(out, results, opt)
	default:
		golden.Text(out, results, opt)
		if cc.Causes {
			golden.CausesText(out, results)
		}
	}
	return nil
}

// compareStatus is 0 if all agree, 1 if not, and says if nothing could be compared.
func compareStatus(results []golden.Result) error {
	compared, errors, inconclusive := false, false, false
	for _, r := range results {
		if !r.Agree() {
			return exitStatus(exitFail)
		}
		compared = compared || r.Compared()
		for _, s := range r.Stacks {
			errors = errors || s.Verdict == engine.Error
			inconclusive = inconclusive || s.Verdict == engine.Inconclusive
		}
	}
	switch {
	case errors:
		return exitStatus(exitError)
	case inconclusive:
		return exitStatus(exitInconclusive)
	case !compared:
		return exitStatus(exitNothing)
	}
	return nil
}
