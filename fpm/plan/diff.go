package plan

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/phpini"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// Values returns all settings of a configuration, phpsapi's own among them.
func (p *Plan) Values(cfg *conf.Config) []conf.Value {
	all := cfg.Values()
	for i := range all {
		if all[i].Section == "global" && all[i].Name == "log_level" && cfg.Global.LogLevel == 0 {
			all[i].Text = zlog.Notice.String()
		}
	}
	if p == nil || p.Own == nil {
		return all
	}
	for _, line := range p.Lines() {
		name, text, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if !ok {
			continue
		}
		place := ""
		if i := strings.LastIndex(text, "  ; "); i >= 0 {
			text, place = text[:i], text[i+len("  ; "):]
		}
		all = append(all, conf.Value{Section: "phpsapi", Name: name, Text: text, Place: conf.Place{File: place}})
	}
	return all
}

// AppendINI appends the settings of a PHP in its php.ini, in the order of their names.
func AppendINI(all []conf.Value, of engines.Choice, ini phpini.Settings) []conf.Value {
	for _, name := range slices.Sorted(maps.Keys(ini)) {
		all = append(all, conf.Value{Section: "php.ini of PHP " + of.Minor(), Name: name, Text: ini[name], Place: conf.Place{File: "php.ini"}})
	}
	return all
}

// PoolsOf returns the names of a configuration's pools.
func PoolsOf(cfg *conf.Config) (names []string) {
	for _, p := range cfg.Pools {
		if p.Shared == nil {
			names = append(names, p.Name)
		}
	}
	return names
}

// Compare returns what is not the same. A name may stand in a section several times. The values of a section that one of them has not at all
// are left out.
func Compare(running, files []conf.Value) []control.Change {
	changes := []control.Change{}
	has := func(all []conf.Value, section string) bool {
		return slices.ContainsFunc(all, func(v conf.Value) bool { return v.Section == section })
	}
	taken := make([]bool, len(running))
	add := func(v conf.Value, running, files *string) {
		place := ""
		if files != nil {
			place = v.Place.String()
		}
		changes = append(changes, control.Change{Section: v.Section, Name: v.Name,
			Running: shown(v.Section, v.Name, running), Files: shown(v.Section, v.Name, files), Place: place})
	}
	for _, v := range files {
		same := func(of conf.Value) bool { return of.Section == v.Section && of.Name == v.Name }
		at := -1
		for i, r := range running {
			if !taken[i] && same(r) && (at < 0 || r.Text == v.Text && running[at].Text != v.Text) {
				at = i
			}
		}
		switch {
		case at >= 0 && running[at].Text == v.Text:
			taken[at] = true
		case at >= 0:
			taken[at] = true
			add(v, &running[at].Text, &v.Text)
		case has(running, v.Section):
			add(v, nil, &v.Text)
		}
	}
	for i, v := range running {
		if !taken[i] && has(files, v.Section) {
			add(v, &v.Text, nil)
		}
	}
	first := func(of control.Change) int {
		return slices.IndexFunc(running, func(v conf.Value) bool { return v.Section == of.Section })
	}
	slices.SortStableFunc(changes, func(a, b control.Change) int { return first(a) - first(b) })
	return changes
}

// secretName is what a variable or a setting of PHP that holds a secret is called; passwordInURL is where an URL has one.
var (
	secretName    = regexp.MustCompile(`(?i)pass|secret|key|token|credential|_pw$`)
	passwordInURL = regexp.MustCompile(`(://[^/@:\s]*):[^/@\s]*@`)
)

// shown returns a value as operators see it.
func shown(section, name string, text *string) *string {
	if text == nil {
		return nil
	}
	s := control.Masked
	if section == "global" || section == "phpsapi" || !secretName.MatchString(name) { // else a file's name may be there, such as http.tls.key's
		s = passwordInURL.ReplaceAllString(*text, "${1}:"+control.Masked+"@")
	}
	return &s
}
