package site

import "testing"

func TestProxiesAreAddressesOrNetworks(t *testing.T) {
	p, err := NewProxies([]string{"10.1.2.3/8", "::1", "unix"})
	if err != nil || !p.Unix || len(p.networks) != 2 || p.networks[0].String() != "10.0.0.0/8" {
		t.Errorf("got %+v, %v", p, err)
	}
	for _, text := range []string{"", "localhost", "10.0.0.0/33", "10.0.0.0-10.0.0.9"} {
		if _, err := NewProxies([]string{text}); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
