//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	processes "github.com/phpsapi/phpsapi/test/serve"
)

// TestAlertsFire brings faults about, each of which must make its alert of packaging/monitoring fire: that of a day on which a pool is busy, paused and
// answers 500, a reload fails, a front dies, and the observer hangs. Prometheus has the rules with seconds in place of minutes.
func TestAlertsFire(t *testing.T) {
	p := at(t)
	metrics, address, prometheus := processes.Address(t), processes.Address(t), processes.Address(t)
	p.write("public/index.php", "<?php http_response_code((int) ($_GET['status'] ?? 200)); sleep((int) ($_GET['sleep'] ?? 0)); echo 'here';")
	pool := "listen = DIR/%[1]s.sock\n" + ifRoot("user = www-data\ngroup = www-data\n") + "pm = static\npm.max_children = 2\n"
	conf := "[global]\nerror_log = DIR/error.log\n[www]\n" + fmt.Sprintf(pool, "www") + "[api]\n" + fmt.Sprintf(pool, "api")
	p.write("php-fpm.conf", conf)
	p.write("phpsapi.yaml", fmt.Sprintf("metrics:\n  listen: %s\nhttp:\n  listen: %s\n  root: public\n  pool: www\n", metrics, address))
	service := p.start("phpsapi", syscall.SIGINT, accepts(address), filepath.Join(ours, "phpsapi"), "fpm", "-F", "-y", p.path("php-fpm.conf"))
	examples := filepath.Join("..", "..", "packaging", "monitoring")
	rules, err := os.ReadFile(filepath.Join(examples, "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(examples, "prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	rules = regexp.MustCompile(`\[\d+[mh]\]`).ReplaceAll(rules, []byte("[20s]"))
	rules = regexp.MustCompile(`for: \d+m`).ReplaceAll(rules, []byte("for: 1s"))
	p.write("alerts.yml", string(rules))
	p.write("prometheus.yml", strings.NewReplacer("127.0.0.1:9253", metrics, ": 15s", ": 1s").Replace(string(config)))
	server := p.start("prometheus", syscall.SIGTERM, accepts(prometheus), "/usr/bin/prometheus", "--config.file="+p.path("prometheus.yml"),
		"--storage.tsdb.path="+p.path("tsdb"), "--web.listen-address="+prometheus)
	api := prometheusAt("http://" + prometheus)
	if err := server.await(func() error { return api.atLeast(`count_over_time(up{job="phpsapi"}[1m])`, 3) }); err != nil {
		t.Fatal(err)
	}
	ask := func(query string) {
		if r, err := http.Get("http://" + address + "/" + query); err == nil {
			r.Body.Close()
		}
	}
	order := func(want int, arguments ...string) {
		t.Helper()
		cmd := exec.Command(filepath.Join(ours, "phpsapi"), append([]string{"fpm"}, append(arguments, "--master", fmt.Sprint(service.pid))...)...)
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("%q: status %d, want %d\n%s", arguments, got, want, out)
		}
	}
	signal := func(process, signal string) {
		out, err := exec.Command("pgrep", "-P", fmt.Sprint(service.pid), "-f", process+" process").Output()
		if err == nil {
			err = exec.Command("kill", "-"+signal, strings.TrimSpace(string(out))).Run()
		}
		if err != nil {
			t.Errorf("%s: %v", process, err)
		}
	}
	for _, fault := range []struct {
		alert string
		bring func()
	}{
		{"PhpsapiServerErrors", func() {
			for range 30 { // a rate needs figures before and after
				ask("?status=500")
				time.Sleep(100 * time.Millisecond)
			}
		}},
		{"PhpsapiPoolBusy", func() {
			for range 2 {
				go ask("?sleep=15")
			}
		}},
		{"PhpsapiPoolNotReady", func() { order(0, "pause", "api") }},
		{"PhpsapiReloadFailed", func() {
			p.write("php-fpm.conf", strings.Replace(conf, "= 2", "= two", 1))
			order(78, "reload")
		}},
		{"PhpsapiProcessReplaced", func() { signal("front", "KILL") }},
		{"PhpsapiDown", func() { signal("observer", "STOP") }},
	} {
		if firing, err := api.alerts("firing"); err != nil || slices.Contains(firing, fault.alert) {
			t.Errorf("before its fault: %s, %q, %v", fault.alert, firing, err)
		}
		fault.bring()
		if err := server.await(func() error {
			firing, err := api.alerts("firing")
			if err == nil && !slices.Contains(firing, fault.alert) {
				err = fmt.Errorf("alerts that fire: %q, want %s", firing, fault.alert)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	}
	signal("observer", "CONT")
}
