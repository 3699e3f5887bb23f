package lifecycle

/*
#include <stdlib.h>
#include "engine_load.h"
*/
import "C"

import (
	"unsafe"

	"github.com/phpsapi/phpsapi/sapi"
)

// ApplyValues applies php_value, or with admin php_admin_value, for the life of this process. unknown is called with
// the name of each setting that there is not. loaded says that an extension was loaded: CollectExtensions is then to be
// called, once, when all values are applied.
func (w *Web) ApplyValues(values []sapi.Setting, admin bool, unknown func(name string)) (loaded bool) {
	for _, v := range values {
		name, value := C.CString(v.Name), C.CString(v.Value)
		switch C.engine_apply_value(name, value, boolean(admin), 0) {
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
func (w *Web) CollectExtensions() {
	C.engine_collect_extensions()
}

// PathRules returns the rules that the version of PHP and the settings cgi.fix_pathinfo, cgi.discard_path,
// fastcgi.script_path_encoded and doc_root make.
func (e *Engine) PathRules() sapi.PathRules {
	s, php := C.engine_web_settings(), sapi.ParsePHPVersion(e.LoadedVersion())
	return sapi.PathRules{
		FixPathInfo:    bool(s.fix_pathinfo),
		DiscardPath:    bool(s.discard_path),
		DocRoot:        e.SettingText("doc_root"),
		DecodePathInfo: php.AtLeast(8, 3),
		DecodePath:     php.AtLeast(8, 5) && !bool(s.script_path_encoded),
	}
}

// Logging reports whether messages go to the client's STDERR, too: fastcgi.logging.
func (w *Web) Logging() bool { return bool(w.settings.logging) }

// Color reports whether cli_server.color is set.
func (w *Web) Color() bool { return bool(w.settings.color) }

// SettingText returns a setting's value; empty if it has none.
func (e *Engine) SettingText(name string) string {
	c := C.CString(name)
	defer C.free(unsafe.Pointer(c))
	return C.GoString(C.engine_setting_text(c))
}

// ExtendedInfo compiles scripts with information for debuggers and profilers.
func (e *Engine) ExtendedInfo() {
	C.engine_extended_info()
}

// NoChdir keeps the current directory when a script is executed.
func (e *Engine) NoChdir() {
	C.engine_no_chdir()
}
