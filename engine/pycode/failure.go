package pycode

import (
	"fmt"
	"strings"

	"tcpdrill/script"
)

// An Exception is an error that Python would raise, other than a failed assert.
type Exception struct {
	Pos     script.Position // of the expression at fault
	Type    string          // "NameError"
	Message string          // "name 'cwnd' is not defined"
}

func (e *Exception) Error() string { return e.Type + ": " + e.Message }

// A NamedValue is a variable and what it held, as Python's repr has it.
type NamedValue struct{ Name, Value string }

// An AssertError is an assert that failed.
type AssertError struct {
	Pos     script.Position // of the assert
	Expr    string          // what was asserted, as written
	Failed  string          // the part of Expr that is false: of a and b, one of them; else Expr
	Left    string          // the left side's value in the comparison that is false, or ""
	Op      string          // the comparison: "==", "not in"; or ""
	Right   string          // the right side's value, or ""
	Value   string          // what Failed came to: "False", "0", "None"
	Names   []NamedValue    // the variables in Failed, in order
	Message string          // what the script says of it, as print would show it; or ""
}

// Error says what is false, and why:
//
//	assert tcpi_snd_cwnd == 10: 9 == 10 is false (tcpi_snd_cwnd = 9)
func (e *AssertError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "assert %s: ", e.Expr)
	if e.Failed != e.Expr {
		fmt.Fprintf(&b, "%s: ", e.Failed)
	}
	if e.Op != "" {
		fmt.Fprintf(&b, "%s %s %s is false", e.Left, e.Op, e.Right)
	} else {
		fmt.Fprintf(&b, "it is %s", e.Value)
	}
	if len(e.Names) > 0 {
		var names []string
		for _, n := range e.Names {
			names = append(names, n.Name+" = "+n.Value)
		}
		fmt.Fprintf(&b, " (%s)", strings.Join(names, ", "))
	}
	if e.Message != "" && !e.repeats(e.Message) {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	return b.String()
}

// repeats reports whether the script's message is a value already shown.
// Scripts often say: assert tcpi_lost == 1, tcpi_lost.
func (e *AssertError) repeats(message string) bool {
	for _, n := range e.Names {
		if n.Value == message {
			return true
		}
	}
	return e.Op != "" && (message == e.Left || message == e.Right)
}

// oneLine joins the lines of an expression.
func oneLine(source string) string {
	if !strings.ContainsAny(source, "\r\n") {
		return source
	}
	source = strings.NewReplacer("\\\n", " ", "\\\r\n", " ").Replace(source)
	return strings.Join(strings.Fields(source), " ")
}
