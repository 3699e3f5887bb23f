package master

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/test/wait"
)

// Each of two pools has an engine of its own. fakeZygotes of an engine obey files that end in its version: startFakeZygote.
const twoPools = `
[old]
listen = DIR/old
user = root
pm = static
pm.max_children = 2
[new]
listen = DIR/new
user = root
pm = static
pm.max_children = 2
`

func startTwoPools(t *testing.T, env ...string) *service {
	t.Helper()
	dir := t.TempDir()
	file := dir + "/phpsapi.yaml"
	if err := os.WriteFile(file, []byte("engine: 8.2\npools: {new: {engine: 8.4}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, twoPools, append(env, "MASTER_TEST_SETTINGS="+file)...)
	s.expect("ready to handle")
	wait.Until(t, "two workers of each pool", func() bool { return len(s.workers("old")) == 2 && len(s.workers("new")) == 2 })
	return s
}

// workers returns the pids of a pool's workers, of the serving generation.
func (s *service) workers(pool string) map[int]bool {
	s.t.Helper()
	pids := map[int]bool{}
	for _, page := range s.report(true).Generations[0].Pools {
		var p control.Pool
		if err := json.Unmarshal(page, &p); err != nil {
			s.t.Fatal(err)
		}
		if p.Name == pool {
			for _, process := range p.Processes {
				pids[process.Pid] = true
			}
		}
	}
	return pids
}

// The zygote of one engine dies: the pools of the other keep their workers, and its own get others.
func TestDeadZygoteOfOneEngineLeavesTheOtherAlone(t *testing.T) {
	t.Parallel()
	s := startTwoPools(t, "MASTER_TEST_DIES=DIR/dies")
	old, fresh := s.workers("old"), s.workers("new")
	s.touch("dies-8.4")
	s.expect(`WARNING: the process that forks the workers of generation 1 \(PHP 8\.4\) is gone, starting another$`)
	s.expect(`NOTICE: another process forks the workers of generation 1 \(PHP 8\.4\)$`)
	wait.Succeeds(t, "other workers than those of the dead zygote", func() error {
		now := s.workers("new")
		replaced := len(now) == 2
		for pid := range now {
			replaced = replaced && !fresh[pid]
		}
		if !replaced {
			return fmt.Errorf("%v, then %v", fresh, now)
		}
		return nil
	})
	for pid := range s.workers("old") {
		if !old[pid] {
			t.Errorf("worker %d is new, in the pool of the other engine", pid)
		}
	}
	if got := s.ask("old", "hello"); !strings.HasPrefix(got, "pool old generation 1") {
		t.Errorf("got %q", got)
	}
}

// An engine that cannot be started again does not take the other one's pool with it, neither by itself nor in a reload.
func TestEngineThatCannotStartLeavesTheOtherAlone(t *testing.T) {
	t.Parallel()
	s := startTwoPools(t, "MASTER_TEST_DIES=DIR/dies", "MASTER_TEST_NO_ENGINE=DIR/no-engine")
	os.WriteFile(s.path("no-engine-8.4"), []byte("the extension is broken"), 0o600)
	s.touch("dies-8.4")
	s.expect(`ERROR: no new process that forks workers \(PHP 8\.4\) could be started, trying again in .*: the extension is broken$`)
	s.give(control.Request{Command: control.Reload})
	s.expect("reload failed.*: the extension is broken")
	if got := s.ask("old", "hello"); !strings.HasPrefix(got, "pool old generation 1") {
		t.Errorf("got %q", got)
	}
	os.Remove(s.path("no-engine-8.4"))
	s.expect(`another process forks the workers of generation \d \(PHP 8\.4\)$`)
	if got := s.ask("new", "hello"); !strings.HasPrefix(got, "pool new generation 1") {
		t.Errorf("got %q", got)
	}
}

func TestStatusTellsTheEngineOfEachPool(t *testing.T) {
	t.Parallel()
	s := startTwoPools(t)
	got := ""
	for _, e := range s.report(false).Generations[0].Engines {
		got += e.PHP + " " + e.Path + " " + strings.Join(e.Pools, ",") + "; "
	}
	if want := "8.2 libphp8.2.so old; 8.4 libphp8.4.so new; "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestEngineOfAPoolThatIsWrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for text, want := range map[string]string{
		"pools: {new: {engine: 9.9}}\n":  "phpsapi.yaml:1: pools: new: engine: there is no engine for PHP 9.9 inside",
		"pools: {knew: {engine: 8.4}}\n": "phpsapi.yaml:1: pools: knew: there is no pool knew; did you mean new?",
		"pools: {new: {engin: 8.4}}\n":   "phpsapi.yaml:1: pools: new: unknown key engin; did you mean engine?",
		"pools: {new: 8.4}\n":            "phpsapi.yaml:1: pools: new: write engine: VERSION, worker: SCRIPT or sandbox: web below it",
	} {
		file := dir + "/phpsapi.yaml"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := start(t, twoPools, "MASTER_TEST_SETTINGS="+file)
		if status := s.end(); status != exitConfig {
			t.Errorf("%s: exit status %d", text, status)
		}
		if log := s.said(); !strings.Contains(log, want) {
			t.Errorf("%s: no %q in\n%s", text, want, log)
		}
	}
}
