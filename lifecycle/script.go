package lifecycle

/*
#include "engine.h"
*/
import "C"

import "syscall"

// OpenPrimary opens the request's script by PHP's own rules (php_fopen_primary_script). The error is a
// syscall.Errno.
func (s *Server) OpenPrimary() error {
	if errno := C.engine_script_open_primary(); errno != 0 {
		return syscall.Errno(errno)
	}
	return nil
}

// OpenStdin makes standard input the script, under the given name.
func (s *Server) OpenStdin(name string) {
	C.engine_script_open_stdin(s.memory.text(name))
}

// ClosePrimary closes the script; it must come before RequestShutdown.
func (s *Server) ClosePrimary() {
	C.engine_script_close()
}

// ExecutePrimary runs the script that OpenPrimary or OpenStdin opened.
func (s *Server) ExecutePrimary() {
	C.engine_script_execute()
}

// LintPrimary checks the script's syntax, prints the result and reports it.
func (s *Server) LintPrimary() bool {
	return C.engine_script_lint() != 0
}

// StripPrimary prints the script without comments and whitespace.
func (s *Server) StripPrimary() {
	C.engine_script_strip()
}

// HighlightPrimary prints the script as highlighted HTML.
func (s *Server) HighlightPrimary() {
	C.engine_script_highlight()
}

// SkipShebang makes the compiler pass over a first line that begins with #!.
func (s *Server) SkipShebang() {
	C.engine_skip_shebang()
}

// ExtendedInfo compiles scripts with information for debuggers and profilers.
func (s *Server) ExtendedInfo() {
	C.engine_extended_info()
}

// NoChdir keeps the current directory when a script is executed.
func (s *Server) NoChdir() {
	C.engine_no_chdir()
}
