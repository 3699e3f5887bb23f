package server

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// catchSignals returns the channel of the signals that end the server.
func catchSignals() <-chan os.Signal {
	c := make(chan os.Signal, 2)
	signal.Notify(c, syscall.SIGINT, syscall.SIGTERM)
	return c
}

// dieBy ends the process as the signal's default does.
func dieBy(sig os.Signal) {
	signal.Reset(sig)
	syscall.Kill(os.Getpid(), sig.(syscall.Signal))
	time.Sleep(time.Second) // the signal comes to any thread, in a moment
}
