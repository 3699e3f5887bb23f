package worker

import (
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
)

// headers_send() sends an interim head to a client that takes it, and to others nothing: they would take it for the
// response's own.
func TestInterimHeads(t *testing.T) {
	t.Parallel()
	p := newPool(t, nil)
	p.spawn()
	p.write("early.php", `<?php
		header('Link: </a.css>; rel=preload; as=style');
		$sent = headers_send(103);
		header('X-Final: yes');
		http_response_code(404);
		$after = headers_sent() ? 'sent' : 'not sent';
		echo $sent, $after;`)
	p.write("status.php", `<?php header('Status: 404 Gone Fishing'); echo headers_send(103);`)
	p.write("late.php", `<?php echo 'body'; flush(); echo headers_send(103), headers_send(200);`)
	p.write("wrong.php", `<?php ini_set('display_errors', '1'); ini_set('html_errors', '0');
		foreach ([99, 101, 600] as $status) echo headers_send($status);`)
	p.write("final.php", `<?php header('X-A: 1'); echo headers_send(404), headers_sent() ? 'sent' : 'not sent';`)

	const final = "Status: 404 Not Found\r\nLink: </a.css>; rel=preload; as=style\r\nX-Final: yes\r\n" +
		"Content-type: text/html; charset=UTF-8\r\n\r\n"
	for _, c := range []struct {
		script string
		flags  fastcgi.Flags
		want   string
	}{
		{"early.php", fastcgi.Interim, "Status: 103\r\nLink: </a.css>; rel=preload; as=style\r\n\r\n" + final + "1not sent"},
		{"early.php", 0, final + "3not sent"},
		{"status.php", fastcgi.Interim, "Status: 404 Gone Fishing\r\nContent-type: text/html; charset=UTF-8\r\n\r\n3"},
		{"late.php", fastcgi.Interim, "Content-type: text/html; charset=UTF-8\r\n\r\nbody30"},
		{"final.php", fastcgi.Interim, "Status: 404 Not Found\r\nX-A: 1\r\nContent-type: text/html; charset=UTF-8\r\n\r\n0sent"},
	} {
		r := get(p.Dir, c.script)
		r.Flags = c.flags
		got := r.do(t, p.Socket)
		if out := withoutVersion(got.stdout); got.err != nil || out != c.want {
			t.Errorf("%s, flags %b: got %v\n%q, want\n%q", c.script, c.flags, got.err, out, c.want)
		}
	}
	got := get(p.Dir, "wrong.php").do(t, p.Socket)
	if n := strings.Count(got.stdout, "headers_send(): Argument #1 ($status) must be"); n != 3 {
		t.Errorf("wrong statuses: %v", got)
	}
}

// withoutVersion takes X-Powered-By out of a response.
func withoutVersion(response string) string {
	for {
		before, rest, ok := strings.Cut(response, "X-Powered-By: ")
		if !ok {
			return response
		}
		_, after, _ := strings.Cut(rest, "\r\n")
		response = before + after
	}
}
