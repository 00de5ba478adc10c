package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"tcpdrill/engine"
	"tcpdrill/engine/drill"
	"tcpdrill/engine/stacks"
	"tcpdrill/script"
)

// packetdrill takes packetdrill's place: its command line, what it prints and
// to which stream, and its exit status: 0, or 1 for whatever isn't a pass. It
// stops at the first script that doesn't pass.
func packetdrill(c *console, args []string) int {
	settings, paths, err := packetdrillArgs(args)
	if err != nil {
		fmt.Fprintf(c.stderr, "packetdrill: %v\n", err)
		packetdrillUsage(c)
		return 1
	}
	if _, err := engine.NewConfig(settings...); err != nil {
		fmt.Fprintf(c.stderr, "Command Line: %v\n", err)
		return 1
	}
	if len(paths) == 0 {
		fmt.Fprintf(c.stderr, "error: missing script path\n")
		packetdrillUsage(c)
		return 1
	}
	var st stacks.Stack
	for _, path := range paths {
		job, cfg := loadClassic(c, path, settings)
		if cfg == nil {
			return 1
		}
		if cfg.DryRun {
			continue
		}
		if st == nil {
			if st, err = stacks.Open("kernel"); err == nil {
				err = st.Ready(c.ctx)
			}
			if err != nil {
				fmt.Fprintf(c.stderr, "packetdrill: %v\n", err)
				return 1
			}
			defer st.Close()
			defer stacks.Gather(c.ctx, st)()
		}
		if !runClassic(c, st, job, cfg.Verbose) {
			return 1
		}
	}
	return 0
}

// loadClassic reads and checks a script. Its commands will run in the caller's
// folder. The configuration is nil if something is wrong, which is then said.
func loadClassic(c *console, path string, settings []engine.Setting) (*drill.Job, *engine.Config) {
	src, err := os.ReadFile(path)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		fmt.Fprintf(c.stderr, "parse error opening script file '%s': %v\n", path, err)
		return nil, nil
	}
	job := drill.NewJob(path, src, settings)
	if dir, err := os.Getwd(); err == nil {
		job.Dir = dir
	}
	_, cfg, err := job.Load()
	var list script.ErrorList
	switch {
	case err == nil:
		return job, cfg
	case errors.As(err, &list):
		fmt.Fprint(c.stderr, list.Render(src))
	default:
		fmt.Fprintf(c.stderr, "%s: %v\n", path, err)
	}
	return nil, nil
}

// runClassic runs a script and prints what packetdrill would.
func runClassic(c *console, st stacks.Stack, job *drill.Job, verbose bool) bool {
	o, err := st.Run(c.ctx, job)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			fmt.Fprintf(c.stderr, "%s: %v\n", job.Name, err)
		}
		return false
	}
	if verbose {
		for _, e := range o.Timeline {
			classicEntry(c, e)
		}
	}
	fmt.Fprint(c.stdout, o.Output)
	for _, f := range o.Warnings {
		f.Classic = strings.Replace(f.Classic, "error handling", "warning handling", 1)
		fmt.Fprintln(c.stderr, classic(job.Name, f))
	}
	for _, f := range o.Failures {
		fmt.Fprintln(c.stderr, classic(job.Name, f))
	}
	return o.Verdict == engine.Pass
}

// classic is packetdrill's message for a failure: with the line, but for what
// isn't about an event.
func classic(name string, f engine.Failure) string {
	msg := f.Classic
	if msg == "" {
		msg = f.Summary
	}
	if f.Verdict == engine.Inconclusive {
		msg += " (the harness was late)"
	}
	if strings.HasPrefix(msg, "error in Python code") {
		// Python's own words, and then packetdrill's.
		return fmt.Sprintf("%s:%d: %s\n%s: error executing code: 'python3' returned non-zero status 1", name, f.Line, msg, name)
	}
	for _, whole := range []string{"error executing init", "error executing cleanup", "error executing code"} {
		if strings.HasPrefix(msg, whole) {
			return name + ": " + msg
		}
	}
	if f.Line == 0 {
		return name + ": " + msg
	}
	return fmt.Sprintf("%s:%d: %s", name, f.Line, msg)
}

// classicEntry prints an entry of the timeline as packetdrill's -v does, if it
// does.
func classicEntry(c *console, e engine.Entry) {
	t := e.At.Seconds()
	switch e.Kind {
	case engine.EntryInject:
		fmt.Fprintf(c.stdout, "inbound injected packet: %9.6f %s\n", t, e.Text)
	case engine.EntryMatch, engine.EntryWrong:
		fmt.Fprintf(c.stdout, "outbound sniffed packet: %9.6f %s\n", t, e.Text)
	case engine.EntryCall, engine.EntryReturn:
		if strings.HasPrefix(e.Text, "...") {
			return // it blocks: said when it has returned
		}
		name, _, _ := strings.Cut(strings.TrimSuffix(e.Text, " returned"), "(")
		fmt.Fprintf(c.stdout, "%s syscall: %9.6f\n", name, t)
	}
}

// packetdrillArgs reads a command line as getopt_long does for packetdrill:
// options and paths in any order, up to "--"; a long option's value after '='
// or as the next word; its name may be cut short while it stays unique.
func packetdrillArgs(args []string) (settings []engine.Setting, paths []string, err error) {
	for i := 0; i < len(args); i++ {
		a := args[i]
		next := func() (string, error) {
			if i++; i == len(args) {
				return "", fmt.Errorf("option '%s' requires an argument", a)
			}
			return args[i], nil
		}
		switch {
		case a == "--":
			return settings, append(paths, args[i+1:]...), nil
		case strings.HasPrefix(a, "--"):
			name, value, has := strings.Cut(a[2:], "=")
			if name, err = longOption(name); err != nil {
				return nil, nil, err
			}
			takes, _ := engine.TakesValue(name)
			if takes && !has {
				if value, err = next(); err != nil {
					return nil, nil, err
				}
				has = true
			}
			settings = append(settings, engine.Setting{Name: name, Value: value, HasValue: has})
		case strings.HasPrefix(a, "-D"):
			value := a[2:]
			if value == "" {
				if value, err = next(); err != nil {
					return nil, nil, err
				}
			}
			settings = append(settings, engine.Setting{Name: "define", Value: value, HasValue: true})
		case len(a) > 1 && strings.Trim(a, "v") == "-":
			settings = append(settings, engine.Setting{Name: "verbose"})
		case len(a) > 1 && a[0] == '-':
			return nil, nil, fmt.Errorf("invalid option -- '%s'", a[1:2])
		default:
			paths = append(paths, a)
		}
	}
	return settings, paths, nil
}

// longOption completes an option's name.
func longOption(name string) (string, error) {
	var found []string
	for _, n := range engine.OptionNames() {
		if n == name {
			return n, nil
		}
		if strings.HasPrefix(n, name) {
			found = append(found, n)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("unrecognized option '--%s'", name)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("option '--%s' is ambiguous; possibilities: --%s", name, strings.Join(found, " --"))
}

func packetdrillUsage(c *console) {
	fmt.Fprintf(c.stderr, "Usage: packetdrill\n")
	for _, n := range engine.OptionNames() {
		if takes, _ := engine.TakesValue(n); takes {
			n += "=" + n
		}
		fmt.Fprintf(c.stderr, "\t[--%s]\n", n)
	}
	fmt.Fprintf(c.stderr, "\t[-D symbol=value ...]\n\t[--verbose|-v]\n\tscript_path ...\n")
}
