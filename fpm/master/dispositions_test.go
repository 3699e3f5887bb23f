package master

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/handoff"
)

// An exec that fails had left the kernel's default, by which the next QUIT ends the master at once.
func TestSignalsAreGosAgainAfterAnExecThatFails(t *testing.T) {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGQUIT)
	defer signal.Stop(caught)
	h := &handoff.Handoff{}
	if err := executeHandoff(h, "/nonexistent", []string{"phpsapi"}); err == nil {
		t.Fatal("a program that is not there was executed")
	}
	syscall.Kill(os.Getpid(), syscall.SIGQUIT)
	select {
	case <-caught:
	case <-time.After(patience):
		t.Fatal("the signal has not come")
	}
}
