package operate

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/test/client"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

var profiled = map[string]string{
	"calls.php": `<?php
class A { static function one($n) { return $n ? self::two($n - 1) : leaf(); } static function two($n) { return $n ? three($n - 1) : leaf(); } }
function three($n) { return $n ? A::one($n - 1) : leaf(); }
function leaf() { return str_repeat("x", 10); }
$end = hrtime(true) + 1e8;
while (hrtime(true) < $end) A::one(mt_rand(0, 30));
echo "done";`,
	"prepared.php": `<?php function given($n) { return $n; }
$end = hrtime(true) + 1e8; $m = 2; $text = str_repeat("x", 400);
while (hrtime(true) < $end) { md5($text); given(1` + strings.Repeat(" + ($m * 3 % 1000)", 100) + `); }
echo "done";`,
	"sleep.php":  `<?php function asleep($ms) { usleep(1000 * $ms); } asleep((int)($_GET["ms"] ?? 30)); echo "slept";`,
	"worker.php": `<?php function answer() { (function () { usleep(50000); })(); echo "done"; } while (frankenphp_handle_request('answer'));`,
}

// callees are what each function of calls.php and prepared.php calls.
var callees = map[string]string{"prepared.php": " given hrtime md5 str_repeat ", "given": "", "md5": "", "calls.php": " A::one hrtime mt_rand ", "A::one": " A::two leaf ", "A::two": " three leaf ", "three": " A::one leaf ", "leaf": " str_repeat ",
	"hrtime": "", "mt_rand": "", "str_repeat": ""}

// profile makes a profile in folded stacks, and returns how often each was seen.
func (s *service) profile(arguments ...string) map[string]int {
	s.T.Helper()
	file := s.Path("profile.folded")
	s.wants(`^\d+ samples of \d+ workers.*: `+file+"\n$", append([]string{"profile", "-o", file}, arguments...)...)
	stacks := map[string]int{}
	for line := range strings.Lines(files.Read(s.T, file)) {
		at := strings.LastIndexByte(line, ' ')
		n, err := strconv.Atoi(strings.TrimSpace(line[at+1:]))
		if err != nil {
			s.T.Fatalf("%q: %v", line, err)
		}
		stacks[strings.ReplaceAll(line[:at], s.Dir+"/", "")] = n
	}
	return stacks
}

// A sample is a stack that PHP has had, however fast it calls one function after the other: in a pool whose workers must not read memory by system calls,
// too. prepared.php takes long to prepare the call of a function, and the frame of that, which has no caller yet, lies where md5's was: in a stack whose parts are not of
// the same time given has no caller.
func TestSamplesAreTrue(t *testing.T) {
	t.Parallel()
	s := prepare(t, static, static, profiled)
	s.Write("phpsapi.yaml", fmt.Sprintf("pools: {api: {sandbox: {mode: strict, read: [%q]}}}\n", s.Dir))
	s.start("-d", "opcache.enable=1")
	for _, c := range []struct{ pool, script, calls string }{
		{"www", "calls.php", "A::one A::two three"},
		{"api", "calls.php", "A::one A::two three"},
		{"www", "prepared.php", "prepared.php"},
	} {
		l := s.load(2, c.pool, c.script, "done")
		stacks := s.profile("--pool", c.pool, "--seconds", "1", "--rate", "1000")
		if wrong := l.End(); len(wrong) > 0 {
			t.Errorf("requests went wrong: %v", wrong)
		}
		seen := map[string]bool{}
		for stack := range stacks {
			functions := strings.Split(stack, ";")
			if stack == "(no function of PHP's)" {
				continue
			}
			if len(functions) > 35 || functions[0] != c.script {
				t.Errorf("pool %s: there is no such stack: %s", c.pool, stack)
			}
			for i, f := range functions {
				seen[f] = true
				if i > 0 && !strings.Contains(callees[functions[i-1]], " "+f+" ") {
					t.Errorf("pool %s: %s does not call %s: %s", c.pool, functions[i-1], f, stack)
				}
			}
		}
		for _, f := range strings.Fields(c.calls) {
			if !seen[f] {
				t.Errorf("pool %s, %s: of all functions these were seen: %v", c.pool, c.script, seen)
			}
		}
	}
}

// A request is seen where it is, in the formats that there are, and others are not.
func TestProfileOfARequest(t *testing.T) {
	t.Parallel()
	s := prepare(t, static, static+"request_slowlog_timeout = 60s\nslowlog = /dev/null\n", profiled).start()
	l := s.load(1, "www", "sleep.php", "slept")
	defer l.End()
	long := make(chan string, 1)
	go func() {
		c := s.client("api")
		err := c.Ask(client.Encode(s.Dir, "sleep.php", "ms=4000", false))
		long <- fmt.Sprint(c.Body(), err)
	}()
	var all control.Running
	wait.Until(t, "a long request", func() bool {
		s.Tell(&all, "requests", "--pool", "api")
		return len(all.Requests) == 1 && all.Requests[0].Stage == "Running"
	})
	const asleep = "sleep.php;asleep;usleep"
	if stacks := s.profile("--pool", "api", "--seconds", "1"); len(stacks) != 1 || stacks[asleep] < 3 {
		t.Errorf("in a pool with a slow log a request is seen from its middle on: got %v", stacks)
	}
	if got := <-long; got != "slept<nil>" {
		t.Errorf("the request that was looked at, which slept, got %s", got)
	}
	pb, svg := s.Path("p.pb.gz"), s.Path("p.svg")
	s.wants(`^\d+ samples of 2 workers.*: `, "profile", "--pool", "www", "--seconds", "1", "--site", "LOCALHOST", "--url", "/sleep", "-o", pb)
	said, err := exec.Command("go", "tool", "pprof", "-top", "-sample_index=samples", pb).CombinedOutput()
	if err != nil || !strings.Contains(string(said), "usleep") {
		t.Errorf("go tool pprof: %v\n%s", err, said)
	}
	s.refuses(1, "^phpsapi fpm profile: no request was seen that the options admit\n$", "profile", "--pool", "www", "--seconds", "1", "--url", "/other", "-o", svg)
	if _, err := os.Stat(svg); err == nil {
		t.Error("a file without a profile was left")
	}
	both := make(chan string, 2)
	for range 2 {
		go func() {
			printed, status := s.Operate("profile", "--seconds", "1", "-o", svg)
			both <- fmt.Sprint(status, strings.HasPrefix(printed, "phpsapi fpm profile: another profile of that is being made"))
		}()
	}
	if one, two := <-both, <-both; one+two != "1 true0 false" && one+two != "0 false1 true" {
		t.Errorf("of two profiles at a time, one: %s, the other: %s", one, two)
	}
	if text := s.Read("p.svg"); !strings.Contains(text, "<title>asleep\n") || !strings.HasSuffix(text, "</svg>\n") {
		t.Errorf("the flame graph is %q", text)
	}
	if left, _ := filepath.Glob(s.Path(".p.svg.*")); left != nil {
		t.Errorf("left: %v", left)
	}
	s.refuses(1, "^phpsapi fpm profile: there is no pool wwww; the service has api, www\n$", "profile", "--pool", "wwww", "-o", svg)
	for _, arguments := range [][]string{{"--rate", "0"}, {"--rate", "1001"}, {"--seconds", "0"}, {"--format", "png"}, {"--seconds", "2h"}} {
		s.refuses(64, `^phpsapi fpm profile: `+arguments[0]+` .*; phpsapi fpm profile --help lists the options\n$`, append([]string{"profile", "-o", svg}, arguments...)...)
	}
}

// Ctrl+C ends a profile with what there is, and workers take no more samples. A worker script's requests are seen as others.
func TestProfileEndsEarly(t *testing.T) {
	t.Parallel()
	s := prepare(t, static, static, profiled)
	s.Write("phpsapi.yaml", fmt.Sprintf("pools: {www: {worker: {script: %s/worker.php}}}\n", s.Dir))
	s.start()
	l := s.load(1, "www", "worker.php", "done")
	defer l.End()
	file := s.Path("early.folded")
	cmd := serve.FPM("profile", "--master", fmt.Sprint(s.Pid()), "--pool", "www", "--seconds", "60", "-o", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond)
	cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if text := s.Read("early.folded"); !strings.Contains(text, "/worker.php;frankenphp_handle_request;answer;{closure};usleep ") {
		t.Errorf("got %q", text)
	}
	if stacks := s.profile("--pool", "www", "--seconds", "1"); len(stacks) == 0 {
		t.Error("there is no second profile")
	}
}
