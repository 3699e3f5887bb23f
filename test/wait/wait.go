// Package wait waits in tests for what must come, and fails a test for which it does not come in time. It starts nothing
// but what its functions are given.
package wait

import (
	"testing"
	"time"
)

// Patience is how long anything may take.
const Patience = 30 * time.Second

// interval is how often Until and Succeeds look.
const interval = 2 * time.Millisecond

// Until waits until so returns true. The test fails at once if that takes longer than Patience.
func Until(t testing.TB, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !so(); time.Sleep(interval) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// Succeeds waits until try returns nil. It is Until for a test that tells how far something has come: the test fails with
// the last error.
func Succeeds(t testing.TB, what string, try func() error) {
	t.Helper()
	for end := time.Now().Add(Patience); ; time.Sleep(interval) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s: %v", what, err)
		}
	}
}

// Returns waits until do has returned.
func Returns(t testing.TB, what string, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { do(); close(done) }()
	select {
	case <-done:
	case <-time.After(Patience):
		t.Fatalf("waited in vain for the return of %s", what)
	}
}
