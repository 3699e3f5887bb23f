package phpini

import (
	"encoding/json"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/test/files"
	"github.com/phpsapi/phpsapi/test/serve"
)

// PHP itself says what the files mean.
func TestReadLikeStock(t *testing.T) {
	dir := t.TempDir()
	files.Fill(t, dir, map[string]string{
		"a/php.ini": `
memory_limit = 64M
[Date]
date.timezone = "Europe/Vienna"
my.number = E_ALL & ~E_NOTICE
my.copy = "${memory_limit}x"
my.env = ${PHPINI_TEST}
my.on = on
my.off = no
[PATH=/srv]
memory_limit = 1M
[HOST=example.org]
my.host = 1
[other]
my.last = first
`,
		"conf.d/20.ini":   "my.last = third\n",
		"conf.d/10.ini":   "my.last = second\nmy.ten = 10\n",
		"conf.d/30.ini":   "my.before = 1\nmy.bad = (\nmy.after = 1\n",
		"conf.d/note.txt": "my.note = 1\n",
	})
	t.Setenv("PHPINI_TEST", "from the environment")
	t.Setenv("PHP_INI_SCAN_DIR", filepath.Join(dir, "conf.d"))
	t.Setenv("PHPRC", "")
	names := []string{"memory_limit", "date.timezone", "my.number", "my.copy", "my.env", "my.on", "my.off", "my.host",
		"my.last", "my.ten", "my.before", "my.after", "my.note", "my.given"}

	got := Read(sapi.Module{Name: sapi.FPM, INI: sapi.INI{Path: filepath.Join(dir, "a"), ScanDir: filepath.Join(dir, "conf.d"),
		Entries: "my.given=1\n"}}, sapi.ParsePHPVersion(serve.Stock().Version))
	want := stock(t, filepath.Join(dir, "a"), names)
	for _, name := range names {
		if w, known := want[name]; got[name] != w || known != slices.Contains(slices.Collect(maps.Keys(got)), name) {
			t.Errorf("%s is %q, in PHP %q", name, got[name], w)
		}
	}
}

// stock is what get_cfg_var of stock PHP says.
func stock(t *testing.T, path string, names []string) map[string]string {
	t.Helper()
	list, _ := json.Marshal(names)
	out, err := exec.Command(serve.Stock().CLI, "-c", path, "-d", "display_errors=0", "-d", "log_errors=0", "-d", "my.given=1", "-r",
		`$v = []; foreach (json_decode($argv[1]) as $n) { $x = get_cfg_var($n); if ($x !== false) { $v[$n] = $x; } }
		echo "\n", json_encode((object) $v);`, string(list)).Output()
	if err != nil {
		t.Fatalf("php: %v", err)
	}
	want := map[string]string{}
	if err := json.Unmarshal(out[max(0, lastLine(out)):], &want); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return want
}

func lastLine(out []byte) int {
	for i := len(out) - 1; i >= 0; i-- {
		if out[i] == '\n' {
			return i + 1
		}
	}
	return 0
}

func TestMainFile(t *testing.T) {
	dir := t.TempDir()
	files.Fill(t, dir, map[string]string{
		"one/php.ini":          "a=one\n",
		"two/php.ini":          "a=two\n",
		"two/php-fpm-fcgi.ini": "a=named\n",
		"file.ini":             "a=file\n",
	})
	for _, test := range []struct{ path, want string }{
		{filepath.Join(dir, "one"), "one"},
		{filepath.Join(dir, "one") + ":" + filepath.Join(dir, "two"), "named"},
		{filepath.Join(dir, "missing") + ":" + filepath.Join(dir, "one"), "one"},
		{filepath.Join(dir, "file.ini"), "file"},
		{"", ""},
	} {
		if got := Read(sapi.Module{Name: sapi.FPM, INI: sapi.INI{Path: test.path, Ignore: true}}, 0)["a"]; got != test.want {
			t.Errorf("%s: a is %q, want %q", test.path, got, test.want)
		}
	}
}
