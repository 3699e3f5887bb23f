// Package lifecycle is the engine: libphp, loaded at run time, and the five steps every front end runs it through.
//
//	engine, err := lifecycle.Load(path)
//	engine.ModuleStartup(module)
//	    request startup, execute, request shutdown      per request
//	engine.ModuleShutdown()
//
// All of phpsapi's C is here, and it is thin: Zend's macros, zend_try, and what must happen where Go cannot run. PHP
// runs on the process's main thread, always: the non-thread-safe engine has one set of globals, it measures its
// stack there, and deep recursion gets the whole of it. The package locks that thread for the main goroutine, so
// every method must be called from the main goroutine. There is one engine in a process; it lives until
// ModuleShutdown and cannot be started again.
//
// No longjmp crosses a Go frame: each C function that runs PHP code catches Zend's bailouts itself.
package lifecycle
