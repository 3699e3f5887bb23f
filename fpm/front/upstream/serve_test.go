package upstream

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func get(t *testing.T, f *front, path string) (*http.Response, string, error) {
	t.Helper()
	resp, err := f.Client().Get(f.URL + path)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, string(b), err
}

func TestOneConnectionCarriesManyRequests(t *testing.T) {
	f := serve(t, Options{}, func(p *peer) bool {
		return p.ok(strings.Repeat("x", p.n) + p.param("QUERY_STRING"))
	})
	for _, q := range []string{"a", "b", "c"} {
		resp, body, err := get(t, f, "/?"+q)
		if err != nil || resp.StatusCode != 200 || body != "x"+q || resp.ContentLength != 2 {
			t.Fatalf("%v %v %q", err, resp, body)
		}
		if err := f.err(t); err != nil {
			t.Error(err)
		}
	}
}
