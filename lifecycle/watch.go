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

// Watch makes a thread that watches the requests between WatchBegin and WatchEnd. It interrupts a request that has taken as long as timeout, by an
// exception with this message in PHP, and looks at each interval whether the client is still there; 0 means never, for each of the two. told
// is called on the main thread when PHP is interrupted. The error is a syscall.Errno. The module must have Interrupts, and Watch is called once.
func (w *Web) Watch(timeout, interval time.Duration, message string, told func(Interrupt)) error {
	w.interrupted = told
	C.engine_web_interruptible(C.CString(message))
	if errno := C.watch_start(C.int64_t(timeout), C.int64_t(interval)); errno != 0 {
		return syscall.Errno(errno)
	}
	return nil
}

// WatchBegin begins the watch over the request with this WebRequest.Accepted. client points to the descriptor of its connection, in C's memory;
// nil: nobody looks for its client. id is its id in FastCGI, by which its client may take it back; 0: it has none.
func (w *Web) WatchBegin(accepted int64, client *int32, id uint16) {
	w.watched = true
	C.watch_begin(C.int64_t(accepted), (*C.int32_t)(unsafe.Pointer(client)), C.uint16_t(id))
}

// WatchEnd ends the watch. It is to be called when the script has ended.
func (w *Web) WatchEnd() {
	w.watched = false
	C.watch_end()
}

//export engineInterrupted
func engineInterrupted(why C.enum_engine_interrupt) { web.interrupted(Interrupt(why)) }
