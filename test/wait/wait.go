// Package wait waits in tests for something that must happen. A test fails at once if it does not happen within Patience; its
// message then names what was waited for: the argument what, such as "the end of the worker".
package wait

import (
	"testing"
	"time"
)

// Patience is how long all functions wait.
const Patience = 30 * time.Second

// interval is how often Until and Succeeds look.
const interval = 2 * time.Millisecond

// Until waits until so returns true, which it asks every few milliseconds.
func Until(t testing.TB, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !so(); time.Sleep(interval) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// Succeeds waits until try returns nil, which it calls every few milliseconds. The failure has the last error of try.
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

// Returns calls do on another goroutine and waits until it has returned.
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
