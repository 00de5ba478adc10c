package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/alecthomas/kong"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/kernel/kernelstack"
	"tcpdrill/engine/report"
	"tcpdrill/script"
)

// drillFlags are packetdrill's options under their names with dashes. They
// reach the engine by name, so their values are checked in one place; the
// fields exist for kong to fill.
type drillFlags struct {
	TolerancePercent string   `placeholder:"PERCENT" help:"Tolerance as a part of the time since the event before (12.5)." group:"Script options"`
	ToleranceUsecs   string   `placeholder:"USECS" help:"Tolerance of times in microseconds (4000)." group:"Script options"`
	StrictSegments   bool     `help:"Don't glue segments up to the script's length." group:"Script options"`
	WireSegments     bool     `help:"Check segments as the wire would carry them, each super-segment cut." group:"Script options"`
	NonFatal         string   `placeholder:"packet,syscall" help:"Mismatches that only warn." group:"Script options"`
	BindPort         string   `placeholder:"PORT" help:"Local port of bind() (8080)." group:"Script options"`
	ConnectPort      string   `placeholder:"PORT" help:"Remote port of connect() (8080)." group:"Script options"`
	LocalIp          string   `placeholder:"ADDR" help:"Address of the stack under test." group:"Script options"`
	GatewayIp        string   `placeholder:"ADDR" help:"Next hop to the remote address." group:"Script options"`
	NetmaskIp        string   `placeholder:"MASK" help:"Mask of the local IPv4 network." group:"Script options"`
	RemoteIp         string   `placeholder:"ADDR[/LEN]" help:"Address of the other end." group:"Script options"`
	Mtu              string   `placeholder:"BYTES" help:"MTU of the device." group:"Script options"`
	Mss              string   `placeholder:"BYTES" help:"gso_size of injected segments." group:"Script options"`
	Speed            string   `placeholder:"MBPS" help:"Speed of the device." group:"Script options"`
	InitScripts      string   `placeholder:"FILE,…" help:"Commands to run before the script." group:"Script options"`
	TcpTsEcrScaled   bool     `help:"Interpolate timestamp echoes that no sent value matches." group:"Script options"`
	TcpTsTickUsecs   string   `placeholder:"USECS" help:"Microseconds per timestamp tick; 0: unchecked." group:"Script options"`
	IsAnyip          bool     `help:"The local address is on no device." group:"Script options"`
	SendOmitFree     bool     `help:"Accepted; what is sent is never freed early." group:"Script options"`
	CodeCommand      string   `placeholder:"COMMAND" help:"Python for code that isn't evaluated in process (python3)." group:"Script options"`
	CodeFormat       string   `placeholder:"python" help:"Language of code blocks." group:"Script options"`
	CodeSockopt      string   `placeholder:"OPTION" help:"Socket option that code blocks are about; found by itself." group:"Script options"`
	Define           []string `short:"D" sep:"none" placeholder:"SYMBOL=VALUE" help:"Give a symbol of the scripts a value." group:"Script options"`
	DryRun           bool     `help:"Parse and check only." group:"Script options"`
	Debug            bool     `hidden:""`
}

type runCommand struct {
	Stack     string        `default:"auto" placeholder:"NAME" help:"Stack to drill: auto (the kernel if it can be, else gostack), kernel, gostack, uml:KERNEL (its name or path)."`
	IPVersion []string      `name:"ip-version" placeholder:"V,…" help:"ipv4, ipv6, ipv4-mapped-ipv6, or several; by default what the script is for, ipv4 if that is no matter."`
	Preset    string        `placeholder:"kselftest" help:"What packetdrill's run_all.py and the kernel's ksft_runner.sh pass."`
	Capture   string        `placeholder:"copy|packet" help:"copy (the default): copy on transmit; packet: clones stay pinned."`
	Format    string        `default:"text" enum:"text,jsonl" help:"text or jsonl."`
	Output    string        `short:"o" placeholder:"FILE" help:"Where the results go; standard output by default."`
	NoExec    bool          `help:"Run no real programs for the scripts' commands."`
	KeepGoing bool          `short:"k" help:"Record what follows a mismatch too."`
	Timeout   time.Duration `placeholder:"DURATION" help:"End a script after this much time (180s); 0: never."`
	Jobs      int           `short:"j" placeholder:"N" help:"Scripts at a time on stacks in virtual time; 0 (the default): one per processor."`
	Reruns    int           `default:"3" placeholder:"N" help:"Run an inconclusive script up to N times again (3)."`
	Verbose   bool          `short:"v" help:"Show each script's whole timeline."`
	goStackFlags
	drillFlags
	Paths []string `arg:"" name:"path" help:"Scripts, or folders searched for *.pkt."`
}

// Run runs all scripts in all IP versions asked for.
func (rc *runCommand) Run(c *console, k *kong.Context) error {
	tasks, err := rc.tasks()
	if err != nil {
		return err
	}
	out, err := c.openOutput(rc.Output)
	if err != nil {
		return err
	}
	defer out.close()
	lanes, err := rc.openLanes(c.ctx, len(tasks))
	if err != nil {
		return err
	}
	s := &suite{rc: rc, console: c, lanes: lanes, virtual: lanes[0].Virtual(), settings: rc.settings(k), started: time.Now()}
	switch rc.Format {
	case "jsonl":
		s.writer = &jsonlWriter{w: out}
	default:
		s.writer = &textWriter{w: out, verbose: rc.Verbose}
	}
	interrupted := s.runAll(tasks)
	s.writer.end(s)
	if err := out.close(); err != nil {
		return err
	}
	if interrupted != "" {
		fmt.Fprintf(c.stderr, "tcpdrill: interrupted at %s\n", interrupted)
		return exitStatus(130)
	}
	return s.status()
}

// tasks are all scripts in all IP versions asked for.
func (rc *runCommand) tasks() ([]task, error) {
	files, err := findScripts(rc.Paths)
	if err != nil {
		return nil, err
	}
	versions, err := rc.versions()
	if err != nil {
		return nil, err
	}
	var tasks []task
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for _, v := range versionsOf(name, src, versions) {
			tasks = append(tasks, task{name, src, v})
		}
	}
	return tasks, nil
}

// openLanes opens as many stacks as scripts are to run at a time, of so many. If
// the stack can't be drilled, the first script that needs it says so.
func (rc *runCommand) openLanes(ctx context.Context, tasks int) (lanes []stack, err error) {
	if rc.Jobs < 0 {
		return nil, fmt.Errorf("-j %d: want a number, 0 for as many as can run without being late", rc.Jobs)
	}
	first, err := rc.open(rc.Stack)
	if first == nil {
		return nil, err
	}
	lanes = append(lanes, first)
	defer func() {
		if err != nil {
			for _, st := range lanes {
				st.Close()
			}
		}
	}()
	n := min(rc.Jobs, tasks)
	switch {
	case rc.Jobs == 0 && tasks > 1:
		n = 1
		if first.Ready(ctx) == nil && first.Virtual() {
			n = min(runtime.NumCPU(), tasks)
		}
	case n > 1 && (first.Ready(ctx) != nil || !first.Virtual()):
		return nil, fmt.Errorf("-j %d: in real time scripts run one at a time; in virtual time (--stack=gostack or uml:…) as many as you like", rc.Jobs)
	}
	for len(lanes) < n {
		if a, ok := first.(*autoStack); ok {
			lanes = append(lanes, a.another())
			continue
		}
		st, err := rc.open(rc.Stack)
		if st == nil {
			return nil, err
		}
		lanes = append(lanes, st)
	}
	return lanes, nil
}

// versions returns the IP versions asked for, none if none was.
func (rc *runCommand) versions() ([]engine.IPVersion, error) {
	var out []engine.IPVersion
	for _, v := range rc.IPVersion {
		switch iv := engine.IPVersion(v); iv {
		case engine.IPv4, engine.IPv6, engine.IPv4MappedV6:
			out = append(out, iv)
		default:
			return nil, fmt.Errorf("--ip-version: want ipv4, ipv6 or ipv4-mapped-ipv6, got %s", v)
		}
	}
	return out, nil
}

// settings are packetdrill's options among the flags given, in the order of
// their definition, -D first.
func (rc *runCommand) settings(k *kong.Context) []engine.Setting {
	var out []engine.Setting
	for _, d := range rc.Define {
		out = append(out, engine.Setting{Name: "define", Value: d, HasValue: true})
	}
	for _, f := range k.Flags() {
		name := strings.ReplaceAll(f.Name, "-", "_")
		takes, known := engine.TakesValue(name)
		if !known || !f.Set || name == "define" || name == "ip_version" {
			continue
		}
		s := engine.Setting{Name: name, HasValue: takes}
		if takes {
			s.Value = fmt.Sprint(f.Target.Interface())
		} else if on, ok := f.Target.Interface().(bool); ok && !on {
			continue
		}
		out = append(out, s)
	}
	return out
}

// versionsOf returns in which of the IP versions asked for a script runs, or in
// which it runs if none was. Names that end in v4.pkt and v6.pkt and a script's
// own --ip_version say what it is for.
func versionsOf(name string, src []byte, asked []engine.IPVersion) []engine.IPVersion {
	own := ownVersion(name, src)
	v4, v6 := strings.HasSuffix(name, "v4.pkt"), strings.HasSuffix(name, "v6.pkt")
	switch {
	case len(asked) > 0:
	case own != "":
		return []engine.IPVersion{own}
	case v6:
		return []engine.IPVersion{engine.IPv6}
	default:
		return []engine.IPVersion{engine.IPv4}
	}
	var out []engine.IPVersion
	for _, v := range asked {
		if v4 && v == engine.IPv6 || v6 && v != engine.IPv6 || own != "" && own != v {
			continue
		}
		out = append(out, v)
	}
	return out
}

// ownVersion returns what a script sets --ip_version to, "" if nothing.
func ownVersion(name string, src []byte) engine.IPVersion {
	if !strings.Contains(string(src), "--ip_version") {
		return ""
	}
	s, err := script.Parse(name, src, nil)
	if err != nil {
		return "" // the run will say so
	}
	for _, o := range s.Options {
		if o.Name == "ip_version" {
			return engine.IPVersion(o.Value)
		}
	}
	return ""
}

// A suite is a run of several scripts.
type suite struct {
	rc       *runCommand
	console  *console
	lanes    []stack // each runs one script at a time
	virtual  bool    // the time of the first is, as far as is known before
	settings []engine.Setting
	writer   resultWriter
	counts   map[engine.Verdict]int
	started  time.Time
	noted    sync.Once // what is to be said of the stack
}

// A task is a script to run in one IP version.
type task struct {
	name    string
	src     []byte
	version engine.IPVersion
}

// A result is a script's outcome in one IP version.
type result struct {
	report.Run
	seconds float64 // spent
	virtual bool    // the stack's time is
	reruns  int     // of a run that was inconclusive
}

// A resultWriter writes results as they come.
type resultWriter interface {
	result(r result)
	end(s *suite)
}

// unavailable says that the stack can't be drilled here.
type unavailable struct{ error }

// runAll runs all scripts and writes their results in order. If it is
// interrupted, it returns the name of the first script that has no result.
func (s *suite) runAll(tasks []task) (interrupted string) {
	results := make([]chan result, len(tasks))
	for i := range results {
		results[i] = make(chan result, 1)
	}
	var next atomic.Int64
	var lanes sync.WaitGroup
	for _, st := range s.lanes {
		lanes.Go(func() {
			defer st.Close()
			l := &lane{suite: s, stack: st}
			for {
				i := int(next.Add(1)) - 1
				if i >= len(tasks) {
					return
				}
				if s.console.ctx.Err() == nil {
					if r, ok := l.run(tasks[i]); ok {
						results[i] <- r
					}
				}
				close(results[i])
			}
		})
	}
	s.counts = map[engine.Verdict]int{}
	for i, c := range results {
		r, ok := <-c
		switch {
		case ok && interrupted == "":
			s.counts[r.Outcome.Verdict]++
			s.writer.result(r)
		case interrupted == "":
			interrupted = tasks[i].name
		}
	}
	lanes.Wait()
	return interrupted
}

// A lane runs one script after the other.
type lane struct {
	*suite
	stack   stack
	drilled bool // the stack could be, so far
}

// run runs one script in one IP version, and reports whether there is a result:
// not if it was interrupted.
func (l *lane) run(t task) (r result, ok bool) {
	began := time.Now()
	settings := []engine.Setting{{Name: "ip_version", Value: string(t.version), HasValue: true}}
	preset, err := presetSettings(l.rc.Preset, t.version)
	var o *engine.Outcome
	reruns := 0
	if err == nil {
		// What the command line says wins over the preset.
		job := drill.NewJob(t.name, t.src, slices.Concat(settings, preset, l.settings))
		job.Defaults = []engine.Setting{{Name: "timeout", Value: "180s", HasValue: true}}
		o, err = l.outcome(job)
		// In virtual time nothing is late, and the same would come out again.
		for err == nil && o.Verdict == engine.Inconclusive && reruns < l.rc.Reruns && !l.stack.Virtual() {
			reruns++
			o, err = l.outcome(job)
		}
	}
	var none *unavailable
	switch {
	case l.console.ctx.Err() != nil:
		return r, false
	case errors.As(err, &none) && l.drilled:
		// It could before: the machine is short of something.
		o = failed(err, engine.Inconclusive)
	case errors.As(err, &none):
		o = failed(fmt.Errorf("nothing can be drilled here: %w", err), engine.Unsupported)
	case err != nil:
		o = drill.Failed(err)
	}
	return result{
		Run:     report.Run{Script: t.name, Source: t.src, Stack: l.stack.Name(), IPVersion: t.version, Outcome: o},
		seconds: time.Since(began).Seconds(),
		// Of a script that didn't come to be run the stack may not know yet.
		virtual: l.virtual || l.stack.Virtual(),
		reruns:  reruns,
	}, true
}

// failed is the outcome of a script that could not be run.
func failed(err error, v engine.Verdict) *engine.Outcome {
	o := drill.Failed(err)
	o.Verdict, o.Failures[0].Verdict = v, v
	return o
}

func (l *lane) outcome(job *drill.Job) (*engine.Outcome, error) {
	_, cfg, err := job.Load()
	if err != nil {
		return nil, err
	}
	if cfg.DryRun {
		return &engine.Outcome{Verdict: engine.Pass}, nil
	}
	if err := l.stack.Ready(l.console.ctx); err != nil {
		return nil, &unavailable{err}
	}
	l.drilled = true
	if note := l.stack.Note(); note != "" {
		l.noted.Do(func() { fmt.Fprintf(l.console.stderr, "tcpdrill: %s: %s\n", l.stack.Name(), note) })
	}
	ctx := l.console.ctx
	if cfg.Timeout > 0 && !l.stack.Virtual() {
		// The run ends by itself before that.
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, cfg.Timeout+2*kernelstack.StuckAfter)
		defer cancel()
	}
	o, err := l.stack.Run(ctx, job)
	if errors.Is(err, context.DeadlineExceeded) {
		return engine.GivenUp(cfg.Timeout), nil
	}
	return o, err
}

// status is the exit status of the whole.
func (s *suite) status() error {
	n := func(v engine.Verdict) int { return s.counts[v] }
	switch {
	case n(engine.Error) > 0:
		return exitStatus(exitError)
	case n(engine.Fail) > 0:
		return exitStatus(exitFail)
	case n(engine.Inconclusive) > 0:
		return exitStatus(exitInconclusive)
	case n(engine.Pass) == 0:
		return exitStatus(exitNothing)
	}
	return nil
}

// A textWriter writes results for people.
type textWriter struct {
	w       io.Writer
	verbose bool
}

func (t *textWriter) result(r result) {
	word := map[engine.Verdict]string{
		engine.Pass: "ok", engine.Fail: "FAIL", engine.Error: "ERROR",
		engine.Unsupported: "skip", engine.Inconclusive: "inconclusive",
	}[r.Outcome.Verdict]
	again := ""
	if r.reruns > 0 {
		again = fmt.Sprintf(", run %d times: the harness was late", r.reruns+1)
	}
	spent := fmt.Sprintf("%.2f s", r.seconds)
	if r.virtual {
		// What it took of the machine's time is no property of the script.
		spent = fmt.Sprintf("%.2f s of virtual time", r.Outcome.Duration.Seconds())
	}
	fmt.Fprintf(t.w, "%-5s %s (%s, %s) %s%s\n", word, r.Script, r.Stack, r.IPVersion, spent, again)
	switch {
	case r.Outcome.Verdict != engine.Pass:
		report.Failure(t.w, r.Run, t.verbose)
	case t.verbose:
		report.Pass(t.w, r.Run)
	default:
		report.Warnings(t.w, r.Run)
	}
}

func (t *textWriter) end(s *suite) {
	total := 0
	for _, n := range s.counts {
		total += n
	}
	var parts []string
	for _, p := range []struct {
		v    engine.Verdict
		word string
	}{{engine.Pass, "passed"}, {engine.Fail, "failed"}, {engine.Error, "with errors"}, {engine.Inconclusive, "inconclusive"}, {engine.Unsupported, "unsupported"}} {
		if n := s.counts[p.v]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, p.word))
		}
	}
	summary := fmt.Sprintf("%d run in %.1f s", total, time.Since(s.started).Seconds())
	if len(parts) > 0 {
		summary += ": " + strings.Join(parts, ", ")
	}
	fmt.Fprintln(t.w, summary)
}
