package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

// The reader of standard error, a supervisor or a test runner, has closed its end. Each message is lost, and the script
// runs to its end.
func TestReaderOfTheLogIsGone(t *testing.T) {
	t.Parallel()
	ours := t.TempDir()
	for _, name := range []string{"php", "php-cgi"} {
		if err := os.Symlink(binary, filepath.Join(ours, name)); err != nil {
			t.Fatal(err)
		}
	}
	site := files.Make(t, map[string]string{"log.php": `<?php error_log("one"); file_put_contents(getenv("MARK"), "ran");
		error_log("two"); exec("grep SigIgn /proc/self/status", $status); file_put_contents(getenv("MARK"), $status[0]);`})
	script := filepath.Join(site, "log.php")
	cgi := []string{"REDIRECT_STATUS=1", "SCRIPT_FILENAME=" + script, "REQUEST_METHOD=GET", "GATEWAY_INTERFACE=CGI/1.1"}
	for name, test := range map[string]struct {
		program string
		args    []string
		env     []string
	}{
		"php":                {"php", []string{"-n", script}, nil},
		"php -r":             {"php", []string{"-n", "-r", "include '" + script + "';"}, nil},
		"php --repeat":       {"php", []string{"-n", "--repeat", "2", script}, nil},
		"php without libphp": {"php", []string{"-n", script}, []string{"PHPSAPI_ENGINE=/nonexistent"}},
		"php-cgi":            {"php-cgi", []string{"-n"}, cgi},
		"php-cgi, a shell's": {"php-cgi", []string{"-n", script}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			type end struct{ state, mark string }
			ends := func(program string) end {
				mark := filepath.Join(t.TempDir(), "mark")
				cmd := exec.Command(program, test.args...)
				cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "MARK=" + mark}, test.env...)
				cmd.Stderr = serve.Unread(t)
				cmd.Run()
				text, _ := os.ReadFile(mark)
				return end{cmd.ProcessState.String(), string(text)}
			}
			got, want := ends(filepath.Join(ours, test.program)), end{state: "exit status 1"}
			if len(test.env) == 0 || test.program == "php-cgi" {
				want = ends(map[string]string{"php": stock, "php-cgi": stockCGI}[test.program])
			}
			if got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}
