package announce

import "github.com/phpsapi/phpsapi/fpm/zlog"

// lines are the package's messages: one method each, in php-fpm's words.
type lines struct{ *zlog.Log }

func (l lines) pidFileNotCreated(path string, err error) {
	l.LogErr(zlog.Error, "Unable to create the PID file ("+path+").", err)
}

func (l lines) pidFileNotWritten(err error) {
	l.LogErr(zlog.Error, "Unable to write to the PID file.", err)
}

func (l lines) pidFileNotRemoved(path string, err error) {
	l.LogErr(zlog.Error, "Unable to remove the PID file ("+path+").", err)
}

func (l lines) notDaemonized(err error) { l.LogErr(zlog.Error, "failed to daemonize", err) }

func (l lines) noVerdict() { l.Log.Log(zlog.Error, "no data have been read from pipe") }

func (l lines) verdictTimedOut() {
	l.Log.Log(zlog.Error, "the master process didn't send back its status (via the pipe to the calling process)")
}
