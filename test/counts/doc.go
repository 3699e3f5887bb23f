// Package counts checks what a worker does for an ordinary request: hello world on a kept connection, by FastCGI and by HTTP. Its
// system calls, calls from Go into C and back, and allocations of Go have exact limits, so that none comes back unnoticed.
package counts
