package lifecycle

/*
#include <stdlib.h>
#include "engine_load.h"
*/
import "C"

import (
	"cmp"
	"unsafe"

	"github.com/phpsapi/phpsapi/sapi"
)

// ExitStatus returns the status the script left: exit()'s argument, 255 after a fatal error.
func (e *Engine) ExitStatus() int {
	return int(C.engine_exit_status())
}

// SetExitStatus sets what ExitStatus returns.
func (e *Engine) SetExitStatus(status int) {
	C.engine_set_exit_status(C.int(status))
}

// RequestStartup starts a request that runs no script of its own.
func (e *Engine) RequestStartup() error {
	if C.engine_request_startup() != 0 {
		return ErrRequestStartup
	}
	return nil
}

// LoadZendExtension loads a Zend extension from a file, as php's -z does. PHP prints what goes wrong.
func (e *Engine) LoadZendExtension(path string) {
	C.engine_load_zend_extension(C.CString(path))
}

// PHPVersion returns the PHP_VERSION of the started engine, such as 8.2.36.
func (e *Engine) PHPVersion() string {
	return C.GoString(C.engine_version())
}

// Build returns what -v tells of the started engine.
func (e *Engine) Build() *sapi.Build {
	return &sapi.Build{Version: e.PHPVersion(), Built: cmp.Or(C.GoString(C.engine_built()), "unknown"), Kind: C.GoString(C.engine_build()),
		Provider: C.GoString(C.engine_build_provider()), Zend: C.GoString(C.engine_zend_version())}
}

// INIFiles are the files that the settings came from, as PHP words them; empty for none.
type INIFiles struct {
	Dir     string // where php.ini is looked for, if nowhere else
	Loaded  string // php.ini
	ScanDir string // where further files were looked for
	Scanned string // those files, separated by ",\n"
}

// INIFiles says which files module startup read.
func (e *Engine) INIFiles() INIFiles {
	return INIFiles{
		Dir:     C.GoString(C.engine_started_ini_dir()),
		Loaded:  C.GoString(C.engine_ini_file(C.ENGINE_INI_LOADED)),
		ScanDir: C.GoString(C.engine_ini_file(C.ENGINE_INI_SCAN_DIR)),
		Scanned: C.GoString(C.engine_ini_file(C.ENGINE_INI_SCANNED)),
	}
}

// Print prints text through PHP's output layer.
func (e *Engine) Print(text string) {
	memory := C.CString(text)
	defer C.free(unsafe.Pointer(memory))
	C.engine_print(memory, C.size_t(len(text)))
}

// PrintInfo prints phpinfo(), the credits left out.
func (e *Engine) PrintInfo() {
	C.engine_print_info(0)
}

// PrintAllInfo prints phpinfo() with the credits.
func (e *Engine) PrintAllInfo() {
	C.engine_print_info(1)
}

// PrintModules prints the loaded extensions as php's -m does.
func (e *Engine) PrintModules() {
	C.engine_print_modules()
}

// Reflection names what Reflect describes.
type Reflection int

// What Reflect describes: php's --rf, --rc, --re and --rz.
const (
	ReflectFunction      Reflection = C.ENGINE_REFLECT_FUNCTION
	ReflectClass         Reflection = C.ENGINE_REFLECT_CLASS
	ReflectExtension     Reflection = C.ENGINE_REFLECT_EXTENSION
	ReflectZendExtension Reflection = C.ENGINE_REFLECT_ZEND_EXTENSION
)

// Reflect prints ext/reflection's description of name. If there is none it prints the exception's message and
// sets the exit status to 1.
func (e *Engine) Reflect(kind Reflection, name string) {
	C.engine_reflect(C.enum_engine_reflection(kind), C.CString(name))
}

// PrintSettings prints PHP's own settings, those of no extension.
func (e *Engine) PrintSettings() {
	C.engine_print_settings()
}

// PrintChangedSettings prints the settings whose values are not those that are built in, as php's --ini=diff does since 8.5. An
// engine of an older PHP does not know what is built in.
func (e *Engine) PrintChangedSettings() {
	C.engine_print_changed_settings()
}

// PrintExtensionInfo prints an extension's part of phpinfo(), and reports whether there is such an extension. The
// name is in lower case.
func (e *Engine) PrintExtensionInfo(name string) bool {
	return C.engine_print_extension_info(C.CString(name)) != 0
}
