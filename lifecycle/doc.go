// Package lifecycle loads PHP and runs it. It is the only package with C.
//
// PHP is a library, libphp. An engine is libphp with a layer of C around it that fits it. A front end (cli, cgi, fpm) takes an engine
// through five steps, which PHP calls its life cycle:
//
//	engine, err := lifecycle.Load(path)
//	engine.ModuleStartup(module)                        once: php.ini, extensions
//	    request startup, execute, request shutdown      per request
//	engine.ModuleShutdown()                             once
//
// Engine has what is asked and set between the steps, Web the requests of a web server (CGI, FastCGI, HTTP), and Run a script
// of a command line.
//
// # Processes
//
// C runs before Go: a constructor (before_go in boot.c) looks at what the process is, and Go's runtime starts only if it is needed.
//
//	php script.php       the constructor runs the script and exits; Go never starts (start_*.c)
//	php -i, phpsapi ...  the constructor returns; Go starts, and calls this package
//	zygote               a process with PHP started and one thread, which never returns from the constructor but in a child:
//	  worker             forked from it; Go starts here, and CurrentWorker returns what the worker is to do
//
// Package lifecycle/zygote is the other side, in the process that starts a zygote. boot_zygote.c has the picture of their conversation, and
// handover.h that of CGI requests that a zygote answers.
//
// # The C
//
// It is thin: Zend's macros, zend_try, and what must happen where Go cannot run. What is compiled against PHP's headers is in
// the directory engine, once for each PHP (make engines), and reached by the contract in engine.h alone. The other files include none of PHP's
// headers: what happens before Go (boot_*.c), what runs without Go (start_*.c), the engines inside the program and the one that is loaded
// (engine_*.c), the requests of CGI programs (cgi_*.c), those that they hand over (handover_*.c).
//
// # What always holds
//
// PHP runs on the process's main thread, always: the non-thread-safe engine has one set of globals, it measures its
// stack there, and deep recursion gets the whole of it. The package locks that thread for the main goroutine, so
// every method must be called from the main goroutine. There is one engine in a process; it lives until
// ModuleShutdown and cannot be started again.
//
// No longjmp crosses a Go frame: each C function that runs PHP code catches Zend's bailouts itself.
package lifecycle
