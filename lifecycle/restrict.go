package lifecycle

/*
#include "boot_restrict.h"
*/
import "C"

import (
	"fmt"
	"syscall"
	"unsafe"
)

// Restrict applies to the process, in all its threads and in all processes that it will start, no new privileges, the domain of a
// Landlock ruleset unless that is -1, and a seccomp filter, as the kernel's struct sock_filter, unless that is empty. It must be
// called on the main thread, and at most once. After an error some threads may be restricted, and the process must end.
func Restrict(ruleset int, filter []byte) error {
	var what *C.char
	if errno := C.boot_restrict(C.int(ruleset), unsafe.Pointer(unsafe.SliceData(filter)), C.size_t(len(filter)), &what); errno != 0 {
		return fmt.Errorf("%s: %w", C.GoString(what), syscall.Errno(errno))
	}
	return nil
}
