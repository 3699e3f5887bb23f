// Package errorlog is where the messages of a service's master go: the error log of php-fpm.conf, the system's log, or standard error.
//
// A log that does not take lines, such as a pipe that nobody reads, a stopped terminal or a syslog that does not answer, holds the master up for a
// moment only. After that lines are queued, and if the queue is full they are dropped and counted. Package zlog makes the lines.
package errorlog
