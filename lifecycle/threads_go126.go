//go:build go1.26 && !go1.27

package lifecycle

// The first thread that this version of the runtime starts is its monitor (sysmon): runtime.main. A worker goes without
// one, docs/adr/0009 says why it can; and a runtime of this version can be forked, docs/adr/0019 says how. With another version of Go
// workers have their monitor, and runtimes of their own, until somebody has read that version's runtime/proc.go and
// TestWorkerHasNoMoreThreadsThanItNeeds and TestWorkersHaveTheirZygotesRuntime pass.

// #cgo CFLAGS: -DGO_WAS_READ
import "C"
