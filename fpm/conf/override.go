package conf

import (
	"slices"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/conf/ini"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// A Setting is a directive that comes from elsewhere than a file.
type Setting struct {
	Pool  string // the pool it is for; "": [global]
	Name  string // as in a file: pm.max_children, php_value[memory_limit]
	Value string // taken as it is: no quotes, no ${}
	From  string // for messages, such as "--set www.pm.max_children"
}

// override applies the settings. A complaint names From instead of file and
// line.
func (l *loader) override() bool {
	if l.opt.Overrides == nil {
		return true
	}
	var names []string
	for _, p := range l.cfg.Pools {
		names = append(names, p.Name)
	}
	settings, err := l.opt.Overrides(names)
	if err != nil {
		return l.refuse(Error{}, zlog.Error, "%s", err)
	}
	for _, s := range settings {
		l.file, l.line = s.From, 0
		l.here = Place{File: s.From}
		l.bad = false
		if !l.enter(s.Pool) {
			return false
		}
		name, key, array := strings.Cut(s.Name, "[")
		switch {
		case array:
			l.pool.forget(name, strings.TrimSuffix(key, "]"))
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

// forget takes the entries of an array's key out, and those of the arrays that share its list: of two the first in the file
// is the one that counts, as in php-fpm, and none of them is to count any more.
func (p *Pool) forget(name, key string) {
	i := slices.IndexFunc(poolArrays, func(a poolArray) bool { return a.name == name && a.list != nil })
	if p == nil || i < 0 {
		return
	}
	list := poolArrays[i].list(p)
	*list = slices.DeleteFunc(*list, func(kv KeyValue) bool { return kv.Key == key })
	for _, a := range poolArrays {
		if a.list != nil && a.list(p) == list {
			delete(p.places, a.name+"["+key+"]")
		}
	}
}

// enter goes to a pool that the files have.
func (l *loader) enter(pool string) bool {
	l.pool = nil
	if pool == "" {
		return true
	}
	for _, p := range l.cfg.Pools {
		if equalFold(p.Name, pool) {
			l.pool = p
			return true
		}
	}
	l.wrong("", "there is no pool '%s'", pool)
	return false
}
