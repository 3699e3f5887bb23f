package lifecycle

/*
#include <stdlib.h>
#include <string.h>
#include "engine.h"
*/
import "C"

import (
	"runtime"
	"syscall"
	"unsafe"

	"github.com/phpsapi/phpsapi/sapi"
)

// FCGI answers the requests of FastCGI clients, one after another. The module must have been started with
// sapi.Module's FastCGI. In a steady state it allocates nothing.
type FCGI struct {
	client FCGIClient
	c      *C.struct_engine_fcgi_request // C memory, for life
	ended  bool                          // fastcgi_finish_request() was called

	// A response's head in the making.
	responseHead sapi.ResponseHead
	lines        [][]byte
	head         []byte

	// What C points to while a request runs.
	pinner runtime.Pinner
	params *byte
	pairs  *sapi.Pair
}

// FCGIClient is the client of the request in hand, as PHP sees it. An error says that it is gone.
type FCGIClient interface {
	// ReadBody fills p with the next bytes of the body, as far as there are any.
	ReadBody(p []byte) int
	// Room is memory of C's (see CBuffer) where the next bytes of output go: PHP fills it from the start, and then
	// Commit is called with how many there are. Whatever else the client writes to its connection while a request runs,
	// a message say, takes the room's place: FCGI.CommitOutput comes first.
	Room() ([]byte, error)
	Commit(n int)
	Write(p []byte) error
	Flush() error
	// EndResponse ends the response before the script has ended. closed says that the client's connection was, too.
	EndResponse() (closed bool)
	FCGIFrontEnd
}

// FCGIFrontEnd is the part of a client that is the front end's.
type FCGIFrontEnd interface {
	// Message takes a message of PHP's, such as an error, when php.ini names no other place for it.
	Message(text string)
	// Log takes a message of the engine's for the front end's log, with the number of zlog's level.
	Log(level int, text string)
	// Status fills in what fpm_get_status() returns; false if it is not known.
	Status(Array) bool
}

// Request is a FastCGI request, as much of it as the engine needs beside the params. Slices may be of Go's memory;
// they and the params must not change until the request's shutdown. nil stands for what is absent.
type FCGIRequest struct {
	Params []byte
	Pairs  []sapi.Pair
	// These are in Params, and so each is followed by a NUL byte.
	Method, QueryString, ContentType, Cookie, Authorization, PHPValue, PHPAdminValue []byte
	ContentLength                                                                    int64
	// Path is the script. IsHTTP says that the request named one at all.
	Path   sapi.ScriptPath
	IsHTTP bool
	// Interim says that the client takes heads with a 1xx status before the response's own.
	Interim bool
}

// NewFCGI makes this process ready for requests. From now on C calls Go while PHP runs.
func (e *Engine) NewFCGI(client FCGIClient) *FCGI {
	C.engine_go_is_ready()
	C.engine_fcgi_worker()
	return &FCGI{client: client, c: (*C.struct_engine_fcgi_request)(C.calloc(1, C.sizeof_struct_engine_fcgi_request))}
}

// CBuffer gives n bytes of C's memory. They are never freed.
func CBuffer(n int) []byte {
	return unsafe.Slice((*byte)(C.calloc(1, C.size_t(n))), n)
}

// fcgi is the one with the request in hand, for the callbacks from C.
var fcgi *FCGI

// RequestStartup starts the request r. The error is ErrRequestStartup: PHP is of no more use, and the worker is to
// exit.
func (f *FCGI) RequestStartup(r *FCGIRequest) error {
	f.pin(r)
	c := f.c
	c.method, c.query_string, c.content_type = pointer(r.Method), pointer(r.QueryString), pointer(r.ContentType)
	c.cookie, c.authorization = pointer(r.Cookie), pointer(r.Authorization)
	c.php_value, c.php_admin_value = pointer(r.PHPValue), pointer(r.PHPAdminValue)
	c.content_length = C.int64_t(r.ContentLength)
	c.not_found, c.is_http, c.interim = boolean(r.Path.NotFound), boolean(r.IsHTTP), boolean(r.Interim)
	f.pathTo(r.Path)
	c.closed = 0
	f.ended = false
	fcgi = f
	if f.takeRoom() != nil || C.engine_fcgi_request_startup(c) != 0 {
		return ErrRequestStartup
	}
	return nil
}

// pathTo passes the script's path, which C copies at once: it may be a part of a longer slice, or memory of its own.
func (f *FCGI) pathTo(path sapi.ScriptPath) {
	f.c.uri, f.c.uri_len = pointer(path.URI), C.size_t(len(path.URI))
	f.c.script, f.c.script_len = pointer(path.Filename), C.size_t(len(path.Filename))
}

// pin keeps the params where they are: they stay in use between the calls of C.
func (f *FCGI) pin(r *FCGIRequest) {
	params, pairs := unsafe.SliceData(r.Params), unsafe.SliceData(r.Pairs)
	if params != f.params || pairs != f.pairs {
		f.pinner.Unpin()
		f.params, f.pairs = params, pairs
		if params != nil {
			f.pinner.Pin(params)
		}
		if pairs != nil {
			f.pinner.Pin(pairs)
		}
	}
	f.c.params = (*C.char)(unsafe.Pointer(params))
	f.c.pairs = (*C.struct_engine_fcgi_pair)(unsafe.Pointer(pairs))
	f.c.pairs_len = C.size_t(len(r.Pairs))
}

// pointer passes b, which a NUL byte follows. An empty slice need not point to where its NUL is: Go gives one without
// capacity any address.
func pointer(b []byte) *C.char {
	if b != nil && len(b) == 0 {
		return emptyText
	}
	return (*C.char)(unsafe.Pointer(unsafe.SliceData(b)))
}

// emptyText is an empty string of C's.
var emptyText = C.CString("")

// OpenScript opens the request's script. The error is a syscall.Errno.
func (f *FCGI) OpenScript() error {
	if errno := C.engine_fcgi_open_script(); errno != 0 {
		return syscall.Errno(errno)
	}
	return nil
}

// Execute runs the script that was opened.
func (f *FCGI) Execute() {
	C.engine_fcgi_execute()
}

// Highlight shows the source of the script that was opened.
func (f *FCGI) Highlight() {
	C.engine_fcgi_highlight()
}

// Answer answers in place of a script.
func (f *FCGI) Answer(status int, text []byte) {
	C.engine_fcgi_answer(C.int(status), pointer(text), C.size_t(len(text)))
}

// Header sets a header of the response, in place of one of the same name: "Name: value".
func (f *FCGI) Header(line string) {
	C.engine_fcgi_header((*C.char)(unsafe.Pointer(unsafe.StringData(line))), C.size_t(len(line)))
}

// AuthUser is the user of the Authorization header, valid until the request's shutdown; nil: none.
func (f *FCGI) AuthUser() []byte {
	user := C.engine_fcgi_auth_user()
	if user == nil {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(user)), int(C.strlen(user)))
}

// FCGIEnd is what is known of a request when its script has ended.
type FCGIEnd struct {
	Status int
	Memory uint64 // peak, in bytes
}

// RequestEnd follows the script, before RequestShutdown.
func (f *FCGI) RequestEnd() FCGIEnd {
	C.engine_fcgi_request_end()
	return FCGIEnd{Status: int(f.c.status), Memory: uint64(f.c.memory)}
}

// ResponseHeaders appends the response's header lines, valid until the request's shutdown, to lines. It follows
// RequestEnd.
func (f *FCGI) ResponseHeaders(lines [][]byte) [][]byte {
	for {
		line := C.engine_fcgi_next_header()
		if line == nil {
			return lines
		}
		lines = append(lines, unsafe.Slice((*byte)(unsafe.Pointer(line)), int(f.c.line_len)))
	}
}

// RequestShutdown ends the request. All output is then committed; that the response is ended is the caller's to do.
// last says that this process must not serve another: the request asked for that, or changed what cannot be taken back.
func (f *FCGI) RequestShutdown() (last bool) {
	C.engine_fcgi_request_shutdown()
	if !f.ended {
		f.commit()
	}
	fcgi = nil
	return f.c.last != 0
}

// Stale reports whether the request that was shut down left the process other than it was, and that could not be put back:
// a lower limit, another process group, a child. Where another process can be had it should take this one's place.
func (f *FCGI) Stale() bool { return f.c.stale != 0 }

// takeRoom asks for room for output.
func (f *FCGI) takeRoom() error {
	room, err := f.client.Room()
	f.c.room, f.c.room_size, f.c.room_used = pointer(room), C.size_t(len(room)), 0
	return err
}

// CommitOutput commits the request's output so far and gives up the room. PHP's next output asks for another.
func (f *FCGI) CommitOutput() {
	if fcgi == f && !f.ended {
		f.commit()
	}
}

// commit passes on what PHP has put into the room, which is no longer valid then.
func (f *FCGI) commit() {
	if n := int(f.c.room_used); n > 0 {
		f.client.Commit(n)
	}
	f.c.room_size, f.c.room_used = 0, 0
}
