package observe

import (
	"context"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

func TestMain(m *testing.M) { os.Exit(serve.Main(m, nil)) }

// scripts are the site of all tests.
var scripts = map[string]string{
	"index.php": `<?php echo "index";`,
	"code.php":  `<?php http_response_code((int)$_GET["code"]); echo "code";`,
	"sleep.php": `<?php usleep(1000 * (int)$_GET["ms"]); echo "slept";`,
	"slow.php":  `<?php echo "x"; while (ob_get_level()) ob_end_flush(); flush(); usleep(300000); echo "y";`,
	"kill.php":  `<?php posix_kill(getmypid(), 11); sleep(5);`,
}

// service is a running phpsapi fpm with an observer.
type service struct {
	*serve.Service
	metrics string // the observer's URL
}

// start runs a service with two workers, more lines of php-fpm.conf for the pool, and options.
func start(t *testing.T, pool string, options ...string) *service {
	t.Helper()
	s := &service{Service: serve.NewService(t), metrics: "http://" + serve.Address(t)}
	s.HTTP = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	s.Ready = []string{"ready to handle", "[observer] process "}
	files.Fill(t, s.Dir, scripts)
	s.Write("php-fpm.conf", serve.FPMConf(s.Dir, "", "pm = static\npm.max_children = 2\n"+pool))
	s.settle(s.metrics)
	s.Start(append([]string{"-O"}, options...)...)
	return s
}

// settle writes phpsapi.yaml with an address for metrics.
func (s *service) settle(metrics string) {
	s.T.Helper()
	s.Write("phpsapi.yaml", fmt.Sprintf("http:\n  listen: [%q]\n  root: %q\nmetrics:\n  listen: [%q]\n",
		s.Address, s.Dir, strings.TrimPrefix(metrics, "http://")))
}

// ask asks for a page and returns its status and text; 0: there was none.
func (s *service) ask(url string) (int, string) { return serve.Ask(s.HTTP, url) }

// page is the page of metrics.
func (s *service) page() string {
	s.T.Helper()
	status, text := s.ask(s.metrics + "/metrics")
	if status != 200 {
		s.T.Fatalf("no metrics: %d %s", status, text)
	}
	return text
}

// value is that of a sample, by its name and labels; -1: there is none.
func (s *service) value(sample string) float64 {
	s.T.Helper()
	return serve.Sample(s.page(), sample)
}

// expect waits until a sample has a value.
func (s *service) expect(sample string, want float64) {
	s.T.Helper()
	last := 0.0
	if err := s.WaitFor(10*time.Second, func() bool { last = s.value(sample); return last == want }); err != nil {
		s.T.Errorf("%s: got %v, want %v", sample, last, want)
	}
}

// observer is the pid of the observer; 0: there is none.
func (s *service) observer() int {
	if all := s.Titled(contract.ObserverTitle); len(all) == 1 {
		return all[0]
	}
	return 0
}

func TestStuckWorkersKeepNobodyFromMetrics(t *testing.T) {
	s := start(t, "")
	wait.Until(t, "the pool is ready", func() bool { status, _ := s.ask(s.metrics + "/readyz"); return status == 200 })
	for range 5 {
		go s.ask(s.URL("/sleep.php?ms=8000"))
	}
	s.expect(`phpsapi_pool_workers{pool="www",generation="1",state="active"}`, 2)
	s.expect(`phpsapi_pool_workers{pool="www",generation="1",state="idle"}`, 0)
	if status, text := s.ask(s.metrics + "/readyz"); status != 200 || text != "ok\npool www: ready\n" {
		t.Errorf("busy is not unready: got %d %q", status, text)
	}
	for _, path := range []string{"/livez", "/startupz"} {
		if status, text := s.ask(s.metrics + path); status != 200 || text != "ok\n" {
			t.Errorf("%s: got %d %q", path, status, text)
		}
	}
}

func TestRequestsAreCountedAsTheyAreAnswered(t *testing.T) {
	s := start(t, "pm.status_path = /status\n")
	for code, n := range map[int]int{200: 3, 201: 1, 302: 2, 404: 2, 503: 1} {
		for range n {
			if status, _ := s.ask(fmt.Sprintf("%s?code=%d", s.URL("/code.php"), code)); status != code && code != 302 {
				t.Errorf("got %d, want %d", status, code)
			}
		}
	}
	if status, text := s.ask(s.URL("/slow.php")); status != 200 || text != "xy" {
		t.Fatalf("got %d %q", status, text)
	}
	r, err := s.HTTP.Post(s.URL("/index.php"), "text/plain", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	const www = `{pool="www",generation="1"`
	for sample, want := range map[string]float64{
		`phpsapi_pool_requests_total` + www + `,method="GET",status="2xx"}`:  5,
		`phpsapi_pool_requests_total` + www + `,method="GET",status="3xx"}`:  2,
		`phpsapi_pool_requests_total` + www + `,method="GET",status="4xx"}`:  2,
		`phpsapi_pool_requests_total` + www + `,method="GET",status="5xx"}`:  1,
		`phpsapi_pool_requests_total` + www + `,method="POST",status="2xx"}`: 1,
		`phpsapi_pool_responses_total` + www + `,code="201"}`:                1,
		`phpsapi_pool_responses_total` + www + `,code="503"}`:                1,
		`phpsapi_pool_responses_total` + www + `,code="500"}`:                -1,
		`phpsapi_pool_request_duration_seconds_count` + www + `}`:            11,
		`phpsapi_pool_request_first_byte_seconds_count` + www + `}`:          11,
		`phpsapi_pool_request_memory_bytes_count` + www + `}`:                11,
	} {
		s.expect(sample, want)
	}
	duration, first := s.value(`phpsapi_pool_request_duration_seconds_sum`+www+`}`), s.value(`phpsapi_pool_request_first_byte_seconds_sum`+www+`}`)
	if duration < 0.3 || duration-first < 0.29 {
		t.Errorf("a request has slept for 0.3 s after its first byte: durations are %v s in all, and first bytes come after %v s", duration, first)
	}
	if _, page := s.ask(s.URL("/status?openmetrics")); !strings.Contains(page, "phpfpm_accepted_connections ") {
		t.Errorf("php-fpm's own metrics: got %q", page)
	}
}

// Opcache is looked at if somebody wants to know of it, after a request, and so is APCu where it is installed: PHPSAPI_APCU names an apcu.so.
func TestCachesAreTold(t *testing.T) {
	var options []string
	if apcu := os.Getenv("PHPSAPI_APCU"); apcu != "" {
		options = []string{"-d", "extension=" + apcu, "-d", "apc.enabled=1"}
	}
	s := start(t, "php_admin_value[opcache.restrict_api] = /nowhere\n", append(options, "-d", "opcache.enable=1", "-d", "opcache.file_update_protection=0")...)
	const engine = `{generation="1",engine="1"`
	s.ask(s.URL("/index.php"))
	if page := s.page(); strings.Contains(page, "phpsapi_opcache_") || !strings.Contains(page, `php="8.`) || !strings.Contains(page, `,engine="1"} 1`) {
		t.Errorf("nobody has asked before:\n%s", page)
	}
	code := func() { s.ask(s.URL("/code.php?code=200")) }
	time.Sleep(1100 * time.Millisecond) // a worker that has looked at once, when it was asked, looks again after a second
	code()
	s.expect("phpsapi_opcache_scripts"+engine+"}", 2)
	for sample, want := range map[string]float64{
		"phpsapi_opcache_misses_total" + engine + "}":                  2,
		"phpsapi_opcache_hits_total" + engine + "}":                    0,
		"phpsapi_opcache_full" + engine + "}":                          0,
		"phpsapi_opcache_restart_pending" + engine + "}":               0,
		"phpsapi_opcache_restarts_total" + engine + `,reason="reset"}`: 0,
		"phpsapi_opcache_memory_bytes" + engine + `,state="wasted"}`:   0,
	} {
		s.expect(sample, want)
	}
	used, free := s.value("phpsapi_opcache_memory_bytes"+engine+`,state="used"}`), s.value("phpsapi_opcache_memory_bytes"+engine+`,state="free"}`)
	if used < 1<<20 || free < 1<<20 {
		t.Errorf("opcache has used %v bytes, and %v are free", used, free)
	}
	if read := s.value("phpsapi_caches_read_timestamp_seconds" + engine + "}"); math.Abs(read-float64(time.Now().UnixMilli())/1e3) > 10 {
		t.Errorf("they were read at %v", read)
	}
	wait.Until(t, "another look at opcache, which comes after a second", func() bool {
		code()
		return s.value("phpsapi_opcache_hits_total"+engine+"}") >= 2
	})
	if options == nil {
		if page := s.page(); strings.Contains(page, "phpsapi_apcu_") {
			t.Errorf("there is no APCu:\n%s", page)
		}
		return
	}
	s.Write("apcu.php", `<?php usleep(1100000); apcu_store("k", 1); apcu_fetch("k"); apcu_fetch("other"); echo "done";`)
	s.ask(s.URL("/apcu.php"))
	s.expect("phpsapi_apcu_entries"+engine+"}", 1)
	s.expect("phpsapi_apcu_hits_total"+engine+"}", 1)
	s.expect("phpsapi_apcu_misses_total"+engine+"}", 1)
	s.expect("phpsapi_apcu_inserts_total"+engine+"}", 1)
}

func TestReloadsAndCrashesAreCounted(t *testing.T) {
	s := start(t, "")
	s.ask(s.URL("/index.php"))
	s.ask(s.URL("/kill.php"))
	s.expect(`phpsapi_pool_workers_ended_total{pool="www",generation="1",reason="crash"}`, 1)
	s.expect(`phpsapi_incidents_total{kind="crash"}`, 1)
	s.expect(`phpsapi_pool_workers_started_total{pool="www",generation="1"}`, 3)
	before := s.observer()
	s.Signal(syscall.SIGUSR2)
	s.expect(`phpsapi_reloads_total{outcome="succeeded"}`, 1)
	s.expect(`phpsapi_generation_info{generation="2",state="serving"}`, 1)
	s.expect(`phpsapi_generation_info{generation="1",state="retiring"}`, -1)
	s.expect(`phpsapi_incidents_total{kind="crash"}`, 1)
	wait.Until(t, "another observer, and no other", func() bool { now := s.observer(); return now != 0 && now != before })
	s.Write("php-fpm.conf", "nonsense\n")
	s.Signal(syscall.SIGUSR2)
	s.expect(`phpsapi_reloads_total{outcome="failed"}`, 1)
	s.expect(`phpsapi_last_reload_success`, 0)
}

func TestAnObserverThatDiesIsReplaced(t *testing.T) {
	s := start(t, "")
	for n := range 2 {
		pid := 0
		wait.Until(t, "an observer", func() bool { pid = s.observer(); return pid != 0 })
		syscall.Kill(pid, syscall.SIGKILL)
		wait.Until(t, "another observer", func() bool { now := s.observer(); return now != 0 && now != pid })
		s.expect(`phpsapi_process_replacements_total{process="observer"}`, float64(n+1))
	}
	if !strings.Contains(s.Log(), "exited on signal 9 (SIGKILL)") {
		t.Error("its end is not logged")
	}
}

func TestMetricsMoveWithAReload(t *testing.T) {
	s := start(t, "")
	before := s.metrics
	s.metrics = "http://" + serve.Address(t)
	s.settle(s.metrics)
	s.Signal(syscall.SIGUSR2)
	wait.Until(t, "metrics at the new address", func() bool { status, _ := s.ask(s.metrics + "/readyz"); return status == 200 })
	wait.Until(t, "nobody at the old one", func() bool { status, _ := s.ask(before + "/readyz"); return status == 0 })
	path := s.Path("metrics.sock")
	s.settle("unix:" + path)
	s.Signal(syscall.SIGUSR2)
	client := http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", path) }}}
	wait.Until(t, "metrics at a unix socket", func() bool {
		r, err := client.Get("http://metrics/metrics")
		if err == nil {
			r.Body.Close()
		}
		return err == nil && r.StatusCode == 200
	})
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("the socket: %v, %v", info, err)
	}
}

func TestTheListenQueueOfAUnixSocketIsTold(t *testing.T) {
	s := start(t, "listen.backlog = 7\n")
	s.expect(`phpsapi_pool_listen_queue_limit{pool="www",generation="1"}`, 7)
	for range 2 {
		go s.ask(s.URL("/sleep.php?ms=6000"))
	}
	s.expect(`phpsapi_pool_workers{pool="www",generation="1",state="active"}`, 2)
	for range 3 {
		serve.Dial(t, "unix", serve.Socket(s.Dir))
	}
	s.expect(`phpsapi_pool_listen_queue{pool="www",generation="1"}`, 3)
}

func TestWrongSettingsAreErrorsOfTheStart(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := files.Make(t, scripts)
	for listen, want := range map[string]string{
		taken.Addr().String():             "phpsapi.yaml:2: metrics.listen: " + taken.Addr().String() + ": address already in use",
		"unix:/nowhere/at/all/m.sock":     "phpsapi.yaml:2: metrics.listen: /nowhere/at/all/m.sock: no such file or directory; make the directory /nowhere/at/all",
		"127.0.0.1:nonsense":              "phpsapi.yaml:2: metrics.listen: ",
		"unix:" + serve.Socket(dir):       "phpsapi.yaml:2: metrics.listen: " + serve.Socket(dir) + ": pool www listens there",
		"[\"127.0.0.1:1\",\"nonsense!\"]": "phpsapi.yaml:2: metrics.listen: ",
	} {
		files.Fill(t, dir, map[string]string{"php-fpm.conf": serve.FPMConf(dir, "", "pm = static\npm.max_children = 1\n"),
			"phpsapi.yaml": "metrics:\n  listen: " + listen + "\n"})
		out, status := serve.Execute(t, serve.FPM("-F", "-O", "-y", filepath.Join(dir, "php-fpm.conf")))
		if status != 78 || !strings.Contains(out, want) {
			t.Errorf("%s: got status %d, want 78 and %q in\n%s", listen, status, want, out)
		}
	}
}

// A pool whose workers cannot begin is not ready, and the others are.
func TestHealthcheckTellsWhatReadyzTells(t *testing.T) {
	s := start(t, "")
	check := func(arguments ...string) (int, string) {
		out, status := serve.Execute(t, serve.FPM(append([]string{"healthcheck"}, arguments...)...))
		return status, out
	}
	master, observer := "--master="+strconv.Itoa(s.Pid()), "--address="+strings.TrimPrefix(s.metrics, "http://")
	for _, whom := range []string{master, observer} {
		wait.Until(t, "it is ready, says "+whom, func() bool { status, _ := check(whom); return status == 0 })
		if status, out := check(whom); status != 0 || out != "ok\npool www: ready\n" {
			t.Errorf("%s: got %d %q", whom, status, out)
		}
		if status, out := check(whom, "--pool=none", "--json"); status != 1 || !strings.Contains(out, `"there is no pool none"`) {
			t.Errorf("%s: got %d %q", whom, status, out)
		}
	}
	if status, out := check("--address=" + serve.Address(t)); status != 1 ||
		!strings.HasPrefix(out, "phpsapi fpm healthcheck: no health is reported at 127.0.0.1:") || !strings.Contains(out, ": dial tcp ") || strings.Contains(out, "http://") {
		t.Errorf("nobody there: got %d %q", status, out)
	}
	if status, out := check("--master=1"); status != 1 || out == "" {
		t.Errorf("no master: got %d %q", status, out)
	}
	syscall.Kill(s.Pid(), syscall.SIGSTOP)
	defer syscall.Kill(s.Pid(), syscall.SIGCONT)
	if status, out := check(master, "--timeout=300ms"); status != 1 || !strings.Contains(out, "has not answered within") {
		t.Errorf("a master that is stopped: got %d %q", status, out)
	}
}

// What the front and what workers that speak HTTP have answered is told by site.
func TestRequestsByHTTPAreCountedBySite(t *testing.T) {
	for _, direct := range []string{"auto", "off"} {
		t.Run("direct "+direct, func(t *testing.T) {
			t.Setenv("PHPSAPI_HTTP_DIRECT", direct)
			s := start(t, "")
			s.Write("page.txt", "text")
			for _, path := range []string{"/index.php", "/page.txt", "/code.php?code=404", "/code.php?code=503"} {
				s.ask(s.URL(path))
			}
			sum := func(status string) float64 {
				n := 0.0
				for _, by := range []string{"front", "worker"} {
					n += max(s.value(`phpsapi_http_requests_total{generation="1",site="*",by="`+by+`",status="`+status+`"}`), 0)
				}
				return n
			}
			for _, measure := range []string{"queue_seconds", "first_byte_seconds", "duration_seconds", "cpu_seconds", "memory_bytes"} {
				name, labels := "phpsapi_site_request_"+measure+"_count", `pool="www",generation="1",site="*"`
				want := 3.0 // of PHP
				if measure == "queue_seconds" {
					want = s.value(`phpsapi_pool_request_queue_seconds_count{pool="www",generation="1"}`)
				}
				if got := s.value(name + "{" + labels + "}"); got != want {
					t.Errorf("%s: got %v, want %v", name, got, want)
				}
			}
			for status, want := range map[string]float64{"2xx": 2, "4xx": 1, "5xx": 1} {
				wait.Until(t, status, func() bool { return sum(status) == want })
			}
			conn := serve.Dial(t, "tcp", s.Address)
			fmt.Fprintf(conn, "GET /sleep.php?ms=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n%s", strings.Repeat("x", 70000)) // the front's
			s.expect(`phpsapi_front_connections{generation="1"}`, 1)
			s.expect(`phpsapi_front_responses_total{generation="1",code="200"}`, max(s.value(`phpsapi_front_responses_total{generation="1",code="200"}`), 1))
		})
	}
}

func TestProcessesAreWeighed(t *testing.T) {
	s := start(t, "")
	s.ask(s.URL("/index.php"))
	for sample, most := range map[string]float64{
		`phpsapi_process_memory_bytes{process="master"}`:               100 << 20,
		`phpsapi_process_memory_bytes{process="observer"}`:             100 << 20,
		`phpsapi_process_memory_bytes{process="zygote"}`:               200 << 20,
		`phpsapi_pool_process_memory_bytes{pool="www",generation="1"}`: 400 << 20,
	} {
		wait.Until(t, sample, func() bool { v := s.value(sample); return v > 100<<10 && v < most })
	}
}

// The program that takes over continues with the listener and with what was counted of the service, and nobody who asks meanwhile is refused.
func TestMetricsOutliveAnUpgrade(t *testing.T) {
	s := start(t, "")
	s.ask(s.URL("/kill.php"))
	s.expect(`phpsapi_incidents_total{kind="crash"}`, 1)
	before := s.observer()
	over := make(chan struct{})
	refused := make(chan error, 1)
	go func() {
		defer close(refused)
		for {
			select {
			case <-over:
				return
			default:
			}
			conn, err := net.DialTimeout("tcp", strings.TrimPrefix(s.metrics, "http://"), 5*time.Second)
			if err != nil {
				refused <- err
				return
			}
			conn.Close()
			time.Sleep(time.Millisecond)
		}
	}()
	s.Order("upgrade")
	s.expect(`phpsapi_upgrades_total{outcome="succeeded"}`, 1)
	s.expect(`phpsapi_incidents_total{kind="crash"}`, 1)
	wait.Until(t, "another observer, and no other", func() bool { now := s.observer(); return now != 0 && now != before })
	close(over)
	if err := <-refused; err != nil {
		t.Errorf("somebody was refused: %v", err)
	}
	if strings.Contains(s.Log(), fmt.Sprintf("unknown child (%d)", before)) {
		t.Error("the end of the observer before is that of a stranger")
	}
}

// Another service may want the address of one that has just ended.
func TestTheAddressIsFreeWhenTheServiceHasEnded(t *testing.T) {
	s := start(t, "")
	s.Signal(syscall.SIGTERM)
	if err := s.WaitFor(10*time.Second, func() bool { return false }); err == nil {
		t.Fatal("it has not ended")
	}
	l, err := net.Listen("tcp", strings.TrimPrefix(s.metrics, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestPromtoolAgreesWithAPageOfTheService(t *testing.T) {
	tool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("no promtool: apt-get install prometheus")
	}
	s := start(t, "")
	s.ask(s.URL("/index.php"))
	command := exec.Command(tool, "check", "metrics")
	command.Stdin = strings.NewReader(s.page())
	if out, err := command.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
