package front

import (
	"compress/gzip"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

// What PHP prints is compressed by the front, what PHP has compressed is left alone, and flush() reaches the client.
func TestCompression(t *testing.T) {
	t.Parallel()
	root, dir := serve.Dir(t), serve.Dir(t)
	files.Fill(t, root, map[string]string{
		"page.php":  `<?php echo str_repeat("<p>page\n", 1000);`,
		"own.php":   `<?php ini_set("zlib.output_compression", "1"); echo str_repeat("<p>own\n", 1000);`,
		"flush.php": `<?php echo "first\n"; ob_flush(); flush(); while (!file_exists(__DIR__ . "/go")) { usleep(1000); clearstatcache(); } echo "last\n";`,
		"a.css":     strings.Repeat("a { color: red }\n", 200),
	})
	file := filepath.Join(dir, "fpm.conf")
	files.Write(t, file, strings.Replace(serve.FPMConf(dir, "", "pm = static\npm.max_children = 2\n"), serve.Log(dir), "/dev/stderr", 1))
	address, err := serve.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	environment := []string{"PHPSAPI_HTTP_COMPRESS=gzip"}
	start(t, address, environment, "-F", "-y", file, "--http", address, "--root", root)
	client := http.Client{Transport: &http.Transport{DisableCompression: true}}
	ask := func(path string) *http.Response {
		t.Helper()
		request, err := http.NewRequest("GET", "http://"+address+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept-Encoding", "gzip")
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { response.Body.Close() })
		if response.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(response.Header.Get("Vary"), "Accept-Encoding") {
			t.Errorf("%s: got %v", path, response.Header)
		}
		return response
	}
	unzipped := func(path string, r *http.Response) *gzip.Reader {
		t.Helper()
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		return z
	}
	for path, want := range map[string]string{"/page.php": strings.Repeat("<p>page\n", 1000), "/own.php": strings.Repeat("<p>own\n", 1000), "/a.css": strings.Repeat("a { color: red }\n", 200)} {
		if got, err := io.ReadAll(unzipped(path, ask(path))); err != nil || string(got) != want {
			t.Errorf("%s: got %d bytes, %v", path, len(got), err)
		}
	}
	z := unzipped("/flush.php", ask("/flush.php"))
	first := make([]byte, len("first\n"))
	if _, err := io.ReadFull(z, first); err != nil || string(first) != "first\n" {
		t.Errorf("got %q, %v", first, err)
	}
	files.Write(t, filepath.Join(root, "go"), "")
	if last, err := io.ReadAll(z); err != nil || string(last) != "last\n" {
		t.Errorf("then %q, %v", last, err)
	}
	shown, err := command(environment, "-tt", "-y", file, "--http", address, "--root", root).CombinedOutput()
	if want := "-> the front, because the site in " + root + " has compress"; err != nil || !strings.Contains(string(shown), want) {
		t.Errorf("-tt does not say %q: %v\n%s", want, err, shown)
	}
}
