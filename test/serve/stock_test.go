package serve

import "testing"

func TestStockIsWhatPHPSAPIChooses(t *testing.T) {
	programs := []string{"/usr/bin/php", "/usr/bin/php8.10", "/usr/bin/php8.2", "/usr/bin/php8.9", "/usr/bin/php-cgi9.9", "/usr/bin/phpdbg9.9", "/usr/bin/phpize9.9"}
	for _, c := range []struct {
		name, engine, php string
		programs          []string
		want              string
	}{
		{"the engine", "8.9", "/usr/bin/php8.2", programs, "8.9"},
		{"the engine's path", "/usr/lib/libphp8.9.so", "/usr/bin/php8.2", programs, "8.9"},
		{"an engine whose name tells nothing", "/opt/php/lib/libphp.so", "/usr/bin/php8.2", programs, "8.2"},
		{"what php is", "", "/usr/bin/php8.2", programs, "8.2"},
		{"php is another program", "", "/usr/local/bin/phpsapi", programs, "8.10"},
		{"no php", "", "", programs, "8.10"},
		{"nothing", "", "", nil, ""},
	} {
		if got := stockPHP(c.engine, c.php, c.programs).Version; got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
