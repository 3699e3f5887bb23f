package worker

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/cgi/fastcgi"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/internal/stockfpm"
)

// A pair is a pool of this package's and one of php-fpm's with the same configuration, for the same scripts.
type pair struct {
	ours  *pool
	stock *stockfpm.Server
	dir   string
}

// newPair starts both, with one worker each. values are php_admin_value, on both sides.
func newPair(t *testing.T, values ...conf.KeyValue) *pair {
	t.Helper()
	return newPairWith(t, "", values...)
}

// newPairWith gives php-fpm further directives.
func newPairWith(t *testing.T, directives string, values ...conf.KeyValue) *pair {
	t.Helper()
	directives += "\npm = static\npm.max_children = 1\npm.status_path = /status\nping.path = /ping\n"
	for _, v := range values {
		directives += fmt.Sprintf("php_admin_value[%s] = \"%s\"\n", v.Key, v.Value)
	}
	p := &pair{stock: stockfpm.Start(t, directives, padding)}
	p.dir = p.stock.Dir
	p.ours = newPool(t, func(c *conf.Pool) {
		c.LimitExtensions = []string{".php", ".phar"}
		c.StatusPath = conf.Text{Value: "/status", Set: true}
		c.PingPath = conf.Text{Value: "/ping", Set: true}
		c.PingResponse = conf.Text{Value: "pong", Set: true}
		for i := len(values) - 1; i >= 0; i-- {
			c.PHPAdminValues = append(c.PHPAdminValues, values[i])
		}
	})
	p.ours.spawn()
	return p
}

// write makes a file for both.
func (p *pair) write(t *testing.T, name, content string) {
	t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// compare sends a request to both.
func (p *pair) compare(t *testing.T, name string, r *testRequest) {
	t.Helper()
	stock := r.do(t, p.stock.Socket)
	ours := r.do(t, p.ours.Socket)
	if o, s := ours.String(), stock.String(); o != s {
		at := 0
		for at < min(len(o), len(s)) && o[at] == s[at] {
			at++
		}
		from := max(0, at-60)
		t.Errorf("%s: at byte %d\nours  %.300s\nstock %.300s", name, at, o[from:], s[from:])
	}
}

// show prints what a script learns of its request.
const show = `<?php
unset($_SERVER["REQUEST_TIME"], $_SERVER["REQUEST_TIME_FLOAT"], $_SERVER["PADDING"]);
echo json_encode([$_SERVER, $_GET, $_POST, $_COOKIE, getenv("SCRIPT_NAME"), getenv("PATH_INFO"), getenv("PATH"), getallheaders(),
	file_get_contents("php://input")], JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES), "\n";`

func TestServerVariablesAsStock(t *testing.T) {
	p := newPair(t)
	p.write(t, "show.php", show)
	p.write(t, "sub dir/show.php", show)
	d := p.dir
	server := func(params ...string) *testRequest {
		base := []string{"REQUEST_METHOD", "GET", "QUERY_STRING", "a=1&b[]=2&c.d=3", "SERVER_NAME", "x", "HTTP_X_Y-z", "v",
			"HTTP_COOKIE", "k=v; l=w", "HTTP_USER_AGENT", "test", "CONTENT_TYPE", "", "CONTENT_LENGTH", ""}
		return &testRequest{params: append(base, params...)}
	}
	for name, r := range map[string]*testRequest{
		"plain":                  server("SCRIPT_FILENAME", d+"/show.php", "SCRIPT_NAME", "/show.php"),
		"document root":          server("SCRIPT_FILENAME", d+"/show.php", "SCRIPT_NAME", "/show.php", "DOCUMENT_ROOT", d),
		"path info, nginx":       server("SCRIPT_FILENAME", d+"/show.php", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/p/i", "DOCUMENT_ROOT", d),
		"path info in script":    server("SCRIPT_FILENAME", d+"/show.php/p/i", "SCRIPT_NAME", "/show.php/p/i", "DOCUMENT_ROOT", d),
		"path info all":          server("SCRIPT_FILENAME", d+"/show.php/p/i", "SCRIPT_NAME", "/cgi", "PATH_INFO", "/show.php/p/i", "DOCUMENT_ROOT", d),
		"path info all, no name": server("SCRIPT_FILENAME", d+"/show.php/p/i", "PATH_INFO", "/show.php/p/i"),
		"path info short":        server("SCRIPT_FILENAME", d+"/show.php/p/iiiiiiiiiiiiiiiiiiiiiiii", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/p"),
		"path info empty":        server("SCRIPT_FILENAME", d+"/show.php/p", "SCRIPT_NAME", "/show.php", "PATH_INFO", ""),
		"path info equal":        server("SCRIPT_FILENAME", d+"/show.php/p", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/p"),
		"trailing slash":         server("SCRIPT_FILENAME", d+"/show.php/", "SCRIPT_NAME", "/show.php/", "DOCUMENT_ROOT", d),
		"translated":             server("SCRIPT_FILENAME", d+"/show.php/p", "SCRIPT_NAME", "/show.php/p", "PATH_INFO", "/show.php/p", "PATH_TRANSLATED", d+"/p", "DOCUMENT_ROOT", d+"/"),
		"translated alone":       server("PATH_TRANSLATED", d+"/show.php", "SCRIPT_NAME", "/show.php"),
		"redirect":               server("SCRIPT_FILENAME", "/usr/bin/php", "SCRIPT_NAME", "/php", "PATH_TRANSLATED", d+"/show.php", "PATH_INFO", "/show.php", "REDIRECT_URL", "/show.php"),
		"redirect, same":         server("SCRIPT_FILENAME", d+"/show.php", "SCRIPT_NAME", "/show.php", "PATH_TRANSLATED", d+"/show.php", "PATH_INFO", "/x", "REDIRECT_URL", "/show.php"),
		"redirect, path info":    server("SCRIPT_FILENAME", "/usr/bin/php", "SCRIPT_NAME", "/php", "PATH_TRANSLATED", d+"/show.php/pi", "PATH_INFO", "/show.php/pi", "REDIRECT_URL", "/show.php/pi"),
		"redirect equal name":    server("SCRIPT_FILENAME", "/usr/bin/php", "SCRIPT_NAME", "/show.php", "PATH_TRANSLATED", d+"/show.php", "REDIRECT_URL", "/show.php"),
		"proxy":                  server("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php", "SCRIPT_NAME", "/show.php"),
		"proxy path info":        server("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p/i", "SCRIPT_NAME", "/show.php/p/i", "DOCUMENT_ROOT", d),
		"proxy encoded":          server("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p%20i", "SCRIPT_NAME", "/show.php/p i"),
		"proxy encoded badly":    server("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p%2i%41", "SCRIPT_NAME", "/show.php/p%2iA"),
		"proxy query":            server("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php?x=y", "SCRIPT_NAME", "/show.php"),
		"proxy with path info":   server("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/q"),
		"proxy same path info":   server("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php/p", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/p"),
		"proxy redirect":         server("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000"+d+"/show.php", "SCRIPT_NAME", "/show.php", "REDIRECT_URL", "/x", "PATH_TRANSLATED", "/y"),
		"proxy no path":          server("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000", "SCRIPT_NAME", "/show.php"),
		"balancer":               server("SCRIPT_FILENAME", "Proxy:Balancer://b"+d+"/show.php/p", "SCRIPT_NAME", "/show.php/p"),
		"balancer behind fcgi":   server("SCRIPT_FILENAME", "proxy:fcgi://h/proxy:balancer://b"+d+"/show.php", "SCRIPT_NAME", "/show.php"),
		"iis":                    server("SCRIPT_FILENAME", d+"/show.php", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/show.php/p", "SERVER_SOFTWARE", "Microsoft-IIS/7"),
		"iis nothing left":       server("SCRIPT_FILENAME", d+"/show.php", "SCRIPT_NAME", "/show.php", "PATH_INFO", "/show.php", "SERVER_SOFTWARE", "Microsoft-IIS/7"),
		"missing":                server("SCRIPT_FILENAME", d+"/nope.php", "SCRIPT_NAME", "/nope.php"),
		"missing below":          server("SCRIPT_FILENAME", d+"/nope/nope.php", "SCRIPT_NAME", "/nope.php", "PATH_INFO", "/x"),
		"directory":              server("SCRIPT_FILENAME", d, "SCRIPT_NAME", "/"),
		"directory slash":        server("SCRIPT_FILENAME", d+"/", "SCRIPT_NAME", "/"),
		"no script":              server("SCRIPT_NAME", "/show.php"),
		"empty script":           server("SCRIPT_FILENAME", "", "SCRIPT_NAME", "/show.php"),
		"dot dot":                server("SCRIPT_FILENAME", d+"/sub dir/../show.php", "SCRIPT_NAME", "/show.php"),
		"dots in a name":         server("SCRIPT_FILENAME", d+"/show..php", "SCRIPT_NAME", "/show.php"),
		"extension":              server("SCRIPT_FILENAME", "/etc/passwd", "SCRIPT_NAME", "/show.php"),
		"backslash":              server("SCRIPT_FILENAME", "x\\y", "SCRIPT_NAME", "/show.php"),
		"space":                  server("SCRIPT_FILENAME", d+"/sub dir/show.php", "SCRIPT_NAME", "/sub dir/show.php", "DOCUMENT_ROOT", d),
		"no method":              {params: []string{"SCRIPT_FILENAME", d + "/show.php"}},
		"empty method":           {params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", ""}},
		"nothing":                {},
		"duplicate":              server("SCRIPT_FILENAME", d+"/show.php", "DUPLICATE", "1", "SCRIPT_NAME", "/show.php", "DUPLICATE", "2"),
		"array-like name":        server("SCRIPT_FILENAME", d+"/show.php", "A[b]", "1", "C D", "2", "E.F", "3", "", "nameless"),
		"fcgi role":              server("SCRIPT_FILENAME", d+"/show.php", "FCGI_ROLE", "mine"),
		"authorizer":             {role: fastcgi.RoleAuthorizer, params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "GET"}},
		"basic":                  server("SCRIPT_FILENAME", d+"/show.php", "HTTP_AUTHORIZATION", "Basic dXNlcjpwYXNz"),
		"digest":                 server("SCRIPT_FILENAME", d+"/show.php", "HTTP_AUTHORIZATION", "Digest username=\"x\""),
		"head":                   server("SCRIPT_FILENAME", d+"/show.php", "REQUEST_METHOD", "HEAD"),
		"post":                   {body: "p=1&q=2", params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_TYPE", "application/x-www-form-urlencoded", "CONTENT_LENGTH", "7"}},
		"post, short length":     {body: "p=1&q=2", params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_TYPE", "application/x-www-form-urlencoded", "CONTENT_LENGTH", "3"}},
		"post, no length":        {body: "p=1&q=2", params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_TYPE", "application/x-www-form-urlencoded"}},
		"post json":              {body: `{"a":1}`, params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_TYPE", "application/json", "CONTENT_LENGTH", "7"}},
		"post without type":      {body: `{"a":1}`, params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_LENGTH", "7"}},
		"put":                    {body: "raw", params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "PUT", "CONTENT_LENGTH", "3"}},
		"ping":                   {params: []string{"SCRIPT_FILENAME", "/ping", "SCRIPT_NAME", "/ping", "REQUEST_METHOD", "GET"}},
		"ping head":              {params: []string{"SCRIPT_FILENAME", "/ping", "SCRIPT_NAME", "/ping", "REQUEST_METHOD", "HEAD"}},
		"body file":              {params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_LENGTH", "5", "REQUEST_BODY_FILE", "/etc/hostname"}},
		"body file missing":      {params: []string{"SCRIPT_FILENAME", d + "/show.php", "REQUEST_METHOD", "POST", "CONTENT_LENGTH", "5", "REQUEST_BODY_FILE", "/nope"}},
		"long value":             server("SCRIPT_FILENAME", d+"/show.php", "HTTP_LONG", strings.Repeat("x", 20000)),
	} {
		p.compare(t, name, r)
	}
}
