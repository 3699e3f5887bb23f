// Package responder answers FastCGI requests with PHP. It sits between the protocol (package fastcgi) and PHP (package lifecycle), and is
// what the workers of php-fpm and the children of php-cgi have in common. These are its front ends: each has one Responder for the
// life of its process and gives it one connection after another. The front end takes a request through five steps, and does what it
// adds, a log line say, between them:
//
//	Read       the request's params; the body is read when the script asks for it
//	Startup    PHP's request startup
//	           the script, by Responder.PHP, or another answer in its place; Run does this and Startup at once
//	Shutdown   PHP's request shutdown
//	Finish     the end of the response, and whether the connection may carry another request
//
// Listening sockets, idle connections, limits and logs are the front end's.
//
// All of it runs on the process's main thread, as PHP must. A request allocates nothing, so that the process stays as
// small as PHP is.
//
// Counterpart: main/fastcgi.c, and what sapi/cgi/cgi_main.c and sapi/fpm/fpm/fpm_main.c have in common.
package responder
