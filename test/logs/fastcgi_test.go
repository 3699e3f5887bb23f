package logs

import (
	"bytes"
	"net"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/test/client"
	"github.com/phpsapi/phpsapi/test/serve"
)

// fastcgi asks the pool for a script as a web server does, with more params: name, value. It returns the body and what came on STDERR.
func (s *service) fastcgi(script string, params ...string) (body, said string) {
	s.t.Helper()
	var b bytes.Buffer
	w := fastcgi.NewRequestWriter(&b, make([]byte, 64<<10))
	w.Begin(1, fastcgi.BeginRequest{Role: fastcgi.RoleResponder})
	all := append([]string{"REQUEST_METHOD", "GET", "SCRIPT_FILENAME", s.path(script), "SCRIPT_NAME", "/" + script, "REQUEST_URI", "/" + script + "?fastcgi",
		"QUERY_STRING", "fastcgi", "SERVER_PROTOCOL", "HTTP/1.1", "REQUEST_SCHEME", "https", "SERVER_PORT", "443", "REMOTE_ADDR", "192.0.2.1",
		"HTTP_HOST", "example.org"}, params...)
	for i := 0; i+1 < len(all); i += 2 {
		w.Param(all[i], all[i+1])
	}
	w.EndParams()
	w.EndStdin()
	c, err := net.Dial("unix", serve.Socket(s.dir))
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(client.Patience))
	if _, err := c.Write(b.Bytes()); err != nil {
		s.t.Fatal(err)
	}
	r := fastcgi.NewResponseReader(nil, make([]byte, 64<<10))
	r.Reset(c)
	r.Begin(1)
	var out, errs strings.Builder
	for {
		t, piece, err := r.Next()
		switch {
		case err != nil:
			s.t.Fatal(err)
		case t == fastcgi.TypeStdout:
			out.Write(piece)
		case t == fastcgi.TypeStderr:
			errs.Write(piece)
		case t == fastcgi.TypeEndRequest:
			_, body, _ := strings.Cut(out.String(), "\r\n\r\n")
			return body, errs.String()
		}
	}
}
