// Package kernel drills the stack of the Linux it runs on.
//
// Each script runs in a worker: this program, started again in namespaces of
// its own (network, mounts, processes), which die with it. A worker makes a
// Target, on which the engine runs the script; its parent encodes, reports and
// keeps the books, so that nothing in the worker competes with the timed
// threads.
//
// Threads that must be on time (the engine's, the one that empties the
// device's queue, those of blocking calls) are locked to their goroutines and
// make raw system calls, waits included, so that Go's scheduler neither takes
// their processor away while they sleep nor makes them wait for one when they
// wake. Each of them keeps one of GOMAXPROCS' processors for itself, which a
// worker therefore has more of than the machine. A stop of the world would
// wait for the sleepers: the garbage collector is off.
package kernel
