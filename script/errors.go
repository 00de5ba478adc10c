package script

import (
	"fmt"
	"slices"
	"strings"
)

// An Error is a mistake in a script, or in what was asked of it, at a place.
type Error struct {
	Pos, End Position // End is the first place after it; equal to Pos if unknown
	Summary  string   // one line, no full stop: "got }, want ," or "unknown option sackOk"
	Detail   string   // what helps to mend it, or ""
	// Late tells what packetdrill notices only when it comes to run the event,
	// such as an unknown symbol, from what its --dry_run refuses.
	Late bool
}

// Error returns "file:line:column: summary".
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.Pos.Filename, e.Pos.Line, e.Pos.Column, e.Summary)
}

// An ErrorList is several errors of one script, in the order of their places.
type ErrorList []*Error

// Error returns one line per error.
func (l ErrorList) Error() string {
	lines := make([]string, len(l))
	for i, e := range l {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find the single errors.
func (l ErrorList) Unwrap() []error {
	errs := make([]error, len(l))
	for i, e := range l {
		errs[i] = e
	}
	return errs
}

// sort puts l in the order of the places.
func (l ErrorList) sort() {
	slices.SortStableFunc(l, func(a, b *Error) int { return a.Pos.Offset - b.Pos.Offset })
}

// asError returns l as an error, nil if it is empty.
func (l ErrorList) asError() error {
	if len(l) == 0 {
		return nil
	}
	return l
}
