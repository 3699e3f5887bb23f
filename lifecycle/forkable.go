package lifecycle

/*
#include "boot.h"
*/
import "C"

import (
	"os"
	"runtime"
	"sync"
	"time"
)

// endTries is how many goroutines are started to end the threads of a zygote. Two or three are needed.
const endTries = 100

// forkWorkers makes this zygote's Go runtime one that can be forked, calls prepare, and forks workers. It returns in each of them. If
// that runtime cannot be forked, the zygote is executed again, and its workers start runtimes of their own.
func forkWorkers(prepare func(module string)) {
	C.boot_restore_scheduling() // to wait costs longer with a large timer slack
	if prepare != nil {
		prepare(C.GoString(C.boot_worker_module()))
	}
	why := endThreads()
	C.boot_end_time_limit()
	TakeProcess()
	if why == "" {
		why = tryFork()
	}
	if why != "" {
		C.boot_fork_without_go(C.CString(why))
	}
	C.boot_fork_workers()
}

// endThreads ends the threads that run goroutines, but for the main one. It returns an error if they have not ended.
//
// A thread that runs goroutines ends with a goroutine that has locked it. A second processor is for such goroutines: the first one stays
// with the main goroutine, which has no thread to wait for it then. What the last thread to end leaves behind is an order for another
// one, and the processor with that (runtime: mexit, handoffp, newm), for the worker.
func endThreads() (why string) {
	// The runtime does not find a thread that is just going to sleep. It would order another one, too early.
	C.boot_sleeping_threads()
	runtime.GOMAXPROCS(2)
	threads := C.boot_sleeping_threads()
	for tries := 0; threads != 0; tries++ {
		if tries == endTries || threads < 0 {
			return "the threads of the zygote's cannot be ended"
		}
		go runtime.LockOSThread()
		threads = C.boot_sleeping_threads()
	}
	return ""
}

// tryFork has a forked child try the runtime. It returns why workers cannot have it.
func tryFork() (why string) {
	var child C.int
	if w := C.boot_try_fork(&child); w != nil {
		return C.GoString(w)
	}
	if child != 0 {
		os.Exit(tryRuntime())
	}
	return ""
}

// tryRuntime uses what of the runtime needs other threads. It returns 0 if all goes well.
func tryRuntime() int {
	var ended sync.WaitGroup
	numbers := make(chan int)
	for i := range 8 {
		ended.Go(func() {
			kept := make([][]byte, 20)
			for j := range kept {
				kept[j] = make([]byte, 1000)
			}
			time.Sleep(time.Microsecond)
			numbers <- i * len(kept)
		})
	}
	ended.Go(runtime.LockOSThread) // ends its thread
	go func() {
		ended.Wait()
		close(numbers)
	}()
	sum := 0
	for n := range numbers {
		sum += n
	}
	runtime.GC()
	if sum != 20*8*7/2 {
		return 1
	}
	return 0
}
