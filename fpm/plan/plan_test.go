package plan

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/sandbox"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
	"github.com/phpsapi/phpsapi/test/files"
)

// planned reads a phpsapi.yaml, in which DIR is a directory with site and app.php, and makes a plan for the pools www and shop.
func planned(t *testing.T, yaml string, kernel sandbox.Kernel) (*Plan, *conf.Config, error) {
	t.Helper()
	dir := t.TempDir()
	site := filepath.Join(dir, "site")
	if err := os.Mkdir(site, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{filepath.Join(site, "app.php"), filepath.Join(dir, "phpsapi.yaml")} {
		files.Write(t, name, strings.ReplaceAll(yaml, "DIR", dir))
	}
	for d := dir; d != "/"; d = filepath.Dir(d) { // a front of its own user is to reach the site
		if info, err := os.Stat(d); err == nil && info.Mode().Perm()&0o001 == 0 {
			if err := os.Chmod(d, info.Mode().Perm()|0o111); err != nil {
				t.Skip(err)
			}
			t.Cleanup(func() { os.Chmod(d, info.Mode().Perm()) })
		}
	}
	p := New(Source{
		Choose: func(a engines.Asked) (engines.Choice, error) {
			if a.Setting == "9.9" {
				return engines.Choice{}, fmt.Errorf("%s: there is no PHP 9.9", a.Place)
			}
			return engines.Choice{Library: a.Setting}, nil
		},
		Module: func(engines.Choice) sapi.Module { return sapi.Module{} },
		Directive: func(engines.Choice) func(string) (string, bool) {
			return func(name string) (string, bool) { return "own of " + name, true }
		},
		Kernel: func() sandbox.Kernel { return kernel },
	})
	p.INI = func(name string) (string, bool) {
		return map[string]string{"include_path": ".:/usr/share/php"}[name], true
	}
	var err error
	if p.Own, err = (settings.Source{File: filepath.Join(dir, "phpsapi.yaml")}).Load(); err != nil {
		t.Fatal(err)
	}
	user := conf.Text{Value: "www-data", Set: true}
	cfg := &conf.Config{}
	for _, name := range []string{"www", "shop"} {
		cfg.Pools = append(cfg.Pools, &conf.Pool{Name: name, Listen: conf.Text{Value: "/run/" + name, Set: true}, Domain: conf.Unix,
			User: user, Group: user, PM: conf.Static, MaxChildren: 4})
	}
	return p, cfg, p.Verify(cfg)
}

func TestWhatIsPlanned(t *testing.T) {
	p, cfg, err := planned(t, `
http: {listen: ["127.0.0.1:80"]}
sites: [{hosts: [a.example], root: DIR/site, pool: www}, {hosts: [b.example], root: DIR/site, pool: www}]
pools:
  www: {worker: {script: DIR/site/app.php}, script_owners: [root], process_per_request: off}
  shop: {engine: "8.4", process_per_request: on}
`, sandbox.Kernel{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, pool := range cfg.Pools {
		names = append(names, pool.Name)
	}
	if len(names) != 3 || p.Workers["www"] == nil || cfg.Pools[0].Successors != 1 {
		t.Errorf("pools %q, worker modes %v; want the pool for the other scripts of www too", names, p.Workers)
	}
	if p.EngineOf("shop").Library != "8.4" || p.EngineOf("www").Library != "" {
		t.Errorf("engines %+v", p.engines)
	}
	if !p.HasFront() || !p.Routes("www") || p.Routes("shop") || p.Direct != "www" {
		t.Errorf("sites %+v, direct %q", p.Sites, p.Direct)
	}
	if cfg.Pools[1].MaxRequests != 1 {
		t.Error("the processes of shop answer several requests each")
	}
	if a := p.AdmissionOf("www", "www", 33); a == nil || !slices.Equal(a.Owners, []int{0, 33, 0}) || !slices.Equal(a.Users, []int{p.Who.UID}) {
		t.Errorf("www admits %+v", a)
	}
	if a := p.AdmissionOf("shop", "shop", 0); a == nil || len(a.Users) > 0 || !slices.Equal(a.Owners, []int{0, os.Geteuid()}) {
		t.Errorf("shop admits %+v", a)
	}
	if p.setting(cfg.Pools[1], "memory_limit") != "own of memory_limit" || p.setting(cfg.Pools[0], "include_path") != ".:/usr/share/php" {
		t.Error("a pool has another PHP's settings")
	}
}

func TestWhatCannotBePlanned(t *testing.T) {
	for name, c := range map[string]struct{ yaml, want string }{
		"an engine":        {`pools: {www: {engine: "9.9"}}`, "there is no PHP 9.9"},
		"a sandbox":        {"pools: {www: {sandbox: {mode: strict, read: [/usr]}}}", "pool www cannot have the sandbox strict"},
		"a user":           {"pools: {www: {listen.allowed_users: [nobody-of-that-name]}}", "there is no user nobody-of-that-name"},
		"an owner":         {"pools: {www: {script_owners: [nobody-of-that-name]}}", "there is no user nobody-of-that-name"},
		"two worker modes": {"pools: {www: {worker: {script: DIR/site/app.php}, process_per_request: on}}", "is in worker mode: set snapshot: 1 of its worker instead"},
		"a certificate":    {"http: {tls: {listen: ['127.0.0.1:443'], certificate: DIR/none, key: DIR/none}}\nsites: [{root: DIR/site, pool: www}]", "none"},
	} {
		if _, _, err := planned(t, c.yaml, sandbox.Kernel{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestSitesHaveNamesOfTheirOwn(t *testing.T) {
	p := &Plan{Sites: []contract.Site{{Hosts: []string{"a", "b"}, Path: "/x"}, {Hosts: []string{"a"}, Path: "/x"}, {}, {Path: "/y"}, {}}}
	if got, want := p.SiteNames(), []string{"a/x", "a/x (2)", "*", "*/y", "* (2)"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAPlanWithoutSettingsAsksForNothing(t *testing.T) {
	for _, p := range []*Plan{nil, New(Source{})} {
		if p.HasFront() || p.LogsJSON() || p.Exports() || p.Traces() != nil || p.ForApache() || p.IncidentLog() != "" || p.CheckIncidentLog() != nil {
			t.Errorf("%+v asks for something", p)
		}
		if p.AdmissionOf("www", "www", 0) != nil || p.ProtectionOf("www") != nil {
			t.Errorf("%+v protects a pool", p)
		}
	}
}
