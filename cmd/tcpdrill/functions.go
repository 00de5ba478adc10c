package main

import (
	"fmt"
	"slices"
	"strings"

	"tcpdrill/engine/kernel/kernelstack"
)

// functionsFlag is of commands that drill the host's kernel.
type functionsFlag struct {
	Functions bool `help:"Have the host's kernel say by which of its functions each packet was sent, and know the causes of more of them (root, tracefs)."`
}

// start begins to trace, if that is wanted and one of the stacks is the host's kernel.
func (f functionsFlag) start(stacks ...string) (stop func(), err error) {
	if !f.Functions {
		return func() {}, nil
	}
	if !slices.Contains(stacks, "kernel") && !slices.Contains(stacks, "auto") {
		return nil, fmt.Errorf("--functions is about --stack=kernel, not %s", strings.Join(stacks, " and "))
	}
	if stop, err = kernelstack.TraceFunctions(); err != nil {
		return nil, fmt.Errorf("--functions: %w", err)
	}
	return stop, nil
}
