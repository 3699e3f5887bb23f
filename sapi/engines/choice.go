package engines

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/phpsapi/phpsapi/sapi"
)

// Variable is the variable of the environment that names an engine.
const Variable = "PHPSAPI_ENGINE"

// OfProgram names, in place of a file, the engine whose PHP is a part of the program: ENGINE_OF_PROGRAM of lifecycle/engine_load.h.
const OfProgram = "inside"

// Asked is what was said about the engine. Empty texts say nothing.
type Asked struct {
	Option      string // the value of --engine
	Environment string // the value of PHPSAPI_ENGINE
	Name        string // argv[0]
	Setting     string // the value of the setting engine,
	Place       string // and where it stands, such as /etc/phpsapi/phpsapi.yaml:3: engine
}

// Choice is the engine that is meant.
type Choice struct {
	// Library is what to load: a path, or a name for the loader's search if no file was found.
	Library string
	// Version is MAJOR.MINOR; empty if a path was given, whose file knows it: see Minor.
	Version string
	// Because says who or what decided, such as "PHPSAPI_ENGINE" or "the machine's php is /usr/bin/php8.4".
	Because string
	// Wanted says that a version was asked for, which therefore must be it.
	Wanted bool

	where   string // where another can be named, as sapi.EngineError has it
	setting bool   // it was a setting that named it
	newest  string // of the versions inside
}

// Minor returns MAJOR.MINOR of the engine's PHP. It reads the file if a path was given. If that does not tell, Minor returns
// the newest version inside the program.
func (c Choice) Minor() string {
	if c.Version != "" {
		return c.Version
	}
	return cmp.Or(Minor(sapi.EngineVersion(c.Library)), c.newest)
}

// Minor cuts a version such as 8.2.36 to 8.2. It returns the empty string for anything else.
func Minor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 3 || !isNumber(parts[0]) || !isNumber(parts[1]) {
		return ""
	}
	return parts[0] + "." + parts[1]
}

// IsDistributions reports whether the library is one of the distribution's by its name, whose front ends have php.ini in
// directories of their own.
func (c Choice) IsDistributions() bool {
	return c.Library == OfProgram || filepath.Dir(c.Library) == debianDir && version(c.Library) != ""
}

// Label returns how messages call the engine: the version that was asked for or found, else the path.
func (c Choice) Label() string { return cmp.Or(c.Version, c.Library) }

// PHP returns the version of the engine's PHP, of which the patch level may be 0: what differs between versions is asked of
// it.
func (c Choice) PHP() sapi.PHPVersion {
	return sapi.ParsePHPVersion(c.Minor())
}

// Refusal returns err, the reason why the engine cannot be used, with the option, variable or setting that asked for it: before
// the reason if that is a version or a setting, and in the way out of a *sapi.EngineError. An error that does not name the file gets its name.
func (c Choice) Refusal(err error) error {
	err = c.directed(err)
	switch {
	case err == nil:
		return nil
	case c.Wanted:
		return fmt.Errorf("PHP %s, by %s: %w", c.Version, c.Because, err)
	case c.setting:
		return fmt.Errorf("%s: %w", c.Because, err)
	}
	return err
}

// directed returns err with the place where another engine can be named, if it is a *sapi.EngineError, or else with the file
// that was named.
func (c Choice) directed(err error) error {
	refused, ok := err.(*sapi.EngineError)
	if !ok {
		if err != nil && c.Version == "" && c.Library != "" { // a version names a libphp that can be guessed
			err = fmt.Errorf("%s: %w", c.Library, err)
		}
		return err
	}
	told := *refused
	told.Where = c.where
	return &told
}

// Choose returns the engine that is meant. inside are the versions, MAJOR.MINOR, of the engines that the program has inside.
// Even with an error the choice's Minor tells a version, for messages and for PHP's directories, if there is any.
func (m Machine) Choose(asked Asked, inside []string) (Choice, error) {
	c, err := m.choose(asked, slices.SortedFunc(slices.Values(inside), Compare))
	if len(inside) > 0 {
		c.newest = slices.MaxFunc(inside, Compare)
	}
	return c, err
}

// choose is Choose; the newest version inside comes last.
func (m Machine) choose(asked Asked, inside []string) (Choice, error) {
	for _, by := range []struct {
		text, who, where string
		setting          bool
	}{
		{asked.Option, Option, "with " + Option, false},
		{asked.Environment, Variable, "in " + Variable, false},
		{NamedVersion(asked.Name), "the name " + filepath.Base(asked.Name), "in " + Variable, false},
		{asked.Setting, asked.Place, "there", true},
	} {
		if by.text != "" {
			c, err := m.named(by.text, by.who, inside)
			c.where, c.setting = by.where, by.setting
			return c, err
		}
	}
	if m.OfProgram != "" {
		return Choice{Library: OfProgram, Version: Minor(m.OfProgram), Because: "it is a part of this program"}, nil
	}
	if len(inside) == 0 {
		return Choice{}, errNone
	}
	php := m.php()
	if php.library != "" {
		return Choice{Library: php.library, Because: "the machine's php is " + php.name}, nil
	}
	because := "it is the newest that was found"
	if php.version != "" {
		if slices.Contains(inside, php.version) {
			if library := m.library(php.version); library != "" {
				return Choice{Library: library, Version: php.version, Because: "the machine's php is " + php.name}, nil
			}
			because += "; the machine's php is " + php.name + ", whose libphp was not found"
		} else {
			because += "; the machine's php is " + php.name + ", for which there is no engine inside"
		}
	}
	for _, version := range slices.Backward(inside) {
		if library := m.library(version); library != "" {
			return Choice{Library: library, Version: version, Because: because}, nil
		}
	}
	newest := inside[len(inside)-1]
	return Choice{Library: libraryName(newest), Version: newest, Because: "no libphp was found, and it is the newest for which an engine is inside"}, nil
}

var errNone = fmt.Errorf("there is no engine inside this program: build it again after make engines, or name an engine with --engine or %s", Variable)

// named is the engine that a text names: a version, or a path or a name for the loader's search.
func (m Machine) named(text, who string, inside []string) (Choice, error) {
	if strings.Trim(text, "0123456789.") != "" {
		return Choice{Library: text, Because: who}, nil
	}
	if !IsVersion(text) {
		return Choice{}, fmt.Errorf("%s: %q is not a version: write it as 8.4, or the path of a libphp", who, text)
	}
	if text == Minor(m.OfProgram) {
		return Choice{Library: OfProgram, Version: text, Because: who, Wanted: true}, nil
	}
	if m.OfProgram != "" {
		return Choice{Version: text, Because: who, Wanted: true}, fmt.Errorf("%s: this phpsapi has PHP %s inside and runs no other: for PHP %s take a phpsapi without PHP inside, make build, "+
			"or one that has it inside, make single PHP=%[3]s", who, m.OfProgram, text)
	}
	c := Choice{Library: m.library(text), Version: text, Because: who, Wanted: true}
	if !slices.Contains(inside, text) {
		has := "it has none"
		if len(inside) > 0 {
			has = "it has " + strings.Join(inside, ", ")
		}
		return c, fmt.Errorf("%s: there is no engine for PHP %s inside this program: %s; with php%[2]s-dev installed, make engines and build again",
			who, text, has)
	}
	if c.Library == "" {
		c.Library = libraryName(text)
	}
	return c, nil
}

// NamedVersion returns the version that a program's name or path ends in, such as 8.4 of php-fpm8.4; empty if none.
func NamedVersion(name string) string {
	name = filepath.Base(name)
	program := strings.TrimRight(name, "0123456789.")
	switch version := name[len(program):]; program {
	case "php", "php-cgi", "php-fpm", "phpsapi":
		if IsVersion(version) {
			return version
		}
	}
	return ""
}

// IsVersion reports whether text is MAJOR.MINOR.
func IsVersion(text string) bool {
	major, minor, found := strings.Cut(text, ".")
	return found && isNumber(major) && isNumber(minor)
}

// isNumber reports whether text is a number as versions have them, without zeros before it.
func isNumber(text string) bool {
	return text != "" && len(text) <= 3 && strings.Trim(text, "0123456789") == "" && (text[0] != '0' || text == "0")
}

// Compare orders versions, the older first.
func Compare(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		m, _ := strconv.Atoi(x)
		n, _ := strconv.Atoi(y)
		if order := cmp.Compare(m, n); order != 0 {
			return order
		}
	}
	return 0
}
