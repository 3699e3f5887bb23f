package front

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/test/serve"
)

// All paths but the script's own were 404, and nothing was logged.
func TestAWorkerScriptOfAnotherNameAnswersForAllPaths(t *testing.T) {
	t.Parallel()
	dir, address := application(t, "v1", ""), serve.Address(t)
	if err := os.Rename(filepath.Join(dir, "index.php"), filepath.Join(dir, "app.php")); err != nil {
		t.Fatal(err)
	}
	s := start(t, address, nil, "-F", "--http", address, "--set", "www.worker="+filepath.Join(dir, "app.php"))
	s.want("/", 200, "v1 ")
	s.want("/any/path?x=1", 200, "v1 ")
	s.want("/other.php", 200, "other ")
	if out, err := command(nil, "-t", "--http", address, "--worker", filepath.Join(dir, "app.php"), "--set", "www.worker.for=../x.php").CombinedOutput(); err == nil ||
		!strings.Contains(string(out), filepath.Join(filepath.Dir(dir), "x.php")+" is not below "+dir+": no request is for it") {
		t.Errorf("%v\n%s", err, out)
	}
}
