package sidelog

import (
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// lines are the messages of the incident log: one method each.
type lines struct{ *zlog.Log }

func (l lines) incidentLogReopened() { l.Log.Log(zlog.Notice, "incident log file re-opened") }

func (l lines) incidentLogNotOpened(path string, err error) {
	l.LogErr(zlog.Error, "failed to open incident log ("+path+")", err)
}

func (l lines) incidentsLost(path string, n int, why error) {
	l.Logf(zlog.Error, "the incident log %s has not taken %s: %v; `phpsapi fpm incidents` shows the last incidents all the same", path, control.Many(n, "line"), why)
}
