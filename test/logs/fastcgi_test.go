package logs

import (
	"github.com/phpsapi/phpsapi/test/exchange"
	"github.com/phpsapi/phpsapi/test/serve"
)

// fastcgi asks the pool for a script as a web server does, with more params: name, value. It returns the body and what came on STDERR.
func (s *service) fastcgi(script string, params ...string) (body, said string) {
	s.T.Helper()
	r := exchange.Request{Params: append([]string{"REQUEST_METHOD", "GET", "SCRIPT_FILENAME", s.Path(script), "SCRIPT_NAME", "/" + script,
		"REQUEST_URI", "/" + script + "?fastcgi", "QUERY_STRING", "fastcgi", "SERVER_PROTOCOL", "HTTP/1.1", "REQUEST_SCHEME", "https", "SERVER_PORT", "443",
		"REMOTE_ADDR", "192.0.2.1", "HTTP_HOST", "example.org"}, params...)}
	got := exchange.Ask(serve.Socket(s.Dir), &r)
	if got.Err != nil {
		s.T.Fatal(got.Err)
	}
	return got.Body(), got.Stderr
}
