package lifecycle

/*
#include <stdlib.h>
#include "engine.h"
*/
import "C"

import (
	"unsafe"

	"github.com/phpsapi/phpsapi/sapi"
)

// ApplyValues applies php_value, or with admin php_admin_value, for the life of this process. unknown is called with
// the name of each setting that there is not. loaded says that an extension was loaded: CollectExtensions is then to be
// called, once, when all values are applied.
func (f *FCGI) ApplyValues(values []sapi.Setting, admin bool, unknown func(name string)) (loaded bool) {
	for _, v := range values {
		name, value := C.CString(v.Name), C.CString(v.Value)
		switch C.engine_fcgi_apply_value(name, value, boolean(admin), 0) {
		case C.ENGINE_VALUE_UNKNOWN:
			unknown(v.Name)
		case C.ENGINE_VALUE_EXTENSION_LOADED:
			loaded = true
		}
		C.free(unsafe.Pointer(name))
		C.free(unsafe.Pointer(value))
	}
	return loaded
}

// CollectExtensions makes the extensions that were loaded since module startup take part in requests.
func (f *FCGI) CollectExtensions() {
	C.engine_fcgi_collect_extensions()
}

// PathRules are the rules the settings cgi.fix_pathinfo, cgi.discard_path and doc_root make.
func (f *FCGI) PathRules() sapi.PathRules {
	var s C.struct_engine_fcgi_settings
	C.engine_fcgi_settings(&s)
	rules := sapi.PathRules{FixPathInfo: s.fix_pathinfo != 0, DiscardPath: s.discard_path != 0}
	if s.doc_root != nil {
		rules.DocRoot = C.GoString(s.doc_root)
	}
	return rules
}

// Logging is fastcgi.logging: whether messages go to the client's STDERR, too.
func (f *FCGI) Logging() bool {
	return C.engine_fcgi_logging() != 0
}
