package shell

import (
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"
)

// pidVariable is the variable that a script's commands find the run's number
// in. The interpreter's own $PPID is fixed to the process's parent, so that
// scripts are rewritten to ask for this one.
const pidVariable = "PACKETDRILL_PID"

// parsed is a shell script's syntax tree, ready to be interpreted by any
// number of runs at once.
type parsed struct {
	file *syntax.File
	// beyond names something of the script that the interpreter can't do.
	beyond string
}

// A folder's scripts all run the same defaults.sh: parse it once.
var parses struct {
	sync.Mutex
	m map[string]*parsed // by text and name
}

// maxParses keeps a long-lived process from growing.
const maxParses = 1000

func parse(name, text string) (*parsed, error) {
	key := name + "\x00" + text
	parses.Lock()
	p := parses.m[key]
	parses.Unlock()
	if p != nil {
		return p, nil
	}

	f, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), name)
	if err != nil {
		return nil, err
	}
	p = &parsed{file: f}
	syntax.Walk(f, p.visit)

	parses.Lock()
	defer parses.Unlock()
	if parses.m == nil || len(parses.m) >= maxParses {
		parses.m = make(map[string]*parsed)
	}
	parses.m[key] = p
	return p, nil
}

// visit replaces $PPID and finds what the interpreter can't do.
func (p *parsed) visit(n syntax.Node) bool {
	switch n := n.(type) {
	case *syntax.ParamExp:
		if n.Param != nil && n.Param.Value == "PPID" {
			n.Param.Value = pidVariable
		}
	case *syntax.Stmt:
		// It would run on as a goroutine that nobody waits for, and make
		// calls to the target whenever it likes.
		if n.Background || n.Disown {
			p.cannot("a background command")
		}
	case *syntax.CoprocClause:
		p.cannot("a coprocess")
	case *syntax.ProcSubst:
		p.cannot("a process substitution")
	case *syntax.Redirect:
		switch {
		case n.N != nil && n.N.Value != "0" && n.N.Value != "1" && n.N.Value != "2":
			p.cannot("a redirection of descriptor " + n.N.Value)
		case n.Op == syntax.RdrInOut || n.Op == syntax.RdrClob:
			p.cannot("the redirection " + n.Op.String())
		}
	case *syntax.CallExpr:
		if len(n.Args) > 0 && unbuilt[n.Args[0].Lit()] {
			p.cannot("the shell's " + n.Args[0].Lit())
		}
	}
	return true
}

func (p *parsed) cannot(what string) {
	if p.beyond == "" {
		p.beyond = what
	}
}

// unbuilt are the shell's built-ins that act on its own process or jobs.
var unbuilt = map[string]bool{
	"bg": true, "disown": true, "fg": true, "jobs": true, "kill": true,
	"suspend": true, "times": true, "ulimit": true, "umask": true,
}

// streams are a command's three files.
type streams struct {
	in       io.Reader // nil: empty
	out, err io.Writer
}

// An environment is the variables and the folder that a shell starts with.
type environment struct {
	dir  string
	vars []string // NAME=value; the last of a name counts
}

// Get implements expand.Environ.
func (e *environment) Get(name string) expand.Variable {
	for i := len(e.vars) - 1; i >= 0; i-- {
		if n, v, _ := strings.Cut(e.vars[i], "="); n == name {
			return exported(v)
		}
	}
	switch name {
	case "HOME", "UID", "EUID", "GID":
		// Set, if to nothing, so that the interpreter doesn't look them up.
		return exported("")
	}
	return expand.Variable{}
}

// Each implements expand.Environ.
func (e *environment) Each(f func(name string, v expand.Variable) bool) {
	for _, nv := range e.vars {
		if n, v, ok := strings.Cut(nv, "="); ok && !f(n, exported(v)) {
			return
		}
	}
}

func exported(value string) expand.Variable {
	return expand.Variable{Set: true, Exported: true, Kind: expand.String, Str: value}
}

// exports lists the exported variables of a shell, sorted.
func exports(env expand.Environ) []string {
	vars := make(map[string]string)
	env.Each(func(name string, v expand.Variable) bool {
		delete(vars, name) // an outer shell's
		if v.IsSet() && v.Exported && v.Kind == expand.String {
			vars[name] = name + "=" + v.Str
		}
		return true
	})
	return slices.Sorted(maps.Values(vars))
}
