//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/files"
	processes "github.com/phpsapi/phpsapi/test/serve"
)

// A site is a running `php -S`, and a browser with cookies to visit it.
type site struct {
	t       *testing.T
	url     string
	browser *http.Client
}

// serve runs `php -S` in dir until the test ends, and sees that it ends well.
func serve(t *testing.T, php, dir string, args ...string) *site {
	t.Helper()
	address := processes.Address(t)
	cmd := command(t, php, dir, append([]string{"-S", address}, args...)...)
	cmd.Stdout = os.Stdout
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(log)
	started, said := false, ""
	for !started && lines.Scan() {
		said += lines.Text() + "\n"
		started = strings.Contains(lines.Text(), "Development Server (http://"+address+") started")
	}
	if !started {
		cmd.Process.Kill()
		t.Fatalf("the server did not start: %v\n%s", cmd.Wait(), said)
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines.Scan() {
			said += lines.Text() + "\n"
		}
	}()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGINT)
		timer := time.AfterFunc(patience, func() { cmd.Process.Kill() })
		<-drained
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ended by %v", err)
		}
		timer.Stop()
		if trouble := regexp.MustCompile(`(?m)^.*(Fatal|Segmentation|panic).*$`).FindString(said); trouble != "" {
			t.Error(trouble)
		}
	})
	return visit(t, address)
}

// get fetches a page, which must be there, and want must be in it. path may be a whole URL.
func (s *site) get(path, want string) string {
	s.t.Helper()
	return s.page("GET", path, want)(s.browser.Get(s.at(path)))
}

func (s *site) post(path, want string, form url.Values) string {
	s.t.Helper()
	return s.page("POST", path, want)(s.browser.PostForm(s.at(path), form))
}

func (s *site) at(path string) string {
	return s.url + path
}

func (s *site) page(method, path, want string) func(*http.Response, error) string {
	return func(response *http.Response, err error) string {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			s.t.Fatalf("%s %s: %v", method, path, err)
		}
		if response.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			s.t.Fatalf("%s %s: %s, and no %q in:\n%.2000s", method, path, response.Status, want, body)
		}
		return string(body)
	}
}

// field is the value of a form's hidden field.
func field(t *testing.T, page, name string) string {
	t.Helper()
	for _, pattern := range []string{`name=["']%s["'] value=["']([^"']*)["']`, `value=["']([^"']*)["'] name=["']%s["']`} {
		if found := regexp.MustCompile(fmt.Sprintf(pattern, regexp.QuoteMeta(name))).FindStringSubmatch(page); found != nil {
			return found[1]
		}
	}
	t.Fatalf("no field %s in:\n%.2000s", name, page)
	return ""
}

// both runs a test on the server of stock php, which shows that the test is right, and on phpsapi's.
func both(t *testing.T, test func(t *testing.T, php string)) {
	t.Run("stock", func(t *testing.T) { test(t, stock) })
	t.Run("phpsapi", func(t *testing.T) { test(t, filepath.Join(ours, "php")) })
}

func TestAdminer(t *testing.T) {
	both(t, func(t *testing.T, php string) {
		// Adminer refuses SQLite without a password unless it is told otherwise in this way.
		dir := files.Make(t, map[string]string{"index.php": `<?php
			function adminer_object() {
				class Open extends Adminer { function login($login, $password) { return true; } }
				return new Open;
			}
			require '/usr/share/adminer/adminer.php';`,
			"notes.sqlite": ""})
		s := serve(t, php, dir)
		s.get("/", "Login")
		database := filepath.Join(dir, "notes.sqlite")
		in := "/?" + url.Values{"sqlite": {""}, "username": {""}, "db": {database}}.Encode()
		s.post("/", "SQL command", url.Values{"auth[driver]": {"sqlite"}, "auth[server]": {""}, "auth[username]": {""},
			"auth[password]": {""}, "auth[db]": {database}})
		for _, query := range []string{
			"CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)",
			"INSERT INTO notes (text) VALUES ('written through adminer'), ('ünïcode')",
		} {
			token := field(t, s.get(in+"&sql=", "<textarea"), "token")
			s.post(in+"&sql=", "Query executed OK", url.Values{"query": {query}, "token": {token}})
		}
		s.get(in+"&select=notes", "written through adminer")
		s.get(in+"&select=notes", "ünïcode")
	})
}

func TestDokuWiki(t *testing.T) {
	both(t, func(t *testing.T, php string) {
		dir := t.TempDir()
		wiki, conf := filepath.Join(dir, "wiki"), filepath.Join(dir, "conf")
		copyTree(t, "/usr/share/dokuwiki", wiki)
		copyTree(t, "/etc/dokuwiki", conf)
		for _, name := range []string{"attic", "cache", "index", "locks", "log", "media", "media_attic", "media_meta", "meta", "pages", "tmp"} {
			if err := os.MkdirAll(filepath.Join(dir, "data", name), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		for name, text := range map[string]string{
			filepath.Join(wiki, "inc", "preload.php"): "<?php define('DOKU_CONF', '" + conf + "/');",
			filepath.Join(conf, "local.php"):          "<?php $conf['title'] = 'A wiki'; $conf['useacl'] = 0; $conf['savedir'] = '" + dir + "/data';",
		} {
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		s := serve(t, php, dir, "-t", wiki)
		s.get("/doku.php?id=start", "This topic does not exist yet")
		edit := s.get("/doku.php?id=start&do=edit", "<textarea")
		s.post("/doku.php", "<strong>bold</strong>", url.Values{
			"id": {"start"}, "do[save]": {"1"}, "rev": {"0"}, "prefix": {"."}, "suffix": {""}, "target": {"section"},
			"sectok": {field(t, edit, "sectok")}, "date": {field(t, edit, "date")}, "changecheck": {field(t, edit, "changecheck")},
			"wikitext": {"===== A page =====\n**bold** text, written through the wiki"},
		})
		s.get("/doku.php/start", "written through the wiki")
		s.get("/doku.php?id=start&do=export_raw", "**bold** text")
		s.get("/doku.php?id=start&do=revisions", "Old Revisions")
		s.get("/lib/exe/css.php?t=dokuwiki", "body")
		s.get("/lib/tpl/dokuwiki/images/favicon.ico", "")
		s.get("/lib/scripts/script.js", "function")
	})
}

// copyTree copies a directory, what symbolic links point to included.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	// What only the web server's user may read is not needed.
	output, err := exec.Command("cp", "-rL", from, to).CombinedOutput()
	if _, missing := os.Stat(to); missing != nil {
		t.Fatalf("%v: %s", err, output)
	}
}
