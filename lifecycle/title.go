package lifecycle

/*
#include <stdlib.h>
#include <string.h>
#include "boot_title.h"
*/
import "C"

import "unsafe"

// SetProcessTitle shows title in place of the command line, as far as there is room in the memory of the arguments
// and the environment. The strings of os.Args are overwritten: copy those that are needed afterwards.
func SetProcessTitle(title string) {
	if C.proctitle_init() == 0 {
		return
	}
	text := C.CString(title)
	defer C.free(unsafe.Pointer(text))
	C.proctitle_set(text, C.strlen(text))
}
