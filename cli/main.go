package cli

import (
	"fmt"
	"os"

	"github.com/phpsapi/phpsapi/lifecycle"
	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

// Invocation is how the command line was called.
type Invocation struct {
	Args    []string // the arguments, without the program's name
	Program string   // what the usage text calls the program
	Binary  string   // PHP_BINARY; empty if it is not known
	Engine  engines.Asked
}

// Main is php's command line. It ends the process if it has started PHP, and otherwise returns the exit status.
func Main(call Invocation) int {
	choice, choiceErr := lifecycle.Choose(call.Engine)
	php := choice.PHP()
	start, err := parseStartup(call.Args, php)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		Usage(os.Stdout, call.Program, php)
		return 1
	}
	if start.end == modeHelp {
		Usage(os.Stdout, call.Program, php)
		return 0
	}

	if choiceErr != nil {
		fmt.Fprintln(os.Stderr, choiceErr)
		return 1
	}
	if start.server {
		return serve(call, start, choice)
	}
	engine, err := lifecycle.Load(choice.Library)
	if err != nil {
		fmt.Fprintln(os.Stderr, choice.Refusal(err))
		return 1
	}
	module := start.module(call, engine.Description().Minor())
	if run := parseRun(call.Args, true, php); start.end == modeScript && run.ordinary() {
		engine.Run(module, run.forEngine())
		panic("BUG: the run of a script returned")
	}
	lifecycle.TakeProcess()
	if err := engine.ModuleStartup(module); err != nil {
		return 1
	}
	command := &commandLine{CommandLine: engine.CommandLine(), engine: engine, module: module, php: php}
	command.Exit(command.run(call.Args, start.end))
	panic("BUG: exit returned")
}

// module is the command line's module on an engine of a version, with the settings the options ask for.
func (s startup) module(call Invocation, version string) sapi.Module {
	m := sapi.Module{
		Name:         sapi.CLI,
		PrettyName:   "Command Line Interface",
		Binary:       call.Binary,
		InfoAsText:   true,
		ExtendedInfo: s.extendedInfo,
	}
	m.INI = sapi.INISource{
		Version:  version,
		Package:  "cli",
		Override: s.iniOverride,
		Ignore:   s.ignoreINI,
		Binary:   call.Binary,
		Getenv:   os.LookupEnv,
	}.Locate()
	m.INI.Defaults = []sapi.Setting{{Name: "display_errors", Value: "1"}}
	m.INI.Entries = lifecycle.CommandLineSettings(version) + s.entries
	return m
}
