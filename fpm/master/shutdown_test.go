package master

import (
	"syscall"
	"testing"
)

func TestAStopBeginsWithTheSignalOfItsState(t *testing.T) {
	for state, want := range map[state]syscall.Signal{finishing: syscall.SIGQUIT, terminating: syscall.SIGTERM} {
		if got := state.first(); got != want {
			t.Errorf("%v begins with %v, want %v", state, got, want)
		}
	}
}
