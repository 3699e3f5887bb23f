package lifecycle

/*
#include <stdlib.h>
#include "engine.h"
*/
import "C"

import (
	"unsafe"

	"github.com/phpsapi/phpsapi/sapi"
)

// Server answers a web server's requests, one after another. The module must have been started under another name
// than sapi.CLI.
type Server struct {
	memory arena
}

// NewServer gives the engine's side for requests. From now on C calls Go while PHP runs.
func (e *Engine) NewServer() *Server {
	C.engine_go_is_ready()
	return &Server{}
}

// current is the request in hand, for the callbacks from C: the engine is not thread-safe and serves one request at
// a time.
var current *sapi.Request

// RequestStartup starts the request r. Whatever it returns, RequestShutdown must follow. The error is
// ErrRequestStartup.
func (s *Server) RequestStartup(r *sapi.Request) error {
	s.memory.reset()
	c := (*C.struct_engine_request)(s.memory.alloc(C.sizeof_struct_engine_request))
	c.method = s.memory.text(r.Method)
	c.uri = s.memory.text(r.URI)
	c.query_string = s.memory.text(r.QueryString)
	c.path_translated = s.memory.text(r.PathTranslated)
	if r.HasContentType {
		c.content_type = s.memory.str(r.ContentType)
	}
	c.cookie = s.memory.text(r.Cookie)
	c.authorization = s.memory.text(r.Authorization)
	c.content_length = C.int64_t(r.ContentLength)
	c.protocol = C.int(r.Protocol)
	c.has_body = boolean(r.Body != nil)
	c.status = C.int(r.Status)
	c.no_headers = boolean(r.NoHeaders)
	c.environment = boolean(r.Environment)
	c.direct = boolean(r.Direct)
	c.server_name = s.memory.text(r.ServerName)
	c.document_root = s.memory.text(r.DocumentRoot)
	c.argc, c.argv = s.memory.argv(r.Argv)
	c.variables, c.variables_len = s.memory.variables(r.Variables)
	c.headers, c.headers_len = s.memory.variables(r.Headers)
	current = r
	if C.engine_server_request_startup(c) != 0 {
		return ErrRequestStartup
	}
	return nil
}

// Execute runs the script in the file path.
func (s *Server) Execute(path string) {
	C.engine_server_execute(s.memory.text(path))
}

// ExecuteRouter runs a router script, and reports whether it declined the request by returning false.
func (s *Server) ExecuteRouter(path string) (declined bool) {
	return C.engine_server_execute_router(s.memory.text(path)) != 0
}

// NoDefaultContentType leaves out the Content-Type header that PHP adds where the script set none.
func (s *Server) NoDefaultContentType() {
	C.engine_server_no_default_content_type()
}

// RequestShutdown ends the request: shutdown functions, destructors, the rest of the output.
func (s *Server) RequestShutdown() {
	C.engine_server_request_shutdown(0)
	current = nil
}

// Decline ends the request and throws its response's head away: the front end answers in another way.
func (s *Server) Decline() {
	C.engine_server_request_shutdown(1)
	current = nil
}

// Status is the response's status so far.
func (s *Server) Status() int {
	return int(C.engine_server_response_status())
}

// SetStatus sets the response's status.
func (s *Server) SetStatus(status int) {
	C.engine_server_set_status(C.int(status))
}

// ScriptError is the last error PHP reported.
type ScriptError struct {
	Fatal   bool // it ended the script
	Message string
	File    string
	Line    int
}

// LastError gives the last error of the request in hand.
func (s *Server) LastError() (ScriptError, bool) {
	var e C.struct_engine_error
	if C.engine_last_error(&e) == 0 {
		return ScriptError{}, false
	}
	return ScriptError{e.fatal != 0, C.GoString(e.message), C.GoString(e.file), int(e.line)}, true
}

// Setting is the value of a numeric or boolean setting; 0 where there is none of that name.
func (s *Server) Setting(name string) int64 {
	return int64(C.engine_setting(s.memory.text(name)))
}

// SettingText is a setting's value; empty where it has none.
func (s *Server) SettingText(name string) string {
	return C.GoString(C.engine_setting_text(s.memory.text(name)))
}

// arena is C memory for what a request passes to C: it is used anew for each request, so that a worker's memory does
// not grow and C never holds a pointer of Go's. It grows by whole blocks, and what was given out stays where it is.
type arena struct {
	blocks []unsafe.Pointer
	sizes  []int
	block  int // the one in use
	at     int
}

const arenaBlock = 64 << 10

// reset makes all memory free again.
func (a *arena) reset() {
	a.block, a.at = 0, 0
}

// alloc gives n zeroed bytes, aligned for any C type.
func (a *arena) alloc(n int) unsafe.Pointer {
	n = (n + 15) &^ 15
	for a.block < len(a.blocks) && a.at+n > a.sizes[a.block] {
		a.block++
		a.at = 0
	}
	if a.block == len(a.blocks) {
		size := max(arenaBlock, n)
		a.blocks = append(a.blocks, C.malloc(C.size_t(size)))
		a.sizes = append(a.sizes, size)
	}
	p := unsafe.Add(a.blocks[a.block], a.at)
	a.at += n
	clear(unsafe.Slice((*byte)(p), n))
	return p
}

// text gives s as a C string; NULL for the empty one.
func (a *arena) text(s string) *C.char {
	if s == "" {
		return nil
	}
	return a.str(s)
}

func (a *arena) str(s string) *C.char {
	p := a.alloc(len(s) + 1)
	copy(unsafe.Slice((*byte)(p), len(s)), s)
	return (*C.char)(p)
}

func (a *arena) argv(list []string) (C.int, **C.char) {
	if len(list) == 0 {
		return 0, nil
	}
	memory := (**C.char)(a.alloc((len(list) + 1) * int(unsafe.Sizeof((*C.char)(nil)))))
	for i, arg := range list {
		unsafe.Slice(memory, len(list))[i] = a.str(arg)
	}
	return C.int(len(list)), memory
}

func (a *arena) variables(list []sapi.Variable) (*C.struct_engine_variable, C.size_t) {
	if len(list) == 0 {
		return nil, 0
	}
	memory := (*C.struct_engine_variable)(a.alloc(len(list) * C.sizeof_struct_engine_variable))
	c := unsafe.Slice(memory, len(list))
	for i, v := range list {
		c[i].name, c[i].name_len = a.str(v.Name), C.size_t(len(v.Name))
		c[i].value, c[i].value_len = a.str(v.Value), C.size_t(len(v.Value))
	}
	return memory, C.size_t(len(list))
}
