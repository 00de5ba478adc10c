package engine

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"tcpdrill/engine/pycode"
	"tcpdrill/script"
	"tcpdrill/script/linux"
)

// A codeBlock is a code block that was due, with the socket's state then.
type codeBlock struct {
	code                  *script.Code
	info, ccInfo, memInfo []byte
	slip                  time.Duration // the runner's, then
}

// state is what was seen of the socket, by name.
func (b *codeBlock) state() []pycode.Var {
	return slices.Concat(pycode.TCPInfo(b.info), pycode.CCInfo(b.ccInfo), pycode.MemInfo(b.memInfo))
}

// snapshot takes the state that a code block is about. Its evaluation comes
// when the run is over: it costs time that the script's timeline doesn't have.
func (r *runner) snapshot(c *script.Code) {
	r.note(EntryCode, "").code = c
	s := r.calls.underTest
	if s == nil {
		r.failCode(c, Error, "no socket to use for code", "")
		return
	}
	b := codeBlock{code: c, slip: r.slip}
	for _, o := range []struct {
		to          *[]byte
		level, name string
		size        int
		classic     string
	}{
		{&b.info, "SOL_TCP", "TCP_INFO", 512, "TCP info"},
		{&b.ccInfo, "SOL_TCP", "TCP_CC_INFO", 64, "TCP_CC_INFO"},
		{&b.memInfo, "SOL_SOCKET", "SO_MEMINFO", 64, "sk_meminfo"},
	} {
		var err error
		if *o.to, err = r.option(s, o.level, o.name, o.size); err != nil {
			v := Error // a stack says this of any socket but a closed one, or one that isn't TCP's
			var unsupported *UnsupportedError
			if asUnsupported(err, &unsupported) {
				if _, partial := r.target.(PartialInfo); partial {
					continue // the block may not ask for it
				}
				v = Unsupported
			}
			r.failCode(c, v, "can't find getsockopt to get "+o.classic, err.Error())
			return
		}
	}
	if name := r.unknown(&b); name != "" {
		r.failCode(c, Unsupported, "the stack doesn't say "+name, "")
		return
	}
	r.code = append(r.code, b)
	r.stackEnd = r.now()
}

// stateNames are all names that state may have.
var stateNames = sync.OnceValue(func() map[string]bool {
	all := make([]byte, 512) // longer than each of the structs
	full := codeBlock{info: all, ccInfo: all, memInfo: all}
	names := map[string]bool{}
	for _, v := range full.state() {
		names[v.Name] = true
	}
	return names
})

// unknown returns a name in a code block of which a target with a PartialInfo doesn't
// know the value, "" if there is none.
func (r *runner) unknown(b *codeBlock) string {
	partial, ok := r.target.(PartialInfo)
	if !ok {
		return ""
	}
	known := map[string]bool{}
	for _, v := range b.state() {
		known[v.Name] = partial.KnowsInfo(v.Name)
	}
	for _, name := range identifier.FindAllString(b.code.Text, -1) {
		if stateNames()[name] && !known[name] {
			return name
		}
	}
	return ""
}

// option reads a socket option of at most size bytes.
func (r *runner) option(s *socket, level, name string, size int) ([]byte, error) {
	buf, length := make([]byte, size), []byte{byte(size), byte(size >> 8), 0, 0}
	res := r.target.Call(&Call{Name: "getsockopt", Args: []Arg{
		{Int: int64(s.fd.live)}, {Int: linux.MustValue(level)}, {Int: linux.MustValue(name)}, {Buf: buf}, {Buf: length},
	}})
	switch {
	case res.Err != nil:
		return nil, res.Err
	case res.Ret < 0:
		return nil, errors.New(linux.Strerror(res.Errno))
	}
	return buf[:int(length[0])|int(length[1])<<8], nil
}

// failCode records that there is no state for a code block, in packetdrill's
// words and with the stack's own.
func (r *runner) failCode(c *script.Code, v Verdict, msg, why string) {
	f := Failure{Verdict: v, Line: r.event.Pos.Line, Column: c.Pos.Column, Summary: msg}
	f.Classic = "runtime error in code: " + msg
	if why != "" {
		f.Summary += ": " + why
	}
	r.fail(f)
}

// readings is what a code block names of its socket's state, evaluated or not: a
// failure before that ends the run. There is none if the state couldn't be read.
func (r *runner) readings(c *script.Code) (out []Reading) {
	i := slices.IndexFunc(r.code, func(b codeBlock) bool { return b.code == c })
	if i < 0 {
		return nil
	}
	named := map[string]bool{}
	for _, name := range identifier.FindAllString(c.Text, -1) {
		named[name] = true
	}
	for _, v := range r.code[i].state() {
		if named[v.Name] {
			out = append(out, Reading{v.Name, fmt.Sprint(v.Value)})
		}
	}
	return out
}

var identifier = regexp.MustCompile(`[A-Za-z_]\w*`)

// evaluate runs the code blocks, each over its snapshot.
func (r *runner) evaluate() {
	if len(r.code) == 0 {
		return
	}
	var blocks []pycode.Block
	var states [][]pycode.Var
	for _, b := range r.code {
		blocks = append(blocks, pycode.Block{Text: b.code.Text, Pos: b.code.Start})
		states = append(states, b.state())
	}
	program, err := pycode.Parse(blocks)
	switch {
	case err == nil && program.Unsupported() != nil:
		r.runPython(program, states)
		return
	case err != nil:
		f := Failure{Verdict: Error, Line: r.code[0].code.Pos.Line, Summary: err.Error(), Classic: "error executing code: " + err.Error()}
		var syntax *pycode.SyntaxError
		if errors.As(err, &syntax) {
			f.Line, f.Column = syntax.Pos.Line, syntax.Pos.Column
		}
		r.fail(f)
		return
	}
	var printed bytes.Buffer
	eval := pycode.NewEvaluator(program)
	var unsupported *pycode.Unsupported
	for i := range blocks {
		if err := eval.Eval(i, states[i], &printed); err != nil {
			if errors.As(err, &unsupported) {
				r.runPython(program, states)
				return
			}
			r.codeFailure(i, err)
			if !r.cfg.KeepGoing {
				break
			}
		}
	}
	r.out.Output += printed.String()
}

// codeFailure records what a code block found.
func (r *runner) codeFailure(i int, err error) {
	start := r.code[i].code.Start
	f := Failure{Verdict: Fail, Line: start.Line, Column: start.Column, Summary: err.Error()}
	var a *pycode.AssertError
	var x *pycode.Exception
	switch {
	case errors.As(err, &a):
		f.Line, f.Column = a.Pos.Line, a.Pos.Column
	case errors.As(err, &x):
		f.Line, f.Column = x.Pos.Line, x.Pos.Column
	}
	f.Classic = "error in Python code\n" + err.Error()
	r.doubt(&f, r.code[i].slip)
	r.fail(f)
}

// runPython hands all blocks to a real Python, as packetdrill does.
func (r *runner) runPython(program *pycode.Program, states [][]pycode.Var) {
	first := r.code[0].code.Pos
	if r.tools.Python == nil {
		r.fail(Failure{Verdict: Unsupported, Line: first.Line, Column: first.Column,
			Summary: "the code blocks need a real Python, and there is none here"})
		return
	}
	source := program.Source(states)
	defer r.enter(r.failure(Error, first, ""), "Python hasn't ended")()
	exit, stdout, stderr, err := r.tools.Python.RunPython(r.cfg.CodeCommand, source.Text)
	r.out.Output += string(stdout)
	if err != nil {
		v := Error
		var unsupported *UnsupportedError
		if asUnsupported(err, &unsupported) {
			v = Unsupported
		}
		r.fail(Failure{Verdict: v, Line: first.Line, Summary: "running the code blocks: " + err.Error(), Classic: "error executing code: " + err.Error()})
		return
	}
	if exit != 0 {
		said := strings.TrimSpace(string(stderr))
		f := Failure{Verdict: Fail, Line: first.Line, Classic: "error in Python code\n" + said, Notes: []string{said},
			Summary: fmt.Sprintf("code blocks: '%s' returned non-zero status %d", r.cfg.CodeCommand, exit)}
		if pos, text, ok := source.Locate(said); ok {
			f.Line, f.Column, f.Summary = pos.Line, pos.Column, text
		}
		r.fail(f)
	}
}
