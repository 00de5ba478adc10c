package main

import (
	"fmt"
	"text/tabwriter"

	"tcpdrill/engine/kernel"
)

type stacksCommand struct{}

// Run lists the stacks: name, whether it can be drilled, and its version or
// why not and what to do about it.
func (s *stacksCommand) Run(c *console) error {
	w := tabwriter.NewWriter(c.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "STACK\tUSABLE\tTIME\tDETAIL")
	if err := kernel.Available(); err != nil {
		fmt.Fprintf(w, "kernel\tno\treal\t%v\n", err)
	} else {
		fmt.Fprintf(w, "kernel\tyes\treal\t%s\n", kernel.Version())
	}
	return w.Flush()
}
