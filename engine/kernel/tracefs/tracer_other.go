//go:build !linux

package tracefs

import (
	"time"

	"tcpdrill/tun"
)

// A Tracer records what is sent through devices of one name, which only Linux can.
type Tracer struct{}

// Start fails.
func Start(string) (*Tracer, error) { return nil, tun.ErrNotLinux }

// Between returns nothing.
func (*Tracer) Between(from, to time.Duration) ([]Sending, bool) { return nil, false }

// Close does nothing.
func (*Tracer) Close() error { return nil }
