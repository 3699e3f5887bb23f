package settings

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/sapi/engines"
)

// A pool's engine: --set rules over the environment, and that over phpsapi.yaml. Nothing of it is php-fpm's.
func TestEnginesOfPools(t *testing.T) {
	file := write(t, "engine: 8.10\npools:\n  www: {engine: 8.2}\n  example.org:\n    engine: own/libphp.so\n  a-b: {engine: 8.3}\n")
	s, err := Source{File: file}.Load()
	if err != nil {
		t.Fatal(err)
	}
	pools := []string{"www", "example.org", "a-b", "other"}
	given := Overrides{Sets: []string{"a-b.engine=8.5", "other.pm=static"}, Environ: []string{"PHPSAPI_POOL_A_B_ENGINE=8.4", "PHPSAPI_POOL_OTHER_ENGINE=8.1"}}
	got, err := s.Engines(pools, given)
	want := map[string]PoolEngine{
		"www":         {"8.2", file + ":3: pools: www: engine"},
		"example.org": {filepath.Dir(file) + "/own/libphp.so", file + ":5: pools: example.org: engine"},
		"a-b":         {"8.5", "--set a-b.engine"},
		"other":       {"8.1", "PHPSAPI_POOL_OTHER_ENGINE"},
	}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	directives, err := given.Resolve(pools)
	if err != nil || len(directives) != 1 || directives[0].Name != "pm" {
		t.Errorf("php-fpm's directives: %+v, %v", directives, err)
	}
	if got := s.Asked(engines.Asked{Name: "php-fpm"}); got != (engines.Asked{Name: "php-fpm", Setting: "8.10", Place: file + ":1: engine"}) {
		t.Errorf("got %+v", got)
	}
	if text := strings.Join(s.Lines(), "\n") + "\n"; !s.Given() || !strings.Contains(text, "\tpools.www.engine = 8.2  ; "+file+":3: pools: www: engine\n") {
		t.Errorf("-tt shows\n%s", text)
	}
}

// --set engine=8.4 was told to be written POOL.DIRECTIVE=VALUE.
func TestEngineOfAllPoolsIsNotSet(t *testing.T) {
	for _, given := range []string{"engine=8.4", "global.engine=8.4"} {
		_, err := Overrides{Sets: []string{given}}.Resolve([]string{"www"})
		want := "--set " + given + ": the engine of all pools is --engine VERSION, or the setting engine; that of one pool is --set POOL.engine=VERSION"
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestEngineIsAskedForByWhomThatSaysIt(t *testing.T) {
	file := write(t, "engine: 8.3\n")
	t.Setenv(engines.Variable, "8.4")
	for flag, want := range map[string]engines.Asked{"8.5": {Option: "8.5"}, "": {Environment: "8.4"}} {
		source := Source{File: file}
		if flag != "" {
			source.Flags = map[string][]string{"engine": {flag}}
		}
		s, err := source.Load()
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Asked(engines.Asked{}); got != want {
			t.Errorf("--engine %q: got %+v, want %+v", flag, got, want)
		}
	}
}
