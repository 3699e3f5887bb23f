package borders

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rooms are how C files are named, by directory: the program's know no PHP, the engine's include its headers.
var rooms = map[string][]string{
	"lifecycle":        {"boot", "cgi", "engine", "handover", "httpd", "start"},
	"lifecycle/engine": {"php", "cli", "web", "fields", "compat"},
}

func TestRooms(t *testing.T) {
	for name, check := range map[string]func(fs.FS) ([]string, error){"rooms": inRooms, "includes": includes, "circles": circles} {
		t.Run(name, func(t *testing.T) { report(t, check) })
	}
}

func isC(name string) bool {
	return path.Ext(name) == ".c" || path.Ext(name) == ".h"
}

// inRooms checks that each C file stands in a room. The module of httpd has none: its apache.h lists its files.
func inRooms(root fs.FS) (wrong []string, err error) {
	err = walk(root, func(name string) error {
		room, _, _ := strings.Cut(strings.TrimSuffix(path.Base(name), path.Ext(name)), "_")
		if isC(name) && path.Dir(name) != "sapi/apache" && !slices.Contains(rooms[path.Dir(name)], room) {
			wrong = append(wrong, fmt.Sprintf("%s: is in none of the rooms of %s: %s", name, path.Dir(name), strings.Join(rooms[path.Dir(name)], ", ")))
		}
		return nil
	})
	return wrong, err
}

var (
	included = regexp.MustCompile(`(?m)^#include "(.*)"$`)
	httpds   = regexp.MustCompile(`(?m)^#include <((?:httpd|(?:http|ap|apr|util|unixd|mpm|mod)_\w+|unixd)\.h)>$`)
)

// ofLifecycle are lifecycle's headers that the module of httpd may include: the contract, and what finds and loads an engine.
var ofLifecycle = []string{"engine.h", "engine_host.h", "engine_load.h", "engine_timer.h", "httpd_wire.h", "start.h"}

// includes checks that PHP's headers are included by the engine alone, there by php.h and php_engine.c; that the engine
// includes the contract and nothing else of the program's, and the program nothing of the engine's; that httpd's are included by
// its module alone.
func includes(root fs.FS) (wrong []string, err error) {
	err = walk(root, func(name string) error {
		if !isC(name) {
			return nil
		}
		text, err := fs.ReadFile(root, name)
		dir, base := path.Dir(name), path.Base(name)
		for _, match := range httpds.FindAllStringSubmatch(string(text), -1) {
			if dir != "sapi/apache" {
				wrong = append(wrong, fmt.Sprintf("%s: must not include %s", name, match[1]))
			}
		}
		for _, match := range included.FindAllStringSubmatch(string(text), -1) {
			header := match[1]
			_, own := fs.Stat(root, path.Join(dir, header))
			switch {
			case own == nil && !strings.Contains(header, "/"), header == "_cgo_export.h":
			case dir == "lifecycle/engine" && header == "engine.h":
			case dir == "sapi/apache" && slices.Contains(ofLifecycle, header):
			case dir == "lifecycle/engine" && (base == "php.h" || base == "php_engine.c"):
			default:
				wrong = append(wrong, fmt.Sprintf("%s: must not include %s", name, header))
			}
		}
		return err
	})
	return wrong, err
}

var (
	notCode  = regexp.MustCompile(`(?s)/\*.*?\*/|\b(?:struct|union|enum) \w+|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'`)
	defined  = regexp.MustCompile(`(?m)^[ a-z_][\w *]*?\b(\w+)(?:\([^;{}]*\)\n\{|(?:\[.*?\])*(?: = |;$))`)
	unlinked = regexp.MustCompile(`^(?:extern|typedef)\b`)
	word     = regexp.MustCompile(`\b[a-z]\w+\b`)
)

// circles checks that no C files of a directory call each other in a circle: that one uses what another defines is an arrow.
func circles(root fs.FS) (wrong []string, err error) {
	code := map[string]string{}
	err = walk(root, func(name string) error {
		if path.Ext(name) == ".c" {
			text, err := fs.ReadFile(root, name)
			code[name] = notCode.ReplaceAllString(string(text), " ")
			return err
		}
		return nil
	})
	home := map[string]string{} // directory and definition -> file
	own := map[string]bool{}    // file and definition of its own
	for name, text := range code {
		for _, match := range defined.FindAllStringSubmatch(text, -1) {
			switch {
			case strings.HasPrefix(match[0], "static"):
				own[path.Join(name, match[1])] = true
			case !unlinked.MatchString(match[0]):
				home[path.Join(path.Dir(name), match[1])] = name
			}
		}
	}
	arrows := map[string][]string{}
	for name, text := range code {
		for _, used := range word.FindAllString(text, -1) {
			to := home[path.Join(path.Dir(name), used)]
			if to != "" && to != name && !own[path.Join(name, used)] && !slices.Contains(arrows[name], to) {
				arrows[name] = append(arrows[name], to)
			}
		}
		slices.Sort(arrows[name])
	}
	done := map[string]bool{}
	var follow func(name string, way []string)
	follow = func(name string, way []string) {
		if i := slices.Index(way, name); i >= 0 {
			wrong = append(wrong, "a circle: "+strings.Join(append(way[i:], name), " -> "))
		} else if !done[name] {
			for _, to := range arrows[name] {
				follow(to, append(slices.Clone(way), name))
			}
			done[name] = true
		}
	}
	names := make([]string, 0, len(code))
	for name := range code {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		follow(name, nil)
	}
	return wrong, err
}
