//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/probe"
)

// The timer of max_execution_time runs on from request to request. A script has the time that it would have of its own timer all the same, after
// requests that had another limit, and one that has none is not ended.
func TestApacheTimeLimits(t *testing.T) {
	p := at(t)
	p.write("www/pid.php", "<?php echo getmypid();")
	p.write("www/one.php", "<?php set_time_limit(1); ini_set('display_errors', 0); while (true);")
	p.write("www/none.php", "<?php set_time_limit(0); $t = getrusage(); do { $u = getrusage(); } while ($u['ru_utime.tv_sec'] - $t['ru_utime.tv_sec'] < 3); echo 'none';")
	p.write("www/two/.htaccess", "php_value max_execution_time 2\n")
	p.write("www/two/busy.php", "<?php ini_set('display_errors', 0); while (true);")
	address, _ := p.httpd(inProcess.mpm, "", inProcess.load+apacheHandler+"ServerLimit 1\nStartServers 1\nMinSpareServers 1\nMaxSpareServers 1\nMaxRequestWorkers 1\n")

	said, err := fetch(address, "/pid.php")
	pid, notNumber := strconv.Atoi(said)
	if err != nil || notNumber != nil {
		t.Fatalf("GET /pid.php: %q, %v", said, err)
	}
	for _, test := range []struct {
		path  string
		limit time.Duration // of processor time
	}{{"/one.php", time.Second}, {"/two/busy.php", 2 * time.Second}, {"/one.php", time.Second}} {
		for range 20 {
			wantBody(t, address, "/pid.php", said)
		}
		before := processorTime(t, pid)
		_, err := fetch(address, test.path)
		took := processorTime(t, pid) - before
		// The kernel's timer takes whole ticks for the time of the process that they found running: on a busy machine it is off by a tenth and more.
		if err == nil || !strings.HasPrefix(err.Error(), "500 ") || took < test.limit*3/4 || took > test.limit*3/2 {
			t.Errorf("GET %s: %v, after %v of processor time, want a 500 after some %v", test.path, err, took, test.limit)
		}
	}
	wantBody(t, address, "/none.php", "none")
	wantBody(t, address, "/pid.php", said)
	if log := p.log("apache-error.log"); strings.Count(log, "Maximum execution time of 1 second exceeded") != 2 || strings.Count(log, "Maximum execution time of 2 seconds exceeded") != 1 {
		t.Errorf("apache-error.log: %s", log)
	}

	calls, err := probe.SystemCalls(pid)
	if err != nil {
		t.Skipf("the system calls are not counted: %v", err)
	}
	defer calls.Close()
	const requests = 100
	counts, err := calls.Count(func() error {
		client := http.Client{Timeout: 20 * time.Second}
		defer client.CloseIdleConnections()
		for range requests {
			response, err := client.Get("http://" + address + "/pid.php")
			if err != nil {
				return err
			}
			response.Body.Close()
		}
		return nil
	})
	// mod_php has three of the one and at least one of each other in a request.
	if err != nil || counts["setitimer"] > requests || counts["rt_sigaction"] > requests/2 || counts["rt_sigprocmask"] > requests/2 {
		t.Errorf("%d requests have the system calls %v, %v", requests, counts, err)
	}
}

// processorTime returns the processor time in user and system mode that a process has had.
func processorTime(t *testing.T, pid int) time.Duration {
	t.Helper()
	user, system := 0, 0
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	text := string(stat)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) > 12 {
		user, _ = strconv.Atoi(fields[11])
		system, _ = strconv.Atoi(fields[12])
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}
