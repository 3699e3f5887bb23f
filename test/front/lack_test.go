package front

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/test/serve"
)

// A front that can open nothing is short of something for a while: its answers say so, and do not blame the worker.
func TestFrontWithoutDescriptors(t *testing.T) {
	address := serve.Address(t)
	s := start(t, address, []string{"PHPSAPI_HTTP_DIRECT=off"}, "--http", address, "--root", site(t))
	s.want("/page.txt", 200, "text")
	front := s.Titled("php-fpm: front process")
	if len(front) != 1 {
		t.Fatalf("the fronts are %v", front)
	}
	if err := serve.LimitDescriptors(front[0], "3:"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/page.txt"} {
		r, err := s.HTTP.Get(s.URL(path))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" || !strings.Contains(string(body), "try again") {
			t.Errorf("%s: got %v %q", path, r, body)
		}
	}
	if err := serve.LimitDescriptors(front[0], "1024:"); err != nil {
		t.Fatal(err)
	}
	s.want("/", 200, "index")
	s.want("/page.txt", 200, "text")
}
