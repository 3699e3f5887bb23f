package conf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// fake is a machine of files in memory, run as root, with the users www and
// uid 33, and the group www.
func fake(files map[string]string, euid int) System {
	m := fstest.MapFS{}
	for name, text := range files {
		m[strings.TrimPrefix(name, "/")] = &fstest.MapFile{Data: []byte(text)}
	}
	path := func(name string) string { return strings.TrimPrefix(name, "/") }
	users := map[string]User{"www": {Name: "www", Home: "/srv/www", UID: 33, GID: 34}, "root": {Name: "root", Home: "/root"}}
	return System{
		Open: func(name string) (io.ReadCloser, error) {
			f, err := m.Open(path(name))
			if err != nil {
				return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOENT}
			}
			return f, nil
		},
		Stat:  func(name string) (fs.FileInfo, error) { return fs.Stat(m, path(name)) },
		Lstat: func(name string) (fs.FileInfo, error) { return fs.Stat(m, path(name)) },
		ReadDir: func(name string) (names []string, err error) {
			entries, err := fs.ReadDir(m, path(name))
			for _, e := range entries {
				names = append(names, e.Name())
			}
			return names, err
		},
		Getenv:  func(string) (string, bool) { return "", false },
		Getuid:  func() int { return euid },
		Geteuid: func() int { return euid },
		UserByName: func(name string) (User, error) {
			if u, ok := users[name]; ok {
				return u, nil
			}
			return User{}, errors.New("unknown")
		},
		UserByID: func(uid int) (User, error) {
			for _, u := range users {
				if u.UID == uid {
					return u, nil
				}
			}
			return User{}, errors.New("unknown")
		},
		GroupByName: func(name string) (int, error) {
			if name == "www" {
				return 34, nil
			}
			return 0, errors.New("unknown")
		},
		OpenLog: func(path string) error {
			if strings.Contains(path, "/no/") {
				return &fs.PathError{Op: "open", Path: path, Err: syscall.ENOENT}
			}
			return nil
		},
	}
}

// linesLog records messages as php-fpm shows them, without the time.
type linesLog struct{ strings.Builder }

func (l *linesLog) Log(level zlog.Level, msg string) { fmt.Fprintf(l, "%s: %s\n", level, msg) }
func (l *linesLog) LogErr(level zlog.Level, msg string, err error) {
	fmt.Fprintf(l, "%s: %s: %s\n", level, msg, zlog.Strerror(err))
}

const full = `
[global]
pid = run/php-fpm.pid
log_level = warning
process_control_timeout = 10s
include = /etc/pool.d/*.conf
[api]
user = www
listen = 127.0.0.1:9001
pm = dynamic
pm.max_children = 8
pm.min_spare_servers = 2
pm.max_spare_servers = 6
request_terminate_timeout = 1m
security.limit_extensions = .php .phtml
pm.status_listen = /run/status.sock
`

const www = `
[www]
prefix = /srv/$pool
user = www
group = www
listen = $pool.sock
pm = static
pm.max_children = 3
slowlog = slow.log
request_slowlog_timeout = 3
env[A] = 1
env[B] = 2
env[A] = 3
php_flag[display_errors] = on
php_admin_value[error_log] = error.log
access.suppress_path[] = /ping
`

func TestLoad(t *testing.T) {
	var log linesLog
	cfg, err := Load(Options{Log: &log, System: fake(map[string]string{
		"/etc/php/8.2/fpm/php-fpm.conf": full, "/etc/pool.d/www.conf": www, "/srv/www/index.php": "",
	}, 0)})
	if err != nil {
		t.Fatal(err, log.String())
	}
	if log.String() != "" { // the notice about start_servers is below log_level
		t.Errorf("logged %s", log.String())
	}
	g := cfg.Global
	if g.Pid.Value != "/var/run/php-fpm.pid" || g.ErrorLog.Value != "/var/log/php-fpm.log" || g.LogLevel != zlog.Warning ||
		g.ProcessControlTimeout != 10*time.Second || g.SyslogFacility != 24 || g.SystemdInterval != 10*time.Second || !g.Daemonize {
		t.Errorf("global %+v", g)
	}
	if len(cfg.Pools) != 3 || cfg.Heartbeat != time.Second {
		t.Fatalf("%d pools, heartbeat %v", len(cfg.Pools), cfg.Heartbeat)
	}
	p := cfg.Pools[0]
	if p.Name != "www" || p.Domain != Unix || p.Listen.Value != "/srv/www/www.sock" || p.Slowlog.Value != "/srv/www/slow.log" ||
		p.RequestSlowlogTraceDepth != 20 || p.AccessSuppressPaths[0] != "/ping" || p.SocketMode() != 0o660 {
		t.Errorf("www %+v", p)
	}
	if want := []KeyValue{{"A", "3"}, {"B", "2"}, {"A", "1"}}; !reflect.DeepEqual(p.Env, want) {
		t.Errorf("env %v, want %v", p.Env, want)
	}
	if want := []KeyValue{{"error_log", "/srv/www/error.log"}}; !reflect.DeepEqual(p.PHPAdminValues, want) {
		t.Errorf("php_admin_value %v, want %v", p.PHPAdminValues, want)
	}
	if want := []KeyValue{{"display_errors", "1"}}; !reflect.DeepEqual(p.PHPValues, want) {
		t.Errorf("php_value %v, want %v", p.PHPValues, want)
	}
	p = cfg.Pools[1]
	if p.Name != "api" || p.Domain != Inet || p.StartServers != 4 || p.StatusPath.Value != "/" ||
		!reflect.DeepEqual(p.LimitExtensions, []string{".php", ".phtml"}) {
		t.Errorf("api %+v", p)
	}
	s := cfg.Pools[2]
	if s.Name != "api_status" || s.Shared != p || s.PM != Ondemand || s.MaxChildren != 2 || s.Listen.Value != "/run/status.sock" || s.User.Value != "www" {
		t.Errorf("status pool %+v", s)
	}
	if at, ok := cfg.Pools[0].Place("slowlog"); !ok || at != (Place{"/etc/pool.d/www.conf", 9}) {
		t.Errorf("slowlog is at %v", at)
	}
	if want := []string{"/etc/php/8.2/fpm/php-fpm.conf", "/etc/pool.d/www.conf"}; !reflect.DeepEqual(cfg.Files, want) {
		t.Errorf("files %v", cfg.Files)
	}
}

func TestErrors(t *testing.T) {
	const pool = "[www]\nuser = www\nlisten = 9000\npm = static\npm.max_children = 1\n"
	tests := []struct{ name, text, want, log string }{
		{"unknown entry", pool + "x = 1\n", "/f:6: pool www: x: unknown entry 'x'", "[/f:6] unknown entry 'x'"},
		{"the true line after an include", "include = /five\nx = 1\n", "/f:2: x: unknown entry 'x'", "[/f:7] unknown entry 'x'"},
		{"in an included file", "\ninclude = /bad\n", "/bad:2: pool a: y: unknown entry 'y'", "[/bad:2] unknown entry 'y'"},
		{"syntax", "\n[www\n", "/f:2: syntax error, unexpected end of file, expecting ']'", "failed to load configuration file '/f'"},
		{"value", pool + "\npm.max_requests = x\n", "/f:7: pool www: pm.max_requests: unable to parse value for entry 'pm.max_requests': is not a valid number (greater or equal than zero)", ""},
		{"check of a directive", pool + "chdir = /nosuch\n", "/f:6: pool www: chdir: the chdir path '/nosuch' does not exist or is not a directory", "[pool www] the chdir path"},
		{"check of a missing directive", "\n[www]\n", "/f:2: pool www: user: user has not been defined", "ALERT: [pool www] user has not been defined"},
		{"check of global", "log_limit = 5\n" + pool, "/f:1: log_limit: log_limit must be greater than 512", ""},
		{"system error", pool + "access.log = /no/log\n", "/f:6: pool www: access.log: failed to open access log (/no/log): open /no/log: no such file or directory", "ERROR: failed to open access log (/no/log): No such file or directory (2)"},
		{"no pool", "\n", "/f: No pool defined. at least one pool section must be specified in config file", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log linesLog
			cfg, err := Load(Options{Path: "/f", Log: &log, Stderr: io.Discard, System: fake(map[string]string{
				"/f": tt.text, "/five": "\n\n\n\n\n", "/bad": "[a]\ny = 1\n",
			}, 0)})
			var e *Error
			if cfg != nil || !errors.As(err, &e) {
				t.Fatalf("got %v, %v", cfg, err)
			}
			if err.Error() != tt.want {
				t.Errorf("error\n got %s\nwant %s", err, tt.want)
			}
			if !strings.Contains(log.String(), tt.log) {
				t.Errorf("log lacks %s\n%s", tt.log, log.String())
			}
		})
	}
	_, err := Load(Options{Path: "/nosuch", System: fake(nil, 0)})
	if !errors.Is(err, syscall.ENOENT) {
		t.Errorf("missing file: %v", err)
	}
}

// TestNoEndInPoolName is about a pool whose name php-fpm would expand for ever.
func TestNoEndInPoolName(t *testing.T) {
	_, err := Load(Options{Path: "/f", System: fake(map[string]string{"/f": "[a$pool]\nuser = $pool\n"}, 0)})
	if err == nil || !strings.Contains(err.Error(), "Can't use '$pool'") {
		t.Errorf("got %v", err)
	}
}

func TestIniDirectiveBeforeEnvironment(t *testing.T) {
	sys := fake(map[string]string{"/f": "[www]\nuser = www\nlisten = 9000\npm = static\npm.max_children = ${max}\nenv[X] = ${precision}\n"}, 0)
	sys.Getenv = func(name string) (string, bool) { return "7", name == "max" || name == "precision" }
	cfg, err := Load(Options{Path: "/f", System: sys, Directive: func(name string) (string, bool) { return "14", name == "precision" }})
	if err != nil {
		t.Fatal(err)
	}
	if p := cfg.Pools[0]; p.MaxChildren != 7 || p.Env[0].Value != "14" {
		t.Errorf("max_children %d, X %s", p.MaxChildren, p.Env[0].Value)
	}
}

func TestSettingsOverruleFiles(t *testing.T) {
	sys := fake(map[string]string{"/f": "log_limit = 600\n" + "[www]\nuser = www\nlisten = 9000\npm = static\npm.max_children = 2\nphp_value[a] = 1\n" +
		"env[E] = 1\nenv[E] = 2\nenv[F] = 3\nphp_admin_value[b] = 1\n"}, 0)
	load := func(settings ...Setting) (*Config, string, error) {
		var log linesLog
		cfg, err := Load(Options{Path: "/f", Log: &log, System: sys,
			Overrides: func([]string) ([]Setting, error) { return settings, nil }})
		return cfg, log.String(), err
	}
	cfg, log, err := load(Setting{"", "log_limit", "700", "--set"}, Setting{"WWW", "PM.max_children", "50", "--set"},
		Setting{"www", "php_value[a]", "${x}", "--set"}, Setting{"www", "env[E]", "4", "X"}, Setting{"www", "env[E]", "5", "--set"},
		Setting{"www", "php_admin_flag[b]", "off", "--set"})
	if err != nil {
		t.Fatal(err, log)
	}
	www := cfg.Pools[0]
	if cfg.Global.LogLimit != 700 || www.MaxChildren != 50 || !slices.Equal(www.PHPValues, []KeyValue{{"a", "${x}"}}) ||
		!slices.Equal(www.PHPAdminValues, []KeyValue{{"b", "0"}}) || !slices.Equal(www.Env, []KeyValue{{"E", "5"}, {"F", "3"}}) {
		t.Errorf("got %+v %+v", cfg.Global, www)
	}
	for _, tt := range []struct {
		s         Setting
		log, want string
	}{
		{Setting{"www", "pm.max_children", "x", "--set www.pm.max_children"},
			"ERROR: [--set www.pm.max_children] unable to parse value for entry 'pm.max_children': is not a valid number (greater or equal than zero)\n",
			"--set www.pm.max_children: pool www: pm.max_children: unable to parse value for entry 'pm.max_children': is not a valid number (greater or equal than zero)"},
		{Setting{"", "nosuch", "x", "PHPSAPI_NOSUCH"}, "ERROR: [PHPSAPI_NOSUCH] unknown entry 'nosuch'\n", "PHPSAPI_NOSUCH: nosuch: unknown entry 'nosuch'"},
		{Setting{"new", "user", "x", "--set new.user"}, "ERROR: [--set new.user] there is no pool 'new'\n", "--set new.user: there is no pool 'new'"},
		{Setting{"www", "include", "/x", "--set"}, "ERROR: [--set] unknown entry 'include'\n", "--set: pool www: include: unknown entry 'include'"},
	} {
		_, log, err := load(tt.s)
		if log != tt.log || err == nil || err.Error() != tt.want {
			t.Errorf("%+v\nlog %serror %v", tt.s, log, err)
		}
	}
}

func TestIdentify(t *testing.T) {
	pool := func(lines string) string {
		return "[www]\nlisten = 9000\npm = static\npm.max_children = 1\n" + lines
	}
	tests := []struct {
		name, text string
		euid       int
		allowRoot  bool
		want       Identity
		log        string
	}{
		{"name", pool("user = www\n"), 0, false, Identity{33, 34, "www", "www", "/srv/www"}, ""},
		{"name and group id", pool("user = www\ngroup = 5\n"), 0, false, Identity{33, 5, "www", "www", "/srv/www"}, ""},
		{"id takes the user's group", pool("user = 33\n"), 0, false, Identity{UID: 33, GID: 34, Groups: "www"}, ""},
		{"unknown id and group", pool("user = 77\ngroup = www\n"), 0, false, Identity{UID: 77, GID: 34, Groups: "77"}, ""},
		{"unknown id alone", pool("user = 77\n"), 0, false, Identity{}, "ERROR: [pool www] please specify user and group other than root\n"},
		{"root", pool("user = root\n"), 0, false, Identity{}, "ERROR: [pool www] please specify user and group other than root\n"},
		{"root allowed", pool("user = root\n"), 0, true, Identity{0, 0, "root", "root", "/root"}, ""},
		{"unknown user", pool("user = nobody\n"), 0, false, Identity{}, "ERROR: [pool www] cannot get uid for user 'nobody'\n"},
		{"unknown group", pool("user = www\ngroup = nogroup\n"), 0, false, Identity{}, "ERROR: [pool www] cannot get gid for group 'nogroup'\n"},
		{"not root", "process.priority = 3\n" + pool("user = x\ngroup = y\nchroot = /etc\nprocess.priority = 5\n"), 33, false, Identity{User: "www", Home: "/srv/www"},
			"NOTICE: 'process.priority' directive is ignored when FPM is not running as root\n" +
				"NOTICE: [pool www] 'user' directive is ignored when FPM is not running as root\n" +
				"NOTICE: [pool www] 'group' directive is ignored when FPM is not running as root\n" +
				"NOTICE: [pool www] 'chroot' directive is ignored when FPM is not running as root\n" +
				"NOTICE: [pool www] 'process.priority' directive is ignored when FPM is not running as root\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log linesLog
			opt := Options{Path: "/etc/f", Log: &log, AllowRoot: tt.allowRoot, System: fake(map[string]string{"/etc/f": tt.text}, tt.euid)}
			cfg, err := Load(opt)
			if err != nil {
				t.Fatal(err)
			}
			log.Reset()
			ids, err := Identify(cfg, opt)
			if log.String() != tt.log {
				t.Errorf("log\n got %s\nwant %s", log.String(), tt.log)
			}
			if failed := strings.Contains(tt.log, "ERROR"); failed != (err != nil) {
				t.Errorf("error %v", err)
			} else if !failed && ids[0] != tt.want {
				t.Errorf("got %+v, want %+v", ids[0], tt.want)
			}
		})
	}
}

func TestPermissions(t *testing.T) {
	for _, tt := range []struct {
		lines string
		want  SocketPermissions
		log   string
	}{
		{"", SocketPermissions{UID: -1, GID: -1, Mode: 0o660}, ""},
		{"listen.owner = www\nlisten.mode = 0600\n", SocketPermissions{UID: 33, GID: 34, Mode: 0o600}, ""},
		{"listen.owner = 5\nlisten.group = www\nlisten.mode = 6\n", SocketPermissions{UID: 5, GID: 34, Mode: 6}, ""},
		{"listen.group = 7\nlisten.mode = x\n", SocketPermissions{UID: -1, GID: 7}, ""},
		{"listen.group = nogroup\n", SocketPermissions{UID: -1, GID: -1, Mode: 0o660}, "ERROR: [pool www] cannot get gid for group 'nogroup': Success (0)\n"},
		{"listen.acl_users = www,root\nlisten.acl_groups = www\nlisten.owner = www\n",
			SocketPermissions{UID: -1, GID: -1, Mode: 0o660, ACLUsers: []int{33, 0}, ACLGroups: []int{34}},
			"WARNING: [pool www] ACL set, listen.owner = 'www' is ignored\n"},
	} {
		var log linesLog
		opt := Options{Path: "/f", Log: &log, System: fake(map[string]string{
			"/f": "[www]\nuser = www\nlisten = /s\npm = static\npm.max_children = 1\n" + tt.lines}, 0)}
		cfg, err := Load(opt)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Permissions(cfg, cfg.Pools[0], opt)
		if !reflect.DeepEqual(got, tt.want) || log.String() != tt.log || (err != nil) != strings.Contains(tt.log, "ERROR") {
			t.Errorf("%q\n got %+v, %v, log %s\nwant %+v, log %s", tt.lines, got, err, log.String(), tt.want, tt.log)
		}
	}
}

func TestAllowedClients(t *testing.T) {
	addr := netip.MustParseAddr
	for _, tt := range []struct {
		list    Text
		want    []netip.Addr
		limited bool
		log     string
	}{
		{Text{}, nil, false, ""},
		{setText("127.0.0.1,::1"), []netip.Addr{addr("127.0.0.1"), addr("::1")}, true, ""},
		{setText("xxx"), nil, true, "ERROR: Wrong IP address 'xxx' in listen.allowed_clients\nERROR: There are no allowed addresses\n"},
		{setText("10.0.0.1, 10.0.0.2"), []netip.Addr{addr("10.0.0.1")}, true, "ERROR: Wrong IP address ' 10.0.0.2' in listen.allowed_clients\n"},
	} {
		var log linesLog
		got, limited := (&Pool{ListenAllowedClients: tt.list}).AllowedClients(&log)
		if !reflect.DeepEqual(got, tt.want) || limited != tt.limited || log.String() != tt.log {
			t.Errorf("%q: got %v, %v, log %s", tt.list, got, limited, log.String())
		}
	}
}

// TestDirectivesAreDocumented holds the table to its promise.
func TestDirectivesAreDocumented(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range Directives() {
		if d.Kind == "" || d.Default == "" || !strings.HasSuffix(d.Doc, ".") {
			t.Errorf("%s %s lacks words: %+v", d.Section, d.Name, d)
		}
		if seen[d.Section+d.Name] {
			t.Errorf("%s %s is there twice", d.Section, d.Name)
		}
		seen[d.Section+d.Name] = true
	}
	if len(seen) != 17+41+6 {
		t.Errorf("%d directives", len(seen))
	}
}

// FuzzConf wants an answer for any file, without a panic and in bounds, and the
// same answer again; and a configuration that was taken is one that works.
func FuzzConf(f *testing.F) {
	f.Add(full)
	f.Add(www)
	f.Add(head + base)
	for _, line := range strings.Split(strings.TrimSpace(poolLines), "\n") {
		f.Add("[p]\nuser = www\nlisten = 9000\npm = static\npm.max_children = 2\n" + strings.ReplaceAll(line, " ; ", "\n"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		run := func() (*Config, string, error) {
			var log linesLog
			var stderr bytes.Buffer
			cfg, err := Load(Options{Path: "/f", Log: &log, Stderr: &stderr, System: fake(map[string]string{
				"/f": text, "/etc/pool.d/www.conf": www, "/srv/www/x": "",
			}, 0)})
			return cfg, log.String() + stderr.String(), err
		}
		cfg, log, err := run()
		if _, again, _ := run(); again != log {
			t.Errorf("logged\n%s\nthen\n%s", log, again)
		}
		if (cfg == nil) == (err == nil) || err != nil && err.Error() == "" {
			t.Fatalf("config %v, error %v", cfg, err)
		}
		if cfg == nil {
			return
		}
		for _, p := range cfg.Pools {
			if !p.User.Set || !p.Listen.Filled() || p.PM < Static || p.PM > Ondemand || p.MaxChildren < 1 ||
				p.PM == Dynamic && (p.StartServers < p.MinSpareServers || p.StartServers > p.MaxSpareServers) ||
				p.Domain == Unix && p.Listen.Value[0] != '/' || p.AccessLog.Filled() && !p.AccessFormat.Set {
				t.Errorf("unusable pool %+v", p)
			}
		}
	})
}

// PHP is asked at most once for what only PHP knows, and not at all for what most configurations have.
func TestPHPIsAskedOnceForConstantsOfExtensions(t *testing.T) {
	for name, c := range map[string]struct {
		lines, want, log string
		err              error
		times            int
	}{
		"none":    {"env[HOSTNAME] = $HOSTNAME\nenv[TZ] = UTC\nenv[A] = \"SO_X\"\nphp_flag[x] = off\n", "SO_X", "", nil, 0},
		"three":   {"env[B] = SO_X\nenv[A] = SO_X | 8 ^ SO_Y\n", "13", "", nil, 1},
		"unknown": {"env[B] = SO_Y\nenv[A] = SO_NONE\n", "SO_NONE", "", nil, 1},
		"failed": {"env[B] = SO_X\nenv[A] = SO_Y\n", "SO_Y", "WARNING: [/f:5] SO_X is taken as text, and so is every other word that may be a constant " +
			"of an extension: it sleeps; put words that are text in quotes\n", errors.New("it sleeps"), 1},
	} {
		var log linesLog
		times := 0
		cfg, err := Load(Options{Path: "/f", Log: &log, System: fake(map[string]string{
			"/f": "[www]\nuser = www\nlisten = /s\npm.max_children = 1\n" + c.lines + "pm = static\n"}, 0),
			Loaded: func() (map[string]string, error) {
				times++
				if c.err != nil {
					return nil, c.err
				}
				return map[string]string{"SO_X": "7", "SO_Y": "2"}, nil
			}})
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, log.String())
		}
		if got := cfg.Pools[0].Env[0]; got.Key != "A" || got.Value != c.want {
			t.Errorf("%s: got %v, want %s", name, got, c.want)
		}
		if times != c.times {
			t.Errorf("%s: PHP was asked %d times, want %d", name, times, c.times)
		}
		if log.String() != c.log {
			t.Errorf("%s: logged %q, want %q", name, log.String(), c.log)
		}
	}
}
