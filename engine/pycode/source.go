package pycode

import (
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"tcpdrill/script"
)

// A Source is a program as one Python 3 file, for a real Python to run.
type Source struct {
	Text   string
	blocks []sourceBlock // in order
}

// A sourceBlock says which lines of the file are a block's.
type sourceBlock struct {
	first, lines int
	pos          script.Position
}

// Source writes the program out: before each block its snapshot, as Eval would
// assign it; print statements of Python 2 have become calls. There may be fewer
// snapshots than blocks, if the script failed before its end: the rest of the
// blocks is left out.
func (p *Program) Source(snapshots [][]Var) Source {
	var s Source
	var b strings.Builder
	b.WriteString("import sys\nimport traceback\n")
	line := 3
	for i, block := range p.blocks[:min(len(snapshots), len(p.blocks))] {
		for _, vars := range [][]Var{Constants(), snapshots[i]} {
			for _, v := range vars {
				fmt.Fprintf(&b, "%s = %s\n", v.Name, literal(v.Value))
				line++
			}
		}
		text := callPrint(&block.Block)
		lines := strings.Count(text, "\n") + 1
		s.blocks = append(s.blocks, sourceBlock{line, lines, block.Pos})
		// An empty line, as the block may end with a backslash.
		b.WriteString(text + "\n\n")
		line += lines + 1
	}
	s.Text = b.String()
	return s
}

// literal writes a variable's value as Python.
func literal(v any) string {
	if f, ok := v.(float64); ok {
		return "float('" + reprFloat(f) + "')" // inf and nan have no literals
	}
	value, err := valueOf(v)
	if err != nil {
		return "None"
	}
	return repr(value)
}

// Position returns the place in the script that a line of the file (from 1) is
// from; false if it is from none.
func (s Source) Position(line int) (script.Position, bool) {
	i := sort.Search(len(s.blocks), func(i int) bool { return s.blocks[i].first > line }) - 1
	if i < 0 || line >= s.blocks[i].first+s.blocks[i].lines {
		return script.Position{}, false
	}
	pos := s.blocks[i].pos
	if n := line - s.blocks[i].first; n > 0 {
		pos.Line += n
		pos.Column = 1
		pos.Offset = 0 // not known
	}
	return pos, true
}

var tracebackLine = regexp.MustCompile(`(?m)^ *File "[^"]*", line ([0-9]+)`)

// Locate reads what Python wrote to its standard error: the place in the script
// where it failed, and what it said, such as "NameError: name 'x' is not
// defined". It is false if there is no traceback through the script.
func (s Source) Locate(stderr string) (pos script.Position, message string, ok bool) {
	for _, m := range tracebackLine.FindAllStringSubmatch(stderr, -1) {
		n, _ := strconv.Atoi(m[1])
		if p, found := s.Position(n); found {
			pos, ok = p, true
		}
	}
	lines := strings.Split(strings.TrimRight(stderr, "\r\n"), "\n")
	return pos, strings.TrimSpace(lines[len(lines)-1]), ok
}

// callPrint turns the print statements of a block into calls. The lines stay
// where they are. A block that can't be cut into tokens is left as it is, for
// Python to complain about.
func callPrint(b *Block) string {
	tokens, err := lex(b)
	if err != nil {
		return b.Text
	}
	var out strings.Builder
	done, depth := 0, 0
	starts := true // whether a statement starts here
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		if starts && depth == 0 && isPrintStmt(tokens[i:]) {
			last := i + 1
			for ; ; last++ {
				depth += bracketStep(tokens[last])
				if next := tokens[last+1]; depth == 0 && (next.kind == tokenNewline || next.is(";")) {
					break
				}
			}
			end, closing := tokens[last].end, ")"
			if tokens[last].is(",") {
				closing = " end=' ')"
			}
			out.WriteString(b.Text[done:t.end] + "(" + strings.TrimLeft(b.Text[t.end:end], " \t") + closing)
			done, i = end, last
			starts = false
			continue
		}
		depth += bracketStep(t)
		switch t.kind {
		case tokenNewline, tokenIndent, tokenDedent:
			starts = true
		default:
			starts = t.is(";") || t.is(":")
		}
	}
	return out.String() + b.Text[done:]
}

// bracketStep is how much deeper in brackets a token leads.
func bracketStep(t token) int {
	if t.kind == tokenOp {
		switch t.text {
		case "(", "[", "{":
			return 1
		case ")", "]", "}":
			return -1
		}
	}
	return 0
}
