//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	processes "github.com/phpsapi/phpsapi/test/serve"
)

// The image that packaging/image makes of this machine's PHP.
func TestContainerImage(t *testing.T) {
	testImage(t, filepath.Join(ours, "phpsapi"), "host")
}

// The image that packaging/image makes of the program with PHP inside, without a network.
func TestContainerImageOfTheSingleFile(t *testing.T) {
	testImage(t, single(t), "none")
}

// testImage makes an image of a program. It must have what PHP needs, run without rights in a file system that cannot be written, and finish its requests
// when it is stopped. The network is the container's: host or none.
func testImage(t *testing.T, program, network string) {
	if out, err := docker(time.Minute, "version"); err != nil {
		t.Skipf("no Docker engine: %v\n%s", err, out)
	}
	dir := processes.Dir(t)
	name := "phpsapi-e2e-image-" + filepath.Base(dir)
	t.Cleanup(func() {
		if t.Failed() {
			out, _ := docker(time.Minute, "logs", name)
			t.Log(out)
		}
		docker(time.Minute, "rm", "--force", name)
		docker(time.Minute, "rmi", "--force", name)
	})
	do := func(arguments ...string) string {
		t.Helper()
		out, err := docker(2*time.Minute, arguments...)
		if err != nil {
			t.Fatalf("docker %q: %v\n%s", arguments, err, out)
		}
		return out
	}
	build := exec.Command("packaging/image", "-p", program, "-o", dir+"/image", name)
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.Mkdir(dir+"/public", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/public/index.php", []byte(`<?php
session_start();
$_SESSION['n'] = 1;
if (isset($_GET['slow'])) {
	sleep(2);
}
echo json_encode([
	'user' => posix_getpwuid(posix_getuid())['name'],
	'written' => @file_put_contents('/srv/www/x', 'x'),
	'temporary' => file_put_contents(tempnam('', 'e2e'), 'x'),
	'zone' => (new DateTime('2026-01-01', new DateTimeZone('Europe/Berlin')))->format('T'),
	'big5' => bin2hex(iconv('UTF-8', 'BIG5', "\u{4e00}")),
	'locale' => setlocale(LC_CTYPE, 'C.UTF-8'),
	'host' => gethostbyname('localhost'),
	'opcache' => opcache_get_status(false)['opcache_enabled'],
]);`), 0o644); err != nil {
		t.Fatal(err)
	}
	address := processes.Address(t)
	began := time.Now()
	do("run", "--detach", "--name", name, "--read-only", "--tmpfs", "/tmp", "--tmpfs", "/var/lib/php/sessions:uid=33,mode=0700", "--cap-drop", "ALL",
		"--security-opt", "no-new-privileges", "--network", network, "--volume", dir+"/public:/srv/www/public:ro", name,
		"fpm", "--nodaemonize", "--http", address, "--root", "/srv/www/public")
	web := http.Client{Timeout: 20 * time.Second}
	get := func(path string) string {
		if network == "none" {
			out, err := docker(time.Minute, "exec", name, "phpsapi", "cli", "-r",
				`$body = @file_get_contents($argv[1], false, stream_context_create(['http' => ['ignore_errors' => true]])); echo substr($http_response_header[0] ?? '', 9, 4), $body;`,
				"http://"+address+path)
			return fmt.Sprint(strings.TrimSpace(out), err)
		}
		r, err := web.Get("http://" + address + path)
		if err != nil {
			return err.Error()
		}
		defer r.Body.Close()
		body, err := io.ReadAll(r.Body)
		return fmt.Sprint(r.StatusCode, " ", string(body), err)
	}
	const want = `200 {"user":"www-data","written":false,"temporary":1,"zone":"CET","big5":"a440","locale":"C.UTF-8","host":"127.0.0.1","opcache":true}<nil>`
	for !strings.HasPrefix(get("/"), "200 ") {
		if time.Since(began) > time.Minute {
			t.Fatal("it does not serve")
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Logf("%v from docker run to the first answer; the image has %s bytes", time.Since(began).Round(time.Millisecond), do("image", "inspect", "--format", "{{.Size}}", name))
	if got := get("/"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	here, err := exec.Command(program, "fpm", "-m").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, called := range []string{"php-fpm", "php-cgi", "php"} {
		modules := strings.Split(do("exec", name, called, "-m"), "\n")
		for module := range strings.Lines(string(here)) {
			if module = strings.TrimSpace(module); !slices.Contains(modules, module) && (called != "php" || module != "cgi-fcgi") {
				t.Errorf("the image's %s has no %s", called, module)
			}
		}
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
		health := do("inspect", "--format", "{{.State.Health.Status}}", name)
		if health == "healthy" {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("after a minute the container is %s", health)
			break
		}
	}
	if states := do("cp", name+":/var/lib/dpkg/status.d", dir+"/status.d"); states != "" {
		t.Log(states)
	}
	for _, packaged := range []string{"libc6", "libssl3"} {
		if _, err := os.Stat(dir + "/status.d/" + packaged); err != nil {
			t.Errorf("it does not say that it has files of %s: %v", packaged, err)
		}
	}

	slow := make(chan string)
	go func() { slow <- get("/?slow") }()
	time.Sleep(500 * time.Millisecond) // the request has begun
	do("stop", name)
	if got := <-slow; got != want {
		t.Errorf("a request while it was stopped: %s", got)
	}
	if status := do("inspect", "--format", "{{.State.ExitCode}}", name); status != "0" {
		t.Errorf("it ended with status %s", status)
	}
	if log := do("logs", name); strings.Contains(log, "WARNING") || strings.Contains(log, "ERROR") {
		t.Errorf("it logs\n%s", log)
	}
}
