// Package server is the parent of php's development server: `phpsapi cli -S address:port [-t docroot] [router]`.
//
//	server.Main          options → listening socket → zygote → accept loop → drain
//	  conn.go            one connection: read the request, find the file, answer or have it answered, close
//	    head.go body.go  read the request
//	    vpath.go         from the URL to the file
//	    static.go page.go  what needs no PHP: files, error pages
//	    pool.go child.go   what does: a worker is sent the request and the connection, and answers it itself
//
// The parent owns the listening socket, every connection until its end, the request that was read from it, and the
// workers. It never loads libphp: a script can crash its worker, not the server. A worker (package worker, below this
// one) has one request at a time; it lives until it was idle for a while or the server ends.
//
// What the parent says to a worker, and hears from it, is in message.go; every line of the log is in log.go.
//
// # Beyond php
//
// php answers one request after the other. Here requests run side by side, in as many workers as are needed, up to
// DefaultWorkers, or to the number in PHP_CLI_SERVER_WORKERS: an application that sends requests to itself does not wait
// for ever. The other differences from php:
//
//   - If a worker dies, only its request fails. The log names the signal. The client gets an error page of status 500 if
//     nothing was sent to it yet, and otherwise a closed connection.
//   - SIGINT and SIGTERM let the present requests finish; a second one ends the server at once. One that comes before PHP
//     has started ends the process by the signal, as it does php.
//   - If PHP crashes while it starts, the server ends with status 1. A zygote, the process that forks the workers, is
//     replaced if it dies later or does not answer for ten seconds, unless it died within a second.
//   - With PHP_CLI_SERVER_WORKERS one process listens, and the log says once that it started. Each line begins with the pid
//     of the process that wrote it, which for "Accepted" and "Closing" is the parent.
//   - A request's path may arrive in several pieces, if it is no longer than 16 KiB; php calls that malformed.
//   - A client that says `Expect: 100-continue` is told to continue.
//   - The log line of a 405 or 501 ends in "No such file or directory". In php it ends in the error that the last system
//     call had, whatever that was.
//   - If the host of -S has no address, the log says so. php prints a PHP warning, too.
//   - If a client sends several requests at once, the first is answered; php calls them malformed.
//   - Zend extensions given by -z are loaded.
//   - Trailers after a chunked body are read and ignored.
//   - A client that is silent for a minute in the middle of a request is given up.
//
// Counterpart: sapi/cli/php_cli_server.c.
package server
