package script

import (
	"slices"
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// Parse implements participle.Parseable: device and a verb, with a number if it is a
// counter. These are words like others, and so remain free for notes: "No such device".
func (d *Device) Parse(lex *lexer.PeekingLexer) error {
	start := lex.Peek().Pos
	if t := lex.Peek(); t.Type != tokenWord || t.Value != "device" {
		return participle.NextMatch
	}
	lex.Next()
	if !slices.Contains(DeviceVerbs, lex.Peek().Value) {
		return unexpected(lex, `("`+strings.Join(DeviceVerbs, `" | "`)+`")`)
	}
	d.Verb = lex.Next().Value
	if d.Verb == DeviceTxDropped || d.Verb == DeviceRxDropped {
		d.Count = new(Int)
		if d.Count.Parse(lex) != nil {
			return unexpected(lex, "Int")
		}
	}
	d.Range = Range{start, lex.RawPeek().Pos}
	return nil
}

// device checks an event of the device's. stall is the one that stopped its reader, nil
// if it reads; it returns the same for what follows.
func (c *checker) device(e, stall *Event) *Event {
	d := e.Device
	switch d.Verb {
	case DeviceStall:
		if stall != nil {
			c.fail(d, "the device's reader is stalled already, since line %d", stall.Pos.Line)
		}
		return e
	case DeviceResume:
		if stall == nil && !c.script.partial {
			c.fail(d, "resume without a stall before")
		}
		return nil
	}
	c.within(d.Count, d.Verb, 0, maxU32)
	return stall
}
