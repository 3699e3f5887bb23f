package worker

import (
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/sapi"
)

// Opcache put the value of a worker's first request into the script in place of ini_get(): every later request read it.
func TestFirstRequestsAdminValueEndsWithIt(t *testing.T) {
	t.Parallel()
	for name, opcache := range map[string][]sapi.Setting{
		"without opcache": nil,
		"with opcache":    {{Name: "zend_extension", Value: "opcache.so"}, {Name: "opcache.file_update_protection", Value: "0"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPool(t, nil, append(opcache, sapi.Setting{Name: "memory_limit", Value: "128M"})...)
			p.spawn()
			p.write("a.php", `<?php echo ini_get("memory_limit"), " ", ini_get("precision"), " ", ini_get_all("core")["memory_limit"]["access"];`)
			p.write("b.php", `<?php echo ini_get("memory_limit"), " ", ini_get("precision");`)
			p.write("cached.php", `<?php echo function_exists("opcache_is_script_cached") && opcache_is_script_cached(__DIR__ . "/a.php") ? "yes" : "no";`)
			conn := dial(t, p.Socket)
			defer conn.Close()
			for i, c := range []struct{ script, param, value, want string }{
				{"a.php", "PHP_ADMIN_VALUE", "memory_limit=64M\nprecision=5", "64M 5 4"},
				{"a.php", "", "", "128M 14 7"},
				{"a.php", "PHP_ADMIN_VALUE", "memory_limit=200M\nprecision=6", "200M 6 4"},
				{"a.php", "PHP_VALUE", "memory_limit=65M", "65M 14 7"},
				{"a.php", "", "", "128M 14 7"},
				{"b.php", "PHP_VALUE", "memory_limit=64M\nprecision=5", "64M 5"},
				{"b.php", "", "", "128M 14"},
				{"b.php", "PHP_ADMIN_VALUE", "memory_limit=200M", "200M 14"},
			} {
				r := get(p.Dir, c.script)
				if c.param != "" {
					r = get(p.Dir, c.script, c.param, c.value)
				}
				if got := ask(t, conn, r); got != c.want {
					t.Errorf("request %d, %s=%q: got %q, want %q", i+1, c.param, c.value, got, c.want)
				}
			}
			if got := ask(t, conn, get(p.Dir, "cached.php")); (got == "yes") != (opcache != nil) {
				t.Errorf("opcache has the script: %s", strings.TrimSpace(got))
			}
		})
	}
}
