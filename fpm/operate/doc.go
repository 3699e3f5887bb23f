// Package operate is the commands with which a person operates a running service without remembering signals:
// `phpsapi fpm reload`, stop and status. They find the master, ask it by its control socket (package control), wait
// for the outcome, say it, and give the exit status.
//
// What went well goes to the output; what did not, and what is waited for, goes to the errors.
package operate
