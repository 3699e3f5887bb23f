package front

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/test/files"
)

// A site below /blog with the internal path /private had its files handed out under /blog/private, and another site of the
// host answered /private itself.
func TestInternalFilesOfASiteBelowAPathAreNotForClients(t *testing.T) {
	t.Parallel()
	o := orders(t, map[string]string{"private/other.txt": "other", "ok.txt": "ok"}, func(w *worker) bool {
		return w.say("X-Accel-Redirect: %s\r\n\r\n", w.param("QUERY_STRING"))
	})
	o.Sites[0].Controller = ""
	blog := files.Make(t, map[string]string{"index.php": "", "ok.txt": "ok", "private/own.txt": "own", "storage/f.txt": "stored", "storage/sub/g.txt": "stored"})
	links := t.TempDir()
	if err := os.Symlink(blog, filepath.Join(links, "current")); err != nil {
		t.Fatal(err)
	}
	o.Sites = append([]contract.Site{
		{Hosts: []string{"blog.example"}, Path: "/blog", Root: filepath.Join(links, "current"), Index: []string{"index.php"}, Extensions: []string{".php"},
			Pool: "www", Internal: []contract.InternalPath{{Path: "/private", Directory: filepath.Join(blog, "storage")}}},
		{Path: "/raw", Root: blog, Pool: "www"},
	}, o.Sites...)
	f := start(t, o)
	ask := func(host, path string) reply {
		c := f.dial(t)
		return c.ask("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n")
	}
	for _, path := range []string{"/private/f.txt", "/private/other.txt", "/blog/private/own.txt", "/blog/private/f.txt", "/blog/storage/f.txt",
		"/blog/storage/sub/g.txt", "/blog/%73torage/f.txt", "/blog//storage/./f.txt", "/blog/storage%2ff.txt", "/raw/storage/f.txt", "/raw/../blog/storage/f.txt"} {
		if got := ask("Blog.example:80", path); got.StatusCode != 404 {
			t.Errorf("%s: got %d %s, want 404", path, got.StatusCode, got.body)
		}
	}
	for _, path := range []string{"/blog/index.php?/private/f.txt", "/blog/?/blog/private/sub/g.txt"} {
		if got := ask("blog.example", path); got.StatusCode != 200 || got.body != "stored" {
			t.Errorf("%s: got %d %q, want the file", path, got.StatusCode, got.body)
		}
	}
	for host, path := range map[string]string{"blog.example": "/blog/ok.txt", "b": "/private/other.txt", "c": "/ok.txt"} {
		if got := ask(host, path); got.StatusCode != 200 {
			t.Errorf("%s%s: got %d, want 200", host, path, got.StatusCode)
		}
	}
}
