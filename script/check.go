package script

import (
	"fmt"
	"slices"
)

// A Setting is what Check can't see in a script itself: how it will be run.
type Setting struct {
	// IPVersion is ipv4, ipv6 or ipv4-mapped-ipv6, and wins over the script's own.
	// Where neither says it, what is right for one of them is right.
	IPVersion string
	// Options are the names of the options that the command line gives, with underscores.
	Options []string
}

// Check returns what is wrong with a script that could be parsed, in the order
// of the places. After Parse it refuses all that packetdrill's --dry_run refuses.
// What it refuses beyond that has Late set: such a script can only fail.
func Check(s *Script) ErrorList { return CheckWith(s, Setting{}) }

// CheckWith is Check for a script that is run in a certain way.
func CheckWith(s *Script, setting Setting) ErrorList {
	c := &checker{script: s, setting: setting, version: setting.IPVersion}
	c.options()
	c.events()
	c.errors.sort()
	return c.errors
}

// Vet parses and checks a script. It returns all that is wrong with it, in order,
// and what of it could be read.
func Vet(name string, src []byte, defines Defines, setting Setting) (*Script, ErrorList) {
	s, err := Parse(name, src, defines)
	errs, _ := err.(ErrorList)
	errs = append(slices.Clip(errs), CheckWith(s, setting)...)
	errs.sort()
	return s, errs
}

// A checker collects the errors of one script.
type checker struct {
	script  *Script
	setting Setting
	version string // ipv4, ipv6, ipv4-mapped-ipv6 or "" if unknown
	errors  ErrorList
}

// fail notes an error at node n.
func (c *checker) fail(n Node, format string, args ...any) *Error {
	start, end := n.Span()
	e := &Error{Pos: start, End: end, Summary: fmt.Sprintf(format, args...)}
	c.errors = append(c.errors, e)
	return e
}

// late notes an error that only shows when the script runs.
func (c *checker) late(n Node, format string, args ...any) *Error {
	e := c.fail(n, format, args...)
	e.Late = true
	return e
}

// within fails unless low <= n <= high.
func (c *checker) within(n *Int, what string, low, high int64) bool {
	if n == nil || low <= n.Value && n.Value <= high {
		return true
	}
	c.fail(n, "%s out of range: got %s, want %d to %d", what, n.Text, low, high)
	return false
}

const (
	maxU8  = 1<<8 - 1
	maxU16 = 1<<16 - 1
	maxU20 = 1<<20 - 1
	maxU24 = 1<<24 - 1
	maxU32 = 1<<32 - 1
)

func (c *checker) events() {
	var last, stall *Event
	for _, e := range c.script.Events {
		c.time(e, last)
		switch {
		case e.Packet != nil:
			c.packet(e.Packet)
		case e.Call != nil:
			c.call(e.Call)
		case e.Code != nil:
			c.code(e.Code)
		case e.Device != nil:
			stall = c.device(e, stall)
		}
		last = e
	}
}

// time checks an event's time; last is the event before, or nil.
func (c *checker) time(e, last *Event) {
	t := &e.Time
	if t.Start < 0 || t.End < 0 {
		c.fail(t, "negative time")
		return
	}
	if isRange := t.Kind == AbsoluteRange || t.Kind == RelativeRange; isRange && t.End < t.Start {
		c.fail(t, "time range is backwards: %s comes before %s", t.EndText, t.StartText)
	}
	outbound := e.Packet != nil && e.Packet.Direction == Outbound
	switch {
	case outbound:
	case t.Kind == Any:
		c.fail(t, "only an outbound packet can come at any time (*)")
	case t.Kind == AbsoluteRange || t.Kind == RelativeRange:
		c.fail(t, "only an outbound packet can have a time range")
	}
	switch {
	case c.script.partial:
		// The events around may be missing.
	case last == nil && t.Start != 0:
		c.late(t, "first event is at %s, want 0", t.StartText)
	case last != nil && t.absolute() && last.Time.absolute() && t.Start < last.Time.Start:
		c.late(t, "time runs backwards: %s comes after %s", t.StartText, last.Time.StartText)
	}
	if e.Call != nil && e.Call.End < 0 {
		c.fail(e.Call, "negative time")
	}
}

func (t *Time) absolute() bool { return t.Kind == Absolute || t.Kind == AbsoluteRange }
