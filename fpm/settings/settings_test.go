package settings

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/machine"
	"github.com/phpsapi/phpsapi/test/files"
)

var update = flag.Bool("update", false, "write docs/SETTINGS.md")

func TestDocumentIsCurrent(t *testing.T) {
	const file = "../../docs/SETTINGS.md"
	var made bytes.Buffer
	Document(&made)
	if *update {
		if err := os.WriteFile(file, made.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if is, _ := os.ReadFile(file); !bytes.Equal(is, made.Bytes()) {
		t.Errorf("%s is not what the tables say: go test ./fpm/settings -run Document -update", file)
	}
}

// write makes a phpsapi.yaml.
func write(t *testing.T, text string) string {
	return files.Write(t, filepath.Join(t.TempDir(), "phpsapi.yaml"), text)
}

func (s *Settings) value(key string) Value {
	return s.Values[slices.IndexFunc(s.Values, func(v Value) bool { return v.Row.Key == key })]
}

func TestLayers(t *testing.T) {
	file := write(t, "http:\n  root: .\n  listen: [\":81\"]\n  index: a.php, b.php\n  limits: {queue: 3, body_size: 1M, idle_timeout: 5}\n"+
		"http.access_format: json\n")
	t.Setenv("PHPSAPI_HTTP_LISTEN", ":82,[::1]:82")
	t.Setenv("PHPSAPI_HTTP_LIMITS_QUEUE", "4")
	t.Setenv("PHPSAPI_HTTP_INDEX", "")
	s, err := Source{File: file, Flags: map[string][]string{"http.listen": {"127.0.0.1:83,unix:/run/x", ":84"}}}.Load()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"127.0.0.1:83", "/run/x", "84"}; !slices.Equal(s.Listen, want) {
		t.Errorf("listen %q, want %q", s.Listen, want)
	}
	if l := s.Limits; l.Queue != 4 || s.BodyBytes != 1<<20 || l.IdleTimeout != 5*time.Second || l.HeaderTimeout != 10*time.Second {
		t.Errorf("limits %+v", l)
	}
	want := []contract.Site{{Root: filepath.Dir(file), Index: []string{"a.php", "b.php"}, Deny: defaultDeny(), Htaccess: true}}
	if !reflect.DeepEqual(s.Sites, want) {
		t.Errorf("sites %+v, want %+v", s.Sites, want)
	}
	for key, origin := range map[string]string{
		"http.listen": "--http", "http.limits.queue": "PHPSAPI_HTTP_LIMITS_QUEUE", "http.index": file + ":4", "http.access_format": file + ":6",
		"http.limits.connections": "",
	} {
		if got := s.value(key); got.Origin != origin {
			t.Errorf("%s comes from %q, want %q", key, got.Origin, origin)
		}
	}
	os.Unsetenv("PHPSAPI_HTTP_LISTEN")
	if s, err = (Source{Beside: filepath.Join(filepath.Dir(file), "php-fpm.conf")}).Load(); err != nil || !slices.Equal(s.Listen, []string{"81"}) {
		t.Errorf("beside php-fpm.conf: %+v, %v", s, err)
	}
}

func TestDefaults(t *testing.T) {
	s, err := Source{}.Load()
	if err != nil || s.Front() || s.Given() || len(s.Sites) != 0 {
		t.Fatalf("%+v, %v", s, err)
	}
	for _, r := range Table() {
		if _, err := items(&r, r.Default, "/"); err != nil {
			t.Errorf("%s: %v", r.Key, err)
		}
	}
}

// The list that FRONT.md shows is the list.
func TestDefaultDenyIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/FRONT.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "`default` is:\n\n")
	shown, _, _ := strings.Cut(rest, "\n\n")
	if got, want := strings.Fields(shown), defaultDeny(); !slices.Equal(got, want) {
		t.Errorf("docs/FRONT.md has\n%v\nthe code\n%v", got, want)
	}
	for _, entry := range defaultDeny() {
		if err := denial(entry); err != nil {
			t.Error(err)
		}
	}
	if got := denials([]string{"a", "none", "b"}); !slices.Equal(got, []string{"b"}) {
		t.Errorf("got %v", got)
	}
}

// Without a word about it a body may be as long as PHP takes it, and never without an end: an anonymous one filled the disk.
func TestBodiesAreBoundedByDefault(t *testing.T) {
	auto, set := &Settings{BodyBytes: -1}, &Settings{BodyBytes: 5}
	for text, want := range map[string]int64{"": 64 << 20, "8M": 64 << 20, "100m": 100 << 20, " 1G ": 1 << 30, "200000000": 200000000,
		"0": 0, "-1": 64 << 20, "x": 64 << 20} {
		if got := auto.BodyLimit(text); got != want {
			t.Errorf("post_max_size = %s: got %d, want %d", text, got, want)
		}
		if got := set.BodyLimit(text); got != 5 {
			t.Errorf("http.limits.body_size = 5: got %d", got)
		}
	}
}

func TestSites(t *testing.T) {
	file := write(t, `
http: {listen: 80, root: /, index: [index.php], sendfile: /srv/files}
sites:
  - {hosts: [Example.org, "*.example.org"], path: /blog/, root: ., pool: blog, index: [], controller: none}
  - root: /tmp
    extensions: [.php, .php5]
    internal: {/private: private, /x/y/: /srv/y}
`)
	s, err := Source{File: file}.Load()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(file)
	want := []contract.Site{
		{Hosts: []string{"example.org", "*.example.org"}, Path: "/blog", Root: dir, Pool: "blog", Controller: "none", Sendfile: []string{"/srv/files"}},
		{Root: "/tmp", Extensions: []string{".php", ".php5"}, Index: []string{"index.php"}, Sendfile: []string{"/srv/files"},
			Internal: []contract.InternalPath{{Path: "/private", Directory: dir + "/private"}, {Path: "/x/y", Directory: "/srv/y"}}},
		{Root: "/", Index: []string{"index.php"}, Sendfile: []string{"/srv/files"}},
	}
	for i := range want {
		want[i].Deny, want[i].Htaccess = defaultDeny(), true
	}
	if !reflect.DeepEqual(s.Sites, want) {
		t.Errorf("got  %+v\nwant %+v", s.Sites, want)
	}
}

func TestWrongSettings(t *testing.T) {
	for text, want := range map[string]string{
		"http: {listn: 80}":         ":1: unknown setting http.listn; did you mean http.listen?",
		"htp: 1":                    ":1: unknown setting htp; did you mean http?",
		"htpp: {root: /}":           ":1: unknown setting htpp; did you mean http?",
		"http: {limts: {queue: 1}}": ":1: unknown setting http.limts; did you mean http.limits?",
		"http:\n\troot: /":          ":2: a tab indents this line: indent with spaces",
		"http: {tls: {key: a}}":     ":1: http.tls.key: 0 certificates and 1 keys: every certificate needs its key (http.tls.key)",
		"http: {listen: 80, root: /, access_log: /nosuch/a.log}":                              ":1: http.access_log: /nosuch/a.log cannot be made: stat /nosuch: no such file or directory; make the directory",
		"http: {listen: 80, root: /, access_log: /tmp}":                                       ":1: http.access_log: /tmp is a directory: name a file in it",
		"http: {listen: ':80', root: /, tls: {certificate: a, key: b, listen: '0.0.0.0:80'}}": ":1: http.tls.listen: 0.0.0.0:80 is an address of http.listen already: remove one of the two",
		"http: {listen: ['unix:/run/x', '/run/x'], root: /}":                                  ":1: http.listen: /run/x is an address of http.listen already: remove one of the two",
		"\nhttp:\n  limits:\n    queue: many":                                                 `:4: http.limits.queue: "many" is not a number of 0 or more`,
		"http.limits.queue: ''":                                                               `:1: http.limits.queue: "" is not a number of 0 or more`,
		"http: {limits: {body_size: 5X}}":                                                     `:1: http.limits.body_size: "5X" is not a size: write a number of bytes, a number with K, M or G, or 0 for no limit`,
		"http: {limits: {idle_timeout: -1}}":                                                  `:1: http.limits.idle_timeout: "-1" is not a time: write 30s, 1m30s, 500ms, a number of seconds, or 0 for no limit`,
		"http: {limits: {header_size: auto}}":                                                 `:1: http.limits.header_size: "auto" is not a size: write a number of bytes, a number with K, M or G, or 0 for no limit`,
		"shutdown_delay: soon":                                                                `:1: shutdown_delay: "soon" is not a time: write 30s, 1m30s, 500ms, a number of seconds, or 0 for no delay`,
		"http: {limits: {spool_size: 5X}}":                                                    `:1: http.limits.spool_size: "5X" is not a size: write a number of bytes, a number with K, M or G, or 0 for nothing in files`,
		"http: {compress_min: 5X}":                                                            `:1: http.compress_min: "5X" is not a size: write a number of bytes, a number with K, M or G, or 0 for responses of any length`,
		"http: {deny: ['/a/*/b']}":                                                            `:1: http.deny: "/a/*/b" is neither a name (composer.lock, *.sql) nor a place below the root (/data/, /data/x.txt, /vendor/*.json), with or without ! before it, nor default nor none`,
		"http: {deny: defualt}":                                                               `:1: http.deny: "defualt" is neither a pattern nor one of the words default and none: write *defualt for names that end so, /defualt/ for a directory, /defualt for a file below the root; did you mean default?`,
		"http: {deny: [default, '!nome']}":                                                    `:1: http.deny: "!nome" is neither a pattern nor one of the words default and none: write *nome for names that end so, /nome/ for a directory, /nome for a file below the root; did you mean none?`,
		"sites: [{root: /, deny: [Default]}]":                                                 `:1: sites: deny: "Default" is neither a pattern nor one of the words default and none: write *Default for names that end so, /Default/ for a directory, /Default for a file below the root; did you mean default?`,
		"http: {access_log: 'off'}":                                                           `:1: http.access_log: "off" is not stdout, stderr or a path; leave it empty for no log, or write ./off for a file of that name`,
		"http: {access_format: common}":                                                       `:1: http.access_format: "common" is not one of combined, json`,
		"http: {precompressed: [br, gz]}":                                                     `:1: http.precompressed: "gz" is not one of br, zstd, gzip`,
		"sites: [{root: /, precompressed: deflate}]":                                          `:1: sites: precompressed: "deflate" is not one of br, zstd, gzip`,
		"http: {listen: localhost}":                                                           `:1: http.listen: "localhost" is not an address: write :8080, 127.0.0.1:8080, [::1]:8080 or unix:/path, with a port from 1 to 65535`,
		"http: {listen: ['::1:80']}":                                                          `:1: http.listen: "::1:80" is not an address: write an IPv6 address in brackets, [::1]:8080`,
		"http: {listen: 'unix:x'}":                                                            `:1: http.listen: "unix:x": the path of a unix socket must be absolute`,
		"http: {trusted_proxies: [10.0.0]}":                                                   `:1: http.trusted_proxies: "10.0.0" is not an address, a network such as 10.0.0.0/8, or the word unix`,
		"php: {pcntl: yes}":                                                                   `:1: php.pcntl: "yes" is not one of on, off`,
		"http: {user: [a, b]}":                                                                ":1: http.user: is a list or a map: write one value",
		"http: {listen: 80}":                                                                  ":1: http.listen: nothing is served there: say --root DIR, PHPSAPI_HTTP_ROOT, or http.root or sites in phpsapi.yaml",
		"http: {listen: 80, root: /nosuch}":                                                   ":1: http.root: stat /nosuch: no such file or directory",
		"http: {tls: {listen: 443}, root: /}":                                                 ":1: http.tls.listen: there is no certificate: say http.tls.certificate and http.tls.key",
		"http: {tls: {certificate: a}}":                                                       ":1: http.tls.certificate: 1 certificates and 0 keys: every certificate needs its key (http.tls.key)",
		"http: {root: /, root: /tmp}":                                                         ":1: http.root is in line 1, too; remove one",
		"- 1":                                                                                 ":1: write keys and values",
		"http: 5":                                                                             ":1: write keys and values below http",
		// Nobody read it.
		"http: {root: /}\n---\nhttp: {root: /nosuch}": ":2: a second document begins here, and there may be one: remove the ---",
		"a: [":                                ": line 1: did not find expected node content",
		"http: {listen: ['[::1:80']}":         `:1: http.listen: "[::1:80" is not an address: write an IPv6 address in brackets, [::1]:8080`,
		"http: {listen: ['[x]:80']}":          `:1: http.listen: "[x]:80" is not an address: write an IPv6 address in brackets, [::1]:8080`,
		"sites: [{root: /, hosts: ['a:80']}]": `:1: sites: hosts: "a:80" is not a host: write example.org or *.example.org, without a port; a site without hosts answers for all`,
		"sites: [{root: /, hosts: [a, '*']}]": `:1: sites: hosts: "*" is not a host: write example.org or *.example.org, without a port; a site without hosts answers for all`,
		"http: {listen: 80}\nsites:\n- {root: /}\n- {root: /, path: /a, hosts: [a]}":                        ":4: sites: this site never answers: the one in line 3 comes first and takes all its requests; move this one before it",
		"http: {listen: 80}\nsites:\n- {root: /, hosts: ['*.a', b]}\n- {root: /, hosts: [x.a, '*.x.a', B]}": ":4: sites: this site never answers: the one in line 3 comes first and takes all its requests; move this one before it",
		"http: {extensions: [.php, php]}":                        `:1: http.extensions: "php" is not a file extension such as .php`,
		"http: {index: /index.php}":                              `:1: http.index: "/index.php" is not a file below the directory: write index.php or app/index.php`,
		"sites: [{root: /, controller: ../x.php}]":               `:1: sites: controller: "../x.php" is not a file below the directory: write index.php or app/index.php`,
		"http: {listen: unix:/" + strings.Repeat("x", 107) + "}": `:1: http.listen: "unix:/` + strings.Repeat("x", 107) + `": the path of a unix socket may have 107 bytes, this one has 108`,
		"sites: {}":                                ":1: sites: write a list of sites, each with a root",
		"sites: [{hosts: a}]":                      ":1: sites: this site has no root: add root: DIRECTORY",
		"sites: [{root: /, rot: /}]":               ":1: sites: unknown key rot; did you mean root?",
		"sites: [{root: /, path: x}]":              `:1: sites: path: "x" is not a path such as /blog`,
		"sites: [{root: /, internal: {/: x}}]":     `:1: sites: internal: "/" is every path: write one such as /private`,
		"http: {listen: 80}\nsites: [{root: /no}]": ":2: sites: root: stat /no: no such file or directory",
	} {
		file := write(t, text)
		_, err := Source{File: file}.Load()
		if err == nil {
			t.Errorf("%s: no error", text)
		} else if got := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "--settings: "), file); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
	if _, err := (Source{File: "/nosuch.yaml"}).Load(); err == nil || err.Error() != "--settings: open /nosuch.yaml: no such file or directory" {
		t.Errorf("got %v", err)
	}
}

// A pipe beside php-fpm.conf was waited for, a link to /dev/zero filled the memory, and megabytes took minutes.
func TestWhatIsNoSettingsFileIsRefused(t *testing.T) {
	for what, c := range map[string]struct {
		put  func(name string) error
		want string
	}{
		"a pipe":    {func(name string) error { return unix.Mkfifo(name, 0o600) }, " is not a file: put one there, or remove it"},
		"/dev/zero": {func(name string) error { return os.Symlink("/dev/zero", name) }, " is not a file: put one there, or remove it"},
		"directory": {func(name string) error { return os.Mkdir(name, 0o700) }, " is not a file: put one there, or remove it"},
		"megabytes": {func(name string) error { return os.WriteFile(name, make([]byte, 1<<20+1), 0o600) }, " is longer than 1 MB: phpsapi's settings are a few lines"},
		"/dev/null": {func(name string) error { return os.Symlink("/dev/null", name) }, ""},
	} {
		t.Run(what, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "phpsapi.yaml")
			if err := c.put(name); err != nil {
				t.Fatal(err)
			}
			_, err := Source{Beside: filepath.Join(filepath.Dir(name), "php-fpm.conf")}.Load()
			if got := fmt.Sprint(err); c.want == "" && err != nil || c.want != "" && got != name+c.want {
				t.Errorf("got %s, want %s", got, name+c.want)
			}
		})
	}
}

func TestMisspelledVariables(t *testing.T) {
	for variable, want := range map[string]string{
		"PHPSAPI_HTTP_LISTN=1":          "PHPSAPI_HTTP_LISTN: unknown setting; did you mean PHPSAPI_HTTP_LISTEN?",
		"PHPSAPI_SETTING=x":             "PHPSAPI_SETTING: unknown setting; did you mean PHPSAPI_SETTINGS?",
		"PHPSAPI_HTTP_LIMITS_QUEUES=":   "PHPSAPI_HTTP_LIMITS_QUEUES: unknown setting; did you mean PHPSAPI_HTTP_LIMITS_QUEUE?",
		"PHPSAPI_ENGINEE=/x":            "PHPSAPI_ENGINEE: unknown setting; did you mean PHPSAPI_ENGINE?",
		"PHPSAPI_HTTP_ROOT=/":           "",
		"PHPSAPI_HTTP_PORT=tcp://a:1":   "",
		"PHPSAPI_SERVICE_HOST=10.0.0.1": "",
		"PHPSAPI_ENGINE=x":              "",
		"PHPSAPI_POOL_WWW_PM=static":    "",
	} {
		got := ""
		if err := misspelled(Table(), []string{"HOME=/", variable}); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", variable, got, want)
		}
	}
}

func TestOverrides(t *testing.T) {
	pools := []string{"www", "example.org", "a-b", "a_b"}
	for text, want := range map[string]conf.Setting{
		"www.pm.max_children=50":          {Pool: "www", Name: "pm.max_children", Value: "50", From: "--set www.pm.max_children"},
		"www.pm=static":                   {Pool: "www", Name: "pm", Value: "static", From: "--set www.pm"},
		"example.org.listen.mode=0600":    {Pool: "example.org", Name: "listen.mode", Value: "0600", From: "--set example.org.listen.mode"},
		"example.org.env[a.b=c]=x=y":      {Pool: "example.org", Name: "env[a.b=c]", Value: "x=y", From: "--set example.org.env[a.b=c]"},
		"www.access.suppress_path[]=/x":   {Pool: "www", Name: "access.suppress_path[]", Value: "/x", From: "--set www.access.suppress_path[]"},
		"global.log_level=":               {Name: "log_level", From: "--set global.log_level"},
		"PHPSAPI_POOL_WWW_PM=ondemand":    {Pool: "www", Name: "pm", Value: "ondemand", From: "PHPSAPI_POOL_WWW_PM"},
		"PHPSAPI_GLOBAL_PROCESS_MAX=5":    {Name: "process.max", Value: "5", From: "PHPSAPI_GLOBAL_PROCESS_MAX"},
		"PHPSAPI_POOL_WWW_ENV_Db_HOST=a=": {Pool: "www", Name: "env[Db_HOST]", Value: "a=", From: "PHPSAPI_POOL_WWW_ENV_Db_HOST"},
		"PHPSAPI_POOL_EXAMPLE_ORG_PHP_ADMIN_VALUE_OPCACHE__ENABLE=0": {Pool: "example.org", Name: "php_admin_value[opcache.enable]", Value: "0",
			From: "PHPSAPI_POOL_EXAMPLE_ORG_PHP_ADMIN_VALUE_OPCACHE__ENABLE"},
		"PHPSAPI_POOL_WWW_PHP_FLAG_display_errors=on": {Pool: "www", Name: "php_flag[display_errors]", Value: "on", From: "PHPSAPI_POOL_WWW_PHP_FLAG_display_errors"},
		"PHPSAPI_POOL_WWW_ACCESS_SUPPRESS_PATH=/x":    {Pool: "www", Name: "access.suppress_path[]", Value: "/x", From: "PHPSAPI_POOL_WWW_ACCESS_SUPPRESS_PATH"},
	} {
		got, err := overrides(text).Resolve(pools)
		if err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%s\ngot  %+v, %v\nwant %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"www.pm.max_childrn=5":              "--set www.pm.max_childrn=5: a pool has no directive pm.max_childrn; did you mean pm.max_children?",
		"example.org.nosuch=5":              "--set example.org.nosuch=5: a pool has no directive nosuch",
		"www.worker.env.LOOPS=5":            "--set www.worker.env.LOOPS=5: write it in phpsapi.yaml, or set the pool's env[NAME]",
		"ww.pm=static":                      "--set ww.pm=static: there is no pool ww; did you mean www?",
		"global.loglevel=x":                 "--set global.loglevel=x: [global] has no directive loglevel; did you mean log_level?",
		"www.pm":                            "--set www.pm: write POOL.DIRECTIVE=VALUE or global.DIRECTIVE=VALUE",
		"pm=1":                              "--set pm=1: write POOL.DIRECTIVE=VALUE or global.DIRECTIVE=VALUE",
		"PHPSAPI_POOL_BLOG_PM=x":            "PHPSAPI_POOL_BLOG_PM: the configuration has no such pool; its pools are PHPSAPI_POOL_WWW_..., PHPSAPI_POOL_EXAMPLE_ORG_..., PHPSAPI_POOL_A_B_..., PHPSAPI_POOL_A_B_...",
		"PHPSAPI_POOL_WWW_PM_MAX_CHILDRN=1": "PHPSAPI_POOL_WWW_PM_MAX_CHILDRN: a pool has no directive PM_MAX_CHILDRN; did you mean PM_MAX_CHILDREN?",
		"PHPSAPI_POOL_A_B_PM=x":             "PHPSAPI_POOL_A_B_PM: the pools a-b and a_b have the same spelling in variables: use --set",
		"PHPSAPI_GLOBAL_X=1":                "PHPSAPI_GLOBAL_X: [global] has no directive X",
	} {
		if _, err := overrides(text).Resolve(pools); err == nil || err.Error() != want {
			t.Errorf("%s\ngot  %v\nwant %s", text, err, want)
		}
	}
}

// The workers of one pool must not find the password of another in their environment.
func TestEnvironmentOfWorkersHasNoDirectives(t *testing.T) {
	o := Overrides{Environ: []string{"PATH=/bin", "PHPSAPI_POOL_SHOP_ENV_DB=secret", "PHPSAPI_GLOBAL_LOG_LEVEL=debug", "PHPSAPI_ENGINE=x"}}
	if got := strings.Join(o.Rest(), " "); got != "PATH=/bin PHPSAPI_ENGINE=x" {
		t.Errorf("got %s", got)
	}
}

func overrides(text string) Overrides {
	if strings.HasPrefix(text, "PHPSAPI_") {
		return Overrides{Environ: []string{"HOME=/", text}}
	}
	return Overrides{Sets: []string{text}}
}

func TestEveryDirectiveHasAVariable(t *testing.T) {
	for _, d := range conf.Directives() {
		name := strings.Replace(directiveVariable(d), "KEY", "key", 1)
		s, err := variable(name, []string{"www"})
		if want := strings.Replace(d.Name, "[]", "[key]", 1); err != nil || s.Name != want && s.Name != d.Name || (s.Pool == "") != (d.Section == "global") {
			t.Errorf("%s: got %+v, %v, want %s", name, s, err, want)
		}
	}
}

func TestBuiltInIsAConfiguration(t *testing.T) {
	const gb = 1 << 30
	for _, tt := range []struct {
		machine machine.Limits
		set     string
		want    [4]int // max_children, start, least and most spare
	}{
		{machine.Limits{CPUs: 2, Memory: 8 * gb}, "", [4]int{32, 2, 2, 8}},
		{machine.Limits{CPUs: 0.5, Memory: gb / 4}, "", [4]int{6, 1, 1, 4}},
		{machine.Limits{CPUs: 0.1, Memory: gb}, "", [4]int{4, 1, 1, 4}},
		{machine.Limits{CPUs: 64, Memory: 256 * gb}, "", [4]int{1024, 64, 64, 256}},
		{machine.Limits{CPUs: 4, Memory: gb / 32}, "", [4]int{1, 1, 1, 1}},
		{machine.Limits{CPUs: 4}, "", [4]int{64, 4, 4, 16}},
		{machine.Limits{CPUs: 4, Memory: gb}, "www.pm.max_children=2", [4]int{2, 2, 2, 2}},
	} {
		var o Overrides
		if tt.set != "" {
			o.Sets = []string{tt.set}
		}
		file := filepath.Join(t.TempDir(), "conf")
		os.WriteFile(file, []byte(o.BuiltIn(tt.machine, "root", "root", false)), 0o600)
		system := conf.System{OpenErrorLog: func(*conf.Global) error { return nil }}
		cfg, err := conf.Load(conf.Options{Path: file, Overrides: o.Resolve, System: system})
		if err != nil {
			t.Fatal(err)
		}
		p := cfg.Pools[0]
		if got := [4]int{p.MaxChildren, p.StartServers, p.MinSpareServers, p.MaxSpareServers}; got != tt.want || p.Listen.Value != Nameless {
			t.Errorf("%+v %s: got %v, want %v; listen %s", tt.machine, tt.set, got, tt.want, p.Listen)
		}
		// A script once wrote lines that looked like the master's.
		if !p.CatchWorkersOutput || !p.DecorateWorkersOutput {
			t.Errorf("%+v %s: caught %v, decorated %v", tt.machine, tt.set, p.CatchWorkersOutput, p.DecorateWorkersOutput)
		}
	}
}

// Sites of which the first takes some of what the second is for stand beside each other.
func TestSitesThatOverlap(t *testing.T) {
	for _, sites := range []string{
		"[{root: /, path: /a}, {root: /, path: /ab}, {root: /}]",
		"[{root: /, hosts: [a]}, {root: /, hosts: [a, b]}, {root: /}]",
		"[{root: /, hosts: ['*.a']}, {root: /, hosts: [a]}, {root: /, hosts: [xa]}, {root: /, hosts: ['[::1]']}]",
		"[{root: /, hosts: [a], path: /x}, {root: /, path: /x}, {root: /, hosts: [a]}]",
	} {
		file := filepath.Join(t.TempDir(), "phpsapi.yaml")
		if err := os.WriteFile(file, []byte("http: {listen: 80, root: /}\nsites: "+sites), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (Source{File: file}).Load(); err != nil {
			t.Errorf("%s: %v", sites, err)
		}
	}
}

// A controller that is not there was accepted silently; only one that was set counts, as a site of files alone has
// no index.php.
func TestAMissingControllerIsTold(t *testing.T) {
	root := t.TempDir()
	write := func(controller string) string {
		return write(t, "http: {listen: 80, root: "+root+", controller: "+controller+"}")
	}
	for controller, want := range map[string]int{"nosuch.php": 1, "none": 0, "''": 0} {
		s, err := Source{File: write(controller)}.Load()
		if err != nil {
			t.Fatal(err)
		}
		got := s.Missing()
		if len(got) != want || want > 0 && !strings.HasPrefix(got[0], "the controller "+root+"/nosuch.php is not a file: ") {
			t.Errorf("controller %s: got %q", controller, got)
		}
	}
}

// --help printed the marks of Markdown.
func TestUsageIsPlainText(t *testing.T) {
	var usage strings.Builder
	Usage(&usage)
	if text := usage.String(); strings.ContainsAny(text, "`") || strings.Contains(text, "](") || !strings.Contains(text, "worker mode, see WORKER.md. More") {
		t.Errorf("%s", text)
	}
}
