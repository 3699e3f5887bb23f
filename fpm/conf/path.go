// Counterpart: sapi/fpm/fpm/fpm_conf.c (fpm_evaluate_full_path)

package conf

import (
	"strings"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// fullPath makes a relative path absolute: below the prefix of the pool, if
// there is a pool, else below that of the command line, else below base, else
// below the one compiled in.
func (l *loader) fullPath(path Text, p *Pool, base string) Text {
	if !path.Set || strings.HasPrefix(path.Value, "/") {
		return path
	}
	full := l.prefixFor(p, base) + "/" + path.Value
	if !strings.HasPrefix(full, "/") && p != nil {
		return l.fullPath(setText(full), nil, base)
	}
	return setText(full)
}

// chrootPath is fullPath for the one directive that may begin with $prefix. It
// leaves a path with $prefix elsewhere as it is, but for an error in the log.
func (l *loader) chrootPath(path Text, p *Pool) Text {
	const token = "$prefix"
	if !path.Set || strings.HasPrefix(path.Value, "/") {
		return path
	}
	i := strings.Index(path.Value, token)
	switch {
	case i > 0:
		l.say(zlog.Error, "'$prefix' must be use at the beginning of the value")
		return path
	case i == 0 && path.Value == token:
		return l.fullPath(setText(l.prefixFor(p, "")), nil, "")
	case i == 0:
		full := l.prefixFor(p, "") + "/" + path.Value[len(token):]
		return l.fullPath(setText(full), nil, "")
	}
	return l.fullPath(path, p, "")
}

func (l *loader) prefixFor(p *Pool, base string) string {
	switch {
	case p != nil && p.Prefix.Set:
		return p.Prefix.Value
	case l.opt.Prefix.Set:
		return l.opt.Prefix.Value
	case base != "":
		return base
	}
	return l.opt.Build.Prefix
}
