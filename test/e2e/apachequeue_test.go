//go:build e2e

package e2e

import (
	"net/http"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// A request that waits for the only worker while that and the service are killed is answered by the next service.
func TestApachePoolQueue(t *testing.T) {
	p := at(t)
	p.write("www/a.php", `<?php echo 'fine';`)
	p.write("www/long.php", `<?php file_put_contents("$_GET[file].new", getmypid()); rename("$_GET[file].new", $_GET['file']); sleep(20);`)
	p.give("tmp")
	s, httpd := apacheInPool(p, "PHPSAPIPool pm static\nPHPSAPIPool pm.max_children 1\n")
	go func() {
		if response, err := http.Get(s.at("/long.php?file=" + p.path("tmp/runs"))); err == nil {
			response.Body.Close()
		}
	}()
	p.eventually("the worker is busy", func() bool { _, err := os.Stat(p.path("tmp/runs")); return err == nil })
	status := make(chan int)
	go func() { status <- s.status("/a.php") }()
	time.Sleep(300 * time.Millisecond) // by then it is in the backlog; if not, the test is easier
	worker, err := strconv.Atoi(p.log("tmp/runs"))
	if err != nil {
		t.Fatal(err)
	}
	syscall.Kill(serviceOf(t, httpd.pid), syscall.SIGKILL)
	syscall.Kill(worker, syscall.SIGKILL)
	if got := <-status; got != http.StatusOK {
		t.Errorf("the request that waited: status %d", got)
	}
}
