// Package master is php-fpm's master process: it owns the configuration, the listening sockets, the workers' lives
// and the error log, from the start of the program to its end.
//
//	os.Exit(master.Main(master.Options{...}))
//
// It never loads libphp: a zygote (package lifecycle/zygote) forks the workers, package contract is what is said to
// them. It never reads a byte from a client, and what workers write to shared memory it only counts and shows.
//
// One goroutine owns all state: Master.loop takes a signal, an event or a deadline, decides, and sleeps again. Other
// goroutines only wait (for a zygote's answer and its exits, a worker's messages, a pipe) and post what they saw to the
// mailbox. Methods without a lock are the loop's. The loop waits for no other process.
//
// A generation is the pools of one configuration with their zygotes: one for all pools that want the same PHP (engine.go).
// A reload makes a generation beside the serving one, proves it, and then retires the old one; if anything fails the new
// one is thrown away. A renewal does the same after a zygote has died, with the configuration that is loaded.
//
// The way through the package, as php-fpm's fpm_init and fpm_run: start.go, loop.go, then what the loop calls:
// signals.go, reload.go, spawn.go, fork.go, bury.go, maintain.go, requests.go, park.go. Everything that only computes
// (fpm/pm, shutdown.go) knows no process and no clock.
package master
