//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// takenOver has php8.2-fpm's service run phpsapi, as README says, with a watchdog and a restart if it fails.
const takenOver = `[Service]
ExecStart=
ExecStart=/usr/local/bin/phpsapi fpm --nodaemonize --fpm-config /etc/php/8.2/fpm/php-fpm.conf
ExecReload=
ExecReload=/usr/local/bin/phpsapi fpm reload --master $MAINPID
WatchdogSec=3
Restart=always
RestartSec=0
RestartPreventExitStatus=78
`

// A service of a real systemd: Type=notify, its watchdog, reloads, upgrades in place, a master that dies, settings that are wrong, socket
// activation.
func TestServiceOfSystemd(t *testing.T) {
	const unit, socket = "php8.2-fpm", "php8.2-fpm.sock"
	m := boot(t)
	program, err := os.ReadFile(filepath.Join(ours, "phpsapi"))
	if err != nil {
		t.Fatal(err)
	}
	versions := 0
	install := func() {
		versions++
		m.put("/usr/local/bin/phpsapi", append(bytes.Clone(program), fmt.Sprint("version ", versions)...), 0o755)
	}
	install()
	m.do("mkdir -p /etc/systemd/system/php8.2-fpm.service.d")
	m.put("/etc/systemd/system/php8.2-fpm.service.d/phpsapi.conf", []byte(takenOver), 0o644)
	m.do("systemctl daemon-reload && systemctl restart " + unit)
	well := func() {
		t.Helper()
		m.is(unit, "ActiveState=active", "SubState=running")
		// What the heartbeats say comes soon.
		if status := m.property(unit, "StatusText"); status != "Ready to handle connections" && !strings.HasSuffix(status, "req/sec") {
			t.Errorf("the status is %q", status)
		}
	}
	well()
	master := m.property(unit, "MainPID")
	if title := m.do("cat /proc/" + master + "/cmdline"); !strings.HasPrefix(title, "php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)") {
		t.Errorf("systemd's main process is %q", title)
	}
	m.asks(socket)
	serves := func(restarts string) {
		t.Helper()
		m.is(unit, "ActiveState=active", "SubState=running", "NRestarts="+restarts, "Result=success")
		m.asks(socket)
	}
	same := func() {
		t.Helper()
		m.is(unit, "MainPID="+master)
		serves("0")
	}

	m.underLoad(socket, func() {
		m.do("systemctl reload " + unit)
		same()
		for _, how := range []string{"phpsapi fpm upgrade", "systemctl reload " + unit, "kill -USR2 " + master} {
			upgraded := func() int {
				return strings.Count(m.try("cat /var/log/php8.2-fpm.log"), "NOTICE: upgraded from phpsapi ")
			}
			before := upgraded()
			install()
			m.do(how)
			m.eventually("it is upgraded by "+how, func() bool { return upgraded() == before+1 })
			m.eventually("systemd hears of it", func() bool { return m.property(unit, "SubState") == "running" })
			same()
		}
	})

	// What PHP preloads takes longer than the watchdog waits.
	m.put("/srv/preload.php", []byte("<?php sleep(5);"), 0o644)
	m.put("/etc/php/8.2/fpm/conf.d/99-preload.ini", []byte("opcache.preload=/srv/preload.php\nopcache.preload_user=www-data\n"), 0o644)
	install()
	m.underLoad(socket, func() {
		m.do("kill -USR2 " + master)
		m.eventually("it begins", func() bool { return m.property(unit, "SubState") == "reload" })
		m.do("sleep 3.5")
		m.is(unit, "SubState=reload", "StatusText=Reloading") // heartbeats do not end that
		m.eventually("it is upgraded", func() bool { return m.property(unit, "SubState") == "running" })
		same()
	})
	m.do("rm /etc/php/8.2/fpm/conf.d/99-preload.ini && systemctl reload " + unit)
	same()

	// What cannot serve is refused, and the service continues.
	m.underLoad(socket, func() {
		m.do("cp -p /etc/php/8.2/fpm/pool.d/www.conf /srv/ && echo 'nonsense = 1' >>/etc/php/8.2/fpm/pool.d/www.conf")
		if out, status := m.run("systemctl reload " + unit); status != 1 {
			t.Errorf("a reload of a bad php-fpm.conf: status %d, %s", status, out)
		}
		const why = "Reload failed, the old configuration keeps serving: /etc/php/8.2/fpm/pool.d/www.conf:"
		m.eventually("a heartbeat tells why, too", func() bool {
			text := m.property(unit, "StatusText")
			return strings.HasPrefix(text, "Processes active: ") && strings.Contains(text, why) && strings.HasSuffix(text, "unknown entry 'nonsense'")
		})
		same()
		m.do("cp -p /srv/www.conf /etc/php/8.2/fpm/pool.d/ && cp -p /usr/local/bin/phpsapi /srv/good")
		m.put("/usr/local/bin/phpsapi", program[:len(program)/3], 0o755)
		m.do("kill -USR2 " + master)
		m.eventually("systemd hears why the program cannot take over", func() bool {
			return strings.Contains(m.property(unit, "StatusText"), "the program /usr/local/bin/phpsapi cannot take over: ")
		})
		same()
		m.do("mv /srv/good /usr/local/bin/phpsapi && systemctl reload " + unit)
		well()
		same()
	})

	// A master that is killed, and one that hangs.
	m.do("kill -9 " + master)
	m.eventually("another master", func() bool { return m.property(unit, "NRestarts") == "1" && m.property(unit, "SubState") == "running" })
	serves("1")
	m.do("kill -STOP " + m.property(unit, "MainPID"))
	m.eventually("the watchdog", func() bool { return m.property(unit, "NRestarts") == "2" && m.property(unit, "SubState") == "running" })
	serves("2")
	if journal := m.do("journalctl --no-pager -u " + unit); !strings.Contains(journal, "Watchdog timeout (limit 3s)!") {
		t.Errorf("no word of the watchdog:\n%s", journal)
	}

	// A service that cannot start is not tried again and again.
	m.do("echo 'nonsense = 1' >>/etc/php/8.2/fpm/pool.d/www.conf")
	if out, status := m.run("systemctl restart " + unit); status != 1 {
		t.Errorf("a start with a bad php-fpm.conf: status %d, %s", status, out)
	}
	m.is(unit, "ActiveState=failed", "Result=exit-code", "ExecMainStatus=78", "NRestarts=0")
	if status := m.try("systemctl status --no-pager --lines 20 " + unit); !strings.Contains(status, "unknown entry 'nonsense'") {
		t.Errorf("systemctl status does not tell why:\n%s", status)
	}
	m.do("cp -p /srv/www.conf /etc/php/8.2/fpm/pool.d/ && systemctl start " + unit)
	serves("0")
	m.do("systemctl stop " + unit)
	m.is(unit, "ActiveState=inactive", "Result=success", "ExecMainStatus=0")
	if left := m.do("ls /sys/fs/cgroup/*/system.slice/php8.2-fpm.service /sys/fs/cgroup/system.slice/php8.2-fpm.service 2>/dev/null; find /run/php -type s"); left != "" {
		t.Errorf("it has left behind: %s", left)
	}

	// systemd listens. Clients wait while the service is started, restarted and upgraded, and start it.
	m.put("/etc/systemd/system/php8.2-fpm.socket", []byte("[Socket]\nListenStream=/run/php/php8.2-fpm.sock\nSocketUser=www-data\n"+
		"SocketGroup=www-data\nSocketMode=0660\n[Install]\nWantedBy=sockets.target\n"), 0o644)
	m.do("systemctl daemon-reload && systemctl start php8.2-fpm.socket")
	m.is(unit, "ActiveState=inactive")
	m.asks(socket)
	m.eventually("the service was started", func() bool { return m.property(unit, "SubState") == "running" })
	master = m.property(unit, "MainPID")
	m.underLoad(socket, func() {
		install()
		m.do("phpsapi fpm upgrade")
		same()
		m.do("systemctl reload " + unit)
		same()
	})
	m.do("systemctl restart " + unit)
	serves("0")
	m.do("kill -9 " + m.property(unit, "MainPID")) // its workers may have a request meanwhile, which ends with them
	m.eventually("the service was started again", func() bool { return m.property(unit, "NRestarts") == "1" && m.property(unit, "SubState") == "running" })
	m.asks(socket)
	m.do("systemctl stop php8.2-fpm.socket " + unit)
	m.is(unit, "ActiveState=inactive", "Result=success")
}
