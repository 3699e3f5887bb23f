// Counterpart: sapi/fpm/fpm/fpm_conf.c (fpm_conf_post_process), fpm_systemd.c (fpm_systemd_conf)

package conf

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/accesslog"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// settleGlobal checks [global], fills in defaults and opens the error log.
func (l *loader) settleGlobal() bool {
	g := &l.cfg.Global
	wrong := func(directive, format string, args ...any) bool {
		return l.refuse(Error{Place: g.places[directive], Directive: directive}, zlog.Error, format, args...)
	}
	g.Pid = l.fullPath(g.Pid, nil, l.opt.Build.LocalStateDir)
	if l.opt.Daemonize != nil {
		g.Daemonize = *l.opt.Daemonize
	}
	if g.LogLevel != 0 {
		l.level = g.LogLevel
	}
	if g.LogLimit < zlog.MinLimit {
		return wrong("log_limit", "log_limit must be greater than %d", zlog.MinLimit)
	}
	if g.ProcessMax < 0 {
		return wrong("process.max", "process_max can't be negative")
	}
	if !priorityInRange(g.ProcessPriority) {
		return wrong("process.priority", "process.priority must be included into [-19,20]")
	}
	if !g.ErrorLog.Set {
		g.ErrorLog = setText("log/php-fpm.log")
	}
	l.settleSystemd()
	if !g.SyslogIdent.Set {
		g.SyslogIdent = setText("php-fpm")
	}
	if g.SyslogFacility < 0 {
		g.SyslogFacility = facilities()["daemon"] << 3
	}
	if !g.Syslog() {
		g.ErrorLog = l.fullPath(g.ErrorLog, nil, l.opt.Build.LocalStateDir)
	}
	if err := l.sys.OpenErrorLog(g); err != nil {
		return l.refuseErr(err, Error{Place: g.places["error_log"], Directive: "error_log"},
			"failed to open error_log (%s)", g.ErrorLog)
	}
	return l.settleEvents()
}

func priorityInRange(n int) bool { return n == PriorityUnset || n >= -19 && n <= 20 }

// settleSystemd chooses how often systemd is notified: half of what its
// watchdog asks for, if it does.
func (l *loader) settleSystemd() {
	const defaultInterval = 10 * time.Second
	g := &l.cfg.Global
	var watchdog int32 // milliseconds
	if usec, ok := l.sys.Getenv("WATCHDOG_USEC"); ok {
		digits := len(usec) - len(strings.TrimLeft(usec, "0123456789"))
		n, _ := strconv.ParseInt(usec[:digits], 10, 64)
		watchdog = int32(n / 2000)
		l.say(zlog.Debug, "WATCHDOG_USEC=%s, interval=%d", usec, watchdog)
	}
	switch {
	case watchdog > 1000:
		if g.systemdSeconds > 0 {
			l.say(zlog.Warning, "systemd_interval option ignored")
		}
		l.say(zlog.Notice, "systemd watchdog configured to %ssec", threeDigits(float64(float32(watchdog))/1000))
		g.SystemdWatchdog = true
		g.SystemdInterval = time.Duration(watchdog) * time.Millisecond
	case g.systemdSeconds < 0:
		g.SystemdInterval = defaultInterval
	default:
		g.SystemdInterval = time.Duration(int32(g.systemdSeconds)*1000) * time.Millisecond
	}
}

// threeDigits is PHP's %.3g of a number from 1 on.
func threeDigits(f float64) string {
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', 2, 64), "e")
	e, _ := strconv.Atoi(exponent)
	if e < 3 {
		s := strconv.FormatFloat(f, 'f', 2-e, 64)
		if strings.Contains(s, ".") {
			s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		}
		return s
	}
	mantissa = strings.TrimRight(mantissa, "0")
	if strings.HasSuffix(mantissa, ".") {
		mantissa += "0"
	}
	return fmt.Sprintf("%se+%d", mantissa, e)
}

// settleEvents checks the name of the events mechanism. There is a choice only
// for the sake of the file: the master has its own.
func (l *loader) settleEvents() bool {
	g := &l.cfg.Global
	if !g.EventsMechanism.Set {
		g.EventsMechanism = setText("epoll")
		return true
	}
	for _, name := range []string{"epoll", "poll", "select"} {
		if equalFold(name, g.EventsMechanism.Value) {
			g.EventsMechanism = setText(name)
			return true
		}
	}
	return l.refuse(Error{Place: g.places["events.mechanism"], Directive: "events.mechanism"}, zlog.Error,
		"event mechanism '%s' is not available on this system", g.EventsMechanism)
}

// openAccessLogs opens the access logs and checks their formats.
func (l *loader) openAccessLogs() bool {
	for _, p := range l.cfg.Pools {
		if !p.AccessLog.Set {
			continue
		}
		if err := l.sys.OpenLog(p.AccessLog.Value); err != nil {
			return l.refuseErr(err, Error{Place: p.nearest("access.log"), Pool: p.Name, Directive: "access.log"},
				"failed to open access log (%s)", p.AccessLog)
		}
		l.say(zlog.Debug, "open access log (%s)", p.AccessLog)
	}
	for _, p := range l.cfg.Pools {
		if !p.AccessLog.Filled() {
			continue
		}
		if _, err := accesslog.Parse(p.AccessFormat.Value); err != nil {
			l.say(zlog.Warning, "%s", err)
			return l.refusePool(p, "access.format", zlog.Error, "wrong format for access.format '%s'", p.AccessFormat)
		}
	}
	return true
}
