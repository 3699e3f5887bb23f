package master

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/errorlog"
	"github.com/phpsapi/phpsapi/fpm/phpini"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// configRead is the configuration as the files have it.
type configRead struct {
	o      *operator
	values []conf.Value
	pools  []string
	asked  bool // PHP would be asked for a word in it
	lines  []string
	err    error
}

// configDiff compares the configuration that runs with the files. They are read beside the loop, as for a reload.
func (m *Master) configDiff(o *operator) {
	if m.rehearsals >= maxRehearsals {
		o.tell(refused("%v", errNotRead))
		return
	}
	m.rehearsals++
	m.operators.waiting = append(m.operators.waiting, o)
	opt, answer := m.opt, m.constants
	opt.places = newPlaces()
	go func() {
		read := opt.readConfig(answer)
		read.o = o
		m.box.post(read)
	}()
}

// readConfig reads the configuration, and changes nothing.
func (o *Options) readConfig(answer *constants) (read configRead) {
	var said bytes.Buffer
	options, plan := o.confOptions(errorlog.New(false))
	log := zlog.New(&said)
	log.Configure(func(s *zlog.Settings) { s.Level, s.Launched = zlog.Error, true })
	options.Log, options.Stderr = log, &said
	options.System.OpenErrorLog = func(*conf.Global) error { return nil }
	options.System.OpenLog = func(string) error { return nil }
	options.Loaded = answer.lookUp(&read.asked)
	cfg, err := conf.Load(options)
	if err != nil {
		read.err = err
		for line := range strings.Lines(said.String()) {
			read.lines = append(read.lines, strings.TrimRight(line, "\n"))
		}
		return read
	}
	read.values, read.pools = valuesOf(cfg, plan), poolsOf(cfg)
	known := map[string]bool{}
	for _, p := range cfg.Pools {
		if choice := plan.engineOf(p.Name); !known[choice.Library] {
			known[choice.Library] = true
			read.values = appendINI(read.values, choice, o.settingsOf(choice))
		}
	}
	return read
}

func (e configRead) happen(m *Master) {
	m.rehearsals--
	m.dismiss(e.o)
	if e.err != nil {
		e.o.tell(control.Answer{Done: true, Reason: control.BadConfig, Why: e.err.Error(), Lines: e.lines})
		return
	}
	d := &control.Diff{Config: m.configPath(), Changes: compare(m.runningValues(), e.values)}
	running := poolsOf(m.gen.config)
	for _, name := range e.pools {
		if !slices.Contains(running, name) {
			d.Added = append(d.Added, name)
		}
	}
	for _, name := range running {
		if !slices.Contains(e.pools, name) {
			d.Removed = append(d.Removed, name)
		}
	}
	if e.asked {
		d.Notes = append(d.Notes, "a word in php-fpm.conf may be a constant of an extension; a reload asks PHP for it, and it is compared as text")
	}
	e.o.tell(control.Answer{Done: true, Diff: d})
}

// runningValues are the values that are in force, with what operators have changed.
func (m *Master) runningValues() []conf.Value {
	all := valuesOf(m.gen.config, m.gen.plan)
	for i := range all {
		v := &all[i]
		if v.Section == "global" && v.Name == "log_level" {
			v.Text = m.log.Settings().Level.String()
		}
		if p := m.steered(v.Section); v.Name == "pm.max_children" && p != nil && p.steering.scaled {
			v.Text = fmt.Sprint(p.limits.MaxChildren)
		}
	}
	known := map[string]bool{}
	for _, e := range m.gen.engines {
		if !known[e.choice.Library] {
			known[e.choice.Library] = true
			all = appendINI(all, e.choice, e.ini)
		}
	}
	for _, p := range m.gen.pools {
		if p.steering.paused {
			all = append(all, conf.Value{Section: p.conf.Name, Name: "paused", Text: "yes"})
		}
	}
	return all
}

// valuesOf returns all settings of a configuration, phpsapi's own among them.
func valuesOf(cfg *conf.Config, plan *frontPlan) []conf.Value {
	all := cfg.Values()
	for i := range all {
		if all[i].Section == "global" && all[i].Name == "log_level" && cfg.Global.LogLevel == 0 {
			all[i].Text = zlog.Notice.String()
		}
	}
	if plan == nil || plan.own == nil {
		return all
	}
	for _, line := range plan.lines() {
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

// appendINI appends the settings of a PHP in its php.ini, in the order of their names.
func appendINI(all []conf.Value, of engines.Choice, ini phpini.Settings) []conf.Value {
	for _, name := range slices.Sorted(maps.Keys(ini)) {
		all = append(all, conf.Value{Section: "php.ini of PHP " + of.Minor(), Name: name, Text: ini[name], Place: conf.Place{File: "php.ini"}})
	}
	return all
}

// poolsOf are the names of a configuration's pools.
func poolsOf(cfg *conf.Config) (names []string) {
	for _, p := range cfg.Pools {
		if p.Shared == nil {
			names = append(names, p.Name)
		}
	}
	return names
}

// compare returns what is not the same. A name may stand in a section several times. The values of a section that one of them has not at all
// are left out.
func compare(running, files []conf.Value) []control.Change {
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

// logLevel tells the level of the error log, or changes it.
func (m *Master) logLevel(o *operator) {
	configured := m.gen.config.Global.LogLevel
	if configured == 0 {
		configured = zlog.Notice
	}
	answer := control.Answer{Done: true}
	if name := o.request.Level; name != "" {
		level, ok := conf.ParseLogLevel(name)
		if !ok {
			m.answer(o, refused("%q is not a level: alert, error, warning, notice or debug", seen(name)))
			return
		}
		if m.attempt != nil && !m.attempt.renewal {
			m.answer(o, refused("a reload is under way, and would undo it; try again when that has ended"))
			return
		}
		m.setLogLevel(level)
	}
	answer.Logging = &control.Logging{Level: strings.ToLower(m.log.Settings().Level.String()), Configured: strings.ToLower(configured.String())}
	if o.request.Level == "" {
		o.tell(answer)
		return
	}
	m.answer(o, answer)
}

// setLogLevel sets the least severe level that is logged, by the master and by all workers.
func (m *Master) setLogLevel(level zlog.Level) {
	m.errorLog.Messages.Configure(func(s *zlog.Settings) { s.Level = level })
	for _, g := range m.generations() {
		for _, p := range g.pools {
			for _, c := range p.children {
				if c.control != nil {
					c.control.Send(contract.LogLevel, strconv.Itoa(int(level)), -1)
				}
			}
		}
	}
}
