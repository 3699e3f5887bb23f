package sapi

import (
	"fmt"
	"strings"
	"time"
)

// A worker script boots an application, and then asks for one request after another by frankenphp_handle_request(): worker mode
// (docs/WORKER.md). The functions whose names begin with Boot return the reason why a worker script did not come to its first request.

// WithoutTrace returns PHP's message about an exception up to its trace: with the place where the exception was thrown. has reports
// whether there was a trace. PHP logs the whole message.
func WithoutTrace(message string) (thrown string, has bool) {
	thrown, _, has = strings.Cut(message, "\nStack trace:\n")
	return thrown, has
}

// BootFailed returns the reason why a worker script did not come to its first request if an error ended it: PHP's message without a
// trace.
func BootFailed(message, file string, line int) string {
	if thrown, has := WithoutTrace(message); has {
		return thrown
	}
	return fmt.Sprintf("%s in %s on line %d", message, file, line)
}

// BootEnded is BootFailed for a script that ended without an error, with an exit status.
func BootEnded(status int) string {
	if status != 0 {
		return fmt.Sprintf("it ended with status %d before it called frankenphp_handle_request()", status)
	}
	return "it ended without a call of frankenphp_handle_request()"
}

// BootUnreadable is BootFailed for a script that cannot be read, because of err at path: the script, or a directory above it.
func BootUnreadable(path string, err error) string {
	return fmt.Sprintf("the pool's user cannot read it: %s: %v", path, err)
}

// BootTookTooLong is BootFailed for a script that did not ask for a request within limit.
func BootTookTooLong(limit time.Duration) string {
	return fmt.Sprintf("it did not call frankenphp_handle_request() within %v (boot_timeout)", limit)
}
