//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	processes "github.com/phpsapi/phpsapi/test/serve"
)

// TestMonitoring has Prometheus ask a service and evaluate the alerts of packaging/monitoring. A worker crashes: its alert must
// fire, and no other. Every graph of the Grafana dashboard must have something to show, but for what the service does not have.
func TestMonitoring(t *testing.T) {
	examples, err := filepath.Abs("../../packaging/monitoring")
	if err != nil {
		t.Fatal(err)
	}
	for _, arguments := range [][]string{{"check", "config", "prometheus.yml"}, {"test", "rules", "alerts_test.yml"}} {
		cmd := exec.Command("/usr/bin/promtool", arguments...)
		cmd.Dir = examples
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("promtool %s: %v\n%s", arguments[0], err, said)
		}
	}

	p := at(t)
	metrics, address, prometheus := processes.Address(t), processes.Address(t), processes.Address(t)
	p.write("public/index.php", "<?php usleep(2000); if (isset($_GET['crash'])) posix_kill(posix_getpid(), 11); http_response_code((int) ($_GET['status'] ?? 200)); echo 'here';")
	p.env = append(p.env, "PHPSAPI_METRICS_LISTEN="+metrics)
	p.start("phpsapi", syscall.SIGINT, accepts(address), filepath.Join(ours, "phpsapi"), "fpm", "--http", address, "--root", p.path("public"))
	rules, err := os.ReadFile(filepath.Join(examples, "alerts.yml"))
	if err != nil {
		t.Fatal(err)
	}
	config, err := os.ReadFile(filepath.Join(examples, "prometheus.yml"))
	if err != nil {
		t.Fatal(err)
	}
	p.write("alerts.yml", string(rules))
	p.write("prometheus.yml", strings.NewReplacer("127.0.0.1:9253", metrics, ": 15s", ": 1s").Replace(string(config)))
	server := p.start("prometheus", syscall.SIGTERM, accepts(prometheus), "/usr/bin/prometheus", "--config.file="+p.path("prometheus.yml"),
		"--storage.tsdb.path="+p.path("tsdb"), "--web.listen-address="+prometheus)
	api := prometheusAt("http://" + prometheus)

	ask := func(query string, want int) {
		t.Helper()
		response, err := http.Get("http://" + address + "/" + query)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Fatalf("%s: status %d, want %d", query, response.StatusCode, want)
		}
	}
	const samples = `count_over_time(up{job="phpsapi"}[10m])`
	for i := range 3 { // rates need figures before and after
		for range 10 {
			ask("", http.StatusOK)
		}
		if err := server.await(func() error { return api.atLeast(samples, float64(2*i+2)) }); err != nil {
			t.Fatal(err)
		}
	}
	ask("?status=503", http.StatusServiceUnavailable)
	ask("?crash=1", http.StatusBadGateway)
	if err := server.await(func() error {
		firing, err := api.alerts("firing")
		if err == nil && !slices.Equal(firing, []string{"PhpsapiIncidents"}) {
			err = fmt.Errorf("alerts that fire: %q, want PhpsapiIncidents", firing)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	if err := api.rules(strings.Count(string(rules), "- alert:")); err != nil {
		t.Error(err)
	}

	// What the service does not have: worker mode, APCu, and a front that tells since when a request waits, as its workers speak HTTP.
	absent := []string{"boot", "worker_restarts", "apcu", "queue_seconds"}
	for title, expressions := range graphs(t, filepath.Join(examples, "grafana.json")) {
		for _, expression := range expressions {
			n, err := api.count(expression)
			if err != nil {
				t.Errorf("%s: %v", title, err)
			}
			if n == 0 && !slices.ContainsFunc(absent, func(word string) bool { return strings.Contains(expression, word) }) {
				t.Errorf("%s shows nothing: %s", title, expression)
			}
		}
	}
}

// prometheusAt is the address of a Prometheus.
type prometheusAt string

// get asks the API, and puts data into the value.
func (p prometheusAt) get(path string, value any) error {
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Get(string(p) + "/api/v1/" + path)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	answer := struct {
		Status, Error string
		Data          any
	}{Data: value}
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("%s: %w: %.200s", path, err, text)
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s: %s", path, answer.Error)
	}
	return nil
}

// samples returns the values that an expression has now.
func (p prometheusAt) samples(expression string) (values []string, err error) {
	var data struct{ Result []struct{ Value [2]any } }
	err = p.get("query?query="+url.QueryEscape(expression), &data)
	for _, r := range data.Result {
		values = append(values, fmt.Sprint(r.Value[1]))
	}
	return values, err
}

func (p prometheusAt) count(expression string) (int, error) {
	values, err := p.samples(expression)
	return len(values), err
}

// atLeast returns an error until an expression has one value, and that is at least the one that is wanted.
func (p prometheusAt) atLeast(expression string, want float64) error {
	values, err := p.samples(expression)
	var value float64
	if err == nil && len(values) == 1 {
		_, err = fmt.Sscan(values[0], &value)
	}
	if err == nil && value < want {
		err = fmt.Errorf("%s is %v, want %v", expression, values, want)
	}
	return err
}

// alerts returns the names of the alerts in a state.
func (p prometheusAt) alerts(state string) (names []string, err error) {
	var data struct {
		Alerts []struct {
			Labels map[string]string
			State  string
		}
	}
	err = p.get("alerts", &data)
	for _, a := range data.Alerts {
		if a.State == state {
			names = append(names, a.Labels["alertname"])
		}
	}
	return names, err
}

// rules returns an error unless so many rules are evaluated without an error.
func (p prometheusAt) rules(want int) error {
	var data struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	if err := p.get("rules", &data); err != nil {
		return err
	}
	n := 0
	for _, g := range data.Groups {
		for _, r := range g.Rules {
			n++
			if r.Health != "ok" {
				return fmt.Errorf("rule %s is %s: %s", r.Name, r.Health, r.LastError)
			}
		}
	}
	if n != want {
		return fmt.Errorf("%d rules are evaluated, want %d", n, want)
	}
	return nil
}

// graphs returns the expressions of a Grafana dashboard by the titles of its panels, for all instances and pools and a minute.
func graphs(t *testing.T, name string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Type    string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$instance", ".*", "$pool", ".*", "$__rate_interval", "1m")
	all := map[string][]string{}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			all[panel.Title] = append(all[panel.Title], variables.Replace(target.Expr))
		}
	}
	if len(all) < 15 {
		t.Fatalf("%s has %d panels with expressions", name, len(all))
	}
	return all
}
