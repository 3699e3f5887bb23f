package status

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// A pool in worker mode has fields that php-fpm does not have; names longer than php-fpm's made the text page panic.
func TestPagesOfWorkerMode(t *testing.T) {
	s := Snapshot{Procs: []scoreboard.Proc{{Pid: 7, Growth: scoreboard.Growth{Bytes: 1000, Requests: 10}}}}
	s.Pool.Name = "www"
	s.Pool.WorkerMode = scoreboard.WorkerMode{Kind: scoreboard.Snapshot, Booting: 1, BootTime: 1500 * time.Microsecond, Failures: 2}
	s.Pool.WorkerMode.Restarts[scoreboard.ByMaxMemory] = 3
	for format, want := range map[Format][]string{
		Text:        {"boot time:            1500\n", "restarts max_memory:  3\n", "memory growth per request: 100\n"},
		JSON:        {`"worker kind":"snapshot"`, `"booting processes":1`, `"boot failures":2`, `"restarts max_memory":3`, `"memory growth per request":100`},
		XML:         {"<boot-time>1500</boot-time>", "<memory-growth-per-request>100</memory-growth-per-request>"},
		HTML:        {"<tr><th>restarts max_memory</th><td>3</td></tr>", "<th>memory growth per request</th>"},
		OpenMetrics: {"phpfpm_boot_time_microseconds 1500\n", `phpfpm_worker_restarts{reason="max_memory"} 3` + "\n"},
	} {
		body := string(NewPage(s, Choice{Format: format, Full: true}, false).Body)
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%v: no %q in\n%s", format, text, body)
			}
		}
		if format == JSON && !json.Valid([]byte(body)) {
			t.Errorf("not JSON: %s", body)
		}
	}
	s.Pool.WorkerMode = scoreboard.WorkerMode{}
	if body := string(NewPage(s, Choice{Format: JSON, Full: true}, false).Body); strings.Contains(body, "boot") || strings.Contains(body, "growth") {
		t.Errorf("an ordinary pool has php-fpm's fields alone, not %s", body)
	}
}
