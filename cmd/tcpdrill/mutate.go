package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"text/tabwriter"

	"github.com/alecthomas/kong"

	"tcpdrill/engine"
	"tcpdrill/engine/gostack"
	"tcpdrill/engine/stacks"
	"tcpdrill/engine/suite"
	"tcpdrill/script"
)

// mutateCommand runs scripts on stacks that have mistakes built in, to learn which
// of them the scripts notice.
type mutateCommand struct {
	Fault     []string `placeholder:"NAME,…" help:"Only these faults; by default all."`
	List      bool     `help:"List the faults and what each does; run nothing."`
	Format    string   `default:"text" enum:"text,markdown" help:"text or markdown."`
	Output    string   `short:"o" placeholder:"FILE" help:"Where the table goes; standard output by default."`
	IPVersion []string `name:"ip-version" placeholder:"V,…" help:"As for run."`
	Preset    string   `placeholder:"kselftest" help:"As for run."`
	Jobs      int      `short:"j" placeholder:"N" help:"Scripts at a time; 0 (the default): one per processor."`
	drillFlags
	Paths []string `arg:"" optional:"" name:"path" help:"Scripts, or folders searched for *.pkt."`
}

// Run runs each script without a fault and then with each of the faults.
func (m *mutateCommand) Run(c *console, k *kong.Context) error {
	faults, err := chooseFaults(m.Fault)
	if err != nil {
		return err
	}
	if m.List {
		w := tabwriter.NewWriter(c.stdout, 0, 8, 2, ' ', 0)
		for _, f := range faults {
			fmt.Fprintf(w, "%s\t%s\n", f.name, f.does)
		}
		return w.Flush()
	}
	if len(m.Paths) == 0 {
		return fmt.Errorf("mutate: want scripts, or folders with scripts")
	}
	rc := &runCommand{IPVersion: m.IPVersion, Preset: m.Preset, drillFlags: m.drillFlags, Paths: m.Paths}
	tasks, err := rc.tasks()
	if err != nil {
		return err
	}
	out, err := c.openOutput(m.Output)
	if err != nil {
		return err
	}
	defer out.close()
	jobs := m.Jobs
	if jobs <= 0 {
		jobs = runtime.NumCPU()
	}
	t := &mutations{faults: faults, versions: len(m.IPVersion) > 1}
	t.rows = mutateAll(c.ctx, rc.runner(k), faults, tasks, min(jobs, len(tasks)))
	if c.ctx.Err() != nil {
		fmt.Fprintf(c.stderr, "tcpdrill: interrupted\n")
		return exitStatus(130)
	}
	if m.Format == "markdown" {
		t.markdown(out)
	} else {
		t.text(out)
	}
	if err := out.close(); err != nil {
		return err
	}
	return t.status()
}

// A fault is a mistake of gostack.
type fault struct {
	gostack.Faults
	name, does string
}

// chooseFaults returns the faults of names, or all if there are none, in the order
// in which gostack lists them.
func chooseFaults(chosen []string) ([]fault, error) {
	if _, err := parseFaults(chosen); err != nil {
		return nil, err
	}
	var faults []fault
	names, does := gostack.FaultList()
	for i, name := range names {
		if len(chosen) > 0 && !slices.Contains(chosen, name) {
			continue
		}
		one, err := gostack.ParseFault(name)
		if err != nil {
			return nil, err
		}
		faults = append(faults, fault{one, name, does[i]})
	}
	return faults, nil
}

// A mutation is what became of a script with each fault.
type mutation struct {
	suite.Task
	plain engine.Verdict   // without a fault
	why   string           // it isn't a pass
	with  []engine.Verdict // by fault; nil if plain isn't a pass
}

// noted reports whether the script notices a fault: whether it says that the stack
// is wrong, or that it can't go on as it is written.
func (m mutation) noted(fault int) bool {
	return m.with[fault] == engine.Fail || m.with[fault] == engine.Error
}

// unknown reports whether nothing can be said of a fault.
func (m mutation) unknown(fault int) bool {
	return m.with[fault] != engine.Pass && !m.noted(fault)
}

// mutateAll runs tasks with all faults, so many at a time.
func mutateAll(ctx context.Context, r *suite.Runner, faults []fault, tasks []suite.Task, jobs int) []mutation {
	rows := make([]mutation, len(tasks))
	var next atomic.Int64
	var lanes sync.WaitGroup
	for range jobs {
		lanes.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(tasks) {
					return
				}
				rows[i] = mutate(ctx, r, faults, tasks[i])
			}
		})
	}
	lanes.Wait()
	return rows
}

// mutate runs a task without a fault and, if it passes, with each one.
func mutate(ctx context.Context, r *suite.Runner, faults []fault, t suite.Task) mutation {
	m := mutation{Task: t}
	on := func(f gostack.Faults) engine.Outcome {
		one, ok := r.One(ctx, &stacks.GoStack{Options: gostack.Options{Faults: f}}, t)
		if !ok {
			return engine.Outcome{} // interrupted: nobody reads it
		}
		return *one.Outcome
	}
	o := on(0)
	m.plain = o.Verdict
	if d := suite.Difference(t.Name, t.Source, script.Stack{Name: "gostack"}); d != nil && o.Verdict == engine.Fail {
		m.plain, m.why = engine.Unsupported, "it differs as expected: "+d.Reason
		return m
	}
	if o.Verdict != engine.Pass {
		if len(o.Failures) > 0 {
			m.why = strings.Join(strings.Fields(o.Failures[0].Summary), " ") // on one line
			if line := o.Failures[0].Line; line > 0 {
				m.why = fmt.Sprintf("line %d: %s", line, m.why)
			}
		}
		return m
	}
	for _, f := range faults {
		m.with = append(m.with, on(f.Faults).Verdict)
	}
	return m
}

// mutations are what is known after all runs.
type mutations struct {
	faults   []fault
	rows     []mutation
	versions bool // a script may have several rows
}

// name is what a row is called.
func (t *mutations) name(m mutation) string {
	if t.versions {
		return fmt.Sprintf("%s (%s)", m.Name, m.Version)
	}
	return m.Name
}

// passed returns the rows of scripts that pass without a fault.
func (t *mutations) passed() []mutation {
	return slices.DeleteFunc(slices.Clone(t.rows), func(m mutation) bool { return m.with == nil })
}

// noted is how many scripts notice a fault.
func (t *mutations) noted(fault int) (n int) {
	for _, m := range t.passed() {
		if m.noted(fault) {
			n++
		}
	}
	return n
}

// unnoticed are the names of the faults that no script notices.
func (t *mutations) unnoticed() (names []string) {
	for i, f := range t.faults {
		if t.noted(i) == 0 {
			names = append(names, f.name)
		}
	}
	return names
}

// text writes the table for a terminal: a letter stands for a fault.
func (t *mutations) text(out io.Writer) {
	passed := t.passed()
	if len(passed) > 0 {
		w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
		var head []string
		for i := range t.faults {
			head = append(head, letter(i))
		}
		fmt.Fprintf(w, "\t%s\n", strings.Join(head, " "))
		for _, m := range passed {
			var cells []string
			for i := range t.faults {
				cells = append(cells, m.mark(i, "."))
			}
			fmt.Fprintf(w, "%s\t%s\n", t.name(m), strings.Join(cells, " "))
		}
		w.Flush()
		fmt.Fprintln(out)
		w = tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
		fmt.Fprintf(w, "\tFAULT\tNOTICED BY\tWHAT IT DOES\n")
		for i, f := range t.faults {
			fmt.Fprintf(w, "%s\t%s\t%d of %d\t%s\n", letter(i), f.name, t.noted(i), len(passed), f.does)
		}
		w.Flush()
		fmt.Fprintf(out, "\n%s\n", t.summary())
	}
	if len(passed) < len(t.rows) {
		if len(passed) > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintln(out, leftOut)
		for _, m := range t.rows {
			if m.with == nil {
				fmt.Fprintf(out, "  %s: %s: %s\n", t.name(m), m.plain, m.why)
			}
		}
	}
}

const leftOut = "Left out, since they don't pass on gostack without a fault:"

// markdown writes the table for a page.
func (t *mutations) markdown(out io.Writer) {
	passed := t.passed()
	if len(passed) > 0 {
		head, line := "| script |", "|---|"
		for _, f := range t.faults {
			head += " " + f.name + " |"
			line += "---|"
		}
		fmt.Fprintf(out, "%s\n%s\n", head, line)
		for _, m := range passed {
			row := "| " + t.name(m) + " |"
			for i := range t.faults {
				row += " " + m.mark(i, " ") + " |"
			}
			fmt.Fprintln(out, row)
		}
		fmt.Fprintf(out, "\n| fault | what it does | noticed by |\n|---|---|---|\n")
		for i, f := range t.faults {
			fmt.Fprintf(out, "| %s | %s | %d of %d |\n", f.name, f.does, t.noted(i), len(passed))
		}
		fmt.Fprintf(out, "\n%s\n", t.summary())
	}
	if len(passed) < len(t.rows) {
		fmt.Fprintf(out, "\n%s\n\n", leftOut)
		for _, m := range t.rows {
			if m.with == nil {
				fmt.Fprintf(out, "- %s: %s: %s\n", t.name(m), m.plain, m.why)
			}
		}
	}
}

// summary says which faults nobody noticed.
func (t *mutations) summary() string {
	s := "Each fault is noticed by a script."
	if none := t.unnoticed(); len(none) > 0 {
		s = "No script notices: " + strings.Join(none, ", ")
	}
	for _, m := range t.passed() {
		for i, f := range t.faults {
			if m.unknown(i) {
				s += fmt.Sprintf("\n? Nothing can be said of %s with %s: %s", t.name(m), f.name, m.with[i])
			}
		}
	}
	return s
}

// status is the exit status: a fault that no script notices counts as a failure.
func (t *mutations) status() error {
	n := map[engine.Verdict]int{}
	for _, m := range t.rows {
		n[m.plain]++
	}
	switch {
	case n[engine.Error] > 0:
		return exitStatus(exitError)
	case n[engine.Fail] > 0, n[engine.Pass] > 0 && len(t.unnoticed()) > 0:
		return exitStatus(exitFail)
	case n[engine.Inconclusive] > 0:
		return exitStatus(exitInconclusive)
	case n[engine.Pass] == 0:
		return exitStatus(exitNothing)
	}
	return nil
}

// letter is the sign of the fault with a number.
func letter(i int) string {
	return string("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[i%52])
}

// mark is what stands in the table for a script and a fault.
func (m mutation) mark(fault int, no string) string {
	switch {
	case m.noted(fault):
		return "x"
	case m.unknown(fault):
		return "?"
	}
	return no
}
