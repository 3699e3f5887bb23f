package operate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/test/client"
	"github.com/phpsapi/phpsapi/test/wait"
)

const static = "pm = static\npm.max_children = 2\n"

// A request sleeps in a query that does not end. The operator sees it, and ends it and no other.
func TestSleepingRequestIsSeenAndEnded(t *testing.T) {
	t.Parallel()
	s := prepare(t, static, static, map[string]string{
		"sleep.php": `<?php function asleep() { sleep(60); } asleep();`,
		"short.php": `<?php usleep(300000); echo "short";`,
		"one.php":   `<?php echo 1;`,
	}).start()
	s.wants("^no worker has a request\n$", "requests")
	ended, other := make(chan error, 1), make(chan string, 1)
	go func() {
		c := s.client("www")
		ended <- c.Ask(client.Encode(s.Dir, "sleep.php", "order=4711", false))
	}()
	var all control.Running
	wait.Until(t, "a request that runs", func() bool {
		s.Tell(&all, "requests", "--pool", "www")
		return len(all.Requests) == 1 && all.Requests[0].Stage == "Running"
	})
	r := all.Requests[0]
	if r.Pool != "www" || r.Generation != 1 || r.Method != "GET" || r.URI != "/sleep.php?order=4711" || r.Host != "localhost" ||
		r.Script != s.Dir+"/sleep.php" || r.Client != "127.0.0.1" || r.Duration <= 0 {
		t.Errorf("got %+v", r)
	}
	s.wants(fmt.Sprintf(`^pid +pool .*\n%d +www +1 +Running +\d+\.\d+s +127\.0\.0\.1 +GET localhost/sleep\.php\?order=4711 +%s/sleep\.php +-\n$`, r.Pid, s.Dir), "requests")
	s.wants("^no worker has a request\n$", "requests", "--pool", "api")
	go func() {
		body, err := s.ask("www", "short.php")
		other <- fmt.Sprint(body, err)
	}()
	s.wants(fmt.Sprintf(`^worker %d exited on signal 15 \(SIGTERM\), incident 1: GET localhost/sleep\.php\?order=4711 in pool www, after [\d.]+s\n$`, r.Pid), "kill", fmt.Sprint(r.Pid))
	if err := <-ended; err == nil {
		t.Error("the request was answered")
	}
	if got := <-other; got != "short<nil>" {
		t.Errorf("the other request got %s", got)
	}
	s.Logged(fmt.Sprintf(`NOTICE: kill %d asked for by process \d+ of user \d+ \(\w+\): done: the worker exited on signal 15 \(SIGTERM\)$`, r.Pid), 1)
	incidents := s.wants(`, operator: pool www`, "incidents")
	for _, want := range []string{"as process ", "sleep()", "asleep()"} {
		if !strings.Contains(incidents, want) {
			t.Errorf("the incident lacks %q:\n%s", want, incidents)
		}
	}
	if body, err := s.ask("www", "one.php"); body != "1" || err != nil {
		t.Errorf("afterwards a request got %q, %v", body, err)
	}

	s.refuses(1, fmt.Sprintf("^phpsapi fpm kill: process %d is not a worker of this service; phpsapi fpm requests shows", r.Pid), "kill", fmt.Sprint(r.Pid))
	s.refuses(1, "^phpsapi fpm requests: there is no pool wwww; the service has api, www\n$", "requests", "--pool", "wwww")
	s.refuses(64, `^phpsapi fpm kill: "www" is not the pid of a worker; phpsapi fpm kill --help lists the options\n$`, "kill", "www")
	s.refuses(64, "^phpsapi fpm kill: the pid of a worker is missing;", "kill")
}

// A script that takes SIGTERM for itself is ended by SIGKILL, after request_kill_timeout or at once.
func TestDeafRequestIsEnded(t *testing.T) {
	t.Parallel()
	s := prepare(t, static, static, map[string]string{
		"deaf.php": `<?php pcntl_async_signals(true); pcntl_signal(SIGTERM, fn() => null); while (true) usleep(1000);`,
	})
	s.Write("phpsapi.yaml", "php: {pcntl: on}\n")
	s.start()
	for _, options := range [][]string{{}, {"--now"}} {
		ended := make(chan error, 1)
		go func() {
			_, err := s.ask("www", "deaf.php")
			ended <- err
		}()
		var all control.Running
		wait.Until(t, "a request that runs", func() bool {
			s.Tell(&all, "requests")
			return len(all.Requests) == 1 && all.Requests[0].Duration > 0.3
		})
		s.wants(`exited on signal 9 \(SIGKILL\), incident`, append([]string{"kill", fmt.Sprint(all.Requests[0].Pid)}, options...)...)
		if err := <-ended; err == nil {
			t.Error("the request was answered")
		}
	}
	s.Logged("has asked for, terminating$", 1)
	s.Logged("has asked for, killing$", 1)
}
