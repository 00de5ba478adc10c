package main

import (
	"fmt"
	"text/tabwriter"

	"tcpdrill/engine/kernel"
	"tcpdrill/engine/netstack"
	"tcpdrill/engine/proxy"
	"tcpdrill/engine/uml/kernels"
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
	fmt.Fprintf(w, "gostack\tyes\tvirtual\tLinux-like, built in, HZ=1000\n")
	fmt.Fprintf(w, "netstack\tyes\tvirtual\tgVisor's, built in, %s\n", netstack.Version())
	for _, p := range proxy.Available() {
		if p.Err != nil {
			fmt.Fprintf(w, "%s\tno\treal\t%v\n", p.Kind, p.Err)
		} else {
			fmt.Fprintf(w, "%s\tyes\treal\t%s\n", p.Kind, p.Version)
		}
	}
	built, err := kernels.List()
	if err != nil {
		fmt.Fprintf(w, "uml\tno\tvirtual\t%v\n", err)
	}
	if len(built) == 0 && err == nil {
		fmt.Fprintf(w, "uml\tno\tvirtual\tno kernel has been built: tcpdrill kernel build SOURCE\n")
	}
	for _, k := range built {
		fmt.Fprintf(w, "uml:%s\tyes\t%s\tLinux %s, HZ=%d\n", k.Name, timeOf(k.Virtual), k.Version, k.HZ)
	}
	return w.Flush()
}
