// Counterpart: sapi/fpm/fpm/fpm_conf.c (ini_fpm_global_options)

package conf

import (
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

func newGlobal() Global {
	return Global{
		SyslogFacility:  -1,
		LogBuffering:    true,
		LogLimit:        zlog.DefaultLimit,
		ProcessPriority: PriorityUnset,
		Daemonize:       true,
		systemdSeconds:  -1,
	}
}

// Syslog reports whether the error_log is syslog.
func (g *Global) Syslog() bool { return equalFold(g.ErrorLog.Value, "syslog") }

// globalDirectives is [global], in the order of -tt. Made when it is asked for, because php, which never does, is the
// same program, and starts often.
var globalDirectives = sync.OnceValue(func() []directive[Global] {
	return []directive[Global]{
		text("pid", func(g *Global) *Text { return &g.Pid }, "none",
			"File for the master's process id, relative to /var."),
		text("error_log", func(g *Global) *Text { return &g.ErrorLog }, "log/php-fpm.log",
			"File for the log, relative to /var, or syslog."),
		text("syslog.ident", func(g *Global) *Text { return &g.SyslogIdent }, "php-fpm",
			"What syslog shows before a line."),
		{"syslog.facility", "syslog facility", "daemon",
			"What syslog files the lines under.", setFacility,
			func(g *Global) string { return strconv.Itoa(g.SyslogFacility) }},
		boolean("log_buffering", func(g *Global) *bool { return &g.LogBuffering }, "yes",
			"Write a line of the log at once, not in pieces."),
		{"log_level", "alert, error, warning, notice or debug", "notice",
			"The least severe messages to log.", setLogLevel,
			func(g *Global) string { return g.LogLevel.String() }},
		integer("log_limit", func(g *Global) *int { return &g.LogLimit }, "1024",
			"Length in bytes at which lines of the log are wrapped; at least 512."),
		duration("emergency_restart_interval", func(g *Global) *time.Duration { return &g.EmergencyRestartInterval }, "0",
			"Time in which emergency_restart_threshold children must crash to cause a restart."),
		integer("emergency_restart_threshold", func(g *Global) *int { return &g.EmergencyRestartThreshold }, "0",
			"Number of children that must die by SIGSEGV or SIGBUS to cause a restart; 0 is off."),
		duration("process_control_timeout", func(g *Global) *time.Duration { return &g.ProcessControlTimeout }, "0",
			"Time children get to react to a signal of the master."),
		integer("process.max", func(g *Global) *int { return &g.ProcessMax }, "0",
			"Most children of all pools together; 0 means no limit."),
		priority(func(g *Global) *int { return &g.ProcessPriority },
			"nice(2) priority of the master, -19 to 20; root only."),
		boolean("daemonize", func(g *Global) *bool { return &g.Daemonize }, "yes",
			"Go into the background."),
		integer("rlimit_files", func(g *Global) *int { return &g.RlimitFiles }, "system",
			"Limit of open files of the master."),
		rlimitCore(func(g *Global) *int { return &g.RlimitCore },
			"Limit of the size of a core file of the master."),
		text("events.mechanism", func(g *Global) *Text { return &g.EventsMechanism }, "epoll",
			"epoll, poll or select; ondemand needs epoll."),
		{"systemd_interval", "time", "10s",
			"Time between two notifications of systemd; 0 is off.", setSystemdInterval,
			func(g *Global) string { return strconv.Itoa(seconds(g.SystemdInterval)) + "s" }},
	}
})

func setLogLevel(g *Global, v string, _ *Pool) string {
	level, ok := ParseLogLevel(v)
	if !ok {
		return "invalid value for 'log_level'"
	}
	g.LogLevel = level
	return ""
}

// ParseLogLevel returns the level that a text means, as log_level has it. It returns false if the text is none.
func ParseLogLevel(text string) (zlog.Level, bool) {
	switch asciiLower(text) {
	case "debug":
		return zlog.Debug, true
	case "notice":
		return zlog.Notice, true
	case "warning", "warn":
		return zlog.Warning, true
	case "error":
		return zlog.Error, true
	case "alert":
		return zlog.Alert, true
	}
	return 0, false
}

// facilities are syslog(3)'s numbers, shifted by three bits.
var facilities = sync.OnceValue(func() map[string]int {
	return map[string]int{
		"kern": 0, "user": 1, "mail": 2, "daemon": 3, "auth": 4, "syslog": 5, "lpr": 6, "news": 7, "uucp": 8,
		"cron": 9, "authpriv": 10, "ftp": 11, "local0": 16, "local1": 17, "local2": 18, "local3": 19,
		"local4": 20, "local5": 21, "local6": 22, "local7": 23,
	}
})

func setFacility(g *Global, v string, _ *Pool) string {
	n, ok := facilities()[asciiLower(v)]
	if !ok {
		return "invalid value"
	}
	g.SyslogFacility = n << 3
	return ""
}

func setSystemdInterval(g *Global, v string, _ *Pool) string {
	n, objection := parseSeconds(v)
	if objection == "" {
		g.systemdSeconds = int(n)
	}
	return objection
}

func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 {
			return rune(lower(byte(r)))
		}
		return r
	}, s)
}
