//go:build !linux

package tun

// A Device is a tun device.
type Device struct{}

// Open fails with ErrNotLinux.
func Open(Config) (*Device, error) { return nil, ErrNotLinux }

// A Capture sees the packets that the stack sends.
type Capture struct{}

// NewCapture fails with ErrNotLinux.
func NewCapture(bool) (*Capture, error) { return nil, ErrNotLinux }

// Available returns ErrNotLinux.
func Available() error { return ErrNotLinux }
