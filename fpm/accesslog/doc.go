// Package accesslog makes the lines of a pool's access.log: it parses
// access.format once and writes a line per request without allocation.
//
//	format, err := accesslog.Parse(pool.AccessFormat)
//	log := accesslog.New(format, accesslog.Options{Pool: "www", ...})
//	line, truncated := log.Line(&entry) // nil if nothing is to be logged
//
// The package opens and writes no file. A line is meant for one write(2) to a
// descriptor opened for appending, so that lines of several workers do not mix.
// JSONLine makes lines in JSON instead, for log.format.
//
// The lines are php-fpm's, byte for byte, with these exceptions:
//
//   - Control characters in a request's texts are written as \x0a and the
//     like: a line end in a URI would look like the line of another request.
//   - CPU time is as exact as the worker measures it; php-fpm's is in steps of
//     10 ms.
//   - If a line is cut within a value, php-fpm writes a NUL byte after it.
//   - A %{...}t that yields more than 127 bytes is cut; php-fpm writes what it
//     finds in its memory.
//
// Counterpart: sapi/fpm/fpm/fpm_log.c.
package accesslog
