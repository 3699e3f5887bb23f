// Counterpart: sapi/fpm/fpm/fpm_conf.c (fpm_conf_set_*)

package conf

import (
	"strconv"
	"strings"
	"time"

	"github.com/phpsapi/phpsapi/fpm/conf/ini"
)

// A directive is a row of the tables for [global] and pools.
type directive[T any] struct {
	name string
	kind string // what a value is, in a word, for documentation
	def  string // the default, in words
	doc  string
	// set stores a value; what it returns, if not empty, is php-fpm's
	// objection. The pool is nil in [global].
	set func(c *T, v string, p *Pool) string
	// show is the value as -tt prints it; nil: -tt leaves it out. A row
	// without set and show keeps the place of access.suppress_path in -tt.
	show func(c *T) string
}

// Info describes a directive, for documentation.
type Info struct {
	Section string // "global" or "pool"
	Name    string
	Kind    string
	Default string
	Doc     string
}

// Directives lists all directives in the order of -tt.
func Directives() []Info {
	var all []Info
	for _, d := range globalDirectives() {
		all = append(all, Info{"global", d.name, d.kind, d.def, d.doc})
	}
	for _, d := range poolDirectives() {
		if d.set != nil {
			all = append(all, Info{"pool", d.name, d.kind, d.def, d.doc})
		}
	}
	for _, d := range poolArrays {
		all = append(all, Info{"pool", d.name + "[]", d.kind, d.def, d.doc})
	}
	return all
}

func text[T any](name string, f func(*T) *Text, def, doc string) directive[T] {
	return directive[T]{name, "string", def, doc,
		func(c *T, v string, p *Pool) (objection string) {
			v, objection = expandPool(v, p)
			*f(c) = setText(v)
			return objection
		},
		func(c *T) string { return f(c).show() },
	}
}

func integer[T any](name string, f func(*T) *int, def, doc string) directive[T] {
	return directive[T]{name, "number", def, doc,
		func(c *T, v string, _ *Pool) string { return setInteger(f(c), v) },
		func(c *T) string { return strconv.Itoa(*f(c)) },
	}
}

// priority is an integer that -tt shows only if it is set.
func priority[T any](f func(*T) *int, doc string) directive[T] {
	d := integer("process.priority", f, "unset", doc)
	show := d.show
	d.show = func(c *T) string {
		if *f(c) == PriorityUnset {
			return "undefined"
		}
		return show(c)
	}
	return d
}

func boolean[T any](name string, f func(*T) *bool, def, doc string) directive[T] {
	return directive[T]{name, "boolean", def, doc,
		func(c *T, v string, _ *Pool) string { return setBoolean(f(c), v) },
		func(c *T) string {
			if *f(c) {
				return "yes"
			}
			return "no"
		},
	}
}

func duration[T any](name string, f func(*T) *time.Duration, def, doc string) directive[T] {
	return directive[T]{name, "time", def, doc,
		func(c *T, v string, _ *Pool) string {
			n, objection := parseSeconds(v)
			if objection == "" {
				*f(c) = time.Duration(n) * time.Second
			}
			return objection
		},
		func(c *T) string { return strconv.Itoa(seconds(*f(c))) + "s" },
	}
}

func rlimitCore[T any](f func(*T) *int, doc string) directive[T] {
	d := integer("rlimit_core", f, "system", doc)
	d.kind = "number or unlimited"
	d.set = func(c *T, v string, _ *Pool) string {
		if strings.EqualFold(v, "unlimited") {
			*f(c) = RlimitUnlimited
			return ""
		}
		var n int
		if objection := setInteger(&n, v); objection != "" {
			return objection
		}
		if n < 0 {
			return "must be greater than zero or 'unlimited'"
		}
		*f(c) = n
		return ""
	}
	return d
}

func setBoolean(to *bool, v string) string {
	switch v {
	case "1", "yes", "true", "on":
		*to = true
	case "", "0", "no", "none", "false", "off":
		*to = false
	default:
		return "invalid boolean value"
	}
	return ""
}

func setInteger(to *int, v string) string {
	if strings.Trim(strings.TrimPrefix(v, "-"), "0123456789") != "" {
		return "is not a valid number (greater or equal than zero)"
	}
	*to = int(ini.Atoi(v))
	return ""
}

// parseSeconds reads a time: a number and perhaps s, m, h or d. It looks at the
// last byte only, and takes of the rest what atoi takes.
func parseSeconds(v string) (seconds int32, objection string) {
	if v == "" {
		return 0, "invalid time value"
	}
	number := v[:len(v)-1]
	switch c := v[len(v)-1]; c {
	case 'm':
		return 60 * ini.Atoi(number), ""
	case 'h':
		return 60 * 60 * ini.Atoi(number), ""
	case 'd':
		return 24 * 60 * 60 * ini.Atoi(number), ""
	case 's':
		return ini.Atoi(number), ""
	default:
		if c < '0' || c > '9' {
			return 0, "unknown suffix used in time value"
		}
		return ini.Atoi(v), ""
	}
}

func seconds(d time.Duration) int { return int(d / time.Second) }

// expandPool replaces every $pool by the pool's name, again and again should
// that make new ones. php-fpm continues for ever if there is no end to it.
func expandPool(v string, p *Pool) (expanded, objection string) {
	const (
		token     = "$pool"
		maxRounds = 100
		maxLength = 1 << 20
	)
	for range maxRounds {
		if !strings.Contains(v, token) {
			return v, ""
		}
		if p == nil || strings.Contains(p.Name, token) || len(v) > maxLength {
			break
		}
		v = strings.ReplaceAll(v, token, p.Name)
	}
	return v, "Can't use '$pool' when the pool is not defined"
}

// equalFold compares as strcasecmp does in the C locale.
func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
