//go:build !linux

package kernels

import (
	"context"
	"errors"
)

// A Build says what to build.
type Build struct {
	Source, Name string
	HZ, Jobs     int
	Progress     func(what string, part float64)
}

// Run fails: User Mode Linux is built on Linux.
func (Build) Run(context.Context) (Kernel, error) {
	return Kernel{}, errors.New("kernels are built, and run as processes, on Linux only")
}
