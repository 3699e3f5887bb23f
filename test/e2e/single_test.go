//go:build e2e

package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	processes "github.com/phpsapi/phpsapi/test/serve"
)

// without returns the command of a program for which libraries are empty files.
func without(t *testing.T, libraries string, program string, args ...string) *exec.Cmd {
	t.Helper()
	const hide = `for library in $0; do mount --bind /dev/null "/usr/lib/x86_64-linux-gnu/$library" || exit 99; done; exec "$@"`
	args = append([]string{"--mount", "sh", "-c", hide, libraries, program}, args...)
	if out, err := exec.Command("unshare", "--mount", "sh", "-c", "mount --bind /dev/null /dev/full").CombinedOutput(); err != nil {
		t.Skipf("files cannot be hidden: %v\n%s", err, out)
	}
	return exec.Command("unshare", args...)
}

// PHP's own libraries, and what calls them.
var coreLibraries = []struct{ library, pkg, call string }{
	{"libxml2.so.2", "libxml2", `simplexml_load_string('<a/>');`},
	{"libcrypto.so.3", "libssl3", `openssl_digest('a', 'sha256');`},
	{"libssl.so.3", "libssl3", `$server = stream_socket_server('tcp://127.0.0.1:0');
		stream_socket_enable_crypto(stream_socket_client('tcp://' . stream_socket_get_name($server, false)), true, STREAM_CRYPTO_METHOD_TLS_CLIENT);`},
	{"libargon2.so.1", "libargon2-1", `password_hash('a', PASSWORD_ARGON2ID);`},
	{"libsodium.so.23", "libsodium23", `sodium_crypto_generichash('a');`},
}

// A call of a library that is not there ended the process without shutdown functions, by status 127.
func TestSingleFileWithoutALibrary(t *testing.T) {
	program := single(t)
	for _, c := range coreLibraries {
		code := `register_shutdown_function(function () { echo "shutdown functions run\n"; }); echo "before\n"; ` + c.call + ` echo "reached";`
		cmd := without(t, c.library, program, "cli", "-n", "-d", "extension=simplexml", "-d", "html_errors=0", "-d", "log_errors=0", "-r", code)
		var out, errors strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &errors
		cmd.Run()
		said := out.String()
		for _, want := range []string{"before\n", "Fatal error: A library that is called here cannot be used: ", c.library + ": file too short; install it: apt-get install " + c.pkg + " (", "shutdown functions run\n"} {
			if !strings.Contains(said, want) {
				t.Errorf("%s: no %q in %q", c.library, want, said)
			}
		}
		if strings.Contains(said, "reached") || errors.Len() > 0 || cmd.ProcessState.ExitCode() != 255 {
			t.Errorf("%s: %v, %q and %q", c.library, cmd.ProcessState, said, &errors)
		}
		for _, option := range []string{"-i", "-m", "-v"} {
			if said, err := without(t, c.library, program, "cli", "-n", option).CombinedOutput(); err != nil || len(said) == 0 {
				t.Errorf("%s: php %s: %v\n%s", c.library, option, err, said)
			}
		}
	}
}

// The startup of some extensions calls their libraries: without libcurl, php ended by status 127 if php.ini named curl.
func TestSingleFileStartsWithoutTheLibrariesOfExtensions(t *testing.T) {
	program := single(t)
	for extension, library := range map[string]string{"bz2": "libbz2.so.1.0", "curl": "libcurl.so.4", "ffi": "libffi.so.8", "gd": "libgd.so.3", "gmp": "libgmp.so.10", "intl": "libicui18n.so.72",
		"mbstring": "libonig.so.5", "pgsql": "libpq.so.5", "readline": "libedit.so.2", "sqlite3": "libsqlite3.so.0", "xsl": "libxslt.so.1", "zip": "libzip.so.4"} {
		cmd := without(t, library, program, "cli", "-n", "-d", "extension=dom", "-d", "extension="+extension, "-r", "echo 'runs';")
		if said, err := cmd.CombinedOutput(); err != nil || !strings.HasSuffix(string(said), "runs") {
			t.Errorf("%s without %s: %v, %q", extension, library, err, said)
		}
	}
}

// A start opens no library that its script does not call: libcurl brings thirty, and takes a third of the time.
func TestSingleFileOpensLibcurlForAScriptThatCallsIt(t *testing.T) {
	const code = `$is = fn () => str_contains(file_get_contents('/proc/self/maps'), 'libcurl') ? 'open ' : 'closed ';
		echo $is(); $c = curl_init('http://127.0.0.1:1/'); echo $is(), curl_exec($c) ? 'answered' : 'refused ' . curl_errno($c);`
	said, err := exec.Command(single(t), "cli", "-n", "-d", "extension=curl", "-r", code).CombinedOutput()
	if want := "closed open refused 7"; err != nil || string(said) != want {
		t.Errorf("%v, %q, want %q", err, said, want)
	}
}

// openssl calls libcrypto if libssl alone is not there. It ended php -i.
func TestSingleFileWithoutLibsslHasLibcrypto(t *testing.T) {
	const code = `echo openssl_digest('a', 'md5'), ' ', openssl_digest('a', 'md5');`
	said, err := without(t, "libssl.so.3", single(t), "cli", "-n", "-r", code).CombinedOutput()
	if want := "0cc175b9c0f1b6a831c399e269772661"; err != nil || string(said) != want+" "+want {
		t.Errorf("%v, %q", err, said)
	}
}

// phpinfo() asks an extension's library for its version. It ended in a fatal error if a library of that one was not there.
func TestSingleFilesInfoWithoutTheLibrariesOfExtensions(t *testing.T) {
	program := single(t)
	for extension, library := range map[string]string{"pdo_pgsql": "libssl.so.3", "gd": "libstdc++.so.6", "pdo_sqlite": "libsqlite3.so.0", "bz2": "libbz2.so.1.0", "ftp": "libssl.so.3"} {
		for _, options := range [][]string{{"-i"}, {"--ri", extension}} {
			arguments := append([]string{"cli", "-n", "-d", "extension=pdo", "-d", "extension=" + extension}, options...)
			said, err := without(t, library, program, arguments...).CombinedOutput()
			if !strings.Contains(string(said), "\nLibrary => /lib/x86_64-linux-gnu/"+library+": file too short; install it: apt-get install ") || err != nil {
				t.Errorf("%s without %s: %v\n%s", extension, library, err, said)
			}
			if said, err := exec.Command(program, arguments...).CombinedOutput(); strings.Contains(string(said), "\nLibrary => ") || err != nil {
				t.Errorf("%s: %v\n%s", extension, err, said)
			}
		}
	}
}

// A worker that calls a library which is not there answers 500 and lives on.
func TestSingleFilesWorkerLivesOnWithoutALibrary(t *testing.T) {
	program, address := single(t), processes.Address(t)
	root := processes.Dir(t)
	for name, text := range map[string]string{"ok.php": "<?php echo getmypid();", "xml.php": "<?php simplexml_load_string('<a/>'); echo 'reached';"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := processes.Run(t, without(t, "libxml2.so.2", program, "fpm", "--nodaemonize", "-n", "-d", "extension=simplexml", "-d", "display_errors=0", "-d", "log_errors=1",
		"--http", address, "--root", root, "--set", "www.pm=static", "--set", "www.pm.max_children=1"))
	s.Says("ready to handle connections")
	get := func(path string) (int, string) {
		response, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	_, first := get("/ok.php")
	pid, err := strconv.Atoi(first)
	if err != nil || !processes.Lives(pid) {
		t.Fatalf("the worker says %q", first)
	}
	for range 3 {
		if status, body := get("/xml.php"); status != http.StatusInternalServerError || body != "" {
			t.Errorf("status %d, %q", status, body)
		}
		if status, body := get("/ok.php"); status != http.StatusOK || body != first {
			t.Errorf("status %d from worker %q, which was %s", status, body, first)
		}
	}
	s.Says("PHP Fatal error:  A library that is called here cannot be used: ")
	s.Signal(syscall.SIGTERM)
	s.End()
}

// The engine of the machine's libphp is inside, too, and was listed with a package to install.
func TestSingleFileListsItsPHPAlone(t *testing.T) {
	program := single(t)
	said, err := exec.Command(program, "engines", "--json").Output()
	var list []struct {
		Version, Kind, Path string
		INI                 []struct{ Dir string }
	}
	if wrong := json.Unmarshal(said, &list); wrong != nil || err != nil {
		t.Fatalf("%v, %v\n%s", err, wrong, said)
	}
	if len(list) != 1 || list[0].Kind != "part of this program" || len(list[0].INI) == 0 {
		t.Fatalf("listed:\n%s", said)
	}
	ini, err := exec.Command(program, "cli", "--ini").Output()
	if line, _, _ := strings.Cut(string(ini), "\n"); err != nil || line != "Configuration File (php.ini) Path: "+list[0].INI[0].Dir {
		t.Errorf("php --ini: %v, %q, and %s is listed", err, line, list[0].INI[0].Dir)
	}
	version, err := exec.Command(program, "version").Output()
	if n := strings.Count(string(version), "built with PHP "); err != nil || n != 1 {
		t.Errorf("phpsapi version: %v\n%s", err, version)
	}
	if help, err := exec.Command(program, "--help").Output(); err != nil || strings.Contains(string(help), "--engine 8.4") || !strings.Contains(string(help), "which runs no other") {
		t.Errorf("phpsapi --help: %v\n%s", err, help)
	}
	linked := filepath.Join(t.TempDir(), "php7.4")
	if out, err := exec.Command("ln", "-s", program, linked).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if said, _ := exec.Command(linked, "-v").CombinedOutput(); !strings.Contains(string(said), "runs no other: for PHP 7.4 take a phpsapi without PHP inside") {
		t.Errorf("php7.4 -v: %s", said)
	}
}
