package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/test/files"
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
	files.Write(t, file, yaml)
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
	files.Write(t, file, "worker: public/index.php\nhttp: {listen: ['127.0.0.1:1']}\n")
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

// The root of a worker script that a pool has was another than that of the same script for http.pool.
func TestRootIsThatOfThePoolsWorkerScript(t *testing.T) {
	for _, test := range []struct {
		yaml     string
		sets     []string
		defaults map[string]string
	}{
		{yaml: "http: {listen: 80, pool: A}\npools: {a: {worker: {script: public/index.php}}}\n"},
		{yaml: "http: {listen: 80, pool: a}\n", sets: []string{"b.worker=/nosuch/x.php", "a.pm=static", "a.worker.script=DIR/public/index.php"}},
		{yaml: "http: {listen: 80}\npools: {a: {worker: public/index.php}}\n", defaults: map[string]string{"http.root": ".", "http.pool": "a"}},
	} {
		dir := applicationTree(t)
		for i, set := range test.sets {
			test.sets[i] = strings.ReplaceAll(set, "DIR", dir)
		}
		s, err := Source{File: write(t, strings.ReplaceAll(test.yaml, "public/", dir+"/public/")), Defaults: test.defaults, Overrides: Overrides{Sets: test.sets}}.Load()
		if err != nil {
			t.Errorf("%s: %v", test.yaml, err)
		} else if len(s.Sites) != 1 || s.Sites[0].Root != dir+"/public" || s.setting("http.root").Text != dir+"/public" {
			t.Errorf("%s\nserved: %+v; shown: %s", test.yaml, s.Sites, s.setting("http.root").Text)
		}
	}
	// Which pool is the first is not known before php-fpm.conf.
	_, err := Source{File: write(t, "http: {listen: 80}\npools: {a: {worker: x.php}}\n")}.Load()
	if err == nil || !strings.HasSuffix(err.Error(), "; or name the pool that serves: with http.pool: a the root is the directory of its worker script") {
		t.Errorf("got %v", err)
	}
}

// The error named http.root, which nobody had set.
func TestAMissingWorkerScriptIsNamedByItsOption(t *testing.T) {
	dir := t.TempDir()
	_, err := Source{Flags: map[string][]string{"worker": {dir + "/nodir/index.php"}, "http.listen": {":80"}}}.Load()
	if want := "--worker: worker: script: the worker script " + dir + "/nodir/index.php cannot be found: no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// applicationTree makes a directory with the scripts public/app.php, public/index.php, bin/app.php and bare/app.php.
func applicationTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"public/app.php", "public/index.php", "bin/app.php", "bare/app.php", "bare/image.svg"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("bare", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// All paths were 404 if the worker script was not called index.php and none was beside it, and nobody said so.
func TestWorkerScriptIsTheController(t *testing.T) {
	for _, test := range []struct{ script, root, settings, controller, told string }{
		{"bare/app.php", "bare", "", "app.php", ""},
		{"bare/app.php", "link", "", "app.php", ""},
		{"link/app.php", "bare", "", "app.php", ""},
		{"bare/app.php", ".", "", "bare/app.php", ""},
		{"public/app.php", "public", "", "index.php", ""}, // Laravel's
		{"bare/app.php", "bare", ", controller: none", "", ""},
		{"bare/app.php", "bare", ", index: start.php, controller: x.php", "x.php", ""},
		{"bare/app.php", "bare", ", extensions: .phtml", "", ""},
		{"bin/app.php", "bare", "", "index.php", "no request reaches the worker script DIR/bin/app.php: it answers those for DIR/bin/app.php and DIR/bin/index.php, and DIR/bare is served; "},
		{"bin/app.php", "bare", "FOR DIR/bare/app.php", "app.php", ""},
	} {
		dir := applicationTree(t)
		http, serves, _ := strings.Cut(test.settings, "FOR ")
		yaml := "http: {listen: 80, pool: a, root: " + dir + "/" + test.root + http + "}\npools: {a: {worker: {script: " + dir + "/" + test.script + ", for: [" + strings.ReplaceAll(serves, "DIR", dir) + "]}}}\n"
		s, err := Source{File: write(t, yaml)}.Load()
		if err != nil {
			t.Fatal(err)
		}
		pools := []*conf.Pool{{Name: "a", LimitExtensions: []string{".php"}}}
		workers, err := s.Workers(pools, Overrides{})
		if err != nil {
			t.Fatal(err)
		}
		sites, err := s.Route(pools, workers)
		if err != nil || sites[0].Controller != test.controller {
			t.Errorf("%s: got %+v, %v", yaml, sites, err)
		}
		told := strings.Join(Unreached(workers, sites), "")
		if want := strings.ReplaceAll(test.told, "DIR", dir); !strings.HasPrefix(told, want) || want == "" && told != "" {
			t.Errorf("%s: told %q", yaml, told)
		}
	}
}

// worker.for=../x.php was taken, and matched nothing.
func TestScriptsThatNobodyCanAskForAreRefused(t *testing.T) {
	dir := applicationTree(t)
	for serves, want := range map[string]string{
		"../x.php":               "worker: for: " + dir + "/x.php is not below " + dir + "/public: no request is for it; name a script there",
		"x.php":                  "",
		dir + "/bin/../public/x": "",
	} {
		s, err := Source{File: write(t, "http: {listen: 80, pool: a}\npools: {a: {worker: {script: "+dir+"/public/app.php, for: ["+serves+"]}}}\n")}.Load()
		if err != nil {
			t.Fatal(err)
		}
		for listen, want := range map[string]string{Nameless: want, "/run/x": ""} {
			pools := []*conf.Pool{{Name: "a", Listen: conf.Text{Value: listen, Set: true}}}
			workers, err := s.Workers(pools, Overrides{})
			if err != nil {
				t.Fatal(err)
			}
			sites, err := s.Route(pools, workers)
			if err != nil {
				t.Fatal(err)
			}
			err = CheckReach(pools, workers, sites)
			if want == "" && err != nil || want != "" && (err == nil || !strings.HasSuffix(err.Error(), want)) {
				t.Errorf("%s at %s: got %v", serves, listen, err)
			}
		}
	}
}

// Each was taken, or half of it.
func TestWorkerSettingsThatCannotBeMeant(t *testing.T) {
	for setting, want := range map[string]string{
		`env: {A: [1, 2]}`:                   "phpsapi.yaml:2: worker: env: A is a list or a map: write one text, in quotation marks",
		`env: {A: {b: c}}`:                   "phpsapi.yaml:2: worker: env: A is a list or a map: ",
		`env: {C: null}`:                     `phpsapi.yaml:2: worker: env: C has no value: write a text in quotation marks, "" for an empty one, or remove the name`,
		`env: {C: }`:                         "phpsapi.yaml:2: worker: env: C has no value: ",
		`env: {"A=B": c}`:                    `phpsapi.yaml:2: worker: env: "A=B" is not a name of a variable: it must not be empty, nor have = in it`,
		`env: {"": c}`:                       `phpsapi.yaml:2: worker: env: "" is not a name of a variable: `,
		`env: {A: "b\0c"}`:                   "phpsapi.yaml:2: worker: env: A has a NUL, which no variable can have: remove it",
		`env: {A: b, A: c}`:                  "phpsapi.yaml:2: worker: env: A is there twice; remove one",
		`snapshot: 1, warmup: ["/a b\r\nX"]`: `phpsapi.yaml:2: worker: warmup: "/a b\r\nX" has a space or a control character: write it as browsers send it, a space as %20`,
		`max_memory: 1`:                      "phpsapi.yaml:2: worker: max_memory: 1 bytes are less than any worker has: ",
		`boot_timeout: 1ms`:                  "phpsapi.yaml:2: worker: boot_timeout: 1ms is less than the start of a process may take: ",
		`snapshot: 99999999999999`:           "phpsapi.yaml:2: worker: snapshot: 99999999999999 is more than 1000000000 requests: ",
		`max_requests: 99999999999999`:       "phpsapi.yaml:2: worker: max_requests: 99999999999999 is more than 1000000000: ",
		`env: {A: "", B: yes, C: 0660, D: ~/x}, max_memory: 1M, boot_timeout: 0, snapshot: 1000000000, warmup: ["/ä?b=%20"]`: "",
	} {
		all, _, err := workers(t, "pools:\n  a: {worker: {script: index.php, "+setting+"}}\n")
		if want == "" {
			if err != nil || len(all["a"].Env) != 4 || all["a"].Env[0].Value != "" || all["a"].Env[1].Value != "yes" || all["a"].Env[2].Value != "0660" {
				t.Errorf("%s: %+v, %v", setting, all["a"], err)
			}
		} else if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot  %v\nwant %s", setting, err, want)
		}
	}
	_, _, err := workers(t, "worker: index.php\n", "a.worker.max_memory=1")
	if want := "max_memory: 1 bytes are less than any worker has: "; err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--set") {
		t.Errorf("by --set: %v", err)
	}
}

func TestWorkerSettingsWithoutEffectAreTold(t *testing.T) {
	for setting, want := range map[string]string{
		"max_requests: 10, snapshot: 5": "max_requests has no effect beside snapshot",
		"warmup: [/]":                   "warmup has no effect without snapshot",
		"max_requests: 10":              "",
		"snapshot: 5, warmup: [/]":      "",
	} {
		all, _, err := workers(t, "pools:\n  a: {worker: {script: index.php, "+setting+"}}\n")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(Unused(all), ""); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q", setting, got)
		}
	}
}
