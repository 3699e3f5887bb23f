//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	processes "github.com/phpsapi/phpsapi/test/serve"
)

// A cluster is what packaging/deploy/compose.yaml runs, in a Docker network of its own.
type cluster struct {
	t           *testing.T
	project     string
	environment []string
	address     string
}

// TestThreeNodes has 16 clients ask three nodes behind HAProxy, whose sessions are in Redis, while the nodes are upgraded one by one, and
// one is killed, cut off, and started again. Each client counts in its session: a count that goes back is a session that was lost.
func TestThreeNodes(t *testing.T) {
	if out, err := docker(time.Minute, "version"); err != nil {
		t.Skipf("no Docker engine: %v\n%s", err, out)
	}
	c := startCluster(t)
	c.load("nothing happens", 0, func() { time.Sleep(2 * time.Second) })
	c.load("all nodes are upgraded, one by one", 0, func() {
		for _, node := range nodes {
			c.compose("up", "--detach", "--no-deps", "--force-recreate", "--timeout", "20", node)
			c.ready(node)
		}
	})
	c.load("a node is killed, and started again", clients, func() {
		c.docker("kill", c.container("node2"))
		time.Sleep(3 * time.Second)
		c.docker("start", c.container("node2"))
		c.ready("node2")
	})
	c.load("a node is cut off, and comes back", clients, func() {
		c.docker("network", "disconnect", c.project+"_default", c.container("node3"))
		time.Sleep(8 * time.Second)
		c.docker("network", "connect", "--alias", "node3", c.project+"_default", c.container("node3"))
		c.ready("node3")
	})
	c.load("a node is stopped, and started again", 0, func() {
		c.docker("stop", "--time", "20", c.container("node1"))
		c.docker("start", c.container("node1"))
		c.ready("node1")
	})
}

const clients = 16

var nodes = []string{"node1", "node2", "node3"}

const nodeScript = `<?php
session_start();
usleep(5000);
$_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;
echo gethostname(), ' ', $_SESSION['n'], ' ', $_SERVER['REMOTE_ADDR'];`

func startCluster(t *testing.T) *cluster {
	t.Helper()
	dir := processes.Dir(t)
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, project: "phpsapi" + strings.ToLower(regexp.MustCompile(`\W`).ReplaceAllString(filepath.Base(dir), "")), address: processes.Address(t)}
	image := func(name string) string { return c.project + "-" + name }
	c.environment = append(os.Environ(), "PHPSAPI_IMAGE="+image("node"), "REDIS_IMAGE="+image("redis"), "HAPROXY_IMAGE="+image("haproxy"),
		"HAPROXY_CONFIG="+filepath.Join(repository, "packaging/deploy/haproxy.cfg"), "PUBLISH="+c.address, "COMPOSE_PROJECT_NAME="+c.project)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.tryCompose("logs", "--tail", "30"))
		}
		if out := c.tryCompose("down", "--volumes", "--timeout", "1"); strings.Contains(out, "rror") {
			t.Log(out)
		}
		docker(time.Minute, "rmi", "--force", image("node"), image("redis"), image("haproxy"))
	})
	c.run(repository, "packaging/image", "-p", filepath.Join(ours, "phpsapi"), "-o", dir+"/image", "-e", "igbinary,redis", image("node"))
	c.fromFiles(dir+"/redis", image("redis"), "/usr/bin/redis-server", "redis-server")
	c.fromFiles(dir+"/haproxy", image("haproxy"), "/usr/sbin/haproxy", "haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg")
	if err := os.Mkdir(dir+"/public", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/public/index.php", []byte(nodeScript), 0o644); err != nil {
		t.Fatal(err)
	}
	c.project = strings.TrimSpace(c.project)
	c.environment = append(c.environment, "COMPOSE_FILE="+filepath.Join(repository, "packaging/deploy/compose.yaml"), "PROJECT_DIRECTORY="+dir)
	c.compose("up", "--detach")
	for _, node := range nodes {
		c.ready(node)
	}
	return c
}

// fromFiles makes an image of a program of this machine and its libraries.
func (c *cluster) fromFiles(dir, name, program string, command ...string) {
	c.t.Helper()
	libraries, err := exec.Command("ldd", program).Output()
	if err != nil {
		c.t.Fatalf("%s: %v; make deps-e2e installs it", program, err)
	}
	files := []string{program}
	for _, match := range regexp.MustCompile(`(/\S+) \(0x`).FindAllStringSubmatch(string(libraries), -1) {
		files = append(files, match[1])
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		c.t.Fatal(err)
	}
	c.run("/", "tar", append([]string{"--dereference", "-cf", dir + "/root.tar"}, files...)...)
	quoted := `"` + strings.Join(append([]string{program}, command[1:]...), `", "`) + `"`
	dockerfile := "FROM scratch\nADD root.tar /\nWORKDIR /\nCMD [" + quoted + "]\n"
	// What compose.yaml executes by its name is looked for in PATH.
	dockerfile += "ENV PATH=/usr/bin:/usr/sbin\n"
	if err := os.WriteFile(dir+"/Dockerfile", []byte(dockerfile), 0o644); err != nil {
		c.t.Fatal(err)
	}
	c.docker("build", "--quiet", "--network", "none", "--tag", name, dir)
}

func (c *cluster) run(dir, name string, arguments ...string) string {
	c.t.Helper()
	cmd := exec.Command(name, arguments...)
	cmd.Dir, cmd.Env = dir, c.environment
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s %q: %v\n%s", name, arguments, err, out)
	}
	return string(out)
}

func (c *cluster) docker(arguments ...string) string {
	c.t.Helper()
	out, err := docker(2*time.Minute, arguments...)
	if err != nil {
		c.t.Fatalf("docker %q: %v\n%s", arguments, err, out)
	}
	return strings.TrimSpace(out)
}

// composeArguments are those of docker-compose before its command.
func (c *cluster) composeArguments(arguments []string) []string {
	dir := ""
	for _, variable := range c.environment {
		if value, ok := strings.CutPrefix(variable, "PROJECT_DIRECTORY="); ok {
			dir = value
		}
	}
	return append([]string{"--project-directory", dir}, arguments...)
}

func (c *cluster) compose(arguments ...string) {
	c.t.Helper()
	c.run("/", "docker-compose", c.composeArguments(arguments)...)
}

func (c *cluster) tryCompose(arguments ...string) string {
	cmd := exec.Command("docker-compose", c.composeArguments(arguments)...)
	cmd.Env = c.environment
	out, _ := cmd.CombinedOutput()
	return string(out)
}

// container returns the name of a service's container.
func (c *cluster) container(service string) string {
	c.t.Helper()
	return c.docker("ps", "--all", "--quiet", "--filter", "label=com.docker.compose.project="+c.project, "--filter", "label=com.docker.compose.service="+service)
}

// ready waits until HAProxy sends requests to a node.
func (c *cluster) ready(node string) {
	c.t.Helper()
	host := ""
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if host == "" {
			host = c.docker("inspect", "--format", "{{.Config.Hostname}}", c.container(node))
		}
		status, body, err := get(&http.Client{Timeout: 5 * time.Second}, "http://"+c.address+"/")
		if err == nil && status == http.StatusOK && strings.HasPrefix(body, host+" ") {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%s, which is %s, gets no requests: %d %v %.300s", node, host, status, err, body)
		}
	}
}

func get(client *http.Client, url string) (int, string, error) {
	response, err := client.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// load has clients ask while something happens. No more requests may be lost than the test allows, and no session.
func (c *cluster) load(what string, allowed int64, happens func()) {
	c.t.Helper()
	var requests, lost, slowest atomic.Int64
	var first sync.Map
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			jar, _ := cookiejar.New(nil)
			client := &http.Client{Jar: jar, Timeout: 30 * time.Second}
			n := 0
			for {
				select {
				case <-stop:
					return
				default:
				}
				began := time.Now()
				status, body, err := get(client, "http://"+c.address+"/")
				if took := time.Since(began).Milliseconds(); took > slowest.Load() {
					slowest.Store(took)
				}
				requests.Add(1)
				if err != nil || status != http.StatusOK {
					lost.Add(1)
					first.LoadOrStore("lost", fmt.Sprintf("%d %v %.200s", status, err, body))
					continue
				}
				var host, address string
				var count int
				if _, err := fmt.Sscan(body, &host, &count, &address); err != nil || count <= n {
					first.LoadOrStore("session", fmt.Sprintf("after %d: %q", n, body))
					lost.Add(1)
				}
				n = count
			}
		})
	}
	happens()
	close(stop)
	all.Wait()
	c.t.Logf("%s: %d requests, %d lost, the slowest %d ms", what, requests.Load(), lost.Load(), slowest.Load())
	if lost.Load() > allowed || requests.Load() < 10*clients {
		why, _ := first.Load("lost")
		session, _ := first.Load("session")
		c.t.Errorf("%s: %d of %d requests were lost, %d may be: %v; %v", what, lost.Load(), requests.Load(), allowed, why, session)
	}
}
