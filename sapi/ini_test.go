package sapi

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestDefine(t *testing.T) {
	for arg, want := range map[string]string{
		"a":           "a=1\n",
		"":            "=1\n",
		"a=":          "a=\n",
		"a=word":      "a=word\n",
		"a=two words": "a=two words\n",
		"a=1":         "a=1\n",
		"a=-1":        "a=\"-1\"\n",
		"a=/path":     "a=\"/path\"\n",
		"a=.;b":       "a=\".;b\"\n",
		`a="quoted"`:  "a=\"quoted\"\n",
		"a='quoted'":  "a='quoted'\n",
		"a=b=c":       "a=b=c\n",
		"a==c":        "a=\"=c\"\n",
		"a=é":         "a=\"é\"\n",
	} {
		if got := Define(arg); got != want {
			t.Errorf("Define(%q) is %q, want %q", arg, got, want)
		}
	}
}

func TestLocate(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "given.ini")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	none := func(string) (string, bool) { return "", false }
	env := func(name, value string) func(string) (string, bool) {
		return func(asked string) (string, bool) {
			if asked == name {
				return value, true
			}
			return "", false
		}
	}
	// No package has the version 0.0: the directory is phpsapi's own.
	const pkg, scan = "/etc/phpsapi/php", "/etc/phpsapi/php/conf.d"
	for _, test := range []struct {
		name    string
		source  INISource
		path    string
		scanned string
	}{
		{"nothing given", INISource{Getenv: none}, pkg, scan},
		{"beside the binary", INISource{Binary: "/opt/bin/php", Getenv: none}, "/opt/bin:" + pkg, scan},
		{"a binary in the root", INISource{Binary: "/php", Getenv: none}, pkg, scan},
		{"php-cgi looks into the current directory", INISource{SearchCWD: true, Binary: "/b/php-cgi", Getenv: none}, ".:/b:" + pkg, scan},
		{"-c", INISource{Override: "x.ini", Binary: "/b/php", Getenv: none}, "x.ini", scan},
		{"-n", INISource{Ignore: true, Binary: "/b/php", Getenv: none}, "", scan},
		{"-c and -n", INISource{Override: "x.ini", Ignore: true, Getenv: none}, "x.ini", scan},
		{"-c over PHPRC", INISource{Override: "x.ini", Getenv: env("PHPRC", file)}, "x.ini", scan},
		{"PHPRC is a file", INISource{Binary: "/b/php", Getenv: env("PHPRC", file)}, file, scan},
		{"PHPRC is a directory", INISource{Binary: "/b/php", Getenv: env("PHPRC", dir)}, dir + ":/b:" + pkg, scan},
		{"PHPRC is nothing", INISource{Getenv: env("PHPRC", "/missing")}, "/missing:" + pkg, scan},
		{"PHPRC is empty", INISource{Getenv: env("PHPRC", "")}, pkg, scan},
		{"PHPRC and the current directory", INISource{SearchCWD: true, Getenv: env("PHPRC", dir)}, dir + ":.:" + pkg, scan},
		{"PHP_INI_SCAN_DIR", INISource{Getenv: env("PHP_INI_SCAN_DIR", "/a:/b")}, pkg, "/a:/b"},
		{"empty PHP_INI_SCAN_DIR", INISource{Getenv: env("PHP_INI_SCAN_DIR", "")}, pkg, ""},
		{"an empty element in front", INISource{Getenv: env("PHP_INI_SCAN_DIR", ":/a")}, pkg, scan + ":/a"},
		{"an empty element behind", INISource{Getenv: env("PHP_INI_SCAN_DIR", "/a:")}, pkg, "/a:" + scan},
		{"empty elements between", INISource{Getenv: env("PHP_INI_SCAN_DIR", "/a::/b")}, pkg, "/a:" + scan + ":/b"},
	} {
		test.source.Version, test.source.Package = "0.0", "cli"
		want := INI{Path: test.path, Ignore: test.source.Ignore, ScanDir: test.scanned, Dir: pkg, ScanDefault: scan, Embed: "/etc/php/0.0/embed",
			Search: strings.HasSuffix(test.path, pkg)}
		if got := test.source.Locate(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", test.name, got, want)
		}
	}
}

// Each front end has the first directory that is there.
func TestPackageDir(t *testing.T) {
	const cli, embed, own = "/etc/php/8.2/cli", "/etc/php/8.2/embed", "/etc/phpsapi/php"
	for _, c := range []struct {
		there    []string
		cli, fpm string
	}{
		{nil, own, own},
		{[]string{own}, own, own},
		{[]string{embed}, embed, embed},
		{[]string{embed, own}, embed, embed},
		{[]string{cli}, cli, own},
		{[]string{cli, own}, cli, own},
		{[]string{cli, embed, own}, cli, embed},
	} {
		isDir := func(path string) bool { return slices.Contains(c.there, path) }
		if got, other := PackageDir("8.2", "cli", isDir), PackageDir("8.2", "fpm", isDir); got != c.cli || other != c.fpm {
			t.Errorf("with %q: %s and %s, want %s and %s", c.there, got, other, c.cli, c.fpm)
		}
	}
}

// The master read Debian's php.ini for a libphp that has its own.
func TestLocateWhereAnEngineIsConfiguredToHaveIt(t *testing.T) {
	at := Places{"/opt/etc", "/opt/etc/more"}
	ini := INISource{Version: "0.0", Binary: "/opt/bin/php", Configured: at, Getenv: func(name string) (string, bool) {
		return map[string]string{"PHP_INI_SCAN_DIR": ":/more"}[name], name == "PHP_INI_SCAN_DIR"
	}}.Locate()
	want := INI{Path: "/opt/bin:/opt/etc", ScanDir: "/opt/etc/more:/more", Dir: at.Dir, ScanDefault: at.ScanDir, Embed: "/etc/php/0.0/embed", Search: true}
	if !reflect.DeepEqual(ini, want) {
		t.Errorf("got  %+v\nwant %+v", ini, want)
	}
}
