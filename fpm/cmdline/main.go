package cmdline

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/conf"
	"github.com/phpsapi/phpsapi/fpm/master"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// The exit statuses of php-fpm (fpm.h) that are the command line's.
const (
	ExitOK       = 0
	ExitUsage    = 64
	ExitSoftware = 70
)

// Shown is what a command line may ask to be shown of PHP.
type Shown int

// What -i, -m and -v show.
const (
	ShowInfo Shown = iota
	ShowModules
	ShowVersion
)

// Invocation is how the command line was called, and what of the engine the caller lends it.
type Invocation struct {
	Argv    []string // the whole command line, for executing it again
	Args    []string // php-fpm's arguments
	Program string   // what the usage text calls the program
	Binary  string   // PHP_BINARY; empty if it is not known
	File    string   // this program's file

	Asked engines.Asked // the engine that was asked for, by whom
	// Choose returns the engine that is meant. Even with an error its Minor tells a version, for messages and for PHP's
	// directories.
	Choose  func(engines.Asked) (engines.Choice, error)
	Headers string // the PHP_VERSION of the headers that this program was built with
	Release string // phpsapi's own version
	// Own says that phpsapi was called by its own name: without a php-fpm.conf it serves all the same.
	Own   bool
	Title func(string) // sets the process title; nil if there is none
	Stay  func()       // called before this process becomes a master; nil does nothing
	// Started has a service that is started run in the background, and is called with its pid when it serves. If it is nil the configuration decides.
	Started func(pid int)
	// Show starts PHP on an engine in this process and shows something of it. It returns the exit status, or ends the process.
	Show func(engines.Choice, sapi.Module, Shown) int
}

// neededFiles is how many files a configuration needs to be read: one, and Go's poller two.
const neededFiles = 3

// Main is php-fpm's command line. It returns the exit status when the service has ended.
func Main(call Invocation) int {
	c := parse(call.Args)
	c.binary = call.Binary
	switch c.action {
	case actionHelp:
		Usage(os.Stdout, call.Program)
		return ExitOK
	case actionUsage:
		switch {
		case !call.Own: // php-fpm says no more
			Usage(os.Stdout, call.Program)
		case c.command != "":
			fmt.Fprintf(os.Stderr, "%s: the command comes before the options: %[1]s %s\n", call.Program, c.command)
		default:
			fmt.Fprintf(os.Stderr, "%s: %s; %[1]s --help lists them\n", call.Program, c.misused)
		}
		return ExitUsage
	}
	if err := sapi.NeedFiles(neededFiles); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", call.Program, err)
		return ExitSoftware
	}
	if _, err := call.Choose(c.asked(call.Asked)); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", call.Program, err)
		return ExitSoftware
	}
	switch c.action {
	case actionShow:
		options := c.masterOptions(call)
		engine, module := options.Shown()
		return call.Show(engine, module, c.shown)
	case actionTest:
		options := c.masterOptions(call)
		return master.Check(options, c.dump)
	}
	if call.Started != nil {
		if c.daemonize != nil && !*c.daemonize {
			fmt.Fprintf(os.Stderr, "%s: a service in the foreground has no outcome until it ends; leave out -F\n", call.Program)
			return ExitUsage
		}
		c.daemonize = new(true)
	}
	if call.Stay != nil {
		call.Stay()
	}
	return master.Main(c.masterOptions(call))
}

// Locate returns the path of the configuration of a service with these arguments, and that of its pid file, which is empty if there is none.
func Locate(call Invocation) (config, pidFile string) {
	c := parse(call.Args)
	c.binary = call.Binary
	return master.Locate(c.masterOptions(call))
}

// masterOptions are the options for the master. Its process title takes the memory of the arguments: what stays is
// copied.
func (c *commandLine) masterOptions(call Invocation) master.Options {
	for _, text := range []*string{&c.config, &c.pid, &c.prefix.Value, &c.iniOverride, &c.entries, &c.binary} {
		*text = strings.Clone(*text)
	}
	argv := slices.Clone(call.Argv)
	for i := range argv {
		argv[i] = strings.Clone(argv[i])
	}
	return master.Options{
		Conf:        conf.Options{Path: c.config, Prefix: c.prefix, Pid: c.pid, Daemonize: c.daemonize, AllowRoot: c.allowRoot},
		ForceStderr: c.forceStderr,
		Settings:    c.settings,
		Overrides:   c.overrides(),
		Own:         call.Own,
		Argv:        argv,
		Program:     call.File,
		Asked:       c.asked(call.Asked),
		Choose:      call.Choose,
		Version:     call.Release,
		Module:      c.module,
		Constants:   c.constants(call.Headers),
		Title:       call.Title,
		Started:     call.Started,
	}
}

// asked is what the caller and the options say of the engine. The options of the settings know it as one of theirs, too.
func (c *commandLine) asked(asked engines.Asked) engines.Asked {
	for _, text := range []*string{&asked.Option, &asked.Environment, &asked.Name} {
		*text = strings.Clone(*text) // the process title takes the memory of the arguments
	}
	const key = "engine"
	if given := c.settings.Flags[key]; len(given) > 0 {
		asked.Option = given[len(given)-1]
	} else if asked.Option != "" {
		if c.settings.Flags == nil {
			c.settings.Flags = map[string][]string{}
		}
		c.settings.Flags[key] = []string{asked.Option}
	}
	return asked
}

// module is php-fpm's module with the settings the options ask for. configured is what the engine has told of its places.
func (c *commandLine) module(engine engines.Choice, configured sapi.Places) sapi.Module {
	m := sapi.Module{
		Name:         sapi.FPM,
		PrettyName:   "FPM/FastCGI",
		Binary:       c.binary,
		ExtendedInfo: c.extendedInfo,
		InfoAsText:   c.action == actionShow,
	}
	m.INI = sapi.INISource{
		Version:    engine.Minor(),
		Package:    "fpm",
		Configured: configured,
		Override:   c.iniOverride,
		Ignore:     c.ignoreINI,
		Binary:     c.binary,
		Getenv:     os.LookupEnv,
	}.Locate()
	m.INI.Entries = c.entries
	return m
}
