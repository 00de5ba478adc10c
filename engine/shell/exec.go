package shell

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"mvdan.cc/sh/v3/interp"

	"tcpdrill/engine"
)

// errOther is a built-in program's word for a call that it doesn't know how
// to do and the real program may.
var errOther = errors.New("not built in")

// statusNotFound is the shell's exit status when there is no such program.
const statusNotFound = 127

// A call is one call of a built-in program.
type call struct {
	*session
	ctx  context.Context
	args []string // after the name
	env  *environment
	streams
}

// A program is a built-in one. Its run returns the exit status. With errOther
// it must not have read or written anything.
type program struct {
	run func(c *call) (int, error)
	// host says that the program deals with the host. Such a program reads no
	// input, runs while no other does, and is given buffers to write to.
	host bool
}

// programs are the built-in programs by name.
var programs map[string]program

func init() { // not above, since sh runs scripts, which look programs up
	programs = map[string]program{
		"sysctl":         {sysctl, true},
		"ip":             {ip, true},
		"tc":             {tc, true},
		"ethtool":        {ethtool, true},
		"nstat":          {nstat, true},
		"sleep":          {sleep, true},
		"set_sysctls.py": {setSysctls, true},
		"rm":             {rm, true},

		"sh":     {sh, false},
		"bash":   {sh, false},
		"dash":   {sh, false},
		"echo":   {echo, false},
		"printf": {printf, false},
		"cat":    {cat, false},
		"grep":   {grep, false},
		"wc":     {wc, false},
		"dd":     {dd, false},
	}
}

// call renames calls of the interpreter's own built-ins where ours is needed.
// It implements interp.CallHandlerFunc.
func (s *session) call(_ context.Context, args []string) ([]string, error) {
	switch {
	case args[0] == "echo" || args[0] == "printf":
		// The interpreter's doesn't notice that a write failed, and by that
		// a value is refused: echo 5 > /proc/sys/…
		return append([]string{"/bin/" + args[0]}, args[1:]...), nil
	case len(args) == 3 && args[0] == "command" && args[1] == "-v":
		if _, ok := builtIn(args[2]); ok {
			return []string{"/bin/echo", args[2]}, nil
		}
	}
	return args, nil
}

// builtIn finds a built-in program by its name or its usual path.
func builtIn(name string) (program, bool) {
	dir, base := path.Split(name)
	switch dir {
	case "", "/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/":
	default:
		if base != "set_sysctls.py" { // it lies in the suites' own folders
			return program{}, false
		}
	}
	p, ok := programs[base]
	return p, ok
}

// exec runs a program or a shell script. It implements interp.ExecHandlerFunc.
func (s *session) exec(ctx context.Context, args []string) error {
	hc := interp.HandlerCtx(ctx)
	std := streams{in: hc.Stdin, out: hc.Stdout, err: hc.Stderr}
	env := &environment{dir: hc.Dir, vars: exports(hc.Env)}
	exit, err := s.start(ctx, args, env, std)
	if err != nil {
		return err
	}
	if exit != 0 {
		return interp.ExitStatus(exit)
	}
	return nil
}

func (s *session) start(ctx context.Context, args []string, env *environment, std streams) (int, error) {
	name := args[0]
	if p, ok := builtIn(name); ok {
		exit, err := p.start(&call{session: s, ctx: ctx, args: args[1:], env: env, streams: std})
		if err != errOther {
			return exit, err
		}
		return s.external(ctx, args, env, std)
	}
	if strings.Contains(name, "/") {
		text, err := s.readFile(env.abs(name))
		if err == nil && isShellScript(text) {
			return s.script(ctx, name, string(text), args, env, std)
		}
	}
	return s.external(ctx, args, env, std)
}

func (p program) start(c *call) (int, error) {
	if !p.host {
		return p.run(c)
	}
	// A write to a pipe may wait for its reader, which may wait for mu.
	std := c.streams
	var out, stderr bytes.Buffer
	c.streams = streams{out: &out, err: &stderr}
	c.mu.Lock()
	exit, err := p.run(c)
	c.mu.Unlock()
	std.err.Write(stderr.Bytes())
	std.out.Write(out.Bytes()) // where it fails, the real one gets SIGPIPE
	return exit, err
}

// script interprets a shell script in a shell of its own.
func (s *session) script(ctx context.Context, name, text string, args []string, env *environment, std streams) (int, error) {
	p, err := parse(name, text)
	if err != nil {
		fmt.Fprintln(std.err, err)
		return 2, nil
	}
	if p.beyond != "" {
		return s.beyond(ctx, p.beyond, args, env, std)
	}
	return s.interpret(ctx, p, env, args[1:], std)
}

// isShellScript tells by the first line, as the kernel does. Text without an
// interpreter's name is a shell script too, as the shell sees it.
func isShellScript(text []byte) bool {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	if !bytes.HasPrefix(line, []byte("#!")) {
		return !bytes.Contains(line, []byte{0})
	}
	f := strings.Fields(string(line[2:]))
	if len(f) > 1 && path.Base(f[0]) == "env" {
		f = f[1:]
	}
	if len(f) == 0 {
		return true
	}
	switch path.Base(f[0]) {
	case "sh", "bash", "dash":
		return true
	}
	return false
}

// executor returns the host's, if real programs may be run.
func (s *session) executor() engine.Executor {
	if s.opts.NoExec {
		return nil
	}
	e, _ := s.host.(engine.Executor)
	return e
}

// external runs a real program.
func (s *session) external(ctx context.Context, args []string, env *environment, std streams) (int, error) {
	name := args[0]
	e := s.executor()
	if e == nil {
		what := "the program " + name
		if _, ok := builtIn(name); ok {
			what = "the command " + strings.Join(args, " ")
		}
		err := &engine.UnsupportedError{What: what}
		s.note(err)
		fmt.Fprintf(std.err, "sh: %v\n", err)
		return statusNotFound, nil
	}
	exit, err := e.Exec(ctx, &engine.ExecCommand{
		Args:   args,
		Env:    env.vars,
		Dir:    env.dir,
		Stdin:  std.in,
		Stdout: std.out,
		Stderr: std.err,
	})
	switch {
	case err == nil:
		return exit, nil
	case errors.Is(err, fs.ErrNotExist):
		if !strings.Contains(name, "/") {
			s.note(&engine.UnsupportedError{What: "the program " + name + ", which isn't installed,"})
		}
		fmt.Fprintf(std.err, "sh: %s: not found\n", name)
		return statusNotFound, nil
	case errors.Is(err, fs.ErrPermission):
		fmt.Fprintf(std.err, "sh: %s: Permission denied\n", name)
		return 126, nil
	}
	if unsupported, ok := errors.AsType[*engine.UnsupportedError](err); ok {
		s.note(unsupported)
		fmt.Fprintf(std.err, "sh: %v\n", err)
		return statusNotFound, nil
	}
	return 0, err
}

// fail reports what the host answered to a program and returns the exit status
// given. The format has a %s for the error.
func (c *call) fail(exit int, format string, err error) int {
	if unsupported, ok := errors.AsType[*engine.UnsupportedError](err); ok {
		c.noteLocked(unsupported)
	}
	fmt.Fprintf(c.err, format+"\n", plain(err))
	return exit
}

// sh is `sh -c COMMAND [NAME ARG...]` and `sh FILE [ARG...]`, with the options
// that the interpreter's `set` knows.
func sh(c *call) (int, error) {
	var set []string
	command := false
	args := c.args
	for len(args) > 0 && strings.HasPrefix(args[0], "-") && args[0] != "-" {
		for _, o := range args[0][1:] {
			switch o {
			case 'c':
				command = true
			case 'e', 'u', 'x', 'f':
				set = append(set, "set -"+string(o)+"\n")
			default:
				return 0, errOther
			}
		}
		args = args[1:]
	}
	name, params := "sh", []string{"sh"}
	var text string
	switch {
	case command && len(args) > 0:
		text, args = args[0], args[1:]
		if len(args) > 0 {
			name, params = args[0], args
		}
	case command:
		return 2, nil
	case len(args) > 0:
		b, err := c.readFile(c.env.abs(args[0]))
		if err != nil {
			fmt.Fprintf(c.err, "sh: cannot open %s: %s\n", args[0], plain(err))
			return statusNotFound, nil
		}
		text, name, params = string(b), args[0], args
	case c.in != nil:
		b, err := io.ReadAll(c.in)
		if err != nil {
			return 2, nil
		}
		text = string(b)
	}
	text = strings.Join(set, "") + text
	if p, err := parse(name, text); err == nil && p.beyond != "" && c.executor() != nil {
		return 0, errOther
	}
	return c.script(c.ctx, name, text, params, c.env, c.streams)
}
