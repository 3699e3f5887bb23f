package worker

import (
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/sapi"
)

// A worker that SIGTERM ends for the time that its request takes answers 504, if it is the web server that asks and nothing was sent.
func TestOverdueRequestIsAnswered(t *testing.T) {
	t.Parallel()
	const limit = 300 * time.Millisecond
	const answer = "Status: 504 Gateway Timeout\r\nContent-type: text/plain; charset=utf-8\r\n\r\nThe request has taken too long.\n"
	const begun = `touch(__DIR__ . "/begun"); `
	for _, c := range []struct {
		name, code     string
		change         func(r *testRequest)
		early          bool // SIGTERM comes before the request is overdue
		stdout         string
		ended          bool
		sent           scoreboard.Sent
		sendsOn, after bool // the client sends more meanwhile; it is the second request of the connection
	}{
		{name: "in C", code: begun + `sleep(20);`, stdout: answer, ended: true, sent: scoreboard.SentOverdue},
		{name: "in PHP", code: begun + `while (true);`, stdout: answer, ended: true, sent: scoreboard.SentOverdue},
		{name: "with output that was not sent", code: `echo "some"; ` + begun + `sleep(20);`, stdout: answer, ended: true, sent: scoreboard.SentOverdue},
		{name: "on a connection that is kept", code: begun + `sleep(20);`, change: func(r *testRequest) { r.Keep = true }, stdout: answer, ended: true, sent: scoreboard.SentOverdue},
		{name: "after another request", code: begun + `sleep(20);`, change: func(r *testRequest) { r.Keep = true }, after: true, stdout: answer, ended: true, sent: scoreboard.SentOverdue},
		{name: "while the client sends", code: begun + `sleep(20);`, sendsOn: true, stdout: answer, ended: true, sent: scoreboard.SentOverdue},
		{name: "after a fork", code: `if (!pcntl_fork()) { posix_kill(getmypid(), SIGTERM); sleep(20); } pcntl_wait($status); ` + begun + `sleep(20);`, stdout: answer, ended: true, sent: scoreboard.SentOverdue},
		{name: "early", code: begun + `sleep(20);`, early: true},
		{name: "with a part of the response", code: `echo "some"; flush(); ` + begun + `sleep(20);`, stdout: "some", sent: scoreboard.SentPart},
		{name: "with all of the response", code: `echo "all"; fastcgi_finish_request(); ` + begun + `sleep(20);`, stdout: "all", ended: true, sent: scoreboard.SentAll},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, func(conf *conf.Pool) { conf.RequestTerminateTimeout = limit }, sapi.Setting{Name: "extension", Value: "posix"})
			w := p.spawn()
			p.write("a.php", "<?php "+c.code)
			p.write("short.php", "<?php echo 'short';")
			conn := dial(t, p.Socket)
			defer conn.Close()
			if c.after {
				short := get(p.Dir, "short.php")
				short.Keep = true
				go short.Send(conn)
				if got := receive(conn); got.err != nil {
					t.Fatal(got)
				}
			}
			r := get(p.Dir, "a.php")
			if c.change != nil {
				c.change(r)
			}
			go r.Send(conn)
			p.awaits(t, "begun")
			if !c.early {
				time.Sleep(limit)
			}
			if c.sendsOn {
				conn.Write([]byte("\x01\x02\x00\x01\x00\x00\x00\x00"))
			}
			syscall.Kill(w.pid, syscall.SIGTERM)
			got := receive(conn)
			_, body, _ := strings.Cut(got.stdout, "\r\n\r\n")
			if got.stdout != c.stdout && body != c.stdout || (got.err == nil) != c.ended || got.status != (fastcgi.EndRequest{}) {
				t.Errorf("got %v, want %q", got, c.stdout)
			}
			if n, err := conn.Read(make([]byte, 1)); c.ended && err != io.EOF {
				t.Errorf("after the end: %d bytes, %v", n, err)
			}
			conn.Close()
			p.exit()
			if got := p.board.Sent(0); got != c.sent {
				t.Errorf("the worker says %d of the response, want %d", got, c.sent)
			}
		})
	}
}
