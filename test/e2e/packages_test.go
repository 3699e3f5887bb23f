//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// debianPackage makes the package of phpsapi for a version. The programs of two versions differ.
func debianPackage(t *testing.T, version string) []byte {
	t.Helper()
	dir := t.TempDir()
	program, err := os.ReadFile(filepath.Join(ours, "phpsapi"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/phpsapi", append(program, version...), 0o755); err != nil {
		t.Fatal(err)
	}
	make := exec.Command("go", "run", "./packaging/deb", "-program", dir+"/phpsapi", "-version", version, "-o", dir)
	make.Dir = "../.."
	make.Env = append(os.Environ(), "DPKG_DEB_COMPRESSOR_TYPE=none") // xz takes seconds
	out, err := make.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The package is installed beside php-fpm, takes its service over, is upgraded, and gives the service back when it is removed. Its own service
// is started, its log rotated, and nothing is left when it is purged.
func TestDebianPackage(t *testing.T) {
	if _, err := exec.LookPath("dpkg-shlibdeps"); err != nil {
		t.Skip("no dpkg-shlibdeps: apt-get install dpkg-dev")
	}
	const fpm, socket, own = "php8.2-fpm", "php8.2-fpm.sock", "phpsapi.sock"
	m := boot(t)
	install := func(version string) {
		m.Helper()
		m.put("/root/phpsapi.deb", debianPackage(t, version), 0o644)
		m.do("DEBIAN_FRONTEND=noninteractive apt-get install -y /root/phpsapi.deb")
	}
	runs := func(program string) {
		m.Helper()
		m.is(fpm, "ActiveState=active", "SubState=running", "Result=success")
		if got := m.do("readlink /proc/" + m.property(fpm, "MainPID") + "/exe"); got != program {
			t.Errorf("%s runs %s, want %s", fpm, got, program)
		}
		m.asks(socket)
	}
	logged := func(log, text string, times int) {
		m.Helper()
		m.eventually(fmt.Sprintf("%q in %s", text, log), func() bool { return strings.Count(m.try("cat "+log), text) == times })
	}

	// Beside php-fpm it changes nothing.
	runs("/usr/sbin/php-fpm8.2")
	stockMaster := m.property(fpm, "MainPID")
	install("v1.0.0")
	runs("/usr/sbin/php-fpm8.2")
	m.is(fpm, "MainPID="+stockMaster)
	m.is("phpsapi", "ActiveState=inactive", "UnitFileState=disabled")
	for name, want := range map[string]string{"/usr/bin/php": "/usr/bin/php8.2", "/usr/bin/php-cgi": "/usr/bin/phpsapi", "/usr/sbin/php-fpm": "/usr/bin/phpsapi"} {
		if got := m.do("readlink -f " + name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if said := m.do("php-fpm -v"); !strings.HasPrefix(said, "PHP 8.2.") || !strings.Contains(said, "(fpm-fcgi)") {
		t.Errorf("php-fpm -v says %q", said)
	}

	// There and back, by the commands of its README.
	there, back := readmeCommands(t, m.do("cat /usr/share/doc/phpsapi/README.Debian"))
	m.do(there)
	runs("/usr/bin/phpsapi")
	m.do(back)
	runs("/usr/sbin/php-fpm8.2")
	m.do(there)
	runs("/usr/bin/phpsapi")
	logged("/var/log/php8.2-fpm.log", "ready to handle connections", 4)
	m.do("logrotate --force /etc/logrotate.d/php8.2-fpm && systemctl reload " + fpm)
	logged("/var/log/php8.2-fpm.log", "ready to handle connections", 1)

	// Its own service.
	m.do("sed -i 's,^listen = .*,listen = /run/php/" + own + ",' /etc/phpsapi/fpm/pool.d/www.conf && systemctl enable --now phpsapi")
	m.is("phpsapi", "ActiveState=active", "SubState=running")
	m.asks(own)
	m.do("systemctl reload phpsapi && logrotate --force /etc/logrotate.d/phpsapi && systemctl reload phpsapi")
	logged("/var/log/phpsapi.log", "ready to handle connections", 1)
	m.put("/srv/www/index.php", []byte(`<?php
$file = tempnam(sys_get_temp_dir(), 'e2e');
$ok = file_put_contents($file, 'x') === 1 && unlink($file) && trim((string) shell_exec('echo from')) === 'from' && preg_match('/(a+)b/', 'aab')
	&& is_resource(@stream_socket_server('tcp://127.0.0.1:0')) && gethostbyname('localhost') === '127.0.0.1';
echo $ok ? 'from ' : 'hardened too much ', posix_getppid() > 0, ' ', PHP_SAPI;`), 0o644)
	m.asks(own)
	m.Log(m.try("systemd-analyze security --no-pager phpsapi | tail -n 1"))

	// A newer package, and a newer PHP, are taken over.
	master, ownMaster := m.property(fpm, "MainPID"), m.property("phpsapi", "MainPID")
	m.underLoad(socket, func() {
		m.underLoad(own, func() {
			install("v1.1.0")
			logged("/var/log/php8.2-fpm.log", "upgraded from phpsapi", 1)
			logged("/var/log/phpsapi.log", "upgraded from phpsapi", 1)
			m.do("dpkg-trigger --no-await --by-package=libphp8.2-embed /usr/lib/libphp8.2.so && dpkg --triggers-only --pending")
			logged("/var/log/php8.2-fpm.log", "Reloading in progress ...", 3)
			m.eventually("they are reloaded", func() bool {
				return m.property(fpm, "SubState") == "running" && m.property("phpsapi", "SubState") == "running"
			})
		})
	})
	runs("/usr/bin/phpsapi")
	m.is(fpm, "MainPID="+master)
	m.is("phpsapi", "MainPID="+ownMaster, "ActiveState=active")
	if conf := m.do("cat /etc/phpsapi/fpm/pool.d/www.conf"); !strings.Contains(conf, own) {
		t.Errorf("the changed configuration was replaced:\n%s", conf)
	}

	// A package whose program cannot serve is installed, and the old one continues.
	m.do("cp -p /etc/php/8.2/fpm/pool.d/www.conf /srv/ && echo 'nonsense = 1' >>/etc/php/8.2/fpm/pool.d/www.conf")
	install("v1.2.0")
	m.is(fpm, "MainPID="+master, "ActiveState=active")
	if status := m.property(fpm, "StatusText"); !strings.Contains(status, "unknown entry 'nonsense'") {
		t.Errorf("systemctl status says %q", status)
	}
	m.asks(socket)
	m.do("cp -p /srv/www.conf /etc/php/8.2/fpm/pool.d/ && systemctl reload " + fpm)
	runs("/usr/bin/phpsapi")

	// Without the package php-fpm is what it was.
	m.do("apt-get remove -y phpsapi")
	runs("/usr/sbin/php-fpm8.2")
	if left := m.try("ls -d /etc/systemd/system/php8.2-fpm.service.d /usr/share/phpsapi /usr/lib/phpsapi /usr/sbin/php-fpm 2>/dev/null; pgrep -x phpsapi"); left != "" {
		t.Errorf("when it was removed there was left: %s", left)
	}
	m.do("apt-get purge -y phpsapi")
	if left := m.do("find / -xdev -name '*phpsapi*' -not -path '/proc/*' -not -path '/root/*' -not -path '/run/php/*' -not -path '/var/lib/systemd/*'"); left != "" {
		t.Errorf("when it was purged there was left: %s", left)
	}
	if failed := m.do("systemctl --failed --plain --no-legend --no-pager"); failed != "" {
		t.Errorf("systemd has failed units: %s", failed)
	}
}

// readmeCommands returns the commands by which the service is taken over, and given back.
func readmeCommands(t *testing.T, text string) (there, back string) {
	t.Helper()
	var blocks []string
	inBlock := false
	for line := range strings.Lines(text) {
		command, is := strings.CutPrefix(line, "    ")
		if is && !inBlock {
			blocks = append(blocks, "set -e\n")
		}
		if is {
			blocks[len(blocks)-1] += command
		}
		inBlock = is
	}
	if len(blocks) < 2 || !strings.Contains(blocks[0], "\nln -s ") || !strings.Contains(blocks[1], "\nrm ") {
		t.Fatalf("the README has other commands: %q", blocks)
	}
	return blocks[0], blocks[1]
}

// Debian's own rules for packages.
func TestDebianPackageIsClean(t *testing.T) {
	for _, program := range []string{"lintian", "dpkg-shlibdeps", "strip"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("no %s: apt-get install lintian dpkg-dev binutils", program)
		}
	}
	dir := t.TempDir()
	run := func(name string, arguments ...string) []byte {
		t.Helper()
		c := exec.Command(name, arguments...)
		c.Dir = "../.."
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return bytes.TrimSpace(out)
	}
	run("strip", "-o", dir+"/phpsapi", filepath.Join(ours, "phpsapi"))
	file := run("go", "run", "./packaging/deb", "-program", dir+"/phpsapi", "-version", "v1.0.0", "-o", dir)
	if said := run("lintian", "--allow-root", "--fail-on", "error,warning", string(file)); len(said) > 0 {
		t.Errorf("lintian says:\n%s", said)
	}
}
