//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	processes "github.com/phpsapi/phpsapi/test/serve"
)

var (
	stockFPM = processes.Stock().FPM
	stockCGI = processes.Stock().CGI
)

// bothFPM runs a test on stock php-fpm, which shows that the test is right, and on phpsapi.
func bothFPM(t *testing.T, test func(t *testing.T, fpm string)) {
	t.Run("stock", func(t *testing.T) { test(t, stockFPM) })
	t.Run("phpsapi", func(t *testing.T) { test(t, filepath.Join(ours, "php-fpm")) })
}

// trouble is what php-fpm and PHP must not log, but for lines with something in them that is wanted. What a script's own
// commands say is not theirs, and one script fails on purpose.
func trouble(log string, wanted []string) string {
	wanted = append([]string{"said into stderr", "undefined function missing()", ": Stack trace:", ": #0 {main}", ":   thrown in "}, wanted...)
	for line := range strings.Lines(log) {
		if troubled.MatchString(line) && !slices.ContainsFunc(wanted, func(part string) bool { return strings.Contains(line, part) }) {
			return line
		}
	}
	return ""
}

var troubled = regexp.MustCompile(`WARNING|ALERT|ERROR|PHP Fatal|PHP Parse|panic|SIGSEGV|make: \*\*\*`)

// extensions has programs load, from now on, what is installed and not enabled for the stock PHP named.
func (p *place) extensions(stock string, names ...string) {
	p.t.Helper()
	lines, err := enable(stock, names...)
	if err != nil {
		p.t.Fatal(err)
	}
	p.write("ini/e2e.ini", lines)
	p.env = append(p.env, "PHP_INI_SCAN_DIR=:"+p.path("ini"))
}

// fpm runs php-fpm with a pool that listens on DIR/fpm.sock, and whatever is in more.
func (p *place) fpm(program, more string) *program {
	p.t.Helper()
	p.fpmConf("php_admin_value[error_log] = DIR/php/php.log\n" + more)
	return p.start("fpm", syscall.SIGTERM, accepts(p.path("fpm.sock")),
		program, "--nodaemonize", "--fpm-config", p.path("php-fpm.conf"))
}

// fpmConf writes DIR/php-fpm.conf, and looks through the logs when the test ends. Of several values that PHP is given for
// one setting the first counts, so more stands before them.
func (p *place) fpmConf(more string) {
	p.t.Helper()
	p.give("tmp")
	p.give("php")
	p.write("php-fpm.conf", `[global]
error_log = DIR/fpm-error.log
[www]
listen = DIR/fpm.sock
`+ifRoot("user = www-data\ngroup = www-data\nlisten.owner = www-data\nlisten.group = www-data\n")+`listen.mode = 0660
pm = dynamic
pm.max_children = 4
pm.start_servers = 2
pm.min_spare_servers = 1
pm.max_spare_servers = 3
pm.status_path = /status
ping.path = /ping
access.log = DIR/fpm-access.log
catch_workers_output = yes
`+more+`
php_admin_flag[log_errors] = on
php_admin_value[sys_temp_dir] = DIR/tmp
php_admin_value[upload_tmp_dir] = DIR/tmp
php_admin_value[session.save_path] = DIR/tmp
php_admin_value[upload_max_filesize] = 32M
php_admin_value[post_max_size] = 32M
php_admin_value[sendmail_path] = /bin/true
`)
	p.t.Cleanup(func() {
		p.write("php.log", p.log("php/php.log"))
		for _, log := range []string{"fpm.log", "phpsapi.log", "fpm-error.log", "php.log"} {
			if line := trouble(p.log(log), p.wanted); line != "" {
				p.t.Errorf("%s: %s", log, line)
			}
		}
	})
}

// nginx serves DIR/www. server is what its server has beside that.
func (p *place) nginx(server string) string {
	p.t.Helper()
	address := processes.Address(p.t)
	// Debian's snippets name each other relative to the directory of the main file.
	for _, name := range []string{"fastcgi.conf", "fastcgi_params"} {
		if err := os.Symlink("/etc/nginx/"+name, p.path(name)); err != nil {
			p.t.Fatal(err)
		}
	}
	p.write("nginx.conf", `daemon off;
pid DIR/nginx.pid;
error_log DIR/nginx-error.log;
worker_processes 1;
`+ifRoot("user www-data;")+`
events { worker_connections 64; }
http {
	include /etc/nginx/mime.types;
	access_log DIR/nginx-access.log;
	client_body_temp_path DIR/nginx-body;
	fastcgi_temp_path DIR/nginx-fastcgi;
	proxy_temp_path DIR/nginx-proxy;
	scgi_temp_path DIR/nginx-scgi;
	uwsgi_temp_path DIR/nginx-uwsgi;
	client_max_body_size 40m;
	upstream php { server unix:DIR/fpm.sock; keepalive 2; }
	server {
		listen `+address+`;
		root DIR/www;
		index index.php;
`+server+`
	}
}
`)
	p.start("nginx", syscall.SIGTERM, accepts(address), "/usr/sbin/nginx", "-e", p.path("nginx-error.log"), "-c", p.path("nginx.conf"))
	return address
}

// apache serves DIR/www with the event MPM. modules are those it has beside the ones every site has, settings what it says of them.
func (p *place) apache(modules, settings string) string {
	p.t.Helper()
	address, _ := p.httpd("event", modules, settings)
	return address
}

// httpd is apache with an MPM, and returns the program, too.
func (p *place) httpd(mpm, modules, settings string) (string, *program) {
	p.t.Helper()
	address := processes.Address(p.t)
	var load strings.Builder
	for _, module := range strings.Fields("mpm_" + mpm + " authz_core authz_host mime dir alias env rewrite " + modules) {
		load.WriteString("LoadModule " + module + "_module /usr/lib/apache2/modules/mod_" + module + ".so\n")
	}
	p.give("apache")
	p.write("apache.conf", load.String()+`
ServerRoot DIR/
ServerName localhost
Listen `+address+`
`+ifRoot("User www-data\nGroup www-data\n")+`
PidFile DIR/apache/pid
DefaultRuntimeDir DIR/apache
Mutex file:DIR/apache
ErrorLog DIR/apache-error.log
LogFormat "%r %>s %b" short
CustomLog DIR/apache-access.log short
TypesConfig /etc/mime.types
DocumentRoot DIR/www
DirectoryIndex index.php index.html
<Directory DIR/www>
	Options FollowSymLinks ExecCGI
	AllowOverride All
	Require all granted
</Directory>
`+settings)
	return address, p.start("apache", syscall.SIGTERM, accepts(address), "/usr/sbin/apache2", "-D", "FOREGROUND", "-f", p.path("apache.conf"))
}

const (
	// Debian's way of passing PHP to php-fpm, on connections that are kept.
	nginxFPM = `
		location ~ \.php(/|$) {
			include /etc/nginx/snippets/fastcgi-php.conf;
			fastcgi_keep_conn on;
			fastcgi_pass php;
		}`
	// Debian's conf-available/phpVERSION-fpm.conf.
	apacheFPM = `
<FilesMatch ".+\.ph(?:ar|p|tml)$">
	SetHandler "proxy:unix:DIR/fpm.sock|fcgi://localhost"
</FilesMatch>
SetEnvIfNoCase ^Authorization$ "(.+)" HTTP_AUTHORIZATION=$1
`
)
