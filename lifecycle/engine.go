package lifecycle

/*
#cgo CFLAGS: -D_GNU_SOURCE -O2 -Wall -fvisibility=hidden
#cgo LDFLAGS: -ldl -rdynamic
#include <dlfcn.h>
#include <stdlib.h>
#include "boot.h"
#include "engine_load.h"
*/
import "C"

import (
	"runtime"
	"slices"
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

// Description is what an engine says of the PHP whose headers it was compiled with.
type Description struct {
	// Contract is the version of the contract between engine and program. An engine with another one than Contract cannot be
	// used, and of it no more is known than Version and Build.
	Contract int
	Version  string // PHP_VERSION, such as 8.2.36
	Build    string // the build id, such as API20220829,NTS: extensions and libphp must have the same
	// How that PHP was configured: where it looks for php.ini, for further .ini files and for extensions, and where it was
	// to be installed.
	INIDir, ScanDir, ExtensionDir, Prefix string
}

// Contract is the version of the contract that this program and its engines must have in common.
const Contract = C.ENGINE_CONTRACT

// Minor returns MAJOR.MINOR of the version, such as 8.2.
func (d Description) Minor() string {
	if i := strings.LastIndexByte(d.Version, '.'); i > 0 {
		return d.Version[:i]
	}
	return ""
}

// Inside returns the engines inside this program, without loading any PHP. Their order has no meaning. A program that has PHP in it
// loads no other: Inside returns its engine alone.
func Inside() []Description {
	if e := C.engine_of_program(); e != nil {
		return []Description{describe(e)}
	}
	var list []Description
	for i := C.size_t(0); ; i++ {
		e := C.engine_inside(i)
		if e == nil {
			return list
		}
		list = append(list, describe(e))
	}
}

func describe(e *C.struct_engine) Description {
	d := Description{Contract: int(e.contract), Version: C.GoString(e.php_version), Build: C.GoString(e.build_id)}
	if d.Contract == Contract {
		d.INIDir, d.ScanDir = C.GoString(e.ini_dir), C.GoString(e.ini_scan_dir)
		d.ExtensionDir, d.Prefix = C.GoString(e.extension_dir), C.GoString(e.prefix)
	}
	return d
}

// ServerSoftware returns what php's development server of the started engine's version calls itself in SERVER_SOFTWARE.
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
	_ [0]struct{} = [C.ENGINE_OTHER_CONTRACT - int(sapi.EngineOtherContract)]struct{}{}
	_ [0]struct{} = [C.ENGINE_NOT_A_FILE - int(sapi.EngineNotAFile)]struct{}{}
	_ [0]struct{} = [C.ENGINE_CUT_OFF - int(sapi.EngineCutOff)]struct{}{}
	_ [0]struct{} = [C.ENGINE_LOST_END - int(sapi.EngineLostEnd)]struct{}{}
	_ [0]struct{} = [C.ENGINE_HAS_PHP - int(sapi.EngineHasPHP)]struct{}{}
)

// Versions returns the versions, MAJOR.MINOR, of the engines inside.
func Versions() []string {
	var all []string
	for _, d := range Inside() {
		if minor := d.Minor(); !slices.Contains(all, minor) {
			all = append(all, minor)
		}
	}
	return all
}

// Licenses returns the licences of the PHP that is a part of the program, as text; empty if it has none.
func Licenses() string { return C.GoString(C.engine_licenses()) }

// Choose returns the engine that is meant on this machine.
func Choose(asked engines.Asked) (engines.Choice, error) {
	return Machine().Choose(asked, Versions())
}

// Machine returns where PHPs are looked for: on this machine, and in the program.
func Machine() engines.Machine {
	m := engines.This(Self())
	if e := C.engine_of_program(); e != nil {
		m.OfProgram = C.GoString(e.php_version)
	}
	return m
}

// Version returns MAJOR.MINOR of the newest PHP that the program has an engine for, such as 8.2; empty if it has none.
func Version() string {
	return Newest().Minor()
}

// Newest returns the engine inside the program for the newest PHP; the zero Description if there is none.
func Newest() Description {
	var newest Description
	for _, d := range Inside() {
		if newest.Version == "" || engines.Compare(d.Version, newest.Version) > 0 {
			newest = d
		}
	}
	return newest
}

// Load loads a libphp, which an engine inside this program serves, or an engine that is a file of its own. path is a file, or
// a name that the dynamic loader looks for. The error is a *sapi.EngineError.
func Load(path string) (*Engine, error) {
	var refusal C.struct_engine_refusal
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	if result := C.engine_load(name, C.RTLD_NOW, &refusal); result != C.ENGINE_LOADED {
		return nil, &sapi.EngineError{Path: path, Failure: sapi.EngineFailure(result), Detail: C.GoString(&refusal.detail[0]),
			Version: C.GoString(refusal.version), Build: C.GoString(refusal.build_id)}
	}
	return &Engine{}, nil
}

// Description returns what the engine says of itself. The PHP that it runs may be another patch release: see LoadedVersion.
func (e *Engine) Description() Description {
	return describe(C.engine)
}

// LoadedVersion returns the PHP_VERSION of the loaded engine, such as 8.2.36, started or not. It is empty if the engine does not
// tell.
func (e *Engine) LoadedVersion() string {
	return C.GoString(C.engine_loaded_version())
}

// Path returns the file that the loaded engine came from.
func (e *Engine) Path() string {
	return C.GoString(C.engine_path())
}

// TakeProcess gives the process the signal dispositions, signal mask and limits that it was executed with, closes the
// Go runtime's threads to signals, and so makes it the process PHP expects. Call it once, before ModuleStartup.
// From then on no signal reaches os/signal.
func TakeProcess() {
	C.boot_take_process()
}

// RestoreScheduling gives the calling goroutine's thread, and so what it executes, the processors and the timer slack
// that exec left to the process. Any goroutine but main's has to be locked to its thread.
func RestoreScheduling() {
	C.boot_restore_scheduling()
}
