package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"tcpdrill/engine"
	"tcpdrill/engine/report"
	"tcpdrill/engine/stacks"
	"tcpdrill/engine/suite"
	"tcpdrill/golden/update"
)

// updateFlags are those that have scripts rewritten.
type updateFlags struct {
	Update     bool `xor:"update" help:"Rewrite what the scripts expect to what the stack did, and run them again."`
	UpdateDiff bool `xor:"update" help:"As --update, but print the differences instead of writing the scripts."`
}

// An updater rewrites the scripts of a run to what the stack did.
type updater struct {
	show  bool // the differences, and write nothing
	tasks []suite.Task
	files []*update.File // of the tasks
	said  strings.Builder
	diffs bytes.Buffer
	err   error // the first
}

// updater returns what rewrites the scripts of tasks while r runs them; nil if nobody
// asked for it.
func (rc *runCommand) updater(r *suite.Runner, tasks []suite.Task) (*updater, error) {
	name := "--update"
	switch {
	case rc.UpdateDiff:
		name = "--update-diff"
	case !rc.Update:
		return nil, nil
	}
	switch {
	case rc.Repeat > 1:
		return nil, fmt.Errorf("%s with --repeat: a script is rewritten to one run; repeat runs of the result", name)
	case rc.UpdateDiff && rc.Format != "text" && rc.Output == "":
		return nil, fmt.Errorf("%s prints to standard output: name a file for the results with -o", name)
	}
	versions := map[string]engine.IPVersion{} // by file, whatever it is called
	u := &updater{show: rc.UpdateDiff, tasks: tasks}
	for _, t := range tasks {
		real, err := filepath.EvalSymlinks(t.Name)
		if err != nil {
			return nil, err
		}
		switch v := versions[real]; {
		case v == t.Version:
			return nil, fmt.Errorf("%s: %s is there twice", name, t.Name)
		case v != "":
			return nil, fmt.Errorf("%s: %s is to run over %s and %s, and can't expect what happens in both: want one --ip-version", name, t.Name, v, t.Version)
		}
		versions[real] = t.Version
		u.files = append(u.files, update.New(t.Name, t.Source, r.Symbols(t)))
	}
	// What is wrong below the first mismatch is rewritten at once, where it can be.
	r.Settings = append(r.Settings, engine.Setting{Name: "keep_going"})
	r.Revise = func(i int, one report.Run) ([]byte, bool) {
		again := u.files[i].Revise(one.Outcome)
		return u.files[i].Source, again
	}
	return u, nil
}

// mayRewrite refuses the built-in stack to those who didn't ask for it: where the kernel
// can't be drilled, scripts for it aren't to be rewritten to what another stack does.
func (rc *runCommand) mayRewrite(ctx context.Context, st stacks.Stack) error {
	if rc.Stack == "auto" && st.Ready(ctx) == nil && st.Name() != "kernel" {
		return fmt.Errorf("--update: want --stack=gostack for %s", st.Note())
	}
	return nil
}

// done takes note of a script's last result, and writes the script.
func (u *updater) done(one report.Run) {
	var f *update.File
	for i, t := range u.tasks {
		if t.Name == one.Script {
			f = u.files[i]
		}
	}
	changes, left := f.Changes(), f.Left()
	if one.Outcome.Verdict == engine.Inconclusive {
		if len(changes) > 0 {
			fmt.Fprintf(&u.said, "%s: left as it was, since the last run was inconclusive\n", f.Name)
		}
		return
	}
	if f.Changed() {
		if err := u.write(f); err != nil {
			if u.err == nil {
				u.err = err
			}
			return
		}
	}
	for _, c := range changes {
		if c.Old == "" {
			fmt.Fprintf(&u.said, "%s:%d: new: %s\n", f.Name, c.Line, strings.TrimSpace(c.New))
		} else {
			fmt.Fprintf(&u.said, "%s:%d: %s → %s\n", f.Name, c.Line, strings.TrimSpace(c.Old), strings.TrimSpace(c.New))
		}
	}
	for _, p := range left {
		at := fmt.Sprintf("%s:%d", f.Name, p.Line)
		if p.Column > 0 {
			at += fmt.Sprintf(":%d", p.Column)
		}
		fmt.Fprintf(&u.said, "%s: left to you: %s\n", at, p.Text)
	}
}

// write writes a script, or shows what would be written.
func (u *updater) write(f *update.File) error {
	if u.show {
		u.diffs.Write(diff.Diff(f.Name+".orig", f.Original, f.Name, f.Source))
		return nil
	}
	name, err := filepath.EvalSymlinks(f.Name) // a link stays one
	if err != nil {
		return err
	}
	now, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, f.Original) {
		return fmt.Errorf("%s: not rewritten, since somebody else changed it meanwhile", f.Name)
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	return replaceFile(name, f.Source, info.Mode().Perm())
}

// end says what was done, below the report.
func (u *updater) end(c *console) error {
	if _, err := c.stdout.Write(u.diffs.Bytes()); err != nil {
		return err
	}
	fmt.Fprint(c.stderr, u.said.String())
	return u.err
}
