// Package server is php-cgi as a FastCGI server, apart from PHP: `phpsapi cgi -b address`, or a listening socket as
// standard input.
//
//	settings.go   what the environment sets: PHP_FCGI_CHILDREN, PHP_FCGI_MAX_REQUESTS and others
//	processes.go  how many processes the system allows, which PHP_FCGI_CHILDREN must not exceed
//	listen.go     the socket of -b
//	server.go     the parent of PHP_FCGI_CHILDREN children
//	crew.go       the zygote, in which PHP was started and which forks the children
//	message.go    what it tells them, and what it says on standard error
//
// With PHP_FCGI_CHILDREN the process is the parent of children, which answer the requests (package cgi/worker). It starts a zygote, has
// that fork the children, replaces those that end, and never loads libphp. Without PHP_FCGI_CHILDREN there is one process, as with
// php-cgi: Main is not called, and package cgi/worker answers in this process.
//
// # Beyond php-cgi
//
//   - A unix socket is made with mode 0660, and is removed at the end; PHPSAPI_CGI_SOCKET_MODE asks for another. What is
//     in its place is removed before only if it is a socket. php-cgi makes its socket with mode 0777, removes whatever is in
//     its place, and leaves the socket behind.
//   - -b takes addresses of IPv6: [::1]:9000.
//   - FCGI_WEB_SERVER_ADDRS, the addresses that may connect, counts for a socket on standard input, too.
//   - On TERM, INT, QUIT and USR1 the parent waits for its children's requests, 10 seconds or those of
//     PHPSAPI_CGI_STOP_TIMEOUT, and kills the children that have not finished then. A child gives up a client whose
//     request is incomplete and that is silent for a second. php-cgi's parent lets its children live on, and the children
//     that it forks after a USR1 end at once.
//   - If the parent dies, the children finish their requests and end.
//   - PHP_FCGI_CHILDREN is refused if it is not a number, or more processes than the system allows: by pid_max, threads-max,
//     pids.max of the control groups, or RLIMIT_NPROC. php-cgi forks until fork fails.
//   - A child that dies is reported on standard error. If children die at once, the time before the next is forked grows.
//   - A connection that its client keeps open does not hold a child while it is idle.
//
// Counterpart: sapi/cgi/cgi_main.c (main), main/fastcgi.c (fcgi_listen).
package server
