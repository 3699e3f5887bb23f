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

// LookAtCaches writes the figures of PHP's caches, opcache and APCu, to into. It must be called between two requests.
func LookAtCaches(into *sapi.Caches) {
	C.engine_caches_look((*C.struct_engine_caches)(unsafe.Pointer(into)))
}

// ResetOpcache has opcache forget all scripts, as PHP's function opcache_reset() does. It returns false if opcache is off, or is about to
// forget them already. It must be called between two requests.
func ResetOpcache() bool { return C.engine_opcache_reset() != 0 }
