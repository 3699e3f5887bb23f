package operate

import (
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/control"
)

// The files are edited while the service runs, and an operator has changed something: the difference is what a reload changes.
func TestEditedConfigurationIsCompared(t *testing.T) {
	t.Parallel()
	secrets := "env[DB_PASSWORD] = hunter2\nenv[DSN] = mysql://app:hunter2@db/app\nenv[PLACE] = here\nphp_admin_value[memory_limit] = 64M\n"
	s := prepare(t, static+secrets, static, map[string]string{"limit.php": `<?php echo ini_get("memory_limit"), getenv("PLACE");`})
	ini := s.Path("php.ini")
	s.Write("php.ini", "precision = 13\nsession.save_path = \"redis://:hunter2@cache\"\n")
	s.Write("phpsapi.yaml", "pools: {www: {request_kill_timeout: 3s}}\n")
	s.start("-c", ini)
	nothing := "^a reload would change nothing: the service runs with what " + s.Path("php-fpm.conf") + " has\n$"
	s.wants(nothing, "config", "diff")

	changed := strings.NewReplacer("hunter2", "hunter3", "here", "there", "64M", "96M", "max_children = 2", "max_children = 3").Replace(static + secrets)
	s.configure(changed+"request_slowlog_timeout = 5\nslowlog = "+s.Dir+"/slow\n", static)
	s.Write("php-fpm.conf", s.Read("php-fpm.conf")+"[new]\nlisten = "+s.Dir+"/new.sock\npm = static\npm.max_children = 1\nuser = nobody\n")
	s.Write("php.ini", "precision = 15\nsession.save_path = \"redis://:hunter3@cache\"\n")
	s.Write("phpsapi.yaml", "pools: {www: {request_kill_timeout: 4s}}\n")
	s.wants("", "scale", "api", "4")
	s.wants("", "pause", "api")
	s.wants("^messages are logged from the level debug on until the next reload, then from notice on\n$", "log-level", "debug")
	diff := s.wants("", "config", "diff")
	for _, want := range []string{
		"[global]\n  log_level = DEBUG -> NOTICE  ; default\n",
		"  pm.max_children = 2 -> 3  ; " + s.Path("php-fpm.conf") + ":",
		"  request_slowlog_timeout = 0s -> 5s  ; ",
		"  slowlog = undefined -> " + s.Dir + "/slow  ; ",
		"  env[DB_PASSWORD] = (masked) -> (masked)  ; ",
		"  env[DSN] = mysql://app:(masked)@db/app -> mysql://app:(masked)@db/app  ; ",
		"  env[PLACE] = here -> there  ; ",
		"  php_admin_value[memory_limit] = 64M -> 96M  ; ",
		"[phpsapi]\n  pools.www.request_kill_timeout = 3s -> 4s  ; " + s.Dir + "/phpsapi.yaml:1: pools: www: request_kill_timeout\n",
		"  precision = 13 -> 15  ; php.ini\n",
		"  session.save_path = redis://:(masked)@cache -> redis://:(masked)@cache  ; php.ini\n",
		"  pm.max_children = 4 -> 2  ; ",
		"  paused = yes -> (not set)\n",
		"[new] is a new pool\n",
	} {
		if !strings.Contains(diff, want) {
			t.Errorf("the difference lacks %q:\n%s", want, diff)
		}
	}
	if n := strings.Count(diff, " -> "); n != 13 || strings.Contains(diff, "hunter") {
		t.Errorf("%d changes:\n%s", n, diff)
	}
	var all control.Diff
	if s.Tell(&all, "config", "diff"); len(all.Changes) != 13 || len(all.Added) != 1 || all.Config != s.Path("php-fpm.conf") {
		t.Errorf("got %+v", all)
	}
	if body, err := s.ask("www", "limit.php"); body != "64Mhere" || err != nil {
		t.Errorf("before the reload: %q, %v", body, err)
	}
	s.wants("^reloaded", "reload")
	s.wants(nothing, "config", "diff")
	if body, err := s.ask("www", "limit.php"); body != "96Mthere" || err != nil {
		t.Errorf("after the reload: %q, %v", body, err)
	}
	s.wants("^messages are logged from the level notice on, as configured\n$", "log-level")

	s.Write("php-fpm.conf", s.Read("php-fpm.conf")+"pm.nonsense = 1\n")
	s.refuses(78, `(?m)^phpsapi fpm config diff: .*php-fpm\.conf:\d+.*unknown entry 'pm\.nonsense'`, "config", "diff")
	if strings.Contains(s.Log(), "pm.nonsense") {
		t.Error("the comparison has left a line in the error log")
	}
	s.refuses(64, `^phpsapi fpm log-level: "loud" is not a level: write alert, error, warning, notice or debug;`, "log-level", "loud")
	s.refuses(64, `^phpsapi fpm config: "show" is not a command: write phpsapi fpm config diff`, "config", "show")
}

func TestLogLevelIsChanged(t *testing.T) {
	t.Parallel()
	s := prepare(t, static, "pm = dynamic\npm.max_children = 2\npm.start_servers = 1\npm.min_spare_servers = 1\npm.max_spare_servers = 2\n", nil).start()
	if strings.Contains(s.Log(), "DEBUG") {
		t.Fatal("the service begins to debug by itself")
	}
	s.wants("^messages are logged from the level notice on, as configured\n$", "log-level")
	s.wants("^messages are logged from the level debug on", "log-level", "debug")
	s.Logged(`DEBUG: .*\[pool api\] currently 0 active children, 1 spare children`, 1)
	s.wants("^messages are logged from the level error on", "log-level", "ERROR")
	var l control.Logging
	if s.Tell(&l, "log-level"); l != (control.Logging{Level: "error", Configured: "notice"}) {
		t.Errorf("got %+v", l)
	}
	s.Logged(`NOTICE: .*log-level debug asked for by process \d+ of user .*: done: from debug on$`, 1)
}
