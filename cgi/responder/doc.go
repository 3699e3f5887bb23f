// Package responder answers FastCGI requests with PHP. It sits between the protocol (package fastcgi) and PHP (package lifecycle), and is what the
// workers of php-fpm and the children of php-cgi have in common. A front end has one Responder for the life of its process, gives it one connection after another, and takes
// each request through PHP's five steps itself, so that what it adds stands between them:
//
//	for a request that has come: Read, Startup, the script or another answer (PHP), Shutdown, Finish
//
// What the front end does about listening sockets, connections that are kept, limits and logs is its own.
//
// All of it runs on the process's main thread, as PHP must. A request allocates nothing, so that the process stays as
// small as PHP is.
//
// Counterpart: main/fastcgi.c, and what sapi/cgi/cgi_main.c and sapi/fpm/fpm/fpm_main.c have in common.
package responder
