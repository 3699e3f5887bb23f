package lifecycle

/*
#include "boot.h"
*/
import "C"

import "unsafe"

// GivenUpInForks returns n places for descriptors. A process that a script forks closes the descriptors in them at once, because it must
// not hold listening sockets, connections, or sockets between the processes of the service. A place without a descriptor is -1, as all
// are at first. They are C's memory, so that a change costs no call.
func GivenUpInForks(n int) []int32 {
	return unsafe.Slice((*int32)(C.boot_given_up_in_forks(C.size_t(n))), n)
}
