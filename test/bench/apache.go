package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/phpsapi/phpsapi/test/serve"
)

// An httpd is Apache's, with PHP in it.
type httpd struct {
	name string
	mpm  string
	load string // the lines of its configuration that load PHP
	// limit is what it may take of mod_php's CPU time; 0: it is not compared.
	limit float64
	fcgi  bool // PHP is php-fpm's
}

// apacheModule is what make apache makes.
const apacheModule = "build/apache/mod_phpsapi.so"

// httpds are what is compared, mod_php first.
func httpds(o Options) ([]httpd, error) {
	module, err := filepath.Abs(apacheModule)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(module); err != nil {
		return nil, fmt.Errorf("%w; make apache makes it", err)
	}
	load := "LoadModule php_module " + module + "\n"
	all := []httpd{
		{name: "mod_php, prefork", mpm: "prefork", load: "LoadModule php_module /usr/lib/apache2/modules/libphp" + o.Stock + ".so\n"},
		{name: "phpsapi, process, prefork", mpm: "prefork", load: load, limit: 1},
	}
	if o.Engine != "" {
		all = append(all, httpd{name: "phpsapi, process, prefork, " + filepath.Base(filepath.Dir(o.Engine)) + " of its own", mpm: "prefork",
			load: load + "PHPSAPIEngine " + o.Engine + "\n", limit: 0.92})
	}
	return append(all,
		httpd{name: "phpsapi, pool, event", mpm: "event", load: load + "PHPSAPIMode pool\nPHPSAPIProgram " + o.Binary + "\n" + poolSettings, limit: 1.15},
		httpd{name: "php-fpm by mod_proxy_fcgi, event", mpm: "event", fcgi: true},
	), nil
}

// mpmSettings are those of Debian, but that prefork has a process for each of wrk's connections from the start.
var mpmSettings = map[string]string{
	"prefork": fmt.Sprintf("StartServers %d\nMinSpareServers 5\nMaxSpareServers %[1]d\nMaxRequestWorkers 150\nMaxConnectionsPerChild 0\n", workers),
	"event":   "StartServers 2\nMinSpareThreads 25\nMaxSpareThreads 75\nThreadLimit 64\nThreadsPerChild 25\nMaxRequestWorkers 150\nMaxConnectionsPerChild 0\n",
}

// poolSettings have the pool keep as many idle workers as prefork keeps idle processes.
var poolSettings = fmt.Sprintf("PHPSAPIPool pm dynamic\nPHPSAPIPool pm.start_servers %d\nPHPSAPIPool pm.min_spare_servers 5\nPHPSAPIPool pm.max_spare_servers %[1]d\n", workers)

// conf is its configuration, for the files of a directory.
func (h *httpd) conf(dir, address, root, more string) string {
	var c strings.Builder
	modules := "mpm_" + h.mpm + " authz_core mime dir alias env setenvif deflate filter negotiation reqtimeout"
	if h.fcgi {
		modules += " proxy proxy_fcgi"
	}
	for _, name := range strings.Fields(modules) {
		fmt.Fprintf(&c, "LoadModule %s_module /usr/lib/apache2/modules/mod_%[1]s.so\n", name)
	}
	if os.Geteuid() == 0 {
		c.WriteString("User www-data\nGroup www-data\n")
	}
	c.WriteString(strings.NewReplacer("DIR", dir, "ADDRESS", address, "ROOT", root).Replace(`ServerRoot DIR
ServerName localhost
Listen ADDRESS
PidFile DIR/httpd.pid
DefaultRuntimeDir DIR
Mutex file:DIR
ErrorLog DIR/error.log
LogFormat "%h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\"" combined
CustomLog DIR/access.log combined
TypesConfig /etc/mime.types
Timeout 300
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 5
DocumentRoot ROOT
DirectoryIndex index.php index.html
<Directory />
AllowOverride None
Require all denied
</Directory>
<Directory ROOT>
Options FollowSymLinks
Require all granted
</Directory>
`))
	c.WriteString(mpmSettings[h.mpm] + h.load)
	handler := "application/x-httpd-php"
	if h.fcgi {
		handler = "proxy:unix:" + serve.Socket(dir) + "|fcgi://localhost"
	}
	fmt.Fprintf(&c, "<FilesMatch \"\\.ph(ar|p|tml)$\">\nSetHandler %q\n</FilesMatch>\n%s", handler, more)
	return c.String()
}

// start starts it, to serve root. more is what its configuration has in addition.
func (h *httpd) start(o Options, root, more string) (s *Stack, err error) {
	s = &Stack{Name: h.name, limit: h.limit, against: -1, direct: true}
	if h.limit != 0 {
		s.against = 0
	}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	if s.dir, err = os.MkdirTemp("", "phpsapi-bench-"); err != nil {
		return nil, err
	}
	if s.address, err = serve.FreeAddress(); err != nil {
		return nil, err
	}
	conf := filepath.Join(s.dir, "httpd.conf")
	if err := errors.Join(os.Chmod(s.dir, 0o755), os.WriteFile(conf, []byte(h.conf(s.dir, s.address, root, more)), 0o644)); err != nil {
		return nil, err
	}
	if h.fcgi {
		if err := s.startStockFPM(o); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command("/usr/sbin/apache2", "-D", "FOREGROUND", "-f", conf)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // httpd ends its whole group
	server, err := serve.Start(h.name, cmd, serve.Accepts("tcp", s.address), func() string {
		text, _ := os.ReadFile(filepath.Join(s.dir, "error.log"))
		return string(text)
	})
	if err == nil {
		s.running = append(s.running, server)
	}
	return s, err
}

// startStockFPM starts php-fpm on the stack's socket.
func (s *Stack) startStockFPM(o Options) error {
	conf := filepath.Join(s.dir, "php-fpm.conf")
	if err := os.WriteFile(conf, []byte(serve.FPMConf(s.dir, "", fmt.Sprintf("pm = static\npm.max_children = %d", workers))), 0o644); err != nil {
		return err
	}
	fpm, err := serve.Start("php-fpm", exec.Command("/usr/sbin/php-fpm"+o.Stock, "-F", "-y", conf), serve.Accepts("unix", serve.Socket(s.dir)), func() string {
		text, _ := os.ReadFile(serve.Log(s.dir))
		return string(text)
	})
	if err == nil {
		s.running = append(s.running, fpm)
	}
	return err
}

// apachePages are what is asked for. The file shows what the MPM alone takes.
var apachePages = []page{
	{name: "a file of 14 bytes", path: "/note.txt", has: "a file", seconds: 2, size: 14, everywhere: true},
	{name: "hello world", path: "/hello.php", has: "Hello, world!", seconds: 2},
	{name: "WordPress's front page", path: "/", has: "Hello world!", seconds: 4},
}

// apacheSuite measures PHP in Apache's httpd: mod_php, phpsapi in httpd's processes, and in a pool.
func apacheSuite(o Options) (string, error) {
	servers, err := httpds(o)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "phpsapi-bench-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	asked := chosenPages(o, apachePages)
	root, stop, err := documents(dir, asked)
	defer stop()
	if err != nil {
		return "", err
	}
	head := fmt.Sprintf("wrk with %d connections that are kept; %d rounds, the servers in turn; an access log in each; load average before %s", connections, apacheRounds(o), loadAverage())
	figures, err := measureHTTPDs(o, servers, root, asked)
	if err != nil {
		return "", err
	}
	memory, err := idleChildren(o, servers, root)
	return head + ", after " + loadAverage() + "\n\n" + figures + "\n" + memory, err
}

func apacheRounds(o Options) int {
	if o.Quick {
		return 3
	}
	return max(o.Runs/11, 9)
}

func measureHTTPDs(o Options, servers []httpd, root string, asked []page) (string, error) {
	var all []*Stack
	for i := range servers {
		s, err := servers[i].start(o, root, "")
		if err != nil {
			return "", err
		}
		defer s.stop()
		if all = append(all, s); i == 0 && haveWordPress(asked) {
			if err := s.install(); err != nil {
				return "", err
			}
		}
	}
	if err := same(all, asked); err != nil {
		return "", err
	}
	figures, limits, err := measureStacks(all, asked, apacheRounds(o))
	return figures + "\n" + limits, err
}
