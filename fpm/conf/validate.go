// Counterpart: sapi/fpm/fpm/fpm_conf.c (fpm_conf_process_all_pools)

package conf

import (
	"slices"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// checkPools checks the pools, one after the other and in each what php-fpm checks
// in its order, and fills in what follows from other directives. Pools for
// pm.status_listen join the end of the list on the way.
func (l *loader) checkPools() bool {
	if len(l.cfg.Pools) == 0 {
		return l.refuse(Error{Place: Place{File: l.cfg.Path}}, zlog.Error,
			"No pool defined. at least one pool section must be specified in config file")
	}
	for i := 0; i < len(l.cfg.Pools); i++ {
		p := l.cfg.Pools[i]
		for _, check := range [...]func(*Pool) bool{
			l.checkPrefix, l.checkUser, l.checkListen, l.checkPM, l.checkStatus, l.checkPing, l.checkAccessLog,
			l.checkSlowlog, l.checkTraceDepth, l.checkChroot, l.checkChdir, l.splitExtensions, l.expandValues,
		} {
			if !check(p) {
				return false
			}
		}
	}
	for _, p := range l.cfg.Pools {
		for _, q := range l.cfg.Pools {
			if p != q && p.Listen.Filled() && p.Listen.Value == q.Listen.Value {
				return l.refusePool(q, "listen", zlog.Error,
					"unable to set listen address as it's already used in another pool '%s'", p.Name)
			}
		}
	}
	return true
}

func (l *loader) checkPrefix(p *Pool) bool {
	if !p.Prefix.Filled() {
		return true
	}
	p.Prefix = l.fullPath(p.Prefix, nil, "")
	if !l.sys.isDir(p.Prefix.Value) {
		return l.refusePool(p, "prefix", zlog.Error, "the prefix '%s' does not exist or is not a directory", p.Prefix)
	}
	return true
}

func (l *loader) checkUser(p *Pool) bool {
	if !p.User.Set && l.sys.Geteuid() == 0 && !l.opt.AllowRoot {
		return l.refusePool(p, "user", zlog.Alert, "user has not been defined")
	}
	return true
}

func (l *loader) checkListen(p *Pool) bool {
	if !p.Listen.Filled() {
		return l.refusePool(p, "listen", zlog.Alert, "no listen address have been defined!")
	}
	p.Domain = DomainOf(p.Listen.Value)
	if p.Domain == Unix {
		p.Listen = l.fullPath(p.Listen, p, "")
	}
	if !priorityInRange(p.ProcessPriority) {
		return l.refusePool(p, "process.priority", zlog.Error, "process.priority must be included into [-19,20]")
	}
	return true
}

func (l *loader) checkPM(p *Pool) bool {
	if p.PM == 0 {
		return l.refusePool(p, "pm", zlog.Alert, "the process manager is missing (static, dynamic or ondemand)")
	}
	if p.MaxChildren < 1 {
		return l.refusePool(p, "pm.max_children", zlog.Alert, "pm.max_children must be a positive value")
	}
	switch p.PM {
	case Dynamic:
		return l.checkDynamic(p)
	case Ondemand:
		return l.checkOndemand(p)
	}
	return true
}

func (l *loader) checkDynamic(p *Pool) bool {
	low, high := p.MinSpareServers, p.MaxSpareServers
	wrong := func(directive, format string, args ...any) bool {
		return l.refusePool(p, directive, zlog.Alert, format, args...)
	}
	switch {
	case low <= 0:
		return wrong("pm.min_spare_servers", "pm.min_spare_servers(%d) must be a positive value", low)
	case high <= 0:
		return wrong("pm.max_spare_servers", "pm.max_spare_servers(%d) must be a positive value", high)
	case low > p.MaxChildren || high > p.MaxChildren:
		return wrong("pm.max_children",
			"pm.min_spare_servers(%d) and pm.max_spare_servers(%d) cannot be greater than pm.max_children(%d)", low, high, p.MaxChildren)
	case high < low:
		return wrong("pm.max_spare_servers",
			"pm.max_spare_servers(%d) must not be less than pm.min_spare_servers(%d)", high, low)
	case p.StartServers <= 0:
		p.StartServers = low + (high-low)/2
		l.say(zlog.Notice, "[pool %s] pm.start_servers is not set. It's been set to %d.", p.Name, p.StartServers)
	case p.StartServers < low || p.StartServers > high:
		return wrong("pm.start_servers",
			"pm.start_servers(%d) must not be less than pm.min_spare_servers(%d) and not greater than pm.max_spare_servers(%d)",
			p.StartServers, low, high)
	}
	if p.MaxSpawnRate < 1 {
		return wrong("pm.max_spawn_rate", "pm.max_spawn_rate must be a positive value")
	}
	return true
}

func (l *loader) checkOndemand(p *Pool) bool {
	if l.cfg.Global.EventsMechanism.Value != "epoll" {
		return l.refusePool(p, "pm", zlog.Alert,
			"ondemand process manager can ONLY be used when events.mechanism is either epoll (Linux) or kqueue (*BSD).")
	}
	if p.ProcessIdleTimeout < time.Second {
		return l.refusePool(p, "pm.process_idle_timeout", zlog.Alert,
			"pm.process_idle_timeout(%ds) must be greater than 0s", seconds(p.ProcessIdleTimeout))
	}
	if p.ListenBacklog < backlogDefault {
		l.say(zlog.Warning,
			"[pool %s] listen.backlog(%d) was too low for the ondemand process manager. I updated it for you to %d.",
			p.Name, p.ListenBacklog, backlogDefault)
		p.ListenBacklog = backlogDefault
	}
	p.StartServers, p.MinSpareServers, p.MaxSpareServers = 0, 0, 0
	return true
}

func (l *loader) checkStatus(p *Pool) bool {
	if p.StatusListen.Set {
		l.cfg.Pools = append(l.cfg.Pools, statusPool(p, l.opt.PHP))
	}
	if !p.StatusPath.Filled() {
		return true
	}
	path := p.StatusPath.Value
	switch {
	case path[0] != '/':
		return l.refusePool(p, "pm.status_path", zlog.Error, "the status path '%s' must start with a '/'", path)
	case !p.StatusListen.Set && p.Shared == nil && len(path) < 2:
		return l.refusePool(p, "pm.status_path", zlog.Error, "the status path '%s' is not long enough", path)
	case !pathCharacters(path):
		return l.refusePool(p, "pm.status_path", zlog.Error,
			"the status path '%s' must contain only the following characters '[alphanum]/_-.~'", path)
	}
	return true
}

func pathCharacters(s string) bool {
	return strings.Trim(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ/-_.~") == ""
}

func (l *loader) checkPing(p *Pool) bool {
	if !p.PingPath.Filled() {
		p.PingResponse = Text{}
		return true
	}
	path := p.PingPath.Value
	switch {
	case path[0] != '/':
		return l.refusePool(p, "ping.path", zlog.Error, "the ping path '%s' must start with a '/'", path)
	case len(path) < 2:
		return l.refusePool(p, "ping.path", zlog.Error, "the ping path '%s' is not long enough", path)
	case !pathCharacters(path):
		return l.refusePool(p, "ping.path", zlog.Error,
			"the ping path '%s' must contain only the following characters '[alphanum]/_-.~'", path)
	case !p.PingResponse.Set:
		p.PingResponse = setText("pong")
	case p.PingResponse.Value == "":
		return l.refusePool(p, "ping.response", zlog.Error, "the ping response page '%s' is not long enough", p.PingResponse)
	}
	return true
}

func (l *loader) checkAccessLog(p *Pool) bool {
	if p.AccessLog.Filled() {
		p.AccessLog = l.fullPath(p.AccessLog, p, "")
		if !p.AccessFormat.Set {
			p.AccessFormat = setText(defaultAccessFormat)
		}
	}
	if p.RequestTerminateTimeout != 0 {
		l.beat(p.RequestTerminateTimeout)
	}
	return true
}

// beat makes the heartbeat at least thrice as fast as a timeout.
func (l *loader) beat(timeout time.Duration) {
	third := time.Duration(int32(seconds(timeout))*1000/3) * time.Millisecond
	if l.cfg.Heartbeat == 0 || third < l.cfg.Heartbeat {
		l.cfg.Heartbeat = third
	}
}

func (l *loader) checkSlowlog(p *Pool) bool {
	if p.Slowlog.Filled() {
		p.Slowlog = l.fullPath(p.Slowlog, p, "")
	}
	slow, terminate := p.RequestSlowlogTimeout, p.RequestTerminateTimeout
	if slow == 0 {
		return true
	}
	if !p.Slowlog.Filled() {
		return l.refusePool(p, "request_slowlog_timeout", zlog.Error,
			"'slowlog' must be specified for use with 'request_slowlog_timeout'")
	}
	if err := l.sys.OpenLog(p.Slowlog.Value); err != nil {
		return l.refuseErr(err, Error{Place: p.nearest("slowlog"), Pool: p.Name, Directive: "slowlog"},
			"Unable to create or open slowlog(%s)", p.Slowlog)
	}
	l.beat(slow)
	if terminate != 0 && slow > terminate {
		return l.refusePool(p, "request_slowlog_timeout", zlog.Error,
			"'request_slowlog_timeout' (%d) can't be greater than 'request_terminate_timeout' (%d)",
			seconds(slow), seconds(terminate))
	}
	return true
}

func (l *loader) checkTraceDepth(p *Pool) bool {
	depth := p.RequestSlowlogTraceDepth
	switch {
	case depth == 0:
		p.RequestSlowlogTraceDepth = 20
	case !p.Slowlog.Filled():
		return l.refusePool(p, "request_slowlog_trace_depth", zlog.Error,
			"'slowlog' must be specified for use with 'request_slowlog_trace_depth'")
	case depth < 0:
		return l.refusePool(p, "request_slowlog_trace_depth", zlog.Error,
			"'request_slowlog_trace_depth' (%d) must be a positive value", depth)
	}
	return true
}

func (l *loader) checkChroot(p *Pool) bool {
	if !p.Chroot.Filled() {
		return true
	}
	p.Chroot = l.chrootPath(p.Chroot, p)
	if !strings.HasPrefix(p.Chroot.Value, "/") {
		return l.refusePool(p, "chroot", zlog.Error, "the chroot path '%s' must start with a '/'", p.Chroot)
	}
	if !l.sys.isDir(p.Chroot.Value) {
		return l.refusePool(p, "chroot", zlog.Error, "the chroot path '%s' does not exist or is not a directory", p.Chroot)
	}
	return true
}

func (l *loader) checkChdir(p *Pool) bool {
	if !p.Chdir.Filled() {
		return true
	}
	p.Chdir = l.fullPath(p.Chdir, p, "")
	switch {
	case !strings.HasPrefix(p.Chdir.Value, "/"):
		return l.refusePool(p, "chdir", zlog.Error, "the chdir path '%s' must start with a '/'", p.Chdir)
	case p.Chroot.Set:
		if inside := p.Chroot.Value + "/" + p.Chdir.Value; !l.sys.isDir(inside) {
			return l.refusePool(p, "chdir", zlog.Error,
				"the chdir path '%s' within the chroot path '%s' ('%s') does not exist or is not a directory",
				p.Chdir, p.Chroot, inside)
		}
	case !l.sys.isDir(p.Chdir.Value):
		return l.refusePool(p, "chdir", zlog.Error, "the chdir path '%s' does not exist or is not a directory", p.Chdir)
	}
	return true
}

func (l *loader) splitExtensions(p *Pool) bool {
	if !p.SecurityLimitExtensions.Set {
		p.SecurityLimitExtensions = setText(defaultExtensions)
	}
	p.LimitExtensions = strings.FieldsFunc(p.SecurityLimitExtensions.Value, func(r rune) bool { return r == ' ' || r == '\t' })
	if len(p.LimitExtensions) == 0 {
		p.LimitExtensions = nil
	}
	return true
}

// pathDirectives are the php.ini directives whose relative paths start at the
// pool's prefix.
var pathDirectives = []string{
	"error_log", "extension_dir", "mime_magic.magicfile", "sendmail_path", "session.cookie_path",
	"session_pgsql.sem_file_name", "soap.wsdl_cache_dir", "uploadprogress.file.filename_template",
	"xdebug.output_dir", "xdebug.profiler_output_dir", "xdebug.trace_output_dir", "xmms.path",
	"axis2.client_home", "blenc.key_file", "coin_acceptor.device",
}

func (l *loader) expandValues(p *Pool) bool {
	if p.Chroot.Set {
		return true
	}
	expand := func(list []KeyValue, syslog bool) {
		for i := range list {
			kv := &list[i]
			if syslog && equalFold(kv.Key, "error_log") && equalFold(kv.Value, "syslog") {
				continue
			}
			if slices.ContainsFunc(pathDirectives, func(d string) bool { return equalFold(d, kv.Key) }) {
				kv.Value = l.fullPath(setText(kv.Value), p, "").Value
			}
		}
	}
	expand(p.PHPValues, false)
	expand(p.PHPAdminValues, true)
	return true
}
