package drill

import (
	"bytes"
	"context"
	"os"
	"strings"

	"tcpdrill/engine"
	"tcpdrill/engine/crosscheck"
	"tcpdrill/engine/shell"
)

// A Place is where a job runs.
type Place struct {
	// Open makes the target, its network set up as the options say.
	Open func(*engine.Config) (engine.Target, error)
	// PID is what scripts see as $PPID and $PACKETDRILL_PID.
	PID int
	// Progress lets others see what the run waits for; nil: nobody looks.
	Progress *engine.Progress
}

// Run loads a job's script and runs it on a target.
func Run(j *Job, p Place) *engine.Outcome {
	var peer *crosscheck.Peer
	if j.Improvise != nil {
		peer = crosscheck.NewPeer(*j.Improvise)
		own := *j
		own.Source = []byte(peer.Script())
		j = &own
	}
	s, cfg, err := j.Load()
	if err != nil {
		return Failed(err)
	}
	target, err := p.Open(cfg)
	if err != nil {
		return Failed(err)
	}
	tools := engine.Tools{Shell: &commands{
		host: target,
		opts: shell.Options{
			Dir:    j.Dir,
			PID:    p.PID,
			Env:    os.Environ(),
			NoExec: cfg.NoExec,
			Clock:  target,
			State:  &shell.State{},
		},
	}, Progress: p.Progress}
	if x, ok := target.(engine.Executor); ok && !cfg.NoExec {
		tools.Python = &python{host: x, dir: j.Dir}
	}
	if peer == nil {
		return engine.Run(s, cfg, target, tools)
	}
	tools.Improviser = peer
	o := engine.Run(s, cfg, target, tools)
	o.Improvised = peer.Script()
	return o
}

// commands runs a script's commands on the target's host.
type commands struct {
	host engine.Host
	opts shell.Options
}

// Run implements engine.Shell.
func (c *commands) Run(command string) (int, []byte, error) {
	exit, out, err := shell.Run(context.Background(), c.host, c.opts, command)
	if _, failed := err.(*shell.ExitError); failed {
		err = nil // the status says it
	}
	return exit, out, err
}

// python runs code that needs a real Python.
type python struct {
	host engine.Executor
	dir  string
}

// RunPython implements engine.Interpreter.
func (p *python) RunPython(command, source string) (exit int, stdout, stderr []byte, err error) {
	var out, errs bytes.Buffer
	exit, err = p.host.Exec(context.Background(), &engine.ExecCommand{
		Args:   []string{"/bin/sh", "-c", command + " /dev/stdin"},
		Env:    os.Environ(),
		Dir:    p.dir,
		Stdin:  strings.NewReader(source),
		Stdout: &out,
		Stderr: &errs,
	})
	if err == nil && exit == 127 {
		err = &engine.UnsupportedError{What: command}
	}
	return exit, out.Bytes(), errs.Bytes(), err
}
