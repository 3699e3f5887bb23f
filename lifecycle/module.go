package lifecycle

/*
#include <stdlib.h>
#include "engine_load.h"
*/
import "C"

import (
	"errors"
	"unsafe"

	"github.com/phpsapi/phpsapi/sapi"
)

// ErrModuleStartup says that php_module_startup failed. PHP has printed why.
var ErrModuleStartup = errors.New("PHP could not be started")

// ModuleStartup reads php.ini, registers the extensions and leaves the engine ready for requests. What m says is
// copied and kept until ModuleShutdown. The error is ErrModuleStartup.
func (e *Engine) ModuleStartup(m sapi.Module) error {
	e.module = moduleInC(m)
	if C.engine_module_startup(e.module) != 0 {
		return ErrModuleStartup
	}
	return nil
}

// ModuleShutdown ends the engine. No other method may be called after it.
func (e *Engine) ModuleShutdown() {
	C.engine_module_shutdown()
}

// moduleInC copies m to C's memory, for good.
func moduleInC(m sapi.Module) *C.struct_engine_module {
	c := (*C.struct_engine_module)(C.calloc(1, C.sizeof_struct_engine_module))
	c.front_end = C.enum_engine_front_end(m.FrontEnd())
	c.name = C.CString(m.Name)
	c.pretty_name = C.CString(m.PrettyName)
	c.binary = C.CString(m.Binary)
	if m.INI.Path != "" {
		c.ini_path = C.CString(m.INI.Path)
	}
	c.ini_embed = C.CString(m.INI.Embed)
	c.ini_dir = C.CString(m.INI.Dir)
	c.ini_scan_default = C.CString(m.INI.ScanDefault)
	c.ini_scan_dir = C.CString(m.INI.ScanDir)
	c.ini_entries = C.CString(m.INI.Entries)
	c.ini_defaults, c.ini_defaults_len = settings(m.INI.Defaults)
	c.ini_search = boolean(m.INI.Search)
	c.ini_ignore = boolean(m.INI.Ignore)
	c.phpinfo_as_text = boolean(m.InfoAsText)
	c.dl = boolean(m.DL)
	c.without_pcntl = boolean(m.WithoutPCNTL)
	c.extended_info = boolean(m.ExtendedInfo)
	c.worker_mode = boolean(m.WorkerMode)
	c.interrupts = boolean(m.Interrupts)
	return c
}

func settings(list []sapi.Setting) (*C.struct_engine_pair, C.size_t) {
	if len(list) == 0 {
		return nil, 0
	}
	memory := (*C.struct_engine_pair)(C.calloc(C.size_t(len(list)), C.sizeof_struct_engine_pair))
	for i, s := range list {
		pair := &unsafe.Slice(memory, len(list))[i]
		pair.name = C.CString(s.Name)
		pair.value = C.CString(s.Value)
	}
	return memory, C.size_t(len(list))
}

func boolean(b bool) C.int {
	if b {
		return 1
	}
	return 0
}
