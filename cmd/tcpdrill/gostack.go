package main

import (
	"fmt"
	"slices"

	"tcpdrill/engine/gostack"
	"tcpdrill/engine/stacks"
)

// goStackFlags are what can be chosen of the built-in stack.
type goStackFlags struct {
	HZ    int      `name:"hz" placeholder:"N" help:"Frequency of gostack's timer: 100, 250 or 1000 (the default)."`
	Fault []string `placeholder:"NAME,…" help:"Build mistakes into gostack; tcpdrill mutate --list names them."`
}

// open returns the stack of a name, with what was chosen if it is the built-in one.
func (f *goStackFlags) open(name string) (stacks.Stack, error) {
	if name != "gostack" {
		if f.HZ != 0 || len(f.Fault) > 0 {
			return nil, fmt.Errorf("--hz and --fault are for --stack=gostack, not for %s", name)
		}
		return stacks.Open(name)
	}
	// Of Linux's choices, those whose ticks are a whole number of nanoseconds.
	if f.HZ != 0 && !slices.Contains([]int{100, 250, 1000}, f.HZ) {
		return nil, fmt.Errorf("--hz: want 100, 250 or 1000, got %d", f.HZ)
	}
	faults, err := parseFaults(f.Fault)
	if err != nil {
		return nil, err
	}
	g := &stacks.GoStack{Options: gostack.Options{HZ: f.HZ}}
	for _, one := range faults {
		g.Options.Faults |= one
	}
	return g, nil
}

// parseFaults returns the faults of names, one by one.
func parseFaults(names []string) ([]gostack.Faults, error) {
	var faults []gostack.Faults
	for _, name := range names {
		one, err := gostack.ParseFault(name)
		if err != nil {
			return nil, fmt.Errorf("--fault: %w; tcpdrill mutate --list lists them", err)
		}
		faults = append(faults, one)
	}
	return faults, nil
}
