package engines

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/phpsapi/phpsapi/sapi"
)

// machine makes a machine of files: "path" is one, "path -> target" is a link.
func machine(t *testing.T, files ...string) Machine {
	t.Helper()
	m := Machine{Root: t.TempDir(), Path: "/usr/local/bin:relative::/usr/bin"}
	m.Self = m.Root + "/usr/local/bin/phpsapi"
	for _, file := range files {
		path, target, link := strings.Cut(file, " -> ")
		path = filepath.Join(m.Root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if link {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(file), 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// debian is a machine with Debian's packages of these versions; its php is the first.
func debian(versions ...string) []string {
	files := []string{"/usr/bin/php -> /etc/alternatives/php", "/etc/alternatives/php -> /usr/bin/php" + versions[0]}
	for _, v := range versions {
		files = append(files, "/usr/bin/php"+v, "/usr/lib/libphp"+v+".so")
	}
	return files
}

func TestTheEngineThatIsMeant(t *testing.T) {
	both := []string{"8.2", "8.4"}
	phpsapi := []string{"/usr/local/bin/phpsapi", "/usr/local/bin/php -> phpsapi"}
	opt := []string{"/opt/php/bin/php", "/opt/php/lib/libphp.so", "/usr/local/bin/php -> /opt/php/bin/php"}
	for _, c := range []struct {
		name    string
		files   []string
		asked   Asked
		inside  []string
		library string // or the beginning of the error
		because string
	}{
		{"the machine's php", debian("8.2", "8.4"), Asked{}, both, "/usr/lib/libphp8.2.so", "the machine's php is /usr/bin/php8.2"},
		{"the machine's php is the newer", debian("8.4", "8.2"), Asked{}, both, "/usr/lib/libphp8.4.so", "the machine's php is /usr/bin/php8.4"},
		{"a php that is phpsapi is not asked", append(debian("8.2", "8.4"), phpsapi...), Asked{}, both, "/usr/lib/libphp8.2.so",
			"the machine's php is /usr/bin/php8.2"},
		{"nor is another phpsapi", append(debian("8.2", "8.4"), "/opt/phpsapi-2.0", "/usr/local/bin/php -> ../../../opt/phpsapi-2.0"), Asked{}, both,
			"/usr/lib/libphp8.2.so", "the machine's php is /usr/bin/php8.2"},
		{"nor is a link to nothing", append(debian("8.2", "8.4"), "/usr/local/bin/php -> /nowhere"), Asked{}, both, "/usr/lib/libphp8.2.so",
			"the machine's php is /usr/bin/php8.2"},
		{"nor one in a circle of links", append(debian("8.2", "8.4"), "/usr/local/bin/php -> php"), Asked{}, both, "/usr/lib/libphp8.2.so",
			"the machine's php is /usr/bin/php8.2"},
		{"a php with its libphp beside it", append(debian("8.2", "8.4"), opt...), Asked{}, both, "/opt/php/lib/libphp.so", "the machine's php is /opt/php/bin/php"},
		{"a php without one", append(debian("8.2", "8.4"), opt[0], opt[2]), Asked{}, both, "/usr/lib/libphp8.4.so", "it is the newest that was found"},
		{"a php whose engine is not inside", debian("7.4", "8.2"), Asked{}, both, "/usr/lib/libphp8.2.so",
			"it is the newest that was found; the machine's php is /usr/bin/php7.4, for which there is no engine inside"},
		{"a php without libphp", append(debian("8.2"), "/usr/bin/php8.4", "/usr/local/bin/php -> /usr/bin/php8.4"), Asked{}, both, "/usr/lib/libphp8.2.so",
			"it is the newest that was found; the machine's php is /usr/bin/php8.4, whose libphp was not found"},
		{"no php", []string{"/usr/lib/libphp8.2.so", "/usr/local/lib/libphp8.4.so"}, Asked{}, both, "/usr/local/lib/libphp8.4.so", "it is the newest that was found"},
		{"8.10 is newer than 8.4", []string{"/usr/lib/libphp8.4.so", "/usr/lib/libphp8.10.so"}, Asked{}, []string{"8.10", "8.4"}, "/usr/lib/libphp8.10.so",
			"it is the newest that was found"},
		{"no libphp", nil, Asked{}, both, "libphp8.4.so", "no libphp was found, and it is the newest for which an engine is inside"},
		{"no engine", debian("8.2"), Asked{}, nil, "there is no engine inside this program", ""},

		{"the option rules", debian("8.2", "8.4"), Asked{Option: "8.4", Environment: "8.2", Name: "php8.2", Setting: "8.2"}, both, "/usr/lib/libphp8.4.so", "--engine"},
		{"then the environment", debian("8.2", "8.4"), Asked{Environment: "8.4", Name: "php8.2", Setting: "8.2"}, both, "/usr/lib/libphp8.4.so", "PHPSAPI_ENGINE"},
		{"then the name", debian("8.2", "8.4"), Asked{Name: "/usr/sbin/php-fpm8.4", Setting: "8.2", Place: "/p.yaml:1: engine"}, both, "/usr/lib/libphp8.4.so",
			"the name php-fpm8.4"},
		{"then the setting", debian("8.2", "8.4"), Asked{Name: "php-fpm", Setting: "8.4", Place: "/p.yaml:1: engine"}, both, "/usr/lib/libphp8.4.so", "/p.yaml:1: engine"},
		{"a path", debian("8.2"), Asked{Option: "/opt/libphp.so", Name: "php8.2"}, both, "/opt/libphp.so", "--engine"},
		{"a name for the loader", debian("8.2"), Asked{Environment: "libphp8.so"}, both, "libphp8.so", "PHPSAPI_ENGINE"},
		{"a path without an engine inside", debian("8.2"), Asked{Option: "/opt/engine.so"}, nil, "/opt/engine.so", "--engine"},
		{"a version whose libphp is not found", debian("8.2"), Asked{Name: "php8.4"}, both, "libphp8.4.so", "the name php8.4"},
		{"a version that is not inside", debian("8.2"), Asked{Name: "php8.3"}, both,
			"the name php8.3: there is no engine for PHP 8.3 inside this program: it has 8.2, 8.4; with php8.3-dev installed, make engines", ""},
		{"a release", debian("8.2"), Asked{Option: "8.2.36"}, both, `--engine: "8.2.36" is not a version: write it as 8.4`, ""},
		{"a version with a zero before it", debian("8.2"), Asked{Option: "08.2"}, both, `--engine: "08.2" is not a version: write it as 8.4`, ""},
		{"half a version", debian("8.2"), Asked{Environment: "8"}, both, `PHPSAPI_ENGINE: "8" is not a version: write it as 8.4`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := machine(t, c.files...).Choose(c.asked, c.inside)
			if err != nil {
				if c.because != "" || !strings.HasPrefix(err.Error(), c.library) {
					t.Errorf("error %q, want %q", err, c.library)
				}
				return
			}
			if got.Library != c.library || got.Because != c.because {
				t.Errorf("got %s, because %s;\nwant %s, because %s", got.Library, got.Because, c.library, c.because)
			}
			if wanted := c.asked != (Asked{}) && got.Version != ""; got.Wanted != wanted {
				t.Errorf("wanted: %v", got.Wanted)
			}
		})
	}
}

func TestNamesThatEndInAVersion(t *testing.T) {
	for name, want := range map[string]string{
		"php8.4": "8.4", "/usr/bin/php-cgi8.4": "8.4", "php-fpm8.10": "8.10", "phpsapi8.4": "8.4", "./php8.4": "8.4",
		"php": "", "php8": "", "php84": "", "php8.4.1": "", "php8.": "", "phpunit9.5": "", "python3.11": "", "": "", "8.4": "",
	} {
		if got := NamedVersion(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestAllLibrariesOnce(t *testing.T) {
	m := machine(t, append(debian("8.2"), "/usr/lib/libphp.so -> libphp8.2.so", "/usr/lib/libphp8.so -> /etc/alternatives/libphp8",
		"/etc/alternatives/libphp8 -> /usr/lib/libphp8.2.so", "/usr/lib/libphp8.4.so -> /nowhere", "/usr/local/lib/libphp.so", "/usr/lib/libphp8.3.so.old",
		"/opt/php/bin/php", "/opt/php/lib/libphp.so", "/usr/local/bin/php -> /opt/php/bin/php", "/own/libphp8.3.so")...)
	m.LibraryPath = "/own:relative:"
	want := []string{"/own/libphp8.3.so", "/usr/local/lib/libphp.so", "/usr/lib/libphp8.2.so", "/opt/php/lib/libphp.so"}
	if got := m.Libraries(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTheOptionComesFirst(t *testing.T) {
	for _, c := range []struct {
		args, rest string
		value      string
		wrong      bool
	}{
		{"--engine 8.4 -r 1;", "-r 1;", "8.4", false},
		{"--engine=8.4 -r 1;", "-r 1;", "8.4", false},
		{"--engine 8.2 --engine=8.4", "", "8.4", false},
		{"-r 1; --engine 8.4", "-r 1; --engine 8.4", "", false},
		{"--engines x", "--engines x", "", false},
		{"", "", "", false},
		{"--engine", "", "", true},
		{"--engine=", "", "", true},
	} {
		value, rest, err := TakeOption(strings.Fields(c.args))
		if value != c.value || strings.Join(rest, " ") != c.rest || (err != nil) != c.wrong {
			t.Errorf("%q: got %q, %q, %v", c.args, value, rest, err)
		}
	}
}

// The version of a path's libphp is in its file; see sapi.EngineVersion.
func TestVersionOfAPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "libphp.so")
	for content, want := range map[string]string{"\x00X-Powered-By: PHP/8.3.1\x00": "8.3", "\x00X-Powered-By: PHP/x\x00": "", "": ""} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := (Choice{Library: path}).Minor(); got != want {
			t.Errorf("%q: got %q, want %q", content, got, want)
		}
	}
	if got := (Choice{Library: path, Version: "8.4"}).Minor(); got != "8.4" {
		t.Errorf("got %q", got)
	}
}

func TestARefusalNamesWhoAsked(t *testing.T) {
	c, err := machine(t).Choose(Asked{Name: "php8.4"}, []string{"8.4"})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Refusal(os.ErrNotExist).Error(); got != "PHP 8.4, by the name php8.4: file does not exist" {
		t.Errorf("got %q", got)
	}
	// Of an engine that crashed while it was loaded no message had the name.
	if got := (Choice{Library: "/x"}).Refusal(os.ErrNotExist); got.Error() != "/x: file does not exist" || !errors.Is(got, os.ErrNotExist) {
		t.Errorf("got %v", got)
	}
	if got := (Choice{Library: "/usr/lib/libphp8.4.so", Version: "8.4"}).Refusal(os.ErrNotExist); got != os.ErrNotExist {
		t.Errorf("got %v", got)
	}
	// PHPSAPI_ENGINE was the advice for an engine that a setting names.
	broken := &sapi.EngineError{Path: "/x", Failure: sapi.EngineNotAFile, Detail: "a pipe"}
	const why = "/x: is a pipe, and an engine is a file (name a libphp "
	for _, c := range []struct {
		asked Asked
		want  string
	}{
		{Asked{}, why + "in PHPSAPI_ENGINE)"},
		{Asked{Option: "/x"}, why + "with --engine)"},
		{Asked{Environment: "/x"}, why + "in PHPSAPI_ENGINE)"},
		{Asked{Name: "php8.4"}, "PHP 8.4, by the name php8.4: " + why + "in PHPSAPI_ENGINE)"},
		{Asked{Setting: "/x", Place: "/p.yaml:3: pools: shop: engine"}, "/p.yaml:3: pools: shop: engine: " + why + "there)"},
		{Asked{Setting: "8.4", Place: "/p.yaml:1: engine"}, "PHP 8.4, by /p.yaml:1: engine: " + why + "there)"},
	} {
		choice, err := machine(t).Choose(c.asked, []string{"8.4"})
		if err != nil {
			t.Fatal(err)
		}
		if got := choice.Refusal(broken).Error(); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.asked, got, c.want)
		}
	}
}

// Programs that read the list of a machine without PHP got null.
func TestListOfAMachineWithoutPHP(t *testing.T) {
	text, err := json.Marshal(machine(t).List(Choice{}, nil, nil))
	if string(text) != "[]" || err != nil {
		t.Errorf("got %s, %v", text, err)
	}
}

// The engine of --engine was to be named in PHPSAPI_ENGINE.
func TestListedEngineIsNamedElsewhereWhereItWas(t *testing.T) {
	m := machine(t, debian("8.2")...)
	choice, err := m.Choose(Asked{Option: "/x"}, []string{"8.2"})
	if err != nil {
		t.Fatal(err)
	}
	list := m.List(choice, []string{"8.2"}, func(library string) (Facts, error) {
		return Facts{}, &sapi.EngineError{Path: library, Failure: sapi.EngineNotAFile, Detail: "a pipe"}
	})
	want := map[string]string{"/x": "is a pipe, and an engine is a file (name a libphp with --engine)",
		"/usr/lib/libphp8.2.so": "is a pipe, and an engine is a file (name a libphp in PHPSAPI_ENGINE)"}
	for _, l := range list {
		if l.Unusable != want[l.Path] {
			t.Errorf("%s: got %q, want %q", l.Path, l.Unusable, want[l.Path])
		}
	}
	if len(list) != 2 {
		t.Errorf("%d are listed", len(list))
	}
}

// An engine with PHP in it was listed with a directory that nobody reads.
func TestListedDirectoriesOfPHPINI(t *testing.T) {
	const embed, own = "/etc/php/8.2/embed", "/etc/phpsapi/php"
	for _, c := range []struct {
		name  string
		files []string
		facts Facts
		path  string
		want  []INIDir
	}{
		{"all packages", []string{"/etc/php/8.2/cli/php.ini", "/etc/php/8.2/cgi/php.ini", "/etc/php/8.2/fpm/php.ini", "/etc/php/8.2/apache2/php.ini"}, Facts{INI: embed}, "/x.so",
			[]INIDir{{"/etc/php/8.2/cli", []string{"cli"}}, {"/etc/php/8.2/cgi", []string{"cgi"}}, {"/etc/php/8.2/fpm", []string{"fpm"}}, {"/etc/php/8.2/apache2", []string{"apache"}}}},
		{"those of cli and libphp", []string{"/etc/php/8.2/cli/php.ini", embed + "/php.ini", own + "/php.ini"}, Facts{INI: embed}, "/x.so",
			[]INIDir{{"/etc/php/8.2/cli", []string{"cli"}}, {embed, []string{"cgi", "fpm", "apache"}}}},
		{"that of cli, and PHP in the program", []string{"/etc/php/8.2/cli/php.ini", own + "/php.ini"}, Facts{INI: embed}, OfProgram,
			[]INIDir{{"/etc/php/8.2/cli", []string{"cli"}}, {own, []string{"cgi", "fpm"}}}},
		{"none, and PHP in the program", nil, Facts{INI: embed}, OfProgram, []INIDir{{Dir: own}}},
		{"none, and an engine that is a file", nil, Facts{INI: embed, Own: true}, "/x.so", []INIDir{{Dir: own}}},
		{"a libphp that was configured with a place of its own", []string{"/etc/php/8.2/cli/php.ini"}, Facts{INI: "/opt/etc/embed"}, "/x.so", []INIDir{{Dir: "/opt/etc/embed"}}},
		{"a libphp of another version's place", []string{"/etc/php/8.4/cli/php.ini"}, Facts{INI: "/etc/php/8.4/embed"}, "/x.so", []INIDir{{Dir: "/etc/php/8.4/embed"}}},
	} {
		c.facts.Version = "8.2.36"
		m := machine(t, c.files...)
		if got := m.listed(c.path, c.facts, nil).INI; !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

// A program with PHP 8.4 in it, made on a machine with the headers of 8.2, had an engine for that, too, and named a package to install.
func TestProgramWithPHPInItRunsNoOther(t *testing.T) {
	m := machine(t, debian("8.2")...)
	m.OfProgram = "8.4.24"
	inside := []string{"8.2", "8.4"}
	choice, err := m.Choose(Asked{}, inside)
	if err != nil || choice.Library != OfProgram || choice.Minor() != "8.4" {
		t.Fatalf("chosen: %+v, %v", choice, err)
	}
	list := m.List(choice, inside, func(string) (Facts, error) { return Facts{Version: "8.4.24", INI: "/etc/php/8.4/embed"}, nil })
	if len(list) != 1 || list[0].Version != "8.4.24" || list[0].Kind != "part of this program" || list[0].Default == "" {
		t.Errorf("listed: %+v", list)
	}
	const want = "the name php8.2: this phpsapi has PHP 8.4.24 inside and runs no other: for PHP 8.2 take a phpsapi without PHP inside, make build, or one that has it inside, make single PHP=8.2"
	if _, err := m.Choose(Asked{Name: "php8.2"}, inside); err == nil || err.Error() != want {
		t.Errorf("php8.2: got %v, want %s", err, want)
	}
	if choice, err := m.Choose(Asked{Name: "php8.4"}, inside); err != nil || choice.Library != OfProgram {
		t.Errorf("php8.4: %+v, %v", choice, err)
	}
}
