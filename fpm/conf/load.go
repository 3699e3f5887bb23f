// Counterpart: sapi/fpm/fpm/fpm_conf.c (fpm_conf_init_main)

package conf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/phpsapi/phpsapi/fpm/conf/ini"
	"github.com/phpsapi/phpsapi/fpm/zlog"
	"github.com/phpsapi/phpsapi/sapi"
)

// ExitConfig is php-fpm's exit code when it cannot start with a configuration.
const ExitConfig = 78

// ExitSoftware is its exit code when it fails otherwise.
const ExitSoftware = 70

// A Logger takes php-fpm's messages; *zlog.Log is one.
type Logger interface {
	Log(level zlog.Level, msg string)
	// LogErr logs msg with the system error err behind it.
	LogErr(level zlog.Level, msg string, err error)
}

// A Build is the paths compiled into a php-fpm.
type Build struct {
	Prefix        string // PHP_PREFIX: where relative paths start
	LocalStateDir string // PHP_LOCALSTATEDIR: where those of pid and error_log start
	Config        string // the configuration file if no other is named
}

// Debian returns the paths of Debian's php-fpm for a PHP version such as "8.2".
func Debian(version string) Build {
	return Build{Prefix: "/usr", LocalStateDir: "/var", Config: "/etc/php/" + version + "/fpm/php-fpm.conf"}
}

// Options say what to load and how. Only Log is needed.
type Options struct {
	Path      string // -y, else php.ini's fpm.config; "": Build.Config, or etc/php-fpm.conf under Prefix
	Prefix    Text   // -p
	Pid       string // -g: the pid file, unless the configuration names one
	Daemonize *bool  // -D and -F: overrules the configuration
	AllowRoot bool   // -R

	// Overrides, told the names of the pools, gives what overrules the files;
	// none of php-fpm's own flags does that. It is applied when the files are
	// read and then checked alike. nil: nothing does.
	Overrides func(pools []string) ([]Setting, error)
	// Origins makes -tt say behind each value where it comes from, and
	// Appendix returns further lines of it; nil: there are none.
	Origins  bool
	Appendix func() []string
	// Verify is called with a configuration that passed all checks: others.
	Verify func(*Config) error

	PHP    sapi.PHPVersion // whose php-fpm this is like; 0: the oldest
	Build  Build           // zero: Debian("8.2")
	Log    Logger          // nil: nothing is logged
	Stderr io.Writer       // for complaints about syntax, which php-fpm does not log; nil: os.Stderr
	System System

	// Places are where the engine has php.ini; zero: where Debian's php-fpm has it.
	Places sapi.Places
	// Constant knows PHP's constants. nil: those of PHP 8.2's built-in
	// extensions, except versions. PHP_SAPI is fpm-fcgi in any case.
	Constant func(name string) (string, bool)
	// Loaded asks PHP for all constants. A Load calls it at most once, and
	// only if a value has a word that may be one which Constant does not know
	// (ini.MayBeLoaded). nil: such words are text.
	Loaded func() (map[string]string, error)
	// Directive knows the directives of php.ini, which ${name} means before
	// environment variables. nil: there are none.
	Directive func(name string) (string, bool)
}

// File returns the configuration file that is read.
func (o *Options) File() string {
	switch {
	case o.Path != "":
		return o.Path
	case o.Prefix.Set:
		return o.Prefix.Value + "/etc/php-fpm.conf"
	case o.Build == Build{}:
		return Debian("8.2").Config
	}
	return o.Build.Config
}

// Load reads and checks a configuration. It logs what php-fpm logs, except the
// last line, "FPM initialization failed" (see Failed). The error is an *Error.
func Load(opt Options) (*Config, error) {
	l := newLoader(opt)
	if !l.load() {
		return nil, l.err
	}
	return l.cfg, nil
}

// Check is php-fpm -t, and with dump php-fpm -tt: it loads a configuration, looks
// up the pools' users and groups, shows the configuration, says that all is
// well and returns 0; or says what is not and returns ExitConfig.
func Check(opt Options, dump bool) (exit int, err error) {
	l := newLoader(opt)
	if !l.load() || !l.knowUsers() {
		Failed(l.opt.Log, l.err)
		return ExitConfig, l.err
	}
	if dump {
		l.dump()
	}
	end := ""
	if !opt.PHP.AtLeast(8, 4) {
		end = "\n"
	}
	l.say(zlog.Notice, "configuration file %s test is successful"+end, l.cfg.Path)
	return 0, nil
}

// Failed logs that php-fpm does not start because of err, unless err comes from
// a configuration that wants more serious messages only.
func Failed(log Logger, err error) {
	var e *Error
	if errors.As(err, &e) && zlog.Error < e.level {
		return
	}
	log.Log(zlog.Error, "FPM initialization failed")
}

// loader is the state of one Load.
type loader struct {
	opt   Options
	sys   System
	env   ini.Env
	level zlog.Level // what is logged
	cfg   *Config
	err   error // the first *Error

	pool  *Pool // of the section we are in; nil in [global]
	depth int   // of includes

	// file and line are what php-fpm's messages name; it counts on from the
	// end of an included file. here is the true place.
	file string
	line int
	here Place

	loaded map[string]string // what opt.Loaded has told
	asked  bool

	include Text  // of the line just parsed
	bad     bool  // an error in it has been logged
	total   int64 // bytes read
}

func newLoader(opt Options) *loader {
	if opt.Build == (Build{}) {
		opt.Build = Debian("8.2")
	}
	if opt.Log == nil {
		opt.Log = nowhere{}
	}
	if opt.Stderr == nil {
		opt.Stderr = os.Stderr
	}
	if opt.Constant == nil {
		opt.Constant = ini.Constant
	}
	l := &loader{opt: opt, sys: opt.System.complete(), level: zlog.Notice, cfg: &Config{Global: newGlobal()}}
	l.env = ini.Env{Constant: l.constant, Loaded: l.loadedConstant, Variable: l.variable, PHP: opt.PHP}
	return l
}

func (l *loader) constant(name string) (string, bool) {
	places := l.opt.Places
	if places.Dir == "" {
		dir := filepath.Dir(l.opt.Build.Config)
		places = sapi.Places{Dir: dir, ScanDir: filepath.Join(dir, "conf.d")}
	}
	switch name {
	case "PHP_SAPI":
		return "fpm-fcgi", true
	case "PHP_CONFIG_FILE_PATH":
		return places.Dir, true
	case "PHP_CONFIG_FILE_SCAN_DIR":
		return places.ScanDir, true
	}
	return l.opt.Constant(name)
}

// loadedConstant knows what only PHP knows, once it has started.
func (l *loader) loadedConstant(name string) (string, bool) {
	if l.opt.Loaded == nil || !ini.MayBeLoaded(name) {
		return "", false
	}
	if !l.asked {
		l.asked = true
		var err error
		if l.loaded, err = l.opt.Loaded(); err != nil {
			l.say(zlog.Warning, "[%s:%d] %s is taken as text, and so is every other word that may be a constant of an extension: "+
				"%v; put words that are text in quotes", l.file, l.line, name, err)
		}
	}
	value, ok := l.loaded[name]
	return value, ok
}

func (l *loader) variable(name string) (string, bool) {
	if l.opt.Directive != nil {
		if v, ok := l.opt.Directive(name); ok {
			return v, true
		}
	}
	return l.sys.Getenv(name)
}

func (l *loader) load() bool {
	if p := l.opt.Prefix; p.Filled() && !l.sys.isDir(p.Value) {
		return l.refuse(Error{}, zlog.Error, "the global prefix '%s' does not exist or is not a directory", p.Value)
	}
	l.begin()
	if !l.readFile(l.cfg.Path) {
		return l.refuse(Error{Place: Place{File: l.cfg.Path}}, zlog.Error, "failed to load configuration file '%s'", l.cfg.Path)
	}
	if !l.override() {
		return false
	}
	if !l.settleGlobal() || !l.checkPools() || !l.openAccessLogs() {
		return l.refuse(Error{}, zlog.Error, "failed to post process the configuration")
	}
	if l.opt.Verify != nil {
		if err := l.opt.Verify(l.cfg); err != nil {
			return l.refuse(Error{}, zlog.Error, "%s", err)
		}
	}
	return true
}

// begin takes from the options which file to read, and what counts unless that says otherwise.
func (l *loader) begin() {
	if l.opt.Pid != "" {
		l.cfg.Global.Pid = setText(l.opt.Pid)
		l.cfg.Global.places.set("pid", Place{File: "--pid"})
	}
	l.cfg.Path = l.opt.File()
}

// say logs a message.
func (l *loader) say(level zlog.Level, format string, args ...any) {
	if level >= l.level {
		l.opt.Log.Log(level, fmt.Sprintf(format, args...))
	}
}

// refuse logs why the configuration cannot be used and remembers the first
// reason, completing e. It returns false.
func (l *loader) refuse(e Error, level zlog.Level, format string, args ...any) bool {
	e.Msg = fmt.Sprintf(format, args...)
	l.say(level, "%s", e.Msg)
	l.remember(e)
	return false
}

// refuseErr is refuse for a failed system call.
func (l *loader) refuseErr(err error, e Error, format string, args ...any) bool {
	e.Msg = fmt.Sprintf(format, args...)
	e.Err = err
	l.sayErr(err, "%s", e.Msg)
	l.remember(e)
	return false
}

// refusePool is refuse for something wrong with a pool's directive.
func (l *loader) refusePool(p *Pool, directive string, level zlog.Level, format string, args ...any) bool {
	e := Error{Pool: p.Name, Directive: directive, Msg: fmt.Sprintf(format, args...)}
	e.Place = p.nearest(directive)
	l.say(level, "[pool %s] %s", p.Name, e.Msg)
	l.remember(e)
	return false
}

// sayErr logs an error with a system error.
func (l *loader) sayErr(err error, format string, args ...any) {
	if zlog.Error >= l.level {
		l.opt.Log.LogErr(zlog.Error, fmt.Sprintf(format, args...), err)
	}
}

func (l *loader) remember(e Error) {
	if l.err == nil {
		e.level = l.level
		l.err = &e
	}
}

type nowhere struct{}

func (nowhere) Log(zlog.Level, string)           {}
func (nowhere) LogErr(zlog.Level, string, error) {}
