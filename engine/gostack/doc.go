// Package gostack is a TCP stack that behaves as Linux's does, in virtual time.
//
// It is a model of Linux for drills: it has skbs that share data, a write and a
// retransmit queue, Linux's timers and timer wheel, its sysctls by name, and it
// says of each segment why it was sent. It needs no privileges, no kernel and no
// waiting. Nothing in it runs by itself: no goroutine, no lock, no clock but its
// own, and no iteration over a map where the order could matter, so that a script
// gives the same trace every time.
//
// It is written from the RFCs and from what Linux (6.12) is seen to do. Where the
// two disagree, Linux wins and a comment says so. Files and functions have the
// names under which Linux keeps the same thing: what a segment that comes in does
// is in tcp_input.go, what is sent and when in tcp_output.go, and so on.
package gostack
