package conf

import (
	"strings"

	"github.com/phpsapi/phpsapi/fpm/conf/ini"
)

// A Setting is a directive that comes from elsewhere than a file.
type Setting struct {
	Pool  string // the pool it is for, which is made if there is none; "": [global]
	Name  string // as in a file: pm.max_children, php_value[memory_limit]
	Value string // taken as it is: no quotes, no ${}
	From  string // for messages, such as "--set www.pm.max_children"
}

// override applies the settings. A complaint names From instead of file and
// line.
func (l *loader) override() bool {
	for _, s := range l.opt.Settings {
		l.file, l.line = s.From, 0
		l.here = Place{File: s.From}
		l.bad = false
		l.pool = nil
		if s.Pool != "" {
			l.section(s.Pool)
		}
		name, key, array := strings.Cut(s.Name, "[")
		switch {
		case array:
			l.array(ini.Event{Kind: ini.ArrayEntry, Name: name, Key: strings.TrimSuffix(key, "]"), Value: s.Value})
		case name == "include":
			l.wrong(name, "unknown entry '%s'", name)
		default:
			l.entry(ini.Event{Kind: ini.Entry, Name: name, Value: s.Value})
		}
		if l.bad {
			return false
		}
	}
	return true
}
