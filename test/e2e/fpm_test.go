//go:build e2e

package e2e

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	processes "github.com/phpsapi/phpsapi/test/serve"
)

func TestFPM(t *testing.T) {
	exercise(t, stockFPM, filepath.Join(ours, "php-fpm"), []webServer{
		{name: "nginx", suffix: ".php", serve: func(p *place, php string) string {
			p.fpm(php, "")
			return p.nginx(nginxFPM)
		}},
		{name: "apache", suffix: ".php", serve: func(p *place, php string) string {
			p.fpm(php, "")
			return p.apache("proxy proxy_fcgi setenvif", apacheFPM)
		}},
		{name: "haproxy", suffix: ".php", serve: func(p *place, php string) string {
			p.fpm(php, "")
			return p.haproxy("")
		}},
		{name: "haproxy, one request a connection", suffix: ".php", serve: func(p *place, php string) string {
			p.fpm(php, "")
			return p.haproxy("no option keep-conn")
		}},
		{name: "lighttpd", suffix: ".php", serve: func(p *place, php string) string {
			p.fpm(php, "")
			return p.lighttpd("mod_fastcgi", `fastcgi.server = (".php" => (("socket" => "DIR/fpm.sock", "broken-scriptfilename" => "enable")))`)
		}},
	})
}

// haproxy passes everything on. app is what its fcgi-app has beside the usual.
func (p *place) haproxy(app string) string {
	p.t.Helper()
	address := processes.Address(p.t)
	p.write("haproxy.conf", `global
	maxconn 64
defaults
	mode http
	timeout connect 5s
	timeout client 30s
	timeout server 30s
fcgi-app php
	docroot DIR/www
	index index.php
	path-info ^(/.+\.php)(/.*)?$
	`+app+`
frontend web
	bind `+address+`
	default_backend php
backend php
	use-fcgi-app php
	server fpm unix@DIR/fpm.sock proto fcgi
`)
	p.start("haproxy", syscall.SIGTERM, accepts(address), "/usr/sbin/haproxy", "-db", "-f", p.path("haproxy.conf"))
	return address
}

// lighttpd serves DIR/www. module is the one it has for PHP, settings what it says of it.
func (p *place) lighttpd(module, settings string) string {
	p.t.Helper()
	address := processes.Address(p.t)
	host, port, _ := strings.Cut(address, ":")
	p.give("lighttpd")
	p.write("lighttpd.conf", `server.modules = ("mod_setenv", "`+module+`")
server.bind = "`+host+`"
server.port = `+port+`
`+ifRoot("server.username = \"www-data\"\nserver.groupname = \"www-data\"\n")+`
server.document-root = "DIR/www"
server.upload-dirs = ("DIR/lighttpd")
server.stream-response-body = 2
index-file.names = ("index.php")
`+settings+"\n")
	p.start("lighttpd", syscall.SIGINT, accepts(address), "/usr/sbin/lighttpd", "-D", "-f", p.path("lighttpd.conf"))
	return address
}

// TestStatusPage fetches php-fpm's own pages with the FastCGI client that monitoring uses.
func TestStatusPage(t *testing.T) {
	answers := map[string]string{}
	bothFPM(t, func(t *testing.T, fpm string) {
		p := at(t)
		p.fpm(fpm, "")
		var said strings.Builder
		for _, query := range []string{"text", "json", "xml", "html", "openmetrics"} {
			said.WriteString("--- " + query + "\n" + p.cgiFCGI("/status", query, "www"))
		}
		said.WriteString("--- ping\n" + p.cgiFCGI("/ping", "", "pong"))
		p.cgiFCGI("/status", "full", "/status?full") // in which the workers have no order
		p.cgiFCGI("/status", "full&json", `"processes"`)
		answers[filepath.Base(fpm)] = regexp.MustCompile(`\d+(\.\d+)?|\d\d/\w+/\d{4}:[\d:]+ .\d{4}`).ReplaceAllString(said.String(), "0")
	})
	if expected, got := answers[filepath.Base(stockFPM)], answers["php-fpm"]; got != expected {
		t.Errorf("phpsapi's pages are not those of stock php-fpm:\n%s", difference(expected, got))
	}
}

// cgiFCGI is the answer that `cgi-fcgi` gets, in which want must be.
func (p *place) cgiFCGI(path, query, want string) string {
	p.t.Helper()
	cmd := exec.Command("timeout", "20", "cgi-fcgi", "-bind", "-connect", p.path("fpm.sock"))
	cmd.Env = []string{"PATH=/usr/bin:/bin", "REQUEST_METHOD=GET", "SCRIPT_NAME=" + path, "SCRIPT_FILENAME=" + path, "QUERY_STRING=" + query}
	answer, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(answer), want) {
		p.t.Errorf("%s?%s: %v, and no %q in:\n%s", path, query, err, want, answer)
	}
	return string(answer)
}
