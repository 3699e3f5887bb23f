package lifecycle

/*
#include <string.h>
#include "engine_load.h"
#include "engine_watch.h"
*/
import "C"

import (
	"bytes"
	"fmt"
	"os"
	"unsafe"

	"github.com/phpsapi/phpsapi/sapi"
)

// The functions of this file are what C calls while PHP runs (engine_host.c); an ordinary FastCGI request of the GET method needs
// none of them. Those that return an int return 0 for success.

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

func result(err error) C.int {
	if err != nil {
		return -1
	}
	return 0
}
