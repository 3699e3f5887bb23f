package settings

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/sandbox"
	"github.com/phpsapi/phpsapi/test/files"
)

// protections reads a phpsapi.yaml and returns what protects the pools a and b.
func protections(t *testing.T, yaml string, overrides Overrides) (map[string]*Protection, string, error) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "phpsapi.yaml")
	files.Write(t, file, yaml)
	s, err := Source{File: file}.Load()
	if err != nil {
		return nil, dir, err
	}
	all, err := s.Protections([]string{"a", "b"}, overrides)
	return all, dir, err
}

func TestProtectionsComeFromAllPlaces(t *testing.T) {
	all, dir, err := protections(t, "pools:\n  a:\n    sandbox: {mode: strict, read: [app, /srv], write: var}\n  B: {sandbox: off, no_new_privs: on}\n",
		Overrides{Sets: []string{"a.sandbox.lacking=warn"}, Environ: []string{"PHPSAPI_POOL_B_SANDBOX=web"}})
	if err != nil {
		t.Fatal(err)
	}
	a, b := all["a"], all["b"]
	if a.Sandbox != sandbox.Strict || !a.NoNewPrivs || strings.Join(a.Read, " ") != dir+"/app /srv" || strings.Join(a.Write, " ") != dir+"/var" || a.Lacking != Warn {
		t.Errorf("a: %+v", a)
	}
	if b.Sandbox != sandbox.Web || !b.NoNewPrivs || b.Lacking != Warn {
		t.Errorf("b: %+v", b)
	}
	if at := a.PlaceOf("sandbox.read"); at != dir+"/phpsapi.yaml:3: pools: a: sandbox.read" {
		t.Errorf("it is set in %q", at)
	}
	if all, _, err = protections(t, "pools: {a: {no_new_privs: on}}", Overrides{}); err != nil || !all["a"].NoNewPrivs || all["a"].Sandbox != sandbox.Off || all["b"] != nil {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestProtectionsThatCannotBe(t *testing.T) {
	for _, test := range []struct{ yaml, set, want string }{
		{"pools: {a: {sandbox: loose}}", "", `phpsapi.yaml:1: pools: a: sandbox: "loose" is not one of off, web, strict`},
		{"pools: {a: {sandbox: {mod: web}}}", "", "phpsapi.yaml:1: pools: a: unknown key sandbox.mod; did you mean sandbox.mode?"},
		{"pools: {a: {sandbx: web}}", "", "pools: a: unknown key sandbx; did you mean sandbox?"},
		{"pools: {a: {sandbox: {mode: web, mode: web}}}", "", "pools: a: sandbox.mode is there twice; remove one"},
		{"pools: {a: {sandbox: web, sandbox: {mode: web}}}", "", "pools: a: sandbox.mode is there twice"},
		{"pools: {a: {sandbox: web, no_new_privs: off}}", "", "pools: a: no_new_privs: off is not possible in a sandbox"},
		{"pools: {a: {sandbox: {mode: web, read: /srv}}}", "", "pools: a: sandbox.read: has an effect in a strict sandbox only"},
		{"pools: {a: {no_new_privs: maybe}}", "", `"maybe" is not one of on, off`},
		{"pools: {c: {sandbox: web}}", "", "pools: c: there is no pool c"},
		{"", "a.sandbox=loose", `--set a.sandbox: "loose" is not one of off, web, strict`},
		{"", "a.sandbox.mod=web", "a pool has no directive sandbox.mod; did you mean sandbox.mode?"},
	} {
		var o Overrides
		if test.set != "" {
			o.Sets = []string{test.set}
		}
		if _, _, err := protections(t, test.yaml, o); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s\ngot  %v\nwant %s", test.yaml, test.set, err, test.want)
		}
	}
}
