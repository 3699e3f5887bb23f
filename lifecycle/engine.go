package lifecycle

/*
#cgo CFLAGS: -D_GNU_SOURCE -O2 -Wall -fvisibility=hidden
#cgo CFLAGS: -I/usr/include/php/20220829 -I/usr/include/php/20220829/main -I/usr/include/php/20220829/Zend
#cgo CFLAGS: -I/usr/include/php/20220829/TSRM -I/usr/include/php/20220829/ext
#cgo LDFLAGS: -ldl -rdynamic
#include <stdlib.h>
#include "engine.h"
*/
import "C"

import (
	"runtime"
	"strings"
	"unsafe"

	"github.com/phpsapi/phpsapi/sapi"
	"github.com/phpsapi/phpsapi/sapi/engines"
)

func init() {
	// The main goroutine, and with it PHP, stays on the process's main thread.
	runtime.LockOSThread()
}

// Engine is the process's Zend Engine.
type Engine struct {
	module *C.struct_engine_module
}

// HeaderVersion is the PHP version of the headers the binary was built with, such as 8.2.36.
func HeaderVersion() string {
	return C.GoString(C.engine_header_version())
}

// Version is MAJOR.MINOR of the engine the binary works with, such as 8.2.
func Version() string {
	parts := strings.SplitN(HeaderVersion(), ".", 3)
	return parts[0] + "." + parts[1]
}

// HeaderBuild is the build id of the headers the binary was built with, such as API20220829,NTS. Extensions and libphp
// must have the same.
func HeaderBuild() string {
	return C.GoString(C.engine_header_build_id())
}

// ServerSoftware is what php's development server of the started engine's version calls itself in SERVER_SOFTWARE.
func ServerSoftware() string {
	return C.GoString(C.engine_server_software())
}

// The failures' numbers are the same on both sides.
var (
	_ [0]struct{} = [C.ENGINE_NOT_OPENED - int(sapi.EngineNotOpened)]struct{}{}
	_ [0]struct{} = [C.ENGINE_NOT_PHP - int(sapi.EngineNotPHP)]struct{}{}
	_ [0]struct{} = [C.ENGINE_OTHER_BUILD - int(sapi.EngineOtherBuild)]struct{}{}
	_ [0]struct{} = [C.ENGINE_OTHER_LAYOUT - int(sapi.EngineOtherLayout)]struct{}{}
	_ [0]struct{} = [C.ENGINE_LACKS_SYMBOL - int(sapi.EngineLacksSymbol)]struct{}{}
)

// Inside returns the versions, MAJOR.MINOR, of the engines that are inside this program.
func Inside() []string {
	return []string{Version()}
}

// Choose returns the engine that is meant on this machine.
func Choose(asked engines.Asked) (engines.Choice, error) {
	return engines.This(Self()).Choose(asked, Inside())
}

// Load loads libphp. path is a file, or a name that the dynamic loader looks for. The error is a *sapi.EngineError.
func Load(path string) (*Engine, error) {
	var detail [1024]C.char
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	if result := C.engine_load(name, &detail[0], C.size_t(len(detail))); result != C.ENGINE_LOADED {
		return nil, &sapi.EngineError{Path: path, Failure: sapi.EngineFailure(result), Detail: C.GoString(&detail[0]),
			Version: HeaderVersion(), Build: HeaderBuild()}
	}
	return &Engine{}, nil
}

// LoadedVersion is the PHP_VERSION of the loaded engine, such as 8.2.36, started or not. It is empty if the engine does not
// tell.
func (e *Engine) LoadedVersion() string {
	return C.GoString(C.engine_loaded_version())
}

// Path is the file that the loaded engine came from.
func (e *Engine) Path() string {
	return C.GoString(C.engine_path())
}

// TakeProcess gives the process the signal dispositions, signal mask and limits that it was executed with, closes the
// Go runtime's threads to signals, and so makes it the process PHP expects. Call it once, before ModuleStartup.
// From then on no signal reaches os/signal.
func TakeProcess() {
	C.engine_take_process()
}

// RestoreScheduling gives the calling goroutine's thread, and so what it executes, the processors and the timer slack
// that exec left to the process. Any goroutine but main's has to be locked to its thread.
func RestoreScheduling() {
	C.engine_restore_scheduling()
}
