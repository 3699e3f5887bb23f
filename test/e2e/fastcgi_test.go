//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestFastCGI has web servers start php-cgi as a FastCGI server, or talk to one that spawn-fcgi started.
func TestFastCGI(t *testing.T) {
	exercise(t, stockCGI, filepath.Join(ours, "php-cgi"), []webServer{
		{name: "apache, mod_fcgid", suffix: ".php", serve: func(p *place, php string) string {
			p.cgiSettings("")
			return p.apache("fcgid", `
FcgidIPCDir DIR/apache
FcgidProcessTableFile DIR/apache/fcgid_shm
FcgidMaxRequestLen 33554432
FcgidMaxRequestsPerProcess 1000
FcgidInitialEnv PHP_FCGI_MAX_REQUESTS 1000
FcgidInitialEnv PHP_INI_SCAN_DIR :DIR/ini
FcgidPassHeader Authorization
AddHandler fcgid-script .php
FcgidWrapper `+php+` .php
`)
		}},
		{name: "lighttpd, mod_fastcgi", suffix: ".php", serve: func(p *place, php string) string {
			p.cgiSettings("")
			return p.lighttpd("mod_fastcgi", `fastcgi.server = (".php" => ((
	"bin-path" => "`+php+`",
	"bin-environment" => ("PHP_FCGI_CHILDREN" => "4", "PHP_FCGI_MAX_REQUESTS" => "10", "PHP_INI_SCAN_DIR" => ":DIR/ini"),
	"socket" => "DIR/lighttpd/php.sock",
	"max-procs" => 1,
	"broken-scriptfilename" => "enable")))`)
		}},
		{name: "nginx, spawn-fcgi", suffix: ".php", serve: func(p *place, php string) string {
			p.cgiSettings("")
			p.spawnFCGI(php)
			return p.nginx(nginxFPM)
		}},
	})
}

// spawnFCGI runs php-cgi with four children on DIR/fpm.sock.
func (p *place) spawnFCGI(php string) {
	p.t.Helper()
	spawn := []string{"/usr/bin/env", "PHP_FCGI_CHILDREN=4", "PHP_INI_SCAN_DIR=:" + p.path("ini"),
		"/usr/bin/spawn-fcgi", "-n", "-s", p.path("fpm.sock")}
	if os.Geteuid() == 0 {
		spawn = append(spawn, "-u", "www-data", "-g", "www-data", "-U", "www-data")
	}
	p.start("php-cgi", syscall.SIGTERM, accepts(p.path("fpm.sock")), append(spawn, "--", php)...)
}
