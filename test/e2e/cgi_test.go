//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestCGI(t *testing.T) {
	exercise(t, stockCGI, filepath.Join(ours, "php-cgi"), []front{
		{name: "apache, mod_cgi, handler", suffix: ".php", serve: apacheAction("cgi"), perRequest: true},
		{name: "apache, mod_cgi, script", suffix: ".cgi", serve: apacheScript("cgi"), perRequest: true},
		{name: "apache, mod_cgid, handler", suffix: ".php", serve: apacheAction("cgid"), perRequest: true},
		{name: "apache, mod_cgid, script", suffix: ".cgi", serve: apacheScript("cgid"), perRequest: true},
		{name: "lighttpd", suffix: ".php", perRequest: true, serve: func(p *place, php string) string {
			p.cgiSettings("")
			return p.lighttpd("mod_cgi", `cgi.assign = (".php" => "`+php+`")
setenv.set-environment = ("PHP_INI_SCAN_DIR" => ":DIR/ini")`)
		}},
		{name: "nginx, fcgiwrap", suffix: ".cgi", perRequest: true, serve: func(p *place, php string) string {
			p.cgiSettings("")
			return p.fcgiwrap()
		}},
	})
}

// cgiSettings are those of php-cgi, where a web server passes PHP_INI_SCAN_DIR=:DIR/ini to it.
func (p *place) cgiSettings(more string) {
	p.t.Helper()
	p.write("ini/e2e.ini", `upload_max_filesize = 32M
post_max_size = 32M
sys_temp_dir = DIR/tmp
upload_tmp_dir = DIR/tmp
log_errors = on
`+more)
}

// apacheAction has Apache pass scripts to php-cgi.
func apacheAction(module string) func(p *place, php string) string {
	return func(p *place, php string) string {
		p.cgiSettings("")
		p.write("php-bin/README", "")
		if err := os.Symlink(php, p.path("php-bin/php-cgi")); err != nil {
			p.t.Fatal(err)
		}
		return p.apache(module+" actions setenvif", `
ScriptAlias /php-bin/ DIR/php-bin/
<Directory DIR/php-bin>
	Require all granted
	Options FollowSymLinks
</Directory>
Action application/x-httpd-php /php-bin/php-cgi
AddHandler application/x-httpd-php .php
`+apacheCGI(module))
	}
}

// apacheScript has Apache execute scripts, whose first line names php-cgi.
func apacheScript(module string) func(p *place, php string) string {
	return func(p *place, php string) string {
		p.cgiSettings("cgi.force_redirect = 0\n")
		return p.apache(module, "AddHandler cgi-script .cgi\n"+apacheCGI(module))
	}
}

func apacheCGI(module string) string {
	settings := "SetEnv PHP_INI_SCAN_DIR :DIR/ini\n<Directory DIR/www>\nCGIPassAuth on\n</Directory>\n"
	if module == "cgid" {
		settings += "ScriptSock DIR/apache/cgid.sock\n"
	}
	return settings
}

// fcgiwrap executes scripts for nginx.
func (p *place) fcgiwrap() string {
	p.t.Helper()
	spawn := []string{"/usr/bin/spawn-fcgi", "-n", "-s", p.path("wrap.sock")}
	if os.Geteuid() == 0 {
		spawn = append(spawn, "-u", "www-data", "-g", "www-data", "-U", "www-data")
	}
	p.start("fcgiwrap", syscall.SIGTERM, accepts(p.path("wrap.sock")), append(spawn, "--", "/usr/sbin/fcgiwrap", "-f")...)
	return p.nginx(`
		location ~ \.cgi(/|$) {
			fastcgi_split_path_info ^(.+?\.cgi)(/.*)$;
			include fastcgi.conf;
			fastcgi_param PATH_INFO $fastcgi_path_info;
			fastcgi_param PHP_INI_SCAN_DIR :DIR/ini;
			fastcgi_pass unix:DIR/wrap.sock;
		}`)
}
