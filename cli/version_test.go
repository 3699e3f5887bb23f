package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/sapi"
)

const php82 = sapi.PHPVersion(80236)

func TestUsageByVersion(t *testing.T) {
	for _, test := range []struct {
		version string
		noOps   bool // -C and -q are shown
		z       bool
	}{{"8.2.36", false, true}, {"8.3.30", false, true}, {"8.4.28", true, true}, {"8.5.7", true, false}} {
		var b strings.Builder
		Usage(&b, "php", sapi.ParsePHPVersion(test.version))
		for line, want := range map[string]bool{
			"\n  -c <path>|<file> Look for php.ini file in this directory\n  -C               Do not chdir to the script's directory (no-op in CLI)\n  -n ": test.noOps,
			"\n  -m               Show compiled in modules\n  -q               Do not output HTTP headers (no-op in CLI)\n  -r ":                            test.noOps,
			"\n  -z <file>        Load Zend extension <file>.\n":                                                                                            test.z,
		} {
			if strings.Contains(b.String(), line) != want {
				t.Errorf("%s: %q is there: %t\n%s", test.version, line, !want, b.String())
			}
		}
	}
}

func TestOptionsByVersion(t *testing.T) {
	for version, z := range map[string]bool{"8.2.36": true, "8.4.28": true, "8.5.7": false} {
		php := sapi.ParsePHPVersion(version)
		if _, err := parseStartup([]string{"-z", "x.so", "a.php"}, php); (err == nil) != z {
			t.Errorf("%s: -z: %v", version, err)
		}
	}
	for version, more := range map[string][]string{"8.2.36": nil, "8.3.0": {"b.php", "c.php"}, "8.5.7": {"b.php", "c.php"}} {
		php := sapi.ParsePHPVersion(version)
		for _, args := range [][]string{{"-l", "a.php", "b.php", "c.php"}, {"-l", "-f", "a.php", "b.php", "c.php", "--", "d.php"}} {
			r := parseRun(args, true, php)
			if r.script == nil || *r.script != "a.php" || !slices.Equal(r.lint, more) {
				t.Errorf("%s: %q lints %v and %q", version, args, r.script, r.lint)
			}
		}
		if r := parseRun([]string{"a.php", "b.php"}, true, php); r.lint != nil {
			t.Errorf("%s: lints %q without -l", version, r.lint)
		}
	}
}
