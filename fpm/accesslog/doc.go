// Package accesslog makes the lines of a pool's access.log: it parses
// access.format once and writes a line per request without allocation.
//
//	format, err := accesslog.Parse(pool.AccessFormat)
//	log := accesslog.New(format, accesslog.Options{Pool: "www", ...})
//	line, truncated := log.Line(&entry) // nothing, where nothing is to be logged
//
// The package opens and writes no file. A line is meant for one write(2) to a
// descriptor opened for appending, so that workers do not mix theirs.
//
// The lines are php-fpm 8.2's, byte for byte, with these exceptions:
//
//   - Control characters in what a request said are written as \x0a and the
//     like: a line end in a URI would pass for a request of its own.
//   - CPU time is as exact as the worker measures it; php-fpm's is in steps of
//     10 ms.
//   - A line that is cut short at a value has a NUL behind it in php-fpm's log.
//   - A %{...}t that yields more than 127 bytes is cut; php-fpm writes what it
//     finds in its memory.
//
// Counterpart: sapi/fpm/fpm/fpm_log.c.
package accesslog
