package front

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

// The only worker answers what it has accepted itself, and the front sent it a request more, which waited for as long as that took. No
// request waits for longer than queue_timeout, and none that was answered by 503 is run later.
func TestNoRequestWaitsLongerThanQueueTimeout(t *testing.T) {
	for _, listen := range []string{"unix", "tcp"} {
		t.Run(listen, func(t *testing.T) {
			t.Parallel()
			noRequestWaits(t, listen)
		})
	}
}

func noRequestWaits(t *testing.T, listen string) {
	dir, address := serve.Dir(t), serve.Address(t)
	ran := filepath.Join(dir, "ran")
	at := filepath.Join(dir, "pool.sock")
	if listen == "tcp" {
		at = serve.Address(t)
	}
	files.Write(t, filepath.Join(dir, "ran.php"), `<?php file_put_contents('`+ran+`', $_SERVER['QUERY_STRING'] . "\n", FILE_APPEND); while (!file_exists('`+dir+`/go')) usleep(10000); echo "ran";`)
	conf := filepath.Join(dir, "fpm.conf")
	files.Write(t, conf, "[global]\nerror_log = /proc/self/fd/2\n[www]\nlisten = "+at+"\npm = static\npm.max_children = 1\n")
	os.Chmod(dir, 0o777)
	s := start(t, address, []string{"PHPSAPI_HTTP_LIMITS_QUEUE_TIMEOUT=1500ms"}, "-F", "-O", "-R", "-y", conf, "--http", address, "--root", dir)

	request := func(ctx context.Context, name string, body int) (status int, took time.Duration) {
		begin := time.Now()
		r, _ := http.NewRequestWithContext(ctx, "POST", s.URL("/ran.php?"+name), bytes.NewReader(make([]byte, body)))
		resp, err := s.HTTP.Do(r)
		if err != nil {
			return 0, 0
		}
		resp.Body.Close()
		return resp.StatusCode, time.Since(begin)
	}
	var first sync.WaitGroup
	first.Go(func() {
		if status, _ := request(t.Context(), "first", 0); status != 200 {
			t.Errorf("the first got %d", status)
		}
	})
	names := func() string { return files.Text(ran) }
	if err := s.WaitFor(20*time.Second, func() bool { return names() == "first\n" }); err != nil {
		t.Fatal(err)
	}
	var others sync.WaitGroup
	for i, body := range []int{0, 100, 300_000, 3_000_000} {
		others.Go(func() {
			// 20 s is what a request may take on a busy machine; without a limit it waits for ever.
			if status, _ := request(t.Context(), fmt.Sprint(i), body); status != 503 {
				t.Errorf("request %d got %d", i, status)
			}
		})
	}
	ctx, leave := context.WithTimeout(t.Context(), time.Second)
	defer leave()
	others.Go(func() { request(ctx, "left", 0) }) // its client does not stay
	others.Wait()
	files.Write(t, filepath.Join(dir, "go"), "")
	first.Wait()
	if status, _ := request(t.Context(), "last", 0); status != 200 {
		t.Errorf("the last got %d", status)
	}
	if got := names(); got != "first\nlast\n" {
		t.Errorf("these ran: %q", got)
	}
	if got := s.Log(); !strings.Contains(got, "requests turned away: no worker is free") || strings.Contains(got, "ERROR") {
		t.Error("not said, or errors")
	}

	worker := s.Titled("php-fpm: pool www")
	if len(worker) != 1 {
		t.Fatal("worker", worker)
	}
	syscall.Kill(worker[0], syscall.SIGSTOP)
	defer syscall.Kill(worker[0], syscall.SIGCONT)
	if status, _ := request(t.Context(), "stopped", 0); status != 503 {
		t.Errorf("while the only worker is stopped: %d", status)
	}
}
