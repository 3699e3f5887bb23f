// Package worker is a process that answers the requests of one pool. A zygote forked it with PHP started; it becomes
// what its Spec says and then accepts connections itself, until it is told to go.
//
//	worker.go       Main: from the fork to the exit
//	become.go       limits, root, user, environment, PHP's values
//	loop.go         what to do next: a connection, a kept one, a word from the master
//	request.go      one request, through PHP's five steps, with package cgi/responder
//	client.go       what is heard of it meanwhile
//
// All of it runs on the process's main thread, as PHP must. A request allocates nothing, so that the process stays as
// small as PHP is; what happens rarely, such as a message for a log, may.
//
// A connection that its client keeps open never holds a worker: between two requests the worker watches it and the
// listening socket, and before it takes up a request it hands the other connection to the master, who watches it until
// its next request comes.
//
// Counterpart: sapi/fpm/fpm/fpm_children.c (fpm_child_init), fpm_main.c (main), main/fastcgi.c (fcgi_accept_request).
package worker
