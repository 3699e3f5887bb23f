// Package cli_test runs phpsapi as php and compares it with the machine's stock php: what a command line says, where
// it says it and how it ends; and likewise php-cgi's command line. The scripts are in testdata, each named for what it guards.
//
// Beside testscript's own commands they have
//
//	same [options] program args...   runs stock php and phpsapi: output, errors and end must be equal
//	ours [options] program args...   runs phpsapi alone
//	status N|SIGNAL                  how the last of the two ended
//
// and the condition [since:X.Y]: the PHP that is compared with is of that version or a later one.
//
// The program is php, php-cgi or phpsapi, first in its own PATH. The options are -in file (standard input), -env NAME=VALUE,
// -kill SIGNAL, which sends the signal when the program has written something, and -head, which then closes the pipe
// it writes to. stdout, stderr and cmp look at what phpsapi wrote.
package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/test/serve"
)

var (
	stock    = serve.Stock().CLI
	stockCGI = serve.Stock().CGI
)

// Built for the tests.
var (
	binary  string // phpsapi
	homeLib string // ownHome
)

func TestMain(m *testing.M) {
	os.Exit(serve.Main(m, func(dir string) error {
		binary, homeLib = filepath.Join(dir, "phpsapi"), filepath.Join(dir, "own-home.so")
		if said, err := buildOwnHome(homeLib); err != nil {
			return fmt.Errorf("own-home.so cannot be built: %w\n%s", err, said)
		}
		return serve.Stock().Installed()
	}))
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		ContinueOnError:     true,
		Setup: func(env *testscript.Env) error {
			for name, links := range map[string]map[string]string{
				"stock": {"php": stock, "php-cgi": stockCGI},
				"ours":  {"php": binary, "php-cgi": binary},
			} {
				dir := filepath.Join(env.WorkDir, ".bin", name)
				if err := os.MkdirAll(dir, 0o755); err != nil {
					return err
				}
				for link, target := range links {
					if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
						return err
					}
				}
				env.Setenv(name, dir)
			}
			if err := os.Symlink(binary, filepath.Join(env.WorkDir, ".bin", "ours", "phpsapi")); err != nil {
				return err
			}
			env.Setenv("PATH", env.Getenv("ours")+":"+env.Getenv("PATH"))
			env.Setenv("own_home", homeLib)
			env.Setenv("PHP", serve.Stock().Version)
			env.Setenv("BUILD", buildID)
			env.Setenv("libphp", serve.Stock().Libphp)
			env.Values[lastEnd{}] = new(string)
			return nil
		},
		Condition: condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"same":   same,
			"ours":   ours,
			"status": status,
		},
	})
}

// condition reports whether a condition of a script's line holds.
func condition(text string) (bool, error) {
	version, ok := strings.CutPrefix(text, "since:")
	if !ok {
		return false, fmt.Errorf("unknown condition %s", text)
	}
	return sapi.ParsePHPVersion(serve.Stock().Version) >= sapi.ParsePHPVersion(version), nil
}

// lastEnd is the key of how the last program ended: a status, or a signal's name.
type lastEnd struct{}

// stamp is the time in the lines of a server's log.
var stamp = regexp.MustCompile(`\[\w{3} \w{3} [ \d]\d [\d:]{8} \d{4}\]`)

func same(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! same")
	}
	r := parseRun(ts, args)
	want := r.do(ts, ts.Getenv("stock"))
	got := r.do(ts, ts.Getenv("ours"))
	got.remember(ts)
	for _, part := range []struct{ name, want, got string }{
		{"stdout", want.stdout, got.stdout},
		{"stderr", stamp.ReplaceAllString(want.stderr, "[time]"), stamp.ReplaceAllString(got.stderr, "[time]")},
		{"end", want.end, got.end},
	} {
		if part.want != part.got {
			ts.Logf("%s of stock php:\n%s\n%s of phpsapi:\n%s", part.name, part.want, part.name, part.got)
			defer ts.Fatalf("phpsapi's %s is not stock php's", part.name)
		}
	}
}

func ours(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! ours")
	}
	parseRun(ts, args).do(ts, ts.Getenv("ours")).remember(ts)
}

func status(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 || neg {
		ts.Fatalf("usage: status N|SIGNAL")
	}
	if end := *ts.Value(lastEnd{}).(*string); end != args[0] {
		ts.Fatalf("ended by %s, want %s", end, args[0])
	}
}

func parseSignal(name string) (syscall.Signal, bool) {
	for sig := syscall.Signal(1); sig < 32; sig++ {
		if signalName(sig) == name {
			return sig, true
		}
	}
	return 0, false
}

func signalName(sig syscall.Signal) string {
	switch sig {
	case syscall.SIGHUP:
		return "SIGHUP"
	case syscall.SIGINT:
		return "SIGINT"
	case syscall.SIGQUIT:
		return "SIGQUIT"
	case syscall.SIGABRT:
		return "SIGABRT"
	case syscall.SIGKILL:
		return "SIGKILL"
	case syscall.SIGUSR1:
		return "SIGUSR1"
	case syscall.SIGSEGV:
		return "SIGSEGV"
	case syscall.SIGPIPE:
		return "SIGPIPE"
	case syscall.SIGALRM:
		return "SIGALRM"
	case syscall.SIGTERM:
		return "SIGTERM"
	}
	return "signal " + strconv.Itoa(int(sig))
}
