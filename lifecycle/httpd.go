package lifecycle

/*
#include <stdlib.h>
#include <string.h>
#include "boot.h"
#include "engine_load.h"
#include "engine_timer.h"
#include "httpd_worker.h"
*/
import "C"

import (
	"time"
	"unsafe"
)

// ApacheRequest is a request that Apache's httpd has sent to this worker by its module (sapi/apache), as far as Go needs to know it: for logs and
// the scoreboard. The texts are C's memory, and valid until the next request is read.
type ApacheRequest struct {
	Method, URI, Query, Script, Host, Target, Client, User []byte
	ContentLength                                          int64
}

// ApacheEnd is what is known of such a request when PHP is done with it.
type ApacheEnd struct {
	WebEnd
	Last bool // this process must not serve another
}

// StartForApache makes this process ready for requests of httpd's module. PHP's output, and PHP's questions to httpd, go over the
// request's connection in C, and not through Go.
func (w *Web) StartForApache() {
	C.boot_go_is_ready()
	w.settings = C.engine_web_settings()
	w.c = (*C.struct_engine_request)(C.calloc(1, C.sizeof_struct_engine_request))
	C.engine_httpd_child()
	C.httpd_take_over()
	C.timer_lasts()
	web = w
}

// NextApache reads the next request on a connection into to. It returns false if none comes within patience, or the connection has ended:
// then the connection is of no more use.
func (w *Web) NextApache(fd int, patience time.Duration, to *ApacheRequest) bool {
	var r C.struct_httpd_request
	if C.httpd_next(C.int(fd), C.int(patience.Milliseconds()), &r) != 0 {
		return false
	}
	to.Method, to.URI, to.Query, to.Script = cText(r.method), cText(r.uri), cText(r.query), cText(r.script)
	to.Host, to.Target, to.Client, to.User = cText(r.host), cText(r.target), cText(r.client), cText(r.user)
	to.ContentLength = int64(r.content_length)
	return true
}

func cText(text *C.char) []byte {
	if text == nil {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(text)), int(C.strlen(text)))
}

// ApacheVariable returns a variable of the request that NextApache has read, such as HTTP_HOST; nil: there is none of that name. It is valid
// until the next request is read. name ends with a NUL.
func (w *Web) ApacheVariable(name string) []byte {
	return cText(C.httpd_variable(cName(name)))
}

// TellApacheVariable gives the script and httpd a variable, before AnswerApache. nil takes it from the script. name, a constant, ends with a NUL.
func (w *Web) TellApacheVariable(name string, value []byte) {
	var text *C.char
	if value != nil {
		text = C.CString(string(value))
		defer C.free(unsafe.Pointer(text))
	}
	C.httpd_tell_variable(cName(name), text)
}

func cName(name string) *C.char {
	if name[len(name)-1] != 0 {
		panic("BUG: " + name + " does not end with a NUL")
	}
	return (*C.char)(unsafe.Pointer(unsafe.StringData(name)))
}

// AnswerApache runs PHP for the request that NextApache has read. EndApache ends its answer.
func (w *Web) AnswerApache() ApacheEnd {
	var end C.struct_httpd_result
	C.httpd_answer(&end)
	return ApacheEnd{WebEnd{Status: int(end.status), Memory: uint64(end.memory)}, bool(end.last)}
}

// EndApache ends the answer. closing says that the connection is closed after it. It reports whether the connection may carry another
// request.
func (w *Web) EndApache(closing bool) (keep bool) {
	return C.httpd_done(C.bool(closing)) == 0
}
