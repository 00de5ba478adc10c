//go:build !linux

package proxy

// Register does nothing: there are no workers here.
func Register() {}
