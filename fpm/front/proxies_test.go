package front

import (
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/contract"
)

func TestTrustedProxiesAreHeeded(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"index.php": ""}, echo)
	o.TrustedProxies = []string{"127.0.0.1", "10.0.0.0/8", "fd00::/8"}
	trusting := start(t, o)
	o.TrustedProxies = []string{"10.0.0.0/8"}
	other := start(t, o)
	for _, c := range []struct {
		headers              []string
		address, host, https string
	}{
		{nil, "127.0.0.1", "example.org", ""},
		{[]string{"X-Forwarded-For: 192.0.2.1"}, "192.0.2.1", "example.org", ""},
		{[]string{"X-Forwarded-For: 203.0.113.9, 192.0.2.1"}, "192.0.2.1", "example.org", ""},
		{[]string{"X-Forwarded-For: 203.0.113.9, 192.0.2.1, 10.1.1.1 , 10.2.2.2"}, "192.0.2.1", "example.org", ""},
		{[]string{"X-Forwarded-For: 203.0.113.9, 192.0.2.1", "X-Forwarded-For: 10.1.1.1"}, "192.0.2.1", "example.org", ""},
		{[]string{"X-Forwarded-For: 10.1.1.1, 10.2.2.2"}, "10.1.1.1", "example.org", ""},
		{[]string{"X-Forwarded-For: 192.0.2.1, unknown, 10.2.2.2"}, "10.2.2.2", "example.org", ""},
		{[]string{"X-Forwarded-For: nonsense"}, "127.0.0.1", "example.org", ""},
		{[]string{"X-Forwarded-For: 192.0.2.1:5678"}, "192.0.2.1", "example.org", ""},
		{[]string{"X-Forwarded-For: [2001:db8::1]:5678"}, "2001:db8::1", "example.org", ""},
		{[]string{"X-Forwarded-For: 2001:db8::1, fd00::2"}, "2001:db8::1", "example.org", ""},
		{[]string{"X-Forwarded-For: ::ffff:192.0.2.1"}, "192.0.2.1", "example.org", ""},
		{[]string{"X-Forwarded-Proto: https"}, "127.0.0.1", "example.org", "on"},
		{[]string{"X-Forwarded-Proto: https, http"}, "127.0.0.1", "example.org", ""},
		{[]string{"X-Forwarded-For: 192.0.2.1, 10.1.1.1", "X-Forwarded-Proto: http, https, http"}, "192.0.2.1", "example.org", "on"},
		{[]string{"X-Forwarded-Host: www.example.net"}, "127.0.0.1", "www.example.net", ""},
		{[]string{"X-Forwarded-Host: a/../b"}, "127.0.0.1", "example.org", ""},
		{[]string{`Forwarded: for=192.0.2.1;proto=https;host="www.example.net:8443"`}, "192.0.2.1", "www.example.net:8443", "on"},
		{[]string{`Forwarded: for=203.0.113.9, for="[2001:db8::1]:99";proto=https, for=10.1.1.1;proto=http`}, "2001:db8::1", "example.org", "on"},
		{[]string{"Forwarded: for=_hidden;proto=https"}, "127.0.0.1", "example.org", "on"},
		// A proxy that knows only one of the two passes on what the client says in the other.
		{[]string{"Forwarded: for=203.0.113.9", "X-Forwarded-For: 192.0.2.1"}, "192.0.2.1", "example.org", ""},
	} {
		want := []string{"REMOTE_ADDR=" + c.address + "\n", "HTTP_HOST=" + c.host + "\n", "HTTPS=" + c.https + "\n"}
		got := trusting.get(t, "/", c.headers...).body
		untrusted := other.get(t, "/", c.headers...).body
		for i, w := range []string{"REMOTE_ADDR=127.0.0.1\n", "HTTP_HOST=example.org\n", "HTTPS=\n"} {
			if !strings.Contains(got, want[i]) {
				t.Errorf("%q: no %q in\n%s", c.headers, want[i], got)
			}
			if !strings.Contains(untrusted, w) {
				t.Errorf("%q by a stranger: no %q in\n%s", c.headers, w, untrusted)
			}
		}
	}
}

func TestTrustedProxiesAreAddressesOrNetworks(t *testing.T) {
	t.Parallel()
	if _, err := newFront(&contract.Front{TrustedProxies: []string{"localhost"}}, resources{}); err == nil {
		t.Error("a name is taken")
	}
}
