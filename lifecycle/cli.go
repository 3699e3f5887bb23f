package lifecycle

/*
#include <stdlib.h>
#include <string.h>
#include "engine.h"
*/
import "C"

import (
	"errors"
	"os"
	"unsafe"
)

// ErrRequestStartup says that php_request_startup failed.
var ErrRequestStartup = errors.New("the request could not be started")

// CommandLine runs scripts as php's command line does: output goes to file descriptor 1 as it comes, there are no
// headers, and $argv holds the arguments. A script may fork: the child ends in C and never comes back to Go.
type CommandLine struct {
	engine *Engine
}

// CommandLine gives the engine's command line. The module must have been started as sapi.CLI.
func (e *Engine) CommandLine() CommandLine {
	return CommandLine{e}
}

// HasShell says whether ext/readline is there to run an interactive shell.
func (CommandLine) HasShell() bool {
	return C.engine_cli_has_shell() != 0
}

// OpenScript opens the file to run, and reports whether it could.
func (CommandLine) OpenScript(path string) bool {
	return C.engine_cli_open_script(C.CString(path)) == 0
}

// OpenStdin makes standard input the script, under the given name.
func (CommandLine) OpenStdin(name string) {
	C.engine_cli_open_stdin(C.CString(name))
}

// CloseScript closes what OpenScript or OpenStdin opened. It must come before RequestShutdown: the handle's memory
// is the request's.
func (CommandLine) CloseScript() {
	C.engine_cli_close_script()
}

// RequestStartup starts a request whose $argv is argv; argv[0] is PHP_SELF too. scriptFilename is empty where the
// script is not a file. The error is ErrRequestStartup.
func (CommandLine) RequestStartup(argv []string, scriptFilename string) error {
	list := (*[1 << 20]*C.char)(C.calloc(C.size_t(len(argv)+1), C.size_t(unsafe.Sizeof((*C.char)(nil)))))
	for i, arg := range argv {
		list[i] = C.CString(arg)
	}
	if C.engine_cli_request_startup(C.int(len(argv)), &list[0], list[0], C.CString(scriptFilename)) != 0 {
		return ErrRequestStartup
	}
	return nil
}

// Execute runs the script; withStreams defines STDIN, STDOUT and STDERR first.
func (CommandLine) Execute(withStreams bool) {
	C.engine_cli_execute(boolean(withStreams))
}

// Shell runs ext/readline's interactive shell.
func (CommandLine) Shell(withStreams bool) {
	C.engine_cli_shell(boolean(withStreams))
}

// Eval runs code that has no tags (php's -r). name stands for a file name in messages.
func (CommandLine) Eval(code, name string) {
	C.engine_cli_eval(C.CString(code), C.CString(name))
}

// Lint checks the script's syntax and prints the result, in which name is the script's name.
func (CommandLine) Lint(name string) {
	C.engine_cli_lint(C.CString(name))
}

// Strip prints the script without comments and whitespace.
func (CommandLine) Strip() {
	C.engine_cli_strip()
}

// Highlight prints the script as highlighted HTML.
func (CommandLine) Highlight() {
	C.engine_cli_highlight()
}

// LineCode is the code for ProcessStdin; nil stands for none. Of Run and File at most one is set.
type LineCode struct {
	Begin, Run, File, End *string
}

// ProcessStdin runs code for every line of standard input (php's -B, -R, -F and -E).
func (CommandLine) ProcessStdin(code LineCode) {
	C.engine_cli_process_stdin(optional(code.Begin), optional(code.Run), optional(code.File), optional(code.End))
}

// RequestFailed takes back what was begun where no request could be started.
func (CommandLine) RequestFailed() {
	C.engine_cli_request_failed()
}

// Deactivate ends what was printed outside of any request.
func (CommandLine) Deactivate() {
	C.engine_deactivate()
}

// RequestShutdown ends the request: shutdown functions, destructors, output buffers.
func (CommandLine) RequestShutdown() {
	C.engine_request_shutdown()
}

// Exit shuts the module down and ends the process with status, the way C's exit does: what extensions left for the
// end of the process runs.
func (c CommandLine) Exit(status int) {
	c.engine.ModuleShutdown()
	C.exit(C.int(status))
}

// HideArguments overwrites the memory in which the kernel shows the arguments from the given one on (php's -H).
func HideArguments(from int) {
	for i := from; i < len(os.Args); i++ {
		if arg := C.engine_argv(C.int(i)); arg != nil {
			C.memset(unsafe.Pointer(arg), 0, C.strlen(arg))
		}
	}
}

func optional(text *string) *C.char {
	if text == nil {
		return nil
	}
	return C.CString(*text)
}
