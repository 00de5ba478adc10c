//go:build !linux

package tun

// A Device is a tun device.
type Device struct{}

// Open fails with ErrNotLinux.
func Open(Config) (*Device, error) { return nil, ErrNotLinux }

// OpenRing fails with ErrNotLinux.
func OpenRing(*Device) (Capture, error) { return nil, ErrNotLinux }

// OpenSocket fails with ErrNotLinux.
func OpenSocket(*Device) (Capture, error) { return nil, ErrNotLinux }

// Available returns ErrNotLinux.
func Available() error { return ErrNotLinux }
