//go:build !linux

package kernelstack

// Main does nothing: there are no workers here.
func Main() {}
