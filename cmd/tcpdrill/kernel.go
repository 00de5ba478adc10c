package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"tcpdrill/engine/uml/kernels"
)

// kernelCommand is about kernels that run as processes, for --stack=uml:NAME.
type kernelCommand struct {
	Build  kernelBuild  `cmd:"" help:"Build a Linux kernel that runs as a process, in virtual time."`
	List   kernelList   `cmd:"" help:"List the kernels that were built."`
	Remove kernelRemove `cmd:"" help:"Remove kernels that were built."`
}

type kernelBuild struct {
	Source string `arg:"" help:"A kernel tree, or a tarball of one (Debian: /usr/src/linux-source-6.12.tar.xz)."`
	Name   string `placeholder:"NAME" help:"What to call it; by default the first two numbers of its version."`
	HZ     int    `name:"hz" default:"1000" placeholder:"N" help:"Frequency of its timer (1000)."`
	Jobs   int    `short:"j" placeholder:"N" help:"Compilers at a time; by default one more than there are processors."`
}

// Run builds a kernel.
func (b *kernelBuild) Run(c *console) error {
	began := time.Now()
	bar := newProgress(c.stderr)
	k, err := kernels.Build{Source: b.Source, Name: b.Name, HZ: b.HZ, Jobs: b.Jobs, Progress: bar.show}.Run(c.ctx)
	bar.end()
	if c.ctx.Err() != nil {
		fmt.Fprintf(c.stderr, "tcpdrill: interrupted; nothing was built\n")
		return exitStatus(130)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stdout, "built %s (Linux %s, HZ=%d) in %v: tcpdrill run --stack=uml:%s …\n",
		k.Name, k.Version, k.HZ, time.Since(began).Round(time.Second), k.Name)
	return nil
}

type kernelList struct{}

// Run lists the kernels.
func (l *kernelList) Run(c *console) error {
	all, err := kernels.List()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tVERSION\tHZ\tTIME\tSIZE\tBUILT")
	for _, k := range all {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%.1f MB\t%s\n", k.Name, k.Version, k.HZ, timeOf(k.Virtual), float64(k.Size)/1e6, k.Built.Local().Format(time.DateTime))
	}
	return w.Flush()
}

// timeOf is a stack's time in a word.
func timeOf(virtual bool) string {
	if virtual {
		return "virtual"
	}
	return "real"
}

type kernelRemove struct {
	Names []string `arg:"" name:"name" help:"Kernels, as tcpdrill kernel list names them."`
}

// Run removes kernels.
func (r *kernelRemove) Run(c *console) error {
	var errs []error
	for _, name := range r.Names {
		errs = append(errs, kernels.Remove(name))
	}
	return errors.Join(errs...)
}

// A progress shows how far something has come: as a bar on a terminal, else as
// a line for each tenth.
type progress struct {
	w     io.Writer
	bar   *progressbar.ProgressBar // nil if w is no terminal
	what  string
	tenth int
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions(1000,
			progressbar.OptionSetWriter(w), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetWidth(40), progressbar.OptionSetElapsedTime(true), progressbar.OptionSetPredictTime(true),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionFullWidth(),
			progressbar.OptionSetRenderBlankState(true))
	}
	return p
}

func (p *progress) show(what string, part float64) {
	if p.bar != nil {
		if what != p.what {
			p.bar.Describe(what)
			_ = p.bar.RenderBlank()
		}
		if part >= 0 {
			_ = p.bar.Set(int(part * 1000))
		}
		p.what = what
		return
	}
	tenth := int(part * 10)
	if what == p.what && tenth <= p.tenth {
		return
	}
	p.what, p.tenth = what, tenth
	if part > 0 {
		what += fmt.Sprintf(" %d %%", tenth*10)
	}
	fmt.Fprintln(p.w, what)
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
