// Package worker is a process that answers the requests of one pool. A zygote forked it with PHP started. It becomes what its
// orders say, a contract.Spec from the master, and then accepts connections itself, until it is told to end.
//
//	worker.go       Main: from the fork to the exit
//	become.go       limits, root, user, environment, PHP's values; apparmor.go: the AppArmor profile
//	control.go      the socket to the master, and what comes over it
//	serve.go        what to do next: a connection, a kept one, a word from the master; and one request, from its reading to the end of
//	                its response, with package cgi/responder. refuse.go: what is answered in place of a script
//	kept.go         the connection that waits for another request; wait.go: the descriptors that the worker waits for
//	client.go       PHP's messages, and its questions, during a request
//	http.go         connections by HTTP, with package direct
//	workermode.go   worker mode: a script that boots an application once, and asks for one request after another
//	handed.go       connections that are handed on to workers that run other scripts, and the end that gets them
//	apache.go       requests that Apache's httpd sends
//	peers.go        which processes may ask at a unix socket
//	status.go       the ping page and the status page
//	access.go       the access log; log.go: PHP's messages for the error log; cpu.go: the CPU time of a request; tracing.go: traces
//	caches.go       the figures of opcache and APCu, for the master
//	interrupt.go    requests that take too long, or whose client has left: a thread of C's watches them
//	trace.go        the stack for the slow log, on a thread of its own; profile.go: samples for a profile, likewise
//
// Everything else runs on the process's main thread, as PHP must. A request allocates nothing, so that the process stays as
// small as PHP is; what happens rarely, such as a message for a log, may.
//
// A connection that its client keeps open never holds a worker. Between two requests the worker watches one such connection and the
// listening socket. If a request comes elsewhere, the worker first hands the kept connection to the master, which watches it until
// a request comes on it.
//
// Counterpart: sapi/fpm/fpm/fpm_children.c (fpm_child_init), fpm_main.c (main), main/fastcgi.c (fcgi_accept_request).
package worker
