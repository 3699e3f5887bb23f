package counts

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/exchange"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/wait"
)

// directoryScripts tell in which directory they run, and what runs after them.
var directoryScripts = map[string]string{
	"a/plain.php":     `<?php echo getcwd();`,
	"a/other.php":     `<?php echo getcwd(), " ", file_get_contents("note.txt");`,
	"b/plain.php":     `<?php echo getcwd(), " ", file_get_contents("note.txt");`,
	"a/note.txt":      "note of a",
	"b/note.txt":      "note of b",
	"a/include.php":   `<?php include "./included.php"; include "sub/included.php";`,
	"a/included.php":  `<?php echo "included, ";`,
	"a/chdir.php":     `<?php chdir(".."); echo getcwd(); chdir("b"); readfile("note.txt");`,
	"a/shutdown.php":  `<?php function after() { echo " after ", getcwd(); } register_shutdown_function("after"); echo getcwd();`,
	"a/destruct.php":  `<?php class A { function __destruct() { echo " destroyed ", getcwd(); } } $a = new A; echo getcwd();`,
	"a/static.php":    `<?php class A { static $a; function __destruct() { echo " destroyed ", getcwd(); } } A::$a = new A; echo getcwd();`,
	"a/buffer.php":    `<?php function pass($text) { return "$text passed " . getcwd(); } ob_start("pass"); echo getcwd();`,
	"a/lone.php":      `<?php function pass($text) { return "$text passed " . getcwd(); } while (ob_get_level()) ob_end_clean(); ob_start("pass"); echo getcwd();`,
	"a/headers.php":   `<?php function late() { header("X-Late: " . getcwd()); } header_register_callback("late"); echo getcwd();`,
	"a/exit.php":      `<?php function after() { echo " after ", getcwd(); } register_shutdown_function("after"); exit(getcwd());`,
	"a/fatal.php":     `<?php function after() { echo " after ", getcwd(); } register_shutdown_function("after"); ini_set("display_errors", 0); ini_set("log_errors", 0); undefined();`,
	"a/error.php":     `<?php function failed($n, $text) { echo " failed in ", getcwd(); return true; } set_error_handler("failed"); ob_start("strtoupper"); echo getcwd(); ob_start(null, 0, 0);`,
	"a/stream.php":    `<?php $f = fopen("note.txt", "r"); echo getcwd();`,
	"a/finish.php":    `<?php function after() { file_put_contents(__DIR__ . "/../after", getcwd()); } register_shutdown_function("after"); echo getcwd(); fastcgi_finish_request();`,
	"a/finished.php":  `<?php usleep(20000); echo file_get_contents(__DIR__ . "/../after");`,
	"a/session.php":   `<?php function yes() { return true; } function none() { return ""; } function save($id, $data) { echo " saved in ", getcwd(); return true; } session_set_save_handler("yes", "yes", "none", "save", "yes", "yes"); session_id("one"); session_start(); $_SESSION["a"] = 1; echo getcwd();`,
	"a/fork.php":      `<?php echo trim(shell_exec("pwd"));`,
	"a/body.php":      `<?php echo getcwd(), file_get_contents("php://input");`,
	"a/error_log.php": `<?php ini_set("error_log", "../own.log"); error_log("said"); echo getcwd();`,
}

// A server is a php-fpm with one worker, which is asked on one connection.
type server struct {
	dir  string
	conn net.Conn
}

func startServer(t *testing.T, program, dir, name string) *server {
	t.Helper()
	own := filepath.Join(dir, name)
	conf := filepath.Join(own, "php-fpm.conf")
	pool := "pm = static\npm.max_children = 1\nchdir = " + dir + "/home\nsecurity.limit_extensions = .php\n"
	if err := errors.Join(os.Mkdir(own, 0o755), os.WriteFile(conf, []byte(serve.FPMConf(own, "", pool)), 0o644)); err != nil {
		t.Fatal(err)
	}
	serve.Run(t, exec.Command(program, "-F", "-y", conf))
	wait.Until(t, "the socket of "+name, serve.Accepts("unix", serve.Socket(own)))
	return &server{dir, serve.Dial(t, "unix", serve.Socket(own))}
}

// ask returns what comes back for a script.
func (s *server) ask(t *testing.T, script, body string, params ...string) string {
	t.Helper()
	r := exchange.Request{Keep: true, Body: body, Params: append([]string{"REQUEST_METHOD", "GET", "SCRIPT_NAME", "/" + script, "REQUEST_URI", "/" + script,
		"DOCUMENT_ROOT", s.dir, "QUERY_STRING", "", "SCRIPT_FILENAME", filepath.Join(s.dir, script), "CONTENT_LENGTH", fmt.Sprint(len(body))}, params...)}
	if body != "" {
		r.Params = append(r.Params, "REQUEST_METHOD", "POST", "CONTENT_TYPE", "text/plain")
	}
	r.Send(s.conn)
	got := exchange.Receive(s.conn)
	if got.Err != nil {
		t.Fatalf("%s: %v", script, got)
	}
	return got.Stdout + got.Stderr
}

// Whatever runs after a script, or before the next one, finds itself in the directory in which php-fpm runs it: a worker that stays in the
// script's directory, because another request for it may come at once, must not be noticed.
func TestDirectoryOfWhatRunsAfterAScript(t *testing.T) {
	dir := serve.Dir(t)
	if err := errors.Join(os.Mkdir(dir+"/home", 0o777), os.Chmod(dir, 0o777), os.Mkdir(dir+"/a", 0o755), os.Mkdir(dir+"/b", 0o755)); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour) // opcache leaves alone what was just written
	for name, text := range directoryScripts {
		name = filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(name, []byte(text), 0o644), os.Chtimes(name, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	if err := serve.Stock().Installed(); err != nil {
		t.Skip(err)
	}
	ours, stock := startServer(t, fpm, dir, "ours"), startServer(t, serve.Stock().FPM, dir, "stock")
	compare := func(what, script, body string, params ...string) {
		t.Helper()
		for range 3 { // the worker stays where it is
			ours.ask(t, "a/plain.php", "")
		}
		for range 2 {
			got, want := ours.ask(t, script, body, params...), stock.ask(t, script, body, params...)
			if difference := exchange.Difference(got, want); difference != "" {
				t.Errorf("%s: %s", what, difference)
			}
		}
	}
	var scripts []string
	for name := range directoryScripts {
		if strings.HasSuffix(name, ".php") {
			scripts = append(scripts, name)
		}
	}
	slices.Sort(scripts)
	for _, script := range scripts {
		compare(script, script, "")
		compare("after "+script, "a/plain.php", "")
	}
	compare("a body", "a/body.php", "body")
	compare("a relative script", "a/plain.php", "", "SCRIPT_FILENAME", "plain.php")
	compare("a relative script below", "a/plain.php", "", "SCRIPT_FILENAME", "a/plain.php")
	compare("a setting of the request", "a/plain.php", "", "PHP_VALUE", "precision = 3")
	compare("a directory that may be read", "a/other.php", "", "PHP_VALUE", "open_basedir = .")
	if t.Failed() {
		return
	}
	if got := ours.ask(t, "a/plain.php", ""); !strings.HasSuffix(got, dir+"/a") {
		t.Errorf("a script runs in %q", got)
	}
}

// A directory that is put in the place of another is soon found.
func TestDirectoryThatIsReplaced(t *testing.T) {
	dir := serve.Dir(t)
	if err := errors.Join(os.Mkdir(dir+"/home", 0o777), os.Mkdir(dir+"/one", 0o755), os.Mkdir(dir+"/two", 0o755), os.Symlink("one", dir+"/a")); err != nil {
		t.Fatal(err)
	}
	for _, release := range []string{"one", "two"} {
		if err := errors.Join(os.WriteFile(dir+"/"+release+"/other.php", []byte(directoryScripts["a/other.php"]), 0o644),
			os.WriteFile(dir+"/"+release+"/note.txt", []byte("release "+release), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	s := startServer(t, fpm, dir, "ours")
	for range 10 {
		if got := s.ask(t, "a/other.php", ""); !strings.HasSuffix(got, "/one release one") {
			t.Fatalf("got %q", got)
		}
	}
	if err := errors.Join(os.Symlink("two", dir+"/next"), os.Rename(dir+"/next", dir+"/a")); err != nil {
		t.Fatal(err)
	}
	wait.Until(t, "the new release", func() bool { return strings.HasSuffix(s.ask(t, "a/other.php", ""), "/two release two") })
}
