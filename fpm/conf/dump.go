// Counterpart: sapi/fpm/fpm/fpm_conf.c (fpm_conf_dump)

package conf

import (
	"fmt"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// dump logs the configuration as php-fpm -tt does.
func (l *loader) dump() {
	l.notice("[global]")
	for _, d := range globalDirectives() {
		l.value(l.cfg.Global.places, d.name, d.show(&l.cfg.Global))
	}
	l.notice(" ")
	for _, p := range l.cfg.Pools {
		if p.Shared == nil {
			l.dumpPool(p)
		}
	}
	if l.opt.Appendix == nil {
		return
	}
	for _, line := range l.opt.Appendix() {
		l.notice(line)
	}
}

func (l *loader) dumpPool(p *Pool) {
	l.notice("[" + p.Name + "]")
	for _, d := range poolDirectives() {
		switch {
		case d.show != nil:
			l.value(p.places, d.name, d.show(p))
		case d.set == nil:
			for _, path := range p.AccessSuppressPaths {
				l.value(p.places, d.name, path)
			}
		}
	}
	for _, list := range []struct {
		name, flag string
		entries    []KeyValue
	}{{"env", "env", p.Env}, {"php_value", "php_flag", p.PHPValues}, {"php_admin_value", "php_admin_flag", p.PHPAdminValues}} {
		for _, kv := range list.entries {
			name := list.name + "[" + kv.Key + "]"
			if _, ok := p.places[name]; !ok { // php-fpm shows flags as values
				p.places.set(name, p.places[list.flag+"["+kv.Key+"]"])
			}
			l.value(p.places, name, kv.Value)
		}
	}
	l.notice(" ")
}

func (l *loader) notice(text string) { l.say(zlog.Notice, "%s", text) }

// value logs a directive, and where it was set if that is wanted.
func (l *loader) value(at places, name, value string) {
	origin := ""
	if l.opt.Origins {
		origin = "  ; " + at[name].String()
	}
	l.notice("\t" + name + " = " + value + origin)
}

// String is the place as in a message, file:line; what stands nowhere is the
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
