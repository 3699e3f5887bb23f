package lifecycle

/*
#include "boot.h"
*/
import "C"

import "unsafe"

// GivenUpInForks returns n places for descriptors that a process which a script forks closes at once: it must hold no
// listening socket, no connection and nothing by which the processes of the service talk. -1, which all of them are,
// stands for none. They are C's memory, so that a change costs no call.
func GivenUpInForks(n int) []int32 {
	return unsafe.Slice((*int32)(C.boot_given_up_in_forks(C.size_t(n))), n)
}
