package lifecycle

/*
#include "boot.h"
#include "boot_worker.h"
*/
import "C"

import (
	"syscall"
	"unsafe"
)

// Worker is a process that a zygote forked: PHP is started, and no request was served yet.
type Worker struct {
	Engine *Engine
	// Payload is what the zygote's parent passed with the command to fork. It is C's memory, for life.
	Payload []byte
	// Files are the descriptors passed with it. They are closed on exec.
	Files []int
}

// BecomeWorker returns the worker that this process is; nil if it is not a worker. The process is PHP's from then on, as after
// TakeProcess. log takes PHP's own messages (log_message of sapi_module_struct) outside of a request.
//
// In a zygote whose workers share its Go runtime BecomeWorker forks them, and returns in each worker. Before the first of them is forked
// it calls prepare with the name of PHP's module: what that leaves in memory the workers share. prepare must start no goroutine, wait for
// nothing and leave no descriptor open; it may be nil. A worker calls MakeThreads before it does anything for which the runtime needs other
// threads.
func BecomeWorker(log func(message string), prepare func(module string)) *Worker {
	own := &struct { // one piece of memory, which the zygote has before it forks
		Worker
		engine Engine
		files  [C.WORKER_FDS]int
		size   C.size_t
	}{}
	forked := C.boot_is_zygote() != 0
	if forked {
		forkWorkers(prepare)
	}
	if C.boot_is_worker() == 0 {
		return nil
	}
	payload := C.boot_worker_payload(&own.size)
	w := &own.Worker
	w.Engine, w.Files = &own.engine, own.files[:0]
	w.Payload = unsafe.Slice((*byte)(unsafe.Pointer(payload)), own.size)
	for i := 0; ; i++ {
		fd := C.boot_worker_fd(C.size_t(i))
		if fd < 0 {
			break
		}
		w.Files = append(w.Files, int(fd))
	}
	if !forked {
		TakeProcess()
	}
	logger = log
	C.boot_wait_for_threads(0)
	C.boot_go_is_ready()
	return w
}

// MakeThreads makes the threads of the Go runtime. A forked worker begins with the main thread alone: before MakeThreads no other goroutine runs,
// this one must not wait for another, and there must be no garbage collection. It may be called again.
func (w *Worker) MakeThreads() { C.boot_make_threads() }

// IsWorker reports whether BecomeWorker returns a worker.
func IsWorker() bool {
	return C.boot_is_worker() != 0 || C.boot_is_zygote() != 0
}

// CatchSignals makes signals write to an eventfd, a counter that is a descriptor, instead of ending the process. All signals must have the
// same one. The error is a syscall.Errno.
func CatchSignals(eventfd int, signals ...syscall.Signal) error {
	for _, sig := range signals {
		if errno := C.boot_catch_signal(C.int(sig), C.int(eventfd)); errno != 0 {
			return syscall.Errno(errno)
		}
	}
	return nil
}
