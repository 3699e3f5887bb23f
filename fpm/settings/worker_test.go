package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// workers reads a phpsapi.yaml and returns what the pools a and b have of worker mode.
func workers(t *testing.T, yaml string, sets ...string) (map[string]*Worker, string, error) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"index.php", "worker.php", "b.php"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "phpsapi.yaml")
	if err := os.WriteFile(file, []byte(yaml), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := Source{File: file}.Load()
	if err != nil {
		return nil, dir, err
	}
	all, err := s.Workers([]*conf.Pool{{Name: "a"}, {Name: "b"}}, Overrides{Sets: sets})
	return all, dir, err
}

func TestWorkersComeFromAllPlaces(t *testing.T) {
	all, dir, err := workers(t, "worker: index.php\nhttp: {pool: b}\npools:\n  a: {worker: {script: worker.php, for: [b.php], env: {K: v}, reset: strict, max_memory: 64M}}\n",
		"b.worker.processes=3")
	if err != nil {
		t.Fatal(err)
	}
	a, b := all["a"], all["b"]
	if a.Script != dir+"/worker.php" || strings.Join(a.For, " ") != dir+"/b.php" || len(a.Env) != 1 || !a.Strict || a.MaxMemory != 64<<20 {
		t.Errorf("a: %+v", a)
	}
	if b.Script != dir+"/index.php" || strings.Join(b.For, " ") != dir+"/index.php" || b.Processes != 3 || b.Strict {
		t.Errorf("b: %+v", b)
	}
	all, dir, err = workers(t, "sites:\n  - {root: ., hosts: [x], worker: worker.php, pool: b}\n")
	if err != nil || all["b"] == nil || strings.Join(all["b"].For, " ") != dir+"/worker.php "+dir+"/index.php" || all["a"] != nil {
		t.Errorf("by a site: %+v, %v", all, err)
	}
}

func TestWorkersThatCannotBe(t *testing.T) {
	for _, test := range []struct{ yaml, want string }{
		{"pools: {a: {worker: {script: none.php}}}", "none.php cannot be found: no such file or directory"},
		{"pools: {a: {worker: {}}}", "worker: no script is set: write script: PATH, the worker script"},
		{"pools: {a: {worker: [x]}}", "write the path of a worker script, or script: PATH below it"},
		{"pools: {a: {worker: {scrip: x}}}", "unknown key; did you mean script?"},
		{"pools: {a: {worker: {script: index.php, processes: -1}}}", "worker: processes: "},
		{"pools: {a: {worker: {script: index.php, env: x}}}", "write names and values"},
		{"pools: {a: {worker: {script: index.php, snapshot: 1, warmup: [x]}}}", `warmup: "x" is not a path such as /login`},
		{"pools: {c: {worker: index.php}}", "there is no pool c"},
		{"sites:\n  - {root: ., hosts: [x], worker: worker.php}\n  - {root: ., worker: b.php}\n", "sites: worker: the pool a has the worker script "},
	} {
		if _, _, err := workers(t, test.yaml); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s\ngot  %v\nwant %s", test.yaml, err, test.want)
		}
	}
}

// With a php-fpm.conf nothing was served, though a worker script was named, and -tt showed another root than was served.
func TestRootIsTheWorkerScriptsDirectory(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "phpsapi.yaml")
	if err := os.Mkdir(filepath.Join(dir, "public"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "public/index.php"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("worker: public/index.php\nhttp: {listen: ['127.0.0.1:1']}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, defaults := range []map[string]string{nil, {"http.root": "."}} {
		s, err := Source{File: file, Defaults: defaults}.Load()
		if err != nil {
			t.Fatal(err)
		}
		want := filepath.Join(dir, "public")
		if len(s.Sites) != 1 || s.Sites[0].Root != want || s.setting("http.root").Text != want {
			t.Errorf("served: %+v; shown: %s", s.Sites, s.setting("http.root").Text)
		}
	}
}
