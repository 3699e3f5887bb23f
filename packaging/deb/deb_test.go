package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The test binary is the program that is packaged, if its environment says so.
func TestMain(m *testing.M) {
	if os.Getenv("PACKAGED") == "" {
		flag.Parse()
		os.Exit(m.Run())
	}
	switch command := strings.Join(os.Args[1:], " "); command {
	case "version":
		fmt.Println("phpsapi v1.2.3 (go1.26 linux/amd64)\nbuilt with PHP 8.2.36 (API20220829,NTS)\nbuilt with PHP 8.4.1 (API20240924,NTS)\nruns no PHP: it is a test")
	case "version --licenses":
		fmt.Print("phpsapi contains this.\n\n==== example.org/a v1.0.0\n\nPermission is hereby granted, free of charge\n" + os.Getenv("INSIDE"))
	case "completion bash", "completion zsh", "completion fish":
		fmt.Println("#", command)
	default:
		text, known := texts[command]
		if !known {
			os.Exit(1)
		}
		fmt.Print(text)
	}
}

var texts = map[string]string{
	"--help": `runs PHP.

Usage:
  phpsapi [command]

Available Commands:
  completion  Generate the autocompletion script for the specified shell
  fpm         Run PHP as php-fpm does

Flags:
  -h, --help      help for phpsapi

Use "phpsapi [command] --help" for more information about a command.
`,
	"fpm --help": `Run PHP as php-fpm does.
It's the same.

Its options are:

Usage: phpsapi fpm [-n] [-t]
       phpsapi fpm -- x
  -c <path>|<file> Look for php.ini here
  -b <address:port>|<port> Bind it
  -d foo[=bar]     Define foo
  -p, --prefix <dir>
                   Specify a path
                   on two lines (default: /usr).

Its own:

  PHPSAPI_X
                   .x is \x

Usage:
  phpsapi fpm [options] [flags]
  phpsapi fpm [command]

Examples:
  phpsapi fpm -t

Available Commands:
  stop        Stop it

Flags:
  -h, --help   help for fpm
`,
	"fpm stop --help": `Stop it.

Usage:
  phpsapi fpm stop [flags]

Flags:
      --master pid   the pid of the master
  -g, --pid file     the file
`,
}

const fpmPage = `.TH PHPSAPI-FPM 8 "2026\-11\-27" "phpsapi 1"
.SH NAME
phpsapi\-fpm \- run PHP as php\-fpm does
.SH SYNOPSIS
.nf
.B phpsapi fpm [\-n] [\-t]
.B phpsapi fpm \-\- x
.fi
.SH DESCRIPTION
Run PHP as php\-fpm does.
It\(aqs the same.
.PP
Its options are:
.TP
.B \-c <path>|<file>
Look for php.ini here
.TP
.B \-b <address:port>|<port>
Bind it
.TP
.B \-d foo[=bar]
Define foo
.TP
.B \-p, \-\-prefix <dir>
Specify a path
on two lines (default: /usr).
.PP
Its own:
.TP
.B PHPSAPI_X
\&.x is \ex
.SH COMMANDS
.TP
.B stop
Stop it
.SH OPTIONS
.TP
.B \-h, \-\-help
help for fpm
.SH EXAMPLES
.nf
  phpsapi fpm \-t
.fi
`

func TestManualPages(t *testing.T) {
	t.Setenv("PACKAGED", "1")
	all, err := helps(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, h := range all {
		names = append(names, fmt.Sprintf("%s(%d)", h.name(), h.section()))
	}
	if want := []string{"phpsapi(1)", "phpsapi-fpm(8)", "phpsapi-fpm-stop(8)"}; !slices.Equal(names, want) {
		t.Fatalf("the pages are %q, want %q", names, want)
	}
	if got := all[1].page(all, "2026-11-27", "1"); !strings.HasPrefix(got, fpmPage) {
		t.Errorf("got\n%s\nwant\n%s", got, fpmPage)
	} else if end := ".SH SEE ALSO\n.BR phpsapi (1),\n.BR phpsapi\\-fpm\\-stop (8)\n"; !strings.HasSuffix(got, end) {
		t.Errorf("got\n%s\nwant in the end\n%s", got, end)
	}
	if got, want := all[2].page(all, "2026-11-27", "1"), ".SH OPTIONS\n.TP\n.B \\-\\-master pid\nthe pid of the master\n.TP\n.B \\-g, \\-\\-pid file\nthe file\n"; !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwant in it\n%s", got, want)
	}
}

func TestVersionsOfPackages(t *testing.T) {
	date := time.Date(2026, 11, 27, 16, 4, 24, 0, time.UTC)
	for described, want := range map[string]string{
		"v1.2.3":             "1.2.3-1",
		"v1.2.3-4-gabc":      "1.2.3+4+gabc-1",
		"1.2.3":              "1.2.3-1",
		"32dce1f":            "0~git20261127.160424.32dce1f-1",
		"1234567":            "0~git20261127.160424.1234567-1", // a commit
		"ae756be-dirty":      "0~git20261127.160424.ae756be+dirty-1",
		"unknown":            "0~git20261127.160424.unknown-1",
		"v1.2.3-4-gab-dirty": "1.2.3+4+gab+dirty-1",
	} {
		if got := debianVersion(described, date); got != want {
			t.Errorf("%s: %s, want %s", described, got, want)
		}
	}
}

func TestApacheLicenseIsReferredTo(t *testing.T) {
	terms := "   Apache License\n   Version 2.0\nTERMS\n any such warranty or additional liability.\n"
	const reference = "Apache License, version 2.0: /usr/share/common-licenses/Apache-2.0"
	for _, c := range []struct{ text, want string }{
		{"MIT", "MIT"},
		{terms, reference},
		{"first\n" + terms + "\nEND\n\nAPPENDIX: how\nlimitations under the License.\n\nothers", "first\n\n" + reference + "\n\nothers"},
		{terms + "others\nlimitations under the License.", reference + "\n\nothers\nlimitations under the License."},
		{"### Apache License ###\nlimitations under the License.", "### Apache License ###\nlimitations under the License."},
	} {
		if got := withoutApache(c.text); got != c.want {
			t.Errorf("%q: got %q, want %q", c.text, got, c.want)
		}
	}
}

// A package of each kind: what is in it, what it needs, and that it is the same if it is made again.
func TestPackage(t *testing.T) {
	for _, program := range []string{"dpkg-deb", "dpkg-shlibdeps"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("no " + program)
		}
	}
	t.Setenv("PACKAGED", "1")
	t.Setenv("SOURCE_DATE_EPOCH", "1795795464")
	t.Setenv("DPKG_DEB_COMPRESSOR_TYPE", "none") // xz takes seconds
	t.Chdir("../..")
	out := t.TempDir()
	for _, c := range []struct {
		inside, name string
		control      []string
		contained    []string // beside Go's library
		trigger      bool
	}{
		{"", "phpsapi", []string{"Package: phpsapi\n", "Version: 1.2.3-1\n", "libphp8.2-embed | libphp8.4-embed\n"}, []string{"libphp8.2-embed", "libphp8.4-embed"}, true},
		{"\n==== PHP 8.2.32\n\nThe PHP License\n", "phpsapi-php8.2", []string{"Package: phpsapi-php8.2\n", "Provides: phpsapi\n", "Conflicts: phpsapi\n"}, []string{"php"}, false},
	} {
		t.Setenv("INSIDE", c.inside)
		file, err := run(os.Args[0], "v1.2.3", out)
		if err != nil {
			t.Fatal(err)
		}
		if got := filepath.Base(file); !strings.HasPrefix(got, c.name+"_1.2.3-1_") {
			t.Errorf("the package is %s", got)
		}
		if c.inside == "" {
			before, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := run(os.Args[0], "v1.2.3", out); err != nil {
				t.Fatal(err)
			}
			if after, _ := os.ReadFile(file); string(after) != string(before) {
				t.Errorf("%s differs if it is made again", c.name)
			}
		}
		root := filepath.Join(out, c.name)
		if said, err := exec.Command("dpkg-deb", "--raw-extract", file, root).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		read := func(name string) string {
			t.Helper()
			text, err := os.ReadFile(filepath.Join(root, name))
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
		for _, want := range c.control {
			if control := read("DEBIAN/control"); !strings.Contains(control, want) {
				t.Errorf("%s: no %q in\n%s", c.name, want, control)
			}
		}
		if triggers := read("DEBIAN/triggers"); strings.Contains(triggers, "libphp8.2.so") != c.trigger {
			t.Errorf("%s: the triggers are\n%s", c.name, triggers)
		}
		if got, want := read("DEBIAN/conffiles"), "/etc/logrotate.d/phpsapi\n/etc/phpsapi/fpm/php-fpm.conf\n/etc/phpsapi/fpm/phpsapi.yaml\n/etc/phpsapi/fpm/pool.d/www.conf\n"; got != want {
			t.Errorf("%s: the conffiles are\n%swant\n%s", c.name, got, want)
		}
		for _, php := range []string{"8.2", "8.4"} {
			want := "\nExecStart=/usr/bin/phpsapi --engine " + php + " fpm --nodaemonize --fpm-config /etc/php/" + php + "/fpm/php-fpm.conf\n"
			if dropin := read("usr/share/phpsapi/php" + php + "-fpm.conf"); !strings.Contains(dropin, want) {
				t.Errorf("no %q in\n%s", want, dropin)
			}
		}
		for _, script := range []string{"postinst", "prerm", "postrm"} {
			if said, err := exec.Command("sh", "-n", filepath.Join(root, "DEBIAN", script)).CombinedOutput(); err != nil || strings.Contains(read("DEBIAN/"+script), "{{") {
				t.Errorf("%s: %s: %v\n%s", c.name, script, err, said)
			}
		}
		var list spdxDocument
		if err := json.Unmarshal([]byte(read("usr/share/doc/"+c.name+"/phpsapi.spdx.json")), &list); err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{}
		var names []string
		for _, p := range list.Packages {
			if ids[p.ID] || strings.Trim(p.ID, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-") != "" || p.Declared == "" || p.Download == "" {
				t.Errorf("%s: an entry of the list: %+v", c.name, p)
			}
			ids[p.ID] = true
			names = append(names, p.Name)
		}
		for _, want := range append(c.contained, "stdlib", c.name) {
			if !slices.Contains(names, want) {
				t.Errorf("%s: %s is not in the list %q", c.name, want, names)
			}
		}
		for _, r := range list.Relationships {
			if !ids[r.To] {
				t.Errorf("%s: %+v leads nowhere", c.name, r)
			}
		}
		if info, err := os.Lstat(filepath.Join(root, "usr/lib/phpsapi/php-fpm")); err != nil || info.Mode().Type() != os.ModeSymlink {
			t.Errorf("%s: php-fpm: %v", c.name, err)
		}
		if info, err := os.Stat(root); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: the directory /: %v, %v", c.name, info.Mode(), err)
		}
	}
}
