package lifecycle

/*
#include <stddef.h>
*/
import "C"

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"unsafe"

	"github.com/phpsapi/phpsapi/sapi"
)

// The functions of this file are what C calls while PHP runs a web server's request. Each returns 0 for success.

//export engineWriteHead
func engineWriteHead(status C.int, line, block *C.char, size C.size_t) C.int {
	head := sapi.ResponseHead{Status: int(status)}
	if line != nil {
		head.StatusLine = C.GoString(line)
	}
	rest := unsafe.Slice((*byte)(unsafe.Pointer(block)), int(size))
	for len(rest) > 0 {
		var l []byte
		l, rest, _ = bytes.Cut(rest, []byte{'\n'})
		head.Lines = append(head.Lines, l)
	}
	return result(current.Response.WriteHead(&head))
}

//export engineWrite
func engineWrite(p *C.char, n C.size_t) C.int {
	_, err := current.Response.Write(unsafe.Slice((*byte)(unsafe.Pointer(p)), int(n)))
	return result(err)
}

//export engineFlush
func engineFlush() C.int {
	return result(current.Response.Flush())
}

// engineReadBody reads up to n bytes of the body into p; 0 at its end.
//
//export engineReadBody
func engineReadBody(p *C.char, n C.size_t) C.size_t {
	got, err := current.Body.Read(unsafe.Slice((*byte)(unsafe.Pointer(p)), int(n)))
	for got == 0 && err == nil {
		got, err = current.Body.Read(unsafe.Slice((*byte)(unsafe.Pointer(p)), int(n)))
	}
	if got == 0 && err != io.EOF {
		return 0 // PHP knows only the end; a body that is too short is the script's to notice
	}
	return C.size_t(got)
}

//export engineLog
func engineLog(p *C.char, n C.size_t, priority C.int) {
	logMessage(C.GoStringN(p, C.int(n)), int(priority))
}

func logMessage(message string, priority int) {
	if logger == nil {
		fmt.Fprintln(os.Stderr, message)
		return
	}
	logger(message, priority)
}

// logger takes PHP's own messages in a worker; nil for standard error.
var logger func(message string, priority int)

func result(err error) C.int {
	if err != nil {
		return -1
	}
	return 0
}
