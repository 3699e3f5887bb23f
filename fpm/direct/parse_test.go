package direct

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/front/site"
	"github.com/phpsapi/phpsapi/fpm/front/upstream"
)

// crlf returns lines with the ends that HTTP wants.
func crlf(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }

const chrome = `GET /blog/2026/?page=2&tags[]=a|b HTTP/1.1
Host: www.example.org
Connection: keep-alive
sec-ch-ua: "Chromium";v="130", "Google Chrome";v="130", "Not?A_Brand";v="99"
sec-ch-ua-mobile: ?0
sec-ch-ua-platform: "Linux"
Upgrade-Insecure-Requests: 1
User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8
Sec-Fetch-Site: none
Sec-Fetch-Mode: navigate
Accept-Encoding: gzip, deflate, br, zstd
Cookie: PHPSESSID=0123456789abcdef0123456789; theme=dark

`

// ordinary are heads that must not go to the front.
var ordinary = map[string]string{
	"Chrome": chrome,
	"Chrome, reloading": strings.Replace(chrome, "Accept: ", "Pragma: no-cache\nCache-Control: no-cache\nDNT: 1\nSec-Fetch-User: ?1\nSec-Fetch-Dest: document\n"+
		"Referer: https://www.example.org/\nAccept-Language: en-US,en;q=0.9,de;q=0.8\nIf-None-Match: W/\"abc\"\nIf-Modified-Since: Fri, 27 Nov 2026 00:00:00 GMT\nAccept: ", 1),
	"Firefox": "GET / HTTP/1.1\nHost: localhost:8080\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\nAccept-Language: en-US,en;q=0.5\nAccept-Encoding: gzip, deflate, br, zstd\n" +
		"Connection: keep-alive\nUpgrade-Insecure-Requests: 1\nSec-Fetch-Dest: document\nSec-Fetch-Mode: navigate\nSec-Fetch-Site: none\nSec-Fetch-User: ?1\nPriority: u=0, i\n\n",
	"a form": "POST /login.php HTTP/1.1\nHost: example.org\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 27\nOrigin: http://example.org\n" +
		"Connection: keep-alive\nCookie: a=1\nCookie: b=2\nUser-Agent: x\n\n",
	"curl":                "GET /caf%C3%A9?q=%20 HTTP/1.1\nHost: 127.0.0.1:8080\nUser-Agent: curl/7.88.1\nAccept: */*\n\n",
	"wrk":                 "GET / HTTP/1.1\nHost: [::1]:8080\n\n",
	"ab -k by HTTP/1.1":   "GET /index.php HTTP/1.1\nConnection: Keep-Alive\nHost: localhost\nUser-Agent: ApacheBench/2.3\nAccept: */*\n\n",
	"a bot":               "HEAD /robots.txt HTTP/1.1\nHost: example.org.\nConnection: close\nFrom: bot(at)example.com\nUser-Agent: Bot/2.1 (+http://example.com/bot.html)\nAccept-Encoding: gzip\n\n",
	"behind nginx":        "GET /a HTTP/1.1\nHost: example.org\nX-Real-IP: 192.0.2.1\nX-Forwarded-For: 192.0.2.1, 10.0.0.1\nX-Forwarded-Proto: https\nX-Request-Id: 0af7651916cd43dd8448eb211c80319c\n\n",
	"a script's PUT":      "PUT /a%2Fb/../c.php/d HTTP/1.1\nhost: h\ncontent-length: 0\nauthorization: Basic bWU6c2VjcmV0\nx-empty:\nx-latin: caf\xe9\nx-tabs: \ta\tb\t \n\n",
	"names said twice":    "GET /?a=/../%zz HTTP/1.1\nHost: h\nX-A: 1\nx-b: 2\nX-a: 3\nAccept: a\nACCEPT: b\nX_A: 4\nX-A.B: 5\nProxy: evil\nContent-Type: a\nContent-Type: b\n\n",
	"close and not close": "DELETE /x HTTP/1.1\nHost: h\nConnection: close\nConnection: keep-alive\n\n",
}

// odd are heads that the front is to see.
var odd = []string{
	"GET / HTTP/1.0\nHost: h\n\n", "GET / HTTP/1.2\nHost: h\n\n", "GET / HTTP/2.0\nHost: h\n\n", "GET /\n\n", "GET / HTTP/1.1\n\n", "GET / HTTP/1.1 \nHost: h\n\n",
	"GET  / HTTP/1.1\nHost: h\n\n", "GET /a b HTTP/1.1\nHost: h\n\n", "GET /\t HTTP/1.1\nHost: h\n\n", "get / HTTP/1.1\nHost: h\n\n", " GET / HTTP/1.1\nHost: h\n\n",
	"\nGET / HTTP/1.1\nHost: h\n\n", "CONNECT h:1 HTTP/1.1\nHost: h\n\n", "TRACE / HTTP/1.1\nHost: h\n\n", "OPTIONS * HTTP/1.1\nHost: h\n\n", "PRI * HTTP/2.0\n\n",
	"GET http://h/ HTTP/1.1\nHost: h\n\n", "GET //h/ HTTP/1.1\nHost: h\n\n", "GET /a#b HTTP/1.1\nHost: h\n\n", "GET /\xe9 HTTP/1.1\nHost: h\n\n", "GET ?a HTTP/1.1\nHost: h\n\n",
	"GET / HTTP/1.1\nHost: h\nHost: h\n\n", "GET / HTTP/1.1\nHost:\n\n", "GET / HTTP/1.1\nHost: a b\n\n", "GET / HTTP/1.1\nHost: a,b\n\n", "GET / HTTP/1.1\nHost: h/p\n\n",
	"GET / HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\n\n", "GET / HTTP/1.1\nHost: h\nTrailer: a\n\n", "GET / HTTP/1.1\nHost: h\nExpect: 100-continue\n\n",
	"GET / HTTP/1.1\nHost: h\nUpgrade: websocket\nConnection: Upgrade\n\n", "GET / HTTP/1.1\nHost: h\nConnection: keep-alive, x\n\n", "GET / HTTP/1.1\nHost: h\nConnection:\n\n",
	"GET / HTTP/1.1\nHost: h\nContent-Length: 1\nContent-Length: 1\n\n", "GET / HTTP/1.1\nHost: h\nContent-Length: +1\n\n", "GET / HTTP/1.1\nHost: h\nContent-Length: 1, 1\n\n",
	"GET / HTTP/1.1\nHost: h\nContent-Length: 0x1\n\n", "GET / HTTP/1.1\nHost: h\nContent-Length: -1\n\n", "GET / HTTP/1.1\nHost: h\nContent-Length:\n\n",
	"GET / HTTP/1.1\nHost: h\nContent-Length: 1_0\n\n", "GET / HTTP/1.1\nHost: h\nContent-Length: 99999999999999999999\n\n",
	"GET / HTTP/1.1\nHost: h\nA : b\n\n", "GET / HTTP/1.1\nHost: h\nA\n\n", "GET / HTTP/1.1\nHost: h\n: b\n\n", "GET / HTTP/1.1\nHost: h\nA: b\n c\n\n", "GET / HTTP/1.1\n Host: h\n\n",
	"GET / HTTP/1.1\nHost: h\nA\x00: b\n\n", "GET / HTTP/1.1\nHost: h\nA: b\x00c\n\n", "GET / HTTP/1.1\nHost: h\nA: b\x01c\n\n", "GET / HTTP/1.1\nHost: h\nA: b\x7fc\n\n",
	"GET / HTTP/1.1\nHost: h\nA: b\rc\n\n", "GET / HTTP/1.1\nHost: h\nA\xe9: b\n\n", "GET / HTTP/1.1\nHost: h\nA(b: c\n\n", "GET / HTTP/1.1\nHost: h\nPragma: no-cache\n\n",
	"GET / HTTP/1.1\nHost: h\n" + strings.Repeat("A: b\n", mostFields+1) + "\n",
}

// read is what http.ReadRequest makes of a head.
func read(t *testing.T, text []byte) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
	if err != nil {
		t.Fatalf("%q: net/http says %v", text, err)
	}
	return r
}

// check sees that net/http reads a head as parse has, up to the same byte.
func check(t *testing.T, text []byte, h *head, n int) {
	t.Helper()
	if n > len(text) || !bytes.HasSuffix(text[:n], []byte("\r\n\r\n")) {
		t.Fatalf("%q: its head is said to end after %d bytes", text, n)
	}
	r := read(t, text[:n])
	if string(h.method) != r.Method || string(h.target) != r.RequestURI || string(h.host) != r.Host || string(h.query) != r.URL.RawQuery || r.Proto != "HTTP/1.1" {
		t.Errorf("%q: %s %s of %s, query %s, by net/http: %s %s of %s, query %s", text, h.method, h.target, h.host, h.query, r.Method, r.RequestURI, r.Host, r.URL.RawQuery)
	}
	if path, err := url.PathUnescape(string(h.path)); err != nil || path != r.URL.Path {
		t.Errorf("%q: path %q, %v, by net/http: %q", text, path, err, r.URL.Path)
	}
	if h.close != r.Close || max(h.length, 0) != r.ContentLength || len(r.TransferEncoding) > 0 {
		t.Errorf("%q: close %v, length %d, by net/http: %v, %d, %v", text, h.close, h.length, r.Close, r.ContentLength, r.TransferEncoding)
	}
	got := http.Header{}
	for _, f := range h.fields {
		got.Add(string(f.name), string(f.value))
	}
	if !reflect.DeepEqual(got, r.Header) {
		t.Errorf("%q:\nheaders         %q\nby net/http are %q", text, got, r.Header)
	}
}

func TestOrdinaryHeadsAreReadAsNetHTTPReadsThem(t *testing.T) {
	var h head
	for name, text := range ordinary {
		text := []byte(crlf(text))
		n, err := h.parse(append(slices.Clone(text), "GET"...))
		if err != nil || n != len(text) {
			t.Errorf("%s: %d, %v, want its %d bytes", name, n, err, len(text))
			continue
		}
		check(t, text, &h, n)
		for i := range text { // its beginning needs more
			if n, err := h.parse(text[:i]); n != 0 || err != nil {
				t.Errorf("%s: %q: %d, %v", name, text[:i], n, err)
				break
			}
		}
	}
}

func TestOddHeadsAreTheFronts(t *testing.T) {
	var h head
	for _, text := range odd {
		if n, err := h.parse([]byte(crlf(text))); !errors.Is(err, errForeign) {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
	for _, text := range []string{"GET / HTTP/1.1\nHost: h\n\n", "GET / HTTP/1.1\r\nHost: h\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n\n", "GET / HTTP/1.1\r\nHost: h\r\n\rA: b\r\n\r\n"} {
		if n, err := h.parse([]byte(text)); !errors.Is(err, errForeign) {
			t.Errorf("%q: %d, %v", text, n, err)
		}
	}
}

// Whatever comes, what parse takes is what net/http reads, and nothing of it depends on what comes after.
func FuzzParse(f *testing.F) {
	for _, text := range ordinary {
		f.Add([]byte(crlf(text)))
	}
	for _, text := range odd {
		f.Add([]byte(crlf(text)))
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var h head
		n, err := h.parse(text)
		if err != nil || n == 0 {
			if n != 0 {
				t.Errorf("%q: %d and %v", text, n, err)
			}
			return
		}
		if _, err := url.PathUnescape(string(h.path)); err != nil { // route hands over those
			return
		}
		check(t, text, &h, n)
	})
}

// frontParams returns a function that gives what the front passes to PHP.
func frontParams(t *testing.T) func(*upstream.Request) map[string]string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "pool")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	came := make(chan map[string]string, 1)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			c := fastcgi.NewConn(fastcgi.Config{ReadBuffer: make([]byte, 16<<10), WriteBuffer: make([]byte, 8<<10)})
			c.Reset(conn)
			var r fastcgi.Request
			for c.ReadRequest(&r) == nil {
				came <- asMap(&r.Params)
				io.WriteString(c.Response(), "Content-Type: text/plain\r\n\r\n")
				c.Response().End(0, fastcgi.RequestComplete)
				c.Finish()
			}
			conn.Close()
		}
	}()
	limits := contract.FrontLimits{RequestTimeout: time.Minute, ConnectTimeout: time.Minute, QueueTimeout: time.Minute, Queue: 1}
	pool := upstream.New(upstream.Options{Pool: contract.FrontPool{Name: "www", Network: "unix", Address: socket, Connections: 1}, Limits: limits})
	t.Cleanup(pool.Close)
	return func(r *upstream.Request) map[string]string {
		if err := pool.Serve(httptest.NewRecorder(), r, nil); err != nil {
			t.Fatal(err)
		}
		return <-came
	}
}

// asMap returns params by their names. A name that comes twice has both values.
func asMap(p *fastcgi.Params) map[string]string {
	all := map[string]string{}
	for i := range p.Len() {
		name, value := p.At(i)
		if before, twice := all[string(name)]; twice {
			value = append([]byte(before+" and "), value...)
		}
		all[string(name)] = string(value)
	}
	return all
}

// PHP is told of a request by a worker what the front would tell it.
func TestParamsAreTheFronts(t *testing.T) {
	ask := frontParams(t)
	for name, text := range ordinary {
		for i, script := range []site.Script{{DocumentRoot: "/srv/www", Filename: "/srv/www/index.php", Name: "/index.php"},
			{DocumentRoot: "/srv/www", Filename: "/srv/www/blog/a.php", Name: "/blog/a.php", PathInfo: "/x y"}} {
			c := &Conn{}
			c.who.Remote, c.local = netip.MustParseAddrPort("192.0.2.1:4567"), netip.MustParseAddrPort("[2001:db8::1]:8080")
			if i == 1 {
				c.who.Remote, c.local, c.who.HTTPS = netip.AddrPort{}, netip.AddrPort{}, true
			}
			text := []byte(crlf(text))
			if _, err := c.head.parse(text); err != nil {
				t.Fatal(name, err)
			}
			c.who.Host = string(c.head.host)
			c.identify()
			var p fastcgi.Params
			c.setParams(&p, &script)
			got := asMap(&p)
			r := read(t, append(text, strings.Repeat("b", max(0, int(c.head.length)))...))
			want := ask(&upstream.Request{HTTP: r, Script: script, RemoteAddr: c.who.Remote, ServerAddr: c.local, HTTPS: c.who.HTTPS, ID: string(c.id)})
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got\n%q\nwant\n%q", name, got, want)
			}
			for at := range p.Len() {
				name, value := p.At(at)
				if string(p.Get(string(name))) != string(value) {
					t.Errorf("%s is not found by its name", name)
				}
			}
		}
	}
}

// browsed is a Conn that has read Chrome's request.
func browsed() (*Conn, []byte, *site.Script) {
	c := &Conn{}
	c.who.Remote, c.local, c.who.Host = netip.MustParseAddrPort("192.0.2.1:4567"), netip.MustParseAddrPort("10.0.0.1:80"), "www.example.org"
	c.id = strconv.AppendInt(nil, time.Now().UnixNano(), 10)
	return c, []byte(crlf(chrome)), &site.Script{DocumentRoot: "/srv/www", Filename: "/srv/www/index.php", Name: "/index.php", PathInfo: "/blog/2026/"}
}

func TestReadingARequestAllocatesNothing(t *testing.T) {
	c, text, script := browsed()
	var p fastcgi.Params
	if n := testing.AllocsPerRun(100, func() {
		c.head.parse(text)
		c.setParams(&p, script)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkParse(b *testing.B) {
	c, text, _ := browsed()
	b.ReportAllocs()
	for b.Loop() {
		c.head.parse(text)
	}
}

func BenchmarkParams(b *testing.B) {
	c, text, script := browsed()
	var p fastcgi.Params
	c.head.parse(text)
	b.ReportAllocs()
	for b.Loop() {
		c.setParams(&p, script)
	}
}
