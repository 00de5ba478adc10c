// Package kernel drills the stack of the Linux it runs on.
//
// Each script runs in a worker: this program, started again in namespaces of
// its own (network, mounts, processes), which die with it. A worker makes a
// Target, on which the engine runs the script; its parent encodes, reports and
// keeps the books, so that nothing in the worker competes with the timed
// threads.
//
// Threads that must be on time (the engine's, the one that empties the
// device's queue, those of blocking calls) make raw system calls, waits
// included, so that Go's scheduler doesn't take their processor away while
// they sleep nor make them wait for one when they wake. Each of them keeps one
// of GOMAXPROCS' processors for itself, which a worker therefore has more of
// than the machine. A stop of the world would wait for the sleepers: the
// garbage collector is off.
//
// Their goroutines aren't locked to threads, if it can be helped: after 10 ms
// the scheduler lets others run first, even if there are none, and for a
// goroutine that isn't locked that costs a microsecond rather than two changes
// of threads.
package kernel
