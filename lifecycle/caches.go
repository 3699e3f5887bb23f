package lifecycle

/*
#include "engine_load.h"
*/
import "C"

import (
	"unsafe"

	"github.com/phpsapi/phpsapi/sapi"
)

// Both are as large: what one has the other has at the same place.
var _ = [1]struct{}{}[unsafe.Sizeof(sapi.Caches{})-C.sizeof_struct_engine_caches]

// LookAtCaches asks PHP's caches how they are. It is for between two requests.
func LookAtCaches(into *sapi.Caches) {
	C.engine_caches_look((*C.struct_engine_caches)(unsafe.Pointer(into)))
}

// ResetOpcache has opcache forget all scripts, as opcache_reset() does, and reports whether it will: not if it is off, or about to do so
// already. It is for between two requests.
func ResetOpcache() bool { return C.engine_opcache_reset() != 0 }
