// Package logfile opens the logs that php-fpm.conf names, for the master and for the commands that check a configuration.
//
// The master is often root, and the directory of a log is often another user's. That user may put a pipe or a link in
// the log's place. Open never waits for a pipe's reader, and it never lets a link lead root to a file that the link's
// owner could not have made.
package logfile
