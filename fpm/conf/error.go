package conf

import (
	"fmt"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// An Error says why a configuration was refused.
type Error struct {
	Place            // where the culprit stands, as far as known
	Pool      string // the pool it belongs to, if any
	Directive string // the directive, if it is one
	Msg       string // php-fpm's words, without place and pool
	Err       error  // the system error behind it, if any

	level zlog.Level // the least that was logged then
}

// Error tells place, pool and directive before the words.
func (e *Error) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		if e.Line > 0 {
			fmt.Fprintf(&b, ":%d", e.Line)
		}
		b.WriteString(": ")
	}
	if e.Pool != "" {
		fmt.Fprintf(&b, "pool %s: ", e.Pool)
	}
	if e.Directive != "" {
		b.WriteString(e.Directive + ": ")
	}
	b.WriteString(e.Msg)
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns the system error.
func (e *Error) Unwrap() error { return e.Err }
