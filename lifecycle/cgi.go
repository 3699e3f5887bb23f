package lifecycle

/*
#include <stdlib.h>
#include "cgi.h"
#include "engine_load.h"
*/
import "C"

import "github.com/phpsapi/phpsapi/sapi"

// What php-cgi says if the script cannot be opened: with EACCES, and else.
const (
	CGIDenied  = C.CGI_DENIED
	CGIMissing = C.CGI_MISSING
)

// CGIFailed is php-cgi's exit status if it could not do its work.
const CGIFailed = C.CGI_FAILED

// IsCGIRequest reports whether a web server has executed this process, and for a request rather than to serve FastCGI on a socket.
func IsCGIRequest() bool {
	return C.cgi_is_request() != 0
}

// NewCGI makes this process ready for its request, which is Direct: C takes the body from standard input, writes the response to
// standard output and messages to standard error, and never calls Go.
func (e *Engine) NewCGI() *Web {
	C.cgi_begin()
	w := &Web{}
	w.init(nil)
	return w
}

// Refuses reports whether cgi.force_redirect forbids the request of a CGI program, and if so answers it.
func (*Web) Refuses() bool {
	return C.cgi_refuses() != 0
}

// CGIRequest returns what the environment says of the request, and changes the variables that tell the script of itself.
func (*Web) CGIRequest() sapi.RequestInfo {
	var c C.struct_engine_request
	C.cgi_read_request(&c)
	return sapi.RequestInfo{
		Method: C.GoString(c.method), URI: C.GoString(c.uri), QueryString: C.GoString(c.query_string), PathTranslated: C.GoString(c.script),
		ContentType: C.GoString(c.content_type), HasContentType: c.content_type != nil,
		Cookie: C.GoString(c.cookie), Authorization: C.GoString(c.authorization),
		ContentLength: int64(c.content_length), Status: int(c.status), Protocol: int(c.protocol),
	}
}
