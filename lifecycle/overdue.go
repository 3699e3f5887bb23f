package lifecycle

/*
#include "boot.h"
*/
import "C"

import (
	"sync/atomic"
	"unsafe"
)

// Overdue answers the present request of FastCGI if the process is ended by SIGTERM because the request takes too long, and nothing of its response
// was sent: the client gets a 504 (boot_overdue.c). A nil Overdue answers nothing.
type Overdue struct {
	c     *C.struct_boot_overdue
	armed bool
}

// NewOverdue makes the Overdue of this process, which has one. It writes answered to *sent when it answers a request; *sent must not be Go's memory.
// ReportCrashes must have been called before.
func NewOverdue(sent *uint64, answered uint64) *Overdue {
	o := &Overdue{c: C.boot_overdue_request()}
	o.c.sent, o.c.answered = (*C.uint64_t)(unsafe.Pointer(sent)), C.uint64_t(answered)
	return o
}

// Begin begins a request that was read: its connection, its id, and the moment of CLOCK_MONOTONIC, in ns, from which on it takes too long.
func (o *Overdue) Begin(fd int, id uint16, due int64) {
	o.c.id, o.c.due = C.uint16_t(id), C.int64_t(due)
	o.armed = true
	atomic.StoreInt32((*int32)(unsafe.Pointer(&o.c.fd)), int32(fd))
}

// Take is to be called before something is sent, and before the connection is closed. It reports whether the connection is the caller's:
// otherwise the request was answered, and the process is about to end.
func (o *Overdue) Take() bool {
	if o == nil || !o.armed {
		return true
	}
	o.armed = false
	return atomic.SwapInt32((*int32)(unsafe.Pointer(&o.c.fd)), -1) >= 0
}
