package lifecycle

/*
#include "engine.h"
*/
import "C"

import "runtime"

// StayWithoutPHP makes this process one that never runs PHP and lives on: a master or a front. The main goroutine may
// leave the process's main thread, so that waking it costs no change of threads, and where no thread can be made the
// process waits for room and does not end. It is called on the main goroutine.
func StayWithoutPHP() {
	C.engine_wait_for_threads(1)
	runtime.UnlockOSThread()
}
