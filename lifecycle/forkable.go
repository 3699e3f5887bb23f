package lifecycle

/*
#include "boot.h"
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
)

// endTries is how many goroutines are started to end the threads of a zygote. Two or three are needed.
const endTries = 100

// forkWorkers makes this zygote's Go runtime one that can be forked, calls prepare, and forks workers. It returns in each of them.
//
// A thread that runs goroutines ends with a goroutine that has locked it. A second processor is for such goroutines: the first one stays
// with the main goroutine, which has no thread to wait for it then. What the last thread to end leaves behind is an order for another
// one, and the processor with that (runtime: mexit, handoffp, newm), for the worker.
func forkWorkers(prepare func(module string)) {
	C.boot_restore_scheduling() // to wait costs longer with a large timer slack
	if prepare != nil {
		prepare(C.GoString(C.boot_worker_module()))
	}
	// The runtime does not find a thread that is just going to sleep. It would order another one, too early.
	C.boot_sleeping_threads()
	runtime.GOMAXPROCS(2)
	threads := C.boot_sleeping_threads()
	for tries := 0; threads > 0; tries++ {
		if tries == endTries {
			fmt.Fprintf(os.Stderr, "phpsapi: zygote: %d threads of the Go runtime cannot be ended\n", int(threads))
			os.Exit(1)
		}
		go runtime.LockOSThread()
		threads = C.boot_sleeping_threads()
	}
	TakeProcess()
	C.boot_fork_workers()
}
