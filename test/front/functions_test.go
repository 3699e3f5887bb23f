package front

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

// A request that declared more functions than fitted in PHP's table left some of them there, and the next request of its worker
// could not declare them: every application of WordPress's size had one answer from each worker.
func TestFunctionsOfARequestAreGoneInTheNext(t *testing.T) {
	t.Parallel()
	address, dir := serve.Address(t), site(t)
	files.Write(t, filepath.Join(dir, "functions.php"), `<?php
function first() { return __FUNCTION__; }
for ($i = 0; $i < 4000; $i++) eval("function number_$i() { return $i; }");
echo first(), " ", number_3999(), " ", count(get_defined_functions()["user"]), " ", getmypid();`)
	for _, pcntl := range []string{"off", "on"} {
		t.Run("pcntl "+pcntl, func(t *testing.T) {
			s := start(t, address, []string{"PHPSAPI_PHP_PCNTL=" + pcntl}, "-F", "--http", address, "--root", dir, "--set", "www.pm=static",
				"--set", "www.pm.max_children=1")
			_, first := s.Get("/functions.php")
			if !strings.HasPrefix(first, "first 3999 4001 ") {
				t.Fatalf("got %q", first)
			}
			for range 3 {
				s.want("/functions.php", 200, first)
			}
			s.Stop()
		})
	}
}

// A script has the headers that the client has sent and no others, whether the front or a worker accepts the connection.
func TestGetallheadersHasWhatWasSent(t *testing.T) {
	t.Parallel()
	for _, direct := range []string{"auto", "off"} {
		address, dir := serve.Address(t), site(t)
		files.Write(t, filepath.Join(dir, "all.php"), `<?php $all = array_change_key_case(getallheaders()); echo json_encode([$all["content-type"] ?? null, $all["content-length"] ?? null, $_SERVER["CONTENT_TYPE"] ?? null, $_SERVER["CONTENT_LENGTH"] ?? null]);`)
		s := start(t, address, []string{"PHPSAPI_HTTP_DIRECT=" + direct}, "--http", address, "--root", dir)
		s.want("/all.php", 200, `[null,null,null,null]`)
		r, err := s.HTTP.Post(s.URL("/all.php"), "text/x", strings.NewReader("abc"))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if want := `["text\/x","3","text\/x","3"]`; string(body) != want {
			t.Errorf("http.direct %s: got %s, want %s", direct, body, want)
		}
	}
}
