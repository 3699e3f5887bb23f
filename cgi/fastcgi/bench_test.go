package fastcgi

import (
	"bytes"
	"io"
	"testing"
)

// nginxParams are the params nginx sends for a plain page.
var nginxParams = []string{
	"QUERY_STRING", "", "REQUEST_METHOD", "GET", "CONTENT_TYPE", "", "CONTENT_LENGTH", "",
	"SCRIPT_NAME", "/index.php", "REQUEST_URI", "/", "DOCUMENT_URI", "/index.php", "DOCUMENT_ROOT", "/var/www/html",
	"SERVER_PROTOCOL", "HTTP/1.1", "REQUEST_SCHEME", "https", "HTTPS", "on", "GATEWAY_INTERFACE", "CGI/1.1",
	"SERVER_SOFTWARE", "nginx/1.22.1", "REMOTE_ADDR", "192.0.2.17", "REMOTE_PORT", "51234", "REMOTE_USER", "",
	"SERVER_ADDR", "192.0.2.1", "SERVER_PORT", "443", "SERVER_NAME", "www.example.org", "REDIRECT_STATUS", "200",
	"SCRIPT_FILENAME", "/var/www/html/index.php", "HTTP_HOST", "www.example.org",
	"HTTP_USER_AGENT", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
	"HTTP_ACCEPT", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
	"HTTP_ACCEPT_LANGUAGE", "en-US,en;q=0.5", "HTTP_ACCEPT_ENCODING", "gzip, deflate, br",
	"HTTP_CONNECTION", "keep-alive", "HTTP_COOKIE", "PHPSESSID=0123456789abcdef0123456789abcdef",
}

// lookups are what a SAPI asks for while it prepares a request.
var lookups = []string{
	"SCRIPT_FILENAME", "PATH_TRANSLATED", "PATH_INFO", "REQUEST_METHOD", "QUERY_STRING", "CONTENT_TYPE",
	"CONTENT_LENGTH", "HTTP_AUTHORIZATION", "HTTP_COOKIE", "REDIRECT_URL", "DOCUMENT_ROOT", "SCRIPT_NAME", "REQUEST_URI", "PHP_VALUE",
}

var pageHead = []byte("X-Powered-By: PHP/8.2.32\r\nContent-type: text/html; charset=UTF-8\r\n\r\n")

// loop is a connection on which the same request comes again and again, or a
// source that gives the same bytes again and again.
type loop struct {
	in []byte
	at int
}

func (l *loop) Read(p []byte) (int, error) {
	n := copy(p, l.in[l.at:])
	if l.at += n; l.at == len(l.in) {
		l.at = 0
	}
	return n, nil
}

func (l *loop) Write(p []byte) (int, error) { return len(p), nil }

func (l *loop) Writev(bufs [][]byte) (n int, err error) {
	for _, b := range bufs {
		n += len(b)
	}
	return n, nil
}

// round serves one request the way a worker does.
func round(tb testing.TB, c *Conn, req *Request, body, page []byte) {
	if err := c.ReadRequest(req); err != nil {
		tb.Fatal(err)
	}
	for _, name := range lookups {
		req.Params.Get(name)
	}
	for {
		if _, err := c.ReadBody(body); err == io.EOF {
			break
		} else if err != nil {
			tb.Fatal(err)
		}
	}
	c.Response().Write(pageHead)
	c.Response().WriteLast(page, 0, RequestComplete)
	if keep, err := c.Finish(); !keep || err != nil {
		tb.Fatal(keep, err)
	}
}

var rounds = []struct {
	name string
	in   []byte
	page int
}{
	{"Hello", request(1, KeepConn, "", nginxParams...), 12},
	{"Post", request(1, KeepConn, string(make([]byte, 2000)), nginxParams...), 12},
	{"Page64K", request(1, KeepConn, "", nginxParams...), 64 << 10},
	{"Page1M", request(1, KeepConn, "", nginxParams...), 1 << 20},
	{"Management", cat(rec(TypeGetValues, 0, pairs(MpxsConns, "")), rec(99, 0, "x"), request(1, KeepConn, "", nginxParams...)), 12},
	{"Unread", request(1, KeepConn, string(make([]byte, 60000)), nginxParams...), 12},
}

func TestServingAllocatesNothing(t *testing.T) {
	for _, r := range rounds {
		l := &loop{in: r.in}
		c := newConn(l, Limits{})
		var req Request
		body, page := make([]byte, 16<<10), make([]byte, r.page)
		if r.name == "Unread" {
			body = body[:1]
		}
		if n := testing.AllocsPerRun(100, func() { round(t, c, &req, body, page) }); n != 0 {
			t.Errorf("%s, kept: %v allocations", r.name, n)
		}
		if n := testing.AllocsPerRun(100, func() {
			l.at = 0
			c.Reset(l)
			round(t, c, &req, body, page)
		}); n != 0 {
			t.Errorf("%s, new connection: %v allocations", r.name, n)
		}
	}
}

func TestClientAllocatesNothing(t *testing.T) {
	var answer bytes.Buffer
	w := writer(&answer, 4096)
	w.WriteLast(make([]byte, 10000), 0, RequestComplete)
	rw := &loop{in: answer.Bytes()}
	out, in := NewRequestWriter(rw, make([]byte, 64<<10)), NewResponseReader(rw, make([]byte, 4096))
	body := make([]byte, 100000)
	if n := testing.AllocsPerRun(100, func() {
		out.Begin(1, BeginRequest{Role: RoleResponder, Flags: KeepConn})
		for i := 0; i < len(nginxParams); i += 2 {
			out.Param(nginxParams[i], nginxParams[i+1])
		}
		out.EndParams()
		out.Write(body)
		out.EndStdin()
		in.Begin(1)
		for {
			typ, _, err := in.Next()
			if err != nil {
				t.Fatal(err)
			}
			if typ == TypeEndRequest {
				break
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRound(b *testing.B) {
	for _, r := range rounds {
		b.Run(r.name, func(b *testing.B) {
			c := newConn(&loop{in: r.in}, Limits{})
			var req Request
			body, page := make([]byte, 16<<10), make([]byte, r.page)
			b.ReportAllocs()
			for b.Loop() {
				round(b, c, &req, body, page)
			}
		})
	}
}

func BenchmarkReadRequest(b *testing.B) {
	c := newConn(&loop{in: request(1, KeepConn, "", nginxParams...)}, Limits{})
	var req Request
	b.ReportAllocs()
	for b.Loop() {
		if err := c.ReadRequest(&req); err != nil {
			b.Fatal(err)
		}
		c.Finish()
	}
}

func BenchmarkWriteResponse(b *testing.B) {
	w := writer(&loop{}, 4096)
	page := make([]byte, 1000)
	b.ReportAllocs()
	for b.Loop() {
		w.begin(1)
		w.Write(page)
		w.End(0, RequestComplete)
	}
}

func BenchmarkParamsGet(b *testing.B) {
	var p Params
	p.Parse([]byte(pairs(nginxParams...)))
	b.ReportAllocs()
	for b.Loop() {
		for _, name := range lookups {
			p.Get(name)
		}
	}
}
