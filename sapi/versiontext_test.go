package sapi

import "testing"

func TestVersionText(t *testing.T) {
	const engine = "Zend Engine v4\n"
	for _, test := range []struct{ version, name, want string }{
		{"8.2.36", CLI, "PHP 8.2.36 (cli) (built: Nov  8 2026 20:02:04) (NTS)\nCopyright (c) The PHP Group\n" + engine},
		{"8.2.36", CGI, "PHP 8.2.36 (cgi-fcgi) (built: Nov  8 2026 20:02:04)\nCopyright (c) The PHP Group\n" + engine},
		{"8.3.30", FPM, "PHP 8.3.30 (fpm-fcgi) (built: Nov  8 2026 20:02:04)\nCopyright (c) The PHP Group\n" + engine},
		{"8.4.28", CLI, "PHP 8.4.28 (cli) (built: Nov  8 2026 20:02:04) (NTS)\nCopyright (c) The PHP Group\nBuilt by Debian\n" + engine},
		{"8.4.28", FPM, "PHP 8.4.28 (fpm-fcgi) (built: Nov  8 2026 20:02:04) (NTS)\nCopyright (c) The PHP Group\nBuilt by Debian\n" + engine},
	} {
		build := Build{Version: test.version, Built: "Nov  8 2026 20:02:04", Kind: "NTS", Provider: "Debian", Zend: engine}
		if got := build.VersionText(test.name); got != test.want {
			t.Errorf("%s of %s:\n%s", test.name, test.version, got)
		}
	}
}
