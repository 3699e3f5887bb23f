package front

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/test/serve"
)

// Four clients for each worker ask for a page of 20 MB and read nothing: every worker gets it off its hands, other
// requests are answered, and the page is all there in the end.
func TestSlowClientsHoldNoWorkers(t *testing.T) {
	t.Parallel()
	address, root := serve.Address(t), site(t)
	// A directory for everybody, as /tmp is.
	if err := os.Chmod(root, 0o1777); err != nil {
		t.Fatal(err)
	}
	s := start(t, address, []string{"PHPSAPI_POOL_WWW_PM=static", "PHPSAPI_POOL_WWW_PM_MAX_CHILDREN=2", "TMPDIR=" + root},
		"--http", address, "--root", root)
	const clients = 8
	var pages []*http.Response
	for range clients {
		page, err := s.HTTP.Get(s.URL("/long.php"))
		if err != nil {
			t.Fatal(err)
		}
		defer page.Body.Close()
		pages = append(pages, page)
	}
	s.want("/", 200, "index ")
	s.said("long page done", clients)
	for range 10 {
		s.want("/", 200, "index ")
	}
	for _, page := range pages {
		body, err := io.ReadAll(page.Body)
		if err != nil || len(body) != 20<<20 {
			t.Fatalf("%d bytes, %v", len(body), err)
		}
		for i := range 20 {
			if letter := string(rune('A' + i)); strings.Count(string(body[i<<20:(i+1)<<20]), letter) != 1<<20 {
				t.Errorf("the part of %s is not as it was sent", letter)
			}
		}
	}
	if strings.Contains(s.Log(), "holds the worker") {
		t.Error("there was no room for a spool")
	}
}
