package master

import (
	"time"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

func (l lines) executes(path, version, from string) {
	l.Logf(zlog.Notice, "upgrading: the program %s, phpsapi %s, takes over from phpsapi %s", path, version, from)
}

func (l lines) upgraded(from, to string) {
	l.Logf(zlog.Notice, "upgraded from phpsapi %s to phpsapi %s", from, to)
}

func (l lines) upgradeGivenUp(why error) {
	l.Logf(zlog.Error, "the upgrade is given up, the previous program is executed again: %v", why)
}

func (l lines) upgradeFailed(why, version string) {
	l.Logf(zlog.Error, "upgrade failed, phpsapi %s keeps serving: %s", version, why)
}

func (l lines) notExecuted(err error) {
	l.Logf(zlog.Alert, "the program could not be executed: %v", err)
}

func (l lines) notTakenOver(why error, wait time.Duration) {
	l.Logf(zlog.Alert, "the service cannot be taken over, its workers keep serving without a master, trying again in %v, and on USR2: %v", wait, why)
}

func (l lines) handoffRefused(err error) {
	l.Logf(zlog.Error, "the state that the previous program has left cannot be read: %v", err)
}

func (l lines) formerExited(level zlog.Level, pool string, pid int, how string) {
	l.Logf(level, "[pool %s] child %d of the previous program exited %s", pool, pid, how)
}

func (l lines) formerTimedOut(pool string, pid int, took time.Duration) {
	l.Logf(zlog.Warning, "[pool %s] child %d of the previous program, execution timed out (%s sec), terminating", pool, pid, zlog.Seconds(took))
}
