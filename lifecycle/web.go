package lifecycle

/*
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "boot.h"
#include "engine_load.h"
#include "engine_timer.h"
*/
import "C"

import (
	"bytes"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"github.com/phpsapi/phpsapi/sapi"
)

// Web answers requests of a web server, one after another: each from RequestStartup to RequestShutdown. The module must
// have been started under another name than sapi.CLI. For a FastCGIClient it allocates nothing in a steady state.
type Web struct {
	client   WebClient
	fastCGI  FastCGIClient            // client, if it is one
	c        *C.struct_engine_request // C memory, for life
	settings *C.struct_engine_web_settings
	running  bool           // a request is, from its startup to its shutdown
	unbegun  bool           // it is not PHP's, because there was no room for its output
	ended    bool           // fastcgi_finish_request() was called
	requests WorkerRequests // of a worker script; nil: there is none

	watched     bool            // a request is, by Watch
	interrupted func(Interrupt) // is told when PHP is

	// A response's head while it is made.
	responseHead sapi.ResponseHead
	head         []byte

	// What C points to while a request runs.
	pinner runtime.Pinner
	params *byte
	pairs  *sapi.Pair
}

// WebClient is the client of the present request, as PHP sees it. An error says that it is gone.
type WebClient interface {
	// ReadBody fills p with the next bytes of the body, as far as there are any.
	ReadBody(p []byte) int
	// Write takes the next bytes of the response, which are valid only during the call.
	Write(p []byte) error
	// AppendHead appends a response's head as it is sent. It is valid only during the call.
	AppendHead(dst []byte, rules sapi.HeadRules, head *sapi.ResponseHead) []byte
	// Message takes a message of PHP's, such as an error, when php.ini names no other place for it.
	Message(text string)
}

// FastCGIClient is a client of FastCGI.
type FastCGIClient interface {
	WebClient
	// Room is memory of C's (see CBuffer) where the next bytes of output go: PHP fills it from the start, and then
	// Commit is called with how many there are. Whatever else the client writes to its connection while a request runs,
	// a message say, takes the room's place: Web.CommitOutput comes first.
	Room() ([]byte, error)
	Commit(n int)
	Flush() error
	// EndResponse ends the response before the script has ended. closed says that the client's connection was, too.
	EndResponse() (closed bool)
	// Log takes a message of the engine's for the front end's log, with the number of zlog's level.
	Log(level int, text string)
	// Report takes a script's message for the front end's error log, with the number of zlog's level, at any time.
	Report(level int, text string)
	// Status fills in what fpm_get_status() returns; false if it is not known.
	Status(Array) bool
}

// NewWeb makes this process ready for requests. From now on C calls Go while PHP runs.
func (e *Engine) NewWeb(client WebClient) *Web {
	w := &Web{}
	w.Start(client)
	return w
}

// Start is NewWeb with the memory of w, which is zero.
func (w *Web) Start(client WebClient) {
	C.boot_go_is_ready()
	w.init(client)
	if w.fastCGI, _ = client.(FastCGIClient); w.fastCGI != nil {
		C.engine_fastcgi_worker()
		C.timer_lasts()
	}
	web = w
}

func (w *Web) init(client WebClient) {
	w.client, w.settings = client, C.engine_web_settings()
	w.c = (*C.struct_engine_request)(C.calloc(1, C.sizeof_struct_engine_request))
}

// web is the process's, for the callbacks from C: the engine is not thread-safe and serves one request at a time.
var web *Web

// RequestStartup starts the request r. The error is ErrRequestStartup: PHP is of no more use. RequestShutdown may follow
// all the same.
func (w *Web) RequestStartup(r *WebRequest) error {
	if w.begin(r) != nil || C.engine_web_startup(w.c) != 0 {
		return ErrRequestStartup
	}
	return nil
}

// Run is RequestStartup, OpenScript and Execute with nothing between them. It returns ErrRequestStartup as the first does, or the error
// of the second: then the script has not run.
func (w *Web) Run(r *WebRequest) error {
	if w.begin(r) != nil {
		return ErrRequestStartup
	}
	switch errno := C.engine_web_run(w.c); {
	case errno < 0:
		return ErrRequestStartup
	case errno > 0:
		return syscall.Errno(errno)
	}
	return nil
}

// begin makes ready what a request needs in Go.
func (w *Web) begin(r *WebRequest) error {
	w.fill(r)
	w.ended, w.running = false, true
	err := w.takeRoom()
	w.unbegun = err != nil
	return err
}

// fill tells C of a request.
func (w *Web) fill(r *WebRequest) {
	w.pin(r)
	c := w.c
	c.method, c.query_string, c.content_type = pointer(r.Method), pointer(r.QueryString), pointer(r.ContentType)
	c.cookie, c.authorization = pointer(r.Cookie), pointer(r.Authorization)
	c.php_value, c.php_admin_value = pointer(r.PHPValue), pointer(r.PHPAdminValue)
	c.uri, c.uri_len = pointer(r.Path.URI), C.size_t(len(r.Path.URI))
	c.script, c.script_len = pointer(r.Path.Filename), C.size_t(len(r.Path.Filename))
	c.content_length, c.protocol, c.status = C.int64_t(r.ContentLength), C.int(r.Protocol), 200
	c.accepted = C.int64_t(r.Accepted)
	if r.Path.NotFound {
		c.status = 404
	}
	c.direct, c.no_headers, c.interim = boolean(r.Direct), boolean(r.NoHeaders), boolean(r.Interim)
	c.argc, c.argv = C.int(len(r.Argv)), nil
	if len(r.Argv) > 0 {
		c.argv = argvInC(r.Argv)
	}
	c.closed, c.last, c.stale = 0, 0, 0
}

// pin keeps the params where they are: they stay in use between the calls of C.
func (w *Web) pin(r *WebRequest) {
	params, pairs := unsafe.SliceData(r.Params), unsafe.SliceData(r.Pairs)
	if params != w.params || pairs != w.pairs {
		w.pinner.Unpin()
		w.params, w.pairs = params, pairs
		if params != nil {
			w.pinner.Pin(params)
		}
		if pairs != nil {
			w.pinner.Pin(pairs)
		}
	}
	variables := len(r.Pairs) - r.Headers
	w.c.text = (*C.char)(unsafe.Pointer(params))
	w.c.variables, w.c.variables_len = (*C.struct_engine_variable)(unsafe.Pointer(pairs)), C.size_t(variables)
	w.c.headers, w.c.headers_len = nil, C.size_t(r.Headers)
	if r.Headers > 0 {
		w.c.headers = (*C.struct_engine_variable)(unsafe.Pointer(&r.Pairs[variables]))
	}
}

// OpenScript opens the request's script by PHP's own rules (php_fopen_primary_script). The error is a syscall.Errno.
func (w *Web) OpenScript() error {
	if errno := C.engine_script_open_primary(); errno != 0 {
		return syscall.Errno(errno)
	}
	return nil
}

// Execute runs the script that was opened.
func (w *Web) Execute() {
	C.engine_web_execute()
}

// Answer answers in place of a script.
func (w *Web) Answer(status int, text []byte) {
	C.engine_web_answer(C.int(status), pointer(text), C.size_t(len(text)))
}

// Header sets a header of the response, in place of one of the same name: "Name: value".
func (w *Web) Header(line string) {
	C.engine_web_header((*C.char)(unsafe.Pointer(unsafe.StringData(line))), C.size_t(len(line)))
}

// AuthUser returns the user of the Authorization header, valid until the request's shutdown; nil: none.
func (w *Web) AuthUser() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(w.c.auth_user)), int(w.c.auth_user_len))
}

// WebEnd is what is known of a request when its script has ended.
type WebEnd struct {
	Status int
	Memory uint64 // peak, in bytes
}

// RequestEnd returns what is known of the request when its script has ended. It is to be called before RequestShutdown.
func (w *Web) RequestEnd() WebEnd {
	return WebEnd{Status: int(w.c.status), Memory: uint64(w.c.memory)}
}

// ---- the response ----

// takeRoom asks for room for output.
func (w *Web) takeRoom() (err error) {
	var room []byte
	if w.fastCGI != nil {
		room, err = w.fastCGI.Room()
	}
	w.c.room, w.c.room_size, w.c.room_used = pointer(room), C.size_t(len(room)), 0
	return err
}

// commit passes on what PHP has put into the room, which is no longer valid then.
func (w *Web) commit() {
	if n := int(w.c.room_used); n > 0 {
		w.fastCGI.Commit(n)
	}
	w.c.room_size, w.c.room_used = 0, 0
}

// CommitOutput commits the request's output so far and returns the room. PHP's next output asks for another.
func (w *Web) CommitOutput() {
	if w.running && !w.ended {
		w.commit()
	}
}

// C calls the following while PHP runs (engine_host.c). They return 0 for success.

// engineWrite writes what is in the room, and then text.
//
//export engineWrite
func engineWrite(text *C.char, n C.size_t) C.int {
	return web.write(unsafe.Slice((*byte)(unsafe.Pointer(text)), int(n)))
}

func (w *Web) write(p []byte) C.int {
	if !w.running && w.requests != nil {
		w.requests.Aside(p)
		return 0
	}
	if w.ended {
		w.c.room_used = 0
		return -1
	}
	w.commit()
	err := w.client.Write(p)
	if err == nil {
		err = w.takeRoom()
	}
	return result(err)
}

//export engineFlush
func engineFlush() C.int {
	w := web
	switch {
	case w.fastCGI == nil, !w.running && w.requests != nil:
		return 0
	case w.ended:
		return -1
	}
	w.commit()
	err := w.fastCGI.Flush()
	if err == nil {
		err = w.takeRoom()
	}
	return result(err)
}

// engineHead writes the response's head. line is the status line the script gave, or NULL; lines are the header lines,
// each with its line end.
//
//export engineHead
func engineHead(status C.int, line *C.char, flags C.int, lines *C.char, n C.size_t) C.int {
	w := web
	w.responseHead = sapi.ResponseHead{Status: int(status), Lines: w.responseHead.Lines[:0]}
	for rest := unsafe.Slice((*byte)(unsafe.Pointer(lines)), int(n)); len(rest) > 0; {
		var l []byte
		l, rest, _ = bytes.Cut(rest, lineEnd)
		w.responseHead.Lines = append(w.responseHead.Lines, l)
	}
	if line != nil {
		w.responseHead.StatusLine = unsafe.String((*byte)(unsafe.Pointer(line)), int(C.strlen(line)))
	}
	rules := sapi.HeadRules{RFC2616: flags&C.ENGINE_HEAD_RFC2616 != 0, NPH: flags&C.ENGINE_HEAD_NPH != 0}
	w.head = w.client.AppendHead(w.head[:0], rules, &w.responseHead)
	return w.write(w.head)
}

var lineEnd = []byte("\r\n")

func result(err error) C.int {
	if err != nil {
		return -1
	}
	return 0
}

// ---- shutdown ----

// RequestShutdown ends the request: shutdown functions, destructors, the rest of the output. All output is then committed;
// that the response is ended is the caller's to do. last says that this process must not serve another: the request asked
// for that, or changed what cannot be taken back.
func (w *Web) RequestShutdown() (last bool) {
	if w.unbegun { // PHP knows nothing of it
		w.running = false
		return true
	}
	C.engine_web_shutdown()
	if !w.ended {
		w.commit()
	}
	w.running = false
	return w.c.last != 0
}

// Stale reports whether the request that was shut down left the process other than it was, and that could not be put back:
// a lower limit, another process group, a child. Where another process can be had it should take this one's place.
func (w *Web) Stale() bool { return w.c.stale != 0 }

// ---- between requests, and memory ----

// GoHome takes the process back to its own current directory, if it has stayed in that of the last script. It is to be called between two
// requests, before a relative path is looked up.
func (w *Web) GoHome() { C.engine_web_go_home() }

// Idled sets how long the process has been idle in its life, before the request that follows: PHP's max_execution_time is about CPU time,
// and the timer that stands for it (engine_timer.c) leaves idle time out.
func Idled(d time.Duration) { C.timer_idle = C.int64_t(d) }

// CBuffer returns n bytes of C's memory, all zero. They are never freed. A page of them takes memory only after it was used, because they
// are mapped and do not come from C's heap, which writes zeros to what it returns.
func CBuffer(n int) []byte {
	memory, err := C.mmap(nil, C.size_t(n), C.PROT_READ|C.PROT_WRITE, C.MAP_PRIVATE|C.MAP_ANONYMOUS, -1, 0)
	if err != nil {
		panic("no memory for a buffer: " + err.Error())
	}
	return unsafe.Slice((*byte)(memory), n)
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
