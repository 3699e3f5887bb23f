// Package handoff is what a master leaves to the program that is executed in its place, in an upgrade:
// docs/adr/0021-why-an-upgrade-is-an-exec.md. All that the other program must know it reads from a file in memory, and all that
// must not end it inherits as descriptors.
//
//	h := &handoff.Handoff{Format: handoff.Format, ...}
//	err := h.Execute(program, argv) // returns only if that fails
//	...
//	h, err := handoff.Take() // in the program that was executed; nil: it was started in the usual way
//
// The two programs may be of different versions, so that the names in the file are a format: it has a number. The package makes
// no decision, and touches none of the processes that it tells of.
package handoff
