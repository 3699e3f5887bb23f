package front

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// blocking is an application each of whose pages waits until a file is there, but for /?quick.
func blocking(t *testing.T) (dir, release string) {
	t.Helper()
	dir = serve.Dir(t)
	release = filepath.Join(serve.Dir(t), "release")
	wait := "$until = microtime(true) + 20; while (!file_exists('" + release + "') && microtime(true) < $until) { usleep(1000); clearstatcache(); }"
	files.Write(t, filepath.Join(dir, "index.php"), "<?php while (frankenphp_handle_request(function () { if (!isset($_GET['quick'])) { "+wait+" } echo 'worker script'; }));")
	files.Write(t, filepath.Join(dir, "slow.php"), "<?php "+wait+" echo 'slow';")
	files.Write(t, filepath.Join(dir, "other.php"), "<?php echo 'other';")
	return dir, release
}

// accepted is how many connections the workers of a pool have taken, and how many of them are busy.
func (s *service) accepted(pool string) (connections uint64, busy int) {
	s.T.Helper()
	var report control.Report
	s.Tell(&report, "status")
	for _, raw := range report.Generations[0].Pools {
		var p control.Pool
		if err := json.Unmarshal(raw, &p); err == nil && p.Name == pool {
			return p.Accepted, p.Active
		}
	}
	s.T.Fatalf("no pool %s in %+v", pool, report)
	return 0, 0
}

// Requests for other scripts waited for a worker of the worker script, to be handed on, and those that ran for long kept requests
// for the worker script out of the front.
func TestScriptsAndWorkerScriptDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	for _, direct := range []string{"auto", "off"} {
		for _, blocked := range []string{"/", "/slow.php"} {
			t.Run(direct+blocked, func(t *testing.T) {
				t.Parallel()
				dir, release := blocking(t)
				address := serve.Address(t)
				s := start(t, address, []string{"PHPSAPI_HTTP_DIRECT=" + direct}, "-F", "--worker", filepath.Join(dir, "index.php"), "--http", address,
					"--set", "www.pm.max_children=2", "--set", "www.worker.processes=2")
				pool := map[string]string{"/": "www", "/slow.php": "www_scripts"}[blocked]
				var clients sync.WaitGroup
				for range 5 {
					clients.Go(func() {
						client := &http.Client{Timeout: 60 * time.Second}
						r, err := client.Get(s.URL(blocked))
						if err != nil {
							t.Error(err)
							return
						}
						if r.Body.Close(); r.StatusCode != 200 {
							t.Errorf("%s: %d", blocked, r.StatusCode)
						}
					})
				}
				wait.Until(t, "both workers being busy", func() bool {
					_, busy := s.accepted(pool)
					return busy == 2
				})
				for range 5 {
					if blocked == "/" {
						s.want("/other.php", 200, "other")
					} else {
						s.want("/?quick", 200, "worker script")
					}
				}
				if _, busy := s.accepted(pool); busy != 2 {
					t.Errorf("%d workers were busy", busy)
				}
				files.Write(t, release, "")
				clients.Wait()
			})
		}
	}
}

// Where the front accepts, no worker of the worker script sees a request for another script, by whatever link it comes.
func TestFrontSendsOtherScriptsPastTheWorkerScript(t *testing.T) {
	t.Parallel()
	dir := serve.Dir(t)
	for _, release := range []string{"1", "2"} {
		if err := os.Mkdir(filepath.Join(dir, release), 0o755); err != nil {
			t.Fatal(err)
		}
		setApplication(t, filepath.Join(dir, release), "v"+release, "")
		files.Write(t, filepath.Join(dir, release, "other.php"), "<?php echo 'other "+release+"';")
	}
	link := func(to string) {
		os.Remove(filepath.Join(dir, "next"))
		if err := os.Symlink(to, filepath.Join(dir, "next")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "next"), filepath.Join(dir, "current")); err != nil {
			t.Fatal(err)
		}
	}
	link("1")
	address := serve.Address(t)
	s := start(t, address, []string{"PHPSAPI_HTTP_DIRECT=off"}, "-F", "--worker", filepath.Join(dir, "current", "index.php"), "--http", address,
		"--set", "www.worker.processes=1")
	for range 10 {
		s.want("/other.php", 200, "other 1")
	}
	if n, _ := s.accepted("www"); n != 0 {
		t.Errorf("the workers of the worker script have taken %d connections", n)
	}
	s.want("/", 200, "v1 ")
	s.want("/current", 200, "v1 ")
	link("2") // and the reload is still to come
	s.want("/other.php", 200, "other 2")
	s.want("/", 200, "v1 ")
	if out, status := s.Operate("reload"); status != 0 {
		t.Errorf("status %d\n%s", status, out)
	}
	s.want("/", 200, "v2 ")
	s.want("/other.php", 200, "other 2")
}

// What such a script logged stood there twice: once by its worker, and once by the front, which the worker had told it.
func TestMessageOfAnotherScriptIsLoggedOnce(t *testing.T) {
	t.Parallel()
	dir := application(t, "v1", "")
	files.Write(t, filepath.Join(dir, "log.php"), "<?php error_log('said once'); echo 'logged';")
	s := serveApplication(t, dir)
	s.want("/log.php", 200, "logged")
	s.said(`\[pool www_scripts\] request \w+: PHP message: said once`, 1)
	s.Stop()
	if n := strings.Count(s.Log(), "said once"); n != 1 {
		t.Errorf("it is there %d times", n)
	}
}
