package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"tcpdrill/engine"
	"tcpdrill/engine/report"
	"tcpdrill/engine/stacks"
	"tcpdrill/engine/suite"
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
	Stack     string        `default:"auto" placeholder:"NAME" help:"Stack to drill: auto (the kernel if it can be, else gostack), kernel, gostack, netstack, uml:KERNEL (its name or path), passt, slirp (or passt:PROGRAM)."`
	IPVersion []string      `name:"ip-version" placeholder:"V,…" help:"ipv4, ipv6, ipv4-mapped-ipv6, or several; by default what the script is for, ipv4 if that is no matter."`
	Preset    string        `placeholder:"kselftest" help:"What packetdrill's run_all.py and the kernel's ksft_runner.sh pass."`
	Capture   string        `placeholder:"copy|packet" help:"copy (the default): copy on transmit; packet: clones stay pinned."`
	Format    string        `default:"text" enum:"text,jsonl,tap,junit" help:"text, jsonl, tap (KTAP) or junit (XML)."`
	Output    string        `short:"o" placeholder:"FILE" help:"Where the results go; standard output by default."`
	Pcap      string        `placeholder:"DIR" help:"Write each run's packets below this folder, as pcapng."`
	HTML      string        `name:"html" placeholder:"FILE" help:"Write a page with all results and their charts, too."`
	NoExec    bool          `help:"Run no real programs for the scripts' commands."`
	KeepGoing bool          `short:"k" help:"Play the script to its end, whatever doesn't match."`
	Timeout   time.Duration `placeholder:"DURATION" help:"End a script after this much time (180s); 0: never."`
	Jobs      int           `short:"j" placeholder:"N" help:"Scripts at a time; 0 (the default): as many as can run without being late, in virtual time one per processor."`
	Reruns    int           `default:"3" placeholder:"N" help:"Run a script that is inconclusive, or passed barely, up to N times again (3)."`
	Repeat    int           `default:"1" placeholder:"N" help:"Run each script N times and say how often it passed (1)."`
	Shard     string        `placeholder:"I/N" help:"Run the I-th of N parts only; auto/N: that of a Kubernetes indexed job. By default what Bazel asks for."`
	Verbose   bool          `short:"v" help:"Show each script's whole timeline."`
	functionsFlag
	updateFlags
	goStackFlags
	drillFlags
	Paths []string `arg:"" name:"path" help:"Scripts, or folders searched for *.pkt."`
}

// Run runs all scripts in all IP versions asked for.
func (rc *runCommand) Run(c *console, k *kong.Context) error {
	if rc.Repeat < 1 {
		return fmt.Errorf("--repeat: want a number from 1, got %d", rc.Repeat)
	}
	shard, err := suite.ParseShard(rc.Shard, os.Getenv)
	if err != nil {
		return err
	}
	all, err := rc.tasks()
	if err != nil {
		return err
	}
	tasks := suite.Repeat(shard.Of(all), rc.Repeat)
	whole := 0
	if shard.Count > 0 {
		whole = len(all) * rc.Repeat
		fmt.Fprintf(c.stderr, "tcpdrill: shard %v: %d of %d runs\n", shard, len(tasks), whole)
	}
	r := rc.runner(k)
	u, err := rc.updater(r, tasks)
	if err != nil {
		return err
	}
	stop, err := rc.functionsFlag.start(rc.Stack)
	if err != nil {
		return err
	}
	defer stop()
	out, err := c.openOutput(rc.Output)
	if err != nil {
		return err
	}
	defer out.close()
	lanes, err := rc.openLanes(c.ctx, len(tasks))
	if err != nil {
		return err
	}
	if u != nil && len(tasks) > 0 {
		if err := rc.mayRewrite(c.ctx, lanes[0]); err != nil {
			for _, st := range lanes {
				st.Close()
			}
			return err
		}
	}
	page := &output{}
	if rc.HTML != "" {
		if page, err = c.openOutput(rc.HTML); err != nil {
			return err
		}
		defer page.close()
	}
	w := rc.writer(c, out, r, whole)
	if rc.HTML != "" {
		w = report.Tee(w, report.HTML(page))
	}
	captures := report.Captures(rc.Pcap)
	if rc.Pcap != "" {
		w = report.Tee(captures, w)
	}
	total := report.Total{Tally: report.Tally{}}
	started := time.Now()
	w.Begin(len(tasks))
	total.Interrupted = r.Run(c.ctx, lanes, tasks, func(one report.Run) {
		total.Add(one)
		w.Run(one)
		if u != nil {
			u.done(one)
		}
	})
	total.Took = time.Since(started)
	w.End(total)
	for _, o := range []*output{out, page} {
		if err := o.close(); err != nil {
			return err
		}
	}
	if err := captures.Err(); err != nil {
		return err
	}
	if u != nil {
		if err := u.end(c); err != nil {
			return err
		}
	}
	switch {
	case total.Interrupted != "":
		fmt.Fprintf(c.stderr, "tcpdrill: interrupted at %s\n", total.Interrupted)
		return exitStatus(130)
	case len(tasks) == 0 && len(all) > 0:
		return nil // there are more shards than scripts
	}
	return status(total.Tally)
}

// writer returns what writes the results to out and, if people look on, what they see.
func (rc *runCommand) writer(c *console, out *output, r *suite.Runner, whole int) report.Writer {
	text := report.TextOptions{Verbose: rc.Verbose}
	if tty := c.terminal(); tty != nil && (rc.Format == "text" || rc.Output != "") {
		var l *live
		var w report.Writer
		if rc.Output == "" {
			text.Brief, text.Colour = true, true
			l = newLive(tty, out, &text)
			w = l
		} else {
			l = newLive(tty, c.stdout, nil)
			w = report.Tee(newWriter(out, rc.Format, text, whole), l)
		}
		r.Observe = l.observe
		r.Note = func(stack, note string) { l.say(c.stderr, fmt.Sprintf("tcpdrill: %s: %s", stack, note)) }
		return w
	}
	r.Note = func(stack, note string) { fmt.Fprintf(c.stderr, "tcpdrill: %s: %s\n", stack, note) }
	return c.annotated(newWriter(out, rc.Format, text, whole), rc.Format)
}

// tasks are all scripts in all IP versions asked for.
func (rc *runCommand) tasks() ([]suite.Task, error) {
	versions, err := rc.versions()
	if err != nil {
		return nil, err
	}
	return suite.Tasks(rc.Paths, versions)
}

// runner is what runs them.
func (rc *runCommand) runner(k *kong.Context) *suite.Runner {
	return &suite.Runner{Preset: rc.Preset, Settings: rc.settings(k), Reruns: rc.Reruns}
}

// openLanes opens as many stacks as scripts are to run at a time, of so many. If
// the stack can't be drilled, the first script that needs it says so.
func (rc *runCommand) openLanes(ctx context.Context, tasks int) ([]stacks.Stack, error) {
	if rc.Jobs < 0 {
		return nil, fmt.Errorf("-j %d: want a number, 0 for as many as can run without being late", rc.Jobs)
	}
	first, err := rc.open(rc.Stack)
	if first == nil {
		return nil, err
	}
	return suite.Lanes(ctx, first, rc.Stack, rc.Jobs, tasks)
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
	if rc.Pcap != "" {
		out = append(out, engine.Setting{Name: "keep_packets"})
	}
	return out
}

// status is the exit status of the whole.
func status(t report.Tally) error {
	switch {
	case t[engine.Error] > 0:
		return exitStatus(exitError)
	case t[engine.Fail] > 0:
		return exitStatus(exitFail)
	case t[engine.Inconclusive] > 0:
		return exitStatus(exitInconclusive)
	case t[engine.Pass] == 0:
		return exitStatus(exitNothing)
	}
	return nil
}
