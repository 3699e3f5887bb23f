package lifecycle

/*
#include <stdlib.h>
#include "engine_load.h"
*/
import "C"

import (
	"syscall"
	"unsafe"
)

// ScriptOwner returns the user ID of the owner of the file that OpenScript has opened. If opcache has the script's code that is the
// owner of what is at the path by now. The error is a syscall.Errno; EACCES: the script is not a file.
func (w *Web) ScriptOwner() (int, error) {
	var uid C.uint32_t
	if errno := C.engine_script_owner(&uid); errno != 0 {
		return 0, syscall.Errno(errno)
	}
	return int(uid), nil
}

// OpenStdin makes standard input the script, under the given name.
func (w *Web) OpenStdin(name string) {
	withText(name, func(c *C.char) { C.engine_script_open_stdin(c) })
}

// ExecuteFile runs the script in the file path.
func (w *Web) ExecuteFile(path string) {
	withText(path, func(c *C.char) { C.engine_script_open_file(c) })
	C.engine_web_execute()
}

// ExecuteRouter runs a router script, and reports whether it declined the request by returning false.
func (w *Web) ExecuteRouter(path string) (declined bool) {
	withText(path, func(c *C.char) { declined = C.engine_web_execute_router(c) != 0 })
	return declined
}

// Lint checks the syntax of the script that was opened, prints the result and reports it.
func (w *Web) Lint() bool {
	return C.engine_script_lint() != 0
}

// Strip prints the script that was opened without comments and whitespace.
func (w *Web) Strip() {
	C.engine_script_strip()
}

// Highlight shows the source of the script that was opened.
func (w *Web) Highlight() {
	C.engine_script_highlight()
}

// NoDefaultContentType leaves out the Content-Type header that PHP adds if the script sets none.
func (w *Web) NoDefaultContentType() {
	C.engine_web_no_default_content_type()
}

// ResponseHeaders appends the response's header lines, valid until the request's shutdown, to lines. It is for after the
// script.
func (w *Web) ResponseHeaders(lines [][]byte) [][]byte {
	for {
		line := C.engine_web_next_header()
		if line == nil {
			return lines
		}
		lines = append(lines, unsafe.Slice((*byte)(unsafe.Pointer(line)), int(w.c.line_len)))
	}
}

// ScriptError is the last error PHP reported.
type ScriptError struct {
	Fatal   bool // it ended the script: in worker mode that is not an exception after which the script continued
	Message string
	File    string
	Line    int
}

// LastError returns the last error of the request.
func (w *Web) LastError() (ScriptError, bool) {
	var e C.struct_engine_error
	if C.engine_web_last_error(&e) == 0 {
		return ScriptError{}, false
	}
	return ScriptError{e.fatal != 0, C.GoString(e.message), C.GoString(e.file), int(e.line)}, true
}

func withText(text string, use func(c *C.char)) {
	c := C.CString(text)
	use(c)
	C.free(unsafe.Pointer(c))
}
