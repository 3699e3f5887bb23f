// Package lifecycle loads PHP and runs it. It is the only package with C.
//
// PHP is a library, libphp. An engine is libphp with a layer of C around it that fits it. A front end (cli, cgi, fpm) takes an engine
// through the five steps of PHP's life cycle:
//
//	engine, err := lifecycle.Load(path)
//	engine.ModuleStartup(module)                        once: php.ini, extensions
//	    request startup, execute, request shutdown      per request
//	engine.ModuleShutdown()                             once
//
// An Engine is asked, and told its settings, between these steps. Engine.Run runs a script of a command line, CommandLine does the same
// step by step, and Web answers the requests of a web server (CGI, FastCGI, HTTP, and those of Apache's httpd).
//
// # Processes
//
// C runs before Go: a constructor (before_go in boot.c) looks at what the process is, and Go's runtime starts only if it is needed.
//
//	php script.php       the constructor runs the script and exits; Go never starts (start_*.c)
//	php -i, phpsapi ...  the constructor returns; Go starts, and calls this package
//	zygote               the constructor starts PHP, with one thread, and returns when the first worker is asked for. Go starts,
//	                     BecomeWorker ends Go's threads and forks workers (boot_forkable.c); in the zygote it never returns
//	  worker             forked from it, with PHP and Go started; BecomeWorker returns what the worker is to do
//
// If this Go runtime cannot be forked, the zygote executes itself again, and Go starts in each worker instead.
//
// Package lifecycle/zygote is the other side, in the process that starts a zygote. boot_zygote.c has the picture of their conversation, and
// handover.h that of CGI requests that a zygote answers.
//
// # The C
//
// It is thin: it does what only C can, because it takes a macro of Zend's, the core of PHP, or because Go cannot run there. What is
// compiled against PHP's headers is in the directory engine, once for each PHP (make engines). The rest reaches it by the functions in
// engine.h alone, the contract. The other files include none of PHP's headers: what happens before Go (boot_*.c), what runs without Go
// (start_*.c), the engines inside the program and the one that is loaded (engine_*.c), the requests of CGI programs (cgi_*.c), those that
// they hand over (handover_*.c), and those of Apache's httpd (httpd_*.c).
//
// # What always holds
//
// PHP runs on the process's main thread, always: this build of PHP is not thread-safe and has one set of globals, it measures its
// stack on that thread, and deep recursion gets the whole of the stack. The package locks the thread for the main goroutine, so
// every method must be called from the main goroutine. There is one engine in a process; it lives until
// ModuleShutdown and cannot be started again.
//
// No longjmp crosses a Go frame. PHP ends a script, after a fatal error or exit(), by a longjmp that it calls a bailout; each C function
// that runs PHP code catches bailouts itself.
package lifecycle
