// Package errorlog is where the messages of a service's master go: the error log of php-fpm.conf, the system's log, or standard error.
//
// Lines wait for nobody. A pipe that nobody reads, a stopped terminal or a syslog that does not answer holds the master up for a moment; after that
// lines are queued, and those that are too many are dropped and counted.
package errorlog
