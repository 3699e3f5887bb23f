package lifecycle

/*
#include "boot.h"
*/
import "C"

import "runtime"

// LeaveMainThread unlocks the main goroutine from the process's main thread, so that Go wakes it on any thread, which is cheaper. It is for
// processes that never run PHP, such as a master or a front, and must be called on the main goroutine.
func LeaveMainThread() {
	runtime.UnlockOSThread()
}

// WaitForThreads says that the process serves from now on: if the system has no room for a thread, the process waits for it. Before the
// call such a process gives up after a moment, and ends.
func WaitForThreads() {
	C.boot_wait_for_threads(1)
}
