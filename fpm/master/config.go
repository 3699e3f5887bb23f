package master

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/contract"
	"github.com/phpsapi/phpsapi/fpm/control"
	"github.com/phpsapi/phpsapi/fpm/errorlog"
	"github.com/phpsapi/phpsapi/fpm/plan"
	"github.com/phpsapi/phpsapi/fpm/startup"
	"github.com/phpsapi/phpsapi/fpm/zlog"
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
		o.Tell(refused("%v", errNotRead))
		return
	}
	m.rehearsals++
	m.operators.waiting = append(m.operators.waiting, o)
	opt, answer := m.opt, m.constants
	opt.places = startup.NewPlaces(nil)
	go func() {
		read := opt.readConfig(answer)
		read.o = o
		m.box.post(read)
	}()
}

// readConfig reads the configuration, and changes nothing.
func (o *Options) readConfig(answer *startup.Answer) (read configRead) {
	var said bytes.Buffer
	options, found := o.confOptions(errorlog.New(false))
	log := zlog.New(&said)
	log.Configure(func(s *zlog.Settings) { s.Level, s.Launched = zlog.Error, true })
	options.Log, options.Stderr = log, &said
	options.System.OpenErrorLog = func(*conf.Global) error { return nil }
	options.System.OpenLog = func(string) error { return nil }
	options.Loaded = answer.LookUp(&read.asked)
	cfg, err := conf.Load(options)
	if err != nil {
		read.err = err
		for line := range strings.Lines(said.String()) {
			read.lines = append(read.lines, strings.TrimRight(line, "\n"))
		}
		return read
	}
	read.values, read.pools = found.Values(cfg), plan.PoolsOf(cfg)
	known := map[string]bool{}
	for _, p := range cfg.Pools {
		if choice := found.EngineOf(p.Name); !known[choice.Library] {
			known[choice.Library] = true
			read.values = plan.AppendINI(read.values, choice, o.settingsOf(choice))
		}
	}
	return read
}

func (e configRead) happen(m *Master) {
	m.rehearsals--
	m.dismiss(e.o)
	if e.err != nil {
		e.o.Tell(control.Answer{Done: true, Reason: control.BadConfig, Why: e.err.Error(), Lines: e.lines})
		return
	}
	d := &control.Diff{Config: m.configPath(), Changes: plan.Compare(m.runningValues(), e.values)}
	running := plan.PoolsOf(m.gen.config)
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
	e.o.Tell(control.Answer{Done: true, Diff: d})
}

// runningValues are the values that are in force, with what operators have changed.
func (m *Master) runningValues() []conf.Value {
	all := m.gen.plan.Values(m.gen.config)
	for i := range all {
		v := &all[i]
		if v.Section == "global" && v.Name == "log_level" {
			v.Text = m.log.Settings().Level.String()
		}
		if p := m.steerablePool(v.Section); v.Name == "pm.max_children" && p != nil && p.steering.scaled {
			v.Text = fmt.Sprint(p.limits.MaxChildren)
		}
	}
	known := map[string]bool{}
	for _, e := range m.gen.engines {
		if !known[e.choice.Library] {
			known[e.choice.Library] = true
			all = plan.AppendINI(all, e.choice, e.ini)
		}
	}
	for _, p := range m.gen.pools {
		if p.steering.paused {
			all = append(all, conf.Value{Section: p.conf.Name, Name: "paused", Text: "yes"})
		}
	}
	return all
}

// logLevel tells the level of the error log, or changes it.
func (m *Master) logLevel(o *operator) {
	configured := m.gen.config.Global.LogLevel
	if configured == 0 {
		configured = zlog.Notice
	}
	answer := control.Answer{Done: true}
	if name := o.Request.Level; name != "" {
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
	if o.Request.Level == "" {
		o.Tell(answer)
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
