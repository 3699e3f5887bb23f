//go:build go1.26 && !go1.27

package lifecycle

// The first thread that this version of the runtime starts is its monitor (sysmon): runtime.main. A worker goes without
// one, docs/adr/0009 says why it can. With another version of Go workers have theirs until somebody has read that
// version's runtime/proc.go and TestWorkerHasNoMoreThreadsThanItNeeds passes.

// #cgo CFLAGS: -DMONITOR_IS_FIRST
import "C"
