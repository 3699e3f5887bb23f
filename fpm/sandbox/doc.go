// Package sandbox makes what a pool's workers are confined by: a seccomp filter, which says what they may ask the kernel for, and a
// Landlock ruleset, which says what of the file system they may reach. It is pure Go and holds no state. The master makes both,
// once for a pool and a generation; a worker gives itself to them (lifecycle.Restrict), and neither it nor what it starts can take
// that back.
//
// docs/SECURITY.md says what each kind of sandbox promises, docs/adr/0020 why it is made so.
package sandbox
