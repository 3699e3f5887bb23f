// Counterpart: sapi/fpm/fpm/fpm_conf.c (ini_fpm_pool_options, fpm_worker_pool_config_alloc)

package conf

import (
	"strconv"
	"sync"
	"time"
)

// newPool is a pool nothing has been said about yet.
func newPool(name string) *Pool {
	return &Pool{
		Name:                  name,
		ListenBacklog:         backlogDefault,
		MaxSpawnRate:          32,
		ProcessIdleTimeout:    10 * time.Second,
		ProcessPriority:       PriorityUnset,
		ClearEnv:              true,
		DecorateWorkersOutput: true,
	}
}

// backlogDefault lets the system choose.
const backlogDefault = -1

// poolDirectives is a pool's section, in the order of -tt.
var poolDirectives = sync.OnceValue(func() []directive[Pool] {
	return []directive[Pool]{
		text("prefix", func(p *Pool) *Text { return &p.Prefix }, "none",
			"Directory that relative paths of the pool start from."),
		text("user", func(p *Pool) *Text { return &p.User }, "none",
			"User the children run as, by name or number; needed by a master that is root."),
		text("group", func(p *Pool) *Text { return &p.Group }, "the user's",
			"Group the children run as, by name or number."),
		text("listen", func(p *Pool) *Text { return &p.Listen }, "must be set",
			"Address to accept requests on: port, address:port, [address]:port or a path."),
		integer("listen.backlog", func(p *Pool) *int { return &p.ListenBacklog }, "-1",
			"Most connections that wait to be accepted; -1 is the system's most."),
		text("listen.acl_users", func(p *Pool) *Text { return &p.ListenACLUsers }, "none",
			"Users, with commas, that may connect to the unix socket; overrides owner and group."),
		text("listen.acl_groups", func(p *Pool) *Text { return &p.ListenACLGroups }, "none",
			"Groups, with commas, that may connect to the unix socket; overrides owner and group."),
		text("listen.owner", func(p *Pool) *Text { return &p.ListenOwner }, "the master's",
			"Owner of the unix socket."),
		text("listen.group", func(p *Pool) *Text { return &p.ListenGroup }, "the master's",
			"Group of the unix socket."),
		text("listen.mode", func(p *Pool) *Text { return &p.ListenMode }, "0660",
			"Mode of the unix socket, octal."),
		text("listen.allowed_clients", func(p *Pool) *Text { return &p.ListenAllowedClients }, "any",
			"Addresses, with commas, that may connect by TCP."),
		priority(func(p *Pool) *int { return &p.ProcessPriority },
			"nice(2) priority of the children, -19 to 20; root only."),
		boolean("process.dumpable", func(p *Pool) *bool { return &p.ProcessDumpable }, "no",
			"Let children dump core and be traced though they changed user."),
		{"pm", "static, dynamic or ondemand", "must be set",
			"How the number of children is controlled.", setPM,
			func(p *Pool) string { return p.PM.String() }},
		integer("pm.max_children", func(p *Pool) *int { return &p.MaxChildren }, "must be set",
			"Most children, and the number of children of a static pool."),
		integer("pm.start_servers", func(p *Pool) *int { return &p.StartServers }, "between the two spare numbers",
			"Children of a dynamic pool at the start."),
		integer("pm.min_spare_servers", func(p *Pool) *int { return &p.MinSpareServers }, "must be set if dynamic",
			"Fewest idle children of a dynamic pool."),
		integer("pm.max_spare_servers", func(p *Pool) *int { return &p.MaxSpareServers }, "must be set if dynamic",
			"Most idle children of a dynamic pool."),
		integer("pm.max_spawn_rate", func(p *Pool) *int { return &p.MaxSpawnRate }, "32",
			"Most children a dynamic pool starts at once."),
		withoutUnit(duration("pm.process_idle_timeout", func(p *Pool) *time.Duration { return &p.ProcessIdleTimeout }, "10s",
			"Time after which an idle child of an ondemand pool ends.")),
		integer("pm.max_requests", func(p *Pool) *int { return &p.MaxRequests }, "0",
			"Requests after which a child is replaced; 0 means no limit."),
		text("pm.status_path", func(p *Pool) *Text { return &p.StatusPath }, "none",
			"URI of the status page."),
		text("pm.status_listen", func(p *Pool) *Text { return &p.StatusListen }, "none",
			"Address at which the status page is served by children of its own."),
		text("ping.path", func(p *Pool) *Text { return &p.PingPath }, "none",
			"URI of the ping page."),
		text("ping.response", func(p *Pool) *Text { return &p.PingResponse }, "pong",
			"What the ping page says."),
		text("access.log", func(p *Pool) *Text { return &p.AccessLog }, "none",
			"File for a line per request."),
		text("access.format", func(p *Pool) *Text { return &p.AccessFormat }, defaultAccessFormat,
			"Format of these lines."),
		{name: "access.suppress_path[]"},
		text("slowlog", func(p *Pool) *Text { return &p.Slowlog }, "none",
			"File for traces of slow requests."),
		duration("request_slowlog_timeout", func(p *Pool) *time.Duration { return &p.RequestSlowlogTimeout }, "0",
			"Time after which a request is slow; 0 is off."),
		integer("request_slowlog_trace_depth", func(p *Pool) *int { return &p.RequestSlowlogTraceDepth }, "20",
			"Most frames of a trace."),
		duration("request_terminate_timeout", func(p *Pool) *time.Duration { return &p.RequestTerminateTimeout }, "0",
			"Time after which a request's child is killed; 0 is off."),
		boolean("request_terminate_timeout_track_finished", func(p *Pool) *bool { return &p.RequestTerminateTimeoutTrackFinished }, "no",
			"Count the time after fastcgi_finish_request() and in shutdown functions too."),
		integer("rlimit_files", func(p *Pool) *int { return &p.RlimitFiles }, "system",
			"Limit of open files of a child."),
		rlimitCore(func(p *Pool) *int { return &p.RlimitCore },
			"Limit of the size of a core file of a child."),
		text("chroot", func(p *Pool) *Text { return &p.Chroot }, "none",
			"Root directory of the children; may begin with $prefix; root only."),
		text("chdir", func(p *Pool) *Text { return &p.Chdir }, "the master's, or / with chroot",
			"Working directory of the children."),
		boolean("catch_workers_output", func(p *Pool) *bool { return &p.CatchWorkersOutput }, "no",
			"Put what children write to stdout and stderr into the log."),
		boolean("decorate_workers_output", func(p *Pool) *bool { return &p.DecorateWorkersOutput }, "yes",
			"Tell in the log whose output it is."),
		boolean("clear_env", func(p *Pool) *bool { return &p.ClearEnv }, "yes",
			"Keep the master's environment from the children."),
		text("security.limit_extensions", func(p *Pool) *Text { return &p.SecurityLimitExtensions }, defaultExtensions,
			"File name extensions of scripts that may be run; empty is any."),
		hidden(text("apparmor_hat", func(p *Pool) *Text { return &p.AppArmorHat }, "none",
			"AppArmor hat the children change to.")),
	}
})

const (
	defaultAccessFormat = `%R - %u %t "%m %r" %s`
	defaultExtensions   = ".php .phar"
)

// A poolArray is a directive of the form name[key] = value.
type poolArray struct {
	name, kind, def, doc string
	list                 func(*Pool) *[]KeyValue
	flag                 bool // values are booleans
}

// poolArrays are the array directives; those that share a list are shown under
// the name of the first.
var poolArrays = []poolArray{
	{"access.suppress_path", "string", "none", "URI whose successful requests are left out of the access log.", nil, false},
	{"env", "string", "none", "Environment variable of the children.",
		func(p *Pool) *[]KeyValue { return &p.Env }, false},
	{"php_value", "string", "none", "php.ini directive that scripts may change.",
		func(p *Pool) *[]KeyValue { return &p.PHPValues }, false},
	{"php_flag", "boolean", "none", "php.ini directive that scripts may change.",
		func(p *Pool) *[]KeyValue { return &p.PHPValues }, true},
	{"php_admin_value", "string", "none", "php.ini directive that scripts may not change.",
		func(p *Pool) *[]KeyValue { return &p.PHPAdminValues }, false},
	{"php_admin_flag", "boolean", "none", "php.ini directive that scripts may not change.",
		func(p *Pool) *[]KeyValue { return &p.PHPAdminValues }, true},
}

func setPM(p *Pool, v string, _ *Pool) string {
	switch asciiLower(v) {
	case "static":
		p.PM = Static
	case "dynamic":
		p.PM = Dynamic
	case "ondemand":
		p.PM = Ondemand
	default:
		return "invalid process manager (static, dynamic or ondemand)"
	}
	return ""
}

// withoutUnit leaves out the unit in -tt.
func withoutUnit(d directive[Pool]) directive[Pool] {
	d.show = func(p *Pool) string { return strconv.Itoa(seconds(p.ProcessIdleTimeout)) }
	return d
}

// hidden leaves a directive out of -tt.
func hidden(d directive[Pool]) directive[Pool] {
	d.show = nil
	return d
}
