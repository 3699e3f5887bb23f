package cmdline

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/sapi/engines"
	"github.com/phpsapi/phpsapi/test/serve"
	"github.com/phpsapi/phpsapi/test/stockfpm"
)

// php-fpm has started PHP before it reads its configuration, and so knows every constant there.
func TestConstantsInTheConfigurationAsStock(t *testing.T) {
	stock := stockfpm.Start(t, "pm = static\npm.max_children = 1\n")
	stock.Write(t, "constants.php", `<?php $known = get_defined_constants(true); unset($known["user"]);
		echo json_encode(array_map(fn ($v) => (string) $v, array_filter(array_merge(...array_values($known)), fn ($v) => is_scalar($v) && (string) $v !== "")),
			JSON_PARTIAL_OUTPUT_ON_ERROR);`)
	_, body, _ := strings.Cut(stock.Get(t, "/constants.php", ""), "\r\n\r\n")
	want := map[string]string{}
	if err := json.Unmarshal([]byte(body), &want); err != nil {
		t.Fatalf("%v: %.200s", err, body)
	}
	var text strings.Builder
	text.WriteString("[www]\nlisten = /nowhere\npm = static\npm.max_children = 1\n")
	libraries := regexp.MustCompile(`^(LIBXML|OPENSSL|PCRE|ZLIB|SODIUM_LIBRARY)_.*VERSION`) // are those of the libraries
	for name := range want {
		if libraries.MatchString(name) {
			delete(want, name)
			continue
		}
		fmt.Fprintf(&text, "env[V_%s] = %[1]s\n", name)
	}
	if len(want) < 500 {
		t.Fatalf("php-fpm has %d constants", len(want))
	}
	path := filepath.Join(t.TempDir(), "php-fpm.conf")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	c := parse([]string{"-y", path, "-R"})
	c.binary = stockfpm.Find(t)
	options := c.masterOptions(Invocation{Headers: "0.0.0"})
	options.Conf.Build = conf.Debian(serve.Stock().Version)
	options.Conf.Constant = options.Constants(engines.Choice{Library: serve.Stock().Libphp})
	options.Conf.Loaded = func() (map[string]string, error) { // test/front compares what PHP answers, too
		if serve.Stock().Version == "8.2" {
			t.Error("PHP 8.2 is asked for its constants")
		}
		return want, nil
	}
	cfg, err := conf.Load(options.Conf)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, v := range cfg.Pools[0].Env {
		got[strings.TrimPrefix(v.Key, "V_")] = v.Value
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s: got %q, want %q", name, got[name], value)
		}
	}
}
