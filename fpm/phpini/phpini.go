// Package phpini reads php.ini for a process that cannot ask PHP: php-fpm's master never loads libphp, but
// php-fpm.conf may refer to php.ini's settings by ${name}, and php.ini may name php-fpm.conf (fpm.config).
//
// It reads the files that module startup reads, in that order, and knows the text of each setting. It starts nothing
// and keeps nothing: ask again to see what has changed.
//
// Counterpart: php_init_config in main/php_ini.c.
package phpini

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/conf/ini"
	"github.com/phpsapi/phpsapi/sapi"
)

// Settings are the settings' texts by name.
type Settings map[string]string

// Get returns a setting's text.
func (s Settings) Get(name string) (string, bool) {
	value, ok := s[name]
	return value, ok
}

// Read reads the settings of a front end's module for a PHP of that version, as far as files and the command line give them: php-NAME.ini or
// php.ini, the *.ini files of the scan directories, m.INI.Entries. What cannot be read or parsed is left out, as PHP
// leaves it out; the zygote's own start says what is wrong with it.
func Read(m sapi.Module, php sapi.PHPVersion) Settings {
	s := Settings{}
	for _, d := range m.INI.Defaults {
		s[d.Name] = d.Value
	}
	if text, ok := mainFile(m); ok {
		s.parse(text, php)
	}
	if !m.INI.Ignore {
		for _, file := range scanned(m.INI.ScanDir) {
			if text, err := os.ReadFile(file); err == nil {
				s.parse(string(text), php)
			}
		}
	}
	s.parse(m.INI.Entries, php)
	return s
}

// mainFile is the text of php.ini: INI.Path itself where it is a file, else the first that its directories have,
// php-NAME.ini in any of them before php.ini.
func mainFile(m sapi.Module) (string, bool) {
	if m.INI.Path == "" {
		return "", false
	}
	if info, err := os.Stat(m.INI.Path); err == nil && !info.IsDir() {
		text, err := os.ReadFile(m.INI.Path)
		return string(text), err == nil
	}
	for _, name := range []string{"php-" + m.Name + ".ini", "php.ini"} {
		for _, dir := range strings.Split(m.INI.Path, ":") {
			if text, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
				return string(text), true
			}
		}
	}
	return "", false
}

// scanned are the .ini files of a list of directories, each directory's in the order of their names.
func scanned(dirs string) []string {
	var files []string
	for _, dir := range strings.Split(dirs, ":") {
		if dir == "" {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue
		}
		var names []string
		for _, entry := range entries {
			if filepath.Ext(entry.Name()) == ".ini" {
				names = append(names, filepath.Join(dir, entry.Name()))
			}
		}
		slices.Sort(names)
		files = append(files, names...)
	}
	return files
}

// parse takes a text's entries, but for those of [PATH=] and [HOST=] sections, which hold for requests.
func (s Settings) parse(text string, php sapi.PHPVersion) {
	forRequests := false
	env := ini.Env{Constant: ini.VersionConstant(php.String), Variable: s.variable, PHP: php}
	// An error ends the text where it stands; what was read before it holds, as in PHP.
	_ = ini.Parse(text, env, func(e ini.Event) {
		switch e.Kind {
		case ini.Section:
			name := strings.ToUpper(e.Name)
			forRequests = strings.HasPrefix(name, "PATH") || strings.HasPrefix(name, "HOST")
		case ini.Entry:
			if !forRequests && !e.Bare && e.Name != "extension" && e.Name != "zend_extension" {
				s[e.Name] = e.Value
			}
		}
	})
}

// variable is what ${name} means within php.ini itself: a setting above it, else an environment variable.
func (s Settings) variable(name string) (string, bool) {
	if value, ok := s[name]; ok {
		return value, true
	}
	return os.LookupEnv(name)
}
