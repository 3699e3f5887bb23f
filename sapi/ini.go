package sapi

import (
	"os"
	"path/filepath"
	"strings"
)

// INI is where a module's settings come from, weakest first: Defaults, the php.ini that Path names, the .ini files
// of ScanDir, Entries.
type INI struct {
	// Defaults are settings that php.ini may override.
	Defaults []Setting
	// Path is a php.ini, or a list of directories to search for php-NAME.ini and php.ini, separated by colons; empty
	// for none.
	Path string
	// Ignore leaves out the scan directories (php's -n), and says that an empty Path means no php.ini.
	Ignore bool
	// ScanDir is the list of directories whose *.ini files are read after php.ini, separated by colons.
	ScanDir string
	// Entries are settings over all files, in php.ini's syntax, one a line.
	Entries string
	// Dir and ScanDefault are the places of the front end's package: PHP_CONFIG_FILE_PATH and
	// PHP_CONFIG_FILE_SCAN_DIR. They are those of a libphp that was configured with Embed for the former, as the distribution's
	// is. The engine puts another libphp's own in their places.
	Dir, ScanDefault, Embed string
	// Search says that Path ends in Dir.
	Search bool
}

// Setting is one setting's name and value, in php.ini's words.
type Setting struct {
	Name, Value string
}

// Places are where a PHP was configured to have php.ini and further .ini files: PHP_CONFIG_FILE_PATH and
// PHP_CONFIG_FILE_SCAN_DIR.
type Places struct{ Dir, ScanDir string }

// INISource is what decides where php.ini is looked for, apart from the front end itself.
type INISource struct {
	// Version is the engine's MAJOR.MINOR, such as 8.2.
	Version string
	// Package is the front end's directory below /etc/php/VERSION: cli, cgi, fpm or apache2.
	Package string
	// Configured is what an engine has told of its own places; zero: those of the distribution are taken.
	Configured Places
	// Override is the argument of -c: a file or directories; empty for none.
	Override string
	// Ignore is -n.
	Ignore bool
	// Binary is PHP_BINARY, whose directory is searched too.
	Binary string
	// SearchCWD searches the current directory too, as php-cgi and php-fpm do and php does not.
	SearchCWD bool
	// Getenv reads PHPRC and PHP_INI_SCAN_DIR; the second result reports whether the variable is set.
	Getenv func(string) (string, bool)
}

// EmbedDir returns the directory of php.ini that the distribution's libphp of a version, MAJOR.MINOR, was configured with.
func EmbedDir(version string) string { return filepath.Join("/etc/php", version, "embed") }

// ownDir is phpsapi's own directory of php.ini, for machines that have no package of PHP.
const ownDir = "/etc/phpsapi/php"

// PackageDir returns the directory where a libphp that was configured as the distribution's has php.ini for a front end: that of the
// front end's package, such as /etc/php/8.2/fpm, else that of libphp's, else phpsapi's own. The first of them is taken that isDir
// reports, or phpsapi's own if none is there.
func PackageDir(version, frontEnd string, isDir func(path string) bool) string {
	for _, dir := range []string{filepath.Join("/etc/php", version, frontEnd), EmbedDir(version)} {
		if isDir(dir) {
			return dir
		}
	}
	return ownDir
}

// Locate says where the settings are, by the rules of php_init_config (main/php_ini.c): -c rules over everything;
// else PHPRC (a file or a directory), the current directory where the SAPI says so, the directory of the binary, the
// directory of the front end's package. Entries and Defaults of the result are not set.
//
// The directory of the front end's package is PackageDir's, unless the engine was configured with another.
func (s INISource) Locate() INI {
	ini := INI{Ignore: s.Ignore}
	ini.Embed, ini.Dir = EmbedDir(s.Version), PackageDir(s.Version, s.Package, isDir)
	ini.ScanDefault = filepath.Join(ini.Dir, "conf.d")
	if s.Configured.Dir != "" {
		ini.Dir, ini.ScanDefault = s.Configured.Dir, s.Configured.ScanDir
	}
	ini.ScanDir = s.scanDir(ini.ScanDefault)
	ini.Path, ini.Search = s.path(ini.Dir)
	return ini
}

// path returns the places of php.ini, and whether dir is the last of them.
func (s INISource) path(dir string) (places string, search bool) {
	if s.Override != "" {
		return s.Override, false
	}
	if s.Ignore {
		return "", false
	}
	rc, _ := s.Getenv("PHPRC")
	if rc != "" && isReadableFile(rc) {
		return rc, false
	}
	var list []string
	if rc != "" {
		list = append(list, rc)
	}
	if s.SearchCWD {
		list = append(list, ".")
	}
	if s.Binary != "" {
		if dir := filepath.Dir(s.Binary); dir != "/" {
			list = append(list, dir)
		}
	}
	return strings.Join(append(list, dir), ":"), true
}

// scanDir expands PHP_INI_SCAN_DIR: an empty element stands for the default directory.
func (s INISource) scanDir(def string) string {
	given, set := s.Getenv("PHP_INI_SCAN_DIR")
	if !set {
		return def
	}
	if given == "" {
		return ""
	}
	places := strings.Split(given, ":")
	for i, place := range places {
		if place == "" {
			places[i] = def
		}
	}
	return strings.Join(places, ":")
}

// Define turns the argument of -d into a line of php.ini: `name` means `name=1`, and a value that does not begin
// like a word, a number or a quoted string is quoted (php_ini_builder_define, main/php_ini_builder.c).
func Define(arg string) string {
	name, value, found := strings.Cut(arg, "=")
	if !found {
		return arg + "=1\n"
	}
	if value == "" || isAlnum(value[0]) || value[0] == '"' || value[0] == '\'' {
		return arg + "\n"
	}
	return name + `="` + value + "\"\n"
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// isReadableFile reports whether path is something else than a directory and can be opened.
func isReadableFile(path string) bool {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return false
	}
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	file.Close()
	return true
}
