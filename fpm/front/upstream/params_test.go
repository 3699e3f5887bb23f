package upstream

import (
	"bytes"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/front/site"
)

// paramsOf returns what a request's params are, one a line.
func paramsOf(t *testing.T, r *Request, length int64, chroot string) string {
	t.Helper()
	var wire bytes.Buffer
	w := fastcgi.NewRequestWriter(&wire, make([]byte, writeBuffer))
	w.Begin(requestID, fastcgi.BeginRequest{Role: fastcgi.RoleResponder})
	var p params
	p.write(w, r, length, chroot)
	w.EndParams()
	w.EndStdin()
	c := fastcgi.NewConn(fastcgi.Config{ReadBuffer: make([]byte, 1<<10), WriteBuffer: make([]byte, 1<<10)})
	c.Reset(&wire)
	var req fastcgi.Request
	if err := c.ReadRequest(&req); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for i := range req.Params.Len() {
		name, value := req.Params.At(i)
		all.WriteString("\n" + string(name) + "=" + string(value))
	}
	return all.String() + "\n"
}

func TestParams(t *testing.T) {
	h := &http.Request{Method: "POST", Proto: "HTTP/1.1", Host: "example.org:8080", RequestURI: "/blog/a.php/x%20y?q=1",
		URL: &url.URL{Path: "/blog/a.php/x y", RawQuery: "q=1"},
		Header: http.Header{
			"Content-Type": {"text/plain"}, "Content-Length": {"3"}, "Accept": {"a", "b"}, "Cookie": {"a=1", "b=2"},
			"Authorization": {"Basic eDp5"}, "Proxy": {"http://evil"}, "X_under": {"dropped"}, "X-Under": {"kept"},
			"X.dot": {"dropped"}, "X-Request-Id": {"the client's"}, "Connection": {"Cookie"}, "X-Empty": {""},
		}}
	r := &Request{HTTP: h, ID: "42",
		Script:     site.Script{DocumentRoot: "/jail/srv", Filename: "/jail/srv/blog/a.php", Name: "/blog/a.php", PathInfo: "/x y"},
		RemoteAddr: netip.MustParseAddrPort("[::ffff:10.1.2.3]:4567"), ServerAddr: netip.MustParseAddrPort("[2001:db8::1]:8080")}
	got := paramsOf(t, r, 3, "/jail")
	for _, want := range []string{
		"GATEWAY_INTERFACE=CGI/1.1", "SERVER_SOFTWARE=phpsapi", "SERVER_PROTOCOL=HTTP/1.1", "REDIRECT_STATUS=200",
		"REQUEST_METHOD=POST", "REQUEST_URI=/blog/a.php/x%20y?q=1", "QUERY_STRING=q=1", "DOCUMENT_ROOT=/srv",
		"SCRIPT_FILENAME=/srv/blog/a.php", "SCRIPT_NAME=/blog/a.php", "DOCUMENT_URI=/blog/a.php/x y", "PATH_INFO=/x y",
		"PATH_TRANSLATED=/srv/x y", "REQUEST_SCHEME=http", "REMOTE_ADDR=10.1.2.3", "REMOTE_PORT=4567",
		"SERVER_ADDR=2001:db8::1", "SERVER_PORT=8080", "SERVER_NAME=example.org", "CONTENT_TYPE=text/plain",
		"CONTENT_LENGTH=3", "HTTP_HOST=example.org:8080", "HTTP_X_REQUEST_ID=42", "HTTP_ACCEPT=a, b",
		"HTTP_COOKIE=a=1; b=2", "HTTP_AUTHORIZATION=Basic eDp5", "HTTP_X_UNDER=kept", "HTTP_CONNECTION=Cookie",
		"HTTP_X_EMPTY=",
	} {
		if !strings.Contains(got, "\n"+want+"\n") {
			t.Errorf("%q is missing", want)
		}
	}
	for _, not := range []string{"HTTP_PROXY=", "dropped", "the client's", "REMOTE_USER", "HTTPS=", "HTTP_CONTENT"} {
		if strings.Contains(got, not) {
			t.Errorf("%q is there", not)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

func TestParamsOfOtherRequests(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Request)
		want   []string
	}{
		"https":            {func(r *Request) { r.HTTPS = true }, []string{"HTTPS=on", "REQUEST_SCHEME=https", "SERVER_PORT=443"}},
		"on a unix socket": {func(*Request) {}, []string{"REMOTE_ADDR=unix:", "REMOTE_PORT=", "SERVER_ADDR=unix:", "SERVER_PORT=80", "SERVER_NAME=localhost"}},
		"an empty body":    {func(r *Request) { r.HTTP.Header["Content-Length"] = []string{"0"} }, []string{"CONTENT_LENGTH=0"}},
		"no path info":     {func(*Request) {}, []string{"DOCUMENT_URI=/a.php"}},
		"absolute": {func(r *Request) {
			r.HTTP.RequestURI, r.HTTP.URL.Scheme, r.HTTP.URL.Host = "http://h/a.php", "http", "h"
		}, []string{"REQUEST_URI=/a.php"}},
		"of nothing":   {func(r *Request) { r.HTTP.Method, r.HTTP.RequestURI = "OPTIONS", "*" }, []string{"REQUEST_URI=*"}},
		"an IPv6 host": {func(r *Request) { r.HTTP.Host = "[::1]:80" }, []string{"SERVER_NAME=[::1]", "HTTP_HOST=[::1]:80"}},
		"without port": {func(r *Request) { r.HTTP.Host = "[::1]" }, []string{"SERVER_NAME=[::1]"}},
		"without a host": {func(r *Request) { r.ServerAddr = netip.MustParseAddrPort("10.0.0.1:81") },
			[]string{"SERVER_NAME=10.0.0.1", "SERVER_PORT=81"}},
		"long": {func(r *Request) { r.HTTP.Header["X-Long"] = []string{strings.Repeat("x", 3*writeBuffer)} },
			[]string{"HTTP_X_LONG=" + strings.Repeat("x", 3*writeBuffer)}},
		"the client's id": {func(r *Request) { r.HTTP.Header["X-Request-Id"] = []string{"mine"} }, []string{"HTTP_X_REQUEST_ID=mine"}},
	} {
		r := &Request{HTTP: &http.Request{Method: "GET", Proto: "HTTP/1.1", RequestURI: "/a.php", URL: &url.URL{Path: "/a.php"}, Header: http.Header{}},
			Script: site.Script{DocumentRoot: "/srv", Filename: "/srv/a.php", Name: "/a.php"}}
		c.change(r)
		got := paramsOf(t, r, 0, "")
		for _, want := range c.want {
			if !strings.Contains(got, "\n"+want+"\n") {
				t.Errorf("%s: %.100q is missing in %.2000s", name, want, got)
			}
		}
	}
}

// getallheaders() of a GET had Content-Length and Content-Type.
func TestParamsOfARequestWithoutABody(t *testing.T) {
	r := &Request{HTTP: &http.Request{Method: "GET", Proto: "HTTP/1.1", RequestURI: "/a.php", URL: &url.URL{Path: "/a.php"}, Header: http.Header{}},
		Script: site.Script{DocumentRoot: "/srv", Filename: "/srv/a.php", Name: "/a.php"}}
	if got := paramsOf(t, r, 0, ""); strings.Contains(got, "CONTENT_") {
		t.Error(got)
	}
}
