package worker

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/test/exchange"
	"github.com/phpsapi/phpsapi/test/stockfpm"
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

// newPairWith is newPair with further directives for php-fpm.
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
	if difference := exchange.Difference(ours.String(), stock.String()); difference != "" {
		t.Errorf("%s: %s", name, difference)
	}
}

// show prints what a script learns of its request.
const show = `<?php
unset($_SERVER["REQUEST_TIME"], $_SERVER["REQUEST_TIME_FLOAT"], $_SERVER["PADDING"]);
echo json_encode([$_SERVER, $_GET, $_POST, $_COOKIE, getenv("SCRIPT_NAME"), getenv("PATH_INFO"), getenv("PATH"), getallheaders(),
	file_get_contents("php://input")], JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES), "\n";`

func TestServerVariablesAsStock(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	p.write(t, "show.php", show)
	p.write(t, "sub dir/show.php", show)
	d := p.dir
	requests := exchange.Requests(d)
	maps.Copy(requests, map[string]exchange.Request{
		"empty script": exchange.Get("SCRIPT_FILENAME", "", "SCRIPT_NAME", "/show.php"),
		"ping":         {Params: []string{"SCRIPT_FILENAME", "/ping", "SCRIPT_NAME", "/ping", "REQUEST_METHOD", "GET"}},
		"ping head":    {Params: []string{"SCRIPT_FILENAME", "/ping", "SCRIPT_NAME", "/ping", "REQUEST_METHOD", "HEAD"}},
	})
	for name, r := range requests {
		p.compare(t, name, &testRequest{r})
	}
}
