package gostack

import "tcpdrill/engine"

var _ engine.Host = (*Stack)(nil)

// FlushTCPMetrics implements engine.Host.
func (s *Stack) FlushTCPMetrics() error {
	s.flushTCPMetrics()
	return nil
}
