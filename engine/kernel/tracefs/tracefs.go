// Package tracefs has the kernel say by which of its functions each packet is sent: the
// stack of calls at the tracepoint net:net_dev_start_xmit, some microseconds a packet. It
// needs root, and no eBPF.
package tracefs

import "time"

// A Sending is a packet that was given to a device.
type Sending struct {
	At     time.Duration // CLOCK_MONOTONIC, to a microsecond
	Length int           // bytes from the IP header; a super-segment's isn't cut yet
	// Functions are those of TCP and UDP that led there, the innermost first, up to the
	// call or the timer's function where it began. None if the kernel couldn't say.
	Functions []string
}
