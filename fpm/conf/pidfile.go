package conf

import "io"

// PidFile reads a configuration only as far as it says where a running master is: its own path, and the pid file,
// empty where it names none. Mistakes in it are passed over and nothing is opened but the configuration itself: a
// service must be found, and can be stopped, while its configuration is being edited.
func PidFile(opt Options) (config, pid string) {
	opt.Log, opt.Stderr = nil, io.Discard
	l := newLoader(opt)
	l.begin()
	if l.readFile(l.cfg.Path) {
		l.override()
	}
	return l.cfg.Path, l.fullPath(l.cfg.Global.Pid, nil, l.opt.Build.LocalStateDir).Value
}
