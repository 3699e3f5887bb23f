package zlog

import (
	"errors"
	"fmt"
	"syscall"
)

// Strerror words a system error as C does, with its number: "No such file or
// directory (2)". An error without a number is shown as it is.
func Strerror(err error) string {
	var errno syscall.Errno
	switch {
	case err == nil:
		return "Success (0)"
	case !errors.As(err, &errno):
		return err.Error()
	case errno == 0:
		return "Success (0)"
	}
	// Go's words are C's with the first letter in lower case, if the second
	// is; numbers without words are "errno 1234".
	s := errno.Error()
	if s == fmt.Sprintf("errno %d", int(errno)) {
		s = fmt.Sprintf("Unknown error %d", int(errno))
	} else if len(s) > 1 && lower(s[0]) && lower(s[1]) {
		s = string(s[0]-'a'+'A') + s[1:]
	}
	return fmt.Sprintf("%s (%d)", s, int(errno))
}

func lower(c byte) bool { return c >= 'a' && c <= 'z' }
