package operate

import (
	"encoding/json"
	"testing"

	"github.com/phpsapi/phpsapi/test/client"
	"github.com/phpsapi/phpsapi/test/wait"
)

func TestServiceIsWatched(t *testing.T) {
	t.Parallel()
	s := prepare(t, static, static, map[string]string{"sleep.php": `<?php sleep(30);`}).start()
	c := s.client("www")
	if err := c.Send(client.Encode(s.Dir, "sleep.php", "", false)); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	wait.Until(t, "a request that runs", func() bool {
		var all struct{ Requests []any }
		s.Tell(&all, "requests")
		return len(all.Requests) == 1
	})
	s.wants(`(?s)^phpsapi .* PHP .*, master \d+, generation 1, normal, up .*\nPOOL +WORKERS .*\napi +2 +2 +0 +0 .*\nwww +2 +1 +1 +0 .*\nPID +POOL .*REQUEST \(1, by time\)\n\d+ +www +\d+\.\ds running +127\.0\.0\.1 +GET localhost/sleep\.php\n$`,
		"top", "--once", "--interval", "200ms")
	var line struct {
		Pools []struct {
			Pool   string   `json:"pool"`
			Rate   *float64 `json:"requests_second"`
			Memory *int64   `json:"memory"`
		} `json:"pools"`
		Requests []struct {
			URI string `json:"uri"`
		} `json:"requests"`
	}
	printed := s.wants("^{.*}\n$", "top", "--once", "--json", "--interval", "200ms")
	if err := json.Unmarshal([]byte(printed), &line); err != nil || len(line.Pools) != 2 || line.Pools[1].Rate == nil || line.Pools[1].Memory == nil ||
		len(line.Requests) != 1 || line.Requests[0].URI != "/sleep.php" {
		t.Errorf("got %+v, %v", line, err)
	}
	s.refuses(1, "^phpsapi fpm top: there is no pool wwww; the service has api, www\n$", "top", "--once", "--pool", "wwww")
	s.refuses(64, "^phpsapi fpm top: --interval 0s: at least 100ms;", "top", "--interval", "0")
}
