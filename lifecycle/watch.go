package lifecycle

/*
#include "engine_load.h"
#include "engine_watch.h"
*/
import "C"

import (
	"syscall"
	"time"
	"unsafe"
)

// Interrupt is why a request is interrupted.
type Interrupt int

// Why a request is interrupted.
const (
	// TimedOut: it has taken too long, and PHP throws a Phpsapi\RequestTimeout.
	TimedOut Interrupt = C.ENGINE_TIMED_OUT
	// ClientLeft: its client is gone, or has taken it back. PHP does what it does when it finds that out by a write.
	ClientLeft Interrupt = C.ENGINE_CLIENT_LEFT
)

// Watch makes a thread watch the requests that WatchBegin names, with a module that has Interrupts: one that has taken as long as timeout
// is interrupted, with this message in PHP, and clients are looked for at this interval. 0: never. told is called on the main thread when PHP is interrupted. The error is a
// syscall.Errno. Watch is called once.
func (w *Web) Watch(timeout, interval time.Duration, message string, told func(Interrupt)) error {
	w.interrupted = told
	C.engine_web_interruptible(C.CString(message))
	if errno := C.watch_start(C.int64_t(timeout), C.int64_t(interval)); errno != 0 {
		return syscall.Errno(errno)
	}
	return nil
}

// WatchBegin begins the watch over a request, the WebRequest.Accepted of which this is. client is C's memory, where the descriptor of its
// connection stands; nil: its client is not looked for. id is the request's in FastCGI, by which its client may take it back; 0: it has none.
func (w *Web) WatchBegin(accepted int64, client *int32, id uint16) {
	w.watched = true
	C.watch_begin(C.int64_t(accepted), (*C.int32_t)(unsafe.Pointer(client)), C.uint16_t(id))
}

// WatchEnd ends it, when the script has ended.
func (w *Web) WatchEnd() {
	w.watched = false
	C.watch_end()
}

//export engineInterrupted
func engineInterrupted(why C.enum_engine_interrupt) { web.interrupted(Interrupt(why)) }
