package front

import (
	"strings"
	"testing"
)

// A probe and Prometheus get the pool's own pages by HTTP; a stranger gets no status page, and no sign that there is one.
func TestPingAndStatusByHTTP(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"index.php": "", "fpm-ping": "a file"}, echo)
	o.Sites[0].Hosts = []string{"example.org"}
	o.Pools[0].PingPath, o.Pools[0].StatusPath = "/fpm-ping", "/fpm-status"
	ask := func(clients []string, path string, headers ...string) string {
		o.StatusClients = clients
		f := start(t, o)
		c := f.dial(t)
		if len(headers) == 0 || !strings.HasPrefix(headers[0], "Host:") {
			headers = append([]string{"Host: example.org"}, headers...)
		}
		got := c.ask("GET " + path + " HTTP/1.1\r\n" + strings.Join(headers, "\r\n") + "\r\n\r\n")
		for line := range strings.Lines(got.body) {
			if name, ok := strings.CutPrefix(line, "SCRIPT_NAME="); ok {
				return strings.TrimSpace(name)
			}
		}
		return got.Status
	}
	local := []string{"127.0.0.0/8"}
	for _, c := range []struct {
		clients []string
		path    string
		headers []string
		want    string
	}{
		{local, "/fpm-ping", nil, "/fpm-ping"},
		{nil, "/fpm-ping", nil, "/fpm-ping"},
		{local, "/fpm-status?openmetrics", nil, "/fpm-status"},
		{local, "/x/../fpm-status", nil, "/fpm-status"},
		{nil, "/fpm-status", nil, "/index.php"},
		{[]string{"10.0.0.0/8"}, "/fpm-status", nil, "/index.php"},
		{local, "/fpm-status", []string{"X-Forwarded-For: 192.0.2.1"}, "/index.php"},
		{local, "/fpm-status/x", nil, "/index.php"},
		{local, "/fpm-ping", []string{"Host: 10.1.2.3"}, "/fpm-ping"},
		{local, "/fpm-pong", []string{"Host: 10.1.2.3"}, "404 Not Found"},
	} {
		if got := ask(c.clients, c.path, c.headers...); got != c.want {
			t.Errorf("%s with %v for %v: got %s, want %s", c.path, c.headers, c.clients, got, c.want)
		}
	}
	o.TrustedProxies = local
	if got := ask(local, "/fpm-status", "X-Forwarded-For: 127.0.0.1"); got != "/fpm-status" {
		t.Errorf("for a client of a trusted proxy: %s", got)
	}
	if got := ask(local, "/fpm-status", "X-Forwarded-For: 192.0.2.1"); got != "/index.php" {
		t.Errorf("for a stranger of a trusted proxy: %s", got)
	}
}
