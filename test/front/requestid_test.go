package front

import (
	"net/http"
	"sync"
	"testing"

	"github.com/phpsapi/phpsapi/test/serve"
)

// All workers had the same random numbers, and so gave their requests the same ids.
func TestWorkersGiveIDsOfTheirOwn(t *testing.T) {
	t.Parallel()
	address := serve.Address(t)
	s := start(t, address, nil, "-F", "--http", address, "--root", site(t), "--set", "www.pm=static", "--set", "www.pm.max_children=3")
	var mu sync.Mutex
	seen := map[string]int{}
	var clients sync.WaitGroup
	for range 3 {
		clients.Go(func() {
			for range 5 {
				r, err := s.HTTP.Get(s.URL("/sleep.php?ms=100")) // so that each worker has one
				if err != nil {
					t.Error(err)
					return
				}
				r.Body.Close()
				if id := r.Header.Get("X-Request-Id"); r.StatusCode == http.StatusOK && id != "" {
					mu.Lock()
					seen[id]++
					mu.Unlock()
				} else {
					t.Errorf("%d, id %q", r.StatusCode, id)
				}
			}
		})
	}
	clients.Wait()
	for id, n := range seen {
		if n > 1 {
			t.Errorf("%d requests have the id %s", n, id)
		}
	}
}
