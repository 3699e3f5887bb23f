// Package sandbox makes what a pool's workers are confined by: a seccomp filter, which says which system calls they may make, and a
// Landlock ruleset, which says which files they may reach. It is pure Go and holds no state. The master makes both, once for a pool
// and a generation. A worker applies them to itself (lifecycle.Restrict), and neither it nor a process that it starts can undo that.
//
// docs/SECURITY.md says what each kind of sandbox promises, docs/adr/0020 why it is made so.
package sandbox
