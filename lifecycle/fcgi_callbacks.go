package lifecycle

/*
#include <stdlib.h>
#include <string.h>
#include "engine.h"
*/
import "C"

import (
	"bytes"
	"unsafe"

	"github.com/phpsapi/phpsapi/sapi"
)

// The functions of this file are what C calls while PHP runs a FastCGI request; an ordinary request of the GET method
// needs none of them. Those that return an int give 0 for success.

// engineFCGIWrite writes what is in the room, and then text.
//
//export engineFCGIWrite
func engineFCGIWrite(text *C.char, n C.size_t) C.int {
	return fcgi.write(unsafe.Slice((*byte)(unsafe.Pointer(text)), int(n)))
}

func (f *FCGI) write(p []byte) C.int {
	if f.ended {
		f.c.room_used = 0
		return -1
	}
	f.commit()
	err := f.client.Write(p)
	if err == nil {
		err = f.takeRoom()
	}
	return result(err)
}

//export engineFCGIFlush
func engineFCGIFlush() C.int {
	if fcgi.ended {
		return -1
	}
	fcgi.commit()
	err := fcgi.client.Flush()
	if err == nil {
		err = fcgi.takeRoom()
	}
	return result(err)
}

// engineFCGIHead writes the response's head by the rules of CGI. line is the status line the script gave, or NULL;
// block is the header lines, each ended by a newline.
//
//export engineFCGIHead
func engineFCGIHead(status C.int, line *C.char, flags C.int, block *C.char, n C.size_t) C.int {
	f := fcgi
	f.lines = f.lines[:0]
	for rest := unsafe.Slice((*byte)(unsafe.Pointer(block)), int(n)); len(rest) > 0; {
		var l []byte
		l, rest, _ = bytes.Cut(rest, []byte{'\n'})
		f.lines = append(f.lines, l)
	}
	f.responseHead = sapi.ResponseHead{Status: int(status), Lines: f.lines}
	if line != nil {
		f.responseHead.StatusLine = unsafe.String((*byte)(unsafe.Pointer(line)), int(C.strlen(line)))
	}
	rules := sapi.HeadRules{RFC2616: flags&C.ENGINE_FCGI_RFC2616 != 0, NPH: flags&C.ENGINE_FCGI_NPH != 0}
	f.head = rules.AppendHead(f.head[:0], &f.responseHead)
	return f.write(f.head)
}

// engineFCGIRead reads up to n bytes of the body into p; 0 at its end.
//
//export engineFCGIRead
func engineFCGIRead(p *C.char, n C.size_t) C.size_t {
	return C.size_t(fcgi.client.ReadBody(unsafe.Slice((*byte)(unsafe.Pointer(p)), int(n))))
}

// scratch is where output goes that comes after the response's end: as much of it as php-fpm would keep in its
// buffer, and then the client counts as gone.
var scratch []byte

//export engineFCGIFinish
func engineFCGIFinish() {
	f := fcgi
	if f.ended {
		return
	}
	f.commit()
	f.ended = true
	if f.client.EndResponse() {
		f.c.closed = 1
	}
	if scratch == nil {
		scratch = CBuffer(8 << 10)
	}
	f.c.room, f.c.room_size, f.c.room_used = pointer(scratch), C.size_t(len(scratch)), 0
}

//export engineFCGIMessage
func engineFCGIMessage(text *C.char, n C.size_t) {
	engineFCGISay(C.GoStringN(text, C.int(n)), nil)
}

//export engineFCGILog
func engineFCGILog(level C.int, text *C.char, n C.size_t) {
	number := int(level)
	engineFCGISay(C.GoStringN(text, C.int(n)), &number)
}

// engineFCGISay forwards a message to the client's log.
func engineFCGISay(text string, level *int) {
	switch f := fcgi; {
	case f == nil:
		logMessage(text, 0)
	case level != nil:
		f.client.Log(*level, text)
	default:
		f.client.Message(text)
	}
}

//export engineFCGIStatus
func engineFCGIStatus(array unsafe.Pointer) C.int {
	if fcgi.client.Status(Array{array}) {
		return 0
	}
	return -1
}

// Array is an array of PHP's, valid during the call that passes it.
type Array struct{ zval unsafe.Pointer }

func nameOf(name string) (*C.char, C.size_t) {
	return (*C.char)(unsafe.Pointer(unsafe.StringData(name))), C.size_t(len(name))
}

// SetString sets an element.
func (a Array) SetString(name, value string) {
	n, size := nameOf(name)
	v, length := nameOf(value)
	C.engine_array_add_string(a.zval, n, size, v, length)
}

// SetInt sets an element.
func (a Array) SetInt(name string, value int64) {
	n, size := nameOf(name)
	C.engine_array_add_number(a.zval, n, size, C.int64_t(value))
}

// SetFloat sets an element.
func (a Array) SetFloat(name string, value float64) {
	n, size := nameOf(name)
	C.engine_array_add_float(a.zval, n, size, C.double(value))
}

// SetArray sets an element to an empty array and gives that.
func (a Array) SetArray(name string) Array {
	n, size := nameOf(name)
	return Array{C.engine_array_add_array(a.zval, n, size)}
}

// AppendArray appends an empty array and gives it.
func (a Array) AppendArray() Array {
	return Array{C.engine_array_add_array(a.zval, nil, 0)}
}
