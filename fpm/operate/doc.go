// Package operate is the commands for a running service: `phpsapi fpm reload`, stop, status, requests, kill, scale, profile and others
// (docs/CONTROL.md). Each finds the master (find.go), asks it by its control socket (package control), waits for the outcome, prints
// it, and returns the exit status. The process lives for one command; it never signals a worker and never loads PHP.
//
// Results go to standard output. Failures go to standard error, and so does the progress of what is waited for.
package operate
