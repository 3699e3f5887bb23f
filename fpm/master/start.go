// Counterpart: sapi/fpm/fpm/fpm.c (fpm_init, fpm_run), fpm_main.c (main)

package master

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phpsapi/phpsapi/fpm/announce"
	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/errorlog"
	"github.com/phpsapi/phpsapi/fpm/handoff"
	"github.com/phpsapi/phpsapi/fpm/phpini"
	"github.com/phpsapi/phpsapi/fpm/plan"
	"github.com/phpsapi/phpsapi/fpm/sandbox"
	"github.com/phpsapi/phpsapi/fpm/scoreboard"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/fpm/startup"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/lifecycle/zygote"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// The exit statuses of php-fpm (fpm.h).
const (
	exitOK       = 0
	exitSoftware = conf.ExitSoftware
	exitConfig   = conf.ExitConfig
)

// gcPercent keeps the master small: it has little to remember and makes little garbage, but it stays for months.
const gcPercent = 25

// Options say how to run.
type Options struct {
	Conf        conf.Options // what to load; Log and System.OpenErrorLog are the master's
	ForceStderr bool         // -O
	Argv        []string     // the command line, with which a daemon is executed too
	Program     string       // this program's file
	Version     string       // phpsapi's own, for `phpsapi fpm status`
	// Asked is which engine was asked for elsewhere than in phpsapi.yaml. Choose returns the one that is meant. It is asked for
	// every generation; even with an error its Minor tells a version.
	Asked  engines.Asked
	Choose func(engines.Asked) (engines.Choice, error)
	// Module says what the zygotes of an engine start, whose php.ini is at places that it has told, or zero. It is asked for every
	// generation: php.ini may have moved.
	Module func(engines.Choice, sapi.Places) sapi.Module
	// Constants returns what knows an engine's constants: conf.Options.Constant.
	Constants func(engines.Choice) func(name string) (string, bool)
	// Settings is where phpsapi's own settings come from, Overrides what overrules php-fpm.conf.
	Settings  settings.Source
	Overrides settings.Overrides
	// Own says that the program was called by its own name, phpsapi: if there is no php-fpm.conf, package settings has
	// one, and a service in the foreground stays in the session it was started in.
	Own bool
	// Title sets the process title; nil if there is none to set.
	Title func(string)
	// Started is called with the pid of a service in the background that serves; nil does nothing.
	Started func(pid int)

	// Kernel returns what the kernel has for sandboxes; nil: asked of the kernel.
	Kernel func() sandbox.Kernel

	places *startup.Places // nil: all engines are the distribution's
}

// located are the options for reading the configuration that php.ini knows of. The setting engine, which stands beside
// php-fpm.conf, does not say which php-fpm.conf it is.
func (o *Options) located() conf.Options {
	c := o.Conf
	engine, _ := o.Choose(o.Asked)
	c.Build = conf.Debian(engine.Minor())
	o.readINI(&c, engine)
	if c.Path == "" {
		c.Path, _ = c.Directive("fpm.config")
	}
	return c
}

// readINI makes an engine's php.ini, and what it has for it, those of a configuration.
func (o *Options) readINI(c *conf.Options, engine engines.Choice) {
	c.PHP, c.Places, c.Directive = engine.PHP(), o.places.Of(engine), o.settingsOf(engine).Get
}

// settingsOf returns an engine's settings in php.ini.
func (o *Options) settingsOf(engine engines.Choice) phpini.Settings {
	return phpini.Read(o.Module(engine, o.places.Of(engine)), engine.PHP())
}

// confOptions are those for a Load by this master, and what the Load finds out about a front.
func (o *Options) confOptions(e *errorlog.Log) (conf.Options, *plan.Plan) {
	c := o.located()
	source := o.Settings
	source.Overrides = o.Overrides
	if o.wantsBuiltIn(&c) {
		o.buildIn(&c, &source)
		e.ForceStderr = true
	} else {
		source.Beside = c.File()
	}
	c.Log = e.Messages
	c.System.OpenErrorLog = func(g *conf.Global) error { return e.Open(g, c.PHP) }
	found := plan.New(o.planSource())
	e.JSON = false
	own, err := source.Load()
	if err == nil {
		found.Engine, err = o.Choose(own.Asked(o.Asked))
		found.PHP = found.Engine.Minor()
	}
	if err == nil {
		o.readINI(&c, found.Engine)
	}
	found.INI = c.Directive
	if err == nil && c.Path == settings.BuiltInName {
		err = o.reachable(own)
	}
	if err != nil {
		c.Overrides = func([]string) ([]conf.Setting, error) { return nil, err }
		return c, found
	}
	found.Own = own
	e.JSON = own.LogJSON
	c.Constant = o.Constants(found.Engine)
	c.Overrides, c.Verify = o.Overrides.Resolve, found.Verify
	if own.Given() || o.Overrides.Any() {
		c.Origins, c.Appendix = true, found.Lines
	}
	return c, found
}

// planSource returns what plans are made with.
func (o *Options) planSource() plan.Source {
	return plan.Source{Overrides: o.Overrides, Choose: o.Choose, Kernel: o.kernel,
		Module:    func(engine engines.Choice) sapi.Module { return o.Module(engine, o.places.Of(engine)) },
		Directive: func(engine engines.Choice) func(string) (string, bool) { return o.settingsOf(engine).Get }}
}

// kernel returns what the kernel has for sandboxes.
func (o *Options) kernel() sandbox.Kernel {
	if o.Kernel == nil {
		return sandbox.ThisKernel()
	}
	return o.Kernel()
}

// Locate returns the path of the configuration that a master with these options has, and that of its pid file, which is empty if there is none.
func Locate(o Options) (config, pidFile string) {
	o.places = o.askedPlaces(realSystem())
	c := o.located()
	if o.wantsBuiltIn(&c) {
		return settings.BuiltInName, ""
	}
	c.Overrides = o.Overrides.Resolve
	return conf.PidFile(c)
}

// module returns what to start on an engine where these are phpsapi's own settings; nil: the defaults.
func (o *Options) module(engine engines.Choice, own *settings.Settings) sapi.Module {
	m := o.Module(engine, sapi.Places{})
	if own != nil && own.Apache {
		m = m.ForApache(engine.PHP(), os.LookupEnv)
	}
	m.WithoutPCNTL = own == nil || !own.PCNTL
	return m
}

// Shown returns the engine and the module that -i, -m and -v show: as the workers of a service with these options would have
// them. If its settings are wrong, they are those of a service without.
func (o *Options) Shown() (engines.Choice, sapi.Module) {
	o.places = o.askedPlaces(realSystem())
	_, plan := o.confOptions(errorlog.New(o.ForceStderr))
	engine := plan.Engine
	if plan.Own == nil {
		engine, _ = o.Choose(o.Asked)
	}
	return engine, o.module(engine, plan.Own)
}

// launch returns what a zygote of an engine is started with. A plan that is nil has the default settings.
func (o *Options) launch(plan *plan.Plan, engine engines.Choice) zygote.Config {
	var own *settings.Settings
	if plan != nil {
		own = plan.Own
	}
	// The name is what ps shows, and with the environment behind it the room for the workers' titles.
	return zygote.Config{Program: zygote.Self(o.Program), Argv: []string{"php-fpm: zygote process"}, Engine: engine.Library,
		Module: o.module(engine, own), Env: settings.Overrides{Environ: os.Environ()}.Rest()}
}

// Check is -t and, with dump, -tt. It returns the exit status.
func Check(o Options, dump bool) int {
	e := errorlog.New(o.ForceStderr)
	sys := realSystem()
	o.places = o.askedPlaces(sys)
	options, plan := o.confOptions(e)
	options.Loaded = o.asking(sys, plan)
	e.JSON = false // somebody reads it
	if verify := options.Verify; verify != nil {
		options.Verify = func(cfg *conf.Config) error {
			if err := verify(cfg); err != nil {
				return err
			}
			if err := plan.CheckIncidentLog(); err != nil {
				return err
			}
			for _, what := range plan.Doubts(cfg.Pools) {
				e.Messages.Logf(zlog.Warning, "%s", what)
			}
			return o.try(plan, sys, cfg.Pools)
		}
	}
	status, _ := conf.Check(options, dump)
	return status
}

// Main runs php-fpm's master and returns the exit status. In a process that is to become a daemon it starts that and
// returns its verdict.
func Main(o Options) int {
	runtime.GOMAXPROCS(1) // one loop decides all: another processor would cost threads, and wake-ups to no purpose
	return run(o, realSystem())
}

func run(o Options, sys system) int {
	starter := announce.ToStarter()
	h, err := handoff.Take()
	m := &Master{opt: o, sys: sys, box: newMailbox(), clock: scoreboard.NewClock(), zygotes: map[int]bool{},
		errorLog: errorlog.New(o.ForceStderr), systemd: announce.NewSystemd(os.Getenv)}
	m.signals, m.children = catchEarly()
	m.log = lines{m.errorLog.Messages}
	m.makeIncidentLog()
	m.invoked = invokedAs(o.Argv[0], o.Program)
	if err != nil {
		m.log.handoffRefused(err)
		return exitSoftware
	}
	if h != nil {
		m.takeOver(h)
		m.taken.lines.begin(m.errorLog.Messages)
	}
	status, daemon := m.start(starter)
	if daemon {
		return status
	}
	if m.taken != nil {
		m.taken.lines.end(m.errorLog.Messages)
		if m.taken.isTrial() {
			return m.endTrial(status)
		}
		if status != exitOK && m.deadly == 0 {
			m.fallBack(status)
		}
	}
	if status != exitOK {
		starter.Tell(announce.Failed)
		m.sockets.CloseAll()
		if m.deadly != 0 {
			dieOf(m.deadly)
			return 128 + int(m.deadly)
		}
		return status
	}
	m.unwanted = starter.Tell(announce.Started) != nil
	m.serve()
	return m.status
}

// start is everything up to "fpm is running". daemon says that the service is another process, and status its verdict.
func (m *Master) start(starter *announce.Starter) (status int, daemon bool) {
	m.opt.places = m.opt.askedPlaces(m.sys)
	options, plan := m.opt.confOptions(m.errorLog)
	load := options
	ask := m.opt.asking(m.sys, plan)
	load.Loaded = func() (map[string]string, error) {
		known, err := ask()
		m.constants = &startup.Answer{Known: known, Err: err}
		return known, err
	}
	if starter != nil { // it has all been said by the process that waits
		load.Log, load.Stderr = nil, io.Discard
	}
	if m.taken.isTrial() { // nothing is logged
		load.System.OpenErrorLog = func(*conf.Global) error { return nil }
		load.System.OpenLog = func(string) error { return nil }
	}
	cfg, err := conf.Load(load)
	if err != nil {
		conf.Failed(m.errorLog.Messages, err)
		return exitConfig, false
	}
	if cfg.Global.Daemonize && starter == nil && m.taken == nil {
		return announce.Daemonize(m.opt.Program, m.opt.Argv, m.log.Log, m.opt.Started), true
	}
	if starter == nil && m.taken == nil {
		m.errorLog.SaveStderr()
		if plan.HasFront() && plan.Own.AccessLog == settings.Stdout {
			m.errorLog.SaveStdout()
		}
		if !m.opt.Own {
			unix.Setsid() // as php-fpm; the terminal's Ctrl-C then reaches it only where the shell itself started it
		}
	}
	// Before the sockets, so that no command misses a service that clients can connect to. The loop answers.
	if m.taken == nil {
		m.listenControl()
	}
	if err := m.prepareFirst(cfg, options, plan); err != nil {
		m.log.failed()
		return exitConfig, false
	}
	if err := m.startFirst(starter); err != nil {
		if m.deadly == 0 {
			m.log.engineFailed(err)
		}
		return exitSoftware, false
	}
	if m.taken.isTrial() {
		return exitOK, false
	}
	leaveStdio()
	if err := m.startFront(m.gen); err != nil {
		m.log.frontNotStarted(err)
		m.log.failed()
		return exitSoftware, false
	}
	if err := announce.WritePID(cfg.Global.Pid.Value, m.log.Log); err != nil {
		m.log.failed()
		return exitConfig, false
	}
	return exitOK, false
}

// prepareFirst makes the first generation, without a process. The error has been logged.
func (m *Master) prepareFirst(cfg *conf.Config, options conf.Options, plan *plan.Plan) error {
	if err := limit(&cfg.Global, m.log); err != nil {
		return err
	}
	var files unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err == nil && files.Cur < leastDescriptors {
		err = fmt.Errorf("the master may have %d descriptors and needs %d at least: %w", files.Cur, leastDescriptors, unix.EMFILE)
		m.log.notPrepared(err)
		return err
	}
	m.sockets.Inherit(m.log.Log)
	if m.taken != nil {
		h := m.taken.h
		m.sockets.Adopt(h.Sockets, h.Handing, h.Trial >= 0)
	}
	g, err := m.newGeneration(cfg, options, plan, nil)
	if err != nil {
		return err
	}
	m.gen = g
	if m.taken == nil { // else the former workers may have them
		m.keepSockets(g)
	}
	if m.park, err = newParking(m); err != nil {
		m.log.notPrepared(err)
	}
	return err
}

// leaveStdio gives up stdin and stdout.
func leaveStdio() {
	if fd, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0); err == nil {
		unix.Dup3(fd, 0, 0)
		unix.Dup3(fd, 1, 0)
		unix.Close(fd)
	}
}

// serve makes the first workers and runs the loop to its end.
func (m *Master) serve() {
	debug.SetGCPercent(gcPercent)
	m.incidents.kernel.Look(m.sys.now()) // a process that is killed in the first second counts, too
	if m.taken != nil {
		m.beginTakeover()
	}
	m.begin()
	if m.unwanted {
		m.log.starterGone()
		m.stop(terminating)
	}
	m.loop()
	m.lastOutput()
	m.lastWords()
	m.log.byeBye()
	announce.RemovePID(m.gen.config.Global.Pid.Value, m.log.Log)
	m.endObservers()
	m.sockets.CloseAll()
	m.endZygotes()
}

// endZygotes waits for the zygotes to end, those too in which PHP starts.
func (m *Master) endZygotes() {
	m.stopStarts()
	for _, g := range m.generations() {
		for _, e := range g.engines {
			if e.zygote != nil {
				m.tending.Go(func() { e.zygote.Close() })
			}
		}
	}
	ended := make(chan struct{})
	go func() {
		m.tending.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(endPatience):
	}
}

// endPatience is for a process that not even SIGKILL ends.
const endPatience = 5 * time.Second

// stopStarts ends the starts of PHP that are under way.
func (m *Master) stopStarts() {
	for _, g := range m.generations() {
		g.cancelStarts()
	}
}

// begin is what happens when a generation begins to serve, at the start and after a reload.
func (m *Master) begin() {
	g := m.gen
	if m.opt.Title != nil {
		m.opt.Title("php-fpm: master process (" + g.config.Path + ")")
	}
	m.errorLog.Launched()
	if path := g.plan.IncidentLog(); path != m.incidents.log.Path() {
		m.incidents.log.Open(path)
	}
	m.log.running(os.Getpid())
	now := m.sys.now()
	m.incidents.kernel.Look(now)
	m.beginning = true
	for _, p := range g.pools {
		if p.limits.Initial() > len(p.children) {
			m.fill(p, p.limits.Initial(), true)
		}
		m.park.listen(p)
	}
	m.renewObserver()
	m.watchFiles()
	m.maintainAt = now.Add(maintenanceInterval)
	m.heartbeatAt = time.Time{}
	if d := m.heartbeat(); d > 0 {
		m.log.heartbeat(d)
		m.heartbeatAt = now.Add(d)
	}
	m.checkSilent(now)
	m.certificatesAt = time.Time{}
	if g.plan.HasFront() && len(g.plan.Own.Certificates) > 0 {
		m.certificatesAt = now.Add(m.sys.certificatesInterval)
	}
	m.begun()
}

// begun says that the generation serves, as soon as its first workers have been forked and those of the old one yield.
func (m *Master) begun() {
	if !m.beginning || m.gen.forking() || m.handover.postpone(m.sys.now(), &m.former) {
		return
	}
	m.beginning, m.started = false, true
	m.observers.News()
	if m.state == normal {
		m.log.ready()
		m.beginSystemd(m.sys.now())
		m.endTakeover()
	}
	m.announce()
}
