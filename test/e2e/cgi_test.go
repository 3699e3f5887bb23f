//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestCGI(t *testing.T) {
	exercise(t, stockCGI, filepath.Join(ours, "php-cgi"), cgiServers(false))
}

// The same with a resident, of which stock PHP knows nothing.
func TestCGIZygote(t *testing.T) {
	exercise(t, stockCGI, filepath.Join(ours, "php-cgi"), cgiServers(true))
}

// A request that starts Go takes a tenth more. lighttpd gave no PATH to its programs, and all of its requests did. The C library has caught
// signal 33 since the first thread was made, and that alone stays of Go.
func TestCGIStartsNoGo(t *testing.T) {
	const way = `<?php echo preg_match('/SigCgt:\s+\w*[13579bdf]\w{8}$/m', file_get_contents('/proc/self/status')) ? 'with Go' : 'without Go';`
	php := filepath.Join(ours, "php-cgi")
	for _, f := range cgiServers(false) {
		t.Run(f.name, func(t *testing.T) {
			p := at(t)
			p.give("tmp")
			p.write("www/way"+f.suffix, scriptOf(f.suffix, php, way))
			if err := os.Chmod(p.path("www/way"+f.suffix), 0o755); err != nil {
				t.Fatal(err)
			}
			v := &visitor{site: visit(t, f.serve(p, php)), suffix: f.suffix}
			for _, query := range []string{"", "?a=b", "?a+b", "/path"} {
				response, err := v.browser.Get(v.at("/way" + f.suffix + query))
				if err != nil {
					t.Fatal(err)
				}
				answer, _ := io.ReadAll(response.Body)
				response.Body.Close()
				if string(answer) != "without Go" {
					t.Errorf("%q: %s", query, answer)
				}
			}
		})
	}
}

func cgiServers(zygote bool) []webServer {
	list := []webServer{
		{name: "apache, mod_cgi, handler", suffix: ".php", serve: apacheAction("cgi")},
		{name: "apache, mod_cgi, script", suffix: ".cgi", serve: apacheScript("cgi")},
		{name: "apache, mod_cgid, handler", suffix: ".php", serve: apacheAction("cgid")},
		{name: "apache, mod_cgid, script", suffix: ".cgi", serve: apacheScript("cgid")},
		{name: "lighttpd", suffix: ".php", serve: func(p *place, php string) string {
			p.cgiSettings("")
			return p.lighttpd("mod_cgi", `cgi.assign = (".php" => "`+php+`")
setenv.set-environment = (`+p.cgiEnvironment(`"%s" => "%s"`, ", ")+`)`)
		}},
		{name: "nginx, fcgiwrap", suffix: ".cgi", serve: func(p *place, php string) string {
			p.cgiSettings("")
			return p.fcgiwrap()
		}},
	}
	for i := range list {
		list[i].perRequest, list[i].zygote = true, zygote
	}
	return list
}

// cgiEnvironment is what the web server passes to php-cgi, each variable in the server's own format.
func (p *place) cgiEnvironment(format, separator string) string {
	variables := []string{fmt.Sprintf(format, "PHP_INI_SCAN_DIR", ":DIR/ini")}
	if p.zygote {
		variables = append(variables, fmt.Sprintf(format, "PHPSAPI_CGI_ZYGOTE", "DIR/zygote/socket"),
			fmt.Sprintf(format, "PHPSAPI_CGI_ZYGOTE_IDLE", "2"))
	}
	return strings.Join(variables, separator)
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
`+p.apacheCGI(module))
	}
}

// apacheScript has Apache execute scripts, whose first line names php-cgi.
func apacheScript(module string) func(p *place, php string) string {
	return func(p *place, php string) string {
		p.cgiSettings("cgi.force_redirect = 0\n")
		return p.apache(module, "AddHandler cgi-script .cgi\n"+p.apacheCGI(module))
	}
}

func (p *place) apacheCGI(module string) string {
	settings := p.cgiEnvironment("SetEnv %s %s\n", "") + "<Directory DIR/www>\nCGIPassAuth on\n</Directory>\n"
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
			` + p.cgiEnvironment("fastcgi_param %s %s;", "\n") + `
			fastcgi_pass unix:DIR/wrap.sock;
		}`)
}
