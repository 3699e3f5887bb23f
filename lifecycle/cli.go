package lifecycle

/*
#include <stdlib.h>
#include "engine_load.h"
#include "start.h"
*/
import "C"

import (
	"errors"
	"unsafe"

	"github.com/phpsapi/phpsapi/sapi"
)

// StandardInput is what a script that is not a file is called, CannotStart what is said where a request cannot be started.
const (
	StandardInput = C.START_STANDARD_INPUT
	CannotStart   = C.START_CANNOT_START
)

// CommandLineSettings returns the settings of the command line that php.ini cannot override, only -d, as lines of php.ini for PHP of that version.
func CommandLineSettings(version string) (settings string) {
	withText(version, func(c *C.char) { settings = C.GoString(C.start_cli_settings(c)) })
	return settings
}

// ErrRequestStartup says that php_request_startup failed.
var ErrRequestStartup = errors.New("the request could not be started")

// Work is what a run of the command line does with its script.
type Work int

// What there is to do with a script.
const (
	NoWork    Work = C.ENGINE_CLI_NOTHING // the caller does the work
	Execute   Work = C.ENGINE_CLI_EXECUTE
	Lint      Work = C.ENGINE_CLI_LINT
	Strip     Work = C.ENGINE_CLI_STRIP
	Highlight Work = C.ENGINE_CLI_HIGHLIGHT
	Code      Work = C.ENGINE_CLI_CODE  // php's -r
	Lines     Work = C.ENGINE_CLI_LINES // php's -B, -R, -F and -E
	Shell     Work = C.ENGINE_CLI_SHELL // php's -a
)

// Script is what the command line runs: output goes to file descriptor 1 as it comes, there are no headers. A script
// may fork: the child ends in C and never comes back to Go.
type Script struct {
	Work          Work
	Mode          int      // what php is asked for, a php_cli_mode of its sapi/cli/cli.h
	Argv          []string // $argv; the first is PHP_SELF, and the script's name where it is not a file
	File          *string  // the script; nil if it is not a file
	FromStdin     bool     // without File the script is standard input
	Code          string   // for Code: it has no tags
	Lines         LineCode // for Lines
	HideArguments bool     // overwrite the memory in which the kernel shows the arguments (php's -H)
	CannotStart   string   // what is printed when the request cannot be started
}

// LineCode is the code to run for standard input; nil stands for none. Of Run and File at most one is set.
type LineCode struct {
	Begin, Run, File, End *string
}

// Run starts PHP, runs one script and ends the process, by the status the script leaves. It replaces TakeProcess,
// ModuleStartup and all that follows, and costs the least: Go does not come back from it, so that its threads can be
// ended and PHP has the process for itself.
func (e *Engine) Run(m sapi.Module, s Script) {
	C.start_after_go(moduleInC(m), s.inC())
}

// CommandLine runs scripts as php's command line does, step by step. The module must have been started as sapi.CLI.
type CommandLine struct {
	engine *Engine
}

// CommandLine returns the engine's command line.
func (e *Engine) CommandLine() CommandLine {
	return CommandLine{e}
}

// HasShell reports whether ext/readline is there to run an interactive shell.
func (CommandLine) HasShell() bool {
	return C.engine_cli_has_shell() != 0
}

// ScriptRun is a run of a script: Begin, Work, End.
type ScriptRun struct {
	script *C.struct_engine_cli_script
}

// Prepare prepares a run of s.
func (CommandLine) Prepare(s Script) ScriptRun {
	return ScriptRun{s.inC()}
}

// Begin opens the script and starts PHP's request. If it returns false PHP has said why, and there is nothing to work on or to end.
func (r ScriptRun) Begin() bool {
	return C.engine_cli_begin(r.script) == 0
}

// Work does the script's work.
func (r ScriptRun) Work() {
	C.engine_cli_work(r.script)
}

// End ends PHP's request: shutdown functions, destructors, output buffers.
func (ScriptRun) End() {
	C.engine_cli_end()
}

// RequestFailed takes back what was begun where no request could be started.
func (CommandLine) RequestFailed() {
	C.engine_cli_request_failed()
}

// Deactivate ends what was printed outside of any request.
func (CommandLine) Deactivate() {
	C.engine_deactivate()
}

// RequestShutdown ends a request that Engine.RequestStartup started.
func (CommandLine) RequestShutdown() {
	C.engine_request_shutdown()
}

// Exit shuts the module down and ends the process with status, the way C's exit does: what extensions left for the
// end of the process runs.
func (c CommandLine) Exit(status int) {
	c.engine.ModuleShutdown()
	C.exit(C.int(status))
}

// inC copies s to C's memory, for good.
func (s Script) inC() *C.struct_engine_cli_script {
	c := (*C.struct_engine_cli_script)(C.calloc(1, C.sizeof_struct_engine_cli_script))
	c.work, c.mode = C.enum_engine_cli_work(s.Work), C.int(s.Mode)
	c.argc, c.argv = C.int(len(s.Argv)), argvInC(s.Argv)
	c.file = optional(s.File)
	c.from_stdin = boolean(s.FromStdin)
	c.code = C.CString(s.Code)
	c.begin = optional(s.Lines.Begin)
	c.line = optional(s.Lines.Run)
	c.line_file = optional(s.Lines.File)
	c.end = optional(s.Lines.End)
	c.hide_arguments = boolean(s.HideArguments)
	c.cannot_start = C.CString(s.CannotStart)
	return c
}

// argvInC copies list to C's memory, for good.
func argvInC(list []string) **C.char {
	argv := (**C.char)(C.calloc(C.size_t(len(list)+1), C.size_t(unsafe.Sizeof((*C.char)(nil)))))
	for i, argument := range list {
		unsafe.Slice(argv, len(list))[i] = C.CString(argument)
	}
	return argv
}

func optional(text *string) *C.char {
	if text == nil {
		return nil
	}
	return C.CString(*text)
}
