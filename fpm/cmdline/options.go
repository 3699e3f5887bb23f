package cmdline

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/settings"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
	"github.com/phpsapi/phpsapi/sapi/getopt"
)

// options are php-fpm's, and --config, which is --fpm-config in fewer words.
var options = []getopt.Option{
	{Letter: 'c', Parameter: true, Name: "php-ini"},
	{Letter: 'd', Parameter: true, Name: "define"},
	{Letter: 'e', Name: "profile-info"},
	{Letter: 'h', Name: "help"},
	{Letter: 'i', Name: "info"},
	{Letter: 'm', Name: "modules"},
	{Letter: 'n', Name: "no-php-ini"},
	{Letter: '?', Name: "usage"},
	{Letter: 'v', Name: "version"},
	{Letter: 'y', Parameter: true, Name: "fpm-config"},
	{Letter: 'y', Parameter: true, Name: "config"},
	{Letter: 't', Name: "test"},
	{Letter: 'p', Parameter: true, Name: "prefix"},
	{Letter: 'g', Parameter: true, Name: "pid"},
	{Letter: 'R', Name: "allow-to-run-as-root"},
	{Letter: 'D', Name: "daemonize"},
	{Letter: 'F', Name: "nodaemonize"},
	{Letter: 'O', Name: "force-stderr"},
}

// The letters of phpsapi's own options, which have long names only: these, and from ownLetter on those of the settings'
// table.
const (
	setLetter = 0x80 + iota
	settingsLetter
	ownLetter
)

// allOptions are php-fpm's options and phpsapi's own.
func allOptions() []getopt.Option {
	all := append(slices.Clone(options), getopt.Option{Letter: setLetter, Parameter: true, Name: settings.SetFlag},
		getopt.Option{Letter: settingsLetter, Parameter: true, Name: settings.SettingsFlag})
	for i, r := range settings.Table() {
		if r.Flag != "" {
			all = append(all, getopt.Option{Letter: ownLetter + byte(i), Parameter: r.Alone == "", Optional: r.Alone != "", Name: r.Flag})
		}
	}
	return all
}

// engineFlag is engines.Option as the settings' table has it.
var engineFlag = strings.TrimPrefix(engines.Option, "--")

// own takes one of phpsapi's own options. It returns false if the option is misused.
func (c *commandLine) own(letter byte, value string) bool {
	switch value = strings.Clone(value); letter { // the process title takes the memory of the arguments
	case setLetter:
		c.sets = append(c.sets, value)
	case settingsLetter:
		c.settings.File = value
	default:
		row := &settings.Table()[letter-ownLetter]
		if need := needs(row.Flag); need != "" && (value == "" || strings.HasPrefix(value, "--")) { // of the engine as where TakeOption takes it
			c.action, c.misused = actionUsage, need
			return false
		}
		if c.settings.Flags == nil {
			c.settings.Flags = map[string][]string{}
		}
		if value == "" {
			value = row.Alone
		}
		c.settings.Flags[row.Key] = append(c.settings.Flags[row.Key], value)
	}
	return true
}

// needs returns what is said of an option that has no value, or another option in its place; empty: nothing of its own.
func needs(flag string) string {
	switch flag {
	case engineFlag:
		return engines.ErrNoValue.Error()
	case workerFlag:
		return "--" + workerFlag + " needs a script, such as public/index.php"
	}
	return ""
}

// workerFlag is the option that names a worker script.
const workerFlag = "worker"

// overrides are what overrules php-fpm.conf.
func (c *commandLine) overrides() settings.Overrides {
	return settings.Overrides{Sets: c.sets, Environ: os.Environ()}
}

// Commands are the commands that phpsapi's own name for php-fpm has, before the options.
var Commands = []string{"start", "reload", "upgrade", "stop", "test", "status", "incidents", "requests", "kill", "healthcheck", "scale", "pause", "resume",
	"drain", "config", "log-level", "top", "opcache", "profile"}

// action is what a command line asks for.
type action int

const (
	actionRun action = iota
	actionTest
	actionHelp
	actionUsage // what is wrong with the command line
	actionShow
)

// commandLine is what the options say.
type commandLine struct {
	action       action
	misused      string // of actionUsage: what is wrong
	command      string // of actionUsage: a command after the options, put before them
	shown        Shown  // of actionShow
	iniOverride  string // -c
	ignoreINI    bool   // -n
	entries      string // -d, as lines of php.ini
	extendedInfo bool   // -e
	config       string // -y
	prefix       conf.Text
	pid          string
	dump         bool // -tt
	allowRoot    bool
	daemonize    *bool
	forceStderr  bool
	settings     settings.Source // phpsapi's own
	sets         []string        // --set

	binary string // the Invocation's
}

// parse reads the options in php-fpm's order: some end the reading at once, -i waits for the rest.
func parse(args []string) commandLine {
	var c commandLine
	tests, info := 0, false
	g := getopt.Reader{Args: args, Options: allOptions()}
	for {
		o, ok, err := g.Next()
		if err != nil {
			c.misuse(&g)
			return c
		}
		if !ok {
			break
		}
		switch o.Letter {
		case 'c':
			c.iniOverride = o.Value
		case 'n':
			c.ignoreINI = true
		case 'd':
			c.entries += sapi.Define(o.Value)
		case 'e':
			c.extendedInfo = true
		case 'y':
			c.config = o.Value
		case 'p':
			c.prefix = conf.Text{Value: o.Value, Set: true}
		case 'g':
			c.pid = o.Value
		case 't':
			tests++
		case 'R':
			c.allowRoot = true
		case 'D', 'F':
			daemonize := o.Letter == 'D'
			c.daemonize = &daemonize
		case 'O':
			c.forceStderr = true
		case 'i':
			info = true
		case 'm':
			c.show(ShowModules, &g)
			return c
		case 'v':
			c.show(ShowVersion, &g)
			return c
		default:
			if o.Letter >= setLetter {
				if !c.own(o.Letter, o.Value) {
					return c
				}
				continue
			}
			c.action = actionHelp
			return c
		}
	}
	switch {
	case info:
		c.action, c.shown = actionShow, ShowInfo
	case len(g.Rest()) > 0:
		c.action, c.misused = actionUsage, strconv.Quote(g.Rest()[0])+" is neither an option nor a command"
		if options := args[:len(args)-len(g.Rest())]; len(options) > 0 && slices.Contains(Commands, g.Rest()[0]) {
			c.command = strings.Join(append([]string{g.Rest()[0]}, options...), " ")
		}
	case tests > 0:
		c.action = actionTest
		c.dump = tests > 1
	}
	return c
}

// show is -m and -v. php-fpm reads no further; but the engine that is shown may be named behind them.
func (c *commandLine) show(what Shown, g *getopt.Reader) {
	c.action, c.shown = actionShow, what
	for {
		o, ok, err := g.Next()
		switch {
		case err != nil && strings.TrimSuffix(g.Failed(), "=") == engines.Option:
			c.misuse(g)
			return
		case err != nil:
		case !ok:
			return
		case o.Letter >= ownLetter && settings.Table()[o.Letter-ownLetter].Flag == engineFlag:
			if !c.own(o.Letter, o.Value) {
				return
			}
		}
	}
}

// misuse is a command line whose last option is wrong.
func (c *commandLine) misuse(g *getopt.Reader) {
	c.action, c.misused = actionUsage, "unknown option "+g.Failed()+", or its value is missing"
	if need := needs(strings.TrimPrefix(strings.TrimSuffix(g.Failed(), "="), "--")); need != "" {
		c.misused = need
	}
}

// Usage prints php-fpm's usage text, in which program is the program's name.
func Usage(w io.Writer, program string) {
	fmt.Fprintf(w, usage, program)
}

const usage = `Usage: %s [-n] [-e] [-h] [-i] [-m] [-v] [-t] [-p <prefix>] [-g <pid>] [-c <file>] [-d foo[=bar]] [-y <file>] [-D] [-F [-O]]
  -c <path>|<file> Look for php.ini file in this directory
  -n               No php.ini file will be used
  -d foo[=bar]     Define INI entry foo with value 'bar'
  -e               Generate extended information for debugger/profiler
  -h               This help
  -i               PHP information
  -m               Show compiled in modules
  -v               Version number
  -p, --prefix <dir>
                   Specify alternative prefix path to FastCGI process manager (default: /usr).
  -g, --pid <file>
                   Specify the PID file location.
  -y, --fpm-config <file>
                   Specify alternative path to FastCGI process manager config file.
  -t, --test       Test FPM configuration and exit
  -D, --daemonize  force to run in background, and ignore daemonize option from config file
  -F, --nodaemonize
                   force to stay in foreground, and ignore daemonize option from config file
  -O, --force-stderr
                   force output to stderr in nodaemonize even if stderr is not a TTY
  -R, --allow-to-run-as-root
                   Allow pool to run as root (disabled by default)
`
