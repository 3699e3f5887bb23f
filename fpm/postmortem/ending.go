package postmortem

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// Ending words a wait status as php-fpm does, with the severity of its line.
func Ending(status syscall.WaitStatus) (how string, level zlog.Level) {
	switch {
	case status.Signaled():
		core := ""
		if status.CoreDump() {
			core = " - core dumped"
		}
		level = zlog.Warning // a request may be lost
		if status.Signal() == syscall.SIGQUIT {
			level = zlog.Notice
		}
		return fmt.Sprintf("on signal %d (%s%s)", int(status.Signal()), unix.SignalName(status.Signal()), core), level
	case status.ExitStatus() != 0:
		return fmt.Sprintf("with code %d", status.ExitStatus()), zlog.Warning
	}
	return "with code 0", zlog.Notice
}
