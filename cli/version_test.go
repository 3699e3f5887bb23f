package cli

import (
	"slices"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
)

const php82 = sapi.PHPVersion(80236)

func TestUsageByVersion(t *testing.T) {
	for _, test := range []struct {
		version string
		noOps   bool // -C and -q are shown
		z       bool
		diff    bool // --ini=diff and --repeat
	}{{"8.2.36", false, true, false}, {"8.3.30", false, true, false}, {"8.4.28", true, true, false}, {"8.5.7", true, false, true}} {
		var b strings.Builder
		Usage(&b, "php", sapi.ParsePHPVersion(test.version))
		for line, want := range map[string]bool{
			"\n  -c <path>|<file> Look for php.ini file in this directory\n  -C               Do not chdir to the script's directory (no-op in CLI)\n  -n ": test.noOps,
			"\n  -m               Show compiled in modules\n  -q               Do not output HTTP headers (no-op in CLI)\n  -r ":                            test.noOps,
			"\n  -z <file>        Load Zend extension <file>.\n":                                                                                            test.z,
			"\n  --ini            Show configuration file names\n  --ini=diff       Show INI entries that differ from the built-in default\n\n":             test.diff,
			"\n\n  --repeat <count> Repeat script execution <count> times.\n                   For internal purposes only.\n\n":                             test.diff,
		} {
			if strings.Contains(b.String(), line) != want {
				t.Errorf("%s: %q is there: %t\n%s", test.version, line, !want, b.String())
			}
		}
	}
}

func TestINIFilesByVersion(t *testing.T) {
	files := lifecycle.INIFiles{Dir: "/etc/php/X/cli", ScanDir: "/etc/php/X/cli/conf.d", Scanned: "/a.ini,\n/b.ini\n"}
	for version, quote := range map[string]string{"8.2.36": "", "8.4.28": "", "8.5.7": `"`} {
		want := "Configuration File (php.ini) Path: " + quote + "/etc/php/X/cli" + quote + "\n" +
			"Loaded Configuration File:         (none)\n" +
			"Scan for additional .ini files in: " + quote + "/etc/php/X/cli/conf.d" + quote + "\n" +
			"Additional .ini files parsed:      /a.ini,\n/b.ini\n\n"
		if got := iniFilesText(files, sapi.ParsePHPVersion(version)); got != want {
			t.Errorf("%s: got\n%s", version, got)
		}
	}
}

func TestForcedSettingsByVersion(t *testing.T) {
	for version, want := range map[string]bool{"8.2": true, "8.4": true, "8.5": false} {
		m := startup{}.module(Invocation{}, version)
		if got := strings.Contains(m.INI.Entries, "register_argc_argv=1\n"); got != want {
			t.Errorf("%s: register_argc_argv is forced: %t", version, got)
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
	for version, diff := range map[string]mode{"8.2.36": modeINIFiles, "8.4.28": modeINIFiles, "8.5.7": modeINIChanges} {
		php := sapi.ParsePHPVersion(version)
		for arg, want := range map[string]mode{"--ini": modeINIFiles, "--ini=diff": diff} {
			if r := parseRun([]string{"-d", "a=b", arg}, true, php); r.mode != want || r.conflict != "" {
				t.Errorf("%s: %s: mode %d, %q", version, arg, r.mode, r.conflict)
			}
		}
		r := parseRun([]string{"--ini=other"}, true, php)
		if unknown := r.conflict == "Unknown argument for --ini\n"; unknown != php.AtLeast(8, 5) {
			t.Errorf("%s: --ini=other: %q", version, r.conflict)
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
