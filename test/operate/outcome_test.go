package operate

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/operate"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// outcome runs a command with --json for the configuration, and returns what it prints and its exit status. What stands on standard error must
// match.
func (s *service) outcome(stderr string, arguments ...string) (is operate.Outcome, status int) {
	s.T.Helper()
	var out, told bytes.Buffer
	cmd := serve.FPM(append(arguments, "--json", "-y", s.Path("php-fpm.conf"))...)
	cmd.Stdout, cmd.Stderr = &out, &told
	err := cmd.Run()
	if cmd.ProcessState == nil {
		s.T.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &is); err != nil || strings.Count(out.String(), "\n") != 1 {
		s.T.Fatalf("phpsapi fpm %s --json: %v, %q, %q", strings.Join(arguments, " "), err, out.String(), told.String())
	}
	if !regexp.MustCompile(stderr).MatchString(told.String()) {
		s.T.Errorf("phpsapi fpm %s --json: standard error has %q", strings.Join(arguments, " "), told.String())
	}
	if is.Seconds <= 0 || is.Done != (cmd.ProcessState.ExitCode() == 0) || is.Error != nil && is.Error.Status != cmd.ProcessState.ExitCode() {
		s.T.Errorf("phpsapi fpm %s --json: %s: %s", strings.Join(arguments, " "), cmd.ProcessState, out.String())
	}
	return is, cmd.ProcessState.ExitCode()
}

// A program tests, starts, reloads, upgrades, profiles and stops a service, and reads the outcome of each.
func TestOutcomesForPrograms(t *testing.T) {
	t.Parallel()
	s := prepare(t, static, static, map[string]string{"busy.php": `<?php for ($end = microtime(true) + 3; microtime(true) < $end;) strrev("x");`,
		"sleep.php": `<?php sleep(60);`})
	s.Write("php-fpm.conf", "[global]\npid = "+s.Dir+"/fpm.pid\n"+s.Read("php-fpm.conf"))
	if is, _ := s.outcome(`test is successful`, "test"); !is.Done || len(is.Lines) == 0 || strings.HasPrefix(is.Lines[0], "[") {
		t.Errorf("test: %+v", is)
	}
	if is, status := s.outcome("foreground", "start", "-F"); status != 64 || is.Error == nil {
		t.Errorf("start in the foreground: %+v", is)
	}
	is, status := s.outcome("", "start")
	if status != 0 || is.Command != "start" || is.Generation != 1 || is.Master == 0 {
		t.Fatalf("start: %+v, %+v", is, is.Error)
	}
	master := is.Master
	t.Cleanup(func() {
		syscall.Kill(master, syscall.SIGTERM)
		if t.Failed() {
			t.Log(s.Log())
		}
	})
	if is, _ := s.outcome("already listen", "start"); is.Error == nil || !strings.Contains(is.Error.Message, "seems to already listen on") || is.Master != 0 {
		t.Errorf("a second start: %+v, %+v", is, is.Error)
	}
	if is, _ := s.outcome("^$", "reload", "--wait-drained"); is.Command != "reload" || is.Generation != 2 || is.Master != master {
		t.Errorf("reload: %+v, %+v", is, is.Error)
	}
	if is, _ := s.outcome("^$", "upgrade"); is.Command != "upgrade" || is.Generation != 3 || is.From == "" || is.Version == "" || is.Master != master {
		t.Errorf("upgrade: %+v, %+v", is, is.Error)
	}
	go func() { // what runs when a profile begins is not looked at
		time.Sleep(500 * time.Millisecond)
		s.ask("www", "busy.php")
	}()
	if is, _ := s.outcome("samples", "profile", "--seconds", "2", "-o", s.Dir+"/x.folded"); is.Profile == nil || is.Profile.Samples == 0 || is.Profile.Format != "folded" {
		t.Errorf("profile: %+v, %+v", is, is.Error)
	}
	whole := s.Read("php-fpm.conf")
	s.Write("php-fpm.conf", whole+"pm.nonsense = 1\n")
	for _, command := range []string{"test", "reload"} {
		if is, status := s.outcome("pm.nonsense", command); status != 78 || !strings.Contains(is.Error.Message, "pm.nonsense") || len(is.Lines) == 0 {
			t.Errorf("%s: %+v, %+v", command, is, is.Error)
		}
	}
	s.Write("php-fpm.conf", whole)
	go s.ask("www", "sleep.php")
	wait.Until(t, "a request", func() bool {
		text, _ := serve.FPM("requests", "--json", "-y", s.Path("php-fpm.conf")).Output()
		return strings.Contains(string(text), "sleep.php")
	})
	if is, status := s.outcome("", "stop", "--now"); status != 0 || is.Aborted == 0 || is.Master != master {
		t.Errorf("stop: %+v, %+v", is, is.Error)
	}
	if is, status := s.outcome("there is no pid file", "stop"); status != 69 || is.Error == nil {
		t.Errorf("a second stop: %+v", is)
	}
	if _, err := os.Stat(s.Dir + "/fpm.pid"); err == nil {
		t.Error("the pid file is left")
	}
}
