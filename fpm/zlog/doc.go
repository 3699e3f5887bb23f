// Package zlog makes the lines of php-fpm's error log, byte for byte: operators'
// tools and php-fpm's own tests parse them.
//
//	[21-Nov-2026 20:47:35] NOTICE: fpm is running, pid 7
//	[21-Nov-2026 20:47:35.123456] DEBUG: pid 7, reload(), line 12: ...   (log_level = debug)
//
// A Log decides which messages are written, where, and how long a line gets.
// A Stream is for text that comes in pieces, such as a child's output: it
// wraps at log_limit and decorates each line.
//
// The package formats and writes to the writers it is given. It opens nothing,
// knows no signals and no syslog protocol, and never fails: a log that cannot
// be written to is nobody's reason to stop. It has no messages of its own.
package zlog
