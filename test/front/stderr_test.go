package front

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

// Messages of a start go to stderr and to the error log. In a container that is stderr, too, and since 8.3 they are there once.
func TestErrorLogThatIsStderrAsStock(t *testing.T) {
	t.Parallel()
	when := regexp.MustCompile(`(?m)^\[[^\]]*\] `)
	for _, log := range []string{"/dev/stderr", "/proc/self/fd/2", "/dev/fd/2", "/dev/null"} {
		conf := filepath.Join(t.TempDir(), "php-fpm.conf")
		files.Write(t, conf, fmt.Sprintf("[global]\nerror_log = %s\n[www]\nlisten = /nowhere\nuser = www-data\npm = static\npm.max_children = 1\n", log))
		want, err := exec.Command(serve.Stock().FPM, "-t", "-y", conf).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, want)
		}
		got, err := command(nil, "-t", "-y", conf).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, got)
		}
		if got, want := when.ReplaceAllString(string(got), ""), when.ReplaceAllString(string(want), ""); got != want {
			t.Errorf("%s: got\n%swant\n%s", log, got, want)
		}
	}
}
