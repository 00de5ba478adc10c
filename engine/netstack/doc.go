// Package netstack is gVisor's network stack (gvisor.dev/gvisor/pkg/tcpip) as a target:
// in this process, in virtual time, without a device.
//
// It is another stack than Linux's, and isn't made to look like it: what it sends, and
// when, is what a program that embeds it gets. The calls that scripts make are those of
// Linux, and so are their errors. What netstack hasn't got, or takes and then does
// nothing about, is unsupported here, never a success; docs/netstack.md lists it.
//
// # Virtual time
//
// netstack asks a tcpip.Clock for the time and for timers; ours (clock.go) moves only
// when the engine waits. netstack works in two places: on the goroutine that calls it,
// and on one goroutine of its TCP, the processor, to which segments are handed that came
// in. There is exactly one processor, so that its work has one order, and after
// everything that happens the stack is paused and resumed, which returns when the
// processor has nothing left to do (Stack.settle). With seeded random numbers, a script
// sends the same bytes at the same nanosecond each time.
//
// An event takes its time, as it does in package gostack: an acknowledgment within no
// time at all would have netstack's RACK take what was sent last for lost.
package netstack
