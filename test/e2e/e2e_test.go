//go:build e2e

// Package e2e runs real programs, from Debian's packages, under phpsapi. `make e2e` installs the packages and runs it;
// the build tag keeps it out of `go test ./...`.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phpsapi/phpsapi/test/files"
	processes "github.com/phpsapi/phpsapi/test/serve"
)

const patience = 2 * time.Minute

var (
	stock    = processes.Stock().CLI
	ours     string // a directory with phpsapi as php, php-cgi and php-fpm
	settings string // read after those of /etc/php
)

func TestMain(m *testing.M) {
	status := processes.Main(m, func(dir string) error {
		ours = dir
		apacheModes = append(apacheModes, inPool())
		var err error
		settings, err = enable(stock, "dom", "intl", "mbstring", "simplexml", "xml", "xmlreader", "xmlwriter", "pdo_sqlite", "sqlite3")
		return err
	})
	removeDebian()
	os.Exit(status)
}

// enable returns an ini file's lines that load what is installed and, on this machine, not enabled for a stock PHP.
func enable(program string, extensions ...string) (string, error) {
	loaded, err := exec.Command(program, "-m").Output()
	if err != nil {
		return "", fmt.Errorf("%s -m: %w", program, err)
	}
	lines := strings.Split(strings.ToLower(string(loaded)), "\n")
	var settings string
	for _, name := range extensions {
		if !slices.Contains(lines, name) {
			settings += "extension=" + name + "\n"
		}
	}
	return settings, nil
}

// command is `php args...` in dir, where php is the program php for all that it starts too.
func command(t *testing.T, php, dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(php, args...)
	cmd.Args[0] = "php"
	cmd.Dir = dir
	bin := filepath.Dir(php)
	if php == stock {
		bin = t.TempDir()
		if err := os.Symlink(stock, filepath.Join(bin, "php")); err != nil {
			t.Fatal(err)
		}
	}
	cmd.Env = []string{
		"PATH=" + bin + ":" + os.Getenv("PATH"),
		"HOME=" + t.TempDir(),
		"PHP_INI_SCAN_DIR=:" + files.Make(t, map[string]string{"e2e.ini": settings}),
		"COMPOSER_ALLOW_SUPERUSER=1",
	}
	return cmd
}

// varies is what differs from run to run.
var varies = regexp.MustCompile(`Time: [0-9:.]+, Memory: [0-9.]+ MB`)

// outcome is what a program printed, on both streams, and how it ended.
func outcome(cmd *exec.Cmd) string {
	timer := time.AfterFunc(patience, func() { cmd.Process.Kill() })
	defer timer.Stop()
	output, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		return err.Error()
	}
	return varies.ReplaceAllString(string(output), "(time)") + "[" + cmd.ProcessState.String() + "]\n"
}

// same runs a program under stock php and under phpsapi, wants the same outcome, and wants want in it.
func same(t *testing.T, dir, want string, args ...string) {
	t.Helper()
	expected := outcome(command(t, stock, dir, args...))
	got := outcome(command(t, filepath.Join(ours, "php"), dir, args...))
	if got != expected {
		t.Errorf("%q: phpsapi:\n%s\nstock php:\n%s", args, got, expected)
	}
	if !strings.Contains(got, want) {
		t.Errorf("%q: no %q in:\n%s", args, want, got)
	}
}
