package site

import (
	"net/http"
	"net/netip"
	"testing"
)

// FuzzHeed has a client write Forwarded headers, to which its trusted proxy adds the client's address: that is who the client is,
// whatever it has written, and the host stays one.
func FuzzHeed(f *testing.F) {
	f.Add("10.0.0.1", "for=10.0.0.2;host=x", "https", "example.org")
	f.Add("unknown, 192.0.2.1:80", `for="[2001:db8::1]:4711"`, "http,https", "a\x00b, c")
	f.Add("", ",;=,\"", ",", "example.org:443, <script>")
	f.Fuzz(func(t *testing.T, list, forwarded, proto, host string) {
		p, err := NewProxies([]string{"10.0.0.0/8"})
		if err != nil {
			t.Fatal(err)
		}
		client, proxy := netip.MustParseAddr("203.0.113.9"), netip.MustParseAddrPort("10.9.9.9:1")
		for _, h := range []http.Header{
			{"X-Forwarded-For": {list, client.String()}, "X-Forwarded-Proto": {proto}, "X-Forwarded-Host": {host}, "Forwarded": {forwarded}},
			{"Forwarded": {forwarded, "for=" + client.String()}},
		} {
			v := Visitor{Remote: proxy, Host: "own.example"}
			p.Heed(&v, h)
			if v.Remote.Addr() != client {
				t.Errorf("%q: the client is %v", h, v.Remote)
			}
			if !isHost(v.Host) {
				t.Errorf("%q: the host is %q", h, v.Host)
			}
		}
	})
}
