package front

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/phpsapi/phpsapi/test/serve"
)

// php-fpm -t found a configuration good whose engine could not be had at the start, and the start's advice was a variable that
// nobody had used.
func TestTestOfTheConfigurationTriesTheEnginesThatItNames(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	const broken = "is a pipe, and an engine is a file (name a libphp "
	for _, c := range []struct {
		name, yaml  string
		environment string
		arguments   []string
		want        string // what is said; CONF is the directory of php-fpm.conf
	}{
		{"good", "", "", nil, ""},
		{"the setting", "# engines\nengine: " + pipe + "\n", "PHPSAPI_ENGINE=", nil, "CONF/phpsapi.yaml:2: engine: " + pipe + ": " + broken + "there)"},
		{"a pool", "pools:\n  www:\n    engine: " + pipe + "\n", "", nil, "CONF/phpsapi.yaml:3: pools: www: engine: " + pipe + ": " + broken + "there)"},
		{"--set", "", "", []string{"--set", "www.engine=" + pipe}, "--set www.engine: " + pipe + ": " + broken + "there)"},
		{"the option", "", "", []string{"--engine", pipe}, ": " + pipe + ": " + broken + "with --engine)"},
		{"the variable", "", "PHPSAPI_ENGINE=" + pipe, nil, ": " + pipe + ": " + broken + "in PHPSAPI_ENGINE)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := configured(t, c.yaml)
			want := strings.ReplaceAll(c.want, "CONF", filepath.Dir(conf))
			for _, first := range []string{"-t", "-F"} {
				if c.want == "" && first == "-F" {
					continue
				}
				cmd := command([]string{c.environment}, append([]string{first, "-O", "-y", conf}, c.arguments...)...)
				out, err := cmd.CombinedOutput()
				if log, _ := os.ReadFile(filepath.Join(filepath.Dir(conf), "log")); first == "-F" {
					out = append(out, log...)
				}
				if (err == nil) != (c.want == "") || !strings.Contains(string(out), want) {
					t.Errorf("%s: %v, %s\nwant %s", first, err, out, want)
				}
			}
		})
	}
}

// The process title took the memory of what --engine had named before the command, and every reload failed.
func TestReloadKnowsTheEngineOfTheOption(t *testing.T) {
	t.Parallel()
	dir, address := site(t), serve.Address(t)
	cmd := exec.Command(serve.Program("phpsapi"), "--engine", serve.Stock().Libphp, "fpm", "--http", address, "--root", dir)
	s := startCommand(t, address, cmd)
	for range 2 {
		s.Order("reload")
	}
}
