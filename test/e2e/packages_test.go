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
	"time"
)

// program returns phpsapi with an engine for the distribution's PHP. For another PHP than this machine's it is built with the headers that are in the distribution's
// system.
func (d distribution) program(t *testing.T) []byte {
	t.Helper()
	file := filepath.Join(ours, "phpsapi")
	if d != bookworm {
		file = d.build(t)
	}
	program, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// build builds the program in a copy of the sources, which has an engine for the distribution's PHP alone.
func (d distribution) build(t *testing.T) (file string) {
	t.Helper()
	dir, image := t.TempDir(), debian(t, d)
	name := "phpsapi-e2e-headers-" + filepath.Base(filepath.Dir(dir)) + fmt.Sprint(os.Getpid())
	defer docker(time.Minute, "rm", "--force", name)
	for _, arguments := range [][]string{{"create", "--name", name, image, "true"}, {"cp", "--follow-link", name + ":/usr/bin/php-config" + d.php, dir + "/php-config"},
		{"cp", name + ":/usr/include/php", dir + "/php"}} {
		if out, err := docker(2*time.Minute, arguments...); err != nil {
			t.Fatalf("docker %q: %v\n%s", arguments, err, out)
		}
	}
	script := `set -eu
sed -i "s,^include_dir=\"\${prefix}/include/,include_dir=\"$1/," "$1/php-config"
chmod 755 "$1/php-config"
ENGINES="$1/engines" packaging/build-engine "$1/php-config"
mkdir "$1/source"
git ls-files -z | tar --null -T - -c | tar -C "$1/source" -x
cp "$1"/engines/*.syso "$1/source/lifecycle/"
cd "$1/source" && go build -buildvcs=false -trimpath -o "$1/phpsapi" .`
	build := exec.Command("sh", "-c", script, "sh", dir)
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir + "/phpsapi"
}

// debianPackage makes the package of a program for a version. The programs of two versions differ.
func debianPackage(t *testing.T, program []byte, version string) []byte {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/phpsapi", append(bytes.Clone(program), version...), 0o755); err != nil {
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
	packageServes(t, bookworm, "phpsapi", bookworm.program(t), "--by-package=libphp8.2-embed /usr/lib/libphp8.2.so")
}

// The same in Debian 13, with its PHP 8.4.
func TestDebianPackageInTrixie(t *testing.T) {
	packageServes(t, trixie, "phpsapi", trixie.program(t), "--by-package=libphp8.4-embed /usr/lib/libphp8.4.so")
}

// The same with PHP in the program.
func TestDebianPackageOfTheSingleFile(t *testing.T) {
	program, err := os.ReadFile(single(t))
	if err != nil {
		t.Fatal(err)
	}
	packageServes(t, bookworm, "phpsapi-php8.2", program, "--by-package=php8.2-common /usr/lib/php")
}

// single returns the program with PHP inside, without symbols. The test is skipped if nobody has made it.
func single(t *testing.T) string {
	t.Helper()
	made, err := filepath.Abs("../../build/single/phpsapi")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(made); err != nil {
		t.Skipf("no program with PHP inside, make single makes it: %v", err)
	}
	stripped := filepath.Join(t.TempDir(), "phpsapi")
	if out, err := exec.Command("strip", "-o", stripped, made).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return stripped
}

// packageServes tries the package of a program. trigger are the arguments of dpkg-trigger for a newer PHP, or extensions of it.
func packageServes(t *testing.T, d distribution, name string, program []byte, trigger string) {
	if _, err := exec.LookPath("dpkg-shlibdeps"); err != nil {
		t.Skip("no dpkg-shlibdeps: apt-get install dpkg-dev")
	}
	fpm, socket := "php"+d.php+"-fpm", "php"+d.php+"-fpm.sock"
	const own = "phpsapi.sock"
	pool := "/etc/php/" + d.php + "/fpm/pool.d/www.conf"
	m := bootOf(t, d)
	install := func(version string) {
		m.Helper()
		m.put("/root/phpsapi.deb", debianPackage(t, program, version), 0o644)
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
	runs("/usr/sbin/php-fpm" + d.php)
	stockMaster := m.property(fpm, "MainPID")
	install("v1.0.0")
	runs("/usr/sbin/php-fpm" + d.php)
	m.is(fpm, "MainPID="+stockMaster)
	m.is("phpsapi", "ActiveState=inactive", "UnitFileState=disabled")
	for name, want := range map[string]string{"/usr/bin/php": "/usr/bin/php" + d.php, "/usr/bin/php-cgi": "/usr/bin/phpsapi", "/usr/sbin/php-fpm": "/usr/bin/phpsapi"} {
		if got := m.do("readlink -f " + name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if said := m.do("php-fpm -v"); !strings.HasPrefix(said, "PHP "+d.php+".") || !strings.Contains(said, "(fpm-fcgi)") {
		t.Errorf("php-fpm -v says %q", said)
	}

	// There and back, by the commands of its README.
	there, back := readmeCommands(t, m.do("cat /usr/share/doc/"+name+"/README.Debian"))
	m.do(there)
	runs("/usr/bin/phpsapi")
	m.do(back)
	runs("/usr/sbin/php-fpm" + d.php)
	m.do(there)
	runs("/usr/bin/phpsapi")
	logged("/var/log/"+fpm+".log", "ready to handle connections", 4)
	m.do("logrotate --force /etc/logrotate.d/" + fpm + " && systemctl reload " + fpm)
	logged("/var/log/"+fpm+".log", "ready to handle connections", 1)

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
			logged("/var/log/"+fpm+".log", "upgraded from phpsapi", 1)
			logged("/var/log/phpsapi.log", "upgraded from phpsapi", 1)
			m.do("dpkg-trigger --no-await " + trigger + " && dpkg --triggers-only --pending")
			logged("/var/log/"+fpm+".log", "Reloading in progress ...", 3)
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
	m.do("cp -p " + pool + " /srv/ && echo 'nonsense = 1' >>" + pool)
	install("v1.2.0")
	m.is(fpm, "MainPID="+master, "ActiveState=active")
	if status := m.property(fpm, "StatusText"); !strings.Contains(status, "unknown entry 'nonsense'") {
		t.Errorf("systemctl status says %q", status)
	}
	m.asks(socket)
	m.do("cp -p /srv/www.conf " + pool + " && systemctl reload " + fpm)
	runs("/usr/bin/phpsapi")

	// Without the package php-fpm is what it was.
	m.do("apt-get remove -y " + name)
	runs("/usr/sbin/php-fpm" + d.php)
	if left := m.try("ls -d /etc/systemd/system/" + fpm + ".service.d /usr/share/phpsapi /usr/lib/phpsapi /usr/sbin/php-fpm 2>/dev/null; pgrep -x phpsapi"); left != "" {
		t.Errorf("when it was removed there was left: %s", left)
	}
	m.do("apt-get purge -y " + name)
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
	isClean(t, filepath.Join(ours, "phpsapi"))
}

// The same with PHP in the program.
func TestDebianPackageOfTheSingleFileIsClean(t *testing.T) { isClean(t, single(t)) }

func isClean(t *testing.T, program string) {
	t.Helper()
	for _, tool := range []string{"lintian", "dpkg-shlibdeps", "strip"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s: apt-get install lintian dpkg-dev binutils", tool)
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
	run("strip", "-o", dir+"/phpsapi", program)
	file := run("go", "run", "./packaging/deb", "-program", dir+"/phpsapi", "-version", "v1.0.0", "-o", dir)
	if said := run("lintian", "--allow-root", "--fail-on", "error,warning", string(file)); len(said) > 0 {
		t.Errorf("lintian says:\n%s", said)
	}
}
