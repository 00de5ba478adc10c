package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/interp"

	"tcpdrill/engine"
)

// Options is what a command runs under.
type Options struct {
	// Dir is the working folder, absolute.
	Dir string
	// PID is the value of both $PPID and $PACKETDRILL_PID: scripts clean up
	// under the one what was written under the other. Where real programs run
	// it should be the process's own.
	PID int
	// Env is the environment, NAME=value. It is what real programs see, too.
	Env []string
	// NoExec forbids real programs.
	NoExec bool
	// Clock is what sleep waits on.
	Clock engine.Clock
	// ReadFile reads a file by its absolute name. If nil, files are the
	// machine's.
	ReadFile func(name string) ([]byte, error)
	// State holds what a run's commands leave for later ones. If nil, each
	// command starts anew.
	State *State
	// Unsupported, if not nil, is told of everything that the target turned
	// out not to have, also where the command went on without it, as a shell
	// script does after a sysctl that failed.
	Unsupported func(*engine.UnsupportedError)
}

// State is what the commands of one run leave behind for each other. The zero
// value is ready for use, by one command at a time.
type State struct {
	files map[string][]byte // written by commands, never on a disk
	nstat map[string]uint64 // nstat's history
}

// An ExitError says that a command failed.
type ExitError struct {
	Command string
	Status  int    // of the shell: 1 to 255
	Stderr  string // what it wrote there, trimmed
}

// Error is in packetdrill's words.
func (e *ExitError) Error() string {
	return fmt.Sprintf("error executing `%s` command: non-zero status %d", e.Command, e.Status)
}

// Run runs a command line as `sh -c` would, though with bash's syntax. It
// returns the exit status and what was written to standard output and
// standard error, in order.
//
// A status other than 0 comes with an error: *engine.UnsupportedError if the
// target lacked something that the command asked for, else *ExitError. Other
// errors say that the command could not be run at all: it has a syntax error,
// or ctx ended.
func Run(ctx context.Context, host engine.Host, opts Options, command string) (exit int, out []byte, err error) {
	s := &session{host: host, opts: opts, state: opts.State, pid: strconv.Itoa(opts.PID)}
	if s.state == nil {
		s.state = new(State)
	}
	var stderr syncBuffer
	std := streams{out: &s.output, err: both{&s.output, &stderr}}

	exit, err = s.command(ctx, command, std)
	switch {
	case err != nil || exit == 0:
	case s.unsupported != nil:
		err = s.unsupported
	default:
		err = &ExitError{
			Command: command,
			Status:  exit,
			Stderr:  strings.TrimSpace(string(stderr.Bytes())),
		}
	}
	return exit, s.output.Bytes(), err
}

// A session is one Run.
type session struct {
	host   engine.Host
	opts   Options
	pid    string
	output syncBuffer

	// The two sides of a pipeline run at once. mu lets one of them at a time
	// at what follows, and at the host and the clock.
	mu          sync.Mutex
	state       *State
	unsupported *engine.UnsupportedError // the last
}

// command runs a command line.
func (s *session) command(ctx context.Context, command string, std streams) (int, error) {
	p, err := parse("sh", command)
	if err != nil {
		return 2, err // with the position in the command
	}
	env := &environment{dir: s.opts.Dir, vars: s.environ()}
	if p.beyond != "" {
		return s.beyond(ctx, p.beyond, []string{"/bin/sh", "-c", command}, env, std)
	}
	return s.interpret(ctx, p, env, nil, std)
}

// beyond leaves to the machine's own shell what the interpreter can't do.
func (s *session) beyond(ctx context.Context, what string, args []string, env *environment, std streams) (int, error) {
	if s.executor() == nil {
		s.note(&engine.UnsupportedError{What: what + " in a command"})
		return 2, nil
	}
	return s.external(ctx, args, env, std)
}

// interpret runs a parsed script; its exit status is that of its last command.
func (s *session) interpret(ctx context.Context, p *parsed, env *environment, params []string, std streams) (int, error) {
	r, err := interp.New(
		interp.Env(env),
		interp.StdIO(std.in, std.out, std.err),
		interp.Params(append([]string{"--"}, params...)...),
		interp.CallHandler(s.call),
		interp.ExecHandlers(func(interp.ExecHandlerFunc) interp.ExecHandlerFunc { return s.exec }),
		interp.OpenHandler(s.open),
		interp.StatHandler(s.stat),
		interp.AccessHandler(s.access),
		interp.ReadDirHandler2(s.readDir),
		func(r *interp.Runner) error {
			r.Dir = env.dir // interp.Dir would look for it on this machine
			return nil
		},
	)
	if err != nil {
		return 0, err
	}
	err = r.Run(ctx, p.file)
	if status, ok := errors.AsType[interp.ExitStatus](err); ok {
		return int(status), nil
	}
	return 0, err
}

// note records something that the target lacks.
func (s *session) note(err *engine.UnsupportedError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteLocked(err)
}

func (s *session) noteLocked(err *engine.UnsupportedError) {
	s.unsupported = err
	if s.opts.Unsupported != nil {
		s.opts.Unsupported(err)
	}
}

// environ is the environment of the first shell.
func (s *session) environ() []string {
	env := append([]string(nil), s.opts.Env...)
	return append(env, pidVariable+"="+s.pid)
}

// A syncBuffer is a buffer that several goroutines write to.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// Bytes returns a copy of what was written so far: a program in the
// background may still be writing.
func (b *syncBuffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.buf.Bytes())
}

// both writes to two buffers.
type both [2]*syncBuffer

func (b both) Write(p []byte) (int, error) {
	b[0].Write(p)
	return b[1].Write(p)
}
