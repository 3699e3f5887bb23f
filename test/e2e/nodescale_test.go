//go:build e2e

package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	processes "github.com/phpsapi/phpsapi/test/serve"
)

// quotas are the processors that each node has.
var quotas = []string{"0.1", "0.2", "0.3"}

// scaleLength is how long each number of nodes is asked.
const scaleLength = 5 * time.Second

// TestNodesScale measures how many requests one, two and three nodes of packaging/deploy answer behind HAProxy, each with a part of a processor: docs/bench/nodes.md has
// figures. It asserts that all of the nodes answer, and nothing of speed.
func TestNodesScale(t *testing.T) {
	if out, err := docker(time.Minute, "version"); err != nil {
		t.Skipf("no Docker engine: %v\n%s", err, out)
	}
	dir := processes.Dir(t)
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, project: "phpsapi-e2e-scale-" + strings.ToLower(filepath.Base(dir)), address: processes.Address(t), environment: os.Environ()}
	of := func(name string) string { return c.project + "-" + name }
	t.Cleanup(func() {
		for _, name := range append([]string{"balancer"}, nodes...) {
			if t.Failed() {
				out, _ := docker(time.Minute, "logs", "--tail", "20", of(name))
				t.Log(out)
			}
			docker(time.Minute, "rm", "--force", of(name))
		}
		docker(time.Minute, "network", "rm", c.project)
		docker(time.Minute, "rmi", "--force", of("node"), of("haproxy"))
	})
	c.run(repository, "packaging/image", "-p", filepath.Join(ours, "phpsapi"), "-o", dir+"/image", of("node"))
	c.fromFiles(dir+"/haproxy", of("haproxy"), "/usr/sbin/haproxy", "haproxy", "-f", "/haproxy.cfg")
	if err := os.Mkdir(dir+"/public", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/public/index.php", []byte(`<?php for ($i = 0, $x = 0; $i < 60000; $i++) { $x += $i % 7; } echo gethostname();`), 0o644); err != nil {
		t.Fatal(err)
	}
	c.docker("network", "create", c.project)
	for _, node := range nodes {
		c.docker("run", "--detach", "--name", of(node), "--hostname", node, "--network", c.project, "--network-alias", node, "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL",
			"--env", "PHPSAPI_METRICS_LISTEN=0.0.0.0:9253", "--volume", dir+"/public:/srv/www/public:ro", of("node"))
	}
	c.docker("run", "--detach", "--name", of("balancer"), "--network", c.project, "--publish", c.address+":8080",
		"--volume", filepath.Join(repository, "packaging/deploy/haproxy.cfg")+":/haproxy.cfg:ro", of("haproxy"))
	for _, quota := range quotas {
		for n := 1; n <= len(nodes); n++ {
			for i, node := range nodes {
				c.docker("update", "--cpus", quota, of(node))
				if i < n {
					c.docker("start", of(node))
				} else {
					c.docker("stop", "--time", "20", of(node))
				}
			}
			c.answeredBy(n)
			t.Logf("%d nodes of %s processors: %.0f requests/s", n, quota, c.rate())
		}
	}
}

// answeredBy waits until so many nodes answer, and no other.
func (c *cluster) answeredBy(n int) {
	c.t.Helper()
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		seen := map[string]bool{}
		for range 4 * len(nodes) {
			if status, body, err := get(client, "http://"+c.address+"/"); err == nil && status == http.StatusOK {
				seen[body] = true
			}
		}
		if len(seen) == n {
			return
		}
		if time.Now().After(deadline) {
			c.t.Fatalf("%v answer, and %d nodes are to", seen, n)
		}
	}
}

// rate has the clients ask, and returns how many requests a second were answered.
func (c *cluster) rate() float64 {
	var answered atomic.Int64
	var all sync.WaitGroup
	until := time.Now().Add(scaleLength)
	for range clients {
		all.Go(func() {
			client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for time.Now().Before(until) {
				if status, _, err := get(client, "http://"+c.address+"/"); err == nil && status == http.StatusOK && time.Now().Before(until) {
					answered.Add(1)
				}
			}
		})
	}
	all.Wait()
	return float64(answered.Load()) / scaleLength.Seconds()
}
