package lifecycle

/*
#include "engine_load.h"
#include "engine_watch.h"
*/
import "C"

import (
	"fmt"
	"os"
	"unsafe"
)

// The functions of this file are what C calls while PHP runs (engine_host.c), besides those for the response (web.go). An ordinary
// FastCGI request of the GET method needs none of them.

// engineReadBody reads up to n bytes of the body into p; 0 at its end.
//
//export engineReadBody
func engineReadBody(p *C.char, n C.size_t) C.size_t {
	return C.size_t(web.client.ReadBody(unsafe.Slice((*byte)(unsafe.Pointer(p)), int(n))))
}

// scratch is where output goes that comes after the response's end: as much of it as php-fpm would keep in its
// buffer, and then the client counts as gone.
var scratch []byte

//export engineFinish
func engineFinish() {
	w := web
	if w.ended {
		return
	}
	w.commit()
	w.ended = true
	if w.watched {
		C.watch_forget_client() // it has all, and may go
	}
	if w.fastCGI.EndResponse() {
		w.c.closed = 1
	}
	if scratch == nil {
		scratch = CBuffer(8 << 10)
	}
	w.c.room, w.c.room_size, w.c.room_used = pointer(scratch), C.size_t(len(scratch)), 0
}

// engineLog takes a message of PHP's, or one of the engine's with a level of zlog's.
//
//export engineLog
func engineLog(level C.int, text *C.char, n C.size_t) {
	message := C.GoStringN(text, C.int(n))
	switch {
	case web == nil || !web.running:
		logMessage(message)
	case level != 0:
		web.fastCGI.Log(int(level), message)
	default:
		web.client.Message(message)
	}
}

// engineReport takes a script's message for the front end's error log.
//
//export engineReport
func engineReport(level C.int, text *C.char, n C.size_t) {
	web.fastCGI.Report(int(level), C.GoStringN(text, C.int(n)))
}

func logMessage(message string) {
	if logger == nil {
		fmt.Fprintln(os.Stderr, message)
		return
	}
	logger(message)
}

// logger takes PHP's own messages in a worker, outside of a request; nil for standard error.
var logger func(message string)

//export engineStatus
func engineStatus(array unsafe.Pointer) C.int {
	return boolean(web.fastCGI.Status(Array{array}))
}
