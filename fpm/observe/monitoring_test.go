package observe

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What packaging/monitoring asks for must be told, and each alert must be explained.
func TestMonitoringAsksForMetricsThatThereAre(t *testing.T) {
	read := func(name string) string {
		t.Helper()
		text, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	told, operations := read("docs/METRICS.md"), read("docs/OPERATIONS.md")
	for _, name := range []string{"alerts.yml", "alerts_test.yml", "grafana.json"} {
		names := regexp.MustCompile(`\bphpsapi_[a-z_]+`).FindAllString(read("packaging/monitoring/"+name), -1)
		if len(names) < 10 {
			t.Errorf("%s names %d metrics", name, len(names))
		}
		for _, metric := range names {
			if !strings.Contains(told, "`"+strings.TrimSuffix(metric, "_bucket")+"`") {
				t.Errorf("%s asks for %s, which docs/METRICS.md does not have", name, metric)
			}
		}
	}
	for _, match := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(read("packaging/monitoring/alerts.yml"), -1) {
		if !strings.Contains(operations, "## "+match[1]+"\n") {
			t.Errorf("docs/OPERATIONS.md has nothing of the alert %s", match[1])
		}
	}
}
