// Counterpart: sapi/fpm/fpm/fpm_conf.c (fpm_conf_load_ini_file, fpm_conf_ini_parser*)

package conf

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/phpsapi/phpsapi/fpm/conf/ini"
	"github.com/phpsapi/phpsapi/fpm/zlog"
)

const (
	maxDepth = 5        // files that include one another
	maxBytes = 64 << 20 // of all files; php-fpm has no limit
)

// readFile reads a file line by line, each a text for the ini parser, and does
// what the lines say. It logs and returns false if that does not work.
func (l *loader) readFile(name string) bool {
	if name == "" {
		return l.refuse(Error{}, zlog.Error, "configuration filename is empty")
	}
	r, err := l.sys.Open(name)
	if err != nil {
		return l.refuseErr(err, Error{Place: Place{File: name}}, "failed to open configuration file '%s'", name)
	}
	defer r.Close()
	if l.depth == maxDepth {
		return l.refuse(Error{Place: l.here}, zlog.Error, "failed to include more than %d files recursively", maxDepth)
	}
	// Like php-fpm: what cannot be read, such as a directory, ends there.
	data, _ := io.ReadAll(io.LimitReader(r, maxBytes-l.total+1))
	if l.total += int64(len(data)); l.total > maxBytes {
		return l.refuse(Error{Place: Place{File: name}}, zlog.Error, "configuration file '%s' is too large", name)
	}
	l.cfg.Files = append(l.cfg.Files, name)
	l.depth++
	defer func() { l.depth-- }()

	l.line = 0
	for number, more := 1, true; more; number++ {
		l.line++
		l.file = name
		l.here = Place{File: name, Line: number}
		var line []byte
		line, data, more = bytes.Cut(data, []byte("\n"))
		if len(line) == 0 {
			continue
		}
		if !l.parseLine(string(line) + "\n") {
			return false
		}
		if l.include.Set {
			pattern := l.fullPath(l.include, nil, "").Value
			l.include = Text{}
			if !l.includeAll(pattern) {
				return false
			}
		}
	}
	return true
}

func (l *loader) parseLine(line string) bool {
	l.bad = false
	err := ini.Parse(line, l.env, l.statement)
	var syntax *ini.SyntaxError
	if errors.As(err, &syntax) {
		fmt.Fprintf(l.opt.Stderr, "PHP:  %v\n", syntax)
		l.remember(Error{Place: l.here, Msg: syntax.Msg})
	}
	if l.bad || err != nil {
		l.include = Text{}
		return false
	}
	return true
}

// includeAll reads the files a pattern matches.
func (l *loader) includeAll(pattern string) bool {
	from, here := l.file, l.here
	names, ret := glob(&l.sys, pattern)
	switch ret {
	case globNoMatch:
		l.say(zlog.Warning, "Nothing matches the include pattern '%s' from %s at line %d.", pattern, from, l.line)
		return true
	case globAborted:
		return l.refuse(Error{Place: here, Directive: "include"}, zlog.Error,
			"Unable to globalize '%s' (ret=%d) from %s at line %d.", pattern, ret, from, l.line)
	}
	for _, name := range names {
		if !l.readFile(name) {
			return l.refuse(Error{Place: here, Directive: "include"}, zlog.Error,
				"Unable to include %s from %s at line %d", name, from, l.line)
		}
	}
	return true
}

// wrong logs an error in the line being parsed; the rest of it is skipped.
func (l *loader) wrong(directive, format string, args ...any) {
	e := Error{Place: l.here, Directive: directive, Msg: fmt.Sprintf(format, args...)}
	if l.pool != nil {
		e.Pool = l.pool.Name
	}
	if l.line > 0 {
		l.say(zlog.Error, "[%s:%d] %s", l.file, l.line, e.Msg)
	} else {
		l.say(zlog.Error, "[%s] %s", l.file, e.Msg)
	}
	l.remember(e)
	l.bad = true
}

func (l *loader) statement(e ini.Event) {
	if l.bad {
		return
	}
	switch e.Kind {
	case ini.Section:
		l.section(e.Name)
	case ini.Entry:
		l.entry(e)
	case ini.ArrayEntry:
		l.array(e)
	}
}

// section goes to [global], back to a pool, or to a new one.
func (l *loader) section(name string) {
	if equalFold(name, "global") {
		l.pool = nil
		return
	}
	for _, p := range l.cfg.Pools {
		if equalFold(p.Name, name) {
			l.pool = p
			return
		}
	}
	l.pool = newPool(name)
	l.pool.places.set("", l.here)
	l.cfg.Pools = append(l.cfg.Pools, l.pool)
}

func (l *loader) entry(e ini.Event) {
	switch {
	case e.Bare:
		l.wrong(e.Name, "value is NULL for a ZEND_INI_PARSER_ENTRY")
	case e.Name == "include":
		if l.include.Set {
			l.wrong(e.Name, "two includes at the same time !")
			return
		}
		l.include = setText(e.Value)
	case l.pool == nil:
		assign(l, globalDirectives(), &l.cfg.Global, &l.cfg.Global.places, e)
	default:
		assign(l, poolDirectives(), l.pool, &l.pool.places, e)
	}
}

func assign[T any](l *loader, table []directive[T], c *T, at *places, e ini.Event) {
	for _, d := range table {
		if d.set == nil || !equalFold(d.name, e.Name) {
			continue
		}
		if objection := d.set(c, e.Value, l.pool); objection != "" {
			l.wrong(d.name, "unable to parse value for entry '%s': %s", d.name, objection)
			return
		}
		at.set(d.name, l.here)
		return
	}
	l.wrong(e.Name, "unknown entry '%s'", e.Name)
}

func (l *loader) array(e ini.Event) {
	if e.Name == "access.suppress_path" {
		if e.Key != "" {
			l.wrong(e.Name, "Keys provided to field 'access.suppress_path' are ignored")
		}
		if e.Value == "" || e.Value[0] != '/' {
			l.wrong(e.Name, "Values provided to field 'access.suppress_path' must begin with '/'")
		}
		if l.bad {
			return
		}
	} else if e.Key == "" {
		l.wrong(e.Name, "You must provide a key for field '%s'", e.Name)
		return
	}
	if l.pool == nil {
		l.wrong(e.Name, "Array are not allowed in the global section")
		return
	}
	for _, a := range poolArrays {
		if a.name != e.Name {
			continue
		}
		if e.Name == "env" && e.Value == "" {
			l.wrong(e.Name, "empty value")
			return
		}
		if objection := a.add(l.pool, e.Key, e.Value); objection != "" {
			l.wrong(e.Name, "error while parsing '%s[%s]' : %s", e.Name, e.Key, objection)
			return
		}
		l.pool.places.set(e.Name+"["+e.Key+"]", l.here)
		return
	}
	l.wrong(e.Name, "unknown directive '%s'", e.Name)
}

// add puts an entry before the others.
func (a *poolArray) add(p *Pool, key, value string) (objection string) {
	if a.flag {
		var on bool
		if objection = setBoolean(&on, value); objection != "" {
			return objection
		}
		value = "0"
		if on {
			value = "1"
		}
	} else if value, objection = expandPool(value, p); objection != "" {
		return objection
	}
	if a.list == nil {
		p.AccessSuppressPaths = append([]string{value}, p.AccessSuppressPaths...)
		return ""
	}
	list := a.list(p)
	*list = append([]KeyValue{{key, value}}, *list...)
	return ""
}
