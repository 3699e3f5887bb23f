// Package lifecycle loads an engine, and takes the five steps every front end runs PHP through.
//
//	engine, err := lifecycle.Load(path)
//	engine.ModuleStartup(module)
//	    request startup, execute, request shutdown      per request
//	engine.ModuleShutdown()
//
// All of phpsapi's C is here, and it is thin: Zend's macros, zend_try, and what must happen where Go cannot run. What is
// compiled against PHP's headers is in the directory engine, once for each PHP (make engines), and reached by the contract in
// engine.h alone. The other files know no PHP: what happens before Go (boot_*.c), what runs without Go (start_*.c), the engines
// inside the program and the one that is loaded (engine_*.c), the requests of CGI programs (cgi_*.c), those that they hand over
// (handover_*.c).
//
// PHP runs on the process's main thread, always: the non-thread-safe engine has one set of globals, it measures its
// stack there, and deep recursion gets the whole of it. The package locks that thread for the main goroutine, so
// every method must be called from the main goroutine. There is one engine in a process; it lives until
// ModuleShutdown and cannot be started again.
//
// No longjmp crosses a Go frame: each C function that runs PHP code catches Zend's bailouts itself.
package lifecycle
