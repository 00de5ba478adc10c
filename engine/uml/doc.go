// Package uml drills Linux kernels that run as ordinary processes: User Mode
// Linux, with its time under our control.
//
// A guest is such a kernel with this program as its init, on a root that is
// the host's, read-only (hostfs). It runs one script after the other, each in a
// worker of package kernel, which is the same as on the host: it finds out by
// itself that the time is virtual. No privileges are needed, nor a device: all
// that a worker asks for, it asks of the guest.
//
// With time-travel=inf-cpu the guest's time stands still while anything in it
// runs, and jumps to the next timer when everything sleeps. So a script of a
// minute takes milliseconds, and the machine's load can't be seen. Input from
// outside would come at a moment that isn't decided by the guest's own clock,
// so there is none. What the guest is to do it reads from files in its folder,
// through hostfs, and three serial lines lead out of it:
//
//	ttyS0  frames: outcomes
//	ttyS1  the gate: a pipe that the host keeps full. The guest writes into it
//	       when it is ready for a job, and with time travel a write blocks the
//	       whole guest, time included, until there is room: when the job is
//	       there to be read. If it slept, its time would run on by days.
//	ttyS2  progress: what the script is at, so that a guest that hangs can
//	       be blamed on a line
//
// The console goes to a file in memory. It is read when the kernel has died, and
// after each script for what the kernel complained about.
package uml
