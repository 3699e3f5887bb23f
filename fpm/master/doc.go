// Package master is php-fpm's master process: it owns the configuration, the workers' lives and the error log, from the
// start of the program to its end. Its listening sockets are package listening's.
//
//	os.Exit(master.Main(master.Options{...}))
//
// It never loads libphp: a zygote, a process in which PHP was started (package lifecycle/zygote), forks the workers, and
// package contract has the messages to them. It never reads a byte from a client, and what workers write to shared memory
// it only counts and shows.
//
// One goroutine owns all state: Master.loop takes a signal, an event or a deadline, decides, and sleeps again. Other
// goroutines only wait (for a zygote's answer and its exits, a worker's messages, a pipe) and post what they saw to the
// mailbox. Methods without a lock are the loop's. The loop waits for no other process.
//
// A generation is the pools of one configuration with their zygotes: one for all pools that want the same PHP (engine.go).
// A reload makes a generation beside the serving one, waits until it can serve, and then retires the old one: that finishes
// its requests and ends. If anything fails, the new generation is ended and the old one keeps serving. A renewal does the
// same after the only zygote of a generation has died, with the configuration that is loaded; if the generation has others,
// the one that died is replaced by itself (restart.go).
//
// The way through the package, as php-fpm's fpm_init and fpm_run: start.go, loop.go, then what the loop calls: signals.go,
// reload.go, spawn.go and fork.go (new workers), bury.go (workers that have ended), maintain.go (once a second), requests.go
// (requests that take too long), park.go (idle connections), control.go (operators). front.go and observer.go start the processes for
// HTTP and for metrics, upgrade.go another program in this one's place. Decisions that only compute (fpm/pm, shutdown.go) know no
// process and no clock.
package master
