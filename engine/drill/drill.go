// Package drill puts together what a run of a script needs: it reads the
// script, settles its options, and runs it on a target with a shell for its
// commands. Each target's worker calls Run.
package drill

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"tcpdrill/engine"
	"tcpdrill/engine/crosscheck"
	"tcpdrill/script"
)

// A Job is a script to run once, on one stack in one IP version. It crosses
// process boundaries as JSON.
type Job struct {
	Name     string // the script's name, for messages
	Source   []byte
	Dir      string           // where its commands run
	Settings []engine.Setting // the command line's, which win over the script's own
	Defaults []engine.Setting // over which the script's own win
	// Improvise says which script to make up, instead of the source.
	Improvise *crosscheck.ID `json:",omitempty"`
}

// NewJob returns the job for a script file. Commands run in the script's
// folder, so that ./defaults.sh is found beside it.
func NewJob(path string, source []byte, settings []engine.Setting) *Job {
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		dir = filepath.Dir(path)
	}
	return &Job{Name: path, Source: source, Dir: dir, Settings: settings}
}

// Paths lists what of the file system the job needs: its folder and its file,
// under the names they were given and under those they have without symbolic
// links.
func (j *Job) Paths() []string {
	paths := []string{j.Dir}
	if name, err := filepath.Abs(j.Name); err == nil {
		paths = append(paths, name)
	}
	for _, p := range slices.Clone(paths) {
		if real, err := filepath.EvalSymlinks(p); err == nil && real != p {
			paths = append(paths, real)
		}
	}
	return paths
}

// Load parses and checks the job's script and settles its options. The error
// is a script.ErrorList for what is wrong in the script,
// *engine.UnsupportedError for an option that isn't to be had, or says which
// option of the command line is wrong.
func (j *Job) Load() (*script.Script, *engine.Config, error) {
	s, errs := script.Vet(j.Name, j.Source, j.Symbols(), script.Setting{
		IPVersion: j.setting("ip_version"), Options: j.optionNames(),
	})
	if len(errs) > 0 {
		return nil, nil, errs
	}
	cfg, err := engine.NewConfig(slices.Concat(j.Defaults, engine.ScriptSettings(s), j.Settings)...)
	if err != nil {
		return nil, nil, j.blame(s, err)
	}
	cfg.Net.USO = expectsJoinedDatagrams(s)
	return s, &cfg, nil
}

// expectsJoinedDatagrams reports whether a script has a line that only a device with UDP
// segmentation offload makes come true.
func expectsJoinedDatagrams(s *script.Script) bool {
	return slices.ContainsFunc(s.Events, func(ev *script.Event) bool {
		p := ev.Packet
		return p != nil && p.Direction == script.Outbound && p.UDP != nil && p.UDP.GSO != nil
	})
}

// Symbols returns the symbols that the command line defines.
func (j *Job) Symbols() script.Defines {
	defines := script.Defines{}
	for _, s := range j.Settings {
		if s.Name != "define" {
			continue
		}
		if sym, val, ok := strings.Cut(s.Value, "="); ok && sym != "" {
			defines[sym] = val
		}
	}
	return defines
}

// setting returns the last value that the command line gives an option, or "".
func (j *Job) setting(name string) (value string) {
	for _, s := range j.Settings {
		if s.Name == name {
			value = s.Value
		}
	}
	return value
}

// optionNames lists the options that the command line gives.
func (j *Job) optionNames() []string {
	var names []string
	for _, s := range j.Settings {
		names = append(names, s.Name)
	}
	return names
}

// blame finds out whether an option's error is the script's, and where.
func (j *Job) blame(s *script.Script, err error) error {
	var unsupported *engine.UnsupportedError
	for i, o := range s.Options {
		_, e := engine.NewConfig(engine.ScriptSettings(s)[i])
		if e == nil {
			continue
		}
		if errors.As(e, &unsupported) {
			return err
		}
		return script.ErrorList{{Pos: o.Pos, End: o.EndPos, Summary: e.Error()}}
	}
	if errors.As(err, &unsupported) {
		return err
	}
	return fmt.Errorf("command line: %w", err)
}

// Failed turns an error of Load into an outcome, one failure for each thing
// that is wrong.
func Failed(err error) *engine.Outcome {
	o := &engine.Outcome{Verdict: engine.Error}
	var list script.ErrorList
	var unsupported *engine.UnsupportedError
	switch {
	case errors.As(err, &list):
		for _, e := range list {
			f := engine.Failure{Verdict: engine.Error, Line: e.Pos.Line, Column: e.Pos.Column, Summary: e.Summary}
			f.Classic = fmt.Sprintf("parse error: %s", e.Summary)
			if e.Detail != "" {
				f.Notes = []string{e.Detail}
			}
			o.Failures = append(o.Failures, f)
		}
	case errors.As(err, &unsupported):
		o.Verdict = engine.Unsupported
		o.Failures = []engine.Failure{{Verdict: o.Verdict, Summary: err.Error(), Classic: err.Error()}}
	default:
		o.Failures = []engine.Failure{{Verdict: o.Verdict, Summary: err.Error(), Classic: err.Error()}}
	}
	return o
}
