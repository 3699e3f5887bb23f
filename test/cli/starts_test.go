package cli_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/serve"
)

// A start that fails has a status other than 0 and a reason that names the thing, whatever failed.
func TestStartsThatFail(t *testing.T) {
	t.Parallel()
	dir := serve.Dir(t)
	path := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{"php", "php-cgi"} {
		if err := os.Symlink(binary, path(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path("file"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path("everybodys"), 0o777); err == nil {
		os.Chmod(path("everybodys"), 0o777)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	taken, long := listener.Addr().String(), "/"+strings.Repeat("x", 200)
	noEngine, children := "PHPSAPI_ENGINE=/nonexistent", "PHP_FCGI_CHILDREN=1"
	for _, test := range []struct {
		command string // the words of a command line, after its variables
		limits  string // of sh
		want    string // the reason
	}{
		{"php nosuch.php", "", "Could not open input file: nosuch.php"},
		{"phpsapi nosuch.php", "", "Could not open input file: nosuch.php"},
		{"phpsapi nosuch", "", `unknown command "nosuch"`},
		{noEngine + " php -v", "", "/nonexistent: cannot open shared object file"},
		{"PHPSAPI_ENGINE=" + path("file") + " php -v", "", path("file") + ": file too short"},
		{"PHPSAPI_ENGINE=/lib/x86_64-linux-gnu/libm.so.6 php -v", "", "is not a libphp"},
		{"php -v", "ulimit -v 400000", "ulimit -v"},
		{"php -v", "ulimit -v 820000", "ulimit -v"},
		{"php -v", "ulimit -v 1200000", "ulimit -v"},
		{"php -v", "ulimit -v 1300000", "ulimit -v"},

		{"php -n -S " + taken, "", "Address already in use"},
		{"php -n -S 127.0.0.1:99999", "", "Invalid address: 127.0.0.1:99999"},
		{"php -n -S nosuchhost.invalid:0", "", "nosuchhost.invalid"},
		{"php -n -S 192.0.2.1:8000", "", "Cannot assign requested address"},
		{"php -n -S 127.0.0.1:0 -t nowhere", "", "nowhere does not exist"},
		{"php -n -S 127.0.0.1:0 -t " + path("file"), "", "is not a directory"},
		{noEngine + " php -n -S 127.0.0.1:0", "", "/nonexistent"},
		{"php -n -S 127.0.0.1:0", "ulimit -n 4", "ulimit -n"},
		{"php -n -S 127.0.0.1:0", "ulimit -n 6", "ulimit -n"},
		{"php -n -S 127.0.0.1:0", "ulimit -n 9", "ulimit -n"},
		{"php -n -S 127.0.0.1:0", "ulimit -v 400000", "ulimit -v"},
		{"php -n -S 127.0.0.1:0", "ulimit -v 1200000", "ulimit -v"},

		{"php-cgi -n -b " + taken, "", "Address already in use"},
		{"php-cgi -n -b 99999", "", "invalid port 99999"},
		{"php-cgi -n -b /nonexistent/socket", "", "No such file or directory"},
		{"php-cgi -n -b " + path("file") + "/socket", "", "Not a directory"},
		{"php-cgi -n -b " + long, "", "too long"},
		{noEngine + " php-cgi -n -b " + path("a"), "", "/nonexistent"},
		{"PHP_FCGI_CHILDREN=x php-cgi -n -b " + path("a"), "", "PHP_FCGI_CHILDREN is not valid"},
		{"php-cgi -n -b " + path("a"), "ulimit -n 6", "ulimit -n"},
		{"php-cgi -n -b " + path("a"), "ulimit -v 400000", "ulimit -v"},
		{children + " php-cgi -n -b " + taken, "", "Address already in use"},
		{children + " " + noEngine + " php-cgi -n -b " + path("a"), "", "/nonexistent"},
		{children + " php-cgi -n -b " + path("a"), "ulimit -n 5", "ulimit -n"},
		{children + " php-cgi -n -b " + path("a"), "ulimit -n 6", "ulimit -n"},
		{children + " php-cgi -n -b " + path("a"), "ulimit -n 9", "ulimit -n"},
		{children + " php-cgi -n -b " + path("a"), "ulimit -v 1200000", "ulimit -v"},

		{"phpsapi cgi --zygote-listen", "", "needs the path"},
		{"phpsapi cgi --zygote-listen relative", "", "must be absolute"},
		{"phpsapi cgi --zygote-listen " + long, "", "at most 107 bytes"},
		{"phpsapi cgi --zygote-listen /nonexistent/socket", "", "no such file or directory"},
		{"phpsapi cgi --zygote-listen " + path("file"), "", "is not a socket"},
		{"phpsapi cgi --zygote-listen " + path("everybodys/socket"), "", "could replace the socket"},
		{"PHPSAPI_CGI_ZYGOTE_IDLE=soon phpsapi cgi --zygote-listen " + path("z"), "", "PHPSAPI_CGI_ZYGOTE_IDLE=soon"},
		{"phpsapi cgi --zygote-listen " + path("z"), "ulimit -n 6", "ulimit -n"},
	} {
		t.Run(strings.TrimSpace(test.limits+" "+test.command), func(t *testing.T) {
			t.Parallel()
			words := strings.Fields(test.command)
			env := []string{"PATH=" + os.Getenv("PATH")}
			for strings.Contains(words[0], "=") {
				env, words = append(env, words[0]), words[1:]
			}
			program := path(words[0])
			if words[0] == "phpsapi" {
				program = binary
			}
			limits := "true"
			if test.limits != "" {
				limits = test.limits
			}
			cmd := exec.Command("/bin/sh", append([]string{"-c", limits + ` && exec "$0" "$@"`, program}, words[1:]...)...)
			cmd.Env, cmd.Dir = env, dir
			timeout := time.AfterFunc(30*time.Second, func() { cmd.Process.Kill() })
			defer timeout.Stop()
			said, err := cmd.CombinedOutput()
			if status := cmd.ProcessState.ExitCode(); err == nil || status <= 0 || !strings.Contains(string(said), test.want) ||
				strings.Contains(string(said), "goroutine ") {
				t.Errorf("%v, %s; want %q", err, said, test.want)
			}
		})
	}
	t.Cleanup(func() {
		for _, name := range []string{"a", "z"} {
			if left, _ := filepath.Glob(path(name) + "*"); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		}
	})
}
