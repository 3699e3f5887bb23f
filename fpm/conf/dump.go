// Counterpart: sapi/fpm/fpm/fpm_conf.c (fpm_conf_dump)

package conf

import (
	"fmt"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// dump logs the configuration as php-fpm -tt does.
func (l *loader) dump() {
	section := ""
	for _, v := range l.cfg.values() {
		if v.Section != section {
			if section != "" {
				l.notice(" ")
			}
			section = v.Section
			l.notice("[" + section + "]")
		}
		if v.Name != "" {
			l.value(v)
		}
	}
	l.notice(" ")
	if l.opt.Appendix == nil {
		return
	}
	for _, line := range l.opt.Appendix() {
		l.notice(line)
	}
}

// Value is a directive as -tt shows it. The first of a section has no name.
type Value struct {
	Section string // global, or a pool's name
	Name    string
	Text    string
	Place   Place // where it was set; the zero Place for the default
}

// Values returns the configuration as -tt shows it, section by section.
func (c *Config) Values() (all []Value) {
	for _, v := range c.values() {
		if v.Name != "" {
			all = append(all, v)
		}
	}
	return all
}

func (c *Config) values() []Value {
	all := []Value{{Section: "global"}}
	for _, d := range globalDirectives() {
		all = append(all, Value{"global", d.name, d.show(&c.Global), c.Global.places[d.name]})
	}
	for _, p := range c.Pools {
		if p.Shared == nil {
			all = p.appendValues(all)
		}
	}
	return all
}

func (p *Pool) appendValues(all []Value) []Value {
	all = append(all, Value{Section: p.Name})
	for _, d := range poolDirectives() {
		switch {
		case d.show != nil:
			all = append(all, Value{p.Name, d.name, d.show(p), p.places[d.name]})
		case d.set == nil:
			for _, path := range p.AccessSuppressPaths {
				all = append(all, Value{p.Name, d.name, path, p.places[d.name]})
			}
		}
	}
	for _, list := range []struct {
		name, flag string
		entries    []KeyValue
	}{{"env", "env", p.Env}, {"php_value", "php_flag", p.PHPValues}, {"php_admin_value", "php_admin_flag", p.PHPAdminValues}} {
		for _, kv := range list.entries {
			name := list.name + "[" + kv.Key + "]"
			place, ok := p.places[name]
			if !ok { // php-fpm shows flags as values
				place = p.places[list.flag+"["+kv.Key+"]"]
			}
			all = append(all, Value{p.Name, name, kv.Value, place})
		}
	}
	return all
}

func (l *loader) notice(text string) { l.say(zlog.Notice, "%s", text) }

// value logs a directive, and where it was set if that is wanted.
func (l *loader) value(v Value) {
	origin := ""
	if l.opt.Origins {
		origin = "  ; " + v.Place.String()
	}
	l.notice("\t" + v.Name + " = " + v.Text + origin)
}

// String returns the place as in a message, file:line; what stands nowhere is the
// default.
func (p Place) String() string {
	switch {
	case p.Line > 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	case p.File != "":
		return strings.TrimSpace(p.File)
	}
	return "default"
}
