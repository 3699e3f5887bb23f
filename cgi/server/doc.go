// Package server is php-cgi as a FastCGI server, apart from PHP: `phpsapi cgi -b address`, or a listening socket as
// standard input.
//
//	settings.go   what the environment says: PHP_FCGI_CHILDREN and its like
//	processes.go  the limits that PHP_FCGI_CHILDREN must keep to
//	listen.go     the socket of -b
//	server.go     the parent of PHP_FCGI_CHILDREN children
//	crew.go       a zygote, which forks them
//	message.go    what it tells them, and what it says on standard error
//
// Where there are to be children this is their parent: it starts a zygote and has it fork them, replaces those that
// end, and never loads libphp. Without PHP_FCGI_CHILDREN there is one process, as with php-cgi: package cgi/worker is
// then called at once.
//
// # Beyond php-cgi
//
//   - A unix socket is made with mode 0660, and is removed at the end; PHPSAPI_CGI_SOCKET_MODE asks for another. What is
//     in its place is removed before only where it is a socket. php-cgi makes it 0777, removes anything, and leaves its
//     own behind.
//   - [::1]:9000 is an address of IPv6.
//   - FCGI_WEB_SERVER_ADDRS rules over a socket on standard input, too.
//   - On TERM, INT, QUIT and USR1 the parent waits for its children's requests, 10 seconds or those of
//     PHPSAPI_CGI_STOP_TIMEOUT, and kills the children that have not finished then. A child gives up a client whose
//     request is incomplete and that is silent for a second. php-cgi's parent leaves its children alone, and after a
//     USR1 its next children end as soon as they are born. When the parent dies, so do the children, after their
//     requests.
//   - PHP_FCGI_CHILDREN is refused if it is not a number, or above the limits of processes: pid_max, threads-max, pids.max of
//     the control groups, RLIMIT_NPROC. php-cgi forks until it fails.
//   - A child that dies is reported; one that dies at once is replaced ever more slowly.
//   - A connection that is kept and idle does not hold its child.
//
// Counterpart: sapi/cgi/cgi_main.c (main), main/fastcgi.c (fcgi_listen).
package server
