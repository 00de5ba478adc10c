package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"tcpdrill/engine"
	"tcpdrill/engine/crosscheck"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/stacks"
	"tcpdrill/engine/uml/kernels"
)

type crosscheckCommand struct {
	Seed      uint64        `default:"1" placeholder:"N" help:"Which scripts: the same seed gives the same ones (1)."`
	Count     int           `default:"1000" placeholder:"N" help:"How many (1000)."`
	First     uint64        `placeholder:"INDEX" help:"Index of the first (0)."`
	Stack     string        `default:"gostack" placeholder:"NAME" help:"Stack to check (gostack)."`
	Against   string        `placeholder:"NAME" help:"Stack that is right; by default the kernel that was built, if there is one only."`
	Generate  string        `placeholder:"NAME" help:"Stack that the scripts are made up on; by default the one that is right, if its time is virtual, else the other."`
	HZ        int           `name:"hz" placeholder:"N" help:"Frequency of gostack's timer: 100, 250 or 1000 (the default)."`
	Tolerance time.Duration `placeholder:"DURATION" help:"How far times may be apart (in virtual time 1ms, else as packetdrill has it)."`
	Keep      string        `placeholder:"DIR" type:"path" help:"Write each script on which they differ there, with both traces."`
	KeepAll   bool          `help:"Keep scripts on which they agree, too."`
	Cache     string        `placeholder:"DIR" type:"path" help:"Keep what a kernel did there, and don't ask it again."`
	Show      []uint64      `placeholder:"INDEX,…" help:"Print only these scripts and both traces."`
	Replay    bool          `help:"Run scripts anew on the stack that they were made up on."`
	Require   float64       `default:"99" placeholder:"PERCENT" help:"Fail if fewer scripts agree (99)."`
	Jobs      int           `short:"j" placeholder:"N" help:"Scripts at a time; 0 (the default): one per processor, one in real time. There they mostly wait: more are possible while none is late."`
}

// Run makes up scripts and compares what two stacks do with them.
func (cc *crosscheckCommand) Run(c *console) error {
	if err := cc.settle(); err != nil {
		return err
	}
	if cc.Keep != "" {
		if err := os.MkdirAll(cc.Keep, 0o777); err != nil {
			return err
		}
	}
	x := &crosscheckRun{cc: cc, console: c}
	for i := range uint64(max(cc.Count, 0)) {
		x.indices = append(x.indices, cc.First+i)
	}
	if len(cc.Show) > 0 {
		x.indices = cc.Show
	}
	if err := x.open(); err != nil {
		return err
	}
	return x.run()
}

// settle decides what isn't said.
func (cc *crosscheckCommand) settle() error {
	if cc.Jobs < 0 {
		return fmt.Errorf("-j %d: want a number, 0 for one per processor", cc.Jobs)
	}
	if cc.Against != "" {
		return nil
	}
	built, err := kernels.List()
	switch {
	case err != nil:
		return err
	case len(built) == 0:
		return fmt.Errorf("there is no kernel to compare with: tcpdrill kernel build SOURCE, or --against=kernel")
	case len(built) > 1:
		var names []string
		for _, k := range built {
			names = append(names, "uml:"+k.Name)
		}
		return fmt.Errorf("several kernels have been built; which is right: --against=%s?", strings.Join(names, " or "))
	}
	cc.Against = "uml:" + built[0].Name
	return nil
}

// A crosscheckRun compares scripts, each lane some of them.
type crosscheckRun struct {
	cc      *crosscheckCommand
	console *console
	indices []uint64
	lanes   []*crosscheckLane
	part    func() // lets the machine be as it was; nil if nobody readied it
	cache   *crosscheckCache
	tol     crosscheck.Tolerance
	summary crosscheck.Summary
	failed  error // of the machinery, not of a script
}

// A crosscheckLane has stacks of its own: that are the same where the names are.
type crosscheckLane struct {
	*crosscheckRun
	ours, theirs, generator stacks.Stack
	all                     []stacks.Stack
}

// A checked script is one that ran on both stacks.
type checked struct {
	id           crosscheck.ID
	script       string
	ours, theirs *engine.Outcome
	comparison   *crosscheck.Comparison
	theme        string
	events       int
}

// open opens the lanes and settles what depends on the stacks' clocks.
func (x *crosscheckRun) open() error {
	first, err := x.openLane("")
	if err != nil {
		return err
	}
	x.lanes = append(x.lanes, first)
	if x.cache, err = newCrosscheckCache(x.cc.Cache, first.generator.Name()); err != nil {
		x.close()
		return err
	}
	virtual := first.ours.Virtual() && first.theirs.Virtual()
	n := x.cc.Jobs
	switch {
	case n == 0 && virtual:
		n = runtime.NumCPU()
	case n == 0:
		n = 1
	}
	x.tol = crosscheck.Tolerance{Fixed: time.Millisecond}
	if !virtual {
		x.tol = crosscheck.Tolerance{Fixed: 4 * time.Millisecond, Percent: 12.5}
	}
	if x.cc.Tolerance > 0 {
		x.tol = crosscheck.Tolerance{Fixed: x.cc.Tolerance}
	}
	// What is due exactly a jiffy apart is also microseconds apart.
	x.tol.Fixed += 100 * time.Microsecond
	for len(x.lanes) < min(n, len(x.indices)) {
		l, err := x.openLane(first.generator.Name())
		if err != nil {
			x.close()
			return err
		}
		x.lanes = append(x.lanes, l)
	}
	if n > 1 {
		x.part = stacks.Gather(x.console.ctx, first.theirs)
	}
	return nil
}

func (x *crosscheckRun) close() {
	if x.part != nil {
		x.part()
	}
	for _, l := range x.lanes {
		l.close()
	}
}

func (l *crosscheckLane) close() {
	for _, st := range l.all {
		st.Close()
	}
}

func (cc *crosscheckCommand) openStack(name string) (stacks.Stack, error) {
	if name == "gostack" {
		return (&goStackFlags{HZ: cc.HZ}).open(name)
	}
	return stacks.Open(name)
}

// openLane opens the stacks of a lane. Which one makes up the scripts may have
// to be found out.
func (x *crosscheckRun) openLane(generator string) (*crosscheckLane, error) {
	l := &crosscheckLane{crosscheckRun: x}
	opened := map[string]stacks.Stack{}
	get := func(name string) (stacks.Stack, error) {
		if st := opened[name]; st != nil {
			return st, nil
		}
		st, err := x.cc.openStack(name)
		if st == nil {
			return nil, err
		}
		opened[name] = st
		l.all = append(l.all, st)
		if err == nil {
			err = st.Ready(x.console.ctx)
		}
		return st, err
	}
	var err error
	if l.theirs, err = get(x.cc.Against); err == nil {
		l.ours, err = get(x.cc.Stack)
	}
	if generator == "" {
		generator = x.cc.Generate
	}
	switch {
	case err != nil:
	case generator != "":
		l.generator, err = get(generator)
	case l.theirs.Virtual():
		l.generator = l.theirs
	default:
		l.generator = l.ours
	}
	if err == nil && !l.generator.Virtual() {
		err = fmt.Errorf("scripts are made up in virtual time, and neither stack has that: --generate=uml:… or gostack")
	}
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// run runs all scripts and says what came of them.
func (x *crosscheckRun) run() error {
	results := make([]chan *checked, len(x.indices))
	for i := range results {
		results[i] = make(chan *checked, 1)
	}
	ctx, stop := context.WithCancel(x.console.ctx)
	defer stop()
	var next atomic.Int64
	var lanes sync.WaitGroup
	var once sync.Once
	for _, l := range x.lanes {
		lanes.Go(func() {
			defer l.close()
			for {
				i := int(next.Add(1)) - 1
				if i >= len(x.indices) {
					return
				}
				if ctx.Err() == nil {
					r, err := l.check(ctx, crosscheck.ID{Seed: x.cc.Seed, Index: x.indices[i]})
					switch {
					case err == nil:
						results[i] <- r
					case ctx.Err() == nil:
						once.Do(func() { x.failed = err })
						stop()
					}
				}
				close(results[i])
			}
		})
	}
	began, said := time.Now(), time.Now()
	for i := range results {
		r, ok := <-results[i]
		if !ok {
			continue
		}
		if err := x.take(r); err != nil {
			once.Do(func() { x.failed = err })
			stop()
		}
		if time.Since(said) > 5*time.Second {
			said = time.Now()
			fmt.Fprintf(x.console.stderr, "tcpdrill: %d of %d, %.2f %% agree\n", i+1, len(results), x.summary.Percent())
		}
	}
	lanes.Wait()
	switch {
	case x.failed != nil:
		return x.failed
	case len(x.cc.Show) == 0:
		first := x.lanes[0]
		fmt.Fprintf(x.console.stdout, "%s against %s, seed %d, in %.1f s\n", first.ours.Name(), first.theirs.Name(), x.cc.Seed, time.Since(began).Seconds())
		x.summary.Write(x.console.stdout)
	}
	switch {
	case x.console.ctx.Err() != nil:
		fmt.Fprintf(x.console.stderr, "tcpdrill: interrupted after %d of %d\n", x.summary.Scripts, len(x.indices))
		return exitStatus(130)
	case x.summary.Percent() < x.cc.Require:
		return exitStatus(exitFail)
	}
	return nil
}

// check makes up a script and runs it on both stacks.
func (l *crosscheckLane) check(ctx context.Context, id crosscheck.ID) (*checked, error) {
	name := fmt.Sprintf("crosscheck-%d-%d.pkt", id.Seed, id.Index)
	job := drill.NewJob(name, nil, nil)
	job.Improvise = &id
	made, err := l.made(ctx, id, job)
	if err != nil {
		return nil, err
	}
	peer := crosscheck.NewPeer(id)
	r := &checked{
		id: id, script: made.Improvised, theme: peer.Theme(),
		events: strings.Count(made.Improvised, "\n") - strings.Count(peer.Script(), "\n"),
	}
	r.theirs = made
	if l.generator != l.theirs || l.cc.Replay {
		if r.theirs, err = rerun(ctx, l.theirs, name, r.script); err != nil {
			return nil, err
		}
	}
	if r.ours, err = rerun(ctx, l.ours, name, r.script); err != nil {
		return nil, err
	}
	r.comparison = crosscheck.Compare(r.ours, r.theirs, l.tol)
	return r, nil
}

// rerun runs a script, in real time again if the machine was late.
func rerun(ctx context.Context, st stacks.Stack, name, text string) (*engine.Outcome, error) {
	for tries := 3; ; tries-- {
		o, err := st.Run(ctx, drill.NewJob(name, []byte(text), nil))
		if err != nil || o.Verdict != engine.Inconclusive || st.Virtual() || tries == 0 {
			return o, err
		}
	}
}

// made makes up a script, or finds it in the cache.
func (l *crosscheckLane) made(ctx context.Context, id crosscheck.ID, job *drill.Job) (*engine.Outcome, error) {
	if o := l.cache.get(id); o != nil {
		return o, nil
	}
	o, err := l.generator.Run(ctx, job)
	switch {
	case err != nil:
		return nil, err
	case o.Improvised == "" || o.Verdict != engine.Pass:
		return nil, fmt.Errorf("script %d of seed %d could not be made up: %w", id.Index, id.Seed, firstFailure(o))
	}
	return o, l.cache.put(id, o)
}

// firstFailure says why a run didn't pass.
func firstFailure(o *engine.Outcome) error {
	if len(o.Failures) == 0 {
		return errors.New(string(o.Verdict))
	}
	return fmt.Errorf("%s: line %d: %s", o.Verdict, o.Failures[0].Line, o.Failures[0].Summary)
}

// take counts a script and shows or keeps it.
func (x *crosscheckRun) take(r *checked) error {
	x.summary.Add(r.id.Index, r.theme, r.events, r.comparison)
	if len(x.cc.Show) > 0 {
		fmt.Fprintf(x.console.stdout, "%s\n", r.script)
		x.show(x.console.stdout, r)
	}
	if x.cc.Keep == "" || r.comparison.Agree() && !x.cc.KeepAll {
		return nil
	}
	base := filepath.Join(x.cc.Keep, fmt.Sprintf("%d-%d", r.id.Seed, r.id.Index))
	var trace strings.Builder
	x.show(&trace, r)
	if err := os.WriteFile(base+".pkt", []byte(r.script), 0o666); err != nil {
		return err
	}
	return os.WriteFile(base+".trace", []byte(trace.String()), 0o666)
}

// show writes both traces.
func (x *crosscheckRun) show(w io.Writer, r *checked) {
	l := x.lanes[0]
	crosscheck.Show(w, r.comparison, r.ours, r.theirs, l.ours.Name(), l.theirs.Name(), x.tol)
}
