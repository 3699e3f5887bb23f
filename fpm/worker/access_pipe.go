package worker

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// writeAccess writes a line of the access log. The first that is written after some were lost tells how many they were.
func (k *worker) writeAccess(line []byte) {
	a := &k.access
	if !a.mayWait {
		unix.Write(a.fd, line)
		return
	}
	if n, _ := a.pipe.Write(a.fd, line); n > 0 {
		k.log.Log(zlog.Warning, accessLinesLost(n))
	}
}

func accessLinesLost(n int) string {
	if n == 1 {
		return "1 line of the access log is lost: the log did not take it"
	}
	return fmt.Sprintf("%d lines of the access log are lost: the log did not take them", n)
}
