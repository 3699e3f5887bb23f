package server

import (
	"errors"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/sapi"
)

func TestParseAddress(t *testing.T) {
	for text, want := range map[string]address{
		"localhost:80": {"localhost", 80}, "[::1]:8000": {"::1", 8000}, "a:": {"a", 0}, ":1": {"", 1}, "a: +7": {"a", 7},
		"a:0": {"a", 0}, "a:65535": {"a", 65535}, "[a]:1": {"a", 1},
	} {
		if got, ok := parseAddress(text); !ok || got != want {
			t.Errorf("%q: got %+v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "a", "a:b", "a:1x", "a:65536", "a:-1", "::1", "[::1]", "[::1]80", "[::1:80"} {
		if got, ok := parseAddress(text); ok {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}

func TestAddressByVersion(t *testing.T) {
	for php, want := range map[sapi.PHPVersion]string{php82: "::1:80", php83: "[::1]:80", php84: "[::1]:80"} {
		if got := (address{"::1", 80}).named(php); got != want {
			t.Errorf("%s: got %s, want %s", php, got, want)
		}
		if got := (address{"127.0.0.1", 80}).named(php); got != "127.0.0.1:80" {
			t.Errorf("%s: got %s", php, got)
		}
	}
}

func TestErrorPageByVersion(t *testing.T) {
	for php, want := range map[sapi.PHPVersion]struct{ powered, viewport bool }{
		php82: {}, php83: {}, php84: {powered: true}, php85: {true, true},
	} {
		s := &Server{php: php, phpText: php.String()}
		text := string(s.errorResponse(&head{method: "GET", uri: "/x", protocol: 101}, nil, 404))
		if got := strings.Contains(text, "\r\nX-Powered-By: PHP/"+php.String()+"\r\n"); got != want.powered {
			t.Errorf("%s: X-Powered-By is there: %t\n%s", php, got, text)
		}
		const viewport = `<head><meta name="viewport" content="width=device-width, initial-scale=1"><title>404`
		if got := strings.Contains(text, viewport); got != want.viewport {
			t.Errorf("%s: the viewport is there: %t\n%s", php, got, text)
		}
	}
}

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		`<a href="x">'`: "&lt;a href=&quot;x&quot;&gt;&#039;", "a&b": "a&amp;b", "&amp;&lt;": "&amp;&lt;", "&#65;&#x41;": "&#65;&#x41;",
		"&nothing;": "&amp;nothing;", "&": "&amp;", "&a&amp;": "&amp;a&amp;",
	} {
		if got := escape(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestContentType(t *testing.T) {
	for ending, want := range map[string]string{
		"html": "text/html; charset=UTF-8", "HTML": "text/html; charset=UTF-8", "js": "application/javascript", "png": "image/png",
		"php": "application/x-httpd-php", "": "", "nothing": "", "#": "",
	} {
		if got := contentType(ending); got != want {
			t.Errorf("%q: got %q, want %q", ending, got, want)
		}
	}
}

func TestLogLines(t *testing.T) {
	for _, c := range []struct {
		log   Log
		write func(*Log)
		want  string
	}{
		{Log{Verbosity: 3}, func(l *Log) { l.Line(LevelMessage, "x") }, `^\[\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\] x\n$`},
		{Log{Verbosity: 2}, func(l *Log) { l.Line(LevelMessage, "x") }, `^$`},
		{Log{Verbosity: 3, WithPid: true}, func(l *Log) { l.accepted("c") }, `^\[\d+\] \[.*\] c Accepted\n$`},
		{Log{Verbosity: 3}, func(l *Log) { l.Response("c", 200, 200, "GET", "/", "") }, `^\[.*\] c \[200\]: GET /\n$`},
		{Log{Verbosity: 3}, func(l *Log) { l.Response("c", 404, 404, "GET", "/", "why") }, `^\[.*\] c \[404\]: GET / - why\n$`},
		{Log{Verbosity: 3, Color: true}, func(l *Log) { l.Response("c", 200, 500, "GET", "/", "") }, `\] \x1b\[31mc \[200\]: GET /\x1b\[0m\n$`},
		{Log{Verbosity: 3, Color: true}, func(l *Log) { l.Response("c", 404, 404, "GET", "/", "") }, `\] \x1b\[33mc`},
		{Log{Verbosity: 3, Color: true}, func(l *Log) { l.Response("c", 301, 301, "GET", "/", "") }, `\] \x1b\[32mc`},
		{Log{Verbosity: 3}, func(l *Log) { l.noRequest("c", errTLS) }, `c Invalid request \(Unsupported SSL request\)\n$`},
		{Log{Verbosity: 3}, func(l *Log) { l.noRequest("c", syscall.ECONNRESET) }, `c Invalid request \(Connection reset by peer\)\n$`},
		{Log{Verbosity: 3}, func(l *Log) { l.noRequest("c", errors.New("other")) }, `c Invalid request \(other\)\n$`},
	} {
		var out strings.Builder
		c.log.Out = &out
		c.write(&c.log)
		if !regexp.MustCompile(c.want).MatchString(out.String()) {
			t.Errorf("got %q, want %s", out.String(), c.want)
		}
	}
}

func TestWorkerLimit(t *testing.T) {
	for text, want := range map[string]int{"": DefaultWorkers, "1": DefaultWorkers, "x": DefaultWorkers, "-3": DefaultWorkers, "2": 3, "4x": 5, "99999": 1001} {
		if got, counts := workerLimit(text); got != want || counts != (want != DefaultWorkers) {
			t.Errorf("%q: got %d, %v", text, got, counts)
		}
	}
}

func TestDamagedTasksAreErrors(t *testing.T) {
	whole := (&Task{Client: "c", Method: "GET"}).Encode()
	for i := range whole[4:] {
		damaged := append([]byte(nil), whole...)
		damaged[4+i] = 0xff
		ReadTask(strings.NewReader(string(damaged))) // must not panic
	}
	if _, err := ReadTask(strings.NewReader("")); err == nil {
		t.Error("nothing is taken for a task")
	}
}
