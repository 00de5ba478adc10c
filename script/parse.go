package script

import (
	"errors"
	"strings"
	"sync"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// The parsers of what a script consists of. Parsing one item at a time lets
// Parse go on after an error. Building one takes up to some milliseconds, which
// a program that parses nothing doesn't have to spend.
var (
	parserOptions = []participle.Option{
		participle.Lexer(definition{}),
		participle.Elide("Blank"),
		participle.UseLookahead(0),
	}
	optionParser = sync.OnceValue(buildParser[optionRule])
	eventParser  = sync.OnceValue(buildParser[eventRule])
)

func buildParser[T any]() *participle.Parser[T] { return participle.MustBuild[T](parserOptions...) }

// Warm builds the parsers that every script needs, for programs that have time for it
// before their first script comes.
func Warm() {
	optionParser()
	eventParser()
}

// Parse parses a script. What it finds wrong it returns as an ErrorList, with
// what of the script could be read, which Check accepts too. The symbols in defines
// take precedence over those that the script defines itself.
func Parse(name string, src []byte, defines Defines) (*Script, error) {
	scan := newScanner(name, src)
	if scan.binary() {
		return &Script{Name: name, Source: src, partial: true}, scan.errors
	}
	lex, err := lexer.Upgrade(scan, tokenBlank)
	if err != nil {
		return nil, err // can't be: the scanner reports its errors itself
	}
	p := &parser{
		lex:     lex,
		src:     src,
		errors:  scan.errors,
		unread:  len(scan.errors) > 0,
		script:  &Script{Name: name, Source: src, Comments: scan.comments},
		scanned: scan.count,
	}
	p.parse(defines)
	p.errors.sort()
	return p.script, p.errors.asError()
}

// A parser fills in a script, item by item.
type parser struct {
	lex     *lexer.PeekingLexer
	src     []byte
	scanned int // tokens in lex
	script  *Script
	errors  ErrorList
	unread  bool // whether the scanner reported errors
}

func (p *parser) parse(defines Defines) {
	s := p.script
	s.Pos = p.lex.Peek().Pos
	for p.lex.Peek().Type == tokenOption {
		if rule, ok := parseItem(p, optionParser()); ok {
			s.Options = append(s.Options, rule.option())
		}
	}
	p.define(defines)
	s.Init = p.command()
	for !p.lex.Peek().EOF() {
		if t := p.lex.Peek(); t.Type == tokenCommand && len(s.Events) > 0 {
			s.Cleanup = p.command()
			if t := p.lex.Peek(); !t.EOF() {
				p.fail(t, &Error{
					Summary: "got " + describe(t) + ", want the end of the script",
					Detail:  "The command before it has no time, so it is the one that cleans up, which is the last thing in a script.",
				})
				s.Cleanup = nil
			}
			continue
		}
		if rule, ok := parseItem(p, eventParser()); ok {
			s.Events = append(s.Events, rule.event())
		}
	}
	s.EndPos = p.lex.Peek().Pos
	if len(s.Events) == 0 && len(p.errors) == 0 {
		p.fail(p.lex.Peek(), &Error{Summary: "got the end of the script, want at least one event"})
	}
	s.partial = len(p.errors) > 0
}

// define replaces the symbols in what is left of the script, but not in the very
// next token: packetdrill has to read that one to know that the options are over.
func (p *parser) define(defines Defines) {
	fromScript := Defines{}
	for _, o := range p.script.Options {
		if symbol, value, ok := strings.Cut(o.Value, "="); ok && o.Name == "define" {
			fromScript[symbol] = value
		}
	}
	first := p.lex.MakeCheckpoint()
	p.lex.Next()
	rest := p.lex.Range(p.lex.RawCursor(), lexer.RawCursor(p.scanned))
	p.lex.LoadCheckpoint(first)
	defines.merge(fromScript).substitute(rest)
}

// command returns the command here, or nil.
func (p *parser) command() *Command {
	c := new(Command)
	if c.Parse(p.lex) != nil {
		return nil
	}
	return c
}

// parseItem parses one option or event. If it can't it notes the error, moves to
// where the next item seems to start and returns false.
func parseItem[R any](p *parser, parser *participle.Parser[R]) (*R, bool) {
	start := p.lex.Peek().Pos.Offset
	checkpoint := p.lex.MakeCheckpoint()
	rule, err := parser.ParseFromLexer(p.lex, participle.AllowTrailing(true))
	if err == nil {
		return rule, true
	}
	p.lex.LoadCheckpoint(checkpoint)
	p.blame(err)
	for t := p.lex.Peek(); !t.EOF(); t = p.lex.Peek() {
		if t.Pos.Offset > start && p.startsItem(t) {
			break
		}
		p.lex.Next()
	}
	return nil, false
}

// blame moves from the start of an item to the token that is wrong in it, and notes
// the error.
func (p *parser) blame(err error) {
	e := &Error{Summary: err.Error()}
	at := p.lex.Peek().Pos.Offset
	var unexpected *participle.UnexpectedTokenError
	if errors.As(err, &unexpected) {
		e = syntaxError(unexpected)
		at = unexpected.Unexpected.Pos.Offset
	}
	var before, second *lexer.Token // the tokens before the one that is wrong
	for p.lex.Peek().Pos.Offset < at {
		second, before = before, p.lex.Next()
	}
	t := p.lex.Peek()
	switch {
	case second != nil && second.Type == tokenWord && before.Value == "(" && blankBefore(p.src, second.Pos.Offset):
		// What looks like the note of an errno on a line of its own is a call without a time.
		e.Summary = "got " + describe(second) + ", want an event's time, such as 0, +.1 or *"
		p.fail(second, e)
	case before == nil && !t.EOF() && !blankBefore(p.src, t.Pos.Offset):
		p.fail(t, trailing(t))
	case before != nil && (t.EOF() || p.startsItem(t)):
		// It ended too early; say so there and not where the next one starts.
		_, want, _ := strings.Cut(e.Summary, ", want ")
		e.Summary, e.Pos = "got the end of the line, want "+want, p.end(before)
		e.End = e.Pos
		p.errors = append(p.errors, e)
	default:
		p.fail(t, e)
	}
}

// startsItem reports whether t looks like the start of an option, event or command.
func (p *parser) startsItem(t *lexer.Token) bool {
	switch {
	case t.Type == tokenOption, t.Type == tokenCommand, t.Type == tokenInteger, t.Type == tokenFloat,
		t.Value == "+", t.Value == "*":
		return blankBefore(p.src, t.Pos.Offset)
	}
	return false
}

// fail notes an error at token t, unless the scanner has already said why it is there.
func (p *parser) fail(t *lexer.Token, e *Error) {
	e.Pos, e.End = t.Pos, p.end(t)
	if p.unread && t.Type == tokenBad {
		return
	}
	p.errors = append(p.errors, e)
}

// end returns the first place after t, on its first line.
func (p *parser) end(t *lexer.Token) Position {
	value, symbol := splitSymbol(t.Value)
	value, _, _ = strings.Cut(written(value, symbol), "\n")
	end := t.Pos
	end.Offset += len(value)
	end.Column += len(value)
	return end
}
