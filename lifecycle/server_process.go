package lifecycle

/*
#include "boot.h"
*/
import "C"

import "runtime"

// LeaveMainThread lets the main goroutine leave the process's main thread, so that waking it costs no change of threads.
// A process that never runs PHP and lives on calls it, on the main goroutine: a master or a front.
func LeaveMainThread() {
	runtime.UnlockOSThread()
}

// WaitForThreads makes this process one that has begun its service: if a thread cannot be made, it waits for room and does
// not end. Until then it gives up after a moment.
func WaitForThreads() {
	C.boot_wait_for_threads(1)
}
