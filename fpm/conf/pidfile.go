package conf

import "io"

// PidFile reads a configuration only as far as it says where a running master is. It returns the configuration's own path and that of the pid file,
// which is empty if none is named. It ignores mistakes and opens nothing but the configuration itself, so that a service can be found and stopped
// while its configuration is being edited.
func PidFile(opt Options) (config, pid string) {
	opt.Log, opt.Stderr = nil, io.Discard
	l := newLoader(opt)
	l.begin()
	if l.readFile(l.cfg.Path) {
		l.override()
	}
	return l.cfg.Path, l.fullPath(l.cfg.Global.Pid, nil, l.opt.Build.LocalStateDir).Value
}
