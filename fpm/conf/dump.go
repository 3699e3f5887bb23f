// Counterpart: sapi/fpm/fpm/fpm_conf.c (fpm_conf_dump)

package conf

import "github.com/phpsapi/phpsapi/fpm/zlog"

// dump logs the configuration as php-fpm -tt does.
func (l *loader) dump() {
	line := func(format string, args ...any) { l.say(zlog.Notice, format, args...) }
	line("[global]")
	for _, d := range globalDirectives() {
		line("\t%s = %s", d.name, d.show(&l.cfg.Global))
	}
	line(" ")
	for _, p := range l.cfg.Pools {
		if p.Shared != nil {
			continue
		}
		line("[%s]", p.Name)
		for _, d := range poolDirectives() {
			switch {
			case d.show != nil:
				line("\t%s = %s", d.name, d.show(p))
			case d.set == nil:
				for _, path := range p.AccessSuppressPaths {
					line("\t%s = %s", d.name, path)
				}
			}
		}
		for _, list := range []struct {
			name    string
			entries []KeyValue
		}{{"env", p.Env}, {"php_value", p.PHPValues}, {"php_admin_value", p.PHPAdminValues}} {
			for _, kv := range list.entries {
				line("\t%s[%s] = %s", list.name, kv.Key, kv.Value)
			}
		}
		line(" ")
	}
}
