package companion

import (
	"time"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// lines are the package's messages: one method each.
type lines struct{ *zlog.Log }

func (l lines) frontStarted(generation, pid int) {
	l.Logf(zlog.Debug, "[front] process %d of generation %d started", pid, generation)
}

func (l lines) frontReady(generation, pid int, addresses string) {
	l.Logf(zlog.Notice, "[front] process %d of generation %d serves %s", pid, generation, addresses)
}

func (l lines) frontQuits(generation, pid int) {
	l.Logf(zlog.Debug, "[front] asking process %d of generation %d to finish its requests", pid, generation)
}

func (l lines) frontExited(level zlog.Level, generation, pid int, how string, life time.Duration) {
	l.Logf(level, "[front] process %d of generation %d exited %s after %s seconds from start", pid, generation, how, zlog.Seconds(life))
}

func (l lines) frontStopped(generation, pid int) {
	l.Logf(zlog.Warning, "[front] process %d of generation %d was stopped by a signal, and is replaced", pid, generation)
}

func (l lines) frontSilent(generation, pid int, silent time.Duration) {
	l.Logf(zlog.Error, "[front] process %d of generation %d has given no sign of life for %s seconds, and is replaced", pid, generation, zlog.Seconds(silent))
}

func (l lines) frontPanicked(generation, pid int, line string) {
	l.Logf(zlog.Error, "[front] process %d of generation %d: %s", pid, generation, line)
}

func (l lines) observerStarted(pid int) { l.Logf(zlog.Debug, "[observer] process %d started", pid) }

func (l lines) observerExited(level zlog.Level, pid int, how string, life time.Duration) {
	l.Logf(level, "[observer] process %d exited %s after %s seconds from start", pid, how, zlog.Seconds(life))
}

func (l lines) observerPanicked(pid int, line string) {
	l.Logf(zlog.Error, "[observer] process %d: %s", pid, line)
}

func (l lines) observerNotStarted(err error) {
	l.Logf(zlog.Error, "[observer] the process could not be started, trying again: %v", err)
}
