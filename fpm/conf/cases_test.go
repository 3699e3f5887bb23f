package conf

import (
	"fmt"
	"math/rand"
	"os"
	"strings"

	"github.com/phpsapi/phpsapi/test/serve"
)

const (
	head = "[global]\nerror_log = DIR/log\n"
	base = "[www]\nuser = www-data\nlisten = 9000\npm = static\npm.max_children = 2\n"
)

// with makes a case of the usual file and lines added to its pool.
func with(name, lines string) configCase {
	return configCase{name: name, files: []string{head + base + lines}}
}

// withGlobal adds lines to [global].
func withGlobal(name, lines string) configCase {
	return configCase{name: name, files: []string{head + lines + base}}
}

// dynamic is a pool with pm = dynamic and lines.
func dynamic(name, lines string) configCase {
	return configCase{name: name, files: []string{head + "[www]\nuser = www-data\nlisten = 9000\npm = dynamic\n" + lines}}
}

func configCases() []configCase {
	all := []configCase{
		{name: "empty file", files: []string{""}},
		{name: "no pool", files: []string{head}},
		{name: "empty pool", files: []string{head + "[www]\n"}},
		{name: "no user", files: []string{head + "[www]\nlisten = 9000\npm = static\npm.max_children = 2\n"}},
		{name: "no user but -R", files: []string{head + "[www]\nlisten = 9000\npm = static\npm.max_children = 2\n"}, args: []string{"-R"}},
		{name: "no listen", files: []string{head + "[www]\nuser = www-data\n"}},
		{name: "no pm", files: []string{head + "[www]\nuser = www-data\nlisten = 9000\n"}},
		{name: "no max_children", files: []string{head + "[www]\nuser = www-data\nlisten = 9000\npm = static\n"}},
		{name: "no trailing newline", files: []string{head + base + "pm.max_requests = 5"}},
		{name: "crlf", files: []string{strings.ReplaceAll(head+base, "\n", "\r\n")}},
		{name: "cr only", files: []string{strings.ReplaceAll(head+base, "\n", "\r")}},
		{name: "bom on every line", files: []string{"\xef\xbb\xbf" + strings.ReplaceAll(head+base, "\n", "\n\xef\xbb\xbf")}},
		{name: "nul", files: []string{head + base + "pm.max_requests = 5\x00rubbish ]["}},
		{name: "reopened section", files: []string{head + base + "[GLOBAL]\nlog_limit = 2000\n[WWW]\npm.max_children = 7\n"}},
		{name: "section with a space", files: []string{head + strings.Replace(base, "[www]", "[a b]", 1)}},
		{name: "section without a name", files: []string{head + strings.Replace(base, "[www]", "[]", 1)}},
		{name: "same address", files: []string{head + base + strings.Replace(base, "www", "b", 1)}},
		{name: "same socket by prefix", files: []string{head + base + "prefix = DIR\nlisten = x.sock\n" +
			strings.Replace(base, "www", "b", 1) + "listen = DIR/x.sock\n"}},
		{name: "prefix argument", files: []string{head + "pid = run/x.pid\n" + base + "listen = s\naccess.log = $pool.access\nslowlog = slow/$pool\nchdir = sub\n"},
			args: []string{"-p", "DIR"}, dirs: []string{"sub"}},
		{name: "relative prefix argument", files: []string{head + base + "listen = s\n"}, args: []string{"-p", "sub"}, dirs: []string{"sub"}},
		{name: "prefix argument that is none", files: []string{head + base}, args: []string{"-p", "DIR/nosuch"}},
		{name: "empty prefix argument", files: []string{head + base + "listen = s\n"}, args: []string{"-p", ""}},
		{name: "pid argument", files: []string{head + base}, args: []string{"-g", "run/arg.pid"}},
		{name: "pid argument and pid", files: []string{head + "pid = run/x.pid\n" + base}, args: []string{"-g", "/arg.pid"}},
		{name: "daemonize argument", files: []string{head + "daemonize = no\n" + base}, args: []string{"-D"}},
		{name: "nodaemonize argument", files: []string{head + base}, args: []string{"-F"}},
		{name: "watchdog", files: []string{head + "systemd_interval = 5\n" + base}, env: []string{"WATCHDOG_USEC=30000000"}},
		{name: "long watchdog", files: []string{head + base}, env: []string{"WATCHDOG_USEC=9123456789"}},
		{name: "round watchdog", files: []string{head + base}, env: []string{"WATCHDOG_USEC=2000000000"}},
		{name: "short watchdog", files: []string{head + base}, env: []string{"WATCHDOG_USEC=2000000"}},
		{name: "odd watchdog", files: []string{head + base}, env: []string{"WATCHDOG_USEC=5437000x"}},
	}
	all = append(all, includeCases()...)
	for i, lines := range strings.Split(strings.TrimSpace(poolLines), "\n") {
		lines = strings.ReplaceAll(lines, " ; ", "\n")
		all = append(all, with(fmt.Sprintf("pool %d", i), lines+"\n"))
	}
	for i, lines := range strings.Split(strings.TrimSpace(globalLines), "\n") {
		lines = strings.ReplaceAll(lines, " ; ", "\n")
		all = append(all, withGlobal(fmt.Sprintf("global %d", i), lines+"\n"))
	}
	for i, n := range []string{"", "1 0 1", "1 1 0", "3 5 1", "3 1 5", "3 2 1", "5 1 3", "5 1 4", "4 -1 3", "5 1 3 1", "5 1 3 4", "5 2 3 1", "5 1 3 2", "5 1 3 -1"} {
		lines := ""
		for j, v := range strings.Fields(n) {
			lines += []string{"pm.max_children", "pm.min_spare_servers", "pm.max_spare_servers", "pm.start_servers"}[j] + " = " + v + "\n"
		}
		all = append(all, dynamic(fmt.Sprintf("dynamic %d", i), lines))
	}
	spawn := "pm.max_children = 5\npm.min_spare_servers = 1\npm.max_spare_servers = 3\n"
	all = append(all, dynamic("spawn rate 0", spawn+"pm.max_spawn_rate = 0\n"), dynamic("spawn rate -1", spawn+"pm.max_spawn_rate = -1\n"),
		dynamic("spawn rate 1", spawn+"pm.max_spawn_rate = 1\n"))
	if text := debianConfig(); text != "" {
		all = append(all, configCase{name: "debian's own", files: []string{text}})
	}
	return all
}

func includeCases() []configCase {
	main := func(lines string) string { return head + lines }
	return []configCase{
		{name: "include", files: []string{main("include = DIR/pool.d/*.conf\n"), "pool.d/b.conf", base, "pool.d/a.conf",
			strings.NewReplacer("www]", "a]", "9000", "9001").Replace(base), "pool.d/.hidden.conf", "x", "pool.d/c.txt", "x"}, dirs: []string{"pool.d", "pool.d/dir.conf"}},
		{name: "include inside a pool", files: []string{main(base + "include = DIR/more\npm.max_requests = 1\n"), "more", "ping.path = /p\n"}},
		{name: "include changes the section", files: []string{main(base + "include = DIR/more\nlog_limit = 1\n"), "more", "[global]\n"}},
		{name: "include nothing", files: []string{main("include = DIR/none*.conf\n" + base)}},
		{name: "include a missing file", files: []string{main("include = DIR/none.conf\n" + base)}},
		{name: "include from a missing directory", files: []string{main("include = DIR/none/*.conf\n" + base)}},
		{name: "include directories by pattern", files: []string{main("include = DIR/*/x.conf\n"), "a/x.conf", base, "b/x.conf", "[www]\npm.max_requests = 4\n", "c", "x"}, dirs: []string{"a", "b"}},
		{name: "include a directory", files: []string{main("include = DIR/a\ninclude = DIR/b/\ninclude = DIR/c/\n" + base)}, dirs: []string{"a", "b"}},
		{name: "include with classes", files: []string{main("include = DIR/[!a].c?\ninclude = DIR/[[:digit:]b-z]\\.conf\n"), "a.cx", "x", "b.cx", base, "1.conf", "pm.max_requests = 7\n", "a.conf", "x"}},
		{name: "include an empty pattern", files: []string{main("include =\n" + base)}},
		{name: "include relative", files: []string{main("include = rel/*.conf\n"), "rel/a.conf", base}, dirs: []string{"rel"}, args: []string{"-p", "DIR"}},
		{name: "include of an error", files: []string{main("\n\ninclude = DIR/a\n"), "a", "\n\n\n\n\n[www]\nnonsense = 1\n"}},
		{name: "include then error", files: []string{main("include = DIR/a\nnonsense = 1\n"), "a", "\n\n\n\n\n\n\n"}},
		{name: "include of a syntax error", files: []string{main("include = DIR/a\n"), "a", "[www\n"}},
		{name: "include twice on a line", files: []string{main("include = DIR/a\rinclude = DIR/b\n")}},
		{name: "include is lower case", files: []string{main("Include = DIR/a\n")}},
		{name: "include itself", files: []string{main("include = DIR/php-fpm.conf\n")}},
		{name: "include five deep", files: []string{main("include = DIR/2\n"), "2", "include = DIR/3\n", "3", "include=DIR/4", "4", "include=DIR/5", "5", base}},
		{name: "include six deep", files: []string{main("include = DIR/2\n"), "2", "\ninclude = DIR/3\n", "3", "include=DIR/4", "4", "include=DIR/5", "5", "include=DIR/6", "6", base}},
		{name: "include by environment", files: []string{main("include = DIR/${N}.conf\n"), "3.conf", base}},
	}
}

// Each line is a case: lines of the pool, " ; " between them.
const poolLines = `
user = nosuchuser
group = nosuchgroup
user = 12345 ; group = 54321
user = ; group =
listen.owner = nosuchuser
listen.group = nosuchgroup
listen.owner = 0 ; listen.group = daemon ; listen.mode = 0600
listen.acl_users = root,daemon ; listen.acl_groups = nosuchgroup
listen =
listen = /run/x.sock
listen = run/x.sock
listen = ${LISTEN}
listen = [::1]:9000
listen = "[::1]:9000"
listen = ${UNKNOWN}
listen.backlog = -1
listen.backlog = -
listen.backlog = 5x
listen.backlog = 99999999999999999999
listen.backlog = -7
listen.allowed_clients = 127.0.0.1,xxx
process.priority = -20
process.priority = -19
process.priority = 20
process.priority = 21
process.priority = 64
process.dumpable = yes
process.dumpable = maybe
process.dumpable = "On"
process.dumpable = ${YES}
process.dumpable = ${EMPTY}
process.dumpable = ${N}
pm = ondemand
pm = OnDemand ; pm.process_idle_timeout = 0
pm = ondemand ; pm.process_idle_timeout = 2m ; listen.backlog = -5 ; pm.start_servers = 3
pm = dynamo
pm.max_children = 0
pm.max_children = -3
pm.max_children = 1.5
pm.max_children = E_ALL
pm.max_children = 1 | 6
pm.max_children = ~0
pm.max_children =
pm.max_requests = ${N}000
pm.status_path = status
pm.status_path = /
pm.status_path = /a b
pm.status_path = /a?b
pm.status_path = /st-at_us.x~/9
pm.status_listen = 9001
pm.status_listen = 9001 ; pm.status_path = /s
pm.status_listen = 9000
pm.status_listen =
pm.status_listen = st.sock ; prefix = DIR ; ping.path = /p ; ping.response = hi
pm.status_listen = 9001 ; ping.path = /p ; ping.response =
ping.path = ping
ping.path = /
ping.path = /a%b
ping.path = /ping
ping.path = /ping ; ping.response = "hello world"
ping.path = /ping ; ping.response =
ping.response = lost
ping.path = ; ping.response = lost
access.log = DIR/access.$pool.log
access.log =
access.log = DIR/nosuch/access.log
access.log = relative ; prefix = DIR
access.log = DIR/a ; access.format = "%R %% %{total}C %{mili}d %{HTTP_X}e %f %l %m %{kilo}M %n %{Content-Type}o %p %P %q %Q %r %s %t %{%Y}t %T %{%s}T %u"
access.log = DIR/a ; access.format = %x
access.log = DIR/a ; access.format = %{x}C
access.log = DIR/a ; access.format = "%{MICRO}d%{hours}d"
access.log = DIR/a ; access.format = %e
access.log = DIR/a ; access.format = %o
access.log = DIR/a ; access.format = %{bits}M
access.log = DIR/a ; access.format = %{x}p
access.log = DIR/a ; access.format = "%{a}{user}C"
access.log = DIR/a ; access.format = "%{}d %"
access.log = DIR/a ; access.format = "%{user}"
access.log = DIR/a ; access.format =
access.format = %x
access.suppress_path[] = /ping ; access.suppress_path[] = /health
access.suppress_path[] = ping
access.suppress_path[a] = /ping
access.suppress_path[a] = ping
access.suppress_path[] =
Access.Suppress_Path[] = /x
access.suppress_path = /x
slowlog = DIR/slow ; request_slowlog_timeout = 5
slowlog = DIR/slow ; request_slowlog_timeout = 5 ; request_terminate_timeout = 4
slowlog = DIR/slow ; request_slowlog_timeout = 1h ; request_terminate_timeout = 1d
request_slowlog_timeout = 5s
slowlog = DIR/no/slow ; request_slowlog_timeout = 5
slowlog = ; request_slowlog_timeout = 5
slowlog = DIR/slow ; request_slowlog_trace_depth = 5
slowlog = DIR/slow ; request_slowlog_trace_depth = -5
request_slowlog_trace_depth = 5
request_slowlog_trace_depth = 0
request_terminate_timeout = 30
request_terminate_timeout = 30S
request_terminate_timeout = s
request_terminate_timeout = 1.5m
request_terminate_timeout =
request_terminate_timeout = -5
request_terminate_timeout = 5w
request_terminate_timeout = 99999999999h
request_terminate_timeout_track_finished = yes
rlimit_files = 1024 ; rlimit_core = unlimited
rlimit_core = Unlimited
rlimit_core = -1
rlimit_core = lots
rlimit_files = lots
chroot = DIR
chroot = DIR/nosuch
chroot = $prefix
chroot = $prefix/sub ; prefix = DIR
chroot = $prefix ; prefix = DIR
chroot = a$prefix
chroot = relative
chroot = DIR ; chdir = /
chroot = DIR ; chdir = /nosuch
chroot = ; chdir = /tmp
chroot = DIR ; php_value[error_log] = x
chdir = /nosuch
chdir = relative
chdir = /tmp
prefix = /nosuch
prefix = DIR ; chdir = . ; listen = l.sock
prefix =  ; listen = l.sock
prefix = local
catch_workers_output = 1 ; decorate_workers_output = 0 ; clear_env = Off
security.limit_extensions =
security.limit_extensions = .php .php5	.x
apparmor_hat = hat
env[HOSTNAME] = $HOSTNAME ; env[PATH] = /usr/bin:/bin ; env[TMP] = /tmp
env[A] =
env[] = x
env[A] = $pool
env = x
php_value[error_reporting] = E_ALL & ~E_NOTICE
php_value[a] = 1 ; php_value[b] = 2 ; php_value[a] = 3
php_flag[display_errors] = off ; php_flag[x] = On ; php_value[y] = z
php_flag[display_errors] = maybe
php_admin_value[error_log] = log/$pool.log ; php_admin_flag[log_errors] = on
php_admin_value[error_log] = syslog ; php_admin_value[sendmail_path] = sendmail
php_value[error_log] = syslog ; php_value[Extension_Dir] = ext
php_value[soap.wsdl_cache_dir] = ; prefix = DIR
php_admin_value[memory_limit] = 128M
php_admin_value[x] = "quo\"ted $pool \\ 'y'"
php_admin_value[x] = 'single $pool "y"'
php_admin_value['k 1'] = v ; php_admin_value["k${N}"] = w ; php_admin_value[E_ERROR] = u
php_admin_value[true] = v ; php_admin_value[a.b c ] = w
php_unknown[x] = y
listen.setfib = 1
nonsense = 1
PM.MAX_CHILDREN = 9
pm.max_children
pm.max_children = 4 = 5
pm.max_children = (4
pm.max_children = "4
pm.max_children = '4
pm.max_children = ''
user = "www-data" x
# a hash
#user = x
;user = x
user = www-data ;comment
user = www-data#comment
[www ; x = y
[www]x = y
  [other]
pm.max_requests = yes
pm.max_requests = null
slowlog = on
slowlog = PHP_VERSION
slowlog = PHP_EOL
slowlog = M_PI
slowlog = ${PHP_VERSION}
slowlog = a${N}b"c"'d'
slowlog = $$pool/$poolpool
slowlog = {curly}
slowlog = a & b
slowlog = a=b
slowlog = !a
on = off
= x
] = x
{x} = y
pid = x
log_level = debug
pool = x
`

// Each line is a case: lines of [global], " ; " between them.
const globalLines = `
pid = run/x.pid
pid =
pid = /run/x.pid
error_log = DIR/no/log
error_log = syslog
error_log = SysLog ; syslog.ident = me ; syslog.facility = local7
error_log = DIR/$pool.log
syslog.facility = nosuch
syslog.facility = AUTHPRIV
syslog.ident =
log_level = debug
log_level = Warn
log_level = WARNING ; log_limit = 100
log_level = error
log_level = alert ; process.max = -1
log_level = info
log_level =
log_limit = 511
log_limit = 512
log_limit = 9000
log_limit = 1k
log_buffering = no
emergency_restart_threshold = 5 ; emergency_restart_interval = 1m
process_control_timeout = 10s
process.max = 128
process.max = -1
process.priority = -20
process.priority = -19
process.priority = 64
daemonize = no
daemonize = nope
rlimit_files = 5 ; rlimit_core = unlimited
rlimit_core = -5
events.mechanism = epoll
events.mechanism = POLL
events.mechanism = select
events.mechanism = kqueue
events.mechanism =
systemd_interval = 0
systemd_interval = -5
systemd_interval = 60m
systemd_interval = 5x
unknown = 1
php_value[x] = 1
env[] = 1
access.suppress_path[] = /x
access.suppress_path[x] = y
error_log = $poo
listen = 9000
`

// generateConfig makes a configuration of a handful of directives.
func generateConfig(r *rand.Rand, i int) configCase {
	pools := strings.Split(strings.TrimSpace(poolLines), "\n")
	globals := strings.Split(strings.TrimSpace(globalLines), "\n")
	values := []string{"", "1", "0", "-1", "yes", "no", "10s", "1m", "static", "dynamic", "ondemand", "9000", "/tmp", "DIR", "x", "$pool",
		"$prefix/x", "E_ALL", "\"a b\"", "'c'", "${N}", "${YES}", "${NONE}", "notice", "unlimited", "/status", "%R %s", "128", "5 | 2"}
	var b strings.Builder
	b.WriteString(head)
	line := func(from []string, names []string) {
		text := fmt.Sprintf("%s = %s", names[r.Intn(len(names))], values[r.Intn(len(values))])
		if r.Intn(2) == 0 {
			text = strings.ReplaceAll(from[r.Intn(len(from))], " ; ", "\n")
		}
		// Nothing that names a file is damaged: php-fpm would make it.
		if r.Intn(3) == 0 && !strings.Contains(text, "log") && !strings.Contains(text, "include") {
			bytes := []string{"=", "[", "]", "\"", "'", "$", "${", "}", "\\", ";", "#", "(", "|", "!", "\r", "\t", "\x00", "\xff", " ", "0"}
			i := r.Intn(len(text) + 1)
			text = text[:i] + bytes[r.Intn(len(bytes))] + text[i:]
		}
		b.WriteString(text + "\n")
	}
	var globalNames, poolNames []string
	for _, d := range Directives() {
		switch name := strings.Replace(d.Name, "[]", "[k"+fmt.Sprint(r.Intn(3))+"]", 1); d.Section {
		case "global":
			globalNames = append(globalNames, name)
		default:
			poolNames = append(poolNames, name)
		}
	}
	if r.Intn(3) == 0 {
		line(globals, globalNames)
	}
	b.WriteString(base)
	for n := r.Intn(4); n >= 0; n-- {
		line(pools, poolNames)
	}
	if r.Intn(3) == 0 {
		b.WriteString(strings.Replace(base, "www]", "b]", 1) + "listen = 9002\n")
		line(pools, poolNames)
	}
	return configCase{name: fmt.Sprintf("generated %d", i), files: []string{b.String()}}
}

// debianConfig is Debian's php-fpm.conf with its pools' files included, its log
// apart.
func debianConfig() string {
	text, err := os.ReadFile(Debian(serve.Stock().Version).Config)
	if err != nil {
		return ""
	}
	return strings.Replace(string(text), "/var/log/", "DIR/", 1)
}
