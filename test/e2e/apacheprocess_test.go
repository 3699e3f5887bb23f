//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// inProcess is PHP in httpd's own processes.
var inProcess = apacheMode{"process", "prefork", "LoadModule php_module " + apacheModule + "\n"}

// fetch returns the body that httpd answers with, on a connection of its own.
func fetch(address, path string) (string, error) {
	client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + address + path)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", response.Status)
	}
	return string(body), err
}

// wantBody checks the body of an answer.
func wantBody(t *testing.T, address, path, want string) {
	t.Helper()
	if got, err := fetch(address, path); err != nil || got != want {
		t.Errorf("GET %s: %q, %v; want %q", path, got, err, want)
	}
}

const apacheHandler = "AddHandler application/x-httpd-php .php\n"

// What differs from mod_php, on purpose: docs/APACHE.md.
func TestApacheOwn(t *testing.T) {
	p := at(t)
	p.write("www/shared.php", "<?php echo ini_get('upload_tmp_dir'), ' ', ini_get_all(null)['upload_tmp_dir']['access'];")
	p.write("www/terminate.php", "<?php echo json_encode([getmypid(), @apache_child_terminate(), ini_set('child_terminate', 1), apache_child_terminate()]);")
	p.write("www/set/.htaccess", "php_value user_agent set\n")
	p.write("www/set/virtual.php", "<?php virtual('/set/plain.txt'); echo ini_get('user_agent');")
	p.write("www/set/plain.txt", "plain ")
	p.write("www/session/.htaccess", "php_value session.name own\nphp_flag display_errors on\n")
	p.write("www/session/virtual.php", "<?php virtual('/session/plain.txt'); echo ini_get('session.name');")
	p.write("www/session/plain.txt", "plain ")
	p.write("www/bad/.htaccess", "ErrorDocument 400 /error.php\n")
	p.write("www/error.php", "<?php echo 'error';")
	p.write("www/bad/body.php", "<?php file_get_contents('php://input');")
	old := time.Now().Add(-time.Hour) // else opcache does not keep it yet
	if err := os.Chtimes(p.path("www/shared.php"), old, old); err != nil {
		t.Fatal(err)
	}
	address, _ := p.httpd(inProcess.mpm, "", inProcess.load+apacheHandler+`
Alias /a/ DIR/www/
Alias /b/ DIR/www/
<Location /a>
php_admin_value upload_tmp_dir /tmp/a
</Location>
<Location /b>
php_admin_value upload_tmp_dir /tmp/b
</Location>
`)
	for range 3 { // before others, so that opcache has the file of a request that has no such value
		wantBody(t, address, "/shared.php", " 4")
		wantBody(t, address, "/a/shared.php", "/tmp/a 4")
		wantBody(t, address, "/b/shared.php", "/tmp/b 4")
	}
	wantBody(t, address, "/set/virtual.php", "plain set")
	wantBody(t, address, "/session/virtual.php", "plain own")

	said, err := fetch(address, "/terminate.php")
	var child int
	if _, scanned := fmt.Sscanf(said, "[%d,", &child); err != nil || scanned != nil || !strings.HasSuffix(said, `,false,"0",true]`) {
		t.Fatalf("apache_child_terminate: %q, %v", said, err)
	}
	p.eventually("the child ends", func() bool { return syscall.Kill(child, 0) != nil })

	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(conn, "POST /bad/body.php HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nnone\r\n")
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") || !strings.Contains(string(answer), "ErrorDocument") {
		t.Errorf("a bad chunk: %q, %v", answer, err)
	}
	if log := p.log("apache-error.log"); !strings.Contains(log, "ErrorDocument /error.php: PHP is still reading the request that failed") || strings.Contains(log, "exit signal") {
		t.Errorf("apache-error.log: %s", log)
	}
}

// A restart under load starts PHP again by a php.ini that was changed, and loses no request.
func TestApacheGracefulRestarts(t *testing.T) {
	const restarts = 20
	p := at(t)
	p.write("ini/php.ini", "user_agent = 0\n")
	p.write("www/a.php", "<?php echo 'agent ', ini_get('user_agent');")
	address, httpd := p.httpd(inProcess.mpm, "", inProcess.load+apacheHandler+"PHPINIDir DIR/ini\n")
	wantBody(t, address, "/a.php", "agent 0")

	var asked, failed atomic.Int64
	var clients sync.WaitGroup
	stop := make(chan struct{})
	for range 3 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				said, err := fetch(address, "/a.php")
				asked.Add(1)
				if err != nil || !strings.HasPrefix(said, "agent ") {
					failed.Add(1)
					t.Errorf("%q, %v", said, err)
				}
			}
		})
	}
	for i := 1; i <= restarts; i++ {
		p.write("ini/php.ini", fmt.Sprintf("user_agent = %d\n", i))
		if err := syscall.Kill(httpd.pid, syscall.SIGUSR1); err != nil {
			t.Error(err)
			break
		}
		p.eventually("php.ini is read again", func() bool {
			said, _ := fetch(address, "/a.php")
			return said == fmt.Sprintf("agent %d", i)
		})
	}
	close(stop)
	clients.Wait()
	t.Logf("%d restarts, %d requests, %d failed", restarts, asked.Load(), failed.Load())
	if asked.Load() == 0 {
		t.Error("nobody has asked")
	}
	if log := p.log("apache-error.log"); strings.Contains(log, "exit signal") {
		t.Errorf("apache-error.log: %s", log)
	}
}

// A graceful restart with the one module in place of the other keeps mod_php's PHP, which stays in the process.
func TestApacheTakesOverFromModPHP(t *testing.T) {
	p := at(t)
	p.write("www/a.php", "<?php echo json_encode([PHP_SAPI, ini_get('child_terminate')]);")
	address, httpd := p.httpd(modPHP.mpm, "", modPHP.load+apacheHandler)
	wantBody(t, address, "/a.php", `["apache2handler",false]`)
	p.write("apache.conf", strings.Replace(p.log("apache.conf"), modPHP.load, inProcess.load, 1))
	for range 3 {
		if err := syscall.Kill(httpd.pid, syscall.SIGUSR1); err != nil {
			t.Fatal(err)
		}
		p.eventually("phpsapi answers", func() bool {
			said, _ := fetch(address, "/a.php")
			return said == `["apache2handler","0"]`
		})
	}
	if log := p.log("apache.log") + p.log("apache-error.log"); !strings.Contains(log, "has to wait until httpd is stopped and started") || strings.Contains(log, "exit signal") {
		t.Error(log)
	}
}

// A child that dies costs its request.
func TestApacheChildThatDies(t *testing.T) {
	p := at(t)
	p.write("www/pid.php", "<?php echo getmypid();")
	p.write("www/die.php", "<?php echo 'before'; flush(); posix_kill(getmypid(), 11); sleep(10);")
	address, _ := p.httpd(inProcess.mpm, "", inProcess.load+apacheHandler)
	for range 5 {
		if said, err := fetch(address, "/die.php"); err == nil {
			t.Errorf("an answer that was cut off is taken for whole: %q", said)
		}
		if said, err := fetch(address, "/pid.php"); err != nil || said == "" {
			t.Errorf("after a crash: %q, %v", said, err)
		}
	}
	p.eventually("httpd logs the crashes", func() bool {
		return strings.Count(p.log("apache-error.log"), "exit signal Segmentation fault (11)") == 5
	})
}

// httpd does not start with what cannot be, and says what to do instead.
func TestApacheRefusals(t *testing.T) {
	for _, test := range []struct{ name, mpm, load, want string }{
		{"a threaded MPM", "event", inProcess.load, "the MPM event has threads, and PHP is built without. Either leave PHP its processes, by `PHPSAPIMode pool`"},
		{"the other threaded MPM", "worker", inProcess.load, "the MPM worker has threads, and PHP is built without"},
		{"mod_php beside it", "prefork", modPHP.load + strings.Replace(inProcess.load, "php_module", "phpsapi_module", 1), "mod_php.c is loaded, too, and both are PHP"},
		{"both names", "prefork", inProcess.load + strings.Replace(inProcess.load, "php_module", "phpsapi_module", 1), "is loaded, too, and both are PHP"},
		{"a PHP that is not there", "prefork", inProcess.load + "PHPSAPIEngine 7.4\n", "PHPSAPIEngine 7.4: there is no libphp of that version"},
		{"a file that is no PHP", "prefork", inProcess.load + "PHPSAPIEngine /usr/lib/apache2/modules/mod_dir.so\n", "mod_dir.so: "},
		{"no file", "prefork", inProcess.load + "PHPSAPIEngine /nothing.so\n", "/nothing.so"},
		{"another mode", "prefork", inProcess.load + "PHPSAPIMode thread\n", "PHPSAPIMode is process or pool, and not thread"},
		{"two directories of php.ini", "prefork", inProcess.load + "PHPINIDir /a\nPHPINIDir /b\n", "PHPINIDir is /a already"},
		{"a mode for one host", "prefork", inProcess.load + "<VirtualHost *:*>\nPHPSAPIMode process\n</VirtualHost>\n", "PHPSAPIMode"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := at(t)
			p.give("apache")
			p.write("apache.conf", "LoadModule mpm_"+test.mpm+"_module /usr/lib/apache2/modules/mod_mpm_"+test.mpm+`.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
ServerRoot DIR/
ServerName localhost
Listen 127.0.0.1:1
PidFile DIR/apache/pid
DefaultRuntimeDir DIR/apache
ErrorLog DIR/apache-error.log
`+test.load)
			// Port 1 is not opened before the configuration is read.
			said, err := exec.Command("timeout", "20", "/usr/sbin/apache2", "-D", "FOREGROUND", "-f", p.path("apache.conf")).CombinedOutput()
			if text := string(said) + p.log("apache-error.log"); err == nil || !strings.Contains(text, test.want) {
				t.Errorf("%v, %s; want %q", err, text, test.want)
			}
		})
	}
}
