// Package zlog makes the lines of php-fpm's error log, byte for byte: operators'
// tools and php-fpm's own tests parse them.
//
//	[21-Nov-2026 20:47:35] NOTICE: fpm is running, pid 7
//	[21-Nov-2026 20:47:35.123456] DEBUG: pid 7, reload(), line 12: ...   (log_level = debug)
//
// A Log decides which messages are written, where, and how long a line gets.
// A Stream is for text that comes in pieces, such as a worker's output: it
// wraps lines at log_limit, and puts before and after each line what php-fpm
// puts there, the pool and the pid. With Settings.JSON lines are JSON objects
// instead.
//
// The package formats, and writes to the writers that it is given. It opens
// nothing, and knows no signals and no syslog protocol. It never fails: if a
// log cannot be written to, the line is lost and the program continues. It has
// no messages of its own.
package zlog
