package sapi

import (
	"fmt"
	"strings"
	"time"
)

// The following say why a worker script did not get to its first request.

// WithoutTrace returns PHP's message about an exception without the trace, which PHP logs. The place where it was thrown stands before
// that. has reports whether there was one.
func WithoutTrace(message string) (thrown string, has bool) {
	thrown, _, has = strings.Cut(message, "\nStack trace:\n")
	return thrown, has
}

// BootFailed is a script that an error has ended.
func BootFailed(message, file string, line int) string {
	if thrown, has := WithoutTrace(message); has {
		return thrown
	}
	return fmt.Sprintf("%s in %s on line %d", message, file, line)
}

// BootEnded is a script that has ended without an error.
func BootEnded(status int) string {
	if status != 0 {
		return fmt.Sprintf("it ended with status %d before it called frankenphp_handle_request()", status)
	}
	return "it ended without a call of frankenphp_handle_request()"
}

// BootUnreadable is a script that cannot be read, because of err at path: the script, or a directory above it.
func BootUnreadable(path string, err error) string {
	return fmt.Sprintf("the pool's user cannot read it: %s: %v", path, err)
}

// BootTookTooLong is a script that did not ask in time.
func BootTookTooLong(limit time.Duration) string {
	return fmt.Sprintf("it did not call frankenphp_handle_request() within %v (boot_timeout)", limit)
}
