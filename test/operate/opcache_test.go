package operate

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/test/wait"
)

const ondemand = "pm = ondemand\npm.max_children = 2\n"

// opcached are php's options with an opcache that looks at no file twice.
var opcached = []string{"-d", "opcache.enable=1", "-d", "opcache.validate_timestamps=0", "-d", "opcache.file_update_protection=0", "-d", "opcache.memory_consumption=32"}

// caches are those of the service's only engine.
func (s *service) caches(arguments ...string) control.EngineCaches {
	s.T.Helper()
	var all control.Caches
	s.Tell(&all, append([]string{"opcache"}, arguments...)...)
	if len(all.Engines) != 1 {
		s.T.Fatalf("got %+v", all)
	}
	return all.Engines[0]
}

// answers asks for a script, which must answer so.
func (s *service) answers(pool, script, want string) {
	s.T.Helper()
	if body, err := s.ask(pool, script); body != want || err != nil {
		s.T.Errorf("%s of pool %s: got %q, %v, want %q", script, pool, body, err, want)
	}
}

// What the command resets is what opcache_reset() resets, whichever functions scripts may call.
func TestOpcacheIsShownAndReset(t *testing.T) {
	t.Parallel()
	restricted := "php_admin_value[disable_functions] = opcache_get_status,opcache_reset\nphp_admin_value[opcache.restrict_api] = /nowhere\n"
	s := prepare(t, static+restricted, ondemand, map[string]string{
		"part.php":   `<?php echo "old";`,
		"error.php":  `<?php echo json_encode(error_get_last()), function_exists('opcache_reset') ? "there" : "disabled";`,
		"status.php": `<?php $s = opcache_get_status(); unset($s['scripts']); echo json_encode($s);`,
		"reset.php":  `<?php echo json_encode(opcache_reset());`,
	}).start(opcached...)
	change := func(text string) { s.Write("part.php", `<?php echo "`+text+`";`) }
	s.answers("www", "part.php", "old")
	s.answers("www", "part.php", "old")
	s.answers("www", "error.php", "nulldisabled")
	c := s.caches("status")
	if o := c.Opcache; o == nil || o.Scripts != 2 || o.Hits != 1 || o.Misses != 2 || o.Full || o.RestartPending || o.Restarts != (control.CacheRestarts{}) ||
		o.Memory.Used+o.Memory.Free != 32<<20 || o.StringsNumber == 0 || fmt.Sprint(c.Pools) != "[www api]" || c.Engine != 1 || *c.Age > 2 {
		t.Errorf("got %+v %+v", c, o)
	}
	s.answers("www", "error.php", "nulldisabled")

	change("new")
	s.answers("www", "part.php", "old")
	s.wants("^the opcache of pools www, api is reset: files are compiled again, and its memory is free when requests that use it have ended\n$",
		"opcache", "reset", "--pool", "www")
	s.Logged(`NOTICE: opcache reset www asked for by process \d+ of user .*: done$`, 1)
	s.answers("www", "part.php", "new")
	change("newer")
	s.answers("www", "part.php", "new")
	s.answers("api", "part.php", "new")
	s.answers("api", "reset.php", "true")
	s.answers("api", "part.php", "newer")
	time.Sleep(1100 * time.Millisecond) // younger figures are not asked for again
	told := s.caches("status", "--pool", "api").Opcache
	if told == nil || told.Restarts != (control.CacheRestarts{Reset: 2}) || told.Restarted == 0 {
		t.Errorf("got %+v", told)
	}
	var own struct {
		Memory struct {
			Used int64 `json:"used_memory"`
		} `json:"memory_usage"`
		Statistics struct {
			Scripts  int64 `json:"num_cached_scripts"`
			Restarts int64 `json:"manual_restarts"`
			Hits     int64 `json:"hits"`
		} `json:"opcache_statistics"`
	}
	body, err := s.ask("api", "status.php") // a script more than before
	if err := json.Unmarshal([]byte(body), &own); err != nil {
		t.Fatal(err, body)
	}
	if err != nil || own.Statistics.Restarts != 2 || own.Statistics.Scripts != told.Scripts+1 || own.Statistics.Hits != told.Hits || own.Memory.Used < told.Memory.Used {
		t.Errorf("a script is told %+v, the operator %+v, %v", own, told, err)
	}
	s.wants(`(?s)^PHP [\d.]+, generation 1, pools www, api\n  opcache +\S+ MiB of 32\.0 MiB used; wasted .*\n  restarts +memory used up 0, keys used up 0, reset 2, the last one \d{4}`, "opcache", "status")
	s.refuses(1, "^phpsapi fpm opcache reset: there is no pool wwww; the service has api, www\n$", "opcache", "reset", "--pool", "wwww")
	s.refuses(64, `^phpsapi fpm opcache: "clear" is not a command: write phpsapi fpm opcache status\|reset`, "opcache", "clear")
}

// A pool on demand without a worker gets one for it, a busy pool does it as soon as a request ends, and a paused one cannot.
func TestOpcacheOfAPoolWithoutIdleWorkersIsReset(t *testing.T) {
	t.Parallel()
	s := prepare(t, ondemand, ondemand, map[string]string{
		"slow.php": `<?php usleep(700000); echo "slow";`,
		"long.php": `<?php sleep(3); echo "long";`,
	}).start(opcached...)
	if n := s.caches("status"); n.Age != nil || n.Opcache != nil {
		t.Errorf("nobody can know yet: got %+v", n)
	}
	s.wants("^the opcache of pools www, api is reset", "opcache", "reset")
	if c := s.caches("status"); c.Opcache == nil {
		t.Errorf("got %+v", c)
	}
	answers := make(chan string, 4)
	for _, script := range []string{"slow.php", "long.php"} {
		for _, pool := range []string{"www", "api"} {
			go func() {
				body, err := s.ask(pool, script)
				answers <- fmt.Sprint(body, err)
			}()
		}
	}
	var all control.Running
	wait.Until(t, "four requests that run", func() bool { s.Tell(&all, "requests"); return len(all.Requests) == 4 })
	began := time.Now()
	if c := s.caches("reset"); !c.Reset {
		t.Errorf("got %+v", c)
	}
	if took := time.Since(began); took > 2500*time.Millisecond {
		t.Errorf("it took %v, though two requests have ended after 0.7 s", took)
	}
	for range 4 {
		if got := <-answers; got != "slow<nil>" && got != "long<nil>" {
			t.Error(got)
		}
	}
	s.wants("", "pause", "www")
	s.wants("", "pause", "api")
	wait.Until(t, "no workers", func() bool {
		printed, _ := s.Operate("status")
		return strings.Count(printed, "ondemand  0     0") == 2
	})
	s.refuses(1, `^phpsapi fpm opcache reset: pool www, api is paused, and has no worker that could do it; resume it first: phpsapi fpm resume\n$`, "opcache", "reset")
}

func TestWithoutOpcacheNothingIsReset(t *testing.T) {
	t.Parallel()
	s := prepare(t, static, static, nil).start("-d", "opcache.enable=0")
	s.refuses(1, "^phpsapi fpm opcache reset: there is no opcache, or it is off\n$", "opcache", "reset", "--pool", "api")
	s.Logged(`opcache reset api asked for by .*: failed: there is no opcache`, 1)
	s.wants(`(?m)^PHP .*, pools www, api`, "opcache", "status")
}

// A worker script's worker has its opcache for life: only another generation has another.
func TestOpcacheOfAWorkerScriptIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := prepare(t, static, static, map[string]string{"worker.php": `<?php while (frankenphp_handle_request(function () { echo json_encode(error_get_last()); }));`})
	s.Write("phpsapi.yaml", fmt.Sprintf("pools: {www: {worker: {script: %s/worker.php}}}\n", s.Dir))
	s.start(opcached...)
	s.refuses(1, "^phpsapi fpm opcache reset: pool www is in worker mode: .*phpsapi fpm reload", "opcache", "reset", "--pool", "www")
	for n := range 2 {
		if n > 0 {
			time.Sleep(1100 * time.Millisecond) // younger figures are not asked for again
		}
		s.answers("www", "worker.php", "null")
		var all control.Caches
		if s.Tell(&all, "opcache", "status", "--pool", "www"); len(all.Engines) != 2 || all.Engines[0].Opcache == nil || all.Engines[0].Opcache.Scripts == 0 {
			t.Errorf("got %+v", all)
		}
	}
	s.wants(`^the opcache of pool api is reset.*\nthe opcache of pool www is not reset: its pools are in worker mode: .*\n$|^the opcache of pool www is not reset`, "opcache", "reset")
}
