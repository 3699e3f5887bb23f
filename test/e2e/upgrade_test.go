//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	processes "github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// In a container of Docker the service is process 1: an upgrade keeps it, and the container. Its file system has this machine's programs,
// and nothing else.
func TestUpgradeInADockerContainer(t *testing.T) {
	web := http.Client{Timeout: 20 * time.Second}
	docker := func(input []byte, arguments ...string) (string, error) {
		c := exec.Command("docker", arguments...)
		c.Stdin = bytes.NewReader(input)
		out, err := c.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	if out, err := docker(nil, "version"); err != nil {
		t.Skipf("no Docker: %v\n%s", err, out)
	}
	dir := processes.Dir(t)
	name := "phpsapi-" + filepath.Base(dir)
	if out, err := docker(make([]byte, 1024), "import", "-", name); err != nil { // an empty archive
		t.Fatalf("%v\n%s", err, out)
	}
	t.Cleanup(func() {
		docker(nil, "rm", "--force", name)
		docker(nil, "rmi", "--force", name)
	})
	text, err := os.ReadFile(filepath.Join(ours, "php-fpm"))
	if err != nil {
		t.Fatal(err)
	}
	install := func(more string) {
		t.Helper()
		if err := os.WriteFile(dir+"/phpsapi.new", append(bytes.Clone(text), more...), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(dir+"/phpsapi.new", dir+"/phpsapi"); err != nil {
			t.Fatal(err)
		}
	}
	install("")
	if err := os.WriteFile(dir+"/index.php", []byte("<?php usleep(5000); echo 'index ', posix_getppid() > 1;"), 0o644); err != nil {
		t.Fatal(err)
	}
	address := processes.Address(t)
	arguments := []string{"run", "--detach", "--name", name, "--network", "host"}
	for _, own := range []string{"/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc"} {
		if _, err := os.Stat(own); err == nil {
			arguments = append(arguments, "--volume", own+":"+own+":ro")
		}
	}
	arguments = append(arguments, "--volume", dir+":"+dir, "--tmpfs", "/tmp", "--tmpfs", "/run", name, dir+"/phpsapi", "fpm", "-F", "-R",
		"--http", address, "--root", dir)
	if out, err := docker(nil, arguments...); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	logged := func() string { out, _ := docker(nil, "logs", name); return out }
	defer func() {
		if t.Failed() {
			t.Log(logged())
		}
	}()
	get := func() error {
		r, err := web.Get("http://" + address + "/")
		if err != nil {
			return err
		}
		defer r.Body.Close()
		var body bytes.Buffer
		if _, err := body.ReadFrom(r.Body); err != nil || r.StatusCode != 200 || body.String() != "index 1" {
			return fmt.Errorf("%d %q, %v", r.StatusCode, body.String(), err)
		}
		return nil
	}
	wait.Until(t, "it serves", func() bool { return get() == nil })

	var stop atomic.Bool
	var clients sync.WaitGroup
	var asked atomic.Int64
	for range 4 {
		clients.Go(func() {
			for !stop.Load() {
				if err := get(); err != nil {
					t.Error(err)
					return
				}
				asked.Add(1)
			}
		})
	}
	for i, how := range [][]string{{"exec", name, dir + "/phpsapi", "fpm", "upgrade", "--master", "1"}, {"kill", "--signal", "USR2", name}} {
		install(fmt.Sprint("version ", i))
		if out, err := docker(nil, how...); err != nil {
			t.Errorf("%v: %v\n%s", how, err, out)
		}
		wait.Until(t, "it is upgraded", func() bool { return strings.Count(logged(), "NOTICE: upgraded from phpsapi ") == i+1 })
		time.Sleep(200 * time.Millisecond) // the clients continue
	}
	stop.Store(true)
	clients.Wait()
	t.Logf("%d requests", asked.Load())
	if n := strings.Count(logged(), "NOTICE: fpm is running, pid 1\n"); n != 3 {
		t.Errorf("%d times running as process 1", n)
	}
	if out, err := docker(nil, "exec", name, dir+"/phpsapi", "fpm", "stop", "--master", "1"); err != nil && !strings.Contains(out, "stopped") {
		t.Logf("stop: %v, %s", err, out) // the command is in the container that ends
	}
	wait.Until(t, "the container has ended", func() bool {
		out, _ := docker(nil, "inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", name)
		return out == "exited 0"
	})
}
