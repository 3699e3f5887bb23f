// Package probe counts what a process does, from outside: the system calls that it makes and the functions that it enters, at
// nearly its ordinary speed, and the instructions that it executes, at a thousandth of that.
//
// Counts do not depend on the machine or on what else it does, as times do. Speed matters all the same: what a worker does once in so
// many milliseconds it does with each request if it is slow, and so it is not traced by ptrace(2), as strace does, but by the kernel's
// perf events.
//
// Perf events of other users' processes are for root, and for a kernel that has tracepoints and uprobes, as Debian's has. Containers
// often may not have them. A function of this package returns an error then.
package probe
