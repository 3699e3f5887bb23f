//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/probe"
	processes "github.com/phpsapi/phpsapi/test/serve"
)

// directoryScripts tell in which directory they run, and what runs after them.
var directoryScripts = map[string]string{
	"a/plain.php":     `<?php echo getcwd();`,
	"a/shutdown.php":  `<?php register_shutdown_function(function () { echo " after ", getcwd(); }); echo getcwd();`,
	"a/destruct.php":  `<?php class A { function __destruct() { echo " destroyed ", getcwd(); } } $a = new A; echo getcwd();`,
	"a/buffer.php":    `<?php ob_start(fn($text) => "$text passed " . getcwd()); echo getcwd();`,
	"a/headers.php":   `<?php header_register_callback(function () { header("X-Late: " . getcwd()); }); echo getcwd();`,
	"a/chdir.php":     `<?php chdir("../b"); echo getcwd(), file_get_contents("note.txt");`,
	"a/shell.php":     `<?php echo trim(shell_exec("pwd"));`,
	"a/fatal.php":     `<?php register_shutdown_function(function () { echo " after ", getcwd(); }); ini_set("log_errors", 0); undefined();`,
	"a/error_log.php": `<?php ini_set("error_log", "../tmp/own.log"); error_log("said"); echo getcwd();`,
	"a/body.php":      `<?php echo getcwd(), " ", strlen(file_get_contents("php://input")), " ", json_encode($_POST);`,
	"a/virtual.php":   `<?php virtual("/b/note.php"); echo " ", getcwd();`,
	"b/note.php":      `<?php echo getcwd(), " ", file_get_contents("note.txt");`,
	"b/note.txt":      "note of b",
	"set/basedir.php": `<?php echo getcwd(), " ", ini_get("open_basedir"), " ", @file_get_contents("../b/note.txt") === false ? "closed" : "open", " ", file_get_contents("note.txt");`,
	"set/note.txt":    "note of set",
	"set/.htaccess":   "php_value precision 5\n",
	"in/include.php":  `<?php include "./included.php"; include "sub/included.php"; echo " ", get_include_path();`,
	"in/included.php": `<?php echo "included from ", getcwd();`,
}

// Whatever runs before or after a script finds itself in the directory in which mod_php runs it: a worker of a pool, which stays in the script's
// directory because another request for it may come at once, must not be noticed.
func TestApachePoolDirectories(t *testing.T) {
	answers := func(mode apacheMode, more string) []string {
		p := at(t)
		p.give("tmp")
		old := time.Now().Add(-time.Hour) // opcache leaves alone what was just written
		for name, text := range directoryScripts {
			p.write("www/"+name, text)
			os.Chtimes(p.path("www/"+name), old, old)
		}
		address, _ := p.httpd(mode.mpm, "", mode.load+mpmSettings[mode.mpm]+"AddHandler application/x-httpd-php .php\n"+more+
			"<Directory DIR/www/set>\nphp_admin_value open_basedir .\n</Directory>\n")
		s := visit(t, address)
		var all []string
		ask := func(script, body string, chunked bool) {
			var sent io.Reader
			if body != "" {
				sent = strings.NewReader(body)
			}
			if chunked {
				sent = struct{ io.Reader }{sent} // of which the length is not known
			}
			request, err := http.NewRequest(map[bool]string{false: "GET", true: "POST"}[body != ""], s.at("/"+script), sent)
			if err != nil {
				t.Fatal(err)
			}
			if body != "" {
				request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			response, err := s.browser.Do(request)
			if err != nil {
				t.Fatalf("%s: %s: %v", mode.name, script, err)
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatalf("%s: %s: %v", mode.name, script, err)
			}
			all = append(all, strings.ReplaceAll(fmt.Sprintf("%s %q: %d %s [%s]", script, body, response.StatusCode, text, response.Header.Get("X-Late")), p.path(""), "DIR/"))
		}
		stay := func() {
			for range 3 {
				ask("a/plain.php", "", false)
			}
		}
		for _, script := range slices.Sorted(maps.Keys(directoryScripts)) {
			if strings.HasSuffix(script, ".php") {
				stay()
				ask(script, "", false)
				ask(script, "", false)
				ask("b/note.php", "", false)
			}
		}
		for _, chunked := range []bool{false, true} {
			stay()
			ask("a/body.php", "field=value", chunked)
			stay()
			ask("a/body.php", strings.Repeat("field=value&", 10000), chunked)
		}
		return all
	}
	want := answers(modPHP, "")
	for i, got := range answers(inPool(), "PHPSAPIPool pm static\nPHPSAPIPool pm.max_children 1\n") {
		if got != want[i] {
			t.Errorf("the pool answers\n%.300s\nmod_php\n%.300s", got, want[i])
		}
	}
}

// A worker of a pool makes no more system calls for a request than one that answers FastCGI (test/counts).
func TestApachePoolSystemCalls(t *testing.T) {
	p := at(t)
	p.write("www/hello.php", `<?php echo "Hello, world!\n";`)
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(p.path("www/hello.php"), old, old); err != nil {
		t.Fatal(err)
	}
	s, httpd := apacheInPool(p, "PHPSAPIPool pm static\nPHPSAPIPool pm.max_children 1\n")
	const requests = 500
	many := func() error {
		for range requests {
			response, err := s.browser.Get(s.at("/hello.php"))
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, response.Body)
			if err = errors.Join(err, response.Body.Close()); err != nil {
				return err
			}
		}
		return nil
	}
	if err := many(); err != nil {
		t.Fatal(err)
	}
	workers := processes.Titled(httpd.pid, "php-fpm: pool httpd")
	if len(workers) != 1 {
		t.Fatalf("workers: %v", workers)
	}
	counter, err := probe.SystemCalls(workers[0])
	if err != nil {
		t.Skip(err)
	}
	defer counter.Close()
	began := time.Now()
	counts, err := counter.Count(many)
	if err != nil {
		t.Fatal(err)
	}
	ordinary := map[string]int{"epoll_pwait": 1, "recvfrom": 1, "sendmsg": 1, "fcntl": 2}
	rest := 0
	for call, n := range counts {
		if each, is := ordinary[call]; !is {
			rest += n
		} else if n > each*requests+requests/50 {
			t.Errorf("%d calls of %s for %d requests, %d are allowed for each", n, call, requests, each)
		}
	}
	// The timer of max_execution_time is set once in 10 ms, the script's directory entered, and CPU time asked for.
	if most := requests/50 + 5*int(time.Since(began)/(10*time.Millisecond)); rest > most {
		t.Errorf("%d other calls for %d requests, %d are allowed: %v", rest, requests, most, counts)
	}
}
