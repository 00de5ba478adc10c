// Package pycode evaluates the Python of a script's code blocks:
//
//	%{ assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd }%
//
// The blocks of a script make one program. They run in order and share their
// variables; before each, the socket's state as it was when the block was due
// is assigned to variables such as tcpi_snd_cwnd (see [TCPInfo], [CCInfo] and
// [MemInfo]).
//
// What is understood is the part of Python 3 that such blocks use: assert, if,
// assignments and expressions over None, bool, int, float, str, tuple and list,
// with a few built-in functions; and Python 2's print statement. What is
// understood behaves exactly as in Python. Everything else is an [Unsupported],
// never a guess: the caller then gives the whole program to a real Python, for
// which [Program.Source] writes it out.
//
// Limitations, on purpose: no loops, functions, imports, comprehensions, slices,
// dictionaries, sets, bytes, f-strings, complex numbers or attributes (other
// than the method format of strings), and no integers beyond 8192 bits.
package pycode

import (
	"fmt"
	"strings"

	"tcpdrill/script"
)

// A Block is the text of one %{ … }%, without the delimiters and the blanks
// next to them.
type Block struct {
	Text string
	Pos  script.Position // where Text starts in the script
}

// A Program is all blocks of one script.
type Program struct {
	blocks []*block
}

// A block is a parsed Block.
type block struct {
	Block
	body        []stmt
	unsupported *Unsupported // then body isn't complete
}

// Parse reads the blocks of a script. It fails with a *SyntaxError at the first
// block that isn't Python. A block that needs more of Python than this package
// has is no error here, but what [Program.Unsupported] returns.
func Parse(blocks []Block) (*Program, error) {
	p := &Program{}
	for _, b := range blocks {
		parsed := &block{Block: b}
		p.blocks = append(p.blocks, parsed)
		body, err := parseBlock(&parsed.Block)
		switch err := err.(type) {
		case nil:
			parsed.body = body
		case *Unsupported:
			parsed.unsupported = err
		default:
			return nil, err
		}
	}
	p.checkBuiltins()
	return p, nil
}

// Unsupported returns the first thing in the program that only a real Python
// can do, or nil if all blocks can be evaluated here.
func (p *Program) Unsupported() *Unsupported {
	for _, b := range p.blocks {
		if b.unsupported != nil {
			return b.unsupported
		}
	}
	return nil
}

// A Var is a variable that is assigned before a block runs. Value is an int,
// int64, uint64, float64 or string.
type Var struct {
	Name  string
	Value any
}

// A SyntaxError says that a block isn't Python. Its text has no position.
type SyntaxError struct {
	Pos, End script.Position // End is the first place after what is wrong
	Msg      string          // "got '=', want an expression"
}

func (e *SyntaxError) Error() string { return e.Msg }

// Unsupported says that a block may well be Python, but needs a real one. Its
// text has no position.
type Unsupported struct {
	Pos  script.Position
	What string // "import"
}

func (e *Unsupported) Error() string { return "only python3 can run this: " + e.What }

// position returns the place in the script of a byte of the block's text.
func (b *Block) position(offset int) script.Position {
	before := b.Text[:offset]
	pos := b.Pos
	pos.Offset += offset
	if newlines := strings.Count(before, "\n"); newlines > 0 {
		pos.Line += newlines
		pos.Column = offset - strings.LastIndexByte(before, '\n')
	} else {
		pos.Column += offset
	}
	return pos
}

// syntaxError is about the text at s.
func (b *Block) syntaxError(s span, format string, args ...any) error {
	return &SyntaxError{b.position(s.start), b.position(s.end), fmt.Sprintf(format, args...)}
}

func (b *Block) unsupported(offset int, format string, args ...any) error {
	return &Unsupported{b.position(offset), fmt.Sprintf(format, args...)}
}
