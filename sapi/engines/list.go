package engines

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/phpsapi/phpsapi/sapi"
)

// Facts are what a PHP tells when it is tried.
type Facts struct {
	Version    string // PHP_VERSION
	Build      string // the build id that extensions must have, such as API20220829,NTS
	Own        bool   // it is an engine of its own, and no libphp for an engine inside this program
	INI        string // PHP_CONFIG_FILE_PATH, as it was configured
	Extensions string // PHP_EXTENSION_DIR
}

// Listed is a PHP that a machine has.
type Listed struct {
	Version    string   `json:"version"`
	Build      string   `json:"build,omitempty"`
	Kind       string   `json:"kind"`
	Path       string   `json:"path,omitempty"`
	INI        []INIDir `json:"ini,omitempty"`
	Extensions string   `json:"extensions,omitempty"`
	Default    string   `json:"default,omitempty"`  // why it is the one that runs; empty if it is not
	Unusable   string   `json:"unusable,omitempty"` // why it cannot run; empty if it can
}

// INIDir is a directory of php.ini.
type INIDir struct {
	Dir string `json:"dir"`
	// FrontEnds are those that look there: cli, cgi, fpm, and apache for the module of Apache's httpd. They are empty if all do.
	FrontEnds []string `json:"front_ends,omitempty"`
}

// The kinds of engines.
const (
	kindDistribution = "libphp of the distribution"
	kindLibrary      = "libphp"
	kindOwn          = "engine"
	kindOfProgram    = "part of this program"
	kindInside       = "inside this program, without a libphp"
)

// List returns the PHPs that the machine has, the newest first. choice is the one that is meant. try tries one: its error is
// why it cannot run.
func (m Machine) List(choice Choice, inside []string, try func(library string) (Facts, error)) []Listed {
	paths := m.Libraries()
	meant := choice.Library
	if filepath.IsAbs(meant) {
		file, _ := m.follow(meant, func(string) bool { return false })
		if i := slices.IndexFunc(paths, func(path string) bool {
			other, _ := m.follow(path, func(string) bool { return false })
			return other == file
		}); i >= 0 {
			meant = paths[i]
		}
	}
	if meant != "" && !slices.Contains(paths, meant) {
		paths = append(paths, meant)
	}
	all := []Listed{} // JSON has a list, if it is empty, too
	for _, path := range paths {
		facts, err := try(path)
		if path == meant {
			err = choice.directed(err)
		}
		l := m.listed(path, facts, err)
		if path == meant {
			l.Default = choice.Because
		}
		all = append(all, l)
	}
	if m.OfProgram != "" {
		inside = nil // the others inside have no use
	}
	for _, v := range inside {
		if !slices.ContainsFunc(all, func(l Listed) bool { return l.Version == v || strings.HasPrefix(l.Version, v+".") }) {
			all = append(all, Listed{Version: v, Kind: kindInside, Unusable: libraryName(v) + " was not found (install the package libphp" + v + "-embed)"})
		}
	}
	slices.SortStableFunc(all, func(a, b Listed) int { return Compare(b.Version, a.Version) })
	return all
}

// listed is a library that was tried, with that outcome.
func (m Machine) listed(path string, facts Facts, err error) Listed {
	l := Listed{Version: facts.Version, Build: facts.Build, Kind: kindLibrary, Path: path, Extensions: facts.Extensions}
	if l.Version == "" {
		l.Version = sapi.EngineVersion(m.Root + path)
	}
	if l.Version == "" {
		l.Version = version(path)
	}
	if err != nil {
		l.Unusable = strings.TrimPrefix(err.Error(), path+": ")
	}
	l.INI = m.iniDirs(facts, path)
	switch {
	case facts.Own:
		l.Kind = kindOwn
	case isDistributions(facts):
		l.Kind = kindDistribution
	}
	if path == OfProgram {
		l.Kind, l.Path = kindOfProgram, m.Self
	}
	return l
}

// isDistributions reports whether a PHP was configured as the distribution's, whose front ends have directories of their own.
func isDistributions(facts Facts) bool {
	return facts.INI != "" && facts.INI == sapi.EmbedDir(Minor(facts.Version))
}

// iniDirs returns the directories of php.ini of a library that was tried.
func (m Machine) iniDirs(facts Facts, path string) []INIDir {
	if facts.INI == "" {
		return nil
	}
	if !isDistributions(facts) {
		return []INIDir{{Dir: facts.INI}}
	}
	frontEnds := []struct{ name, directory string }{{"cli", "cli"}, {"cgi", "cgi"}, {"fpm", "fpm"}, {"apache", "apache2"}}
	if path == OfProgram {
		frontEnds = frontEnds[:3] // httpd cannot load the program
	}
	var dirs []INIDir
	for _, frontEnd := range frontEnds {
		dir := sapi.PackageDir(Minor(facts.Version), frontEnd.directory, m.isDir)
		i := slices.IndexFunc(dirs, func(d INIDir) bool { return d.Dir == dir })
		if i < 0 {
			i, dirs = len(dirs), append(dirs, INIDir{Dir: dir})
		}
		dirs[i].FrontEnds = append(dirs[i].FrontEnds, frontEnd.name)
	}
	if len(dirs) == 1 {
		dirs[0].FrontEnds = nil
	}
	return dirs
}

func (m Machine) isDir(path string) bool {
	info, err := os.Stat(m.Root + path)
	return err == nil && info.IsDir()
}
